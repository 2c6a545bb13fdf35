"""Token economy: how many times our tokens a baseline needs for the same macro recall.

The baseline's recall is known at a few budgets. Between them it is read off a straight line over
the logarithm of the budget, after a curve that dips is raised to its highest value so far. Where
the baseline never reaches our recall, the largest budget tried gives a lower bound; where it is
above us at the smallest, that gives an upper bound. A bound is never reported as a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Economy:
    """How many times the tokens.

    Attributes:
        value: the baseline's budget over ours.
        sign: ``"="``, or ``">="`` and ``"<="`` where the value is a bound.
    """

    value: float
    sign: str = "="

    def __str__(self) -> str:
        """Such as ``2.31`` or ``>= 4.00``."""
        return f"{self.value:.2f}" if self.sign == "=" else f"{self.sign} {self.value:.2f}"


@dataclass(frozen=True, repr=False)
class TokenEconomy:
    """The measure at a budget of ours."""

    budget: int

    def __repr__(self) -> str:
        """Its name, such as ``TokenEconomy@512``."""
        return f"{type(self).__name__}@{self.budget}"

    def of(self, recall: float, budgets: Sequence[int], recalls: Sequence[float]) -> Economy:
        """Compare our recall at this budget with the baseline's at rising budgets."""
        curve = np.maximum.accumulate(recalls)
        if recall > curve[-1]:
            return Economy(budgets[-1] / self.budget, ">=")
        if recall < curve[0]:
            return Economy(budgets[0] / self.budget, "<=")
        first = int(np.searchsorted(curve, recall))  # the first budget that is enough
        if first == 0:
            return Economy(budgets[0] / self.budget)
        (low, high), (below, above) = budgets[first - 1 : first + 1], curve[first - 1 : first + 1]
        share = (recall - below) / (above - below)
        needed = np.exp(np.log(low) + share * (np.log(high) - np.log(low)))
        return Economy(float(np.clip(needed, low, high) / self.budget))  # rounding goes past both
