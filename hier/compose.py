"""Composing: a plan, filled and rendered, becomes a context.

Costs are the rendering's own. The final string is counted; tokens left over are spent on, and what
is too much is taken back.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hier.allocate import Allocation, Greedy
from hier.context import Context, Pick, Segment
from hier.document import Span
from hier.errors import BudgetError, InputError
from hier.overview import plan_overview
from hier.plan import DEFAULT, AllocationConfig, Plan, plan_query
from hier.render import Layout, Piece, Pricer, Summary, nested
from hier.retrieval.index import stem_words
from hier.retrieval.words import find_words
from hier.tree import Tree

_ROUNDS = 4  # times that tokens left over by a rendering are spent on
_MOST_CHEAPER = 200  # candidates priced anew: of more, most are met again anyway


@dataclass(frozen=True)
class Request:
    """What is asked of a tree.

    Attributes:
        query: the question; None or blank for an overview.
        budget: most tokens.
        headings: show breadcrumbs.
        gaps: show gap marks.
        node_id: the branch to stay in; None for the whole text.
    """

    query: str | None
    budget: int
    headings: bool = True
    gaps: bool = True
    node_id: int | None = None


def compose(tree: Tree, request: Request, config: AllocationConfig = DEFAULT) -> Context:
    """Return the context of a request; see ``Tree.compress``."""
    budget, query = _check_budget(request.budget), _check_query(request.query)
    empty = tree.tokenizer.count("")
    if empty > budget:
        raise BudgetError(f"the tokenizer counts {empty} tokens in an empty text; raise the budget")
    first, end = (0, len(tree.leaf_start)) if request.node_id is None else _branch(tree, request)
    whole = _whole(tree, first, end, query, budget)
    if whole is not None:
        return whole
    if not request.headings:  # none is shown, but one that is the best there is
        config = replace(config, bare=0.0)
    plan = (
        plan_overview(tree, first, end, budget, config)
        if query is None
        else plan_query(tree, query, first, end, budget, config)
    )
    layout = tree.layout(request.headings, request.gaps)
    return _fill(tree, plan, layout, query, budget)


def _check_budget(budget: Any) -> int:
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer):
        raise BudgetError(f"budget {budget!r} is not a whole number of tokens; pass 1 or more")
    if budget < 1:
        raise BudgetError(f"budget {budget} is below the least, 1 token; raise the budget")
    return int(budget)


def _check_query(query: Any) -> str | None:
    if query is not None and not isinstance(query, str):
        raise InputError(f"a query of type {type(query).__name__} is not text; pass a str or None")
    return None if query is None or not query.strip() else query


def _branch(tree: Tree, request: Request) -> tuple[int, int]:
    """Return the leaves of the branch asked for."""
    assert request.node_id is not None
    node = tree.nodes[request.node_id]
    return tree.nodes.leaves(node.level, node.id - tree.nodes.offsets[node.level])


def _whole(tree: Tree, first: int, end: int, query: str | None, budget: int) -> Context | None:
    """Return everything, if that fits."""
    estimate = int(tree.leaf_tokens[first:end].sum())
    if estimate > budget + budget // 8 + 16:
        return None  # sizes are exact but at the edges of leaves
    layout = tree.layout()
    start, stop = layout.leaf_span(first)[0], layout.leaf_span(end - 1)[1]
    text = tree.source[start:stop]
    tokens = tree.tokenizer.count(text)
    if tokens > budget:
        return None
    node_id = tree.nodes.smallest(first, end)
    level = tree.nodes[node_id].level
    segment = Segment(start, stop, "verbatim", level, tokens, 0.0, node_id, text)
    return Context(text, tokens, budget, (segment,), 1.0, 1.0, query)


class _RenderedCosts:
    """What a plan's candidates cost in a rendering: leaves first, then summaries."""

    def __init__(self, tree: Tree, plan: Plan, layout: Layout) -> None:
        self.plan, self.pricer = plan, Pricer(layout, tree.leaf_tokens, tree.tokenizer.count)
        self.leaves = plan.leaves.tolist()
        self.place = {leaf: i for i, leaf in enumerate(self.leaves)}
        self.under: dict[int, list[int]] = {}  # by heading
        paths = layout.path_of[plan.leaves].tolist()
        headings = {path: layout.fresh(path) for path in set(paths)}
        for i, path in enumerate(paths):
            for heading in headings[path]:
                self.under.setdefault(heading, []).append(i)
        self.summary_tokens = [tree.tokenizer.count(summary.text) for summary in plan.summaries]

    def cost(self, candidate: int) -> int:
        """Return the tokens a candidate would add now."""
        if candidate < len(self.leaves):
            return self.pricer.leaf(self.leaves[candidate])
        number = candidate - len(self.leaves)
        return self.pricer.summary(self.plan.summaries[number], self.summary_tokens[number])

    def take(self, candidate: int) -> tuple[list[int], list[int]]:
        """Note a choice; returns the candidates it made cheaper, and those it rules out."""
        if candidate >= len(self.leaves):
            return [], self._take_summary(self.plan.summaries[candidate - len(self.leaves)])
        leaf = self.leaves[candidate]
        cheaper = [self.place[n] for n in (leaf - 1, leaf + 1) if n in self.place]
        for heading in self.pricer.show(leaf):
            # It is paid for: what else stands under it is cheaper.
            cheaper += self.under[heading][:_MOST_CHEAPER]
        return cheaper, []

    def _take_summary(self, taken: Summary) -> list[int]:
        """A node and what lies above or under it are not summarised side by side."""
        self.pricer.open(taken.first_leaf)
        numbered = enumerate(self.plan.summaries, len(self.leaves))
        return [i for i, summary in numbered if nested(taken, summary)]


