"""What the inspector's page is told, as plain values that JSON can hold.

The map of a tree is sent once, what a question and a budget make of it each time they change. A
tree of a million tokens has some ten thousand nodes, so both are columns and not a dictionary a
node. Positions are characters of the source, as everywhere; the page counts code points too.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hier.compose import check_query
from hier.context import Context, Segment
from hier.explain import STEP, Explanation, explain
from hier.nodes import Node
from hier.relevance import weigh
from hier.render import Summary
from hier.tokens import encodable
from hier.tree import Tree

LEAST_BUDGET = 50
MOST_BUDGET = 16_000  # tokens; more than that nobody reads beside a map
NODE_CHARACTERS = 16_000  # of a node's text that are sent
_DEPTH = 9.0  # logarithm below the densest leaf at which the colour of relevance ends
_POINTS = 120  # of a curve

Query = str | Sequence[str] | None


def map_of(tree: Tree) -> dict[str, Any]:
    """Return the shape of a tree: its leaves, and what each level above groups.

    Node ids count through the levels, leaves first. A node of level k + 1 begins with leaf
    ``levels[k]["first_leaf"]``, and is called ``labels[levels[k]["label"]]``.
    """
    labels: dict[str, int] = {}
    levels = []
    for level, arrays in enumerate(tree.levels[1:], 1):
        start = tree.nodes.offsets[level]
        names = (
            encodable(tree.label(tree.nodes[start + place]))
            for place in range(len(arrays.first_leaf))
        )
        numbers = [labels.setdefault(name, len(labels)) for name in names]
        levels.append({"first_leaf": arrays.first_leaf.tolist(), "label": numbers})
    return {
        "name": encodable(tree.document.name or "text"),
        "tokens": tree.tokens,
        "characters": len(tree.source),
        "leaf_start": tree.leaf_start.tolist(),
        "leaf_tokens": tree.leaf_tokens.tolist(),
        "levels": levels,
        "labels": list(labels),
        "budgets": [LEAST_BUDGET, most_budget(tree)],
    }


def most_budget(tree: Tree) -> int:
    """Return the largest budget that the page offers: the whole text, if that can be read."""
    return max(2 * LEAST_BUDGET, min(MOST_BUDGET, tree.tokens))


def relevance_of(tree: Tree, query: Query) -> list[str] | None:
    """Return how relevant every node is to a question; None without one.

    A node's density is the evidence expected of it a token: the mean over its leaves, and over the
    questions. Its logarithm is sent, so that the way down to the evidence shows at every level.

    Returns:
        For each level, leaves first, a byte a node, in base 64: 255 for the densest leaf, 0 for
        what has ``exp(-9)`` of its density or less.
    """
    evidence = _evidence(tree, query)
    if evidence is None:
        return None
    tokens = np.maximum(tree.leaf_tokens.astype(np.float64), 1)
    densities = (
        np.add.reduceat(evidence, level.first_leaf) / np.add.reduceat(tokens, level.first_leaf)
        for level in tree.levels
    )
    shades = (np.rint(255 * _shade(density)).astype(np.uint8) for density in densities)
    return [base64.b64encode(shade).decode() for shade in shades]


def query_density(tree: Tree, query: Query) -> np.ndarray | None:
    """Return how relevant every leaf is, from 0 to 1, float64 (leaves,); None without a question.

    It is what ``relevance_of`` says of the leaves.
    """
    evidence = _evidence(tree, query)
    return None if evidence is None else _shade(evidence / np.maximum(tree.leaf_tokens, 1))


def _evidence(tree: Tree, query: Query) -> np.ndarray | None:
    """Return the evidence expected of each leaf, as a multiple of the densest leaf's token."""
    queries = check_query(query)
    if not queries:
        return None
    density = np.mean([np.exp(weigh(tree, each).density) for each in queries], axis=0)
    evidence: np.ndarray = density / density.max() * np.maximum(tree.leaf_tokens, 1)
    return evidence


def _shade(density: np.ndarray) -> np.ndarray:
    shade: np.ndarray = np.clip(1 + np.log(np.maximum(density, 1e-300)) / _DEPTH, 0, 1)
    return shade


def view_of(tree: Tree, query: Query, budget: int, relevance: bool = True) -> dict[str, Any]:
    """Return what a question and a budget make of a tree.

    Joined, the ``before`` and ``text`` of all segments are the context.

    Args:
        tree: the text.
        query: the question, or several; None or blank for an overview.
        budget: the most tokens of the context.
        relevance: whether that of every node is wanted; it depends on the question alone.

    Raises:
        BudgetError: the budget is not a whole number of at least 1.
        InputError: the query is not text.
    """
    found = explain(tree, query, budget)
    context = found.context
    told: dict[str, Any] = {
        "query": list(check_query(query)),
        "budget": context.budget,
        "tokens": context.tokens,
        "coverage": context.coverage,
        "optimality": context.optimality,
        "going": context.going,
        "stop": context.stop,
        "segments": _columns(tree, context),
        "next": _following(found),
    }
    return told | ({"relevance": relevance_of(tree, query)} if relevance else {})


