"""Settings: how conversations are compressed, checked before anything is read."""

from dataclasses import dataclass
from typing import Any

from hier.errors import BudgetError, InputError

LOW_WATER = 0.8
REFRESH = 0.5
"""Both chosen by ``benchmarks/messages.py``: much evidence, at a beginning that often stays."""


@dataclass(frozen=True)
class Settings:
    """How conversations are compressed; see ``hier.compress_messages``.

    Attributes:
        budget: most tokens of each request.
        tokenizer: how they are counted, as for ``hier.build``.
        low_water: share of the room that is used when everything is compressed anew.
        refresh: share of what is relevant below which what is shown is not enough.
        part_tokens: tokens of what is neither text nor image; None to refuse it.
    """

    budget: int
    tokenizer: Any
    low_water: float = LOW_WATER
    refresh: float = REFRESH
    part_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_budget(self.budget)
        _check_share("low_water", self.low_water)
        _check_share("refresh", self.refresh)
        _check_part_tokens(self.part_tokens)
        if not self.low_water:
            raise InputError("low_water 0 leaves nothing to show; pass a number above 0, up to 1")


def _check_budget(budget: Any) -> None:
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise BudgetError(f"budget {budget!r} is not a whole number of tokens; pass 1 or more")
    if budget < 1:
        raise BudgetError(f"budget {budget} is below the least, 1 token; raise the budget")


def _check_share(name: str, share: Any) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InputError(f"{name} {share!r} is no share; pass a number from 0 to 1")


def _check_part_tokens(tokens: Any) -> None:
    whole = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0
    if tokens is not None and not whole:
        raise InputError(f"part_tokens {tokens!r} is not a number; pass 0 or more, or None")
