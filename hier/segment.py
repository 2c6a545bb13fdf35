"""Segmentation: a text becomes leaves, the smallest pieces that are ever shown.

A leaf is a sentence, a heading, a row of a table or a few lines of code. Leaves partition the text:
white space belongs to the leaf before it. What is longer than the limit is cut at a clause, else
between words, else between characters. A row has a larger limit: one that is cut loses its columns.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hier.blocks import BlockKind, Blocks, find_blocks
from hier.sentences import sentence_ends
from hier.tables import read_rows

Sizes = Callable[[np.ndarray, np.ndarray], np.ndarray]
CODE_TOKENS = 60  # lines of code that stay together
ROW_LIMITS = 4  # limits of a leaf that a row of a table may have
# A mark between two digits or inside an address ends no clause: white space must follow it.
_CLAUSE = re.compile(r"[,;:)\]}]\s++|[，；：、،؛—]\s*+|\s[-–]\s++|\n(?![^\S\n]*+(?:\n|\Z))")
_MARK = re.compile(r"[,;:)\]}|–](?!\s)")  # better than between letters, if there is no space
_INDENT = re.compile(r"\s*")
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Leaves:
    """The leaves of a text: spans that partition it, and the block each lies in (int64)."""

    start: np.ndarray
    end: np.ndarray
    block: np.ndarray


@dataclass(frozen=True)
class Segmentation:
    """The blocks and the leaves of a text.

    Attributes:
        blocks: its blocks.
        leaves: its leaves.
        headers: the leaves that are header rows, with rows behind them, int64, ascending.
    """

    blocks: Blocks
    leaves: Leaves
    headers: np.ndarray


def segment(
    text: str,
    sizes: Sizes,
    limit: int = 120,
    known: Blocks | None = None,
    begins: np.ndarray | None = None,
) -> Segmentation:
    """Cut a text into leaves.

    Args:
        text: the source, not empty.
        sizes: token counts of spans, from their starts and ends.
        limit: most tokens of a leaf, unless it is a single character; four times as many of a row.
        known: the blocks, where the reader of the text knows them: the first row of each of its
            tables names the columns. None to find them.
        begins: where that reader knows the rows of its tables to begin, int64 (rows,), ascending.
    """
    blocks = find_blocks(text) if known is None else _as_found(known)
    kind = blocks.kind
    prose = np.isin(kind, (BlockKind.PARAGRAPH, BlockKind.LIST, BlockKind.TURN))
    ends = np.array(sentence_ends(text), np.int64)
    ends = ends[ends < len(text)]
    ends = ends[prose[np.searchsorted(blocks.start, ends - 1, "right") - 1]]
    # A sentence's white space may reach into the indent of the block behind: no leaf is an indent.
    ends = ends[ends > _indents(text, blocks)[np.searchsorted(blocks.start, ends, "right") - 1]]
    rows, headed = _row_starts(text, blocks, known is not None, begins)
    code = _code_starts(text, blocks, sizes)
    start = np.unique(np.concatenate([blocks.start, ends, rows, code]))
    start = _join_fragments(text, start, blocks)
    start = _shortened(text, start, blocks, sizes, limit)
    block = np.searchsorted(blocks.start, start, "right") - 1
    first = np.searchsorted(start, blocks.start[headed])
    more = np.append(block, -1)[first + 1] == headed  # rows that are not joined to the header row
    return Segmentation(blocks, Leaves(start, np.append(start[1:], len(text)), block), first[more])


def _shortened(
    text: str, start: np.ndarray, blocks: Blocks, sizes: Sizes, limit: int
) -> np.ndarray:
    """Cut leaves that are longer than their limit; returns where the leaves begin then."""
    end = np.append(start[1:], len(text))
    kinds = blocks.kind[np.searchsorted(blocks.start, start, "right") - 1]
    limits = np.where(kinds == BlockKind.TABLE, ROW_LIMITS * limit, limit)
    long = np.flatnonzero(sizes(start, end) > limits)
    spans = zip(start[long].tolist(), end[long].tolist(), limits[long].tolist(), strict=True)
    cuts = [place for s, e, most in spans for place in _cut(text, s, e, sizes, most)]
    shortened: np.ndarray = np.union1d(start, np.array(cuts, np.int64))
    return shortened


def _as_found(known: Blocks) -> Blocks:
    """Return blocks with arrays of the types that find_blocks gives them."""
    start, end = known.start.astype(np.int64), known.end.astype(np.int64)
    return Blocks(start, end, known.kind.astype(np.uint8), known.depth.astype(np.int16))


def _indents(text: str, blocks: Blocks) -> np.ndarray:
    """Return where the words of each block begin, int64 (blocks,)."""
    begin = blocks.start.copy()
    for block, start in enumerate(blocks.start.tolist()):
        if text[start].isspace():
            match = _INDENT.match(text, start)
            begin[block] = match.end() if match is not None else start
    return begin


def _row_starts(
    text: str, blocks: Blocks, known: bool, begins: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the rows of tables begin, and the tables that have a header row."""
    starts: list[int] = []
    headed: list[int] = []
    for block in np.flatnonzero(blocks.kind == BlockKind.TABLE).tolist():
        start, end = int(blocks.start[block]), int(blocks.end[block])
        rows, header = read_rows(text, start, end, known, begins)
        starts.extend(rows)
        headed.extend([block] * header)
    return np.array(starts, np.int64), np.array(headed, np.int64)


