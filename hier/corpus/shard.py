"""A shard: one store of documents and the index of their passages, open for questions.

A corpus is one shard, or many asked as one. What a question needs is taken from one ``View``, what
the store holds at one moment, so that no answer is a mix of two. The index stands beside the store
(``NAME.index``), and is brought up to date where it does not know what the store holds: what is new
is read, the rest is taken over. Whoever writes does it last, so that no question has to.
"""

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from hier.corpus.database import Database, GoneError, Row
from hier.corpus.index_file import Kept, is_kept, keep_if_free, keep_index, open_index
from hier.corpus.packing import Packed, unpack
from hier.corpus.passages import Passages, Statistics
from hier.corpus.search import Asked, Hit, find
from hier.corpus.settings import Settings
from hier.corpus.where import Where, read_where
from hier.errors import StoreError


class View:
    """What a store holds at one moment.

    Args:
        path: the store.
        database: the store, open.
        known: an index of an earlier moment.
        hidden: names of documents that are passed over.
    """

    def __init__(
        self,
        path: Path,
        database: Database,
        known: Kept | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        """Look at the documents; the index is opened when the first question comes."""
        self.path = path
        self.hidden = frozenset(hidden)
        self.rows = [row for row in database.rows() if row.id not in hidden]
        self.known = known
        self._database = database
        self._kept: Kept | None = None
        self._lock = threading.Lock()

    @cached_property
    def number(self) -> dict[str, int]:
        """The place of each document in ``rows``."""
        return {row.id: place for place, row in enumerate(self.rows)}

    @cached_property
    def digest(self) -> bytes:
        """What tells whether another process sees the same documents."""
        told = repr([(row.id, row.hash, row.metadata) for row in self.rows])
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()

    @property
    def passages(self) -> Passages:
        """The index, up to date; kept where nobody is writing, who would keep a newer one."""
        return self.index(keep_if_free).passages

    def index(self, keep: Callable[[Path, Kept], None]) -> Kept:
        """Return the index, up to date.

        Args:
            keep: what keeps it, where it is not what is kept.

        Raises:
            GoneError: the store holds something else by now.
            StoreError: the store is damaged.
        """
        with self._lock:
            if self._kept is None:
                self._kept, changed = open_index(self.path, self._database, self.rows, self.known)
                self.known = self._kept
                if changed:
                    keep(self.path, self._kept)
            return self._kept

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
        mask = slice(None) if allowed is None else passages.mask(allowed)
        total: np.ndarray = passages.vectors[mask].sum(axis=0, dtype=np.int64)
        return total

    def find(self, asked: Asked, known: Statistics, where: Where | None) -> list[Hit]:
        """Return its hits."""
        ids = [row.id for row in self.rows]
        return find(self.passages, ids, asked, known, self.allowed(where))

    def load(self, ids: Iterable[str]) -> dict[str, Packed]:
        """Return documents by name, unpacked.

        Raises:
            GoneError: the store holds something else by now.
            StoreError: a document is damaged.
        """
        ids = list(ids)
        named = {self.hash(name): name for name in ids}
        packed = self._database.packed(sorted(named))
        if len(packed) < len(named):
            raise GoneError(f"{self.path} was changed while it was read; ask again")
        trees = {}
        for tree, raw in packed.items():
            try:
                trees[tree] = unpack(raw)
            except StoreError as error:
                raise StoreError(f"{named[tree]} in {self.path}: {error}") from error
        return {name: trees[self.hash(name)] for name in ids}

    def hash(self, name: str) -> bytes:
        """Return what the tree of a document is found by."""
        return self.rows[self.number[name]].hash


class Shard:
    """An open store.

    Args:
        path: the file.
        hidden: names of documents that it does not show.

    Raises:
        StoreError: it is no corpus, damaged, or of a newer version.
    """

    def __init__(self, path: Path, hidden: Collection[str] = frozenset()) -> None:
        """Open the file; its index is opened when the first question comes."""
        self.path = path
        self.hidden = hidden
        self.database = Database(path)
        self._lock = threading.Lock()
        self._view: View | None = None
        self._state: tuple[int, ...] = ()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @cached_property
    def settings(self) -> Settings:
        """How its documents were read."""
        return Settings.read(self.database.settings(), self.path)

    def look(self, again: bool = False) -> View:
        """Return what the file holds now.

        Args:
            again: look also where no other process has changed it.

        Raises:
            StoreError: it is gone or damaged, or was read in another way than the one before.
        """
        with self._lock:
            state = self.database.state()
            if again or self._view is None or state != self._state:
                now = Settings.read(self.database.settings(), self.path)
                if difference := self.settings.difference(now):
                    raise StoreError(
                        f"{self.path} is another corpus now, with another {difference}; open it "
                        "again"
                    )
                known = None if self._view is None else self._view.known
                self._view, self._state = View(self.path, self.database, known, self.hidden), state
            return self._view

    def keep(self) -> None:
        """Bring the index beside the store up to date; the caller holds the right to write."""
        view = self.look()
        if not is_kept(self.path, self.database, view.rows):
            keep_index(self.path, view.index(lambda *_: None))

    @property
    def rows(self) -> list[Row]:
        """Its documents, in the order of their names."""
        return self.look().rows

    @property
    def number(self) -> dict[str, int]:
        """The place of each document in ``rows``."""
        return self.look().number


def check_alike(shards: Sequence[Shard]) -> None:
    """Refuse shards that were read in different ways, or that have a document in common.

    Raises:
        StoreError: which, and where they differ.
    """
    first = shards[0]
    names: dict[str, Shard] = {}
    for shard in shards:
        if difference := first.settings.difference(shard.settings):
            raise StoreError(
                f"{first.path} and {shard.path} were read in different ways: {difference}; open "
                "what was read alike"
            )
        for row in shard.rows:
            if (other := names.setdefault(row.id, shard)) is not shard:
                raise StoreError(
                    f"{row.id!r} is in {other.path} and in {shard.path}; name each file once, or "
                    "remove it from one: hier remove"
                )
