"""Blocks: the headings, paragraphs, lists, tables, code and speaker turns a text is made of.

One pass over the lines. A block begins where its first line begins and ends where the next one
begins, so blocks partition the text. A heading is read only where a line can hardly be anything
else: a false one would stand over everything beneath it.
"""

import enum
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


class BlockKind(enum.IntEnum):
    """What a block is."""

    HEADING = 0
    PARAGRAPH = 1
    LIST = 2
    TABLE = 3
    CODE = 4
    TURN = 5


@dataclass(frozen=True)
class Blocks:
    """The blocks of a text, as parallel arrays.

    Attributes:
        start: first character, int64 (blocks,).
        end: character behind the last, white space included, int64 (blocks,).
        kind: a ``BlockKind``, uint8 (blocks,).
        depth: 1 for the outermost headings, more for inner ones, 0 for what is no heading; int16.
    """

    start: np.ndarray
    end: np.ndarray
    kind: np.ndarray
    depth: np.ndarray


_LONGEST_HEADING = 120
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")  # what a fence of backticks names has none
_MARKDOWN_HEADING = re.compile(r"(#{1,6})(?:[ \t]+\S|[ \t]*$)")
_UNDERLINE = re.compile(r"([=\-~^*#+\"'`.:_])\1{2,}$")
_UNDERLINE_DEPTH = {"=": 1, "*": 1, "#": 1, "-": 2, "~": 3, "^": 4, '"': 5}
_NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,5})\.?[ \t]+(\S.*)")
_NAMED = re.compile(
    r"(part|book|act|chapter|article|appendix|schedule|exhibit|annex|scene|section|§)[ \t]+"
    r"([ivxlc]+|\d+(?:\.\d+)*|[a-z])\b[.:]?(?:[ \t]*[-–—:]?[ \t]*)(.*)",
    re.IGNORECASE,
)
_NAMED_DEPTH = {"part": 1, "book": 1, "act": 1, "section": 3, "§": 3, "scene": 3}
_ITEM = re.compile(r"(?:[-*+•‣◦▪·–][ \t]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)][ \t])")
_TABLE = re.compile(r"\|.*\||\+[-=+]{3,}\+?$|=+(?:[ ]+=+)+$")
_SIMPLE_RULE = re.compile(r"=+(?:[ ]+=+)+")
_BAR = re.compile(r"\|")
_DELIMITERS = re.compile(r":?-+:?(?:[ \t]*\|[ \t]*:?-+:?)+")
_COLUMNS = re.compile(r"[^\t]+\t+[^\t]")
_TURN = re.compile(
    r"(?:\[[\d:.,\- ]+\][ \t]*)?"
    r"([A-Z][\w.'’\-]*(?:[ ][\w.'’\-&]+){0,3})(?:[ ]?\([^()]{1,40}\))?[ ]?:(?:[ \t]|$)"
)
_CODE = re.compile(
    r"[{}\[\]=;<>\\]|\w\(|^\s*(?:>>>|\.\.\.|\$|#|//|def |class |import |from |return\b)"
)
_PROSE_END = re.compile(r"[.!?:,;][\"'”’)\]]*$")


@dataclass
class _Reading:
    """Blocks as they are found: first line, kind and depth of each."""

    lines: list[str]
    bare: list[str]
    first: list[int]
    kind: list[int]
    depth: list[int]
    speakers: frozenset[str]

    def add(self, line: int, kind: BlockKind, depth: int = 0) -> None:
        self.first.append(line)
        self.kind.append(kind)
        self.depth.append(depth)

    def is_blank(self, line: int) -> bool:
        return not 0 <= line < len(self.bare) or not self.bare[line]


def find_blocks(text: str) -> Blocks:
    """Partition a text into blocks."""
    lines = text.splitlines(keepends=True)
    bare = [line.strip() for line in lines]
    bare[:1] = [line.lstrip("\ufeff").strip() for line in bare[:1]]  # a byte-order mark is no word
    reading = _Reading(lines, bare, [], [], [], _speakers(bare))
    line = 0
    while line < len(lines):
        line = _read_block(reading, line) if bare[line] else line + 1
    starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)))])
    start = starts[reading.first].astype(np.int64)
    if not len(start):
        reading.kind, reading.depth, start = [BlockKind.PARAGRAPH], [0], np.zeros(1, np.int64)
    start[0] = 0
    return Blocks(
        start,
        np.append(start[1:], len(text)),
        np.array(reading.kind, np.uint8),
        np.array(reading.depth, np.int16),
    )