def _code_starts(text: str, blocks: Blocks, sizes: Sizes) -> np.ndarray:
    """Return where groups of code lines begin."""
    starts: list[int] = []
    for block in np.flatnonzero(blocks.kind == BlockKind.CODE).tolist():
        end = int(blocks.end[block])
        lines = _line_starts(text, int(blocks.start[block]), end)
        tokens = sizes(np.array(lines), np.array([*lines[1:], end])).tolist()
        total = 0
        for line, size in zip(lines, tokens, strict=True):
            if total and total + size > CODE_TOKENS:
                starts.append(line)
                total = 0
            total += size
    return np.array(starts, np.int64)


def _line_starts(text: str, start: int, end: int) -> list[int]:
    """Return where the lines of a span begin; blank lines belong to the line before."""
    starts, place = [], start
    for line in text[start:end].splitlines(keepends=True):
        if place == start or not line.isspace():
            starts.append(place)
        place += len(line)
    return starts


def _join_fragments(text: str, start: np.ndarray, blocks: Blocks) -> np.ndarray:
    """Join what holds no letter or digit, like a stray quote, to the leaf before in its block."""
    end = np.append(start[1:], len(text))
    short = np.flatnonzero(end - start < 8)
    first_of_block = np.isin(start[short], blocks.start)
    joined = [
        i
        for i in short[~first_of_block].tolist()
        if not any(map(str.isalnum, text[start[i] : end[i]]))
    ]
    return np.delete(start, joined)


def _cut(text: str, start: int, end: int, sizes: Sizes, limit: int) -> list[int]:
    """Return where to cut a span that is too long: long pieces that end at the best break."""
    cuts: list[int] = []
    guess = max(1, limit * 4)
    while True:
        reach = _reach(start, end, guess, sizes, limit)
        if reach >= end:
            return cuts
        guess = max(1, reach - start)
        start = _best_break(text, start, reach)
        cuts.append(start)


def _reach(start: int, end: int, guess: int, sizes: Sizes, limit: int) -> int:
    """Return the furthest place to which a piece from ``start`` stays within the limit."""

    def fits(stop: int) -> bool:
        return int(sizes(np.array([start]), np.array([stop]))[0]) <= limit

    low, high = start + 1, min(end, start + guess + 1)
    while high < end and fits(high):
        low, high = high, min(end, start + 2 * (high - start))
    if high == end and fits(end):
        return end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _best_break(text: str, start: int, reach: int) -> int:
    """Return the last break of the best kind in the second half of ``start`` to ``reach``."""
    half = (start + reach + 1) // 2
    for kind in (_CLAUSE, None, _MARK):
        place = _last_space(text, half, reach) if kind is None else _last(kind, text, half, reach)
        if place:
            return place
    for place in range(reach, half, -1):
        if not _continues(text, start, place):
            return place
    return reach


def _last(kind: re.Pattern[str], text: str, half: int, reach: int) -> int:
    """Return where the last match ends, up to ``reach``; 0 if there is none."""
    ends = (match.end() for match in kind.finditer(text, half, reach + 1))
    return max((end for end in ends if half < end <= reach), default=0)


def _last_space(text: str, half: int, reach: int) -> int:
    """Return the last place behind white space and before none; 0 if there is none."""
    for place in range(reach, half, -1):
        if text[place - 1].isspace() and not text[place].isspace():
            return place
    return 0


def _continues(text: str, start: int, place: int) -> bool:
    """Say whether the character at ``place`` belongs to the one before, as in an emoji family."""
    here, before = text[place], text[place - 1]
    if _is_flag_letter(here) and _is_flag_letter(before):  # two letters make a flag
        run = next((i for i in range(place, start, -1) if not _is_flag_letter(text[i - 1])), start)
        return (place - run) % 2 == 1
    return (
        here in _JOINERS
        or before == "\u200d"
        or unicodedata.category(here)[0] == "M"
        or here.isspace()
        or "\U0001f3fb" <= here <= "\U0001f3ff"  # colours of skin
        or "\U000e0020" <= here <= "\U000e007f"  # the region of a flag
        or "\u1160" <= here <= "\u11ff"  # Korean vowels and last consonants
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
