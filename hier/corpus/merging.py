"""Merging and splitting: corpora built apart become one, and a part of one becomes its own.

Documents are copied as they are kept; nothing is built again, and what is copied from stays as it
is. The new corpus is made beside its place and renamed: it is there whole, or not at all.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from hier.corpus.catalogue import stores_of
from hier.corpus.database import Database
from hier.corpus.lock import writing
from hier.corpus.opening import explained
from hier.corpus.settings import Settings
from hier.corpus.where import Filter, Where, read_where
from hier.errors import InputError, StoreError

_COPY = """
INSERT OR IGNORE INTO main.trees SELECT * FROM other.trees WHERE hash IN (
    SELECT hash FROM other.documents WHERE id IN (SELECT id FROM temp.wanted));
INSERT OR IGNORE INTO main.documents SELECT * FROM other.documents
    WHERE id IN (SELECT id FROM temp.wanted);
INSERT OR IGNORE INTO main.summaries SELECT * FROM other.summaries
"""
_CLASH = """
SELECT id, mine.hash != theirs.hash FROM main.documents AS mine JOIN other.documents AS theirs
    USING (id) WHERE id IN (SELECT id FROM temp.wanted)
    AND (mine.hash != theirs.hash OR mine.metadata != theirs.metadata) LIMIT 1
"""


def merge(paths: Iterable[str | Path], out: str | Path) -> int:
    """Join corpora in a new one.

    A document that several have is taken once, if it is the same in all of them. The summaries that
    they keep are taken too.

    Args:
        paths: their files, read in the same way; of a catalogue all shards are taken.
        out: the new file.

    Returns:
        How many documents it has.

    Raises:
        InputError: there is nothing to join.
        StoreError: a file is missing, no corpus or damaged; they were read in different ways; two
            have different documents of one name; or ``out`` is there already or cannot be written.
    """
    return copy_documents(list(paths), Path(out), None)


def split(path: str | Path, out: str | Path, where: Where) -> int:
    """Copy a part of a corpus to a new one.

    Args:
        path: its file.
        out: the new file.
        where: which documents, as for ``Corpus.compress``.

    Returns:
        How many documents it has.

    Raises:
        InputError: the filter cannot be read, or lets no document through.
        StoreError: the file is missing, no corpus or damaged; or ``out`` is there already or cannot
            be written.
    """
    return copy_documents([path], Path(out), where)


def copy_documents(paths: Sequence[str | Path], out: Path, where: Where | None) -> int:
    """Copy what a filter lets through to a new corpus; see ``merge`` and ``split``."""
    passes = read_where(where)
    if not paths:
        raise InputError("there is no corpus to join; pass the path of at least one")
    sources = [store for path in paths for store in stores_of(path)]
    with writing(out):
        return copy_rows(sources, out, passes)


def copy_rows(
    sources: Sequence[tuple[Path, Collection[str]]], out: Path, passes: Filter | None = None
) -> int:
    """Copy the documents of some stores to a new one; return how many.

    Args:
        sources: the stores, and which documents are hidden in each.
        out: the new store; the caller holds the right to write it.
        passes: a filter, which must let some through.
    """
    with ExitStack() as stack:
        opened = []
        for path, _ in sources:
            opened.append(Database(path))
            stack.callback(opened[-1].close)
        file = stack.enter_context(_made(out, _common_settings(opened)))
        for number, (path, hidden) in enumerate(sources):
            rows = [row for row in opened[number].rows() if row.id not in hidden]
            names = [row.id for row in rows if passes is None or passes(row.id, row.metadata)]
            with _attached(file, path):
                _copy(file, opened[number], names, opened[:number])
        (count,) = file.execute("SELECT count(*) FROM documents").fetchone()
        if not count and passes is not None:
            raise InputError("the filter lets no document through; ask for others")
        return int(count)


def _common_settings(sources: Sequence[Database]) -> Settings:
    """Return how all documents were read; the oldest engine, so that all of its are found."""
    first, *others = (Settings.read(source.settings(), source.path) for source in sources)
    for source, other in zip(sources[1:], others, strict=True):
        if difference := first.difference(other):
            raise StoreError(
                f"{sources[0].path} and {source.path} were read in different ways: {difference}; "
                "build one of them again as the other was"
            )
    return replace(first, engine=min(each.engine for each in (first, *others)))


@contextmanager
def _made(out: Path, settings: Settings) -> Iterator[sqlite3.Connection]:
    """Open a new store; it gets its name at the end, where nothing went wrong."""
    if out.exists():
        raise StoreError(f"{out} is there already; choose another name, or remove it")
    part = out.with_name(f".{out.name}.{uuid4().hex}.part")
    try:
        Database(part, create=True, settings=settings.to_dict()).close()
        with explained(out):
            file = sqlite3.connect(_uri(part, "mode=rw"), uri=True, isolation_level=None)
            try:
                file.execute("CREATE TEMP TABLE wanted (id TEXT PRIMARY KEY) WITHOUT ROWID")
                yield file
                file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                file.close()
            part.replace(out)
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def _uri(path: Path, how: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{how}"


@contextmanager
def _attached(file: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Have another store at hand as ``other``."""
    with explained(path):
        try:
            file.execute("ATTACH ? AS other", (_uri(path, "mode=rw"),))
            file.execute("SELECT count(*) FROM other.settings").fetchall()
        except sqlite3.OperationalError:  # it can only be read, as ``Database`` has found
            if "other" in (name for _, name, _ in file.execute("PRAGMA database_list")):
                file.execute("DETACH other")
            file.execute("ATTACH ? AS other", (_uri(path, "mode=ro&immutable=1"),))
    try:
        yield
    finally:
        file.execute("DETACH other")


def _copy(
    file: sqlite3.Connection, source: Database, names: Iterable[str], before: Sequence[Database]
) -> None:
    """Copy some documents of the store that is attached."""
    file.execute("BEGIN")
    try:
        file.execute("DELETE FROM temp.wanted")
        file.executemany("INSERT INTO temp.wanted VALUES (?)", ((name,) for name in names))
        for name, text in file.execute(_CLASH).fetchall():
            raise _clash(name, text, source, before)
        for statement in _COPY.split(";"):
            file.execute(statement)
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:
            file.execute("ROLLBACK")
        raise


def _clash(name: str, text: bool, source: Database, before: Iterable[Database]) -> StoreError:
    other = next(each.path for each in before if any(row.id == name for row in each.rows()))
    what = "not the same text" if text else "not with the same metadata"
    return StoreError(
        f"{name!r} is in {other} and in {source.path}, {what}; remove it from one: hier remove"
    )
