"""The shape of a tree: what its arrays must be for spans to partition the text.

Trees that are built are of this shape; one that is put together by hand, or read from a file that
someone else wrote, is refused where it is not.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hier.errors import InputError

if TYPE_CHECKING:
    from hier.tree import Tree

_OF_LEAVES = ("leaf_tokens", "block", "worth", "offers", "opens")
_REMEDY = "make trees with hier.build"


def check_shape(tree: "Tree") -> None:
    """Refuse a tree whose leaves, levels or headings overlap, leave gaps or go in circles.

    Raises:
        InputError: what is wrong, and where.
    """
    n = len(tree.leaf_start)
    arrays = {name: getattr(tree, name) for name in _OF_LEAVES} | {"path_of": tree.index.path_of}
    for name, array in arrays.items():
        if len(array) != n:
            raise InputError(f"{name} has {len(array)} entries, the tree {n} leaves; {_REMEDY}")
    _partition("leaf_start", tree.leaf_start, len(tree.source))
    if (bad := _first(tree.leaf_tokens < 0)) is not None:
        raise InputError(f"leaf {bad} has {tree.leaf_tokens[bad]} tokens; {_REMEDY}")
    if (bad := _first(~np.isfinite(tree.worth.astype(np.float32)))) is not None:
        raise InputError(f"the worth of leaf {bad} is not finite; {_REMEDY}")
    _check_levels([level.first_leaf for level in tree.levels], n)
    _check_paths(tree, n)


def _first(wrong: np.ndarray) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None


def _partition(name: str, starts: np.ndarray, end: int) -> None:
    """Check that spans that begin at ``starts`` and end where the next begins cover 0 to end."""
    if not len(starts) or starts[0] != 0 or starts[-1] >= end:
        raise InputError(f"{name} does not cover 0 to {end}; {_REMEDY}")
    if (bad := _first(np.diff(starts) <= 0)) is not None:
        raise InputError(
            f"{name} overlaps: entry {bad + 1} begins at {starts[bad + 1]}, the one before at "
            f"{starts[bad]}; {_REMEDY}"
        )


def _check_levels(levels: Sequence[np.ndarray], n: int) -> None:
    if not levels or len(levels[0]) != n or len(levels[-1]) != 1:
        raise InputError(f"the levels do not go from {n} leaves up to one root; {_REMEDY}")
    for number, first_leaf in enumerate(levels):
        _partition(f"level {number}", first_leaf, n)
        if number and (bad := _first(~np.isin(first_leaf, levels[number - 1]))) is not None:
            raise InputError(
                f"node {bad} of level {number} begins inside a node of the level below; {_REMEDY}"
            )


def _check_paths(tree: "Tree", n: int) -> None:
    """Check that every heading stands before what is under it: so none is under itself."""
    offsets, leaves = tree.path_offsets, tree.path_leaves
    ends = offsets[[0, -1]].tolist() if len(offsets) else []
    if ends != [0, len(leaves)] or (np.diff(offsets) < 0).any():
        raise InputError(f"path_offsets do not partition path_leaves; {_REMEDY}")
    paths = len(offsets) - 1
    for name, values, low, high in (
        ("path_leaves", leaves, 0, n),
        ("opens", tree.opens, -1, paths),
        ("path_of", tree.index.path_of, 0, paths),
    ):
        if (bad := _first((values < low) | (values >= high))) is not None:
            raise InputError(f"{name} {bad} is {values[bad]}, not {low} to {high - 1}; {_REMEDY}")
    inner = np.ones(len(leaves), bool)
    inner[offsets[:-1][np.diff(offsets) > 0]] = False
    if (bad := _first(inner[1:] & (np.diff(leaves) <= 0))) is not None:
        raise InputError(f"heading {leaves[bad + 1]} stands under a later one; {_REMEDY}")
    innermost = np.full(paths, -1)
    some = np.diff(offsets) > 0
    innermost[some] = leaves[offsets[1:][some] - 1]
    if (bad := _first(innermost[tree.index.path_of] >= np.arange(n))) is not None:
        raise InputError(f"leaf {bad} stands under itself or a later heading; {_REMEDY}")
