"""Many thousands of generated contexts, every one checked against the guarantees.

A case is a text, a token counter, a query and a budget; ten cases share a text, built once. Checked
on each: the exact budget on the final string, recounted by a counter that is not the engine's;
verbatim segments are exact spans, in document order, without overlap, and stand in the context in
that order. A sample is built and asked again and must give the same bytes; the digest of all
contexts must not depend on the number of workers. Exit 1, and the numbers of the cases, when one
fails.

    python benchmarks/soak.py [--cases 100000] [--seed N] [--workers 2] [--only CASE]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import hashlib
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import environment
import hostile

CASES_A_TEXT = 10
LARGEST_BUDGET = 5000
REPEATED = 20  # one text in so many is built and asked a second time


@dataclass
class Report:
    """What happened to the cases of one text, or of many."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def note(self, **facts: str) -> None:
        """Count one case under each of its properties."""
        for name, value in facts.items():
            self.counts.setdefault(name, Counter())[value] += 1

    def add(self, other: "Report") -> None:
        """Take in the report of another text."""
        for name, counter in other.counts.items():
            self.counts.setdefault(name, Counter()).update(counter)
        self.failures += other.failures
        self.digests += other.digests


@dataclass(frozen=True)
class Case:
    """One query at one budget."""

    number: int
    query_kind: str
    query: str | None
    budget: int


@dataclass(frozen=True)
class Group:
    """One text, its counter and the cases put to it."""

    text_kind: str
    text: str
    counter: str
    cases: tuple[Case, ...]


def group(index: int, seed: int) -> Group:
    """The ``index``-th text and its cases; the same for the same seed, on any machine."""
    rng = random.Random(f"{seed}:{index}")
    kinds = list(hostile.TEXTS)
    kind = kinds[index % len(kinds)]
    text = hostile.TEXTS[kind](rng)
    if not text.strip():
        text += "x"
    counter = rng.choice(list(hostile.COUNTERS))
    _, count = hostile.COUNTERS[counter]()
    whole = count(text)
    cases = []
    for number in range(CASES_A_TEXT):
        query_kind = rng.choice(list(hostile.QUERIES))
        query = hostile.QUERIES[query_kind](rng, text)
        budget = _budget(rng, whole)
        cases.append(Case(index * CASES_A_TEXT + number, query_kind, query, budget))
    return Group(kind, text, counter, tuple(cases))


def _budget(rng: random.Random, whole: int) -> int:
    """Small, middling and large budgets alike; some within a token or two of the whole text."""
    if rng.random() < 0.15:
        return min(max(1, whole + rng.randint(-2, 2)), LARGEST_BUDGET)
    return round(math.exp(rng.uniform(0, math.log(LARGEST_BUDGET))))


def faults(source: str, context: Any, budget: int, count: hostile.Counter) -> list[str]:
    """Every guarantee that a context breaks, in words; none when it keeps them all."""
    found = []
    counted = count(context.text)
    if context.tokens != counted:
        found.append(f"says {context.tokens} tokens, has {counted}")
    if counted > budget:
        found.append(f"{counted} tokens for a budget of {budget}")
    if str(context) != context.text or context.budget != budget:
        found.append("str(context) or context.budget is wrong")
    found += _segment_faults(source, context)
    return found


def _segment_faults(source: str, context: Any) -> Iterator[str]:
    end = position = 0
    for segment in context.segments:
        where = f"segment {segment.start}:{segment.end}"
        if segment.kind not in ("verbatim", "summary"):
            yield f"{where} is of kind {segment.kind!r}"
        if segment.kind == "verbatim" and source[segment.start : segment.end] != segment.text:
            yield f"{where} is not that span of the source"
        if not end <= segment.start < segment.end <= len(source):
            yield f"{where} overlaps, is out of order, empty or outside the source"
        place = context.text.find(segment.text, position)
        if place < 0:
            yield f"{where} does not stand in the context in its order"
        else:
            position = place + len(segment.text)
        end = max(end, segment.end)


