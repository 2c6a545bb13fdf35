"""Places: the pages, slides, rows or lines of a file that each part of its text was read from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Where in its file each part of a text stands.

    Attributes:
        kind: what they are, in the singular: ``"page"``, ``"slide"``, ``"row"``, ``"line"``.
        start: first character of each, int64 (places,), ascending from 0.
        number: the number of each as people count them, from 1, int32 (places,).
        part: which of ``parts`` each is in, int32 (places,).
        parts: what holds them, such as ``"sheet Prices"``; one empty name where nothing does.
    """

    kind: str
    start: np.ndarray
    number: np.ndarray
    part: np.ndarray
    parts: tuple[str, ...] = ("",)

    @classmethod
    def counted(cls, kind: str, start: np.ndarray) -> "Places":
        """Return places that are numbered from 1 through a file without parts."""
        n = len(start)
        return cls(kind, start, np.arange(1, n + 1, dtype=np.int32), np.zeros(n, np.int32))

    def describe(self, start: int, end: int) -> str:
        """Say where some characters stand: ``"page 3"``, ``"sheet Prices, rows 2-5"``."""
        first, last = (self.start.searchsorted((start, max(start, end - 1)), "right") - 1).tolist()
        part, low = self._name(first)
        other, high = (part, low) if last == first else self._name(last)
        if part != other:
            return f"{self._where(part, low, low)} to {self._where(other, high, high)}"
        return self._where(part, low, high)

    def _name(self, place: int) -> tuple[str, int]:
        return self.parts[int(self.part[place])], int(self.number[place])

    def _where(self, part: str, low: int, high: int) -> str:
        numbers = f"{self.kind} {low}" if low == high else f"{self.kind}s {low}-{high}"
        return f"{part}, {numbers}" if part else numbers


def lines_of(text: str) -> Places:
    """Return the lines of a text, as an editor counts them."""
    if not text.isascii():
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    else:
        codes = np.frombuffer(text.encode("ascii"), np.uint8)
    ends = np.flatnonzero(codes == ord("\n")) + 1
    return Places.counted("line", np.append(0, ends[ends < len(text)]))
