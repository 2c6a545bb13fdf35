"""Opening a store's file: what it is, whether it is whole, and how it can be read.

A file comes into being whole: it is made under another name and renamed. Where it may only be read
(a read-only disk, a folder of somebody else), SQLite cannot keep what readers and writers share
beside it; then it is read as one that does not change, and looked at again when it did.
"""

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from hier.array_file import umask
from hier.corpus import schema
from hier.corpus.header import APPLICATION, MAGIC, head_of
from hier.errors import StoreError
from hier.files.reading import readable

BUSY_SECONDS = 60.0
_PAGE_BYTES = 1024  # a tree fills whole pages: small ones waste least of small documents
_MAKE = "make one: hier build FOLDER -o CORPUS"


def connect(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open a store; also say whether it is taken for one that does not change.

    Raises:
        StoreError: it is missing, no corpus, cut, damaged, or of another version; or it can only be
            read and was not closed.
    """
    with explained(path):
        _check_place(path)
        try:
            return _open(path, "mode=rw"), False
        except sqlite3.DatabaseError as error:
            code = _code(error)
            if code == sqlite3.SQLITE_NOTADB:
                raise _foreign(path) from error
            if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        if _waiting(path):
            raise StoreError(
                f"{path} was not closed, and can only be read here; open it once where it may be "
                "written, or copy it with the files beside it"
            )
        return _open(path, "mode=ro&immutable=1"), True


def _check_place(path: Path) -> None:
    """Raise for what is no file with something in it, in words."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{path} does not exist; make it: hier build FOLDER -o {path}") from None
    if stat.S_ISDIR(facts.st_mode):
        raise StoreError(f"{path} is a folder, and no corpus; {_MAKE}")
    if not stat.S_ISREG(facts.st_mode):
        raise StoreError(f"{path} is no file, and no corpus; {_MAKE}")
    if not facts.st_size:
        raise StoreError(f"{path} is empty; make it: hier build FOLDER -o {path}")


def _foreign(path: Path) -> StoreError:
    """Return the error of a file that SQLite cannot read, and so has not open."""
    from hier.store import is_tree

    head = head_of(path)
    if is_tree(path):
        return StoreError(
            f"{path} is a saved tree, and no corpus; open it: hier.load({str(path)!r})"
        )
    if head.startswith(MAGIC[: len(head)]):
        return StoreError(f"{path} is damaged: restore it, or build it again")
    return StoreError(f"{path} is no corpus; {_MAKE}")


def _waiting(path: Path) -> int:
    """Return how many bytes of a store are still in its journal."""
    journal = path.with_name(path.name + "-wal")
    return journal.stat().st_size if journal.exists() else 0


def _open(path: Path, how: str) -> sqlite3.Connection:
    # Threads ask in turn.
    file = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?{how}",
        timeout=BUSY_SECONDS,
        check_same_thread=False,
        isolation_level=None,
        uri=True,
    )
    try:
        if file.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise StoreError(f"{path} is no corpus; {_MAKE}")
        file.execute("PRAGMA synchronous=NORMAL")
        schema.check(file, path)
        file.execute("SELECT count(*) FROM settings").fetchone()
    except BaseException:
        file.close()
        raise
    return file


def create(path: Path, settings: Mapping[str, str]) -> None:
    """Make a store with its settings: afterwards it is there whole, or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    with explained(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        made = Path(name)
        try:
            file = sqlite3.connect(made, isolation_level=None)
            try:
                file.execute(f"PRAGMA page_size={_PAGE_BYTES}")
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("BEGIN")
                schema.make(file)
                file.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
                file.execute("COMMIT")
            finally:
                file.close()
            made.chmod(0o666 & ~umask())
            made.replace(path)
        finally:
            for end in ("", "-wal", "-shm", "-journal"):
                made.with_name(made.name + end).unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into errors of hier."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{readable(str(path))} cannot be used: {error}; {_remedy(error)}")


def _code(error: BaseException) -> int:
    """Return the primary result code of SQLite; 0 for other errors."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


_REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space and run the same again: every finished document is kept",
    sqlite3.SQLITE_IOERR: (
        "check the disk and its free space, and run the same again: every finished document is kept"
    ),
    sqlite3.SQLITE_BUSY: "another process writes to it; wait for it, or end it",
    sqlite3.SQLITE_LOCKED: "another process writes to it; wait for it, or end it",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore it, or build it again",
    sqlite3.SQLITE_NOTADB: "the file is damaged: restore it, or build it again",
    sqlite3.SQLITE_ERROR: "the file is damaged: restore it, or build it again",
    sqlite3.SQLITE_READONLY: "make it writable, or copy it to another place",
}


def _remedy(error: Exception) -> str:
    if isinstance(error, sqlite3.OperationalError) and not _code(error):
        return _REMEDIES[sqlite3.SQLITE_CORRUPT]  # a text that is none: SQLite takes it
    return _REMEDIES.get(_code(error), "check the path, the disk and the permissions")
