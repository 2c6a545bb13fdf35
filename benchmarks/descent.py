"""What descent costs and what it saves: a large text asked with every leaf scored, and without.

The evidence suite's documents make one text, about a million tokens; more text from the standard
library makes it longer. Every question is asked with every leaf scored, and with descent as in use
(`retrieval/descent.py`), one after the other. Compared are the evidence in the contexts, the leaves
that are looked at closely, and the time to weigh the leaves; the weights of a question have seen no
set of its family.

    python benchmarks/descent.py [--data FOLDER] [--questions 3] [--tokens 0 10000000]

Some minutes. A run with the questions and lengths of the default is written to ``results``, any
other where ``--out`` says.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import data
import environment
import numpy as np
import stdlib_text

BUDGETS = (512, 2048)
TOKENS = (0, 10_000_000)  # lengths; at the least the suite itself
QUESTIONS = 3  # of each document, at most
REPEATS = 3  # of which the fastest is timed
FULL, DESCENT = "every leaf", "descent"


@dataclass(frozen=True)
class Asked:
    """A question to the large text: its evidence is counted from the text's beginning."""

    dataset: str
    question: str
    evidence: tuple[data.Span, ...]


def haystack(documents: Sequence[data.Document], tokens: int) -> tuple[str, list[Asked]]:
    """One text of all documents, and more text behind them up to about that many tokens."""
    parts, asked, start = [], [], 0
    for document in documents:
        for question in document.questions:
            spans = tuple((start + begin, start + end) for begin, end in question.evidence)
            asked.append(Asked(document.dataset, question.question, spans))
        parts.append(document.text + "\n\n")
        start += len(parts[-1])
    lacking = round(tokens * stdlib_text.CHARACTERS_A_TOKEN) - start
    if lacking > 0:
        parts.append(stdlib_text.text(lacking))
    return "".join(parts), asked


@contextmanager
def scoring(way: str) -> Iterator[None]:
    """Score every leaf, or as many as in use."""
    from hier.retrieval import descent

    usual = descent.MOST
    descent.MOST = sys.maxsize if way == FULL else usual
    try:
        yield
    finally:
        descent.MOST = usual


def compare(tree: Any, asked: Asked) -> dict[str, Any]:
    """Ask one question both ways."""
    from hier.relevance import weigh

    weights = data.left_out_weights(data.family(asked.dataset), "static")
    own = replace(tree, relevance=str(weights))
    row: dict[str, Any] = {"set": asked.dataset, "recall": {}, "milliseconds": {}}
    pools = []
    for way in (FULL, DESCENT):
        with scoring(way):
            times = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                found = weigh(own, asked.question)
                times.append(1000 * (time.perf_counter() - began))
            row["milliseconds"][way] = min(times)
            contexts = [own.compress(asked.question, budget) for budget in BUDGETS]
        spans = [[(s.start, s.end) for s in context.segments] for context in contexts]
        row["recall"][way] = [data.covered(asked.evidence, each) for each in spans]
        pools.append(found.pool)
        row["opened"] = len(found.opened)
    row["same"] = len(np.intersect1d(*pools)) / len(pools[0])
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one text: recall is the mean of a set's questions, then of the sets."""
    sets = sorted({row["set"] for row in rows})
    recall = {
        way: [
            fmean(fmean(r["recall"][way][i] for r in rows if r["set"] == name) for name in sets)
            for i in range(len(BUDGETS))
        ]
        for way in (FULL, DESCENT)
    }
    return {
        "questions": len(rows),
        "opened": round(median(row["opened"] for row in rows)),
        "recall": recall,
        "changed": [
            sum(row["recall"][FULL][i] != row["recall"][DESCENT][i] for row in rows)
            for i in range(len(BUDGETS))
        ],
        "same_pool": fmean(row["same"] for row in rows),
        "same_pool_least": min(row["same"] for row in rows),
        "milliseconds": {
            way: median(row["milliseconds"][way] for row in rows) for way in (FULL, DESCENT)
        },
    }


def measure(documents: Sequence[data.Document], tokens: int) -> dict[str, Any]:
    """Build one text and ask all questions."""
    import hier

    text, asked = haystack(documents, tokens)
    tree = hier.build(text, tokenizer=data.TOKENIZER)
    for way in (FULL, DESCENT):  # what the first question unpacks is not timed
        with scoring(way):
            tree.compress(asked[0].question, BUDGETS[0])
    rows = [compare(tree, each) for each in asked]
    return {"tokens": tree.tokens, "leaves": len(tree.leaf_start)} | summary(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every length, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data.default_folder())
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each document")
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--out", type=Path, help="folder; default: results, if nothing was chosen")
    options = parser.parse_args(arguments)
    about = environment.describe()
    try:
        documents = data.evidence_suite(options.data, questions=options.questions)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    texts = []
    for tokens in options.tokens:
        texts.append(measure(documents, tokens))
        print(texts[-1], flush=True)
    whole = options.questions == QUESTIONS and tuple(options.tokens) == TOKENS
    out = options.out or (environment.RESULTS if whole else None)
    if out:
        settings = {"embedder": "static", "tokenizer": data.TOKENIZER, "budgets": list(BUDGETS)}
        result = {"environment": about, "settings": settings, "texts": texts}
        environment.write(out / "descent.json", result)
        print(out / "descent.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
