"""Provenance: where every piece of a context came from, and why it is there."""

from collections.abc import Sequence
from itertools import compress

import numpy as np

from hier.allocate import Allocation
from hier.context import Pick, Segment
from hier.document import Span
from hier.plan import Plan
from hier.render import Layout, Piece
from hier.retrieval.index import stem_words
from hier.retrieval.words import find_words
from hier.tree import Tree


def segments(tree: Tree, plan: Plan, pieces: list[Piece]) -> tuple[Segment, ...]:
    """Return what is shown as segments, in the order it is shown in."""
    found = []
    for piece in pieces:
        summary = piece.summary
        if summary is not None:
            sources = tree.summary_spans(tree.nodes[summary.node_id])
            found.append(
                Segment(
                    piece.start, piece.end, "summary", summary.level,
                    tree.tokenizer.count(summary.text),
                    float(plan.relevance[summary.first_leaf : summary.end_leaf].max()),
                    summary.node_id, summary.text, sources,
                    tree.document.place(piece.start, piece.end),
                )
            )  # fmt: skip
            continue
        node_id = tree.nodes.smallest(piece.first_leaf, piece.end_leaf)
        level = int(np.searchsorted(tree.nodes.offsets, node_id, "right")) - 1
        text = tree.source[piece.start : piece.end]
        relevance = float(plan.relevance[piece.first_leaf : piece.end_leaf].max())
        tokens = tree.tokenizer.count(text)
        place = tree.document.place(piece.start, piece.end)
        found.append(
            Segment(
                piece.start, piece.end, "verbatim", level, tokens, relevance, node_id, text, (),
                place,
            )
        )  # fmt: skip
    return tuple(found)


def picks(
    tree: Tree, plan: Plan, layout: Layout, allocation: Allocation, queries: Sequence[str]
) -> tuple[Pick, ...]:
    """Return the decisions of an allocation, in the order taken."""
    n_leaves = len(plan.leaves)
    leaves = [int(plan.leaves[i]) for i in allocation.chosen if i < n_leaves]
    terms = iter(_terms_held(tree, leaves, queries))
    made = []
    for i, gain, cost in zip(allocation.chosen, allocation.gains, allocation.prices, strict=True):
        if i < n_leaves:
            first, held = int(plan.leaves[i]), next(terms)
            span = Span(*layout.leaf_span(first))
        else:
            summary = plan.summaries[i - n_leaves]
            first, held = summary.first_leaf, ()
            span = Span(layout.leaf_span(first)[0], layout.leaf_span(summary.end_leaf - 1)[1])
        share = gain / plan.total if plan.total > 0 else 0.0
        place = tree.document.place(*span)
        made.append(Pick(span, float(plan.relevance[first]), share, cost, held, place=place))
    return tuple(made)


def _terms_held(tree: Tree, leaves: Sequence[int], queries: Sequence[str]) -> list[tuple[str, ...]]:
    """Return which words of the queries, in any form, each leaf holds."""
    known = tree.index.stem_number
    terms: dict[int, str] = {}  # by stem
    for query in queries:
        vocabulary = find_words(query).vocabulary
        found = zip(stem_words(vocabulary), vocabulary, strict=True)
        terms |= {known[stem]: word for stem, word in found if stem in known}
    rows = tree.index.leaves.take(np.array(leaves, np.int64))
    number = np.full(len(tree.index.stems), -1, np.int32)
    number[list(terms)] = np.arange(len(terms))
    held = rows.only(number[tree.index.stem_of]).held(len(terms)).T.tolist()
    return [tuple(compress(terms.values(), marks)) for marks in held]
