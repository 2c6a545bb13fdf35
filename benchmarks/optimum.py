"""The exact optimum of small allocation problems, and small problems made up at random.

What the allocator and its certificate promise is checked against an outside solver: HiGHS, by
``scipy.optimize.milp`` (Huangfu and Hall, 2018). A problem becomes a mixed-integer program as it is
defined in ``hier/problem.py``: one variable a candidate, one a mark before a run, one a heading
line, and one for every pair of a candidate and a target that it covers.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from hier.problem import Groups, Problem

GAP = 1e-6  # relative distance from the optimum at which the solver may stop
Terms = list[tuple[int, float]]


class SolverError(Exception):
    """The solver found no optimum, or one that is none."""


def exact(problem: Problem, budget: int) -> tuple[float, list[int]]:
    """Return the largest value of any choice within a budget, and such a choice.

    Raises:
        SolverError: the solver failed.
    """
    program = _Program(problem)
    program.at_most(program.costs(), budget)
    found = milp(
        program.loss(),
        constraints=program.constraints(),
        bounds=Bounds(0, 1),
        integrality=program.integral(),
        options={"mip_rel_gap": GAP},
    )
    if found.x is None:
        raise SolverError(f"no optimum at a budget of {budget}: {found.message}")
    chosen: list[int] = np.flatnonzero(found.x[: len(problem)] > 0.5).tolist()
    if problem.price(chosen) > budget:
        raise SolverError(f"the choice costs {problem.price(chosen)}, the budget is {budget}")
    return problem.value(chosen), chosen


class _Program:
    """A problem as a mixed-integer program.

    Its variables, all from 0 to 1, in this order: each candidate is shown; each candidate has a
    mark before it; each heading has a line; each candidate is what covers a target, as its cover
    lists them. Only the first need be told to be whole numbers.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.marks = len(problem)
        self.lines = 2 * len(problem)
        self.covers = self.lines + len(problem.heading_price)
        self.variables = self.covers + len(problem.cover.members)
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._values: list[float] = []
        self._limits: list[float] = []
        self._cover()
        self._mark()
        self._head()
        for one, others in problem.rivals.items():
            for other in others:
                self.at_most([(one, 1), (other, 1)], 1)

    def at_most(self, terms: Terms, limit: float) -> None:
        """Add a constraint: the sum of some variables, each times a number, has a limit."""
        for column, value in terms:
            self._rows.append(len(self._limits))
            self._columns.append(column)
            self._values.append(value)
        self._limits.append(limit)

    def costs(self) -> Terms:
        """Return what each variable costs in tokens."""
        problem = self.problem
        prices = np.concatenate([problem.size, problem.apart, problem.heading_price])
        return list(enumerate(prices.astype(float).tolist()))

    def loss(self) -> np.ndarray:
        """Return what each variable takes away: value counts as negative."""
        loss = np.zeros(self.variables)
        cover = self.problem.cover.members
        loss[self.covers :] = -self.problem.weights[cover] * self.problem.fidelity
        return loss

    def constraints(self) -> LinearConstraint:
        """Return all constraints added."""
        shape = (len(self._limits), self.variables)
        matrix = coo_array((self._values, (self._rows, self._columns)), shape=shape)
        return LinearConstraint(matrix.tocsr(), -np.inf, np.array(self._limits))

    def integral(self) -> np.ndarray:
        """Return 1 for each variable that is a whole number, else 0."""
        return (np.arange(self.variables) < self.marks).astype(int)

    def _cover(self) -> None:
        """What covers a target is shown, and is one."""
        cover = self.problem.cover
        by_target: dict[int, Terms] = {}
        for entry, (i, target) in enumerate(
            zip(cover.rows.tolist(), cover.members.tolist(), strict=True), self.covers
        ):
            self.at_most([(entry, 1), (i, -1)], 0)
            by_target.setdefault(target, []).append((entry, 1))
        for terms in by_target.values():
            self.at_most(terms, 1)

    def _mark(self) -> None:
        """What is shown has a mark before it, or follows what is shown."""
        for i, left in enumerate(self.problem.left.tolist()):
            follows: Terms = [(left, -1)] if left >= 0 else []
            self.at_most([(i, 1), (self.marks + i, -1), *follows], 0)

    def _head(self) -> None:
        """A heading above what is shown has a line, or is shown itself."""
        itself: dict[int, Terms] = {}
        for i in np.flatnonzero(self.problem.heading >= 0).tolist():
            itself.setdefault(int(self.problem.heading[i]), []).append((i, -1))
        for i in range(len(self.problem)):
            for heading in self.problem.under[i]:
                line: Terms = [(i, 1), (self.lines + heading, -1)]
                self.at_most(line + itself.get(heading, []), 0)


def random_problem(seed: int) -> tuple[str, Problem]:
    """Return a small random problem and the family it is of; families come in turns."""
    name = list(FAMILIES)[seed % len(FAMILIES)]
    made = _Made(np.random.default_rng(seed))
    for step in FAMILIES[name]:
        step(made)
    return name, made.problem()