def _columns(tree: Tree, context: Context) -> dict[str, list[Any]]:
    """Return the segments as columns, with what stands before each in the context."""
    names = ("start", "end", "kind", "level", "node_id", "tokens", "place")
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in context.segments] for name in names
    }
    columns["relevance"] = [round(each.relevance, 2) for each in context.segments]
    columns["before"] = [encodable(text) for text in befores(tree, context)]
    columns["text"] = [encodable(each.text) for each in context.segments]
    return columns


def befores(tree: Tree, context: Context) -> list[str]:
    """Return what stands before each segment of a tree's context: marks, headings, header rows."""
    if len(context.segments) == 1:  # where it is all of the text, that is not trimmed
        return [context.text[: len(context.text) - len(context.segments[0].text)]]
    spans = [_leaves(tree, each) for each in context.segments]
    leaves = [
        leaf
        for span, each in zip(spans, context.segments, strict=True)
        if each.kind == "verbatim"
        for leaf in range(*span)
    ]
    summaries = [
        Summary(each.node_id, each.level, *span, each.text)
        for span, each in zip(spans, context.segments, strict=True)
        if each.kind == "summary"
    ]
    return [piece.before for piece in tree.layout().pieces(leaves, summaries)]


def _leaves(tree: Tree, segment: Segment) -> tuple[int, int]:
    """Return the first leaf of a segment, and the leaf behind its last."""
    first = int(np.searchsorted(tree.leaf_start, segment.start, "right")) - 1
    return first, int(np.searchsorted(tree.leaf_start, segment.end, "left"))


def _following(found: Explanation) -> dict[str, Any]:
    """Return what the next tokens would add, and where that stands."""
    known = {pick.span for pick in found.context.picks}
    return {
        "tokens": STEP,
        "coverage": found.larger.coverage - found.context.coverage,
        "spans": [list(pick.span) for pick in found.larger.picks if pick.span not in known],
    }


def node_of(tree: Tree, node_id: int) -> dict[str, Any]:
    """Return one node: its place, its summary and where that is from, and its text.

    Of a large node only the beginning of its text is returned, and ``cut`` is true.

    Raises:
        InputError: there is no such node.
    """
    node: Node = tree.nodes[node_id]
    summary, spans = tree.summary(node_id)
    text = tree.source[node.start : min(node.end, node.start + NODE_CHARACTERS)]
    return {
        "id": node.id,
        "level": node.level,
        "start": node.start,
        "end": node.end,
        "tokens": node.tokens,
        "parent": node.parent,
        "children": list(node.children),
        "heading": encodable(node.heading),
        "label": encodable(tree.label(node)),
        "place": tree.document.place(node.start, node.end),
        "summary": encodable(summary),
        "by_model": node_id in tree.summary_texts,
        "sources": [list(span) for span in spans],
        "text": encodable(text),
        "cut": node.end - node.start > len(text),
    }


def curve_of(tree: Tree, query: Query) -> list[list[float]]:
    """Return value against tokens, from none to the largest budget that the page offers.

    Raises:
        InputError: the query is not text.
    """
    most = most_budget(tree)
    tokens, values = np.array([(0, 0.0), *tree.curve(query)]).T
    steps = np.geomspace(LEAST_BUDGET / 2, most, _POINTS)
    kept = np.unique(np.searchsorted(tokens, steps, "right") - 1)
    return [[int(tokens[i]), round(min(1.0, float(values[i])), 5)] for i in kept.tolist()]


def ladder(tree: Tree, budget: int, rungs: int = 16) -> list[int]:
    """Return budgets from the least to the most, each larger by the same factor, and one's own.

    Args:
        tree: the text.
        budget: a budget that is to be among them.
        rungs: how many there are.
    """
    steps = np.geomspace(LEAST_BUDGET, most_budget(tree), rungs).tolist()
    return sorted({budget, *(int(float(f"{step:.2g}")) for step in steps)})


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "map": map_of,
    "view": view_of,
    "node": node_of,
    "curve": lambda tree, query: {"points": curve_of(tree, query)},
}
"""What the page asks for, by name: each takes a tree, and what is told beside it by name."""


def answer(tree: Tree, what: str, told: Mapping[str, Any]) -> bytes:
    """Return an answer as JSON of ASCII characters, whatever the texts in it hold.

    Raises:
        BudgetError: as for ``view_of``.
        InputError: as for ``view_of`` and ``node_of``.
    """
    value = ANSWERS[what](tree, **told)
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
