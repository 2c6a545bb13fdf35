"""Allocation: which leaves (and summaries) to show within a budget.

The objective is relevance-weighted coverage, ``F(S) = sum_j w_j max_{i in S} fidelity(i, j)``, over
targets j and candidates i. F is monotone submodular, so taking the best gain a token while it fits
has a known guarantee (Krause and Guestrin, 2005; Leskovec et al., KDD 2007: compare with the single
best candidate). The gains left at the end bound what any other choice could reach: the value of the
best set is at most F(S) plus the best filling of the budget by those gains.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Candidates, targets and what they are to each other.

    Attributes:
        weights: value of each target, float64 (targets,).
        cover_offsets: int64 (candidates + 1,); what candidate i covers stands at
            ``cover_offsets[i]:cover_offsets[i + 1]`` of the next two arrays.
        cover_targets: int64, target numbers.
        cover_fidelity: float32, how well each is covered, 0 to 1.
        floor: the least tokens each candidate can add to a rendering, int64 (candidates,).
    """

    weights: np.ndarray
    cover_offsets: np.ndarray
    cover_targets: np.ndarray
    cover_fidelity: np.ndarray
    floor: np.ndarray

    @classmethod
    def of(
        cls,
        weights: np.ndarray,
        floor: np.ndarray,
        pairs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    ) -> "Problem":
        """Put a problem together from lists of who covers what.

        Args:
            weights: as in the attributes.
            floor: as in the attributes.
            pairs: candidates, the targets they cover, and how well; three arrays of equal length.
        """
        rows, targets, fidelity = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        order = np.argsort(rows, kind="stable")
        return cls(
            weights=weights,
            cover_offsets=np.searchsorted(rows[order], np.arange(len(floor) + 1)),
            cover_targets=targets[order].astype(np.int64),
            cover_fidelity=fidelity[order].astype(np.float32),
            floor=floor.astype(np.int64),
        )

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.floor)


@dataclass
class Allocation:
    """A growing choice.

    Attributes:
        chosen: candidates in the order taken.
        gains: what each added to the value.
        costs: the tokens each was expected to add.
        covered: best fidelity reached a target, float32 (targets,).
    """

    covered: np.ndarray
    chosen: list[int] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)

    @property
    def value(self) -> float:
        """F of the candidates chosen."""
        return float(sum(self.gains))


class Costs(Protocol):
    """What candidates cost, which may change as others are chosen."""

    def cost(self, candidate: int) -> int:
        """Return the tokens a candidate would add now."""
        ...

    def take(self, candidate: int) -> tuple[Sequence[int], Sequence[int]]:
        """Note a choice; returns the candidates it made cheaper, and those it rules out."""
        ...


class Greedy:
    """The lazy greedy: the best gain a token first, whatever does not fit is passed over.

    Args:
        problem: candidates and targets.
        costs: what the candidates cost.
    """

    def __init__(self, problem: Problem, costs: Costs) -> None:
        """Start with nothing chosen."""
        self.problem, self.costs = problem, costs
        self.allocation = Allocation(np.zeros(len(problem.weights), np.float32))
        self.gains = self._all_gains()
        self._fresh = np.zeros(len(problem), np.int64)
        self._open = np.ones(len(problem), bool)
        self._heap = [
            (-gain / costs.cost(i), i, 0) for i, gain in enumerate(self.gains.tolist()) if gain > 0
        ]
        heapq.heapify(self._heap)
        self._waiting: list[tuple[float, int, int]] = []  # did not fit

    def fill(self, room: int) -> int:
        """Choose until nothing fits into ``room`` tokens; returns the tokens left."""
        floor = self.problem.floor
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            if floor[item[1]] <= room:
                heapq.heappush(self._heap, item)
            else:
                self._waiting.append(item)
        while self._heap and room > 0:
            key, i, known = heapq.heappop(self._heap)
            if not self._open[i] or known < self._fresh[i]:
                continue
            if floor[i] > room:
                self._waiting.append((key, i, known))
                continue
            gain, cost = self._gain(i), self.costs.cost(i)
            if gain <= 0:
                continue
            ratio = -gain / cost
            if self._heap and ratio > self._heap[0][0] + 1e-12 and ratio > key + 1e-12:
                heapq.heappush(self._heap, (ratio, i, known))
            elif cost > room:
                self._waiting.append((ratio, i, known))
            else:
                self._choose(i, gain, cost)
                room -= cost
        return room

    def give_back(self, tokens: int) -> None:
        """Take back the latest choices, enough of them to have been expected to cost ``tokens``."""
        allocation = self.allocation
        while tokens > 0 and allocation.chosen:
            allocation.chosen.pop()
            allocation.gains.pop()
            tokens -= allocation.costs.pop()
        allocation.covered[:] = 0
        for i in allocation.chosen:
            self._cover(i)

    def bound(self, budget: int, outside: float = 0.0) -> float:
        """Return an upper bound on the value of any choice of at most ``budget`` tokens.

        Args:
            budget: most tokens.
            outside: the best value a token of anything that is not a candidate here.
        """
        gains = self._all_gains()
        gains[self.allocation.chosen] = 0
        density = gains / self.problem.floor
        order = np.argsort(-density, kind="stable")
        order = order[density[order] > outside]
        filled = np.cumsum(self.problem.floor[order])
        whole = filled <= budget
        value, used = float(gains[order][whole].sum()), int(filled[whole].max(initial=0))
        rest = order[~whole]
        price = float(density[rest[0]]) if len(rest) else outside
        return self.allocation.value + value + (budget - used) * price

    def _choose(self, i: int, gain: float, cost: int) -> None:
        self._open[i] = False
        self._cover(i)
        self.allocation.chosen.append(i)
        self.allocation.gains.append(gain)
        self.allocation.costs.append(cost)
        cheaper, ruled_out = self.costs.take(i)
        self._open[list(ruled_out)] = False
        for j in cheaper:
            if self._open[j]:
                self._fresh[j] += 1
                ratio = -self._gain(j) / self.costs.cost(j)
                heapq.heappush(self._heap, (ratio, j, int(self._fresh[j])))

    def _slice(self, i: int) -> slice:
        return slice(self.problem.cover_offsets[i], self.problem.cover_offsets[i + 1])

    def _gain(self, i: int) -> float:
        problem, part = self.problem, self._slice(i)
        targets = problem.cover_targets[part]
        more = problem.cover_fidelity[part] - self.allocation.covered[targets]
        return float(np.maximum(more, 0) @ problem.weights[targets])

    def _cover(self, i: int) -> None:
        part = self._slice(i)
        targets, covered = self.problem.cover_targets[part], self.allocation.covered
        covered[targets] = np.maximum(covered[targets], self.problem.cover_fidelity[part])

    def _all_gains(self) -> np.ndarray:
        problem = self.problem
        more = problem.cover_fidelity - self.allocation.covered[problem.cover_targets]
        terms = np.maximum(more, 0) * problem.weights[problem.cover_targets]
        sums = np.concatenate([[0.0], np.cumsum(terms)])
        gains: np.ndarray = sums[problem.cover_offsets[1:]] - sums[problem.cover_offsets[:-1]]
        return gains
