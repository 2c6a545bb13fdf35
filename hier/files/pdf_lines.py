"""Lines of a PDF page: their words, where they stand and how they are set.

PDFium gives the words in the order in which they were drawn, which is the order of reading in all
but few files, and breaks them where the baseline changes. To ask where every character stands would
cost many times what the words do, so a line is asked about its ends and its middle only.
"""

import ctypes
import re
from dataclasses import dataclass
from typing import Any

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xa0": " "}
)
HYPHEN = "\x02"  # what PDFium writes for a hyphen at the end of a line
_CONTROL = re.compile(r"[\x00\x01\x03-\x08\x0b-\x1f\x7f\ufffe\uffff\ufeff]")
_PROSE_WIDTH = 0.55  # of a letter's size: few fonts are wider where no gap is in the line
_FIXED_NAME = re.compile(rb"courier|mono|consol|menlo|typewriter|cmtt|lmtt|cmsltt")
_FIXED, _BOLD = 1, 1 << 18  # flags of a font: PDF 32000-1, table 123


@dataclass(frozen=True)
class Line:
    """A line of words, in points from the upper left corner of the page as it is shown.

    Attributes:
        text: its words, one space between.
        left: where it begins.
        right: where it ends.
        y: its baseline, from the top.
        size: the size of its letters.
        bold: all of it is set in bold.
        fixed: it is set in letters of one width, as code is.
        cells: its parts that stand far apart: left, right and text; none if it is one piece.
    """

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool = False
    fixed: bool = False
    cells: tuple[tuple[float, float, str], ...] = ()


class PageText:
    """The characters of a page, as PDFium counts them, and where they are shown.

    Args:
        raw: ``pypdfium2.raw``, the functions of PDFium.
        page: a page of ``pypdfium2``.
        text: its text page.
    """

    def __init__(self, raw: Any, page: Any, text: Any) -> None:
        self.raw, self.text = raw, text
        self.left, self.bottom, self.right, self.top = page.get_mediabox()
        self.turned = page.get_rotation() // 90
        self.height = self.right - self.left if self.turned % 2 else self.top - self.bottom
        self._numbers = [ctypes.c_double() for _ in range(4)]
        self._name = ctypes.create_string_buffer(128)

    def shown(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the page is shown."""
        if self.turned == 1:
            return y - self.bottom, x - self.left
        if self.turned == 2:
            return self.right - x, y - self.bottom
        if self.turned == 3:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def origin(self, index: int) -> tuple[float, float]:
        """Return where a character stands on its baseline."""
        x, y, *_ = self._numbers
        self.raw.FPDFText_GetCharOrigin(self.text, index, x, y)
        return self.shown(x.value, y.value)

    def sides(self, index: int) -> tuple[float, float]:
        """Return the left and the right side of a character."""
        left, right, bottom, top = self._numbers
        self.raw.FPDFText_GetCharBox(self.text, index, left, right, bottom, top)
        one = self.shown(left.value, bottom.value)[0]
        other = self.shown(right.value, top.value)[0]
        return min(one, other), max(one, other)

    def bounds(self, thing: Any) -> tuple[float, float, float, float]:
        """Return the box around a thing on the page, not turned; zeros if it has none."""
        numbers = [ctypes.c_float() for _ in range(4)]
        self.raw.FPDFPageObj_GetBounds(thing.raw, *numbers)
        left, bottom, right, top = (number.value for number in numbers)
        return left, bottom, right, top

    def size(self, index: int) -> float:
        """Return the size of a character as it is shown, in points."""
        matrix = self.raw.FS_MATRIX()
        self.raw.FPDFText_GetMatrix(self.text, index, matrix)
        scale = float((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0
        return scale * float(self.raw.FPDFText_GetFontSize(self.text, index))

    def style(self, index: int) -> tuple[bool, bool]:
        """Say whether a character is bold, and whether its font is of one width."""
        flags = ctypes.c_int()
        length = self.raw.FPDFText_GetFontInfo(self.text, index, self._name, 128, flags)
        name = self._name.value.lower() if 0 < length <= 128 else b""
        bold = bool(flags.value & _BOLD) or b"bold" in name or b"black" in name
        return bold, bool(flags.value & _FIXED) or _FIXED_NAME.search(name) is not None


def read_lines(page: PageText) -> list[Line]:
    """Return the lines of a page in the order in which they were drawn."""
    n = page.raw.FPDFText_CountChars(page.text)
    buffer = (ctypes.c_ushort * (2 * n + 1))()
    written = page.raw.FPDFText_GetText(page.text, 0, n, buffer) if n > 0 else 0
    units = bytes(buffer)[: 2 * max(0, written - 1)]
    text = units.decode("utf-16-le", "replace")
    wide = 2 * len(text) != len(units)  # some characters take two units
    found, index = [], 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if bare:
            before = len(line) - len(line.lstrip())
            length = len(bare.encode("utf-16-le")) // 2 if wide else len(bare)
            found.append(_line(page, index + before, bare, length))
        index += len(line.encode("utf-16-le")) // 2 if wide else len(line)
    return _with_cells(page, found)


def _line(page: PageText, at: int, bare: str, length: int) -> tuple[int, Line]:
    """Return a line and where its characters begin; the index of each is the place in the text."""
    first = page.raw.FPDFText_GetCharIndexFromTextIndex(page.text, at)
    last = page.raw.FPDFText_GetCharIndexFromTextIndex(page.text, at + length - 1)
    first, last = (first, last) if last >= first >= 0 else (0, 0)
    middle = first + _letter(bare, last - first)
    x, y = page.origin(first)
    bold, fixed = page.style(first)
    for index in (middle, last) if bold or fixed else ():
        also_bold, also_fixed = page.style(index)
        bold, fixed = bold and also_bold, fixed and also_fixed
    right = max(x, page.sides(last)[1])
    return first, Line(bare, x, right, y, page.size(middle), bold, fixed)


def _letter(bare: str, length: int) -> int:
    """Return a place near the middle of a line that has a letter: a space may have no size."""
    middle = min(length, len(bare)) // 2
    return middle if not bare[middle].isspace() else middle + 1


def _with_cells(page: PageText, found: list[tuple[int, Line]]) -> list[Line]:
    """Look for wide gaps in the lines that are wider than their letters, as those of tables are."""
    lines = []
    for first, line in found:
        cells: tuple[tuple[float, float, str], ...] = ()
        wide = line.right - line.left > _PROSE_WIDTH * len(line.text) * line.size
        if wide and " " in line.text and not line.fixed:
            cells = _cells(page, first, line)
        lines.append(
            Line(
                _clean(line.text),
                *(line.left, line.right, line.y, line.size, line.bold, line.fixed),
                cells if len(cells) > 1 else (),
            )
        )
    return [line for line in lines if line.text]


def _cells(page: PageText, first: int, line: Line) -> tuple[tuple[float, float, str], ...]:
    """Split a line where the gap is wider than its letters are high: no justified line has such."""
    cells, begin, left = [], 0, line.left
    for match in re.finditer(r"\s+", line.text):
        before = page.sides(first + match.start() - 1)[1]
        behind = page.sides(first + match.end())[0]
        if behind - before > line.size:
            cells.append((left, before, _clean(line.text[begin : match.start()])))
            begin, left = match.end(), behind
    cells.append((left, line.right, _clean(line.text[begin:])))
    return tuple(cells)


def _clean(text: str) -> str:
    """Return words without ligatures and control characters, one space between them."""
    if not text.isascii():
        text = text.translate(_LIGATURES)
    return " ".join(_CONTROL.sub("", text).split())
