"""Carrying over: a text that was edited gets a tree whose bounds are those of the tree before.

What a model wrote for a node is worth keeping as long as the node's text is the same. Where groups
end is chosen by what stands around, so an edit could move bounds far from it; here the bounds of an
earlier tree are carried over to the same leaves, and only a group that holds something new, and has
become too large or too small, is cut or joined. Leaves are matched by their texts: those that
stand once in either text are anchors (patience diff; Cohen), and their neighbours follow.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hier.levels import group

_TOO_LARGE = 2.0  # of the wanted size: what choosing bounds afresh would hardly make
_TOO_SMALL = 0.25


@dataclass(frozen=True)
class Kept:
    """Where an earlier tree had its bounds, told by the leaves of the new text.

    Attributes:
        bounds: of each level above the leaves, the first leaf of each group, int64, ascending.
        old_of: the earlier number of each leaf, int64 (leaves,); -1 for what is new.
        old_ends: of each level, which earlier leaves a group begins at, bool (earlier leaves + 1,).
    """

    bounds: tuple[np.ndarray, ...]
    old_of: np.ndarray
    old_ends: tuple[np.ndarray, ...]

    def whole(self, level: int, first: np.ndarray) -> np.ndarray:
        """Say of groups of a level, by their first leaves, which are groups of the earlier tree."""
        ends = np.append(first[1:], len(self.old_of))
        breaks = np.append(0, np.cumsum(np.diff(self.old_of) != 1))
        one_run = breaks[first] == breaks[ends - 1]
        old_first, old_end = self.old_of[first], self.old_of[ends - 1] + 1
        known = (old_first >= 0) & (old_end > 0) & one_run
        here = self.old_ends[level]
        result: np.ndarray = known & here[old_first] & here[old_end]
        return result


def carry_over(old: Sequence[str], firsts: Sequence[np.ndarray], new: Sequence[str]) -> Kept:
    """Carry the bounds of an earlier tree over to the leaves of a text.

    Args:
        old: the texts of the earlier leaves.
        firsts: of each level above them, the first leaf of each node.
        new: the texts of the leaves now.
    """
    place = align([leaf.strip() for leaf in old], [leaf.strip() for leaf in new])
    old_of = np.full(len(new), -1, np.int64)
    old_of[place[place >= 0]] = np.flatnonzero(place >= 0)
    return Kept(
        tuple(_moved(np.asarray(first), place, len(new)) for first in firsts),
        old_of,
        tuple(np.isin(np.arange(len(old) + 1), np.append(first, len(old))) for first in firsts),
    )


def align(old: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """Match equal leaves of two texts in order.

    Returns:
        The new number of each old leaf, int64 (old leaves,), ascending; -1 where it has none.
    """
    place = np.full(len(old), -1, np.int64)
    shorter, head = min(len(old), len(new)), 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    place[:head] = np.arange(head)
    place[len(old) - tail :] = np.arange(len(new) - tail, len(new))
    before = (head - 1, head - 1)
    for anchor in (*_anchors(old, new, head, tail), (len(old) - tail, len(new) - tail)):
        (low, low_new), (high, high_new) = before, anchor
        while low + 1 < high and low_new + 1 < high_new and old[low + 1] == new[low_new + 1]:
            low, low_new = low + 1, low_new + 1
            place[low] = low_new
        while low + 1 < high and low_new + 1 < high_new and old[high - 1] == new[high_new - 1]:
            high, high_new = high - 1, high_new - 1
            place[high] = high_new
        if anchor[0] < len(old) - tail:
            place[anchor[0]] = anchor[1]
        before = anchor
    return place


def _anchors(old: Sequence[str], new: Sequence[str], head: int, tail: int) -> list[tuple[int, int]]:
    """Return the longest ascending run of leaves that stand once in either text's middle."""
    old_middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    old_counts, new_counts = Counter(old_middle), Counter(new_middle)
    number = {leaf: head + i for i, leaf in enumerate(new_middle) if new_counts[leaf] == 1}
    pairs = [
        (head + i, number[leaf])
        for i, leaf in enumerate(old_middle)
        if old_counts[leaf] == 1 and leaf in number
    ]
    ends: list[int] = []  # the lowest new number a run of each length ends at
    last: list[int] = []  # the pair it ends with
    before: list[int] = []  # of each pair, the one before it in its run
    for i, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [i]
    run, i = [], last[-1] if last else -1
    while i >= 0:
        run.append(pairs[i])
        i = before[i]
    return run[::-1]


