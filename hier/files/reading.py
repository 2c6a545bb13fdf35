"""Reading: one file becomes a document, by its kind.

A file is read once, into memory, and its facts are compared before and behind, so that no document
is half of one version and half of the next. Then its bytes and its name alone decide what it is.
"""

import importlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from hier.document import Document
from hier.errors import InputError
from hier.files.kinds import CODE, kind_of

LARGEST_FILE = 512 << 20  # bytes

Reader = Callable[[bytes, str, str], Document]  # bytes, name, kind

_READERS = {
    "pdf": "hier.files.pdf",
    "docx": "hier.files.word",
    "pptx": "hier.files.slides",
    "xlsx": "hier.files.sheets",
    "epub": "hier.files.book",
    "email": "hier.files.mail",
}
_TEXT_READERS = {"html": "hier.files.web", "csv": "hier.files.table", "tsv": "hier.files.table"}
# What older versions of Office wrote, and what newer ones wrap around a document with a password.
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_file(path: Path, encoding: str = "utf-8") -> Document:
    """Read a file of any known kind.

    Args:
        path: the file.
        encoding: a Python codec name for texts; a byte-order mark is obeyed in place of utf-8.

    Raises:
        InputError: the file is missing, a folder, unreadable, too large, damaged, encrypted, binary
            or in another encoding, or it changed while it was read.
        MissingExtraError: what reads files of this kind is not installed.
    """
    raw, _ = read_raw(path)
    return read_bytes(raw, readable(str(path)), encoding)


def read_raw(path: Path) -> tuple[bytes, os.stat_result]:
    """Return the bytes of a file, and its facts, which did not change meanwhile.

    Raises:
        InputError: the file is missing, a folder, unreadable or too large, or it changed while it
            was read.
    """
    name = readable(str(path))
    try:
        return _read(path, name)
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{name} is a folder; pass one text file") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error


def read_bytes(raw: bytes, name: str, encoding: str = "utf-8") -> Document:
    """Read the bytes of a file: a pure function of them and its name.

    Args:
        raw: the whole file.
        name: its name or path, which becomes the document's.
        encoding: a Python codec name for texts; a byte-order mark is obeyed in place of utf-8.

    Raises:
        InputError: the bytes are damaged, encrypted, binary or in another encoding.
        MissingExtraError: what reads files of this kind is not installed.
    """
    if raw.startswith(_OLD_OFFICE):
        raise InputError(
            f"{name} is an Office file of before 2007 or has a password; save it as .docx, .pptx "
            "or .xlsx without one"
        )
    kind = kind_of(raw, name)
    if kind in _READERS:
        read: Reader = importlib.import_module(_READERS[kind]).read
        return read(raw, name, kind)
    module = importlib.import_module(
        _TEXT_READERS.get(kind, "hier.files.code" if kind in CODE else "hier.files.plain")
    )
    document: Document = module.read(raw, name, kind, encoding)
    return document


def readable(path: str) -> str:
    r"""Return a path as valid text: each byte of it that is not UTF-8 as ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read(path: Path, name: str) -> tuple[bytes, os.stat_result]:
    """Return the bytes of a file that stays what it is while they are read."""
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        if before.st_size > LARGEST_FILE:
            raise too_large(name, before.st_size)
        raw = stream.read(LARGEST_FILE + 1)  # a pipe has no size
        after = os.fstat(stream.fileno())
    if len(raw) > LARGEST_FILE:
        raise too_large(name, len(raw))
    regular = stat.S_ISREG(before.st_mode)
    if regular and (_facts(before) != _facts(after) or len(raw) != after.st_size):
        raise InputError(f"{name} changed while it was read; read it again")
    return raw, after


def _facts(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_size, facts.st_mtime_ns


def changed_ns(facts: os.stat_result) -> int:
    """Return when a file was changed last, its facts or its bytes, in nanoseconds."""
    return max(facts.st_mtime_ns, facts.st_ctime_ns)


def too_large(name: str, size: int) -> InputError:
    """Return the error for a file that is larger than is read."""
    return InputError(
        f"{name} is too large: {size:,} bytes or more, the limit is {LARGEST_FILE:,}; split it"
    )
