"""The store of a corpus: one SQLite file of documents and their trees.

A tree is found by what it depends on, the bytes of its file and the corpus's settings, so that the
same text under two names is read and kept once. Everything of a document is written in one
transaction: the file holds each finished document, wherever it was interrupted. Readers see the
state of the moment they began (WAL); one writer at a time holds a lock beside the file.

Schema: ``PRAGMA application_id`` tells a corpus from other SQLite files, ``user_version`` its
version; versions before this one are brought up to it by ``_MIGRATIONS`` when they are written to.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hier.errors import StoreError

VERSION = 1
_APPLICATION = 0x48494552  # "HIER"
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trees (
    hash BLOB PRIMARY KEY, tokens INTEGER NOT NULL, leaves INTEGER NOT NULL,
    packed BLOB NOT NULL, passages BLOB NOT NULL
);
CREATE TABLE documents (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL REFERENCES trees (hash), metadata TEXT NOT NULL,
    folder TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX documents_by_hash ON documents (hash);
CREATE TABLE summaries (
    key BLOB PRIMARY KEY, text BLOB NOT NULL, fault TEXT NOT NULL, call TEXT
);
"""
_MIGRATIONS: Mapping[int, str] = {}  # statements that lead from a version to the next
_BUSY_SECONDS = 60.0
_ASKED = 500  # rows looked up in one statement
_PAGE_BYTES = 1024  # a tree fills whole pages: small ones waste least of small documents
_MAGIC = b"SQLite format 3\0"


def is_store(path: Path) -> bool:
    """Say whether a file begins as a store does; that it is a corpus, opening it tells."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):  # reading it says why
        return False


@dataclass(frozen=True)
class Stamp:
    """What tells that a file was not changed without reading it: bytes, nanoseconds, inode."""

    size: int = -1
    modified: int = -1
    inode: int = -1


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


class Database:
    """An open store.

    Args:
        path: the file.
        create: make it where it is not there.

    Raises:
        StoreError: it is not there, no corpus, damaged, or of a newer version.
    """

    def __init__(self, path: Path, create: bool = False) -> None:
        """Open the file and check what it is."""
        self.path = path
        if not create and not path.exists():
            raise StoreError(f"{path} does not exist; make it: hier build FOLDER -o {path}")
        with self._explained():
            # Threads ask in turn.
            self._file = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            try:
                self._prepare(create)
            except BaseException:
                self._file.close()
                raise

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        self._file.close()

    def _prepare(self, create: bool) -> None:
        ask = self._file.execute
        (application,), (version,) = (
            ask(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        empty = not ask("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty and create:
            ask(f"PRAGMA page_size={_PAGE_BYTES}")
            ask("PRAGMA journal_mode=WAL")
            ask("PRAGMA synchronous=NORMAL")
            with self.transaction():
                for statement in _SCHEMA.split(";"):
                    ask(statement)
                ask(f"PRAGMA application_id={_APPLICATION}")
                ask(f"PRAGMA user_version={VERSION}")
            return
        if application != _APPLICATION:
            raise StoreError(f"{self.path} is no corpus; make one: hier build FOLDER -o CORPUS")
        if version > VERSION:
            raise StoreError(
                f"{self.path} has version {version}, this hier reads up to {VERSION}; update hier: "
                "pip install -U hier-context"
            )
        ask("PRAGMA synchronous=NORMAL")
        for step in range(version, VERSION):
            with self.transaction():
                for statement in _MIGRATIONS[step].split(";"):
                    ask(statement)
                ask(f"PRAGMA user_version={step + 1}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of it or nothing."""
        with self._explained():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        with self._explained():
            rows = self._file.execute("SELECT name, value FROM settings").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings, within a transaction."""
        rows = [(name, json.dumps(value)) for name, value in settings.items()]
        self._file.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", rows)

    def rows(self) -> list[Row]:
        """Return all documents, in the order of their names."""
        with self._explained():
            found = self._file.execute(
                "SELECT id, hash, metadata, folder, size, modified, inode, tokens, leaves "
                "FROM documents JOIN trees USING (hash) ORDER BY id"
            ).fetchall()
        return [
            Row(name, tree, json.loads(told), folder, Stamp(size, modified, inode), tokens, leaves)
            for name, tree, told, folder, size, modified, inode, tokens, leaves in found
        ]

    def state(self) -> int:
        """Return a number that changes whenever another connection has changed the file."""
        with self._explained():
            (number,) = self._file.execute("PRAGMA data_version").fetchone()
        return int(number)

    def known(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Return those of some trees that are there."""
        return {name for name, _ in self._select("hash, tokens", list(hashes))}

    def packed(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return trees as they are kept, by hash."""
        return dict(self._select("hash, packed", hashes))

    def passages(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the passages of trees as they are kept, by hash."""
        return dict(self._select("hash, passages", hashes))

    def _select(self, columns: str, hashes: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        with self._explained():
            for start in range(0, len(hashes), _ASKED):
                some = hashes[start : start + _ASKED]
                marks = ",".join("?" * len(some))
                rows = self._file.execute(
                    f"SELECT {columns} FROM trees WHERE hash IN ({marks})", some
                )
                with closing(rows):
                    yield from rows

    def put_tree(self, tree: bytes, tokens: int, leaves: int, packed: bytes, found: bytes) -> None:
        """Write a tree, within a transaction."""
        self._file.execute(
            "INSERT OR IGNORE INTO trees VALUES (?, ?, ?, ?, ?)",
            (tree, tokens, leaves, packed, found),
        )

    def put_row(self, row: Row) -> None:
        """Write a document's row, within a transaction; its tree must be there."""
        stamp = row.stamp
        told = json.dumps(row.metadata, sort_keys=True)
        self._file.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.id, row.hash, told, row.folder, stamp.size, stamp.modified, stamp.inode),
        )

    def remove(self, ids: Iterable[str]) -> None:
        """Remove documents, within a transaction."""
        self._file.executemany("DELETE FROM documents WHERE id = ?", [(name,) for name in ids])

    def sweep(self) -> None:
        """Remove trees that no document has, within a transaction."""
        self._file.execute("DELETE FROM trees WHERE hash NOT IN (SELECT hash FROM documents)")

    def compact(self) -> None:
        """Give back the space of what was removed, where there is much of it."""
        with self._explained():
            free, pages = (
                self._file.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("freelist_count", "page_count")
            )
            if 4 * free > pages:
                self._file.execute("VACUUM")
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path} cannot be used: {error}; {_remedy(error)}") from error


def _remedy(error: Exception) -> str:
    text = str(error)
    if "full" in text:
        return "free some space and run the same again: every finished document is kept"
    if "locked" in text:
        return "another process writes to it; wait for it, or end it"
    if "malformed" in text or "not a database" in text:
        return "the file is damaged: restore it, or build it again"
    return "check the path, the disk and the permissions"