def _speakers(bare: list[str]) -> frozenset[str]:
    """Return who speaks, if the text is a conversation: two names or more, each more than once."""
    names = Counter(
        match.group(1)
        for line in bare
        if line and ":" in line[:80] and (match := _TURN.match(line)) is not None
    )
    often = {name: n for name, n in names.items() if n > 1}
    return frozenset(often) if len(often) > 1 and sum(often.values()) >= 4 else frozenset()


def _read_block(reading: _Reading, line: int) -> int:
    """Read the block that begins at a line that is not blank; returns the line behind it."""
    bare = reading.bare[line]
    first = bare[0]
    if first in "`~" and (fence := _FENCE.match(bare)) is not None:
        return _read_fence(reading, line, fence.group(1))
    for read in (_read_heading, _read_table, _read_code):
        end = read(reading, line)
        if end > line:
            return end
    if reading.speakers and _is_turn(reading, bare):
        return _read_lines(reading, line, BlockKind.TURN)
    kind = BlockKind.LIST if _ITEM.match(bare) else BlockKind.PARAGRAPH
    return _read_lines(reading, line, kind)


def _is_turn(reading: _Reading, bare: str) -> bool:
    match = _TURN.match(bare)
    return match is not None and match.group(1) in reading.speakers


def _read_lines(reading: _Reading, line: int, kind: BlockKind) -> int:
    """Read on until a blank line or the first line of another kind of block."""
    reading.add(line, kind)
    line += 1
    while line < len(reading.lines):
        bare = reading.bare[line]
        if not bare or _interrupts(reading, line, bare):
            return line
        line += 1
    return line


def _interrupts(reading: _Reading, line: int, bare: str) -> bool:
    """Say whether a line begins a block of its own although no blank line precedes it."""
    if reading.lines[line - 1][-1:] == "\f" or reading.lines[line][0] == "\f":
        return True
    first = bare[0]
    if first in "#`~|+" and (
        _FENCE.match(bare) or _MARKDOWN_HEADING.match(bare) or _TABLE.fullmatch(bare)
    ):
        return True
    if (first in "-*+•‣◦▪·–(" or (len(bare) > 2 and (bare[1] in ".)" or bare[2] in ".)"))) and (
        _ITEM.match(bare)
    ):
        # A hard-wrapped line may begin with "5. " or "- ": a list is indented or begins one.
        return (
            first in "-*+•‣◦▪·"
            or reading.kind[-1] == BlockKind.LIST
            or bool(_PROSE_END.search(reading.bare[line - 1]))
        )
    if reading.speakers and ":" in bare[:80] and _is_turn(reading, bare):
        return True
    return "\t" in bare and bool(_COLUMNS.match(bare)) and not reading.is_blank(line + 1)


def _read_fence(reading: _Reading, line: int, fence: str) -> int:
    """Read fenced code up to its closing fence, or to the end of the text."""
    reading.add(line, BlockKind.CODE)
    line += 1
    while line < len(reading.lines):
        if reading.bare[line].startswith(fence) and not reading.bare[line].strip(fence[0]):
            return line + 1
        line += 1
    return line


def _read_heading(reading: _Reading, line: int) -> int:
    """Read a heading and its underline, if there is one here."""
    bare = reading.bare[line]
    if len(bare) > _LONGEST_HEADING:
        return line
    if bare[0] == "#" and (match := _MARKDOWN_HEADING.match(bare)) is not None:
        reading.add(line, BlockKind.HEADING, len(match.group(1)))
        return line + 1
    after = reading.bare[line + 1] if line + 1 < len(reading.bare) else ""
    if _UNDERLINE.fullmatch(bare):
        return _read_overlined(reading, line, bare, after)
    if not reading.is_blank(line - 1) and (
        not reading.kind or reading.kind[-1] != BlockKind.HEADING
    ):
        return line
    if after and after[0] in _UNDERLINE_DEPTH and _underlines(after, bare):
        reading.add(line, BlockKind.HEADING, _UNDERLINE_DEPTH[after[0]])
        return line + 2
    depth = _titled(bare, alone=not after, following=_following(reading, line))
    if depth:
        reading.add(line, BlockKind.HEADING, depth)
        return line + 1
    return line