def _fill(tree: Tree, plan: Plan, layout: Layout, query: str | None, budget: int) -> Context:
    """Choose, render, count; use what is left over, take back what is too much."""
    greedy = Greedy(plan.problem, _RenderedCosts(tree, plan, layout))
    pieces: list[Piece] = []
    text, tokens = "", tree.tokenizer.count("")
    for _ in range(_ROUNDS):
        known = len(greedy.allocation.chosen)
        greedy.fill(budget - tokens)
        if len(greedy.allocation.chosen) == known:
            break
        pieces, text, tokens = _render(tree, plan, layout, greedy.allocation)
    while tokens > budget:
        greedy.give_back(tokens - budget)
        pieces, text, tokens = _render(tree, plan, layout, greedy.allocation)
    value = greedy.allocation.value
    best = greedy.bound(budget, plan.outside)
    return Context(
        text=text,
        tokens=tokens,
        budget=budget,
        segments=_segments(tree, plan, pieces),
        coverage=min(1.0, value / plan.total) if plan.total > 0 else 0.0,
        optimality=min(1.0, value / best) if best > 0 else 1.0,
        query=query,
        picks=_picks(tree, plan, layout, greedy.allocation, query),
    )


def _render(
    tree: Tree, plan: Plan, layout: Layout, allocation: Allocation
) -> tuple[list[Piece], str, int]:
    """Return what is chosen as pieces, as one text, and the tokens of that text."""
    n_leaves = len(plan.leaves)
    leaves = [int(plan.leaves[i]) for i in allocation.chosen if i < n_leaves]
    summaries = [plan.summaries[i - n_leaves] for i in allocation.chosen if i >= n_leaves]
    pieces = layout.pieces(leaves, summaries)
    text = layout.write(pieces)
    return pieces, text, tree.tokenizer.count(text)


def _segments(tree: Tree, plan: Plan, pieces: list[Piece]) -> tuple[Segment, ...]:
    segments = []
    for piece in pieces:
        summary = piece.summary
        if summary is not None:
            sources = tree.summary_spans(tree.nodes[summary.node_id])
            segments.append(
                Segment(
                    piece.start, piece.end, "summary", summary.level,
                    tree.tokenizer.count(summary.text),
                    float(plan.relevance[summary.first_leaf : summary.end_leaf].max()),
                    summary.node_id, summary.text, sources,
                )
            )  # fmt: skip
            continue
        node_id = tree.nodes.smallest(piece.first_leaf, piece.end_leaf)
        level = int(np.searchsorted(tree.nodes.offsets, node_id, "right")) - 1
        text = tree.source[piece.start : piece.end]
        relevance = float(plan.relevance[piece.first_leaf : piece.end_leaf].max())
        tokens = tree.tokenizer.count(text)
        segments.append(
            Segment(piece.start, piece.end, "verbatim", level, tokens, relevance, node_id, text)
        )
    return tuple(segments)


def _picks(
    tree: Tree, plan: Plan, layout: Layout, allocation: Allocation, query: str | None
) -> tuple[Pick, ...]:
    terms: dict[int, str] = {}  # by stem
    if query is not None:
        vocabulary = find_words(query).vocabulary
        known = tree.index.stem_number
        found = zip(stem_words(vocabulary), vocabulary, strict=True)
        terms = {known[stem]: word for stem, word in found if stem in known}
    picks = []
    n_leaves = len(plan.leaves)
    for i, gain, cost in zip(allocation.chosen, allocation.gains, allocation.costs, strict=True):
        if i < n_leaves:
            leaf = int(plan.leaves[i])
            span, first = Span(*layout.leaf_span(leaf)), leaf
            row = tree.index.leaves
            words = row.words[row.offsets[leaf] : row.offsets[leaf + 1]]
            stems = set(tree.index.stem_of[words].tolist())
            held = tuple(word for stem, word in terms.items() if stem in stems)
        else:
            summary = plan.summaries[i - n_leaves]
            first, held = summary.first_leaf, ()
            span = Span(layout.leaf_span(first)[0], layout.leaf_span(summary.end_leaf - 1)[1])
        share = gain / plan.total if plan.total > 0 else 0.0
        picks.append(Pick(span, float(plan.relevance[first]), share, cost, held))
    return tuple(picks)
