"""Headers, footers and page numbers of a PDF: the lines that repeat at the edges of its pages.

A line is left out if the same line stands at the same height on three pages or more, or if it holds
a number there that grows as that of the page does, and such lines stand there on most pages, on
most odd or on most even ones. (On a file of two pages the same line must be the outermost, and set
apart from the rest.) The number of an invoice on every page is no page number, and stays.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hier.files.pdf_lines import Line

_EDGE = 3  # baselines at each edge that may be a header or a footer
_DIGITS = re.compile(r"\d{1,5}(?!\d)")
_ROMAN = re.compile(r"[ivxlc]{1,7}")
_NUMBER_ONLY = re.compile(r"\W*(?:page|p\.|seite)?\W*\d+(?:\W+(?:of|/|von)?\W*\d+)?\W*")
_APART = 20.0  # points between a header and the text, on a file of two pages
_BUCKET = 2.0  # points: two lines of one height may differ by less

Slot = tuple[bool, int]  # at the top, height


@dataclass(frozen=True)
class _Seen:
    page: int
    index: int
    slot: Slot
    text: str
    apart: bool


def running_lines(pages: Sequence[Sequence[Line]]) -> set[tuple[int, int]]:
    """Return which lines are headers, footers and page numbers: page and index of each."""
    slots: dict[Slot, list[_Seen]] = defaultdict(list)
    for number, page in enumerate(pages):
        for line in _edges(number, page):
            slots[line.slot].append(line)
    found: set[tuple[int, int]] = set()
    for lines in slots.values():
        kept = [*_repeated(lines, len(pages)), *_numbering(lines, len(pages))]
        if _fills({line.page for line in kept}, len(pages)):
            found.update((line.page, line.index) for line in kept)
    return found


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
            found.append(_Seen(number, index, (height in tops, height), text, height in outer))
    return found


def _repeated(lines: Sequence[_Seen], n_pages: int) -> list[_Seen]:
    """Return the lines of one height that are the same on several pages."""
    by_text: dict[str, list[_Seen]] = defaultdict(list)
    for line in lines:
        by_text[line.text].append(line)
    kept = []
    for same in by_text.values():
        few = n_pages == 2 and all(line.apart for line in same)
        if len({line.page for line in same}) >= (2 if few else 3):
            kept.extend(same)
    return kept


def _numbering(lines: Sequence[_Seen], n_pages: int) -> list[_Seen]:
    """Return the lines of one height that hold a number which grows as that of the page does."""
    romans = [line for line in lines if _ROMAN.fullmatch(line.text)]
    offsets: dict[int, list[_Seen]] = defaultdict(list)
    for line in lines:
        for offset in {int(n) - line.page for n in _DIGITS.findall(line.text)}:
            offsets[offset].append(line)
    growing = max(offsets.values(), key=len, default=[])
    alone = n_pages == 2 and all(_NUMBER_ONLY.fullmatch(line.text) for line in growing)
    kept = growing if len(growing) >= (2 if alone else 3) else []
    return [*kept, *(romans if len(romans) + len(kept) >= 3 else [])]


def _fills(pages: set[int], n_pages: int) -> bool:
    """Say whether pages are most pages, or most of the odd or of the even ones."""
    for step, first in ((1, 0), (2, 0), (2, 1)):
        of = range(first, n_pages, step)
        if len(of) >= 2 and 2 * sum(page in pages for page in of) >= len(of):
            return True
    return False
