"""The schema of a store: its tables, its version, and how older versions are brought up to it.

``PRAGMA application_id`` tells a corpus from other SQLite files, ``user_version`` is its version.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from hier.corpus.header import APPLICATION
from hier.errors import StoreError

VERSION = 2
MIGRATIONS: Mapping[int, str] = {
    1: """
ALTER TABLE documents ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN leaves INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET (tokens, leaves) =
    (SELECT tokens, leaves FROM trees WHERE trees.hash = documents.hash)
""",
}
"""Statements, by ``;``, that lead from a version to the next."""
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trees (
    hash BLOB PRIMARY KEY, tokens INTEGER NOT NULL, leaves INTEGER NOT NULL,
    packed BLOB NOT NULL, passages BLOB NOT NULL
);
CREATE TABLE documents (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL REFERENCES trees (hash), metadata TEXT NOT NULL,
    folder TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL,
    tokens INTEGER NOT NULL DEFAULT 0, leaves INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX documents_by_hash ON documents (hash);
CREATE TABLE summaries (
    key BLOB PRIMARY KEY, text BLOB NOT NULL, fault TEXT NOT NULL, call TEXT
)
"""


def make(file: sqlite3.Connection) -> None:
    """Write the tables into an empty file, within a transaction."""
    for statement in _SCHEMA.split(";"):
        file.execute(statement)
    file.execute(f"PRAGMA application_id={APPLICATION}")
    file.execute(f"PRAGMA user_version={VERSION}")


def version_of(file: sqlite3.Connection) -> int:
    """Return the version of a store."""
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def check(
    file: sqlite3.Connection,
    path: Path,
    version: int = VERSION,
    migrations: Mapping[int, str] = MIGRATIONS,
) -> None:
    """Bring a store up to this version: a step is done whole or not at all.

    Args:
        file: the store, in autocommit mode.
        path: where it is.
        version: the version that is wanted.
        migrations: as ``MIGRATIONS``.

    Raises:
        StoreError: it is of a newer version, or of one too old.
    """
    while (found := version_of(file)) != version:
        if found > version:
            raise StoreError(
                f"{path} has version {found}, this hier reads up to {version}; update hier: "
                "pip install -U hier-context"
            )
        if found not in migrations:
            raise StoreError(
                f"{path} has version {found}, this hier reads {version}; build it again"
            )
        file.execute("BEGIN IMMEDIATE")
        try:
            if version_of(file) == found:  # no other process was faster
                for statement in migrations[found].split(";"):
                    file.execute(statement)
                file.execute(f"PRAGMA user_version={found + 1}")
            file.execute("COMMIT")
        except BaseException:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
