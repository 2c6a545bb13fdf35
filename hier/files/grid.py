"""Grids: the cells of a table as lines of Markdown, the header row first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Grid:
    """A table on a page: its rows, and where it stands, in points from the upper left corner."""

    rows: tuple[tuple[str, ...], ...]
    left: float
    top: float
    right: float
    bottom: float


def row_line(cells: Iterable[str]) -> str:
    """Return a row as a line; a bar in a cell is written with a backslash before it."""
    return "| " + " | ".join(cell_text(cell) for cell in cells) + " |"


def cell_text(cell: str) -> str:
    """Return the words of a cell on one line."""
    return _SPACE.sub(" ", cell).strip().replace("|", "\\|")


def rule_line(columns: int) -> str:
    """Return the line between the header row and the others."""
    return "|" + " --- |" * columns


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: the header row, a rule, the other rows."""
    width = max(map(len, rows), default=0)
    lines = [row_line([*row, *[""] * (width - len(row))]) for row in rows]
    return [*lines[:1], rule_line(width), *lines[1:]]
