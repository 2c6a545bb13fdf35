"""The certificate: an upper bound on the value of every choice within a budget.

Each target's weight is split. One part is granted, covered or not; the other is counted as often as
it is covered, which makes the value a sum over candidates, never less than the true one. Tokens
have a price in value, and what a choice has beyond the price of its tokens is bounded candidate by
candidate, the marks and headings they share split among them. Every split and every price gives a
bound (Lagrangian duality; Geoffrion, 1974); a few of them are tried, and the least counts.
`docs/allocation.md` has the proof.
"""

from dataclasses import dataclass

import numpy as np

from hier.problem import Problem

_ROUNDS = 12  # splits of the weights that are tried, where candidates share targets
_STEPS = 14  # prices tried for each
_FEW_STEPS = 4  # where the price is known but for
_AROUND = 1.6  # a factor
_STEP = 0.5
_LARGEST = 4096  # budget up to which the knapsack is solved: above, a candidate is little
_GOLDEN = (5**0.5 - 1) / 2
_LITTLE = 0.002  # share of a bound that a round must gain, or the next one
_CLOSE = 0.02  # share of a bound by which it may be too high without another round


def upper_bound(
    problem: Problem,
    budget: int,
    reached: float = 0.0,
    near: float | None = None,
    outside: float = 0.0,
) -> float:
    """Return a value that no choice of at most ``budget`` tokens exceeds.

    Args:
        problem: candidates and targets.
        budget: most tokens of the price.
        reached: the value of a choice that is known; the bound is not below it.
        near: about the value of the last token spent, if it is known.
        outside: the best value a token of anything that is not a candidate.
    """
    if not len(problem):
        return max(reached, outside * budget)
    dual = _Dual(problem, budget, outside)
    best = bound = dual.least(problem.weights, near or None, reached)
    counted, worse = problem.weights, 0
    for number in range(1, _ROUNDS):
        over = dual.times_covered(bound) / np.maximum(dual.most, 1e-12)
        near_enough = best.value - reached <= _CLOSE * best.value
        if near_enough or worse > 1 or not (over > 1 + 1e-6).any():
            break
        # What is covered too often counts less, what is not counts more.
        step = _STEP / number**0.5
        counted = np.minimum(counted * np.exp(step * np.clip(1 - over, -2, 1)), problem.weights)
        bound = dual.least(counted, best.price, reached)
        worse = 0 if bound.value < (1 - _LITTLE) * best.value else worse + 1
        best = min(best, bound, key=lambda found: found.value)
    least = min(best.value, float(problem.weights @ dual.most) + outside * budget)
    return max(min(least, dual.whole(best, reached)) if least > reached else least, reached)


@dataclass(frozen=True)
class _Bound:
    """A bound, and the split and the price that gave it.

    Attributes:
        value: the bound itself.
        granted: value that every choice is granted.
        gains: what each candidate is counted for, float64 (candidates,).
        price: value of a token.
        surplus: what each candidate is worth beyond its tokens and its shares, at least 0.
    """

    value: float
    granted: float
    gains: np.ndarray
    price: float
    surplus: np.ndarray


