"""Citations: what a model is shown carries numbers, and the numbers in an answer are looked up.

A piece is at most a passage, so that a number points at few words. Numbers run on over all that one
conversation shows. Where the text has numbers in brackets of its own, such as ``[7]``, ours have a
letter before them, ``[s7]``: what an answer repeats of the text is then no citation.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hier.context import Context, Segment
from hier.document import Span
from hier.tree import Tree

_LETTERS = "spqabcdefghijklmnortuvwxyz"
_QUOTE = re.compile(r"[\"“]([^\"“”\n]{4,})[\"”][\s.,;:]*$")
_MOST = 100  # numbers that one range in an answer stands for


@dataclass(frozen=True)
class Citation:
    """A piece of the text that an answer cites.

    Attributes:
        number: the number it was shown with.
        label: the number as it is shown and cited, such as ``"[3]"``.
        start: first character in the source.
        end: character behind the last.
        text: what was shown; of a verbatim piece exactly ``source[start:end]``.
        document: name of the document; may be empty.
        node_id: the node that its segment lies in.
        kind: ``"verbatim"`` or ``"summary"``.
        sources: for a summary, the spans it was made from.
        quoted: words in quotation marks before the citation do occur in the piece (True), or do not
            (False); None where nothing is quoted.
        place: where in its file it stands: ``"page 3"``, ``"lines 10-12"``.
    """

    number: int
    label: str
    start: int
    end: int
    text: str
    document: str
    node_id: int
    kind: str
    sources: tuple[Span, ...] = ()
    quoted: bool | None = None
    place: str = ""


@dataclass(frozen=True)
class Numbering:
    """How the pieces of one tree are numbered and found again.

    Attributes:
        tree: the text.
        letter: stands before each number.
    """

    tree: Tree
    letter: str = ""

    @classmethod
    def of(cls, tree: Tree) -> "Numbering":
        """Return a numbering that the text itself cannot be taken for."""
        texts = (tree.source, *tree.summary_texts.values())
        for letter in ("", *_LETTERS):
            own = re.compile(rf"\[\s*{letter}\d")
            if not any(own.search(text) for text in texts):
                return cls(tree, letter)
        return cls(tree, _LETTERS[0])

    def label(self, number: int) -> str:
        """Return a number as it is shown and cited."""
        return f"[{self.letter}{number}]"

    def pieces(self, context: Context, first: int) -> tuple[Citation, ...]:
        """Return what a context shows, cut into passages and numbered from ``first``."""
        cut = [piece for segment in context.segments for piece in self._cut(segment)]
        document = self.tree.document
        return tuple(
            Citation(
                number,
                self.label(number),
                start,
                end,
                text,
                document.name,
                segment.node_id,
                segment.kind,
                segment.sources,
                place=document.place(start, end),
            )
            for number, (segment, start, end, text) in enumerate(cut, first)
        )

    def write(self, pieces: Sequence[Citation]) -> str:
        """Return pieces as a text: a piece a paragraph behind its number, headings between them.

        Above rows of a table stands their header row.
        """
        layout, shown, lines, behind = self.tree.layout(), set[int](), [], -1
        for piece in pieces:
            places = [piece.start, max(piece.start, piece.end - 1)]
            first, last = (np.searchsorted(self.tree.leaf_start, places, "right") - 1).tolist()
            fresh = layout.fresh(int(self.tree.index.path_of[first]), shown)
            lines.append(layout.crumb(fresh, piece.text).rstrip("\n"))
            shown.update(fresh)
            if piece.kind != "summary":
                lines.append(layout.head(first, behind).rstrip("\n"))
            behind = last if piece.kind != "summary" else -1
            about = "(summary) " if piece.kind == "summary" else ""
            lines.append(f"{piece.label} {about}{piece.text}")
        return "\n".join(line for line in lines if line)

    def find(
        self, answer: str, shown: Iterable[Citation]
    ) -> tuple[tuple[Citation, ...], tuple[str, ...]]:
        """Look up what an answer cites.

        Returns:
            The pieces cited, by number, each once; and the labels that name no piece, in the order
            in which they stand.
        """
        known = {piece.number: piece for piece in shown}
        found: dict[int, bool | None] = {}
        unknown: dict[str, None] = {}
        for quote, label, number in self._labels(answer):
            if number not in known:
                unknown[label] = None
                continue
            quoted = None if quote is None else _plain(quote) in _plain(known[number].text)
            before = found.get(number)
            found[number] = before if quoted is None else quoted and before is not False
        cited = tuple(replace(known[number], quoted=found[number]) for number in sorted(found))
        return cited, tuple(unknown)

    def bare(self, answer: str) -> str:
        """Return an answer without its citations."""
        return self._pattern.sub("", answer)

    @property
    def _pattern(self) -> re.Pattern[str]:
        one = r"[A-Za-z]?\d{1,12}"
        return re.compile(rf"\[\s*({one}(?:\s*[,;–-]\s*{one})*)\s*\]")

    def _labels(self, answer: str) -> Iterator[tuple[str | None, str, int | None]]:
        """Yield each number cited, its label, and the words quoted right before it.

        The number is None where the letter is not ours.
        """
        quote, behind = None, 0
        for found in self._pattern.finditer(answer):
            before = answer[behind : found.start()]
            if before.strip(" ,;"):  # of [1][2], both are cited for the same words
                quoted = _QUOTE.search(before)
                quote = quoted[1] if quoted else None
            behind = found.end()
            for part in re.split(r"\s*[,;]\s*", found[1].strip()):
                for label in _range(part):
                    ours = re.fullmatch(rf"{self.letter}(\d+)", label)
                    yield quote, f"[{label}]", int(ours[1]) if ours else None

    def _cut(self, segment: Segment) -> Iterator[tuple[Segment, int, int, str]]:
        """Yield a segment's pieces; verbatim ones end where a passage does."""
        if segment.kind == "summary":
            yield segment, segment.start, segment.end, segment.text
            return
        level = self.tree.levels[min(1, len(self.tree.levels) - 1)]
        starts = self.tree.leaf_start[level.first_leaf]
        low, high = np.searchsorted(starts, [segment.start, segment.end], "right")
        edges = [segment.start, *starts[low:high].tolist(), segment.end]
        for start, end in pairwise(edges):
            text = self.tree.source[start:end]
            if not text.strip():
                continue
            start += len(text) - len(text.lstrip())
            text = text.strip()
            yield segment, start, start + len(text), text


def _range(part: str) -> Iterator[str]:
    """Yield the labels of ``3-5``: 3, 4 and 5; of one that is not a range, itself."""
    ends = re.fullmatch(r"([A-Za-z]?)(\d+)\s*[–-]\s*([A-Za-z]?)(\d+)", part)
    if not ends:
        yield part
    elif not 0 <= int(ends[4]) - int(ends[2]) < _MOST:
        yield from (ends[1] + ends[2], (ends[3] or ends[1]) + ends[4])
    else:
        for number in range(int(ends[2]), int(ends[4]) + 1):
            yield f"{ends[1]}{number}"


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,;:")
