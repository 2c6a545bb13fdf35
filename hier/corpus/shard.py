"""A shard: one store of documents and the index of their passages, open for questions.

A corpus is one shard, or many asked as one. The index stands beside the store (``NAME.index``), and
is brought up to date where it does not know what the store holds: what is new is read, the rest is
taken over.
"""

import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from hier.corpus.database import Database, Row
from hier.corpus.index_file import open_index
from hier.corpus.packing import Packed, unpack
from hier.corpus.passages import Passages, Statistics
from hier.corpus.search import Asked, Hit, find
from hier.corpus.settings import Settings
from hier.corpus.where import Where, read_where
from hier.errors import StoreError


class Shard:
    """An open store.

    Args:
        path: the file.

    Raises:
        StoreError: it is no corpus, damaged, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; its index is opened when the first question comes."""
        self.path = path
        self.database = Database(path)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @cached_property
    def settings(self) -> Settings:
        """How its documents were read."""
        return Settings.read(self.database.settings(), self.path)

    def refresh(self) -> None:
        """Look again at what the file holds, where it was changed."""
        for name in ("rows", "number", "passages"):
            self.__dict__.pop(name, None)

    @cached_property
    def rows(self) -> list[Row]:
        """Its documents, in the order of their names."""
        return self.database.rows()

    @cached_property
    def number(self) -> dict[str, int]:
        """The place of each document in ``rows``."""
        return {row.id: place for place, row in enumerate(self.rows)}

    @cached_property
    def passages(self) -> Passages:
        """The index, up to date."""
        return open_index(self.path, self.database, self.rows)

    def allowed(self, where: Where | None) -> np.ndarray | None:
        """Return which documents a filter lets through, bool (documents,); None for all."""
        passes = read_where(where)
        if passes is None:
            return None
        return np.array([passes(row.id, row.metadata) for row in self.rows], bool)

    def statistics(self, stems: Sequence[str]) -> Statistics:
        """Return what BM25 needs to know of it."""
        return self.passages.statistics(stems)

    def vector_sum(self, where: Where | None) -> np.ndarray:
        """Return the sum of the vectors of its passages, int64 (dimensions,)."""
        allowed, passages = self.allowed(where), self.passages
        if allowed is None:
            return passages.vectors.sum(axis=0, dtype=np.int64)
        return passages.vectors[passages.mask(allowed)].sum(axis=0, dtype=np.int64)

    def find(self, asked: Asked, known: Statistics, where: Where | None) -> list[Hit]:
        """Return its hits."""
        ids = [row.id for row in self.rows]
        return find(self.passages, ids, asked, known, self.allowed(where))

    def load(self, ids: Iterable[str]) -> dict[str, Packed]:
        """Return documents by name, unpacked."""
        with self._lock:
            wanted = {name: self.rows[self.number[name]].hash for name in ids}
            packed = self.database.packed(sorted(set(wanted.values())))
        trees = {tree: unpack(raw) for tree, raw in packed.items()}
        missing = [name for name, tree in wanted.items() if tree not in trees]
        if missing:
            raise StoreError(f"{self.path} was changed: {missing[0]} is gone; open it again")
        return {name: trees[tree] for name, tree in wanted.items()}