def check(index: int, seed: int) -> Report:
    """Build one text, run its cases, report."""
    import hier

    asked = group(index, seed)
    tokenizer, count = hostile.COUNTERS[asked.counter]()
    report = Report()
    try:
        tree = hier.build(asked.text, tokenizer=tokenizer)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what the soak looks for
        for case in asked.cases:
            _note(report, asked, case, "fault")
            _fail(report, asked, case, [f"build raised {type(error).__name__}: {error}"])
        return report
    again = hier.build(asked.text, tokenizer=tokenizer) if index % REPEATED == 0 else None
    contexts = hashlib.sha256()
    for case in asked.cases:
        text, outcome, found = _run(tree, asked, case, count)
        if again is not None and _run(again, asked, case, count)[:2] != (text, outcome):
            found.append("a second build gives another context")
        contexts.update(f"{outcome}\0{text}\0".encode("utf-8", "surrogatepass"))
        _note(report, asked, case, "fault" if found else outcome)
        if found:
            _fail(report, asked, case, found)
    report.digests.append(contexts.hexdigest())
    return report


def _run(tree: Any, asked: Group, case: Case, count: hostile.Counter) -> tuple[str, str, list[str]]:
    """One compression: the context's text, what came of it, and its faults."""
    from hier import BudgetError

    try:
        context = tree.compress(case.query, budget=case.budget)
    except BudgetError as error:
        excuse = count("") > case.budget  # nothing at all costs more than the budget
        return "", "budget error", [] if excuse else [f"BudgetError: {error}"]
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what the soak looks for
        return "", "raised", [f"{type(error).__name__}: {error}"]
    outcome = "whole text" if context.text == asked.text else "part" if context.text else "empty"
    return context.text, outcome, faults(asked.text, context, case.budget, count)


def _note(report: Report, asked: Group, case: Case, outcome: str) -> None:
    report.note(
        text=asked.text_kind, tokenizer=asked.counter, query=case.query_kind, outcome=outcome
    )


def _fail(report: Report, asked: Group, case: Case, found: Iterable[str]) -> None:
    report.failures.append(
        {
            "case": case.number,
            "text": asked.text_kind,
            "characters": len(asked.text),
            "tokenizer": asked.counter,
            "query": case.query_kind,
            "budget": case.budget,
            "faults": [fault.encode("utf-8", "backslashreplace").decode() for fault in found],
        }
    )


def run(cases: int, seed: int, workers: int) -> Report:
    """Check at least that many cases; the report does not depend on the number of workers."""
    groups = range(math.ceil(cases / CASES_A_TEXT))
    total = Report()
    if workers < 2:
        for index in groups:
            total.add(check(index, seed))
        return total
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for report in pool.map(partial(check, seed=seed), groups, chunksize=8):
            total.add(report)
    return total


def digest(report: Report) -> str:
    """One digest of all contexts, in the order of the cases."""
    return hashlib.sha256("".join(report.digests).encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print the counts, write the result file; 1 if a guarantee broke."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--cases", type=int, default=100_000)
    add("--seed", type=int, default=environment.SEED)
    add("--workers", type=int, default=2)
    add("--only", type=int, metavar="CASE", help="run again the text of one case, by its number")
    add("--out", type=Path, default=environment.RESULTS / "soak.json", help="'-' writes none")
    options = described.parse_args(arguments)
    began = time.perf_counter()
    if options.only is not None:
        report = check(options.only // CASES_A_TEXT, options.seed)
    else:
        report = run(options.cases, options.seed, options.workers)
    seconds = time.perf_counter() - began
    cases = sum(report.counts.get("outcome", Counter()).values())
    for failure in report.failures[:20]:
        print(failure)
    for name, counter in report.counts.items():
        print(f"{name}: " + ", ".join(f"{key} {n}" for key, n in sorted(counter.items())))
    print(f"{cases} cases in {seconds:.0f} s, {len(report.failures)} failed")
    if options.only is None and str(options.out) != "-":
        result = {
            "environment": environment.describe(options.seed),
            "cases": cases,
            "failed": len(report.failures),
            "seconds": seconds,
            "workers": options.workers,
            "digest": digest(report),
            "counts": {name: dict(sorted(c.items())) for name, c in report.counts.items()},
            "failures": report.failures[:100],
        }
        environment.write(options.out, result)
        print(f"written: {options.out}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
