"""Documents and spans: a text, where it came from, and how a file becomes one.

A file is decoded strictly. Guessing an encoding would move every span that is ever quoted, so a
byte that does not fit is an error that names its position.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hier.errors import InputError
from hier.places import Places, lines_of

if TYPE_CHECKING:
    from hier.blocks import Blocks


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a source text."""

    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A source text and its name.

    Attributes:
        text: the whole text; every span points into it.
        name: where it came from, for people; empty when it has no name.
        places: the pages, slides or rows that the text was read from; None for a text that is its
            file's own, whose places are its lines.
        blocks: what the text is made of, where its format says so: the first row of each of its
            tables names the columns; None to find out.
        metadata: what else is known of it, by name: str, int, float or bool.
    """

    text: str
    name: str = ""
    places: Places | None = None
    blocks: "Blocks | None" = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def place(self, start: int, end: int) -> str:
        """Say where in its file some characters stand: ``"page 3"``, ``"lines 10-12"``."""
        return (self.places or self._lines).describe(start, end)

    @cached_property
    def _lines(self) -> Places:
        return lines_of(self.text)

    @classmethod
    def from_path(cls, path: Path, encoding: str = "utf-8") -> "Document":
        """Read a file of any kind that is known: a text, a PDF, a table, a mail.

        Args:
            path: the file.
            encoding: a Python codec name for texts; a byte-order mark is obeyed in place of utf-8.

        Raises:
            InputError: the file is missing, a folder, unreadable, damaged, encrypted, binary or in
                another encoding.
            MissingExtraError: what reads files of this kind is not installed.
        """
        from hier.files.reading import read_file

        return read_file(path, encoding)


def decode(raw: bytes, name: str, encoding: str = "utf-8") -> str:
    """Decode the bytes of a text, strictly.

    Raises:
        InputError: unknown encoding, a byte that does not fit it, or binary content.
    """
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unknown(encoding) from error
    if codec == "utf-8":
        if raw.startswith(codecs.BOM_UTF8):
            encoding = codec = "utf-8-sig"
        elif raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            encoding = codec = "utf-32"
        elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = codec = "utf-16"
        elif b"\0" in raw[:4096]:
            raise InputError(
                f"{name} looks binary (byte 0x00 at position {raw.index(0)}); make it text first"
            )
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not valid {encoding}: byte 0x{raw[error.start]:02x} at position "
            f"{error.start}; name its encoding, for example --encoding latin-1"
        ) from error
    except (LookupError, UnicodeError) as error:  # "hex" is a codec, but none of a text
        raise _unknown(encoding) from error


def _unknown(encoding: str) -> InputError:
    return InputError(f"unknown encoding {encoding!r}; try utf-8, latin-1 or cp1252")


def as_document(source: "str | Path | Document") -> Document:
    """Turn what ``hier.build`` was handed into a document with something in it.

    Raises:
        InputError: the source is of another type, its text is empty or blank, or what is said of
            the text cannot be.
    """
    if isinstance(source, str):
        document = Document(source)
    elif isinstance(source, Path):
        document = Document.from_path(source)
    elif isinstance(source, Document):
        document = source
    else:
        raise InputError(
            f"a source of type {type(source).__name__} is no text; pass a str, a Path or a Document"
        )
    if not isinstance(document.text, str):
        raise InputError(
            f"the text of a Document is of type {type(document.text).__name__}; pass a str"
        )
    if not document.text or document.text.isspace():
        raise InputError(f"{document.name or 'the text'} is empty or blank; pass a text with words")
    _check_told(document)
    return document


def _check_told(document: Document) -> None:
    """Refuse what a reader says of a text, where it cannot be."""
    from hier.shape import check_blocks, check_places

    if document.blocks is not None:
        check_blocks(document.blocks, len(document.text))
    if document.places is not None:
        check_places(document.places, len(document.text))
    for name, value in document.metadata.items():
        if not isinstance(name, str) or not isinstance(value, str | int | float | bool):
            raise InputError(
                f"metadata {name!r} is of type {type(value).__name__}; pass names, and for each a "
                "str, int, float or bool"
            )
