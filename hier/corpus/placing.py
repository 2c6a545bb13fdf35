"""Placing: where parts of documents stand in the tree that they are joined to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hier.corpus.source import Source


@dataclass(frozen=True)
class Run:
    """Leaves ``first`` to ``end`` (exclusive) of a document, by its sections."""

    source: Source
    first: int
    end: int


@dataclass(frozen=True)
class Placed:
    """A run in its place.

    Attributes:
        run: the run.
        title: the joined leaf of its document's title.
        headings: the leaves of its document's headings that are repeated before it, ascending.
        begin: joined character where all that belongs to it begins.
        body: joined character where its own text begins.
        leaf: its first leaf in the joined tree.
        path: its first path there.
        paths: the paths of its document that it has, int64 (paths,), ascending.
    """

    run: Run
    title: int
    headings: np.ndarray
    begin: int
    body: int
    leaf: int
    path: int
    paths: np.ndarray

    @property
    def begins(self) -> bool:
        """Whether it is the first of its document: the title stands before it."""
        return self.title == self.leaf - len(self.headings) - 1

    @property
    def in_table(self) -> bool:
        """Whether it begins inside a table: the last heading before it is the header row."""
        block = self.run.source.packed.arrays["block"]
        return bool(len(self.headings)) and block[self.headings[-1]] == block[self.run.first]

    @property
    def before(self) -> int:
        """How many leaves stand before its own."""
        return len(self.headings) + self.begins

    @property
    def shift(self) -> int:
        """What to add to a leaf of the document for its joined leaf."""
        return self.leaf - self.run.first

    def heading_leaves(self, leaves: np.ndarray) -> np.ndarray:
        """Return the joined leaves of headings of its document that stand over it."""
        repeated = self.leaf - len(self.headings) + np.searchsorted(self.headings, leaves)
        return np.where(leaves >= self.run.first, leaves + self.shift, repeated)


def place(runs: Sequence[Run]) -> list[Placed]:
    """Find the place of every run."""
    placed: list[Placed] = []
    begin = leaf = 0
    path, title = 1, -1  # path 0 is empty
    for number, run in enumerate(runs):
        arrays = run.source.packed.arrays
        begins = not number or runs[number - 1].source is not run.source
        above = run.source.path(int(arrays["path_of"][run.first]))
        headings = above[above < run.first].astype(np.int64)
        own = np.arange(run.first, run.end)
        paths = np.unique(np.concatenate([[0], arrays["path_of"][own], arrays["opens"][own]]))
        paths = paths[paths >= 0].astype(np.int64)
        title = leaf if begins else title
        starts = run.source.leaf_start
        size = int((starts[headings + 1] - starts[headings]).sum())
        body = begin + size + (len(title_of(run.source)) if begins else 0)
        leaf += len(headings) + begins
        placed.append(Placed(run, title, headings, begin, body, leaf, path, paths))
        begin = body + int(starts[run.end] - starts[run.first])
        leaf += run.end - run.first
        path += len(paths)
    return placed


def title_of(source: Source) -> str:
    """Return the line that stands over a document."""
    return f"{source.id}\n"
