"""A scene: a question before a text, scored, and the leaves that are to be described."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.retrieval.counts import runs
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Level, Query, Terms
from hier.retrieval.scores import LevelScores


@dataclass(frozen=True)
class Leaves:
    """What leaves are beside their words.

    Attributes:
        text: the source.
        start: int64 (leaves,), where each begins; they partition the source.
        tokens: int32 (leaves,).
        block: the block each lies in, int32 (leaves,), ascending.
        worth: how well each stands alone, 0 to 1, float16 (leaves,).
        opens: the heading path that each opens, int32 (leaves,); -1 where it is neither a heading
            nor a table's header row.
        offers: what kinds of answers each has, bits of uint8 (leaves,); see ``offers.py``.
    """

    text: str
    start: np.ndarray
    tokens: np.ndarray
    block: np.ndarray
    worth: np.ndarray
    opens: np.ndarray
    offers: np.ndarray

    def __len__(self) -> int:
        """Return the number of leaves."""
        return len(self.start)

    def texts(self, leaves: np.ndarray) -> list[str]:
        """Return the text of some leaves."""
        ends = np.append(self.start[1:], len(self.text))[leaves]
        spans = zip(self.start[leaves].tolist(), ends.tolist(), strict=True)
        return [self.text[start:end] for start, end in spans]


@dataclass(frozen=True)
class Scene:
    """A query before a text, scored: everything that features are made from.

    Attributes:
        index: the words of the text.
        leaves: its leaves.
        levels: its levels, leaves first; as many as are scored.
        query: the query.
        terms: those of its terms that the text has.
        scores: the scores of each level.
        plain: the plain sum, float32 (leaves,).
        pool: the leaves to be described, ascending, int64.
        vectors: their static vectors, unit length, float32 (pool, dimensions).
        opened: the leaves that were scored, ascending, int64; ``plain`` is exact for these.
        closed: the sections whose leaves were not, int64; ``plain`` is an estimate there.
    """

    index: WordIndex
    leaves: Leaves
    levels: Sequence[Level]
    query: Query
    terms: Terms
    scores: Sequence[LevelScores]
    plain: np.ndarray
    pool: np.ndarray
    vectors: np.ndarray
    opened: np.ndarray
    closed: np.ndarray

    @cached_property
    def own(self) -> np.ndarray:
        """Which terms each leaf of the pool holds itself, bool (terms, pool)."""
        return self.terms.held(self.index.leaves.take(self.pool))

    @cached_property
    def above(self) -> np.ndarray:
        """Which terms stand in the headings above each leaf of the pool, bool (terms, pool)."""
        return self.terms.held(self.index.paths.take(self.index.path_of[self.pool]))

    @cached_property
    def in_passage(self) -> np.ndarray:
        """Which terms stand in the passage of each leaf of the pool, bool (terms, pool)."""
        passages = self.levels[min(1, len(self.levels) - 1)]
        nodes, node_of = np.unique(passages.node_of(self.pool), return_inverse=True)
        first = passages.first_leaf[nodes]
        sizes = np.append(passages.first_leaf, len(self.leaves))[nodes + 1] - first
        held = self.terms.held(self.index.leaves.take(runs(first, sizes)))
        within: np.ndarray = np.logical_or.reduceat(held, np.cumsum(sizes) - sizes, axis=1)
        return within[:, node_of]

    @cached_property
    def blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The blocks that the pool lies in, int64 each.

        Returns:
            Their leaves, where each block begins among these, and the block of each pool leaf.
        """
        numbers, block_of = np.unique(self.leaves.block[self.pool], return_inverse=True)
        first = np.searchsorted(self.leaves.block, numbers)
        sizes = np.searchsorted(self.leaves.block, numbers, "right") - first
        return runs(first, sizes), np.cumsum(sizes) - sizes, block_of

    def rows(self, number: int) -> np.ndarray:
        """Return which scores of a level are those of the nodes that hold the pool's leaves."""
        return self.scores[number].rows(self.levels[number].node_of(self.pool))