class _Made:
    """A problem in the making: 5 to 39 candidates, of their own until they are put together."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.n = n = int(rng.integers(5, 40))
        self.density = rng.gamma(0.5, size=n)
        self.size = rng.integers(3, 60, n)
        self.fidelity = np.eye(n)
        self.shared = np.zeros(0)  # weights of targets that are no candidate's own
        self.left = np.full(n, -1)
        self.apart = np.zeros(n, np.int64)
        self.under: list[list[int]] = [[] for _ in range(n)]
        self.heading = np.full(n, -1)
        self.heading_price = np.zeros(0, np.int64)
        self.summaries = 0

    def skew(self) -> None:
        """Let a few candidates be worth and cost far more than the others."""
        self._tell_apart()
        self.size = np.maximum(np.exp(self.rng.normal(3, 1, self.n)).astype(np.int64), 2)

    def perhaps_tell_apart(self) -> None:
        """Let a few candidates be worth far more for their size, or leave them: as often."""
        if self.rng.random() < 0.5:
            self._tell_apart()

    def overlap(self) -> None:
        """Let candidates cover each other in part, and share targets that are no one's own."""
        rng, n = self.rng, self.n
        among = rng.random((n, n)) < rng.choice([0.05, 0.2])
        self.fidelity = np.where(among, 0.9 * rng.random((n, n)), self.fidelity)
        np.fill_diagonal(self.fidelity, 1)
        extra = int(rng.choice([0, 10, 30]))
        held = (rng.random((n, extra)) < 0.2) * rng.random((n, 1))
        self.fidelity = np.hstack([self.fidelity, held])
        self.shared = rng.random(extra) * rng.choice([0.5, 2]) * self._own().sum() / max(extra, 1)

    def join(self) -> None:
        """Let most candidates follow the one before, and set marks between runs."""
        follows = self.rng.random(self.n) < 0.6
        follows[0] = False
        self.left = np.where(follows, np.arange(self.n) - 1, -1)
        self.apart = np.full(self.n, int(self.rng.integers(1, 5)))

    def head(self) -> None:
        """Put candidates under headings, two deep at most, and let some be headings."""
        rng = self.rng
        begins = np.sort(rng.choice(self.n, int(rng.integers(1, 2 + self.n // 3)), replace=False))
        self.heading_price = rng.integers(2, 15, len(begins))
        inner = rng.random(len(begins)) < 0.5  # stands under the first
        for i in range(self.n):
            heading = int(np.searchsorted(begins, i, "right")) - 1
            if heading >= 0:
                self.under[i] = [0, heading] if heading and inner[heading] else [heading]
        for heading in np.flatnonzero(rng.random(len(begins)) < 0.5).tolist():
            first = int(begins[heading])
            self.heading[first] = heading
            self.under[first].remove(heading)
            # A line of our own making costs about what the text's heading does.
            self.size[first] = max(1, self.heading_price[heading] + int(rng.integers(-2, 3)))
            self.density[first] = rng.choice([0.0, self.density[first]])

    def summarise(self) -> None:
        """Add a few summaries of candidates side by side; some exclude each other."""
        self.summaries = int(self.rng.integers(1, 5))

    def problem(self) -> Problem:
        """Return what was made."""
        summaries = self.summaries
        weights = np.concatenate([self._own(), self.shared])
        weights = weights / max(float(weights.sum()), 1e-12)
        first = self.rng.integers(0, self.n, summaries)
        end = np.minimum(first + self.rng.integers(2, 12, summaries), self.n)
        fidelity = np.vstack([self.fidelity, np.zeros((summaries, len(weights)))])
        for row, (low, high) in enumerate(zip(first, end, strict=True), self.n):
            fidelity[row, low:high] = 0.6 * self.rng.random(high - low)
        rows, targets = np.nonzero(fidelity)
        n = self.n + summaries
        none = np.full(summaries, -1)
        return Problem(
            weights=weights,
            cover=Groups(np.searchsorted(rows, np.arange(n + 1)), targets),
            fidelity=fidelity[rows, targets].astype(np.float32),
            size=np.append(self.size, self.rng.integers(10, 60, summaries)),
            apart=np.append(self.apart, np.full(summaries, self.apart.max())),
            left=np.append(self.left, none),
            under=Groups.of([*self.under, *([] for _ in range(summaries))]),
            heading_price=self.heading_price,
            heading=np.append(self.heading, none),
            rivals=_rivals(first.tolist(), end.tolist(), self.n),
        )

    def _own(self) -> np.ndarray:
        return self.density * self.size

    def _tell_apart(self) -> None:
        self.density = np.exp(self.rng.normal(0, 1.5, self.n))


# What is done to candidates that have nothing to do with each other, family by family.
FAMILIES: dict[str, tuple[Callable[[_Made], None], ...]] = {
    "modular": (),
    "skewed": (_Made.skew,),
    "overlapping": (_Made.overlap,),
    "neighbours": (_Made.join,),
    "headings": (_Made.head,),
    "summaries": (_Made.join, _Made.summarise),
    "mixed": (_Made.perhaps_tell_apart, _Made.overlap, _Made.join, _Made.head),
}


def _rivals(first: list[int], end: list[int], start: int) -> dict[int, list[int]]:
    """Return for each summary those that speak of what it speaks of, as in a tree."""
    spans = list(enumerate(zip(first, end, strict=True), start))
    return {
        one: [other for other, (f, e) in spans if other != one and f < high and low < e]
        for one, (low, high) in spans
    }
