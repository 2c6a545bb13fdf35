"""Budgets: a number of tokens, a share of the text, or as many as are worth their price."""

import math
from typing import Any

import numpy as np

from hier.errors import BudgetError

CEILING = 4000
"""Most tokens of ``budget="auto"`` where no ceiling is given."""
PRICES = {"thorough": 2.0, "balanced": 5.5, "thrifty": 10.0}
"""What each word asks a thousand tokens to add, in percent of all value; `benchmarks/thrift.py`
measures what that saves and loses."""
_DEFAULT = 2000


def read_budget(
    tokens: int, budget: Any, ratio: Any = None, ceiling: Any = None, price: Any = None
) -> tuple[int, float]:
    """Return the most tokens, and the share of all value that a thousand of them must add.

    Args:
        tokens: tokens of the text.
        budget: a whole number, or ``"auto"``.
        ratio: share of the text's tokens that is the budget, or None.
        ceiling: most tokens of ``"auto"``, or None.
        price: a word of ``PRICES`` or percent of the value a thousand tokens; None for no price,
            with ``"auto"`` for ``"balanced"``.

    Raises:
        BudgetError: one of them is not what it must be, or two contradict each other.
    """
    auto = isinstance(budget, str) and budget == "auto"
    if ceiling is not None and not auto:
        raise BudgetError(
            f"ceiling {ceiling!r} goes with budget='auto'; a number is its own ceiling"
        )
    if ratio is not None:
        if auto or budget != _DEFAULT:
            raise BudgetError(f"budget {budget!r} and ratio {ratio!r} are both given; pass one")
        budget = _share(ratio, tokens)
    elif auto:
        budget = CEILING if ceiling is None else ceiling
        price = "balanced" if price is None else price
    return whole_number(budget), _read_price(price)


def whole_number(budget: Any) -> int:
    """Return a number of tokens.

    Raises:
        BudgetError: it is not a whole number of at least 1.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer):
        raise BudgetError(
            f"budget {budget!r} is not a whole number of tokens; pass 1 or more, or 'auto'"
        )
    if budget < 1:
        raise BudgetError(f"budget {budget} is below the least, 1 token; raise the budget")
    return int(budget)


def _share(ratio: Any, tokens: int) -> int:
    if isinstance(ratio, bool) or not isinstance(ratio, int | float | np.number):
        raise BudgetError(f"ratio {ratio!r} is not a number; pass one above 0 and up to 1")
    if not 0 < ratio <= 1:
        raise BudgetError(f"ratio {ratio} is not a share; pass a number above 0 and up to 1")
    return max(1, int(ratio * tokens))


def _read_price(price: Any) -> float:
    if price is None:
        return 0.0
    if isinstance(price, str):
        if price not in PRICES:
            raise BudgetError(
                f"price {price!r} is unknown; pass {', '.join(map(repr, PRICES))} or a number"
            )
        price = PRICES[price]
    if isinstance(price, bool) or not isinstance(price, int | float | np.number):
        raise BudgetError(f"price {price!r} is not a number; pass percent of the value, 0 or more")
    if not math.isfinite(price) or price < 0:
        raise BudgetError(f"price {price} is below zero or not finite; pass 0 or more")
    return float(price) / 100
