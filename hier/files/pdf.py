"""PDF: PDFium gives the words, pdfplumber the ruled tables; a text knows its pages.

PDFium reads words several times as fast as pypdf, and pypdf as pdfplumber; so only pages whose
rules may be a table's are given to that.
"""

import re
import threading
from dataclasses import dataclass
from typing import Any

from hier.document import Document
from hier.errors import InputError, MissingExtraError
from hier.files.grid import Grid
from hier.files.pdf_edges import running_lines
from hier.files.pdf_lines import Line, PageText, read_lines
from hier.files.pdf_tables import (
    Item,
    has_rules,
    in_reading_order,
    ruled_tables,
    with_ruled,
    with_unruled,
)
from hier.files.pdf_text import pieces_of, setting_of
from hier.files.pieces import put_together

_PDFIUM = threading.Lock()  # PDFium is not made for several threads
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?")


@dataclass(frozen=True)
class _Raw:
    """What is read from a file: the lines of its pages, which may have tables, and its facts."""

    pages: list[list[Line]]
    ruled: list[int]
    facts: dict[str, str]


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a PDF.

    Raises:
        InputError: it is encrypted, damaged or has no text.
        MissingExtraError: pypdfium2 or pdfplumber is not installed.
    """
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingExtraError("pypdfium2", f"reading {name}", "hier-context[files]") from error
    with _PDFIUM:
        found = _read_pages(pypdfium2, raw, name)
    if not any(found.pages):
        raise InputError(
            f"{name} has no text in its {len(found.pages)} pages, only pictures of it; "
            "make them text first (OCR), for example with ocrmypdf"
        )
    metadata: dict[str, Any] = {"type": kind, **_metadata(found.facts)}
    grids: dict[int, list[Grid]] = {}
    if found.ruled:
        grids, unread = _read_tables(found, raw, name)
        if unread:
            metadata["tables_unread"] = unread
    pages = _with_tables(found.pages, grids)
    text, places, _ = put_together("page", pieces_of(pages, setting_of(pages)))
    return Document(text, name, places, None, metadata)


def _read_pages(pypdfium2: Any, raw: bytes, name: str) -> _Raw:
    """Return the lines of all pages."""
    lines, ruled = [], []
    try:
        document = pypdfium2.PdfDocument(raw)
        try:
            for number in range(len(document)):
                page = document[number]
                text = page.get_textpage()
                placed = PageText(pypdfium2.raw, page, text)
                lines.append(read_lines(placed))
                if has_rules(placed, page):
                    ruled.append(number)
                text.close()
                page.close()
            facts = document.get_metadata_dict(skip_empty=True)
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise InputError(
                f"{name} is encrypted with a password; save a copy without one, for example "
                f"with: qpdf --decrypt --password=... {name} copy.pdf"
            ) from error
        raise InputError(
            f"{name} is damaged ({error}); save it anew, for example by printing it to PDF"
        ) from error
    return _Raw(lines, ruled, facts)


def _read_tables(found: _Raw, raw: bytes, name: str) -> tuple[dict[int, list[Grid]], int]:
    """Return the ruled tables by page, and on how many pages they stay loose lines.

    PDFium reads many a file that pdfminer does not. Its text is not lost for its tables.
    """
    try:
        from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException
    except ImportError as error:
        raise MissingExtraError("pdfplumber", f"reading {name}", "hier-context[files]") from error
    try:
        return ruled_tables(raw, found.ruled), 0
    except (PdfminerException, MalformedPDFException):
        return {}, len(found.ruled)


def _with_tables(lines: list[list[Line]], grids: dict[int, list[Grid]]) -> list[list[Item]]:
    """Return what stands on each page, in reading order, without what repeats at its edges."""
    loose = [
        [item for item in with_ruled(page, grids.get(number, ())) if isinstance(item, Line)]
        for number, page in enumerate(lines)
    ]
    running = {id(loose[page][index]) for page, index in running_lines(loose)}
    pages = []
    for number, page in enumerate(lines):
        kept = in_reading_order([line for line in page if id(line) not in running])
        pages.append(with_unruled(with_ruled(kept, grids.get(number, ()))))
    return pages


def _metadata(facts: dict[str, str]) -> dict[str, Any]:
    """Return title, author and date, where a file names them."""
    found: dict[str, Any] = {}
    for key in ("Title", "Author"):
        value = " ".join(facts.get(key, "").split())
        if value and value.lower() not in ("untitled", "anonymous", "(anonymous)", "(unspecified)"):
            found[key.lower()] = value
    match = _DATE.match(facts.get("CreationDate", ""))
    if match is not None:
        found["date"] = "-".join(part for part in match.groups() if part)
        found["year"] = int(match.group(1))
    return found
