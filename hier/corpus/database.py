"""The store of a corpus: one SQLite file of documents and their trees.

A tree is found by what it depends on, the bytes of its file and the corpus's settings, so that the
same text under two names is kept once; it goes with the last document that has it. Everything of a
document is written in one transaction: the file holds each finished document, wherever it was
interrupted. Readers see the state of the moment they began (WAL); one writer at a time holds a lock
beside the file (``lock.py``). Whatever is wrong with the file is a ``StoreError``.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hier.corpus.opening import BUSY_SECONDS, connect, create, explained
from hier.errors import InputError, StoreError

_ASKED = 500  # rows looked up in one statement
_COMPACT_SECONDS = 1.0  # how long readers are waited for to give back space


@dataclass(frozen=True)
class Stamp:
    """What tells that a file was not changed without reading it: bytes, nanoseconds, inode."""

    size: int = -1
    modified: int = -1
    inode: int = -1

    @classmethod
    def of(cls, size: int, modified: int, inode: int) -> "Stamp":
        """Return the stamp of a file; of the inode the 63 bits that SQLite has room for."""
        return cls(size, modified, inode & 0x7FFF_FFFF_FFFF_FFFF)


UNKNOWN = Stamp()


@dataclass(frozen=True)
class Row:
    """A document as it is listed.

    Attributes:
        id: its name in the corpus.
        hash: what its tree is found by.
        metadata: what is known of it, by name.
        folder: the folder it was read from; empty for a document that was added.
        stamp: of its file.
        tokens: its size.
        leaves: how many leaves it has.
    """

    id: str
    hash: bytes
    metadata: dict[str, Any]
    folder: str = ""
    stamp: Stamp = UNKNOWN
    tokens: int = 0
    leaves: int = 0


class GoneError(StoreError):
    """A document that was there a moment ago is not: another process has changed the store."""


class Database:
    """An open store; threads use it in turn.

    Args:
        path: the file.
        create: make it where it is not there, or is empty.
        settings: of one that is made.

    Raises:
        StoreError: it is not there, no corpus, damaged, or of a newer version.
    """

    def __init__(
        self, path: Path, create: bool = False, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Open the file and check what it is."""
        self.path = path
        self._lock = threading.RLock()
        if create and _is_missing(path):
            _create(path, settings or {})
        self._file, self._still = connect(path)
        self._facts = _facts(path, self._still)

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        with self._lock:
            self._file.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with self._lock, explained(self.path):
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of it or nothing."""
        with self._explained():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:  # SQLite undoes some by itself, as on a full disk
                    self._file.execute("ROLLBACK")
                raise

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        with self._explained():
            rows = self._file.execute("SELECT name, value FROM settings").fetchall()
        return {name: self._read(value) for name, value in rows}

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings, within a transaction."""
        rows = [(name, json.dumps(value)) for name, value in settings.items()]
        self._file.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", rows)

    def rows(self) -> list[Row]:
        """Return all documents, in the order of their names."""
        with self._explained():
            found = self._file.execute(
                "SELECT id, hash, metadata, folder, size, modified, inode, tokens, leaves "
                "FROM documents ORDER BY id"  # no tree is touched: there may be many
            ).fetchall()
        return [
            Row(name, tree, self._read(told), folder, Stamp(size, modified, inode), tokens, leaves)
            for name, tree, told, folder, size, modified, inode, tokens, leaves in found
        ]

    def _read(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"{self.path} is damaged: {error}; restore it, or build it again"
            ) from error

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a statement about tables that another module keeps in the file."""
        with self._explained():
            return self._file.execute(statement, values).fetchall()

    def state(self) -> tuple[int, ...]:
        """Return what changes whenever the file is changed through another connection.

        Raises:
            StoreError: the file is gone, or another one that is of no use.
        """
        with self._explained():
            if self._facts != _facts(self.path, self._still):  # another file of that name
                file, still = connect(self.path)
                self._file.close()
                self._file, self._still = file, still
                self._facts = _facts(self.path, still)
            (number,) = self._file.execute("PRAGMA data_version").fetchone()
        return (int(number), *self._facts)

    def known(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Return those of some trees that are there."""
        return set(self._select("tokens", list(hashes)))

    def packed(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return trees as they are kept, by hash."""
        return self._select("packed", hashes)

    def packed_of(self, name: str) -> bytes:
        """Return the tree of a document as it is kept; empty where there is none."""
        ask = "SELECT packed FROM documents JOIN trees USING (hash) WHERE id = ?"
        with self._explained():
            found = self._file.execute(ask, (name,)).fetchone()
        return bytes(found[0]) if found else b""

    def passages(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the passages of trees as they are kept, by hash."""
        return self._select("passages", hashes)

    def _select(self, column: str, hashes: Sequence[bytes]) -> dict[bytes, Any]:
        found: dict[bytes, Any] = {}
        with self._explained():
            for start in range(0, len(hashes), _ASKED):
                some = hashes[start : start + _ASKED]
                marks = ",".join("?" * len(some))
                found |= self._file.execute(
                    f"SELECT hash, {column} FROM trees WHERE hash IN ({marks})", some
                ).fetchall()
        return found

    def put_tree(self, tree: bytes, tokens: int, leaves: int, packed: bytes, found: bytes) -> None:
        """Write a tree, within a transaction."""
        self._file.execute(
            "INSERT OR IGNORE INTO trees VALUES (?, ?, ?, ?, ?)",
            (tree, tokens, leaves, packed, found),
        )

    def put_row(self, row: Row) -> None:
        """Write a document's row, within a transaction; its sizes are those of its tree.

        Raises:
            InputError: its name is no valid text.
            StoreError: its tree is not there.
        """
        check_name(row.id)
        stamp = row.stamp
        told = json.dumps(row.metadata, sort_keys=True)
        before = self._trees_of([row.id])
        written = self._file.execute(
            "INSERT OR REPLACE INTO documents "
            "SELECT ?, hash, ?, ?, ?, ?, ?, tokens, leaves FROM trees WHERE hash = ?",
            (row.id, told, row.folder, stamp.size, stamp.modified, stamp.inode, row.hash),
        )
        if not written.rowcount:
            raise StoreError(f"{self.path} has no tree of {row.id}; build it again")
        self._drop(before - {row.hash})

    def forget_stamps(self) -> None:
        """See to it that every file is read again, within a transaction."""
        self._file.execute("UPDATE documents SET modified = -1")

    def remove(self, ids: Iterable[str]) -> None:
        """Remove documents and trees that no other has, within a transaction."""
        ids = list(ids)
        before = self._trees_of(ids)
        self._file.executemany("DELETE FROM documents WHERE id = ?", [(name,) for name in ids])
        self._drop(before)

    def _trees_of(self, ids: Iterable[str]) -> set[bytes]:
        ask = "SELECT hash FROM documents WHERE id = ?"
        return {tree for name in ids for (tree,) in self._file.execute(ask, (name,)).fetchall()}

    def _drop(self, trees: Iterable[bytes]) -> None:
        """Remove those of some trees that no document has."""
        self._file.executemany(
            "DELETE FROM trees WHERE hash = ?1 "
            "AND NOT EXISTS (SELECT 1 FROM documents WHERE hash = ?1)",
            [(tree,) for tree in trees],
        )

    def compact(self) -> None:
        """Give back the space of what was removed, where there is much of it.

        Raises:
            StoreError: there is no room for it; nothing is lost.
        """
        with self._explained():
            free, pages = (
                self._file.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("freelist_count", "page_count")
            )
            self._wait(_COMPACT_SECONDS)  # it can be done another time as well
            try:
                if 4 * free > pages:
                    self._file.execute("VACUUM")
                self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self._wait(BUSY_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._file.execute(f"PRAGMA busy_timeout={int(1000 * seconds)}").fetchall()


def check_name(name: str) -> None:
    """Raise ``InputError`` where the name of a document cannot be kept."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the name {name!r} is no valid text; give the document another"
        ) from error


def _is_missing(path: Path) -> bool:
    with explained(path):
        return not path.exists() or (path.is_file() and not path.stat().st_size)


def _create(path: Path, settings: Mapping[str, Any]) -> None:
    create(path, {name: json.dumps(value) for name, value in settings.items()})


def _facts(path: Path, still: bool) -> tuple[int, ...]:
    """Return what tells that a file is another, or was changed where SQLite does not say so."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns) if still else (facts.st_ino,)
