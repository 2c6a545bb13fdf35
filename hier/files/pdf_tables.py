"""Tables of a PDF: ruled ones by pdfplumber, unruled ones by the gaps in their lines.

pdfplumber reads a page some 100 times slower than PDFium, so only pages are handed to it on which
PDFium sees enough ruling lines for a table.
"""

import io
import logging
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from hier.files.grid import Grid
from hier.files.pdf_lines import Line, PageText

_LONG, _THIN = 12.0, 3.0  # points of a ruling line
_MOST_RULES = 20_000  # more are a drawing
_WIDE_CELL = 28  # letters: cells of this many are columns of prose

Item = Line | Grid


def has_rules(page: PageText, sheet: Any) -> bool:
    """Say whether a page has lines for a table: some lie, some stand, and make a few cells."""
    raw = page.raw
    lying: set[int] = set()
    standing: set[int] = set()
    for number, rule in enumerate(sheet.get_objects([raw.FPDF_PAGEOBJ_PATH], max_depth=4)):
        if number > _MOST_RULES:
            return False
        left, bottom, right, top = page.bounds(rule)
        width, height = right - left, top - bottom
        if width >= _LONG and height <= _THIN:
            lying.add(round(bottom))
        elif height >= _LONG / 2 and width <= _THIN:
            standing.add(round(left))
        elif width >= _LONG and height >= _LONG / 2:
            lying.update((round(bottom), round(top)))
            standing.update((round(left), round(right)))
    return len(lying) >= 2 and len(standing) >= 2 and len(lying) + len(standing) >= 5


def ruled_tables(raw: bytes, pages: Sequence[int]) -> dict[int, list[Grid]]:
    """Return the ruled tables of some pages, numbered from 0.

    Raises:
        pdfplumber.utils.exceptions.PdfminerException: the file is one that pdfminer cannot read.
    """
    import pdfplumber

    log = logging.getLogger("pdfminer")
    if not log.handlers:  # without any, its remarks on odd files would be printed
        log.addHandler(logging.NullHandler())
    found = {}
    with pdfplumber.open(io.BytesIO(raw), pages=[page + 1 for page in pages]) as document:
        for number, page in zip(pages, document.pages, strict=True):
            grids = [_grid(table, page.bbox[0]) for table in page.find_tables()]
            found[number] = [grid for grid in grids if grid is not None]
            page.close()
    return found


def _grid(table: Any, left: float) -> Grid | None:
    """Return a table with its empty rows and columns left out; None if it is a drawing."""
    rows = [[cell or "" for cell in row] for row in table.extract()]
    rows = [row for row in rows if any(map(str.strip, row))]
    used = [any(cell.strip() for cell in column) for column in zip(*rows, strict=True)]
    rows = [[cell for cell, kept in zip(row, used, strict=True) if kept] for row in rows]
    cells = [cell for row in rows for cell in row]
    if len(rows) < 2 or sum(used) < 2 or 3 * sum(bool(c.strip()) for c in cells) < len(cells):
        return None
    x0, top, x1, bottom = table.bbox
    return Grid(tuple(map(tuple, rows)), x0 - left, top, x1 - left, bottom)


def with_ruled(lines: Iterable[Line], grids: Sequence[Grid]) -> list[Item]:
    """Put tables in the place of the loose lines that stand in them."""
    items: list[Item] = []
    for line in lines:
        inside = next((grid for grid in grids if _stands_in(line, grid)), None)
        if inside is None:
            items.append(line)
        elif inside not in items:
            items.append(inside)
    return items


def _stands_in(line: Line, grid: Grid) -> bool:
    height, middle = line.y - line.size / 3, (line.left + line.right) / 2
    return grid.top <= height <= grid.bottom and grid.left <= middle <= grid.right


def with_unruled(items: Sequence[Item]) -> list[Item]:
    """Make tables of lines that have gaps in the same places: three, or two with three cells."""
    done: list[Item] = []
    at = 0
    while at < len(items):
        end = _run(items, at)
        if end - at >= 3 or (end - at == 2 and all(len(_cells(i)) > 2 for i in items[at:end])):
            done.extend(_from_gaps([line for line in items[at:end] if isinstance(line, Line)]))
        else:
            done.extend(items[at:end])
        at = end
    return done


def _cells(item: Item) -> tuple[object, ...]:
    return item.cells if isinstance(item, Line) else ()


def _run(items: Sequence[Item], at: int) -> int:
    """Return the end of the lines with gaps that begin at an item, one below the other."""
    end = at + 1
    first = items[at]
    if isinstance(first, Grid) or not first.cells:
        return end
    while end < len(items):
        line, before = items[end], items[end - 1]
        if isinstance(line, Grid) or isinstance(before, Grid) or not line.cells:
            return end
        if not 0 < line.y - before.y < 4 * line.size:
            return end
        end += 1
    return end


def _from_gaps(lines: list[Line]) -> Sequence[Item]:
    """Return lines with gaps as a table, as columns of prose, or as they are."""
    columns = _columns(lines)
    if len(columns) < 2:
        return lines
    rows = [_row(line, columns) for line in lines]
    if any(row is None for row in rows):
        return lines
    cells = [row for row in rows if row is not None]
    width = sum(len(cell) for row in cells for cell in row) / (len(cells) * len(columns))
    if len(columns) <= 3 and width > _WIDE_CELL:
        return _as_prose(lines, columns)
    first, last = lines[0], lines[-1]
    return [
        Grid(tuple(cells), columns[0][0], first.y - first.size, columns[-1][1], last.y),
    ]


def _columns(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Return the columns that the cells of lines stand in: where they overlap, they are one."""
    sides = sorted((left, right) for line in lines for left, right, _ in line.cells)
    columns: list[tuple[float, float]] = []
    for left, right in sides:
        if columns and left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(right, columns[-1][1]))
        else:
            columns.append((left, right))
    return columns


def _row(line: Line, columns: Sequence[tuple[float, float]]) -> tuple[str, ...] | None:
    """Return the cells of a line by column; None if two share one."""
    row = [""] * len(columns)
    for left, _, text in line.cells:
        column = next(i for i, (low, high) in enumerate(columns) if low <= left <= high)
        if row[column]:
            return None
        row[column] = text
    return tuple(row)


def _as_prose(lines: Sequence[Line], columns: Sequence[tuple[float, float]]) -> list[Line]:
    """Return columns of prose that were drawn line by line, one column after the other."""
    return [
        Line(text, left, right, line.y, line.size, line.bold, line.fixed)
        for low, high in columns
        for line in lines
        for left, right, text in line.cells
        if low <= left <= high
    ]


def in_reading_order(lines: list[Line]) -> list[Line]:
    """Return lines as they are read: as they were drawn, unless that climbs again and again."""
    climbs = sum(
        b.y < a.y - a.size / 2 and b.left < a.right and a.left < b.right for a, b in pairwise(lines)
    )
    return lines if climbs < 3 or 5 * climbs < len(lines) else _sorted(lines)


def _sorted(lines: Sequence[Line]) -> list[Line]:
    """Return lines from top to bottom, a left column before a right one."""
    reach, ordered = 0.0, sorted(lines, key=lambda line: line.left)
    for number, line in enumerate(ordered):
        if line.left > reach and min(number, len(ordered) - number) >= 3:
            return [*_sorted(ordered[:number]), *_sorted(ordered[number:])]
        reach = max(reach, line.right)
    return sorted(lines, key=lambda line: (round(line.y), line.left))
