"""XLSX: the sheets of a workbook, each region a table with its header; its places are rows.

What a formula came to is read, not the formula. A number keeps its column: empty cells are kept.
"""

import datetime
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hier.blocks import BlockKind
from hier.document import Document
from hier.errors import MissingExtraError
from hier.files.archive import DAMAGE, damaged, open_archive
from hier.files.facts import core_facts
from hier.files.grid import row_line
from hier.files.pieces import Piece, put_together

_MOST_ROWS = 1 << 20  # of a sheet: ECMA-376

Row = tuple[int, list[str]]  # its number in the sheet, its cells


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a workbook.

    Raises:
        InputError: it is damaged, encrypted or a zip bomb.
        MissingExtraError: openpyxl is not installed.
    """
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise MissingExtraError("openpyxl", f"reading {name}", "hier-context[files]") from error
    archive = open_archive(raw, name)
    try:
        facts = core_facts(archive)
        with warnings.catch_warnings():  # of styles and extensions that do not concern the cells
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            pieces = [piece for sheet in book.worksheets for piece in _sheet(sheet)]
        book.close()
    except (InvalidFileException, *DAMAGE) as error:
        raise damaged(name, error) from error
    text, places, blocks = put_together("row", pieces)
    return Document(text, name, places, blocks, {"type": kind, **facts})


def _sheet(sheet: Any) -> Iterator[Piece]:
    """Yield a sheet: its name as a heading, then its regions."""
    sheet.reset_dimensions()  # what a file says of its sheets' sizes is often wrong
    part = f"sheet {sheet.title}"
    named = False
    for region in _regions(sheet.iter_rows(values_only=True)):
        if not named:
            heading = " ".join(sheet.title.split())
            yield Piece(f"## {heading}\n\n", region[0][0], part, BlockKind.HEADING, 2)
            named = True
        yield from _region(region, part)


def _regions(rows: Iterable[Sequence[Any]]) -> Iterator[list[Row]]:
    """Yield rows that belong together: up to a blank row that a new header follows.

    A table may have blank rows in it. What follows one is a table of its own if its first row is
    all words, as a header is.
    """
    region: list[Row] = []
    blank = False
    for number, values in enumerate(rows, 1):
        if number > _MOST_ROWS:  # the library makes up the rows in between
            raise ValueError(f"a row beyond {_MOST_ROWS:,}")
        cells = list(map(shown, values))
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            blank = True
            continue
        if blank and region and all(isinstance(v, str) for v in values if v is not None):
            yield region
            region = []
        region.append((number, cells))
        blank = False
    if region:
        yield region


def _region(rows: list[Row], part: str) -> Iterator[Piece]:
    """Yield a region: lines of one cell above a table are its title, the others its rows."""
    filled = [sum(map(bool, cells)) for _, cells in rows]
    first = next((i for i, n in enumerate(filled) if n > 1), len(rows))
    if len(rows) - first < 2:
        first = len(rows) if max(filled) < 2 else first
    for number, cells in rows[:first]:
        line = " ".join(filter(None, cells))
        yield Piece(line + "\n\n", number, part, BlockKind.PARAGRAPH)
    table = rows[first:]
    left = min((_first_cell(cells) for _, cells in table), default=0)
    width = max((len(cells) for _, cells in table), default=0)
    for index, (number, cells) in enumerate(table):
        line = row_line([*cells[left:], *[""] * (width - len(cells))]) + "\n"
        end = "\n" if index == len(table) - 1 else ""
        yield Piece(line + end, number, part, None if index else BlockKind.TABLE)


def _first_cell(cells: Sequence[str]) -> int:
    return next(i for i, cell in enumerate(cells) if cell)


def shown(value: Any) -> str:
    """Return a value of a cell as it is read: 15 digits at most, dates as ISO writes them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    return str(value).strip()
