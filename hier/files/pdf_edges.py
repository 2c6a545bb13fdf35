"""Headers, footers and page numbers of a PDF: the lines that repeat at the edges of its pages.

A line is left out if the same line stands at the same height on three pages or more, and such lines
stand there on most pages, on most odd or on most even ones; of two pages, if it is the outermost
and set apart from the rest. Digits may differ only as the numbers
of the pages do: the number of an invoice on every page is no page number, and stays.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hier.files.pdf_lines import Line

_EDGE = 3  # baselines at each edge that may be a header or a footer
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxlc]{1,7}")
_NUMBER_ONLY = re.compile(r"\W*(?:page|p\.|seite|[a-z])?\W*0(?:\W+(?:of|/|von)?\W*0)?\W*")
_APART = 20.0  # points between a header and the text, on a file of two pages
_BUCKET = 2.0  # points: two lines of one height may differ by less

Slot = tuple[bool, int]  # at the top, height


@dataclass(frozen=True)
class _Seen:
    page: int
    index: int
    slot: Slot
    key: str
    text: str
    apart: bool


def running_lines(pages: Sequence[Sequence[Line]]) -> set[tuple[int, int]]:
    """Return which lines are headers, footers and page numbers: page and index of each."""
    seen = [line for number, page in enumerate(pages) for line in _edges(number, page)]
    groups: dict[tuple[Slot, str], list[_Seen]] = defaultdict(list)
    for line in seen:
        groups[line.slot, line.key].append(line)
    repeated: dict[Slot, list[_Seen]] = defaultdict(list)
    for (slot, key), lines in groups.items():
        if _repeats(lines, key, len(pages)):
            repeated[slot].extend(lines)
    return {
        (line.page, line.index)
        for lines in repeated.values()
        if _fills({line.page for line in lines}, len(pages))
        for line in lines
    }


def _edges(number: int, page: Sequence[Line]) -> list[_Seen]:
    """Return the lines at the two edges of a page."""
    heights = sorted({round(line.y / _BUCKET) for line in page})
    tops, bottoms = set(heights[:_EDGE]), set(heights[-_EDGE:])
    outer = (
        {
            end
            for end, inner in (heights[:2], heights[:-3:-1])
            if abs(inner - end) * _BUCKET > _APART
        }
        if len(heights) > 1
        else set()
    )
    found = []
    for index, line in enumerate(page):
        height = round(line.y / _BUCKET)
        if height in tops or height in bottoms:
            text = line.text.lower()
            key = "0" if _ROMAN.fullmatch(text) else _DIGITS.sub("0", text)
            found.append(_Seen(number, index, (height in tops, height), key, text, height in outer))
    return found


def _repeats(lines: Sequence[_Seen], key: str, n_pages: int) -> bool:
    """Say whether lines that are one but for their digits are the same, or number pages."""
    number_only = _NUMBER_ONLY.fullmatch(key) is not None
    few = n_pages == 2 and (number_only or all(line.apart for line in lines))
    if len({line.page for line in lines}) < (2 if few else 3):
        return False
    if len({line.text for line in lines}) == 1:
        return True
    numbers = [list(map(int, _DIGITS.findall(line.text[:200]))) for line in lines]
    if number_only and not all(numbers):  # roman
        return True
    for column in zip(*numbers, strict=True):
        offsets = Counter(n - line.page for n, line in zip(column, lines, strict=True))
        if 5 * offsets.most_common(1)[0][1] >= 4 * len(lines):
            return True
    return False


def _fills(pages: set[int], n_pages: int) -> bool:
    """Say whether pages are most pages, or most of the odd or of the even ones."""
    for step, first in ((1, 0), (2, 0), (2, 1)):
        of = range(first, n_pages, step)
        if len(of) >= 2 and 2 * sum(page in pages for page in of) >= len(of):
            return True
    return False
