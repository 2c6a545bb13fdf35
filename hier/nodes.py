"""Nodes: one value for each part of a tree, made from its arrays when it is asked for.

Ids count through the levels, leaves first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hier.errors import InputError

if TYPE_CHECKING:
    from hier.tree import Tree


@dataclass(frozen=True)
class Node:
    """One node of a tree.

    Attributes:
        id: its number in the tree.
        level: 0 for a leaf, one more for each level above.
        start: first character in the source.
        end: character behind the last.
        tokens: its size, to within a few tokens.
        parent: id of its parent; None for the root.
        children: ids of its children.
        heading: the heading it begins with or stands under, as one line; may be empty.
    """

    id: int
    level: int
    start: int
    end: int
    tokens: int
    parent: int | None
    children: range
    heading: str


class Nodes(Sequence[Node]):
    """The nodes of a tree by id, made when they are asked for."""

    def __init__(self, tree: "Tree") -> None:
        """Number the levels through."""
        self._tree = tree
        sizes = [len(level.first_leaf) for level in tree.levels]
        self.offsets = [0, *np.cumsum(sizes).tolist()]

    def __len__(self) -> int:
        """Return the number of nodes of all levels."""
        return int(self.offsets[-1])

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes, leaves first."""
        return (self[node_id] for node_id in range(len(self)))

    def __getitem__(self, node_id: Any) -> Any:
        """Return a node.

        Raises:
            InputError: there is no such node.
        """
        if isinstance(node_id, slice):
            return [self[i] for i in range(*node_id.indices(len(self)))]
        if not isinstance(node_id, int | np.integer) or not 0 <= node_id < len(self):
            raise InputError(
                f"there is no node {node_id!r}; node ids of this tree are 0 to {len(self) - 1}"
            )
        level = int(np.searchsorted(self.offsets, node_id, "right")) - 1
        return self._make(level, int(node_id) - self.offsets[level])

    def leaves(self, level: int, place: int) -> tuple[int, int]:
        """Return the first leaf of a node, and the leaf behind its last."""
        first = self._tree.levels[level].first_leaf
        end = first[place + 1] if place + 1 < len(first) else len(self._tree.leaf_start)
        return int(first[place]), int(end)

    def smallest(self, first: int, end: int) -> int:
        """Return the id of the lowest node that holds leaves ``first`` to ``end`` (exclusive)."""
        for level, arrays in enumerate(self._tree.levels):
            place = int(np.searchsorted(arrays.first_leaf, first, "right")) - 1
            if self.leaves(level, place)[1] >= end:
                return int(self.offsets[level]) + place
        return len(self) - 1

    def _make(self, level: int, place: int) -> Node:
        tree = self._tree
        first, end = self.leaves(level, place)
        layout = tree.layout()
        children, parent = range(0), None
        if level > 0:
            below = tree.levels[level - 1].first_leaf
            low, high = np.searchsorted(below, [first, end]).tolist()
            children = range(self.offsets[level - 1] + low, self.offsets[level - 1] + high)
        if level + 1 < len(tree.levels):
            above = np.searchsorted(tree.levels[level + 1].first_leaf, first, "right") - 1
            parent = int(self.offsets[level + 1] + above)
        return Node(
            id=self.offsets[level] + place,
            level=level,
            start=layout.leaf_span(first)[0],
            end=layout.leaf_span(end - 1)[1],
            tokens=int(tree.leaf_tokens[first:end].sum()),
            parent=parent,
            children=children,
            heading=self.heading(first),
        )

    def heading(self, leaf: int) -> str:
        """Return the heading that a leaf is, else the one it stands under; may be empty."""
        tree = self._tree
        opened = int(tree.opens[leaf])
        layout = tree.layout()
        headings = layout.above(opened if opened >= 0 else int(tree.index.path_of[leaf]))
        return layout.title(headings[-1]) if headings else ""
