"""Rendering: chosen leaves as one text, in document order, with headings and gap marks.

The same rules price a choice before it is made and write it out afterwards: neighbours join without
a mark, the first piece under a heading pays for showing it in a breadcrumb, a piece that stands
apart pays for a gap mark. A heading is shown once, and not at all where the text says it.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.structure import Paths

GAP_WITHIN = " … "  # between sentences of one paragraph
GAP_BETWEEN = "\n…\n"
PLAIN_GAP = "\n"
CRUMB_CHARACTERS = 80  # of each heading in a breadcrumb
CRUMB_DEPTH = 3  # innermost headings shown


@dataclass(frozen=True)
class Summary:
    """A summary that may be shown: its place is before its first leaf."""

    node_id: int
    level: int
    first_leaf: int
    end_leaf: int
    text: str


def nested(one: Summary, other: Summary) -> bool:
    """Say whether two summaries share leaves: nodes of a tree then lie one in the other."""
    return one.first_leaf < other.end_leaf and other.first_leaf < one.end_leaf


@dataclass(frozen=True)
class Piece:
    """A rendered run of neighbouring leaves, or a summary.

    Attributes:
        before: what separates it from the piece before, breadcrumb included.
        start: first character in the source.
        end: character behind the last.
        first_leaf: first leaf of the run.
        end_leaf: leaf behind the run.
        summary: the summary shown instead of the leaves, or None.
    """

    before: str
    start: int
    end: int
    first_leaf: int
    end_leaf: int
    summary: Summary | None = None


@dataclass(frozen=True)
class Layout:
    """A text's leaves and headings, and how to show them.

    Attributes:
        text: the source.
        leaf_start: int64 (leaves,).
        block: the block of each leaf, int32 (leaves,).
        path_of: heading path of each leaf, int32 (leaves,).
        opens: path that a heading's leaf opens, -1 for others, int32 (leaves,).
        paths: the leaves of each path's headings.
        headings: show breadcrumbs.
        gaps: show gap marks.
    """

    text: str
    leaf_start: np.ndarray
    block: np.ndarray
    path_of: np.ndarray
    opens: np.ndarray
    paths: Paths
    headings: bool = True
    gaps: bool = True

    @cached_property
    def _titles(self) -> dict[int, str]:
        return {}

    @cached_property
    def crumb_tokens(self) -> dict[str, int]:
        """Tokens of the breadcrumbs counted so far."""
        return {}

    def leaf_span(self, leaf: int) -> tuple[int, int]:
        """Return where a leaf starts and ends."""
        last = leaf + 1 == len(self.leaf_start)
        end = len(self.text) if last else int(self.leaf_start[leaf + 1])
        return int(self.leaf_start[leaf]), end

    def fresh(self, path: int, shown: Container[int] = ()) -> list[int]:
        """Return the headings of a path that are to be shown, outermost first.

        They are the innermost ones; none of them, nor any above, is shown already.
        """
        headings = self.paths[path] if self.headings else []
        known = [place for place, heading in enumerate(headings, 1) if heading in shown]
        return headings[max([0, len(headings) - CRUMB_DEPTH, *known]) :]

    def crumb(self, headings: Sequence[int], said: str = "") -> str:
        """Return the breadcrumb line of some headings; empty for none.

        Args:
            headings: their leaves, outermost first.
            said: the text that the line stands above: a heading that it repeats is left out.
        """
        titles = [self.title(heading) for heading in headings]
        line = " > ".join(title for title in titles if title and title not in said)
        return f"# {line}\n" if line else ""

    def title(self, leaf: int) -> str:
        """Return a heading's leaf as one short line, without its markup."""
        if leaf not in self._titles:
            self._titles[leaf] = self._read_title(leaf)
        return self._titles[leaf]

    def _read_title(self, leaf: int) -> str:
        start, end = self.leaf_span(leaf)
        lines = [line.strip() for line in self.text[start:end].splitlines()]
        words = [line.strip("#").strip() for line in lines if line.strip("=-~^\"'*+#_. ")]
        title = " ".join(" ".join(words).split())
        return title if len(title) <= CRUMB_CHARACTERS else title[: CRUMB_CHARACTERS - 1] + "…"

    def pieces(self, leaves: Iterable[int], summaries: Iterable[Summary] = ()) -> list[Piece]:
        """Return what to show, in document order."""
        runs: list[tuple[int, int, Summary | None]] = [
            (summary.first_leaf, summary.first_leaf, summary) for summary in summaries
        ]
        start = end = -1
        for leaf in sorted(leaves):
            if leaf == end:
                end += 1
                continue
            if end > start:
                runs.append((start, end, None))
            start, end = leaf, leaf + 1
        if end > start:
            runs.append((start, end, None))
        runs.sort(key=lambda run: (run[0], run[2] is None, run[1]))
        return self._separate(runs)

    def _separate(self, runs: list[tuple[int, int, Summary | None]]) -> list[Piece]:
        pieces: list[Piece] = []
        shown: set[int] = set()  # headings in force
        behind = -1  # leaf that the text so far ends with
        for first, end, summary in runs:
            headings = self.fresh(int(self.path_of[first]), shown)
            if summary is not None:
                said = summary.text
                span = (self.leaf_span(first)[0], self.leaf_span(summary.end_leaf - 1)[1])
            else:
                span = self._run_span(first, end)
                said = self.text[slice(*self.leaf_span(first))]
            crumb = self.crumb(headings, said)
            before = self._mark(behind, first, bool(crumb), summary) if pieces else ""
            shown.update(headings)
            shown.update((first + np.flatnonzero(self.opens[first:end] >= 0)).tolist())
            behind = -2 if summary is not None else end
            pieces.append(Piece(before + crumb, *span, first, end, summary))
        return pieces

    def _run_span(self, first: int, end: int) -> tuple[int, int]:
        start, stop = self.leaf_span(first)[0], self.leaf_span(end - 1)[1]
        while stop > start and self.text[stop - 1].isspace():
            stop -= 1
        return start, max(stop, start + 1)

    def _mark(self, behind: int, first: int, crumb: bool, summary: Summary | None) -> str:
        """Return what separates a piece from the one before it."""
        if crumb:
            return "\n\n"
        if summary is not None or behind == -2 or behind == first:
            return "\n"
        if not self.gaps:
            return PLAIN_GAP
        return GAP_WITHIN if self.block[behind - 1] == self.block[first] else GAP_BETWEEN

    def write(self, pieces: Sequence[Piece]) -> str:
        """Return the rendered text."""
        return "".join(
            piece.before
            + (piece.summary.text if piece.summary else self.text[piece.start : piece.end])
            for piece in pieces
        )


