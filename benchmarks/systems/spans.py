"""Where in a source the strings stand that a package returned without their offsets.

White space is the one thing that may differ: packages strip it, and join lines with a space. All
else is exact. In the peer's favour, what does not stand in the source as a whole is looked for
line by line, then sentence by sentence, so that one altered line costs no more than itself.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from systems.base import Span

_BLANK = re.compile(r"\s+")
_LINE = re.compile(r"[\r\n]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
# A shorter piece of a string that does not stand in the source as a whole may stand anywhere.
_SHORTEST_PIECE = 12


class Finder:
    """A source to search, its white space folded once.

    Args:
        source: the text that parts were taken from.
    """

    def __init__(self, source: str) -> None:
        """Fold every run of white space into one space."""
        self._folded = _BLANK.sub(" ", source)
        # Where folded and source offsets begin to differ by one amount more.
        self._from_folded, self._from_source, removed = [0], [0], 0
        for run in _BLANK.finditer(source):
            if run.end() - run.start() > 1:
                removed += run.end() - run.start() - 1
                self._from_folded.append(run.end() - removed)
                self._from_source.append(run.end())

    def find(self, part: str, after: int = 0) -> Span | None:
        """Return where a part first stands at or after an offset; None if it does not.

        Args:
            part: the words to find; white space at either end does not count.
            after: the source character to begin at.
        """
        needle = " ".join(part.split())
        if not needle:
            return None
        start = self._folded.find(needle, self._to_folded(after))
        if start < 0:
            return None
        return self._to_source(start), self._to_source(start + len(needle) - 1) + 1

    def _to_source(self, offset: int) -> int:
        known = bisect_right(self._from_folded, offset) - 1
        return self._from_source[known] + offset - self._from_folded[known]

    def _to_folded(self, offset: int) -> int:
        known = bisect_right(self._from_source, offset) - 1
        folded = self._from_folded[known] + offset - self._from_source[known]
        # Inside a run of white space the next run's difference does not hold yet.
        following = self._from_folded[known + 1 : known + 2]
        return min([folded, *following])


def locate(source: str, parts: Sequence[str]) -> tuple[Span, ...]:
    """Return where parts stand in a source, in the order of the parts.

    A part is looked for after the end of the one before, then from the beginning: of a sentence
    that stands twice the second is found by its place. Time is linear in the source, the parts and
    what is searched in vain.

    Args:
        source: the text that parts were taken from.
        parts: what a package returned of it.

    Returns:
        Spans that hold the parts word for word, white space aside. A part, or a piece of one, that
        does not stand in the source has none.
    """
    finder, found, after = Finder(source), [], 0
    for part in parts:
        for span in _spans(finder, part, after):
            found.append(span)
            after = span[1]
    return tuple(found)


def _spans(finder: Finder, part: str, after: int) -> Iterator[Span]:
    if span := _anywhere(finder, part, after):
        yield span
        return
    for line in _LINE.split(part):
        pieces = [line] if _anywhere(finder, line, after) else _SENTENCE.split(line)
        for piece in pieces:
            if len(piece.strip()) >= _SHORTEST_PIECE and (span := _anywhere(finder, piece, after)):
                yield span
                after = span[1]


def _anywhere(finder: Finder, part: str, after: int) -> Span | None:
    return finder.find(part, after) or (finder.find(part) if after else None)
