"""How good allocation is, how good its certificate, and how long both take.

Three parts, each of which can be run alone while the result file keeps the others:

- ``exact``: 2,000 small problems, random and real, beside their exact optimum;
- ``greedy``: the suites at five budgets, beside the simple greedy and beside nested choices;
- ``time``: allocation without relevance, on texts of 100,000 to 10 million tokens.

Needs scipy; real problems need data and are made of Python's own help where there is none, as the
questions of ``greedy`` are then planted facts. Exit 1 when a target is missed.

    python benchmarks/allocation.py [--parts exact,greedy,time] [--out FILE]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import allocation_charts
import allocation_exact
import allocation_greedy
import allocation_time
import data
import environment
import speed
from parts import finish
from targets import Target

PARTS = ("exact", "greedy", "time")
LARGE, LONGEST = 1_000_000, 10_000_000
MOST_GROWTH = 3.0  # of the time from one to the other
Figures = dict[str, Any]


def targets(result: Figures) -> list[Target]:
    """The targets of the parts that the result has."""
    lines: list[Target] = []
    if "exact" in result:
        found = result["exact"]["groups"]["all"]
        optimality, certificate = found["optimality"], found["certificate"]
        lines += [
            Target("value / exact optimum, median", 0.98, optimality["median"], least=True),
            Target("value / exact optimum, worst", 0.90, optimality["worst"], least=True),
            Target("value / upper bound, median", 0.90, certificate["median"], least=True),
            Target("upper bounds below the exact optimum", 0, found["broken"]),
        ]
    if "time" in result:
        lines += _times(result["time"]["lengths"])
    return lines


def _times(rows: Sequence[Figures]) -> Iterator[Target]:
    by_length = {
        length: row["allocation_ms"]["median"]
        for length in (LARGE, LONGEST)
        for row in rows
        if abs(row["tokens"] / length - 1) < 0.1
    }
    if LARGE in by_length:
        yield Target("allocation at 1M tokens, median", 10, by_length[LARGE], "ms")
        if LONGEST in by_length:
            grown = by_length[LONGEST] / by_length[LARGE]
            yield Target("allocation at 10M tokens / at 1M", MOST_GROWTH, grown, "x")


def exact(options: argparse.Namespace) -> Figures:
    """Measure small problems beside their optimum."""
    found = allocation_exact.measure(options.problems, options.data, options.workers)
    print(f"{'problems':<24}{'':>6}  value / optimum           value / bound")
    for name, figures in (found["groups"] | found["families"]).items():
        cells = [figures[kind] for kind in ("optimality", "certificate")]
        told = "   ".join(f"{c['median']:.4f} {c['low']:.4f} {c['worst']:.4f}" for c in cells)
        print(f"{name:<24}{figures['problems']:>6}  {told}  broken {figures['broken']}")
    return found


def greedy(options: argparse.Namespace) -> Figures:
    """Measure the suites beside the simple greedy and nested choices."""
    members = allocation_greedy.suites(options.data, options.documents, options.questions)
    found = allocation_greedy.measure(
        members, workers=options.workers, seed=environment.SEED % 2**31
    )
    for suite, figures in found["suites"].items():
        for place, budget in enumerate(found["budgets"]):
            recalls = (figures[rule]["recall"][place][0] for rule in allocation_greedy.RULES)
            over = (
                f"{100 * figures[f'allocate over {rule}'][kind][place][0]:+6.2f}"
                for rule in allocation_greedy.RULES[1:]
                for kind in ("recall", "value")
            )
            print(
                f"{suite:<10}{budget:>6}  recall " + " ".join(f"{r:.4f}" for r in recalls),
                f" over greedy, nested (recall, value) {' '.join(over)}",
                f" certificate {figures['certificate'][place][0]:.3f}",
            )
    return found


def pace(options: argparse.Namespace) -> Figures:
    """Measure the time of allocation."""
    rows = allocation_time.measure(speed.affordable(options.lengths))
    for row in rows:
        alone, whole = row["allocation_ms"], row["compress_ms"]
        print(
            f"{row['tokens']:>10,} tokens  allocation {alone['median']:6.2f} ms "
            f"(p95 {alone['p95']:.2f})  compress {whole['median']:6.2f} ms (p95 {whole['p95']:.2f})"
        )
    return {"budget": allocation_time.BUDGET, "lengths": rows}


MEASURED: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "exact": exact,
    "greedy": greedy,
    "time": pace,
}


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--parts", type=_parts, default=PARTS, help="comma-separated: " + ", ".join(PARTS))
    add("--data", type=Path, default=data.default_folder(), help="folder of data sets")
    add("--problems", type=int, default=2000, help="of the exact part, half of them real")
    add("--documents", type=int, help="of each set of the greedy part")
    add("--questions", type=int, help="of each document of the greedy part")
    lengths = ",".join(map(str, allocation_time.LENGTHS))
    add("--lengths", type=_numbers, default=lengths, help="tokens of the timed texts")
    add("--workers", type=int, default=2, help="processes; what is timed runs alone")
    add("--out", type=Path, default=environment.RESULTS / "allocation.json", help="'-': none")
    return described


def _parts(value: str) -> tuple[str, ...]:
    parts = tuple(value.split(","))
    if unknown := sorted(set(parts) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return parts


def _numbers(value: str) -> list[int]:
    return [int(number) for number in value.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file and the charts; 1 if a target was missed."""
    options = parser().parse_args(arguments)
    about = environment.describe()
    found = {}
    try:
        for part in options.parts:
            began = time.perf_counter()
            found[part] = {"commit": about["commit"], "date": about["date"]}
            found[part] |= MEASURED[part](options)
            found[part]["seconds"] = time.perf_counter() - began
            print(f"{part}: {found[part]['seconds']:.0f} s\n", flush=True)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    return finish(options, about, found, PARTS, targets, allocation_charts.draw)


if __name__ == "__main__":
    sys.exit(main())
