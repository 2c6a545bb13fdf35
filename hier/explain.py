"""Explanations: why each piece of a context is in, and what more tokens would add."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hier.context import Context
from hier.tree import Tree

STEP = 500


@dataclass(frozen=True)
class Explanation:
    """A context beside the one that ``STEP`` more tokens would give.

    Attributes:
        context: what was asked for.
        larger: the context of ``STEP`` more tokens.
        added: first words of the pieces that only the larger one has.
    """

    context: Context
    larger: Context
    added: tuple[str, ...]

    @property
    def text(self) -> str:
        """The explanation as lines."""
        gained = self.larger.coverage - self.context.coverage
        lines = [self.context.explain()]
        lines.append(
            f"shadow price: the next token would add {self.context.going:.4%} of the value"
        )
        lines.append(f"the next {STEP} tokens would add {gained:.1%} of the value:")
        return "\n".join([*lines, *(f"  + {words}" for words in self.added)])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        gained = self.larger.coverage - self.context.coverage
        following = {"tokens": STEP, "coverage": gained, "added": list(self.added)}
        return {**self.context.to_dict(), "next": following}


def explain(tree: Tree, query: str | Sequence[str] | None, budget: int) -> Explanation:
    """Compress twice and compare.

    Raises:
        BudgetError: the budget is not a whole number of at least 1.
    """
    context = tree.compress(query, budget)
    larger = tree.compress(query, budget + STEP)
    known = {pick.span for pick in context.picks}
    added = (pick.span for pick in larger.picks if pick.span not in known)
    words = (" ".join(tree.source[s:e].split()) for s, e in added)
    return Explanation(context, larger, tuple(w if len(w) < 80 else w[:79] + "…" for w in words))
