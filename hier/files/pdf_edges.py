"""Headers, footers and page numbers of a PDF: the lines that repeat at the edges of its pages.

A line is left out if the same line stands at the same height on three pages or more, or if it holds
a number there that grows as that of the page does, and such lines stand there on most pages, on
most odd or on most even ones, with no other line further out. On a file of two pages the same line
must be set apart from the rest. The number of an invoice on every page is no page number, and
stays; so does a heading that counts as the pages do.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
    """What stands at one height of a page: where, what it says, if it is outermost or set apart."""

    page: int
    indices: tuple[int, ...]
    slot: Slot
    text: str
    key: str
    large: bool
    outermost: bool
    apart: bool


def running_lines(pages: Sequence[Sequence[Line]]) -> set[tuple[int, int]]:
    """Return which lines are headers, footers and page numbers: page and index of each."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size], default=0.0)
    slots: dict[Slot, list[_Seen]] = defaultdict(list)
    for number, page in enumerate(pages):
        for seen in _edges(number, page, body):
            slots[seen.slot].append(seen)
    kept: dict[tuple[int, bool], list[_Seen]] = defaultdict(list)
    for (top, _), lines in slots.items():
        found = [*_repeated(lines, len(pages)), *_numbering(lines, len(pages))]
        if _fills({line.page for line in found}, len(pages)):
            for seen in found:
                kept[seen.page, top].append(seen)
    return {
        (page, index)
        for (page, top), lines in kept.items()
        for index in _outer(pages[page], {index for line in lines for index in line.indices}, top)
    }


def _outer(page: Sequence[Line], found: set[int], top: bool) -> Iterator[int]:
    """Yield those of some lines of a page that have no other line further out."""
    order = sorted(range(len(page)), key=lambda index: page[index].y, reverse=not top)
    for place, index in enumerate(order):
        if index in found:
            yield index
        # A header may stand beside what is none.
        elif place + 1 < len(order) and abs(page[order[place + 1]].y - page[index].y) > _BUCKET:
            return


def _edges(number: int, page: Sequence[Line], body: float) -> list[_Seen]:
    """Return the lines at the two edges of a page."""
    heights = sorted({round(line.y / _BUCKET) for line in page})
    upper = heights[: len(heights) // 2] or heights
    tops, bottoms = set(upper[:_EDGE]), set(heights[len(upper) :][-_EDGE:])
    outer = {heights[0], heights[-1]} if heights else set()
    apart = (
        {
            end
            for end, inner in (heights[:2], heights[:-3:-1])
            if abs(inner - end) * _BUCKET > _APART
        }
        if len(heights) > 1
        else set()
    )
    by_height: dict[int, list[int]] = defaultdict(list)
    for index, line in enumerate(page):
        by_height[round(line.y / _BUCKET)].append(index)
    found = []
    for height in tops | bottoms:
        # What stands at both sides of a page may be one line or two.
        indices = sorted(by_height[height], key=lambda index: page[index].left)
        text = " ".join(page[index].text for index in indices).lower()
        large = any(page[i].size > 1.05 * body or page[i].bold for i in indices)
        slot = (height in tops, height)
        key = _DIGITS.sub("0", text)
        ends = (height in outer, height in apart)
        found.append(_Seen(number, tuple(indices), slot, text, key, large, *ends))
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
    """Return the lines of one height that hold a number which grows as that of the page does.

    They hold nothing else, or they are the outermost, no larger than the text, and say the same but
    for their numbers on two pages or more, as the name of a chapter does.
    """
    keys = Counter(line.key for line in lines)
    offsets: dict[int, list[_Seen]] = defaultdict(list)
    for line in lines:
        alone = _NUMBER_ONLY.fullmatch(line.text) is not None
        if alone or (line.outermost and not line.large and keys[line.key] > 1):
            for offset in {int(n) - line.page for n in _DIGITS.findall(line.text)}:
                offsets[offset].append(line)
    growing = max(offsets.values(), key=len, default=[])
    few = n_pages == 2 and all(_NUMBER_ONLY.fullmatch(line.text) for line in growing)
    kept = growing if len(growing) >= (2 if few else 3) else []
    romans = [line for line in lines if _ROMAN.fullmatch(line.text)]
    return [*kept, *(romans if len(romans) + len(kept) >= 3 else [])]


def _fills(pages: set[int], n_pages: int) -> bool:
    """Say whether pages are most pages, or most of the odd or of the even ones."""
    for step, first in ((1, 0), (2, 0), (2, 1)):
        of = range(first, n_pages, step)
        if len(of) >= 2 and 2 * sum(page in pages for page in of) >= len(of):
            return True
    return False
