"""Structure: which headings every leaf stands under."""

from dataclasses import dataclass

import numpy as np

from hier.blocks import BlockKind
from hier.segment import Segmentation


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
        path_of: which path each leaf stands under, int32 (leaves,). A heading's own leaf stands
            under the headings above it.
        opens: the path a heading's leaf opens, int32 (leaves,); -1 for other leaves.
        cut: strength of a cut before each leaf, float32 (leaves,): large before a heading.
        kind: the block kind of each leaf, uint8 (leaves,).
    """

    paths: tuple[tuple[int, ...], ...]
    path_of: np.ndarray
    opens: np.ndarray
    cut: np.ndarray
    kind: np.ndarray


def read_structure(segmentation: Segmentation) -> Structure:
    """Follow the headings through a segmented text."""
    blocks, leaves = segmentation.blocks, segmentation.leaves
    n_leaves = len(leaves.start)
    kind = blocks.kind[leaves.block]
    new_block = np.ones(n_leaves, bool)
    new_block[1:] = leaves.block[1:] != leaves.block[:-1]
    path_of = np.zeros(n_leaves, np.int32)
    opens = np.full(n_leaves, -1, np.int32)
    cut = np.where(new_block, 0.3, 0).astype(np.float32)
    headings = np.flatnonzero(new_block & (kind == BlockKind.HEADING))
    paths: list[tuple[int, ...]] = [()]
    stack: list[tuple[int, int, int]] = []  # depth, leaf, number of the path it opens
    starts, marks = [0], [0]  # where each path comes into force
    for leaf in headings.tolist():
        depth = int(blocks.depth[leaves.block[leaf]])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        path_of[leaf] = stack[-1][2] if stack else 0
        stack.append((depth, leaf, len(paths)))
        opens[leaf] = len(paths)
        starts.append(leaf + 1)
        marks.append(len(paths))
        paths.append(tuple(leaf for _, leaf, _ in stack))
        cut[leaf] = 0.5 + 0.5 / max(depth, 1)
    lengths = np.diff(np.append(starts, n_leaves))
    heading_paths = path_of[headings].copy()
    path_of = np.repeat(np.array(marks, np.int32), lengths)
    path_of[headings] = heading_paths
    return Structure(tuple(paths), path_of, opens, cut, kind)
