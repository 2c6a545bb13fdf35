"""Curves: value against tokens for every budget, from one plan and one run of the allocator."""

from collections.abc import Sequence
from itertools import accumulate

from hier.budget import whole_number
from hier.compose import Composer, Request
from hier.tree import Tree


def curve(
    tree: Tree, query: str | Sequence[str] | None, budgets: Sequence[int] | None
) -> list[tuple[int, float]]:
    """Return (tokens, value) within some budgets, or at every pick; see ``Tree.curve``."""
    checked = None if budgets is None else [whole_number(budget) for budget in budgets]
    composer = Composer(tree, Request(query, max(checked or [tree.tokens]), nested=True))
    total = composer.plan.total or 1.0
    if checked is None:
        picks = composer.ordered
        values = (value / total for value in accumulate(picks.gains))
        # The first piece has no mark before it.
        tokens = (spent - composer.spared for spent in accumulate(picks.prices))
        return list(zip(tokens, values, strict=True))
    drafts = (composer.fill(budget) for budget in checked)
    return [(draft.tokens, draft.allocation.value / total) for draft in drafts]