@dataclass(frozen=True)
class _Crumb:
    """The headings over a leaf that are not shown yet, their titles, and what these cost."""

    headings: list[int]
    titles: list[str]
    tokens: int


class Pricer:
    """What one more leaf or summary would add to the rendering, in tokens.

    Args:
        layout: how things are shown.
        leaf_tokens: tokens of each leaf on its own, int64 (leaves,).
        count: exact token counts; the same for every pricer of a layout.
    """

    def __init__(
        self, layout: Layout, leaf_tokens: np.ndarray, count: Callable[[str], int]
    ) -> None:
        """Start with nothing shown."""
        self.layout, self.leaf_tokens, self.count = layout, leaf_tokens, count
        self.gap = count(GAP_BETWEEN) if layout.gaps else count(PLAIN_GAP)
        self._shown: set[int] = set()
        self._headed: set[int] = set()  # headings shown, in breadcrumbs or themselves
        self._crumbs: dict[int, _Crumb] = {}  # by heading path

    def leaf(self, leaf: int) -> int:
        """Return the tokens that showing this leaf would add."""
        joined = ((leaf - 1) in self._shown) + ((leaf + 1) in self._shown)
        cost = int(self.leaf_tokens[leaf]) + (1 - joined) * self.gap
        crumb = self._crumb(leaf)
        if crumb.titles:
            cost += self._price(crumb, self.layout.text[slice(*self.layout.leaf_span(leaf))])
        return max(1, cost)

    def summary(self, summary: Summary, tokens: int) -> int:
        """Return the tokens that showing this summary would add."""
        return tokens + self.gap + self._price(self._crumb(summary.first_leaf), summary.text)

    def show(self, leaf: int) -> list[int]:
        """Note that a leaf is shown; returns the headings shown with it for the first time."""
        self._shown.add(leaf)
        if self.layout.opens[leaf] >= 0:
            self._headed.add(leaf)
            self._crumbs.clear()
        return self.open(leaf)

    def open(self, leaf: int) -> list[int]:
        """Note that the headings over a leaf are shown; returns those that were not before."""
        fresh = self._crumb(leaf).headings
        if fresh:
            self._headed.update(fresh)
            self._crumbs.clear()
        return fresh

    def _crumb(self, leaf: int) -> _Crumb:
        path = int(self.layout.path_of[leaf])
        if path not in self._crumbs:
            headings = self.layout.fresh(path, self._headed)
            titles = [title for title in map(self.layout.title, headings) if title]
            self._crumbs[path] = _Crumb(headings, titles, self._count(self.layout.crumb(headings)))
        return self._crumbs[path]

    def _price(self, crumb: _Crumb, said: str) -> int:
        if not any(title in said for title in crumb.titles):
            return crumb.tokens
        return self._count(self.layout.crumb(crumb.headings, said))

    def _count(self, crumb: str) -> int:
        if not crumb:
            return 0
        known = self.layout.crumb_tokens
        if crumb not in known:
            known[crumb] = self.count(crumb)
        return known[crumb]
