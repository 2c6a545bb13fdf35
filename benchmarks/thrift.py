"""Knowing when to stop: what `budget="auto"` spends and keeps, beside fixed budgets.

Every question of the evidence suite is asked at fixed budgets, and with a ceiling of 2,048 tokens
at many prices (percent of all that is relevant that a thousand tokens must add; `hier.budget`).
Tokens and evidence recall are means over questions within sets, then over sets. Each set is judged
by weights that never saw its family of sets. The price of "balanced" was chosen by this command.

A row "known" says what could be saved at no loss: each question at the smallest of the fixed
budgets that keeps as much of its evidence as the ceiling does, which nobody knows beforehand. Where
the ceiling keeps none, that is the smallest of all.

    python benchmarks/thrift.py [--data FOLDER] [--embedders static,sentence-transformers/...]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

import charts
import curves
import data
import embedding
import environment
from targets import Target, exit_code

from hier.budget import PRICES as WORDS

CEILING = 2048
FIXED = (256, 512, 768, 1024, 1536, CEILING)
PRICES = (1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 10.0, 15.0, 20.0, 30.0)
WANTED_SAVING, MOST_LOSS = 0.45, 0.03
FIGURES = "thrift.json"
Asked = tuple[str, str, float, int, float]  # set, kind, its number, tokens, recall


def ask(document: data.Document, embedder: str) -> list[Asked]:
    """Ask a document's questions at every fixed budget and every price."""
    import hier

    tree = hier.build(
        document.text,
        tokenizer=data.TOKENIZER,
        embedder=embedding.encoder(embedder) if embedder != "static" else embedder,
        relevance=data.left_out_weights(data.family(document.dataset), embedder),
    )
    asked: list[Asked] = []
    for question in document.questions:
        found: list[Asked] = []
        for kind, number in [("fixed", b) for b in FIXED] + [("price", p) for p in PRICES]:
            context = (
                tree.compress(question.question, int(number))
                if kind == "fixed"
                else tree.compress(question.question, "auto", ceiling=CEILING, price=number)
            )
            spans = [(segment.start, segment.end) for segment in context.segments]
            recall = data.covered(question.evidence, spans)
            found.append((document.dataset, kind, float(number), context.tokens, recall))
        asked += [*found, known(found)]
    return asked


def known(found: Sequence[Asked]) -> Asked:
    """One question at the smallest fixed budget that keeps as much evidence as the ceiling."""
    fixed = sorted(one for one in found if one[1] == "fixed")  # by their number, the budget
    most = fixed[-1][-1]
    dataset, _, _, tokens, recall = next(one for one in fixed if one[-1] >= most)
    return dataset, "known", float(CEILING), tokens, recall


def summarise(asked: Sequence[Asked]) -> dict[str, Any]:
    """Mean tokens and recall of every way of asking, beside those of the ceiling."""
    sets = sorted({name for name, *_ in asked})
    rows = []
    ways = {(kind, number) for _, kind, number, _, _ in asked}
    for kind, number in sorted(ways, key=lambda way: (way[0] == "known", way)):  # "known" last
        by_set = {
            name: [(t, r) for s, k, n, t, r in asked if (s, k, n) == (name, kind, number)]
            for name in sets
        }
        tokens = fmean(fmean(t for t, _ in found) for found in by_set.values())
        recall = fmean(fmean(r for _, r in found) for found in by_set.values())
        rows.append({"kind": kind, "number": number, "tokens": tokens, "recall": recall})
    whole = next(row for row in rows if (row["kind"], row["number"]) == ("fixed", CEILING))
    for row in rows:
        row["saved"] = 1 - row["tokens"] / whole["tokens"]
        row["lost"] = 1 - row["recall"] / whole["recall"]
    return {"questions": sum(kind == "known" for _, kind, *_ in asked), "rows": rows}


def targets(found: dict[str, Any]) -> Iterator[Target]:
    """What "balanced" was to save and lose, beside what it does."""
    for embedder, result in found.items():
        row = at(result, WORDS["balanced"])
        yield Target(f"saved by balanced, {embedder}", WANTED_SAVING, row["saved"], least=True)
        yield Target(f"lost by balanced, {embedder}", MOST_LOSS, row["lost"])


def draw(result: dict[str, Any], path: Path) -> Path:
    """Recall against tokens: prices, and fixed budgets, a panel an embedder."""
    found = result["found"]
    figure, panels = charts.plain_axes(len(found), size=(5.2 * len(found), 4.2))
    for axes, embedder in zip(panels if len(found) > 1 else [panels], found, strict=True):
        for kind, colour, label in (
            ("price", charts.OURS, "auto, by price"),
            ("fixed", charts.OTHER, "fixed budgets"),
        ):
            rows = [row for row in found[embedder]["rows"] if row["kind"] == kind]
            points = sorted((row["tokens"], row["recall"]) for row in rows)
            axes.plot(*zip(*points, strict=True), "o-", color=colour, label=label, markersize=4)
        for word, price in WORDS.items():
            row = at(found[embedder], price)
            place = (row["tokens"], row["recall"])
            axes.annotate(word, place, (-4, 8), textcoords="offset points", ha="right")
        axes.set(title=embedder.rpartition("/")[2], xlabel="tokens", ylabel="evidence recall")
        axes.legend(frameon=False, loc="lower right")
    return charts.save(figure, path, curves.note(result))


def at(found: dict[str, Any], price: float) -> dict[str, Any]:
    """The row of a price."""
    rows = found["rows"]
    row: dict[str, Any] = next(r for r in rows if (r["kind"], r["number"]) == ("price", price))
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, write the result file and the chart; 1 if a target was missed."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, default=data.default_folder(), help="folder of data sets")
    add("--embedders", default="static,sentence-transformers/all-MiniLM-L6-v2")
    add("--sets", default=",".join(data.EVIDENCE_SETS), help="data sets, comma-separated")
    add("--out", type=Path, default=environment.RESULTS / FIGURES, help="'-' writes none")
    options = described.parse_args(arguments)
    try:
        documents = data.evidence_suite(options.data, options.sets.split(","))
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    result: dict[str, Any] = {"environment": environment.describe(environment.SEED), "found": {}}
    for embedder in options.embedders.split(","):
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            answered = pool.map(partial(ask, embedder=embedder), documents, chunksize=3)
            result["found"][embedder] = summarise([one for found in answered for one in found])
        print(embedder)
        for row in result["found"][embedder]["rows"]:
            print(
                f"  {row['kind']} {row['number']:6g}  {row['tokens']:6.0f} tokens  recall "
                f"{row['recall']:.4f}  saved {row['saved']:6.1%}  lost {row['lost']:z6.1%}"
            )
    lines = list(targets(result["found"]))
    result["targets"] = [line.row() for line in lines]
    print("", *lines, sep="\n")
    if str(options.out) != "-":
        environment.write(options.out, result)
        print("written:", options.out, draw(result, options.out.with_suffix(".svg")))
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())
