"""The shape of a tree: what its arrays must be for spans to partition the text.

Trees that are built are of this shape; one that is put together by hand, or read from a file that
someone else wrote, is refused where it is not. So is what a reader of a file says of its text.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hier.blocks import BlockKind, Blocks
from hier.errors import InputError
from hier.places import Places

if TYPE_CHECKING:
    from hier.tree import Tree

_DEEPEST = 1000  # heading that can be said to be in another, and so on
_OF_LEAVES = ("leaf_tokens", "block", "worth", "offers", "opens")
_REMEDY = "make trees with hier.build"
_NO_BLOCKS = "pass blocks that partition the text, or None to find them"
_NO_PLACES = "pass places that cover the text, or None for its lines"


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
    if tree.document.places is not None:
        check_places(tree.document.places, len(tree.source))
    _partition("leaf_start", tree.leaf_start, len(tree.source))
    if (bad := _first(tree.leaf_tokens < 0)) is not None:
        raise InputError(f"leaf {bad} has {tree.leaf_tokens[bad]} tokens; {_REMEDY}")
    if (bad := _first(~np.isfinite(tree.worth.astype(np.float32)))) is not None:
        raise InputError(f"the worth of leaf {bad} is not finite; {_REMEDY}")
    _check_levels([level.first_leaf for level in tree.levels], n)
    _check_paths(tree, n)


def check_blocks(blocks: Blocks, length: int) -> None:
    """Refuse blocks that a reader gives with a text of some length, where they cannot be its own.

    Raises:
        InputError: what is wrong, and where.
    """
    if not isinstance(blocks, Blocks):
        raise InputError(f"blocks of type {type(blocks).__name__} are no Blocks; {_NO_BLOCKS}")
    arrays = {name: getattr(blocks, name) for name in ("start", "end", "kind", "depth")}
    _check_columns("blocks", arrays, _NO_BLOCKS)
    _partition("start of the blocks", blocks.start, length, _NO_BLOCKS)
    ends = np.append(blocks.start[1:], length)
    if (bad := _first(blocks.end != ends)) is not None:
        raise InputError(
            f"block {bad} ends at {blocks.end[bad]}, not at {ends[bad]}, where the next begins; "
            f"{_NO_BLOCKS}"
        )
    if (bad := _first(~np.isin(blocks.kind, list(BlockKind)))) is not None:
        raise InputError(
            f"block {bad} is of kind {blocks.kind[bad]}, which is no BlockKind; {_NO_BLOCKS}"
        )
    least = np.where(blocks.kind == BlockKind.HEADING, 1, 0)
    if (bad := _first((blocks.depth < least) | (blocks.depth > _DEEPEST))) is not None:
        raise InputError(
            f"block {bad} has depth {blocks.depth[bad]}; pass 1 to {_DEEPEST} for headings, 0 for "
            "all else"
        )


def check_places(places: Places, length: int) -> None:
    """Refuse places that cannot be those of a text of some length.

    Raises:
        InputError: what is wrong, and where.
    """
    if not isinstance(places, Places):
        raise InputError(f"places of type {type(places).__name__} are no Places; {_NO_PLACES}")
    arrays = {name: getattr(places, name) for name in ("start", "number", "part")}
    _check_columns("places", arrays, _NO_PLACES)
    _partition("start of the places", places.start, length, _NO_PLACES)
    for name in (places.kind, *places.parts):
        if not isinstance(name, str):
            raise InputError(f"places are named {name!r}, which is no text; {_NO_PLACES}")
    parts = len(places.parts)
    if (bad := _first((places.part < 0) | (places.part >= parts))) is not None:
        raise InputError(f"place {bad} is in part {places.part[bad]} of {parts}; {_NO_PLACES}")


def _check_columns(what: str, arrays: Mapping[str, np.ndarray], remedy: str) -> None:
    """Check that arrays are of whole numbers, and of one length."""
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError(f"{name} of the {what} is no array of whole numbers; {remedy}")
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"the arrays of the {what} differ in length ({told}); {remedy}")


def _first(wrong: np.ndarray) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None


def _partition(name: str, starts: np.ndarray, end: int, remedy: str = _REMEDY) -> None:
    """Check that spans that begin at ``starts`` and end where the next begins cover 0 to end."""
    if not len(starts) or starts[0] != 0 or starts[-1] >= end:
        raise InputError(f"{name} does not cover 0 to {end}; {remedy}")
    if (bad := _first(starts[1:] <= starts[:-1])) is not None:
        raise InputError(
            f"{name} overlaps: entry {bad + 1} begins at {starts[bad + 1]}, the one before at "
            f"{starts[bad]}; {remedy}"
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
