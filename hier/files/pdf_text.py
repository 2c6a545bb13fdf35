"""The text of a PDF: lines become paragraphs, headings, lists, code and tables.

Lines that one paragraph was wrapped to are joined, also over the end of a column or a page, so that
sentences are whole; a word that was hyphenated there is joined if the document writes it so. What
is set larger than most of the text, or all in bold on a line of its own, is a heading.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hier.files.grid import Grid, row_line, table_lines
from hier.files.pdf_lines import HYPHEN, Line
from hier.files.pdf_tables import Item
from hier.files.pieces import Piece

_ITEM = re.compile(r"(?:[-*•‣◦▪·–]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\])\s")
_BULLET = re.compile(r"[-*•‣◦▪·–]\s")
_ENDS = re.compile(r"[.!?:;。！？…][\"'”’»)\]]*$")
_WORD = re.compile(r"\w+(?:-\w+)*")
_LONGEST_HEADING = 150
_LARGER = 1.12  # times the size of most letters
_GAP = 1.3  # times the usual distance of lines

Placed = tuple[int, Item]  # page from 1, what stands there


@dataclass(frozen=True)
class Setting:
    """How a document is set.

    Attributes:
        body: the size of most of its letters, in points.
        pitch: the usual distance of lines, in sizes.
        headings: the sizes of its headings, the largest first.
        words: all its words, to tell how one is written.
    """

    body: float
    pitch: float
    headings: tuple[float, ...]
    words: frozenset[str]


def setting_of(pages: Sequence[Sequence[Item]]) -> Setting:
    """Find out how a document is set."""
    lines = [item for page in pages for item in page if isinstance(item, Line)]
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[_rounded(line.size)] += len(line.text)
    body = max(sizes, key=lambda size: (sizes[size], -size), default=10.0)
    steps = sorted(
        (b.y - a.y) / a.size
        for a, b in pairwise(lines)
        if a.size == b.size and 0.8 < (b.y - a.y) / a.size < 3
    )
    larger = {_rounded(line.size) for line in lines if line.size > _LARGER * body}
    hyphens = any(line.text[-1] in HYPHEN + "-\xad" for line in lines)
    words = {word for line in lines for word in _WORD.findall(line.text)} if hyphens else set()
    return Setting(
        body,
        steps[len(steps) // 4] if steps else 1.2,
        tuple(sorted(larger, reverse=True)),
        frozenset(words),
    )


def _rounded(size: float) -> float:
    return round(2 * size) / 2


def pieces_of(pages: Sequence[Sequence[Item]], setting: Setting) -> Iterator[Piece]:
    """Yield the text of pages, page by page."""
    placed = [(number, item) for number, page in enumerate(pages, 1) for item in page]
    groups = list(_groups(placed, setting))
    for group, following in zip(groups, [*groups[1:], None], strict=True):
        first = group[0][1]
        if isinstance(first, Grid):
            continued = following is not None and _goes_on(group[-1], following[0])
            yield from _table(group, "\n" if continued else "\n\n")
            continue
        lines = [(page, line) for page, line in group if isinstance(line, Line)]
        depth = heading_depth([line for _, line in lines], setting)
        listed = following is not None and _is_item(first) and _is_item(following[0][1])
        if first.fixed:
            yield from _code(lines)
        elif depth:
            text = " ".join(line.text for _, line in lines).replace(HYPHEN, "-")
            yield Piece(f"{'#' * depth} {text.lstrip('#').strip()}\n\n", group[0][0])
        else:
            yield from _paragraph(lines, setting, "\n" if listed else "\n\n")


def _is_item(item: Item) -> bool:
    return isinstance(item, Line) and _ITEM.match(item.text) is not None


def _groups(placed: Sequence[Placed], setting: Setting) -> Iterator[list[Placed]]:
    """Yield what belongs together: the lines of a paragraph, the parts of a table."""
    rights = _right_sides(placed)
    group: list[Placed] = []
    for page, item in placed:
        if group and not _joins(group, page, item, setting, rights):
            yield group
            group = []
        group.append((page, item))
    if group:
        yield group


def _right_sides(placed: Iterable[Placed]) -> dict[tuple[int, int], float]:
    """Return how far to the right lines reach, by page and by where they begin."""
    rights: dict[tuple[int, int], float] = {}
    for page, item in placed:
        if isinstance(item, Line):
            key = (page, round(item.left / 40))
            rights[key] = max(rights.get(key, 0.0), item.right)
    return rights


def _joins(
    group: Sequence[Placed],
    page: int,
    item: Item,
    setting: Setting,
    rights: dict[tuple[int, int], float],
) -> bool:
    """Say whether an item goes on with the group before it."""
    before_page, before = group[-1]
    if isinstance(item, Grid) or isinstance(before, Grid):
        return isinstance(item, Grid) and _continues_table(before_page, before, page, item)
    if item.fixed or before.fixed:
        apart = item.y - before.y > 3 * item.size or page != before_page
        return item.fixed and before.fixed and not apart
    if item.bold != before.bold or _resized(before.size, item.size, setting.body):
        return False
    if _BULLET.match(item.text):
        return False
    ended = _ENDS.search(before.text) is not None
    if _ITEM.match(item.text) and (ended or _ITEM.match(_first(group).text)):
        return False
    step = item.y - before.y
    right = rights[before_page, round(before.left / 40)]
    full = before.right >= right - 0.12 * (right - before.left)
    if page != before_page or step < -before.size / 2:  # another page or another column
        follows = full or item.text[0].islower() or before.text[-1] in HYPHEN + ",-\xad"
        return not ended and follows and before.size <= _LARGER * setting.body
    if step > _GAP * setting.pitch * item.size:
        return False
    if ended and not full:
        return False
    return _joins_by_indent(group, before, item, ended)


def _resized(before: float, size: float, body: float) -> bool:
    """Say whether letters are of another size; a line in a paragraph may be of smaller ones."""
    larger, smaller = max(before, size), min(before, size)
    return larger > (1.08 if larger > _LARGER * body else 1.25) * smaller


def _first(group: Sequence[Placed]) -> Line:
    first = group[0][1]
    if isinstance(first, Grid):
        raise TypeError("a table is no line")
    return first


def _joins_by_indent(group: Sequence[Placed], before: Line, item: Line, ended: bool) -> bool:
    """Say whether a line stands as far from the margin as one that goes on may."""
    indent = item.left - before.left
    if abs(indent) <= 0.7 * item.size or not ended:
        return True
    if indent > 0:
        return len(group) == 1 and _ITEM.match(before.text) is not None
    return len(group) == 1


def heading_depth(lines: Sequence[Line], setting: Setting) -> int:
    """Return the depth of a heading, from 1; 0 if lines are none."""
    text = " ".join(line.text for line in lines)
    if len(text) > _LONGEST_HEADING or not any(map(str.isalpha, text)) or lines[0].fixed:
        return 0
    if lines[0].size > _LARGER * setting.body:
        return min(6, 1 + setting.headings.index(_rounded(lines[0].size)))
    alone = len(lines) <= 2 and all(line.bold for line in lines)
    if alone and not _ENDS.search(text) and not _BULLET.match(text) and text[-1] != ",":
        return min(6, 1 + len(setting.headings))
    return 0


def _paragraph(lines: Sequence[tuple[int, Line]], setting: Setting, end: str) -> Iterator[Piece]:
    """Yield the lines of a paragraph as one line of text."""
    for (page, line), following in zip(lines, [*lines[1:], None], strict=True):
        text = line.text.replace(HYPHEN, "-") if following is None else line.text
        if following is None:
            yield Piece(text + end, page)
        elif text[-1] in HYPHEN + "-\xad" and text[-2:-1].isalpha():
            yield Piece(_unhyphenated(text, following[1].text, setting.words), page)
        elif _is_east_asian(text[-1]) and _is_east_asian(following[1].text[0]):
            yield Piece(text, page)
        else:
            yield Piece(text.replace(HYPHEN, "-") + " ", page)


def _unhyphenated(text: str, following: str, words: frozenset[str]) -> str:
    """Return a line without the hyphen at its end, if the document writes its last word so."""
    head, tail = _WORD.findall(text[:-1])[-1], _WORD.match(following)
    if tail is None or not following[0].islower():
        return text[:-1] + "-"
    whole, hyphenated = head + tail.group(), f"{head}-{tail.group()}"
    keeps = hyphenated in words and whole not in words
    return text[:-1] + "-" if keeps else text[:-1]


def _is_east_asian(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def _code(lines: Sequence[tuple[int, Line]]) -> Iterator[Piece]:
    """Yield lines of code, set in as they are on the page."""
    margin = min(line.left for _, line in lines)
    yield Piece("```\n", lines[0][0])
    for page, line in lines:
        spaces = round((line.left - margin) / (0.6 * line.size))
        yield Piece(" " * spaces + line.text.replace(HYPHEN, "-") + "\n", page)
    yield Piece("```\n\n", lines[-1][0])


def _continues_table(before_page: int, before: Item, page: int, item: Grid) -> bool:
    """Say whether a table goes on with one at the end of the page before."""
    return (
        isinstance(before, Grid)
        and page == before_page + 1
        and len(before.rows[0]) == len(item.rows[0])
        and abs(before.left - item.left) < 3
    )


def _goes_on(last: Placed, first: Placed) -> bool:
    return isinstance(first[1], Grid) and _continues_table(last[0], last[1], first[0], first[1])


def _table(group: Sequence[Placed], end: str) -> Iterator[Piece]:
    """Yield the rows of a table, its header once."""
    header: tuple[str, ...] | None = None
    for number, (page, grid) in enumerate(group):
        if not isinstance(grid, Grid):
            continue
        rows = grid.rows
        if header is None:
            header = rows[0]
            lines = table_lines(rows)
        else:
            lines = [row_line(row) for row in (rows[1:] if rows[0] == header else rows)]
        last = number == len(group) - 1
        yield Piece("".join(line + "\n" for line in lines) + ("\n" if last else ""), page)
