"""Structure: which headings every leaf stands under, and which header row.

A table's header row is to its rows what a heading is to a section: the last of the path they stand
under. It goes no further than its block, so that is how it is told from a heading, whose block it
is alone in.
"""

from dataclasses import dataclass

import numpy as np

from hier.blocks import BlockKind
from hier.segment import Segmentation

_INSEPARABLE = -1.0  # strength of a cut that is hardly ever made


@dataclass(frozen=True)
class Paths:
    """Heading paths: item p holds the leaves of its headings, outermost first."""

    offsets: np.ndarray
    leaves: np.ndarray

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.offsets) - 1

    def __getitem__(self, path: int) -> list[int]:
        """Return the heading leaves of a path."""
        found: list[int] = self.leaves[self.offsets[path] : self.offsets[path + 1]].tolist()
        return found


@dataclass(frozen=True)
class Structure:
    """The heading paths of a text.

    Attributes:
        paths: each distinct path as the leaves of its headings, outermost first; path 0 is empty.
        path_of: which path each leaf stands under, int32 (leaves,). A heading's own leaves stand
            under the headings above it.
        opens: the path a heading's first leaf or a header row opens, int32 (leaves,); -1 for other
            leaves.
        cut: strength of a cut before each leaf, float32 (leaves,): large before a heading, below
            zero between a header row and what is under it.
        kind: the block kind of each leaf, uint8 (leaves,).
    """

    paths: tuple[tuple[int, ...], ...]
    path_of: np.ndarray
    opens: np.ndarray
    cut: np.ndarray
    kind: np.ndarray


def read_structure(segmentation: Segmentation) -> Structure:
    """Follow the headings and the header rows through a segmented text."""
    blocks, leaves = segmentation.blocks, segmentation.leaves
    n_leaves = len(leaves.start)
    kind = blocks.kind[leaves.block]
    new_block = np.ones(n_leaves, bool)
    new_block[1:] = leaves.block[1:] != leaves.block[:-1]
    opens = np.full(n_leaves, -1, np.int32)
    cut = np.where(new_block, 0.3, 0).astype(np.float32)
    headings = np.flatnonzero(new_block & (kind == BlockKind.HEADING))
    paths: list[tuple[int, ...]] = [()]
    stack: list[tuple[int, int, int]] = []  # depth, leaf, number of the path it opens
    starts, marks = [0], [0]  # where each path comes into force
    opening = np.union1d(headings, segmentation.headers)
    ends = np.searchsorted(leaves.block, leaves.block[opening], "right")
    for leaf, end in zip(opening.tolist(), ends.tolist(), strict=True):
        opens[leaf] = len(paths)
        if kind[leaf] == BlockKind.TABLE:
            cut[leaf + 1] = _INSEPARABLE
            starts += [leaf + 1, end]
            marks += [len(paths), stack[-1][2] if stack else 0]
            paths.append((*(above for _, above, _ in stack), leaf))
            continue
        depth = int(blocks.depth[leaves.block[leaf]])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        starts += [leaf, end]
        marks += [stack[-1][2] if stack else 0, len(paths)]
        stack.append((depth, leaf, len(paths)))
        paths.append(tuple(above for _, above, _ in stack))
        cut[leaf] = 0.5 + 0.5 / max(depth, 1)
    path_of = np.repeat(np.array(marks, np.int32), np.diff(np.append(starts, n_leaves)))
    return Structure(tuple(paths), path_of, opens, cut, kind)