class _Dual:
    """Bounds of one problem, by split and price."""

    def __init__(self, problem: Problem, budget: int, outside: float) -> None:
        self.problem, self.outside = problem, outside
        size = problem.size.astype(np.float64)
        # What is spared by candidates of sizes below zero is given to every choice.
        self.budget = budget - int(np.minimum(size, 0).sum())
        self._size = np.maximum(size, 0)
        # A heading that is shown itself spares the line that repeats it.
        self._lines = problem.heading_price.astype(np.float64)
        own = np.flatnonzero(problem.heading >= 0)
        self._lines[problem.heading[own]] = np.minimum(
            self._lines[problem.heading[own]], self._size[own]
        )
        self._size[own] -= self._lines[problem.heading[own]]
        lines = np.bincount(problem.under.rows, self._lines[problem.under.members], len(problem))
        least = problem.size + lines + problem.apart.min()
        self._fits = least <= self.budget  # no choice has what alone exceeds the budget
        self.most = np.zeros(len(problem.weights))  # how well each target can be covered
        fidelity = problem.fidelity * self._fits[problem.cover.rows]
        np.maximum.at(self.most, problem.cover.members, fidelity)
        self._order = _in_text(problem)
        self._begins = problem.left[self._order] < 0
        self._mark = problem.apart[self._order].astype(np.float64)
        self._dearest = float(self._mark.max(initial=0))
        self._depths = _depths(problem)

    def least(self, counted: np.ndarray, near: float | None, enough: float) -> _Bound:
        """Return the least bound found for a split of the weights: golden section search.

        Args:
            counted: the part of each weight that is counted as often as it is covered.
            near: a price to look around; None to look everywhere.
            enough: a bound that low is not looked further for.
        """
        granted = float((self.problem.weights - counted) @ self.most)
        gains = self.problem.gains(counted) * self._fits

        def bound(price: float) -> _Bound:
            surplus = self._surplus(gains, price)
            value = granted + self.budget * price + float(surplus.sum())
            return _Bound(value, granted, gains, price, surplus)

        low, high = self.outside, float((gains / np.maximum(self._size, 1)).max())
        steps = _STEPS
        if near is not None:
            low, high, steps = max(low, near / _AROUND), min(high, near * _AROUND), _FEW_STEPS
        high = max(low, high)
        left = bound(high - _GOLDEN * (high - low))
        right = bound(low + _GOLDEN * (high - low))
        for _ in range(steps):
            if min(left.value, right.value) <= enough:
                break
            if left.value <= right.value:
                high, right = right.price, left
                left = bound(high - _GOLDEN * (high - low))
            else:
                low, left = left.price, right
                right = bound(low + _GOLDEN * (high - low))
        return min(left, right, key=lambda found: found.value)

    def times_covered(self, bound: _Bound) -> np.ndarray:
        """Return how often what is worth its price covers each target, float64 (targets,)."""
        problem = self.problem
        members = (bound.surplus > 0)[problem.cover.rows]
        times: np.ndarray = np.bincount(
            problem.cover.members[members], problem.fidelity[members], len(problem.weights)
        )
        return times

    def whole(self, bound: _Bound, reached: float) -> float:
        """Tighten a bound: candidates are shown whole or not at all (a knapsack, solved exactly).

        What is shared is split as in the bound. Candidates without which the bound is lower than
        what was reached already cannot be in a better choice.
        """
        if not 0 < self.budget <= _LARGEST or bound.price <= 0:
            return bound.value
        raw = bound.gains - bound.price * self._size
        shares = np.where(raw > 0, (raw - bound.surplus) / bound.price, 0.0)
        # One that joins two runs spares a mark.
        shares[raw <= -bound.price * self._dearest] = -self._dearest
        tokens = np.floor(self._size + shares + 1e-6).astype(np.int64)
        tokens = np.maximum(tokens, 0)
        lost = np.minimum(raw + bound.price * self._dearest, 0)
        useful = (bound.value + lost > reached) & (tokens <= self.budget) & (bound.gains > 0)
        best = np.zeros(self.budget + 1)
        for size, gain in zip(tokens[useful].tolist(), bound.gains[useful].tolist(), strict=True):
            if size:
                np.maximum(best[size:], best[:-size] + gain, out=best[size:])
            else:
                best += gain
        rest = self.outside * np.arange(self.budget, -1, -1)
        return bound.granted + float((best + rest).max())

    def _surplus(self, gains: np.ndarray, price: float) -> np.ndarray:
        """Return what each candidate can be worth beyond its tokens, what is shared split.

        No choice is worth more, beyond its price, than the sum.
        """
        surplus = gains - price * self._size
        order = self._order
        # A run is never prolonged by what costs more than the mark it spares.
        ends = self._begins | (surplus[order] <= -price * self._dearest)
        first = np.flatnonzero(ends)
        np.maximum(surplus, 0, out=surplus)
        total = np.add.reduceat(surplus[order], first)
        left_over = _left_over(total, price * np.minimum.reduceat(self._mark, first))
        surplus[order] *= np.repeat(left_over, np.diff(np.append(first, len(order))))
        prices = price * self._lines
        for rows, headings in self._depths:
            total = np.bincount(headings, surplus[rows], len(prices))
            surplus[rows] *= _left_over(total, prices)[headings]
        return surplus


def _in_text(problem: Problem) -> np.ndarray:
    """Return the candidates with neighbours side by side."""
    right = problem.right.tolist()
    order: list[int] = []
    for i in np.flatnonzero(problem.left < 0).tolist():
        while i >= 0:
            order.append(i)
            i = right[i]
    return np.array(order, np.int64)


def _depths(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return candidates and headings above them, innermost headings first, each heading once."""
    under = problem.under
    if not len(under.members):
        return []
    from_end = under.offsets[under.rows + 1] - 1 - np.arange(len(under.members))
    depth = np.zeros(len(problem.heading_price), np.int64)
    np.maximum.at(depth, under.members, from_end)
    at = depth[under.members]
    groups = (np.flatnonzero(at == level) for level in range(int(at.max()) + 1))
    return [(under.rows[group], under.members[group]) for group in groups]


def _left_over(total: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return the share of each total that is left when a cost is paid from it."""
    left: np.ndarray = np.maximum(total - cost, 0) / np.maximum(total, 1e-300)
    return left
