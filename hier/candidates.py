"""Candidates: leaves and summaries as an allocation problem, priced as they will be rendered."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from hier.problem import Groups, Problem
from hier.render import Layout, Summary, nested
from hier.tree import Tree

Pairs = Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]


def pose(
    tree: Tree,
    layout: Layout,
    leaves: np.ndarray,
    summaries: tuple[Summary, ...],
    weights: np.ndarray,
    pairs: Pairs,
) -> Problem:
    """Put a problem together: leaves first, then summaries.

    Args:
        tree: the text.
        layout: how things are shown.
        leaves: the leaves that may be shown, int64, distinct.
        summaries: the summaries that may be shown.
        weights: value of each target, float64 (targets,).
        pairs: candidates, the targets they cover, and how well; three arrays of equal length.
    """
    n = len(leaves) + len(summaries)
    rows, targets, fidelity = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    order = np.argsort(rows, kind="stable")
    sizes = [tree.tokenizer.count(summary.text) for summary in summaries]
    under, prices, heading = _headings(layout, leaves, summaries)
    return Problem(
        weights=weights,
        cover=Groups(np.searchsorted(rows[order], np.arange(n + 1)), targets[order]),
        fidelity=fidelity[order].astype(np.float32),
        size=np.append(tree.leaf_tokens[leaves].astype(np.int64), np.array(sizes, np.int64)),
        apart=np.full(n, layout.mark_tokens),
        left=np.append(_left(leaves), np.full(len(summaries), -1)),
        under=Groups.of(under),
        heading_price=layout.heading_tokens(prices),
        heading=np.append(heading, np.full(len(summaries), -1)),
        rivals=_rivals(summaries, len(leaves)),
    )


def _left(leaves: np.ndarray) -> np.ndarray:
    """Return the place of the leaf before each, -1 where it is not among them."""
    order = np.argsort(leaves, kind="stable")
    left = np.full(len(leaves), -1, np.int64)
    joined = np.flatnonzero(np.diff(leaves[order]) == 1)
    left[order[joined + 1]] = order[joined]
    return left


def _headings(
    layout: Layout, leaves: np.ndarray, summaries: Sequence[Summary]
) -> tuple[list[list[int]], list[int], np.ndarray]:
    """Return the headings shown above each candidate, numbered; their leaves; and which are ones.

    A heading is not shown above a text that says it; a header row is, above rows.
    """
    number: dict[int, int] = {}
    above: dict[int, list[tuple[int, int]]] = {}  # by path: leaf and number of each heading
    header: dict[int, list[int]] = {}  # by path: number of the header row, if there is one
    texts = chain(
        ((leaf, layout.text[slice(*layout.leaf_span(leaf))]) for leaf in leaves.tolist()),
        ((summary.first_leaf, summary.text) for summary in summaries),
    )
    under: list[list[int]] = []
    for leaf, text in texts:
        path = int(layout.path_of[leaf])
        if path not in above:
            titled = [heading for heading in layout.fresh(path) if layout.title(heading)]
            above[path] = [(h, number.setdefault(h, len(number))) for h in titled]
            row = layout.header(path)
            header[path] = [number.setdefault(row, len(number))] if row >= 0 else []
        headings = [one for heading, one in above[path] if not layout.says(text, heading)]
        under.append(headings + header[path] if len(under) < len(leaves) else headings)
    itself = np.array([number.get(leaf, -1) for leaf in leaves.tolist()], np.int64)
    return under, list(number), itself


def _rivals(summaries: Sequence[Summary], first: int) -> dict[int, list[int]]:
    """Return for each summary those of nodes above or under it: they are not shown together."""
    return {
        place: [
            other
            for other, candidate in enumerate(summaries, first)
            if other != place and nested(summary, candidate)
        ]
        for place, summary in enumerate(summaries, first)
    }
