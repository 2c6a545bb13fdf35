"""Adding: what a client hands over becomes a document, or is refused with the reason."""

from dataclasses import replace

from hier.document import Document
from hier.errors import InputError
from hier.files.reading import read_bytes, read_raw
from hier.serving.folders import Folders
from hier.serving.mcp.schemas import AddArguments

LARGEST_DOCUMENT = 32 << 20
"""Bytes of a file or a text that is added."""
LONGEST_NAME = 300  # characters


def document_of(asked: AddArguments, folders: Folders, encoding: str) -> Document:
    """Return the document that is to be added.

    Args:
        asked: its text and name, or the path of a file.
        folders: where files may be read.
        encoding: of text files.

    Raises:
        InputError: it is no text and no file in an open folder, too large, or its name will not do.
    """
    if asked.path is not None and asked.text is None:
        document = _read(asked.path, folders, encoding)
        return replace(document, name=_checked(asked.name or document.name))
    if asked.text is None or asked.path is not None:
        raise InputError("pass either the text of a document or the path of a file")
    if asked.name is None:
        raise InputError("a text needs a name; pass name, such as 'notes.md'")
    name = _checked(asked.name)
    _check_size(name, len(asked.text.encode("utf-8", "surrogatepass")))
    return Document(asked.text, name)


def _read(path: str, folders: Folders, encoding: str) -> Document:
    """Read a file, which is called by its path in the folder that is open."""
    found = folders.find(path)
    root = next(root for root in folders.roots if found.is_relative_to(root))
    name = found.relative_to(root).as_posix()
    _check_size(name, found.stat().st_size)
    return read_bytes(read_raw(found)[0], name, encoding)


def _checked(name: str) -> str:
    """Return a name that can be shown anywhere as it is."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"the name {shortened(name)!r} will not do; pass 1 to {LONGEST_NAME} characters that "
            "can be printed"
        )
    return name


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_DOCUMENT:
        raise InputError(
            f"{name} is too large: {size:,} bytes, the limit is {LARGEST_DOCUMENT:,}; add it in "
            "parts"
        )


def shortened(text: str, most: int = 80) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
