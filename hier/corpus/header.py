"""The first bytes of a store's file; nothing of SQLite is needed to read them.

See "The Database Header" in https://sqlite.org/fileformat2.html.
"""

import struct
from pathlib import Path

APPLICATION = 0x48494552
"""What the header calls the application: "HIER"."""
MAGIC = b"SQLite format 3\0"
_BYTES = 100


def is_corpus(path: Path) -> bool:
    """Say whether a file begins as a corpus does."""
    head = head_of(path)
    whole = len(head) == _BYTES and head.startswith(MAGIC)
    return whole and struct.unpack_from(">I", head, 68)[0] == APPLICATION


def head_of(path: Path) -> bytes:
    """Return the header of a file, or what there is of it.

    Not of one that SQLite has open in this process: closing a file gives up all locks on it.
    """
    try:
        with path.open("rb") as file:
            return file.read(_BYTES)
    except OSError:
        return b""
