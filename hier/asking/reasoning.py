"""Reasoning budgets: how many tokens a model may think and answer in.

TALE, token-budget-aware reasoning (arXiv 2412.18547): a model told "use less than N tokens" thinks
shorter and answers as well, if N is not far too small. Its two ways to find N are here: the model's
own estimate (TALE-EP), and halving N while the answer stays the same and the tokens really used
fall.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from hier.errors import InputError

DEFAULT = 300
"""Tokens of reasoning and answer that are reckoned with where no model is asked."""
LEAST = 32
"""Fewest tokens that an answer is asked for with."""
TRIES = 3
"""Most answers that the search asks for."""
MOST = 8192
"""Most tokens of one reply where no other limit is set: servers refuse much more."""
_MARGIN = 1.5  # models overrun a budget they are told; cut off there, they would not answer at all
_SHARE = 8  # the answer's share of a budget is one in so many
_ORDINARY = 500  # tokens of an answer that are kept free at most, where nothing else is known
_NUMBER = re.compile(r"\d[\d,]{0,8}")


@dataclass(frozen=True)
class Thinking:
    """What a model may spend on thinking and answering.

    Attributes:
        told: tokens that the prompt names; None where it names none.
        most: tokens that a reply is cut off at.
        kept: tokens kept free for a reply.
        tries: answers that are asked for.
    """

    told: int | None
    most: int
    kept: int
    tries: int = 1

    @property
    def reserve(self) -> int:
        """Tokens kept free for all replies."""
        return sum(max(LEAST, self.kept >> halved) for halved in range(self.tries))

    def halved(self) -> "Thinking":
        """Return what the next answer of a search may spend."""
        told = max(LEAST, (self.told or self.kept) // 2)
        return replace(self, told=told, most=int(_MARGIN * told), tries=self.tries - 1)


def check_reasoning(reasoning: Any) -> None:
    """Refuse what is no strategy.

    Raises:
        InputError: it is not None, a whole number of at least 1, ``"estimate"`` or ``"search"``.
    """
    if reasoning is None or (isinstance(reasoning, str) and reasoning in ("estimate", "search")):
        return
    whole = isinstance(reasoning, int) and not isinstance(reasoning, bool)
    if not whole or reasoning < LEAST:
        raise InputError(
            f"reasoning {reasoning!r} is no strategy; pass None, a number of tokens of at least "
            f"{LEAST}, 'estimate' or 'search'"
        )


def think(reasoning: float | str | None, budget: int, estimate: int = DEFAULT) -> Thinking:
    """Return what a strategy grants within a total budget.

    Args:
        reasoning: a checked strategy.
        budget: all tokens there are.
        estimate: the model's own, for ``"estimate"``.
    """
    ordinary = max(LEAST, min(budget // _SHARE, _ORDINARY))
    if reasoning is None:
        return Thinking(None, MOST, ordinary)
    if reasoning == "search":
        told = max(LEAST, int(ordinary / _MARGIN))
        return Thinking(told, ordinary, ordinary, TRIES)
    largest = max(LEAST, budget // 2)
    if reasoning == "estimate":
        told = min(max(LEAST, estimate), int(largest / _MARGIN) or LEAST)
        most = int(_MARGIN * told)
        return Thinking(told, most, min(most, largest))
    told = int(reasoning)
    return Thinking(told, told, min(told, largest))


def read_estimate(text: str) -> int | None:
    """Return the number of tokens that a model estimated; None where it named none."""
    marked = re.search(r"\[\[\s*(\d[\d,]{0,8})\s*\]\]", text)
    found = marked[1] if marked else (plain[0] if (plain := _NUMBER.search(text)) else None)
    number = int(found.replace(",", "")) if found else 0
    return number or None


def same(one: str, other: str) -> bool:
    """Say whether two answers say the same, but for case, marks, articles and white space."""
    return _normal(one) == _normal(other)


def _normal(answer: str) -> list[str]:
    words = re.sub(r"[^\w\s]", " ", answer.casefold()).split()
    return [word for word in words if word not in ("a", "an", "the")]