def _read_overlined(reading: _Reading, line: int, bare: str, title: str) -> int:
    """Read a title between two rules (reStructuredText), or step over a lone rule."""
    rule = reading.bare[line + 2] if line + 2 < len(reading.bare) else ""
    if title and rule == bare and bare[0] in _UNDERLINE_DEPTH and len(title) <= len(bare) + 2:
        reading.add(line, BlockKind.HEADING, 1)
        return line + 3
    return line


def _underlines(rule: str, title: str) -> bool:
    matched = _UNDERLINE.fullmatch(rule) is not None and rule[0] in _UNDERLINE_DEPTH
    return matched and 2 * len(rule) >= len(title) and any(map(str.isalnum, title))


def _following(reading: _Reading, line: int) -> str:
    """Return the next line that is not blank, of those near."""
    return next((bare for bare in reading.bare[line + 1 : line + 4] if bare), "")


def _titled(bare: str, alone: bool, following: str) -> int:
    """Return the depth of a heading told by its own words; 0 if it is none."""
    words = bare.count(" ") + 1
    first = bare[0]
    if words > 14 or not following:
        return 0
    if first.isdigit():
        match = _NUMBERED.fullmatch(bare)
        if match is None or not alone or not _is_title(match.group(2)):
            return 0
        parts = match.group(1).count(".") + 1
        again = _NUMBERED.fullmatch(following)
        in_list = parts == 1 and again is not None and "." not in again.group(1)
        return 0 if in_list else parts + 1
    if first in "pbacesPBACES§" and (match := _NAMED.fullmatch(bare)) is not None:
        title = match.group(3)
        sentence = not title and not alone and following[0].islower()  # "Article 5", "of the ..."
        if (not title and not sentence) or (title and alone and _is_title(title)):
            return _NAMED_DEPTH.get(match.group(1).lower(), 2)
    if alone and bare.isupper() and _is_title(bare) and sum(map(str.isalpha, bare)) >= 4:
        return 2
    return 0


def _is_title(title: str) -> bool:
    """Say whether words can be a title: they begin large and do not end as a sentence does."""
    begins = title[0].isupper() or not title[0].isalpha()
    return begins and len(title) <= 90 and not _PROSE_END.search(title) and "____" not in title


def _read_table(reading: _Reading, line: int) -> int:
    """Read rows of a table: Markdown, grid, simple, or columns set apart by tabs."""
    bare = reading.bare[line]
    if bare[0] == "=" and _SIMPLE_RULE.fullmatch(bare):
        return _read_simple_table(reading, line)
    row: Callable[[str], object] = _TABLE.fullmatch
    if not row(bare):
        if "|" in bare and _DELIMITERS.fullmatch("".join(reading.bare[line + 1 : line + 2])):
            row = _BAR.search
        elif "\t" in bare:
            row = _COLUMNS.match
        else:
            return line
    end = line
    while end < len(reading.bare) and row(reading.bare[end]):
        end += 1
    if end - line < 2:
        return line
    reading.add(line, BlockKind.TABLE)
    return end


def _read_simple_table(reading: _Reading, line: int) -> int:
    """Read a simple table (reStructuredText): up to the rule that a blank line follows."""
    for end in range(line + 1, len(reading.bare)):
        if reading.is_blank(end):
            return line
        if end > line + 1 and reading.is_blank(end + 1):
            if not _SIMPLE_RULE.fullmatch(reading.bare[end]):
                return line
            reading.add(line, BlockKind.TABLE)
            return end + 1
    return line


def _read_code(reading: _Reading, line: int) -> int:
    """Read lines set in from the margin that look like code."""
    if not reading.lines[line].startswith(("   ", "\t")) or not reading.is_blank(line - 1):
        return line
    end, likely, size = line, 0, 0
    while end < len(reading.lines) and (
        not reading.bare[end] or reading.lines[end].startswith(("   ", "\t"))
    ):
        if reading.bare[end]:
            likely += bool(_CODE.search(reading.bare[end]))
            size += 1
        elif 3 * likely < 2 * size:
            break
        end += 1
    if 3 * likely < 2 * size:
        return line
    while not reading.bare[end - 1]:
        end -= 1
    reading.add(line, BlockKind.CODE)
    return end
