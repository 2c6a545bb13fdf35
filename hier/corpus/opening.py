"""Opening a store's file: what it is, whether it is whole, and how it can be read.

A file comes into being whole: it is made under another name and renamed. Where it may only be read
(a read-only disk, a folder of somebody else), SQLite cannot keep what readers and writers share
beside it; then it is read as one that does not change, and looked at again when it did.
"""

import os
import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from hier.array_file import umask
from hier.corpus import schema
from hier.errors import StoreError
from hier.files.reading import readable

BUSY_SECONDS = 60.0
_HEADER = 100  # bytes; see "The Database Header" in https://sqlite.org/fileformat2.html
_MAGIC = b"SQLite format 3\0"
_MAKE = "make one: hier build FOLDER -o CORPUS"


def is_corpus(path: Path) -> bool:
    """Say whether a file begins as a corpus does."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError:
        return False
    return _application(head) == schema.APPLICATION


def _application(head: bytes) -> int:
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        return -1
    return int(struct.unpack_from(">I", head, 68)[0])


def check_file(path: Path) -> None:
    """Look at the first bytes of a file.

    Raises:
        StoreError: it is missing, no corpus, or cut.
    """
    from hier.store import is_tree

    try:
        with path.open("rb") as file:
            head, size = file.read(_HEADER), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist; make it: hier build FOLDER -o {path}") from None
    except IsADirectoryError:
        raise StoreError(f"{path} is a folder, and no corpus; {_MAKE}") from None
    except OSError as error:
        raise _unusable(path, error) from error
    if is_tree(path):
        raise StoreError(
            f"{path} is a saved tree, and no corpus; open it: hier.load({path.name!r})"
        )
    if not head:
        raise StoreError(f"{path} is empty; make it: hier build FOLDER -o {path}")
    if _application(head) != schema.APPLICATION and not _is_cut(path, head, size):
        raise StoreError(f"{path} is no corpus; {_MAKE}")
    if _is_cut(path, head, size):
        raise StoreError(
            f"{path} is cut: it has {size:,} bytes, and had more; restore it, or build it again"
        )


def _is_cut(path: Path, head: bytes, size: int) -> bool:
    """Say whether pages are missing; while a journal has some, they need not all be there."""
    if len(head) < _HEADER:
        return head.startswith(_MAGIC[: len(head)])
    if not head.startswith(_MAGIC) or waiting(path):
        return False
    page, changed, pages, counted = (
        struct.unpack_from(kind, head, place)[0]
        for kind, place in ((">H", 16), (">I", 24), (">I", 28), (">I", 92))
    )
    return bool(changed == counted and size < pages * (65536 if page == 1 else page))


def waiting(path: Path) -> int:
    """Return how many bytes of a store are still in its journal (``NAME-wal``)."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except OSError:
        return 0


def connect(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open a store; also say whether it is taken for one that does not change.

    Raises:
        StoreError: it is missing, no corpus, cut, damaged, or of another version; or it can only be
            read and was not closed.
    """
    with explained(path):
        check_file(path)
        try:
            return _open(path, "mode=rw"), False
        except sqlite3.OperationalError as error:
            if _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        if waiting(path):
            raise StoreError(
                f"{path} was not closed, and can only be read here; open it once where it may be "
                "written, or copy it with the files beside it"
            )
        return _open(path, "mode=ro&immutable=1"), True


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
    return _REMEDIES.get(_code(error), "check the path, the disk and the permissions")
