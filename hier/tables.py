"""Tables: where their rows begin, and whether the first of them is a header row.

A row without its header row says nothing, so what names the columns is found here: markup says it
(the rule under it in Markdown, grid and simple tables), or the reader of a file knows it, or else
the first row is told by its cells: none of them is a number, or is long, or ends as a label does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_RULE = re.compile(r"[-=+|:\s]+")
_DELIMITERS = re.compile(r":?-+:?(?:\s*\|\s*:?-+:?)*")
_BETWEEN = re.compile(r"\s*\|\s*|\t+")
_NUMBER = re.compile(r"[^a-zA-Z]*\d[^a-zA-Z]*")
_YEAR = re.compile(r"(?:1[6-9]|20)\d\d")
_LABEL_ENDS = (":", "_", "?", ".", ";", ",")
_LONGEST_NAME = 60  # of a column, in characters
_RULES = 3  # of a grid whose rows are lines: above and under its header row, and its last


@dataclass(frozen=True)
class _Line:
    """A line of a table: its place in the text, its indent, and what is in it."""

    place: int
    indent: int
    bare: str

    @property
    def is_rule(self) -> bool:
        return _RULE.fullmatch(self.bare) is not None


def read_rows(
    text: str, start: int, end: int, known: bool = False, begins: np.ndarray | None = None
) -> tuple[list[int], bool]:
    """Return where the rows of a table begin, and whether the first is its header row.

    Rules and blank lines belong to the row before them; those that stand first, to the first.

    Args:
        text: the source.
        start: first character of the table.
        end: character behind its last.
        known: its reader knows that the first row names the columns.
        begins: where its reader knows the rows of the text to begin, as a cell may have several
            lines; int64 (rows,), ascending. None for lines.
    """
    lines = _lines(text, start, end, begins)
    header = _header_lines(lines, known)
    first = [place for place in range(header, len(lines)) if _begins_row(lines, place)]
    rows = [lines[place].place for place in first]
    return [start, *(rows if header else rows[1:])], bool(header and rows)


def _lines(text: str, start: int, end: int, begins: np.ndarray | None) -> list[_Line]:
    """Return the lines that are not blank; a row whose beginning is known counts as one."""
    cut = text[start:end].splitlines(keepends=True)
    if begins is not None:
        inner = begins[slice(*np.searchsorted(begins, [start + 1, end]))].tolist()
        cut = [text[low:high] for low, high in pairwise([start, *inner, end])]
    lines, place = [], start
    for line in cut:
        bare = line.rstrip().lstrip(" \ufeff")  # a tab before it may be an empty cell
        if bare:
            lines.append(_Line(place, len(line) - len(line.lstrip()), bare))
        place += len(line)
    return lines


def _header_lines(lines: Sequence[_Line], known: bool) -> int:
    """Return how many lines the header row has, the rule under it among them; 0 for none."""
    rules = [place for place, line in enumerate(lines) if line.is_rule]
    if not rules or rules[0] > 1:
        first, size, marked = 0, 1, False
    elif rules[0] == 1:
        first, size, marked = 0, 2, _DELIMITERS.fullmatch(lines[1].bare.strip("| \t")) is not None
    else:  # between two rules
        under = rules[1] if len(rules) > 1 else len(lines)
        simple = "+" not in lines[0].bare and "|" not in lines[0].bare
        first, size = 1, under + 1
        marked = under < len(lines) and (simple or "=" in lines[under].bare)
        if simple and not any(line.bare for line in lines[size:] if not line.is_rule):
            return 0  # two rules alone stand around all rows
    rows = [line.bare for line in lines[first:] if not line.is_rule]
    if len(rows) < 2 or not any(map(str.isalnum, rows[0])):
        return 0
    return size if marked or known or _names_columns(rows[0], rows[1]) else 0


def _names_columns(row: str, below: str) -> bool:
    """Say whether a row names columns, by what is in its cells and in those of the next."""
    names, cells = _cells(row), _cells(below)
    if len(names) != len(cells) or len(names) < 2 or not all(names[1:]):
        return False
    if any(len(name) > _LONGEST_NAME or name.endswith(_LABEL_ENDS) for name in names):
        return False
    if any(_NUMBER.fullmatch(name) and not _YEAR.fullmatch(name) for name in names):
        return False
    numbers = any(_NUMBER.fullmatch(cell) for cell in cells)
    return numbers or not any(map(str.isdigit, row))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in _BETWEEN.split(row.strip("|").strip(" "))]


def _begins_row(lines: Sequence[_Line], place: int) -> bool:
    """Say whether a line begins a row: in some tables a row has several lines."""
    line, first = lines[place], lines[0]
    if line.is_rule or not first.is_rule:
        return not line.is_rule
    if "+" in first.bare or "|" in first.bare:
        between = sum(other.is_rule for other in lines) > _RULES
        return not between or lines[place - 1].is_rule
    return line.indent <= first.indent
