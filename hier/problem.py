"""Problems: candidates and targets, what they are to each other, and what showing them costs.

The value of a choice is what it covers; its price is what its rendering costs: the candidates' own
tokens, a mark for every run of neighbours, and every heading that some of them stand under, once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise

import numpy as np

from hier.errors import InputError


@dataclass(frozen=True)
class Groups:
    """For each of some rows a few numbers: ``members[offsets[row]:offsets[row + 1]]``."""

    offsets: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Groups":
        """Return the groups of a list of lists."""
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        return cls(offsets, np.array([member for row in rows for member in row], np.int64))

    def __getitem__(self, row: int) -> list[int]:
        """Return the numbers of one row."""
        return self.lists[row]

    @cached_property
    def bounds(self) -> list[int]:
        """The offsets as a list."""
        offsets: list[int] = self.offsets.tolist()
        return offsets

    @cached_property
    def lists(self) -> list[list[int]]:
        """All rows as lists."""
        flat = self.members.tolist()
        return [flat[first:end] for first, end in pairwise(self.bounds)]

    @cached_property
    def rows(self) -> np.ndarray:
        """The row of every member, int64."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


@dataclass(frozen=True)
class Problem:
    """Candidates and targets, what they are to each other, and what showing them costs.

    Attributes:
        weights: value of each target, float64 (targets,).
        cover: for each candidate the targets that it covers.
        fidelity: how well, 0 to 1, float32, one for each member of ``cover``.
        size: tokens of each candidate itself, int64 (candidates,).
        apart: tokens of the mark before each candidate that does not follow the one on its left,
            int64 (candidates,).
        left: the candidate directly before each one in the text, -1 for none, int64 (candidates,).
        under: for each candidate the headings that are shown above it.
        heading_price: tokens of each heading, int64 (headings,).
        heading: the heading that each candidate itself is, -1 for none, int64 (candidates,).
        rivals: for some candidates those that cannot be shown with them.

    Raises:
        InputError: a weight is not finite, or anything is negative, out of range or of another
            length than the rest.
    """

    weights: np.ndarray
    cover: Groups
    fidelity: np.ndarray
    size: np.ndarray
    apart: np.ndarray
    left: np.ndarray
    under: Groups
    heading_price: np.ndarray
    heading: np.ndarray
    rivals: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be allocated."""
        n, targets, headings = len(self.size), len(self.weights), len(self.heading_price)
        _refuse("weight", self.weights, np.isfinite(self.weights) & (self.weights >= 0))
        _refuse("fidelity", self.fidelity, (self.fidelity >= 0) & (self.fidelity <= 1))
        for name in ("size", "apart", "heading_price"):
            _refuse(name, getattr(self, name), getattr(self, name) >= 0)
        for name, values, end in (
            ("target", self.cover.members, targets),
            ("heading", self.under.members, headings),
        ):
            _refuse(name, values, (values >= 0) & (values < end))
        for name, values, end in (("left", self.left, n), ("heading", self.heading, headings)):
            _refuse(name, values, (values >= -1) & (values < end))
        lengths = {len(self.apart), len(self.left), len(self.heading)}
        lengths |= {len(self.cover.offsets) - 1, len(self.under.offsets) - 1}
        if lengths != {n} or len(self.fidelity) != len(self.cover.members):
            raise InputError("the arrays of a problem differ in length; give each candidate one")
        joined = self.left[self.left >= 0]
        if len(np.unique(joined)) < len(joined):
            raise InputError("two candidates follow the same one; spans must not overlap")
        before = np.append(self.left, -1)  # the last is for no candidate
        for _ in range(n.bit_length()):
            before = before[before]  # two, four, eight, ... candidates back
        if (before >= 0).any():
            raise InputError(
                f"candidate {int(np.argmax(before >= 0))} follows itself; spans must not go round"
            )

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.size)

    @cached_property
    def right(self) -> np.ndarray:
        """The candidate directly behind each one, -1 for none, int64 (candidates,)."""
        right = np.full(len(self), -1, np.int64)
        joined = np.flatnonzero(self.left >= 0)
        right[self.left[joined]] = joined
        return right

    @cached_property
    def titles(self) -> dict[int, int]:
        """The candidate that a heading itself is, by heading."""
        some = np.flatnonzero(self.heading >= 0)
        return dict(zip(self.heading[some].tolist(), some.tolist(), strict=True))

    @cached_property
    def heading_prices(self) -> list[int]:
        """``heading_price`` as a list."""
        prices: list[int] = self.heading_price.tolist()
        return prices

    def row(self, i: int) -> tuple[int, int, int, int, int]:
        """Return ``size``, ``apart``, ``left``, ``right`` and ``heading`` of a candidate."""
        return self._rows[i]

    @cached_property
    def _rows(self) -> list[tuple[int, int, int, int, int]]:
        arrays = (self.size, self.apart, self.left, self.right, self.heading)
        return list(zip(*(array.tolist() for array in arrays), strict=True))

    @cached_property
    def least(self) -> list[int]:
        """The least that each candidate can add to a price."""
        spared = np.append(self.heading_price, 0)[self.heading]
        beside = np.append(self.apart, 0)[self.right]
        least: list[int] = (self.size - spared - beside).tolist()
        return least

    @cached_property
    def alone(self) -> list[float]:
        """What each candidate adds as long as nothing is chosen."""
        gains: list[float] = self.gains(self.weights).tolist()
        return gains

    @cached_property
    def ranked(self) -> list[tuple[float, int, int]]:
        """A heap of the candidates, the most value a token first: (-value a token, candidate, 0).

        As long as nothing is chosen; what is worth nothing is left out.
        """
        lines = np.bincount(
            self.under.rows, self.heading_price[self.under.members], len(self)
        ).astype(np.int64)
        density = np.array(self.alone) / np.maximum(self.size + self.apart + lines, 1)
        best = np.argsort(-density, kind="stable")
        best = best[density[best] > 0]
        return [(-d, i, 0) for d, i in zip(density[best].tolist(), best.tolist(), strict=True)]

    @cached_property
    def below(self) -> Groups:
        """For each heading the candidates under it."""
        order = np.argsort(self.under.members, kind="stable")
        members = self.under.rows[order]
        bounds = np.arange(len(self.heading_price) + 1)
        return Groups(np.searchsorted(self.under.members[order], bounds), members)

    def gains(self, weights: np.ndarray, covered: np.ndarray | None = None) -> np.ndarray:
        """Return what each candidate alone adds to what is covered, float64 (candidates,)."""
        more = self.fidelity.astype(np.float64)
        if covered is not None:
            more = np.maximum(more - covered[self.cover.members], 0)
        gains: np.ndarray = np.bincount(
            self.cover.rows, more * weights[self.cover.members], len(self)
        )
        return gains

    def beyond(self, chosen: Sequence[int]) -> "Problem":
        """Return the problem of what a choice leaves to be covered; prices stay."""
        covered = self.covered(chosen)
        return self._with(fidelity=np.maximum(self.fidelity - covered[self.cover.members], 0))

    def given(self, chosen: Sequence[int]) -> "Problem":
        """Return the problem of what is shown beside a choice: what it adds in value and price.

        What spares a mark or a line of the choice's can have a size below zero.
        """
        shown = np.zeros(len(self) + 1, bool)  # the last is for no neighbour
        shown[list(chosen)] = True
        lined = np.zeros(len(self.heading_price) + 1, bool)  # the last is for what is no heading
        lined[self.under.members[shown[self.under.rows]]] = True
        itself = np.zeros_like(lined)
        itself[self.heading[shown[:-1]]] = True
        itself[-1] = False
        lines, marks = np.append(self.heading_price, 0), np.append(self.apart, 0)
        spared = np.where(lined & ~itself, lines, 0)[self.heading] + np.where(
            shown[self.right], marks[self.right], 0
        )
        size, apart = self.size - spared, np.where(shown[self.left], 0, self.apart)
        size[shown[:-1]] = apart[shown[:-1]] = 0
        prices = np.where((lined | itself)[:-1], 0, self.heading_price)
        return self.beyond(chosen)._with(size=size, apart=apart, heading_price=prices)

    def _with(self, **changed: np.ndarray) -> "Problem":
        """Return the problem with some arrays changed, unchecked."""
        problem = object.__new__(Problem)
        for each in fields(self):
            object.__setattr__(problem, each.name, changed.get(each.name, getattr(self, each.name)))
        return problem

    def covered(self, chosen: Sequence[int]) -> np.ndarray:
        """Return how well a choice covers each target, float32 (targets,)."""
        covered = np.zeros(len(self.weights), np.float32)
        for i in chosen:
            part = slice(self.cover.offsets[i], self.cover.offsets[i + 1])
            targets = self.cover.members[part]
            covered[targets] = np.maximum(covered[targets], self.fidelity[part])
        return covered

    def value(self, chosen: Sequence[int]) -> float:
        """Return F of a choice."""
        return float(self.covered(chosen).astype(np.float64) @ self.weights)

    def price(self, chosen: Collection[int]) -> int:
        """Return the tokens of a choice."""
        shown = set(chosen)
        tokens = 0
        for i in shown:
            size, apart, left, _, _ = self.row(i)
            tokens += size + (0 if left in shown else apart)
        headed = {above for i in shown for above in self.under[i]}
        headed -= {int(self.heading[i]) for i in shown}
        return tokens + sum(self.heading_prices[above] for above in headed)


def _refuse(name: str, values: np.ndarray, good: np.ndarray) -> None:
    if not good.all():
        place = int(np.argmin(good))
        raise InputError(
            f"{name} {place} of the problem is {values[place]}, which cannot be; it must be "
            "finite, not negative and within its range"
        )
