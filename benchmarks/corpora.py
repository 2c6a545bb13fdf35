"""Corpora: how fast they are built, synced, opened and asked, and how large they are, against size.

Five parts, each measured in processes of its own: *build*, documents of several lengths, one worker
(seconds from a folder to a committed store, beside one ``tiktoken`` encode of the same); *workers*,
one beside two; *again*, the whole command over a folder that the store knows, unchanged and with
one file changed; *sizes*, corpora of several sizes: store, index, opening, fifty questions, memory;
*shards*, one corpus in one store and in many.
Exit 1 when a target is missed.

    python benchmarks/corpora.py [--parts build,sizes] [--out FILE]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import corpora_charts
import corpora_text
import environment
import numpy as np
import speed
import stdlib_text
from corpora_targets import pace, targets
from parts import finish

Figures = dict[str, Any]
PROBE = Path(__file__).with_name("corpora_probe.py")
SIZES = (100_000, 1_000_000, 10_000_000)  # tokens of a corpus
BUILT = 1_500_000  # tokens of the folders that are built
SPREAD = 4_000_000  # tokens of the folder that is built by one and by two
SPLIT = 1_000_000  # tokens of the corpus that is dealt into shards
SHARDS = (1, 4, 16)
FILES = 1_000  # of the folder that is synced again
FILE_TOKENS = 1_000
TURNS = 2
STARTS = 5


def probe(*arguments: object) -> Figures:
    """The measurement of one `corpora_probe.py` process."""
    return speed.probe(*arguments, script=PROBE)


def build(options: argparse.Namespace, folder: Path) -> Figures:
    """Documents of each length built by one worker: of some turns the fastest."""
    rows = []
    for length in options.lengths:
        source = folder / f"alike-{length}"
        corpora_text.write_folder(source, corpora_text.alike(length, options.built))
        turns = [
            probe("build", folder / f"alike-{length}-{turn}.hier", "--folder", source, "--warm")
            for turn in range(TURNS)
        ]
        rows.append({"length": length, **min(turns, key=lambda row: row["seconds"])})
        row = rows[-1]
        told = f"{row['documents']:>6,} documents of {length:>7,} tokens"
        print(f"{told}: {pace(row):9,.0f} tokens/s", flush=True)
    return {"turns": TURNS, "rows": rows}


def workers(options: argparse.Namespace, folder: Path) -> Figures:
    """One folder built by one worker and by two, in turn: of some turns the fastest of each."""
    source, counts = folder / "spread", (1, 2)
    corpora_text.write_folder(source, corpora_text.mixed(options.spread))
    turns: dict[int, list[Figures]] = {count: [] for count in counts}
    for turn in range(TURNS):
        for count in counts:
            store = folder / f"spread-{turn}-{count}.hier"
            turns[count].append(probe("build", store, "--folder", source, "--workers", count))
    one, two = (min(turns[count], key=lambda row: row["seconds"]) for count in counts)
    for count, row in zip(counts, (one, two), strict=True):
        print(f"{count} worker(s): {pace(row):9,.0f} tokens/s", flush=True)
    return {"turns": TURNS, "one": one, "two": two, "speedup": one["seconds"] / two["seconds"]}


def again(options: argparse.Namespace, folder: Path) -> Figures:
    """Seconds of the whole command, each time from a new process, over a folder that is known."""
    source, store = folder / "again", folder / "again.hier"
    corpora_text.write_folder(source, [FILE_TOKENS] * options.files)
    first = _command(source, store)
    unchanged = [_command(source, store) for _ in range(STARTS)]
    changed = []
    for number, path in enumerate(sorted(source.rglob("*.txt"))[:STARTS]):
        text = stdlib_text.text(
            round(FILE_TOKENS * stdlib_text.CHARACTERS_A_TOKEN), seed=number + 7
        )
        path.write_text(text, encoding="utf-8", newline="")
        changed.append(_command(source, store))
        time.sleep(corpora_text.AGED)
        _command(source, store)  # which sees that it is old now
    print(f"unchanged {median(unchanged):.2f} s, one changed {median(changed):.2f} s", flush=True)
    return {
        "files": options.files,
        "file_tokens": FILE_TOKENS,
        "first_seconds": first,
        "unchanged_seconds": unchanged,
        "changed_seconds": changed,
    }


def _command(source: Path, store: Path) -> float:
    """Seconds of one command that brings the store up to date."""
    command = [*COMMAND, str(source), "-o", str(store)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return seconds


COMMAND = (str(Path(sys.executable).with_name("hier")), "build")


def sizes(options: argparse.Namespace, folder: Path) -> Figures:
    """Corpora of each size, built by two workers, opened and asked in processes of their own."""
    rows = []
    for tokens in options.sizes:
        source, store = folder / f"mixed-{tokens}", folder / f"mixed-{tokens}.hier"
        corpora_text.write_folder(source, corpora_text.mixed(tokens))
        built = probe("build", store, "--folder", source, "--workers", 2)
        index = probe("index", store)
        row = probe("ask", store)
        changes = [probe("change", store, "--seed", seed) for seed in range(1, TURNS + 1)]
        row = _asked(row) | {"built": built, "index": index}
        row |= {name: min(each[name] for each in changes) for name in changes[0]}
        rows.append(row)
        print(
            f"{row['tokens']:>10,} tokens: open {row['open_seconds']:.2f} s, first question "
            f"{row['first_ms']:.0f} ms, then {row['ms']['median']:.0f} ms (p95 "
            f"{row['ms']['p95']:.0f}), peak {row['peak_bytes'] / 1e6:.0f} MB, one document "
            f"added in {row['change_seconds']:.2f} s",
            flush=True,
        )
    return {"rows": rows}


def shards(options: argparse.Namespace, folder: Path) -> Figures:
    """The same documents in one store and dealt into many, asked by one process."""
    whole, rows, digests = folder / "whole", [], set()
    corpora_text.write_folder(whole, corpora_text.mixed(options.split))
    for count in SHARDS:
        parts = folder / f"{count}-parts"
        for number, path in enumerate(sorted(whole.rglob("*.txt"))):
            part = parts / f"{number % count:03}" / path.relative_to(whole)
            part.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, part)
        stores = [folder / f"{count}-{number}.hier" for number in range(count)]
        probe("shards", *stores, "--folder", parts)
        row = probe("ask", *stores)
        digests.add(row["digest"])
        rows.append({"shards": count, **_asked(row)})
        print(f"{count:>3} shards: {rows[-1]['ms']['median']:.0f} ms", flush=True)
    return {"rows": rows, "same_answers": len(digests) == 1}


def _asked(row: Figures) -> Figures:
    """What a process measured that asked fifty questions, with the figures of each kind."""
    asked = row["asked"]
    kinds = list(dict.fromkeys(each["kind"] for each in asked))
    return {name: row[name] for name in row if name not in ("asked", "digest")} | {
        "questions": len(asked),
        "ms": _middle_and_tail([each["ms"] for each in asked]),
        "weighing_ms": median(each["weighing_ms"] for each in asked),
        "leaves_scored": median(each["leaves"] for each in asked),
        "kinds": {
            kind: {
                "questions": len(some),
                "ms": median(each["ms"] for each in some),
                "documents": median(each["documents"] for each in some),
            }
            for kind in kinds
            for some in [[each for each in asked if each["kind"] == kind]]
        },
    }


def _middle_and_tail(values: Sequence[float]) -> dict[str, float]:
    middle, tail = np.quantile(values, [0.5, 0.95]).tolist()
    return {"median": middle, "p95": tail}


PARTS: dict[str, Callable[[argparse.Namespace, Path], Figures]] = {
    "build": build,
    "workers": workers,
    "again": again,
    "sizes": sizes,
    "shards": shards,
}


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--parts", type=_parts, default=tuple(PARTS), help="comma-separated: " + ", ".join(PARTS))
    add("--lengths", type=_numbers, default=corpora_text.LENGTHS, help="tokens of a document")
    add("--built", type=int, default=BUILT, help="tokens of the folders that are built")
    add("--spread", type=int, default=SPREAD, help="tokens of what one and two workers build")
    add("--split", type=int, default=SPLIT, help="tokens of what is dealt into shards")
    add("--files", type=int, default=FILES, help="of the folder that is synced again")
    add("--sizes", type=_numbers, default=SIZES, help="tokens of the corpora, ascending")
    add("--out", type=Path, default=environment.RESULTS / "corpora.json", help="'-': none")
    return described


def _parts(value: str) -> tuple[str, ...]:
    parts = tuple(value.split(","))
    if unknown := sorted(set(parts) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return parts


def _numbers(value: str) -> tuple[int, ...]:
    return tuple(int(number) for number in value.split(","))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file and the charts; 1 if a target was missed."""
    options = parser().parse_args(arguments)
    about = environment.describe()
    found: Figures = {}
    for part in options.parts:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            measured = PARTS[part](options, Path(name))
        took = time.perf_counter() - began
        found[part] = {"commit": about["commit"], "date": about["date"], **measured, "took": took}
        print(f"{part}: {took:.0f} s\n", flush=True)
    return finish(options, about, found, PARTS, targets, corpora_charts.draw)


if __name__ == "__main__":
    sys.exit(main())
