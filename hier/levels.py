"""Levels: contiguous groups of neighbours, cut where the text itself would be cut.

A level is made from the one below by choosing cuts between neighbours. Every cut has a strength: a
heading's is large, a new block's smaller, and where there is no structure it is how little the two
sides resemble each other (TextTiling; Hearst, 1997). A group ends at the cut that best trades its
strength against the group's distance from the wanted size.
"""

from collections.abc import Iterable

import numpy as np

PASSAGE_TOKENS = 100
SECTION_TOKENS = 400
GROWTH = 4  # how much larger a node is than its children, in tokens, above the sections
MOST_LEAVES = 24  # children of a passage: leaves may be as short as "Yes."
MOST_CHILDREN = 8  # children of any node above
_BLOCK = 1 << 13  # units looked at together: as many as stay in the cache


def targets() -> Iterable[int]:
    """Yield the wanted node size of each level above the leaves, in tokens."""
    yield PASSAGE_TOKENS
    size = SECTION_TOKENS
    while True:
        yield size
        size *= GROWTH


def group(
    sizes: np.ndarray, strength: np.ndarray, target: int, least: int, most: int
) -> np.ndarray:
    """Partition neighbours into groups of about ``target`` tokens.

    Args:
        sizes: tokens of each unit, int64 (units,).
        strength: how good a cut before each unit is, float (units,), usually 0 to 1;
            infinite where a cut is a must.
        target: wanted tokens a group.
        least: units a group has at the least (but at a must, and at the end).
        most: units a group has at the most.

    Returns:
        int64 (groups + 1,): the first unit of each group, and the number of units.
    """
    size_list, strength_list, n = sizes.tolist(), strength.tolist(), len(sizes)
    bounds, start = [0], 0
    while start < n:
        start = _group_end(size_list, strength_list, start, target, least, most)
        bounds.append(start)
    if len(bounds) > 2 and bounds[-1] - bounds[-3] <= most:
        left_over = sum(size_list[bounds[-2] :])
        if 2 * left_over < target and strength_list[bounds[-2]] < np.inf:
            del bounds[-2]
    return np.array(bounds, np.int64)


def _group_end(
    sizes: list[int], strength: list[float], start: int, target: int, least: int, most: int
) -> int:
    """Return the best end of the group that begins at ``start``."""
    n, total, best, best_score = len(sizes), 0, start + 1, -np.inf
    for end in range(start + 1, min(start + most, n) + 1):
        total += sizes[end - 1]
        if end == n or strength[end] == np.inf:
            misfit = max(0.0, (total - target) / target)
            return best if best_score > 1 - misfit * misfit else end
        if end - start < least:
            continue
        misfit = (total - target) / target
        score = strength[end] - misfit * misfit
        if score > best_score:
            best, best_score = end, score
        if misfit > 1:
            break
    return best if best_score > -np.inf else min(start + least, n)


def valley(vectors: np.ndarray, width: int) -> np.ndarray:
    """Return how little the text before each unit resembles the text behind it, 0 to 1.

    Args:
        vectors: one vector a unit, float32 (units, dimensions), not normalised.
        width: how many units on either side are looked at.

    Returns:
        float32 (units,): (1 - cosine) / 2 of the sums of ``width`` units before and behind.
    """
    n = len(vectors)
    result = np.zeros(n, np.float32)
    for start in range(0, n, _BLOCK):
        low, stop = max(0, start - width), min(start + _BLOCK, n)
        result[start:stop] = _valley(vectors[low : stop + width], width)[start - low : stop - low]
    return result


def _valley(vectors: np.ndarray, width: int) -> np.ndarray:
    n = len(vectors)
    ahead = vectors.copy()  # of each unit: the sum of the units from it on
    for shift in range(1, min(width, n)):
        ahead[: n - shift] += vectors[shift:]
    lengths = np.sqrt(np.einsum("ij,ij->i", ahead, ahead))
    result = np.zeros(n, np.float32)
    # What lies before a unit is what lay ahead of the one ``width`` earlier.
    dots = np.einsum("ij,ij->i", ahead[:-width], ahead[width:])
    result[width:] = (1 - dots / np.maximum(lengths[:-width] * lengths[width:], 1e-9)) / 2
    for unit in range(1, min(width, n)):
        before = vectors[:unit].sum(axis=0)
        product = max(float(np.linalg.norm(before) * lengths[unit]), 1e-9)
        result[unit] = (1 - float(before @ ahead[unit]) / product) / 2
    return result
