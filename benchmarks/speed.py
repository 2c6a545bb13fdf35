"""Speed and memory as ratios of one run, beside the targets of the design.

Build time is divided by the time of one ``tiktoken`` ``encode_ordinary`` of the same text, taken in
turns with it in the same process, so the figure travels from machine to machine. Every length and
every cold start is a process of its own (`probe.py`); "cold" means a new process whose files the
system has read before. Exit 1 when a target is missed.

    python benchmarks/speed.py [--lengths 10000,100000] [--out FILE]
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import charts
import environment
import stdlib_text
from targets import Target, exit_code

LENGTHS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 5_000_000, 10_000_000)
LARGE = 1_000_000
LONG_ENOUGH = 100_000  # growth is fitted from here on; below, fixed costs show
STARTS = 5
BYTES_A_TOKEN = 600
PROBE = Path(__file__).with_name("probe.py")


def probe(*arguments: object, script: Path = PROBE) -> dict[str, Any]:
    """The measurement of one `probe.py` process, or one of another script like it."""
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_length(tokens: int, folder: Path, save: Path | None) -> dict[str, Any]:
    """Build and compress at one length; the tree is saved when a place is given."""
    path = write_text(tokens, folder)
    row = probe("pace", path, *(("--save", save) if save else ()))
    times = row.pop("compress_ms")
    row["compress_ms_median"] = median(times)
    row["compress_ms_p95"] = times[math.ceil(0.95 * len(times)) - 1]
    print(
        f"{row['tokens']:>10,} tokens  encode {row['encode_seconds']:8.3f} s  "
        f"build {row['build_seconds']:8.3f} s  ratio {row['ratio']:5.2f}  "
        f"compress {row['compress_ms_median']:6.1f} ms (p95 {row['compress_ms_p95']:.1f})",
        flush=True,
    )
    return row


def write_text(tokens: int, folder: Path) -> Path:
    """A file with about that many tokens of `stdlib_text`."""
    path = folder / f"{tokens}.txt"
    if not path.exists():
        text = stdlib_text.text(round(tokens * stdlib_text.CHARACTERS_A_TOKEN))
        path.write_text(text, encoding="utf-8", newline="")
    return path


def command_line(folder: Path) -> list[float]:
    """Seconds of ``hier compress`` on a file of 106,000 tokens, each time from a new process."""
    script = Path(sys.executable).with_name("hier")
    path = folder / "reference.txt"
    path.write_text(stdlib_text.reference(), encoding="utf-8")
    command = [str(script), "compress", str(path), "-q", stdlib_text.QUESTIONS[0], "-b", "2000"]
    seconds = []
    for _ in range(STARTS):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode or not done.stdout.strip():
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return seconds


def segmentation(characters: int = 20_000_000) -> float:
    """Seconds to cut 20 MB of text into blocks and sentences, tokens known."""
    from hier.segment import segment
    from hier.tokens import load_tokenizer

    text = stdlib_text.text(characters)
    sizes = load_tokenizer("o200k_base").sizes(text)
    began = time.perf_counter()
    segment(text, sizes)
    return time.perf_counter() - began


def growth(rows: Sequence[dict[str, Any]], key: str) -> float:
    """Exponent of growth with length: the slope of log value over log tokens; 1 is linear."""
    points = [(math.log(r["tokens"]), math.log(r[key])) for r in rows if r["tokens"] > LONG_ENOUGH]
    if len(points) < 2:
        return math.nan
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)


def targets(result: dict[str, Any]) -> list[Target]:
    """The design's targets beside what was measured; those not measured in this run left out."""
    rows = result["lengths"]
    large = [row for row in rows if abs(row["tokens"] / LARGE - 1) < 0.1]
    lines = [
        Target("build / one tiktoken encode, worst length", 6, max(r["ratio"] for r in rows), "x"),
        Target("build, exponent of growth", 1.05, growth(rows, "build_seconds"), ""),
        Target("compress, exponent of growth", 0.99, growth(rows, "compress_ms_median"), ""),
        Target("hier compress, 106k tokens, cold", 2, median(result["command_line_seconds"]), "s"),
        Target("import hier", 0.3, median(result["import_seconds"]), "s"),
    ]
    if large:
        lines += [
            Target("segment 20 MB", 2.5, result["segment_20mb_seconds"], "s"),
            Target("compress at 1M tokens, median", 25, large[0]["compress_ms_median"], "ms"),
            Target("load a tree of 1M tokens", 0.1, median(result["load_seconds"]), "s"),
        ]
    if "memory" in result:
        memory = result["memory"]
        lines += [
            Target("peak while building", 600, memory["peak_bytes_per_token"], "B/token"),
            Target("finished tree", 200, memory["tree_bytes_per_token"], "B/token"),
        ]
    return [line for line in lines if not math.isnan(line.figure)]


def run(lengths: Sequence[int], seed: int) -> dict[str, Any]:
    """All measurements of one run."""
    result: dict[str, Any] = {"environment": environment.describe(seed)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved = folder / "tree"
        result["lengths"] = [
            measure_length(n, folder, saved if n == LARGE else None) for n in lengths
        ]
        if LARGE in lengths:
            loads = [probe("load", saved) for _ in range(STARTS)]
            result["load_seconds"] = [found["load_seconds"] for found in loads]
            result["first_compress_seconds"] = [f["first_compress_seconds"] for f in loads]
        longest = min(LARGE, max(lengths))
        if sys.platform == "linux":
            tokens = next(
                r["tokens"] for r, n in zip(result["lengths"], lengths, strict=True) if n == longest
            )
            result["memory"] = probe("memory", write_text(longest, folder), "--tokens", tokens)
        result["import_seconds"] = [probe("import")["import_seconds"] for _ in range(STARTS)]
        result["command_line_seconds"] = command_line(folder)
    if LARGE in lengths:
        result["segment_20mb_seconds"] = segmentation()
    return result


def affordable(lengths: Sequence[int]) -> list[int]:
    """The lengths whose build fits in half of this machine's memory; says which do not."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fitting = [n for n in lengths if n * BYTES_A_TOKEN <= memory / 2]
    for length in sorted(set(lengths) - set(fitting)):
        print(f"{length:>10,} tokens left out: this machine has {memory / 1e9:.0f} GB")
    return fitting


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file and the charts; 1 if a target was missed."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--lengths", default=",".join(map(str, LENGTHS)), help="tokens, comma-separated, ascending")
    add("--out", type=Path, default=environment.RESULTS / "speed.json", help="'-' writes none")
    options = described.parse_args(arguments)
    lengths = affordable([int(n) for n in options.lengths.split(",")])
    result = run(lengths, environment.SEED)
    lines = targets(result)
    result["targets"] = [line.row("unit") for line in lines]
    print("", *lines, sep="\n")
    if str(options.out) != "-":
        environment.write(options.out, result)
        drawn = charts.draw_speed(result, options.out.parent)
        print("written:", options.out, *drawn)
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())
