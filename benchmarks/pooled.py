"""A corpus beside scoring every one of its trees in full: evidence kept, and what it costs.

All documents of the evidence suite's sets stand in one corpus, the pools split at their headings
into the documents they were pooled from. Questions are asked of the whole corpus. *Corpus* is
``Corpus.compress``: search names documents, these are joined and weighed. *Every tree* joins all
documents once, and weighs every leaf for every question; the time to join is not counted. Both
choose with weights that were learned without any set of the question's family. Exit 1 when less
than 98 % of the evidence is kept.

    python benchmarks/pooled.py [--questions 1] [--sets squad,cuad --out FILE]
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import bootstrap
import data
import descent
import environment
import numpy as np
import weighing
from targets import Target, exit_code

Figures = dict[str, Any]
BUDGETS = (512, 2048)
DOCUMENTS = 6  # of each set that are asked about
QUESTIONS = 2  # of each of them, at most
WORKERS = 2
KEPT = 0.98  # of the evidence that scoring every tree keeps
POOLS = ("hotpotqa_pool", "hotpotqa_para_pool", "musique_pool", "2wiki_pool", "pubmedqa_pool")
FULL, CORPUS = "every tree", "corpus"
_HEADING = re.compile(r"^## ", re.MULTILINE)
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Asked:
    """A question, the document it comes from, and its evidence: names and characters."""

    dataset: str
    document: str
    question: str
    evidence: tuple[Place, ...]


def split(document: data.Document, name: str) -> list[tuple[str, str, int]]:
    """The documents that a document of a set stands for: name, text, and where that begins."""
    if document.dataset not in POOLS:
        return [(f"{name}.txt", document.text, 0)]
    cuts = [match.start() for match in _HEADING.finditer(document.text)]
    cuts = [0, *(cut for cut in cuts if cut), len(document.text)]
    return [
        (f"{name}/{number:04}.txt", document.text[start:end], start)
        for number, (start, end) in enumerate(pairwise(cuts))
    ]


def pool(folder: Path, sets: Sequence[str], questions: int) -> tuple[dict[str, str], list[Asked]]:
    """All documents of some sets by name, and questions to the first documents of each set."""
    texts: dict[str, str] = {}
    asked: list[Asked] = []
    for dataset in sets:
        for number, read in enumerate(data.read(data.find(folder, dataset))):
            document = replace(read, dataset=dataset)
            parts = split(document, f"{dataset}/{number:03}")
            texts |= {part: text for part, text, _ in parts if text.strip()}
            if number < DOCUMENTS:
                with_evidence = [q for q in document.questions if q.evidence][:questions]
                asked += [
                    Asked(dataset, read.doc_id, q.question, tuple(_evidence(parts, q.evidence)))
                    for q in with_evidence
                ]
    return texts, asked


def _evidence(
    parts: Sequence[tuple[str, str, int]], evidence: Sequence[data.Span]
) -> Iterator[Place]:
    """Evidence of a document as places in the documents that it stands for."""
    for start, end in evidence:
        for name, text, begin in parts:
            low, high = max(start - begin, 0), min(end - begin, len(text))
            if low < high:
                yield name, low, high


def kept(evidence: Sequence[Place], context: Any, texts: Mapping[str, str]) -> float:
    """Share of the evidence's characters that stand in a context's verbatim segments."""
    shown: dict[str, list[data.Span]] = {}
    for segment in context.segments:
        if segment.kind == "verbatim":
            name, start, end = segment.document_id, segment.start, segment.end
            if texts[name][start:end] != segment.text:
                raise RuntimeError(f"{name} does not hold what is shown of its {start} to {end}")
            shown.setdefault(name, []).append((start, end))
    sizes = [end - start for _, start, end in evidence]
    found = [
        size * data.covered([(start, end)], shown.get(name, ()))
        for size, (name, start, end) in zip(sizes, evidence, strict=True)
    ]
    return sum(found) / sum(sizes)


def build(texts: Mapping[str, str], folder: Path, store: Path) -> None:
    """Make the corpus of a folder of files, and its index."""
    from hier.corpus.corpus import Corpus

    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    with Corpus.create(store, tokenizer=data.TOKENIZER) as corpus:
        report = corpus.sync(folder, workers=WORKERS)
        if len(report.added) != len(texts):
            raise RuntimeError(f"of {len(texts)} documents {len(report.added)} were added")
        corpus.compress("A question nobody asked yet", BUDGETS[0])


def weighed_by(store: Path, weights: Path) -> Any:
    """Open the corpus, its leaves to be weighed by other weights: no tree depends on them."""
    from hier.corpus.corpus import Corpus
    from hier.corpus.database import Database

    database = Database(store)
    with database.transaction():
        database.write_settings({"relevance": str(weights)})
    database.close()
    return Corpus.open(store)


def join_all(corpus: Any) -> Any:
    """All documents of a corpus as one tree."""
    from hier.corpus.join import join
    from hier.corpus.placing import Run

    names = [row.id for row in corpus.documents]
    sources = corpus._library.load(names)
    runs = [Run(sources[name], 0, len(sources[name].leaf_start) - 1) for name in names]
    return join(runs, corpus._library.lexicon, corpus._library.manner)


def compare(store: Path, asked: Sequence[Asked], texts: Mapping[str, str]) -> Iterator[Figures]:
    """Ask all questions both ways, those of a family of sets together."""
    joined = None
    by_family = sorted(asked, key=lambda each: data.family(each.dataset))
    for family, some in groupby(by_family, key=lambda each: data.family(each.dataset)):
        weights = data.left_out_weights(family, "static")
        with weighed_by(store, weights) as corpus:
            joined = joined or join_all(corpus)
            whole = replace(joined.tree, relevance=str(weights))
            corpus.compress("A question nobody asked yet", BUDGETS[0])  # opens what is opened once
            for each in some:
                yield _row(each, corpus, replace(joined, tree=whole), texts)


def _row(each: Asked, corpus: Any, joined: Any, texts: Mapping[str, str]) -> Figures:
    """Ask one question both ways, at each budget."""
    from hier.corpus.attribution import attribute

    row: Figures = {"set": each.dataset, "document": each.document, "ways": {}}
    for way, compress in ((FULL, joined.tree.compress), (CORPUS, corpus.compress)):
        recalls, times = [], []
        with (
            descent.scoring(descent.FULL if way == FULL else descent.DESCENT),
            weighing.watched() as seen,
        ):
            for budget in BUDGETS:
                began = time.perf_counter()
                context = compress(each.question, budget)
                times.append(1000 * (time.perf_counter() - began))
                named = attribute(context, joined) if way == FULL else context
                recalls.append(kept(each.evidence, named, texts))
        leaves = max(one.scored for one in seen)
        row["ways"][way] = {"recall": recalls, "milliseconds": times, "leaves": leaves}
    return row


def summary(rows: Sequence[Figures]) -> Figures:
    """Means of sets and over sets, with intervals, and medians of cost."""
    sets = [row["set"] for row in rows]
    drawn = bootstrap.strata(sets, [row["document"] for row in rows], seed=environment.SEED)
    values = np.array([_recalls(row) for row in rows])
    means, replicates = bootstrap.macro(values, drawn)
    n = len(BUDGETS)
    ratios = replicates[:, n:] / replicates[:, :n]
    low, high = bootstrap.interval(ratios)
    below, above = bootstrap.interval(replicates)
    return {
        "macro": {
            way: [[means[i], below[i], above[i]] for i in range(place * n, (place + 1) * n)]
            for place, way in enumerate((FULL, CORPUS))
        },
        "ratio": [[means[n + i] / means[i], low[i], high[i]] for i in range(n)],
        "sets": {
            name: {
                "questions": sets.count(name),
                FULL: values[_of(sets, name)].mean(0)[:n].tolist(),
                CORPUS: values[_of(sets, name)].mean(0)[n:].tolist(),
            }
            for name in dict.fromkeys(sets)
        },
        "differing": [int((values[:, i] != values[:, n + i]).sum()) for i in range(n)],
        "cost": {
            way: {
                "ms": median(ms for row in rows for ms in row["ways"][way]["milliseconds"]),
                "leaves": median(row["ways"][way]["leaves"] for row in rows),
            }
            for way in (FULL, CORPUS)
        },
    }


def _recalls(row: Figures) -> list[float]:
    return [*row["ways"][FULL]["recall"], *row["ways"][CORPUS]["recall"]]


def _of(sets: Sequence[str], name: str) -> list[int]:
    return [place for place, each in enumerate(sets) if each == name]


def targets(result: Figures) -> list[Target]:
    """Evidence kept of what scoring every tree keeps, and the work."""
    cost = result["cost"]
    lines = [
        Target(f"evidence / every tree scored, {budget} tokens", KEPT, ratio[0], "", least=True)
        for budget, ratio in zip(result["settings"]["budgets"], result["ratio"], strict=True)
    ]
    for name in ("ms", "leaves"):
        share = cost[CORPUS][name] / cost[FULL][name]
        lines.append(Target(f"{name} / every tree scored", 0.5, share, ""))
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the figures; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data.default_folder())
    parser.add_argument("--sets", type=lambda value: value.split(","), default=data.EVIDENCE_SETS)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each document")
    parser.add_argument("--out", type=Path, help="file; default: results, if nothing was chosen")
    options = parser.parse_args(arguments)
    about = environment.describe()
    try:
        texts, asked = pool(options.data, options.sets, options.questions)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "pooled.hier"
        build(texts, Path(name) / "documents", store)
        rows = list(compare(store, asked, texts))
    settings = {
        "embedder": "static",
        "tokenizer": data.TOKENIZER,
        "budgets": list(BUDGETS),
        "documents": len(texts),
        "characters": sum(map(len, texts.values())),
        "questions": len(asked),
    }
    result: Figures = {"environment": about, "settings": settings, **summary(rows)}
    lines = targets(result)
    result["targets"] = [line.row("least") for line in lines]
    print(*report(result), "", *lines, sep="\n")
    chosen = tuple(options.sets) == data.EVIDENCE_SETS and options.questions == QUESTIONS
    out = options.out or (environment.RESULTS / "pooled.json" if chosen else None)
    if out:
        environment.write(out, result)
        print("written:", out)
    return exit_code(lines)


def report(result: Figures) -> Iterator[str]:
    """The figures as lines of text."""
    for name, row in result["sets"].items():
        cells = zip(row[CORPUS], row[FULL], strict=True)
        told = "   ".join(f"{own:.3f} of {full:.3f}" for own, full in cells)
        yield f"{name:<20}{row['questions']:>5} questions   {told}"
    for budget, (ratio, low, high) in zip(
        result["settings"]["budgets"], result["ratio"], strict=True
    ):
        yield f"{budget} tokens: {ratio:.2%} of every tree's ({low:.2%} to {high:.2%})"
    for way, cost in result["cost"].items():
        yield f"{way:<12}{cost['ms']:8.0f} ms   {cost['leaves']:9,.0f} leaves scored"


if __name__ == "__main__":
    sys.exit(main())
