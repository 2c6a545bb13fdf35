"""Composing: a plan, filled and rendered, becomes a context.

Prices are planned with, the final string is counted: what is too much is planned anew, and so are
tokens that are left over where a counter finds fewer than were planned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from hier.allocate import Allocation, Rules, allocate, order
from hier.certificate import upper_bound
from hier.constraints import Constraints, scope_of
from hier.context import Context, Segment, Stop
from hier.errors import BudgetError, InputError
from hier.overview import plan_overview
from hier.plan import DEFAULT, AllocationConfig, Plan, plan_query
from hier.problem import Problem
from hier.provenance import picks, segments
from hier.render import Piece
from hier.tree import Tree

_ROUNDS = 4  # times that tokens left over are planned with
_SLACK = 0.03  # share of the budget that may be left over without another round
_LITTLE = 8  # tokens that may


@dataclass(frozen=True)
class Request:
    """What is asked of a tree.

    Attributes:
        query: the question, or several; None or blank for an overview.
        budget: most tokens.
        headings: show breadcrumbs; header rows of tables are shown all the same.
        gaps: show gap marks.
        node_id: the branch to stay in; None for the whole text.
        price: share of all value that a thousand tokens must add; 0 fills the budget.
        nested: spend nothing behind the first pick that does not fit.
        constraints: what else the context keeps to.
    """

    query: str | Sequence[str] | None
    budget: int
    headings: bool = True
    gaps: bool = True
    node_id: int | None = None
    price: float = 0.0
    nested: bool = False
    constraints: Constraints = field(default_factory=Constraints)


def compose(tree: Tree, request: Request, config: AllocationConfig = DEFAULT) -> Context:
    """Return the context of a request; see ``Tree.compress``."""
    composer = Composer(tree, request, config)
    return composer.whole() or composer.context(composer.fill(composer.budget))


@dataclass(frozen=True)
class Draft:
    """An allocation, written out and counted."""

    allocation: Allocation
    pieces: list[Piece]
    text: str
    tokens: int


class Composer:
    """A request of a tree: checked at once, planned when it is first filled.

    Args:
        tree: the text.
        request: what is asked of it.
        config: the parameters of the plan.

    Raises:
        BudgetError: no context can keep to the budget and the constraints.
        InputError: the query is not text, or a constraint names nothing.
    """

    def __init__(self, tree: Tree, request: Request, config: AllocationConfig = DEFAULT) -> None:
        """Check the request."""
        self.tree, self.request, self.config = tree, request, config
        self.budget, self.queries = request.budget, check_query(request.query)
        self.limits = request.constraints
        self.layout = tree.layout(request.headings, request.gaps)
        node = tree.root if request.node_id is None else tree.nodes[request.node_id]
        branch = tree.nodes.leaves(node.level, node.id - tree.nodes.offsets[node.level])
        self.scope = scope_of(tree, self.limits, *branch)
        self._check_least()

    def whole(self) -> Context | None:
        """Return everything, if that fits and nothing speaks against it; None otherwise."""
        scope, tree = self.scope, self.tree
        left_out = len(scope.excluded) or len(scope.hidden) or len(scope.seen) or scope.seen_nodes
        if left_out or self.request.price > 0:
            return None
        estimate = int(tree.leaf_tokens[scope.first : scope.end].sum())
        if estimate > self.budget + self.budget // 8 + 16:
            return None  # sizes are exact but at the edges of leaves
        start, stop = self.layout.leaf_span(scope.first)[0], self.layout.leaf_span(scope.end - 1)[1]
        body = tree.source[start:stop]
        text = self.limits.prefix + self.layout.head(scope.first) + body + self.limits.suffix
        tokens = tree.tokenizer.count(text)
        if tokens > self.budget:
            return None
        node_id = tree.nodes.smallest(scope.first, scope.end)
        level, size = tree.nodes[node_id].level, tree.tokenizer.count(body)
        place = tree.document.place(start, stop)
        segment = Segment(start, stop, "verbatim", level, size, 0.0, node_id, body, (), place)
        return Context(text, tokens, self.budget, (segment,), 1.0, 1.0, self.asked)

    @cached_property
    def plan(self) -> Plan:
        """The candidates, what they cover and cost."""
        config = self.config
        if not self.request.headings:  # none is shown, but one that is the best there is
            config = replace(config, bare=0.0)
        # What nests is chosen from the same candidates, whatever the budget.
        budget = self.tree.tokens if self.request.nested else max(self.budget, config.small)
        if not self.queries:
            return plan_overview(self.tree, self.layout, self.scope, budget, config)
        return plan_query(self.tree, self.layout, self.queries, self.scope, budget, config)

    @property
    def asked(self) -> str | tuple[str, ...] | None:
        """The question as contexts carry it."""
        if not self.queries:
            return None
        return self.queries if len(self.queries) > 1 else self.queries[0]

    def fill(self, budget: int) -> Draft:
        """Choose, write and count until a budget is kept, and used.

        Args:
            budget: most tokens; at most the request's.
        """
        best = self._kept(budget + self.spared, budget)
        while not best.allocation.going and self.plan.outside > 0:
            # Everything of worth is shown, but not everything was looked at.
            self._widen()
            best = self._kept(budget + self.spared, budget)
        planned = budget + self.spared
        for _ in range(1, _ROUNDS):
            left_over = budget - best.tokens
            if not best.allocation.going or left_over <= max(_SLACK * budget, _LITTLE):
                break
            planned += left_over
            draft = self._kept(planned, budget)
            if draft.allocation.value <= best.allocation.value:
                break
            best = draft
        return best

    def context(self, draft: Draft) -> Context:
        """Return a draft as a context, certified and with its provenance."""
        plan, allocation = self.plan, draft.allocation
        value, bound = allocation.value, self._bound(draft)
        scale = 1 / plan.total if plan.total > 0 else 0.0
        return Context(
            text=draft.text,
            tokens=draft.tokens,
            budget=self.budget,
            segments=segments(self.tree, plan, draft.pieces),
            coverage=min(1.0, (plan.problem.value(self._seen) + value) * scale),
            optimality=min(1.0, value / bound) if bound > 0 else 1.0,
            query=self.asked,
            picks=picks(self.tree, plan, self.layout, allocation, self.queries),
            going=allocation.going * scale,
            stop=self._stop(draft),
        )

    def _widen(self) -> None:
        """Plan anew, with four times the candidates."""
        self.config = replace(self.config, pool=4 * self.config.pool)
        for name in ("plan", "_seen", "_problem", "_rules", "_worth", "spared", "ordered"):
            self.__dict__.pop(name, None)

    @cached_property
    def _seen(self) -> list[int]:
        """The candidates that the reader knows."""
        known = self.scope.seen[np.isin(self.scope.seen, self.plan.leaves)]
        summaries = enumerate(self.plan.summaries, len(self.plan.leaves))
        told = [i for i, summary in summaries if summary.node_id in self.scope.seen_nodes]
        return self.plan.places(known) + told

    @cached_property
    def _problem(self) -> Problem:
        """What there is to cover beside what the reader knows."""
        return self.plan.problem.beyond(self._seen) if self._seen else self.plan.problem

    @cached_property
    def _rules(self) -> Rules:
        quotas = []
        for quota in self.scope.quotas:
            members = np.zeros(len(self._problem), bool)
            members[self.plan.places(quota.leaves)] = True
            quotas.append((members, int(np.ceil(quota.share * self.budget))))
        return Rules(
            must=tuple(self.plan.places(self.scope.must)),
            quotas=tuple(quotas),
            most_runs=self.limits.max_segments,
        )

    @cached_property
    def spared(self) -> int:
        """Tokens to plan with beside the budget: the first piece needs no mark."""
        count = self.tree.tokenizer.count
        around = count(self.limits.prefix) + count(self.limits.suffix) - 2 * count("")
        return int(self._problem.apart.max(initial=0)) - around

    def _kept(self, planned: int, budget: int) -> Draft:
        """Return what planning with so many tokens gives, with fewer where it is too much.

        Raises:
            BudgetError: what must be shown is too much alone, in the order asked for.
        """
        while True:
            draft = self._draft(self._choose(planned))
            if draft.tokens <= budget:
                return draft
            if planned <= 0:
                break
            over = draft.tokens - budget
            planned = max(0, min(planned - over, planned * budget // draft.tokens))
        # What is still too much was planned to cost nothing.
        draft = self._draft(draft.allocation.cut(len(self._rules.must)))
        if draft.tokens > budget:
            raise self._too_small(draft.tokens)
        return draft

    def _choose(self, planned: int) -> Allocation:
        if not self.request.nested and not self.request.price:
            return allocate(self._problem, planned, self._rules)
        n_must = len(self._rules.must)
        chosen = self.ordered.within(planned, n_must)
        return chosen.worth(self._worth, n_must) if self._worth else chosen

    @cached_property
    def ordered(self) -> Allocation:
        """All picks that are ever made, the best gain a token first."""
        return order(self._problem, 2 * self.budget + self.spared, self._rules)

    @cached_property
    def _worth(self) -> float:
        """The value that a token must have to be spent."""
        return self.request.price / 1000 * self.plan.total

    def _draft(self, allocation: Allocation) -> Draft:
        n_leaves = len(self.plan.leaves)
        leaves = [int(self.plan.leaves[i]) for i in allocation.chosen if i < n_leaves]
        shown = [self.plan.summaries[i - n_leaves] for i in allocation.chosen if i >= n_leaves]
        ranked = self.plan.relevance if self.limits.order == "relevance" else None
        pieces = self.layout.pieces(leaves, shown, ranked)
        text = self.limits.prefix + self.layout.write(pieces) + self.limits.suffix
        return Draft(allocation, pieces, text, self.tree.tokenizer.count(text))

    def _bound(self, draft: Draft) -> float:
        """Return a value that no choice within the budget, with all that must be, exceeds.

        Other constraints are not counted on. Where the text of this choice has fewer tokens than
        its price, that of any other is given the same rebate.
        """
        problem, must = self._problem, self._rules.must
        price = problem.price(draft.allocation.chosen)
        room = max(self.budget, self.budget * price // max(draft.tokens, 1)) + self.spared
        sure = problem.value(must)
        if must:
            room, problem = room - problem.price(must), problem.given(must)
        reached = draft.allocation.value - sure
        going = draft.allocation.going
        return sure + upper_bound(problem, max(room, 0), reached, going, self.plan.outside)

    def _stop(self, draft: Draft) -> Stop:
        going, most = draft.allocation.going, self.limits.max_segments
        if not going:
            return "everything"
        if going < self._worth:
            return "price"
        left_over = self.budget - draft.tokens > max(_SLACK * self.budget, _LITTLE)
        full = most is not None and len(draft.pieces) >= most
        return "segments" if full and left_over else "budget"

    def _check_least(self) -> None:
        """Refuse limits that what must be shown exceeds already."""
        scope, limits, tree = self.scope, self.limits, self.tree
        pieces = self.layout.pieces(scope.must.tolist())
        least = tree.tokenizer.count(limits.prefix + self.layout.write(pieces) + limits.suffix)
        if least > self.budget:
            raise self._too_small(least)
        if limits.max_segments is not None and len(pieces) > limits.max_segments:
            raise BudgetError(
                f"must_include is {len(pieces)} segments, max_segments is {limits.max_segments}; "
                "raise it, or include what stands together"
            )
        wanted = 0
        for quota in scope.quotas:
            own = np.intersect1d(quota.leaves, scope.must)
            size = int(tree.leaf_tokens[quota.leaves].sum())
            spent = int(tree.leaf_tokens[own].sum())
            wanted += max(0, min(int(quota.share * self.budget), size) - spent)
        if least + wanted > self.budget:
            raise BudgetError(
                f"must_include, prefix and suffix have {least} tokens and the minimum shares ask "
                f"for {wanted} more, the budget is {self.budget}; raise it or lower the shares"
            )

    def _too_small(self, least: int) -> BudgetError:
        limits = self.limits
        given = {
            "must_include": len(self.scope.must), "prefix": limits.prefix, "suffix": limits.suffix,
        }  # fmt: skip
        names = " and ".join(name for name, value in given.items() if value)
        return BudgetError(
            f"{names or 'an empty text'} has {least} tokens by this tokenizer, the budget is "
            f"{self.budget}; raise the budget"
        )


def check_query(query: Any) -> tuple[str, ...]:
    """Return the questions that are not blank."""
    queries = [query] if query is None or isinstance(query, str) else query
    if not isinstance(queries, Iterable) or isinstance(queries, bytes):
        raise InputError(
            f"a query of type {type(query).__name__} is not text; pass a str, several, or None"
        )
    asked = []
    for one in queries:
        if one is not None and not isinstance(one, str):
            raise InputError(
                f"a query of type {type(one).__name__} is not text; pass a str, several, or None"
            )
        if one is not None and one.strip():
            asked.append(one)
    return tuple(asked)
