"""Export: the inspector of a text as one file, which needs no server and no network.

The page cannot allocate by itself, so it is given a ladder of budgets for each question, worked out
in advance. The text stands in the file once; what an allocation shows of it is given as spans.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hier.array_file import replacing
from hier.corpus.header import is_corpus
from hier.errors import InputError
from hier.inspector import data
from hier.inspector.page import page_with
from hier.store import is_tree
from hier.tokens import encodable
from hier.tree import Tree

Progress = Callable[[str, int, int], None]


def export(
    tree: Tree,
    path: Path,
    queries: Sequence[str] = (),
    budget: int = 2000,
    progress: Progress | None = None,
) -> None:
    """Write the inspector of a tree to a file: the old one or the new, whatever happens.

    Args:
        tree: the text.
        path: the file.
        queries: the questions that can be chosen; none for an overview.
        budget: the budget that is shown first.
        progress: called with (what, done, total).

    Raises:
        InputError: the file cannot be written.
        BudgetError: the budget is not a whole number of at least 1.
    """
    check_place(path)
    written = page_with(told(tree, queries, budget, progress)).encode()
    try:
        with replacing(path) as file:
            file.write(written)
    except OSError as error:
        raise _cannot(path, error.strerror or str(error)) from error


def check_place(path: Path) -> None:
    """Refuse a place that no page can be written to, before any work is done.

    Raises:
        InputError: it is a folder, a device, a saved tree or a corpus, or lies in no folder.
    """
    if path.is_dir():
        raise _cannot(path, "it is a folder")
    if path.exists() and not path.is_file():
        raise _cannot(path, "it is no plain file")
    if is_tree(path) or is_corpus(path):
        raise _cannot(path, "a saved tree or a corpus is there")
    if not path.parent.is_dir():
        raise _cannot(path, f"there is no folder {path.parent}")


def _cannot(path: Path, why: str) -> InputError:
    return InputError(f"{path} cannot be written: {why}; name a file, such as inspector.html")


def told(
    tree: Tree, queries: Sequence[str], budget: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Return all that the page is told of a tree when it stands alone."""
    asked: list[str | None] = list(dict.fromkeys(each for each in queries if each.strip())) or [
        None
    ]
    budgets = data.ladder(tree, budget)
    questions: list[dict[str, Any]] = []
    for query in asked:
        views = []
        for each in budgets:
            views.append(_without_source(data.view_of(tree, query, each, relevance=False)))
            if progress is not None:
                done = len(questions) * len(budgets) + len(views)
                progress("choosing", done, len(asked) * len(budgets))
        colour, curve = data.relevance_of(tree, query), data.curve_of(tree, query)
        shown = encodable(query) if query else None
        questions.append({"query": shown, "relevance": colour, "curve": curve, "views": views})
    return {
        "map": data.map_of(tree),
        "budgets": budgets,
        "budget": budget,
        "questions": questions,
        "texts": _texts(tree),
        "nodes": _nodes(tree),
    }


def _without_source(view: dict[str, Any]) -> dict[str, Any]:
    """Return a view whose verbatim texts are left out: the file has the source."""
    segments = view["segments"]
    kept = [
        None if kind == "verbatim" else text
        for kind, text in zip(segments["kind"], segments["text"], strict=True)
    ]
    return {**view, "segments": {**segments, "text": kept}}


def _texts(tree: Tree) -> list[str]:
    """Return the source in pieces, one a node of the level above passages."""
    level = tree.levels[min(2, len(tree.levels) - 1)]
    edges = [*tree.leaf_start[level.first_leaf].tolist(), len(tree.source)]
    return [encodable(tree.source[i:j]) for i, j in pairwise(edges)]


def _nodes(tree: Tree) -> dict[str, Any]:
    """Return what is said of the nodes above the leaves: their places and summaries.

    An extractive summary is given by its leaves.
    """
    above = range(tree.nodes.offsets[1], len(tree.nodes))
    return {
        "place": [
            tree.document.place(node.start, node.end) for node in (tree.nodes[i] for i in above)
        ],
        "summaries": [
            {"offsets": np.asarray(each.offsets).tolist(), "leaves": each.sentences.tolist()}
            for each in tree.summaries
        ],
        "written": {str(i): encodable(text) for i, text in tree.summary_texts.items()},
    }
