"""CSV and TSV: the file's own text, one table, whose rows are counted as a spreadsheet does."""

import csv
import io
import sys
import threading
from collections import Counter

import numpy as np

from hier.blocks import BlockKind
from hier.document import Document, decode
from hier.files.plain import one_block
from hier.places import Places

_HEAD = 16_000  # characters that the separator is told from
_SEPARATORS = ",;\t|"
_LIMIT = threading.Lock()  # the longest field is a setting of the whole process


def read(raw: bytes, name: str, kind: str, encoding: str) -> Document:
    """Read a table of separated values; the header is row 1.

    Raises:
        InputError: the bytes are binary or in another encoding.
    """
    text = decode(raw, name, encoding)
    starts = _row_starts(text, "\t" if kind == "tsv" else separator(text))
    return Document(
        text,
        name,
        Places.counted("row", starts),
        one_block(text, BlockKind.TABLE),
        {"type": kind},
    )


def separator(text: str) -> str:
    """Return what separates the values of a table: what gives most rows one number of columns.

    A comma where nothing else can be told. (The standard library's Sniffer is misled by marks in
    quotes.)
    """
    head = list(io.StringIO(_whole_lines(text[:_HEAD]), newline=""))
    return max(_SEPARATORS, key=lambda mark: _agreement(head, mark))  # the first of the best


def _agreement(lines: list[str], mark: str) -> float:
    """Return the share of rows that have the most common number of columns, if it is above one."""
    try:
        widths = Counter(map(len, csv.reader(lines, delimiter=mark)))
    except csv.Error:  # a field that is longer than is read here
        return 0.0
    width, rows = widths.most_common(1)[0] if widths else (0, 0)
    return rows / widths.total() if width > 1 else 0.0


def _whole_lines(head: str) -> str:
    """Return a head without the line that it cuts."""
    return head[: head.rfind("\n") + 1] or head


def _row_starts(text: str, delimiter: str) -> np.ndarray:
    """Return where the records of a table begin, int64 (records,); the first is 0."""
    lines = list(io.StringIO(text, newline=""))
    starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)))])
    if '"' not in text:
        return starts[: max(1, len(lines))]
    first, behind = [0], 0
    rows = csv.reader(lines, delimiter=delimiter)
    with _LIMIT:
        limit = csv.field_size_limit(sys.maxsize)
        try:
            for _ in rows:
                behind, line = rows.line_num, behind
                if line:
                    first.append(line)
        finally:
            csv.field_size_limit(limit)
    last = "".join(lines[first[-1] :])
    if len(lines) - first[-1] > 1 and last.count('"') % 2:
        # A quote that nothing closes swallowed the rest: here quotes are no more than characters.
        return starts[: len(lines)]
    return starts[first]
