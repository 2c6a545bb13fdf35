"""Explanations: why each piece of a context is in, and what more tokens would add."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hier.context import Context, Pick
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.corpus.where import Where

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


def explain(
    asked: "Tree | Corpus",
    query: str | Sequence[str] | None,
    budget: int,
    where: "Where | None" = None,
) -> Explanation:
    """Compress twice and compare.

    Args:
        asked: a text or a corpus.
        query: as for ``Tree.compress``.
        budget: most tokens.
        where: which documents of a corpus are meant.

    Raises:
        BudgetError: the budget is not a whole number of at least 1.
    """
    only: dict[str, Any] = {} if where is None else {"where": where}
    context = asked.compress(query, budget, **only)
    larger = asked.compress(query, budget + STEP, **only)
    known = {(pick.document_id, pick.span) for pick in context.picks}
    added = [pick for pick in larger.picks if (pick.document_id, pick.span) not in known]
    return Explanation(context, larger, tuple(_shortened(_words(asked, pick)) for pick in added))


def _words(asked: "Tree | Corpus", pick: Pick) -> str:
    if isinstance(asked, Tree):
        return asked.source[pick.span.start : pick.span.end]
    text = asked.document(pick.document_id).text
    return f"{pick.document_id}: {text[pick.span.start : pick.span.end]}"


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) < 80 else words[:79] + "…"