def _moved(first: np.ndarray, place: np.ndarray, leaves: int) -> np.ndarray:
    """Return where groups begin now: at their first leaf, else behind the leaf before it."""
    behind = np.append(-1, np.where(place >= 0, place + 1, -1))[first]
    # Where both are gone, what is new belongs to the group before.
    next_kept = np.minimum.accumulate(np.where(place >= 0, place, leaves)[::-1])[::-1][first]
    moved = np.where(place[first] >= 0, place[first], np.where(behind >= 0, behind, next_kept))
    return np.unique(np.append(0, moved[moved < leaves]))


def regroup(
    kept: Kept,
    level: int,
    first: np.ndarray,
    sizes: np.ndarray,
    strength: np.ndarray,
    limits: tuple[int, int, int],
) -> np.ndarray:
    """Partition neighbours as ``levels.group`` does, but for bounds that can be kept.

    Args:
        kept: the bounds of the earlier tree.
        level: which of them are meant, 0 for the first above the leaves.
        first: the first leaf of each unit, int64 (units,).
        sizes: tokens of each unit, int64 (units,).
        strength: how good a cut before each unit is; infinite where it is a must.
        limits: the wanted tokens, and the least and the most units, of a group.
    """
    target, least, most = limits
    must = first[strength == np.inf]
    wanted = np.union1d(kept.bounds[level], must)
    bounds = np.flatnonzero(np.isin(first, wanted))
    whole = kept.whole(level, first[bounds])
    above = kept.bounds[level + 1] if level + 1 < len(kept.bounds) else np.zeros(1, np.int64)
    fixed = np.isin(first, np.union1d(above, must))
    total = np.append(0, np.cumsum(sizes))
    ends = np.append(bounds[1:], len(first))
    found: list[int] = []
    for start, end, same in zip(bounds.tolist(), ends.tolist(), whole.tolist(), strict=True):
        size = total[end] - total[start]
        too_large = size > _TOO_LARGE * target or end - start > most
        if too_large and not same:
            inner = group(sizes[start:end], strength[start:end], target, least, most)
            found.extend((start + inner[:-1]).tolist())
        else:
            found.append(start)
    return _joined(found, len(first), total, fixed, limits, set(bounds[whole].tolist()))


def _joined(
    starts: list[int],
    units: int,
    total: np.ndarray,
    fixed: np.ndarray,
    limits: tuple[int, int, int],
    whole: set[int],
) -> np.ndarray:
    """Join groups that became too small to a neighbour, if the two are not too large together."""
    target, least, most = limits
    bounds = [*starts, units]
    place = 0
    while place < len(bounds) - 1:
        start, end = bounds[place], bounds[place + 1]
        small = total[end] - total[start] < _TOO_SMALL * target or end - start < least
        if small and start not in whole:
            rivals = []
            for gone, low, high in ((place, place - 1, place + 1), (place + 1, place, place + 2)):
                if low < 0 or high >= len(bounds) or fixed[bounds[gone]]:
                    continue
                size = total[bounds[high]] - total[bounds[low]]
                if size <= _TOO_LARGE * target and bounds[high] - bounds[low] <= most:
                    rivals.append((size, gone))
            if rivals:
                del bounds[min(rivals)[1]]
                continue
        place += 1
    return np.array(bounds, np.int64)
