"""Macro evidence recall: how much of the gold evidence a context holds, at four exact budgets.

Recall of a question is the share of its evidence's characters inside the context's verbatim
segments; mean over a set's questions, then mean over sets. Each document is built once and answers
all its questions at all budgets. Tokens are recounted by tiktoken on ``context.text``: one context
over its budget, or one wrong count, fails the run (exit 1).

    python benchmarks/evidence.py --data FOLDER [--sets squad,cuad] [--build KEY=JSON]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from typing import Any

import data
import environment


@dataclass(frozen=True)
class Settings:
    """What is measured: the engine's arguments and the budgets."""

    embedder: str = "static"
    budgets: tuple[int, ...] = data.BUDGETS
    tokenizer: str = data.TOKENIZER
    build: dict[str, Any] = field(default_factory=dict)
    compress: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One question at one budget."""

    dataset: str
    doc_id: str
    question: str
    budget: int
    recall: float
    tokens: int
    recounted: int
    source_tokens: int
    optimality: float
    milliseconds: float
    segments: int


def measure(document: data.Document, settings: Settings) -> list[Record]:
    """Build one document and ask it all its questions at all budgets."""
    import hier

    tree = hier.build(
        document.text,
        embedder=settings.embedder,
        tokenizer=settings.tokenizer,
        **settings.build,
    )
    count = environment.token_counter(settings.tokenizer)
    source_tokens = count(document.text)
    records = []
    for question in document.questions:
        for budget in settings.budgets:
            began = time.perf_counter()
            context = tree.compress(question.question, budget=budget, **settings.compress)
            elapsed = time.perf_counter() - began
            spans = [(s.start, s.end) for s in context.segments if s.kind == "verbatim"]
            records.append(
                Record(
                    dataset=document.dataset,
                    doc_id=document.doc_id,
                    question=question.id,
                    budget=budget,
                    recall=data.covered(question.evidence, spans),
                    tokens=context.tokens,
                    recounted=count(context.text),
                    source_tokens=source_tokens,
                    optimality=float(context.optimality),
                    milliseconds=1000 * elapsed,
                    segments=len(context.segments),
                )
            )
    return records


def run(
    documents: Sequence[data.Document],
    settings: Settings,
    workers: int = 2,
    task: Callable[[data.Document, Settings], list[Any]] = measure,
) -> list[Any]:
    """Do the task for every document; its records in suite order.

    The longest documents start first, so that the workers end together.
    """
    if workers < 2:
        return [record for document in documents for record in task(document, settings)]
    order = sorted(range(len(documents)), key=lambda i: -_cost(documents[i]))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = {i: pool.submit(task, documents[i], settings) for i in order}
        return [record for i in range(len(documents)) for record in jobs[i].result()]


def _cost(document: data.Document) -> int:
    return len(document.text) * (4 + len(document.questions))


def summarise(records: Iterable[Record]) -> dict[str, Any]:
    """Means per set and budget, and the macro mean over sets."""
    cells: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        cells[record.dataset, record.budget].append(record)
    sets = list(dict.fromkeys(name for name, _ in cells))
    budgets = sorted({budget for _, budget in cells})
    per_set = {
        name: {str(b): _means(cells[name, b]) for b in budgets if (name, b) in cells}
        for name in sets
    }
    macro = {
        str(b): {
            key: fmean(per_set[name][str(b)][key] for name in sets)
            for key in ("recall", "saved", "budget_used", "optimality", "milliseconds")
        }
        for b in budgets
    }
    everything = [record for cell in cells.values() for record in cell]
    return {
        "macro": macro,
        "overshoots": sum(r.recounted > r.budget for r in everything),
        "miscounts": sum(r.recounted != r.tokens for r in everything),
        "contexts": len(everything),
        "median_milliseconds": median(r.milliseconds for r in everything),
        "sets": per_set,
    }


def _means(records: list[Record]) -> dict[str, float]:
    return {
        "questions": len(records),
        "recall": fmean(r.recall for r in records),
        "saved": fmean(1 - r.recounted / r.source_tokens for r in records),
        "budget_used": fmean(r.recounted / r.budget for r in records),
        "optimality": fmean(r.optimality for r in records),
        "milliseconds": fmean(r.milliseconds for r in records),
        "segments": fmean(r.segments for r in records),
    }


def table(summary: dict[str, Any]) -> Iterator[str]:
    """The summary as lines of text."""
    budgets = list(summary["macro"])
    yield f"{'set':<20}{'questions':>10}" + "".join(f"{b:>9}" for b in budgets)
    for name, cells in summary["sets"].items():
        recalls = "".join(f"{cells[b]['recall']:9.3f}" for b in budgets)
        yield f"{name:<20}{cells[budgets[0]]['questions']:>10}{recalls}"
    for label, key, form in (
        ("macro recall", "recall", "9.4f"),
        ("tokens saved", "saved", "9.3f"),
        ("budget used", "budget_used", "9.3f"),
        ("optimality", "optimality", "9.3f"),
        ("compress ms", "milliseconds", "9.1f"),
    ):
        values = "".join(f"{summary['macro'][b][key]:{form}}" for b in budgets)
        yield f"{label:<30}{values}"
    yield (
        f"{summary['contexts']} contexts, {summary['overshoots']} over budget, "
        f"{summary['miscounts']} miscounted"
    )


def _assignment(value: str) -> tuple[str, Any]:
    key, separator, text = value.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected KEY=JSON, found {value!r}")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, default=data.default_folder(), help="folder of JSON-lines sets")
    add("--sets", default=",".join(data.EVIDENCE_SETS), help="comma-separated names of sets")
    add("--documents", type=int, default=6, help="documents of each set")
    add("--questions", type=int, default=12, help="questions of each document")
    add("--budgets", default=",".join(map(str, data.BUDGETS)), help="comma-separated budgets")
    add("--embedder", default="static", help="static, or the name of a sentence-transformers model")
    add("--build", type=_assignment, action="append", default=[], help="KEY=JSON for hier.build")
    add("--compress", type=_assignment, action="append", default=[], help="KEY=JSON for compress")
    add("--workers", type=int, default=2, help="processes")
    add("--records", type=Path, help="write one JSON line per question and budget here")
    add("--out", type=Path, help="result file; '-' writes none")
    return described


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the result file; 1 if a context overshot its budget."""
    options = parser().parse_args(arguments)
    settings = Settings(
        embedder=options.embedder,
        budgets=tuple(int(b) for b in options.budgets.split(",")),
        build=dict(options.build),
        compress=dict(options.compress),
    )
    sets = options.sets.split(",")
    try:
        suite = data.evidence_suite(options.data, sets, options.documents, options.questions)
    except data.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    began = time.perf_counter()
    records = run(suite, settings, options.workers)
    summary = summarise(records)
    print("\n".join(table(summary)))
    print(f"{time.perf_counter() - began:.1f} s with {options.workers} workers")
    if options.records:
        lines = (json.dumps(asdict(record)) for record in records)
        options.records.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write(options, settings, sets, summary)
    return 1 if summary["overshoots"] or summary["miscounts"] else 0


def _write(
    options: argparse.Namespace, settings: Settings, sets: list[str], summary: dict[str, Any]
) -> None:
    """Write the result file; only a full run of the suite goes to the default place."""
    defaults = parser().parse_args([])
    kept = ("sets", "documents", "questions", "budgets", "build", "compress")
    whole = all(getattr(options, key) == getattr(defaults, key) for key in kept)
    if str(options.out) == "-" or not (options.out or whole):
        return
    name = settings.embedder.rsplit("/", 1)[-1]
    path = options.out or environment.RESULTS / f"evidence-{name}.json"
    result = {"environment": environment.describe(), "settings": asdict(settings), "suite": sets}
    environment.write(path, result | {"workers": options.workers} | summary)
    print(f"written: {path}")


if __name__ == "__main__":
    sys.exit(main())
