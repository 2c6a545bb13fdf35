"""Rendering: chosen leaves as one text, in document order, with headings and gap marks.

Neighbours join without a mark, a piece that stands apart has a gap mark before it, and the first
piece under a heading a breadcrumb that shows it. A heading is shown once, and not at all where the
text says it. Above the first of a table's rows its header row is shown, word for word, whatever
else is left out. What that costs is planned with by `candidates.py`.
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
        before: what separates it from the piece before, breadcrumb and header row included.
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
        opens: path that a heading's leaf or a header row opens, -1 for others, int32 (leaves,).
        paths: the leaves of each path's headings.
        count: exact token counts.
        headings: show breadcrumbs; header rows are shown all the same.
        gaps: show gap marks.
        titled: the first heading of each path is a document's title: always shown.
    """

    text: str
    leaf_start: np.ndarray
    block: np.ndarray
    path_of: np.ndarray
    opens: np.ndarray
    paths: Paths
    count: Callable[[str], int]
    headings: bool = True
    gaps: bool = True
    titled: bool = False

    @cached_property
    def _titles(self) -> dict[int, str]:
        return {}

    @cached_property
    def _heading_tokens(self) -> dict[int, int]:
        return {}

    @cached_property
    def mark_tokens(self) -> int:
        """What separating two pieces adds to their tokens."""
        return max(0, self._added(GAP_BETWEEN if self.gaps else PLAIN_GAP))

    def heading_tokens(self, headings: Iterable[int]) -> np.ndarray:
        """Return what each heading or header row adds to the mark before the piece under it, int64.

        Args:
            headings: their leaves.
        """
        known = self._heading_tokens
        tokens = []
        for heading in headings:
            if heading not in known:
                table = heading in self.header_rows
                line = self._header_line(heading) if table else self.crumb([heading])
                added = self._added(f"\n\n{line}")
                known[heading] = max(1, added - self.mark_tokens)
            tokens.append(known[heading])
        return np.array(tokens, np.int64)

    def _added(self, between: str) -> int:
        return self.count(f"One.{between}Two") - self._alone

    @cached_property
    def _alone(self) -> int:
        return self.count("One.") + self.count("Two")

    def leaf_span(self, leaf: int) -> tuple[int, int]:
        """Return where a leaf starts and ends."""
        last = leaf + 1 == len(self.leaf_start)
        end = len(self.text) if last else int(self.leaf_start[leaf + 1])
        return int(self.leaf_start[leaf]), end

    @cached_property
    def header_rows(self) -> frozenset[int]:
        """The leaves that are header rows: what stands under them is of their own block."""
        opening = np.flatnonzero(self.opens[:-1] >= 0)
        inside = self.path_of[opening + 1] == self.opens[opening]
        same = self.block[opening + 1] == self.block[opening]
        return frozenset(opening[inside & same].tolist())

    def above(self, path: int) -> list[int]:
        """Return the headings of a path, outermost first; a header row is none."""
        headings = self.paths[path]
        return headings[:-1] if headings and headings[-1] in self.header_rows else headings

    def header(self, path: int) -> int:
        """Return the header row that a path ends with; -1 for none."""
        last = self.paths[path][-1:]
        return last[0] if last and last[0] in self.header_rows else -1

    def head(self, first: int, behind: int = -1) -> str:
        """Return the header row that is to be shown above a piece, as lines; empty for none.

        Args:
            first: the leaf that the piece begins with.
            behind: the leaf that what is shown before it ends with: a row of the same table needs
                no other header row. Negative for none.
        """
        header = self.header(int(self.path_of[first]))
        if header < 0 or header == behind:
            return ""
        if behind >= 0 and header == self.header(int(self.path_of[behind])):
            return ""
        return self._header_line(header)

    def _header_line(self, header: int) -> str:
        row = self.text[slice(*self.leaf_span(header))].rstrip()
        before = row[: len(row) - len(row.lstrip())]  # blank lines, and the indent of the first
        return row[before.rfind("\n") + 1 :] + "\n"

    def fresh(self, path: int, shown: Container[int] = ()) -> list[int]:
        """Return the headings of a path that are to be shown, outermost first.

        They are the innermost ones; none of them, nor any above, is shown already.
        """
        headings = self.above(path) if self.headings or self.titled else []
        title = [h for h in headings[:1] if self.titled and h not in shown]
        headings = headings[self.titled :] if self.headings else []
        known = [place for place, heading in enumerate(headings, 1) if heading in shown]
        return title + headings[max([0, len(headings) - CRUMB_DEPTH, *known]) :]

    def crumb(self, headings: Sequence[int], said: str = "") -> str:
        """Return the breadcrumb line of some headings; empty for none.

        Args:
            headings: their leaves, outermost first.
            said: the text that the line stands above: a heading that it repeats is left out.
        """
        titles = [self.title(h) for h in headings if not self.says(said, h)]
        line = " > ".join(title for title in titles if title)
        return f"# {line}\n" if line else ""

    def says(self, text: str, heading: int) -> bool:
        """Say whether a text makes the heading above it needless; no text names its document."""
        return self.title(heading) in text and heading not in self._documents

    @cached_property
    def _documents(self) -> frozenset[int]:
        """The leaves that are titles of documents."""
        first = self.paths.offsets[:-1][np.diff(self.paths.offsets) > 0]
        return frozenset(self.paths.leaves[first].tolist() if self.titled else ())

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

    def pieces(
        self,
        leaves: Iterable[int],
        summaries: Iterable[Summary] = (),
        relevance: np.ndarray | None = None,
    ) -> list[Piece]:
        """Return what to show.

        Args:
            leaves: the leaves to show.
            summaries: the summaries to show.
            relevance: of every leaf, float32 (leaves,), to show the most relevant first; None for
                document order.
        """
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
        if relevance is not None:
            ends = [run[2].end_leaf if run[2] else run[1] for run in runs]
            best = [
                -float(relevance[run[0] : end].max()) for run, end in zip(runs, ends, strict=True)
            ]
            runs = [runs[i] for i in np.argsort(best, kind="stable").tolist()]
        return self._separate(runs)

    def _separate(self, runs: list[tuple[int, int, Summary | None]]) -> list[Piece]:
        pieces: list[Piece] = []
        shown: set[int] = set()  # headings in force
        behind = -1  # leaf behind what the text so far ends with
        document: list[int] = []
        for first, end, summary in runs:
            if self.titled and document != (document := self.paths[int(self.path_of[first])][:1]):
                shown.clear()
            headings = self.fresh(int(self.path_of[first]), shown)
            if summary is not None:
                said, head = summary.text, ""
                span = (self.leaf_span(first)[0], self.leaf_span(summary.end_leaf - 1)[1])
            else:
                span = self._run_span(first, end)
                said = self.text[slice(*self.leaf_span(first))]
                head = self.head(first, behind - 1)
            crumb = self.crumb(headings, said)
            before = self._mark(behind, first, bool(crumb or head), summary) if pieces else ""
            shown.update(headings)
            shown.update((first + np.flatnonzero(self.opens[first:end] >= 0)).tolist())
            behind = -2 if summary is not None else end
            pieces.append(Piece(before + crumb + head, *span, first, end, summary))
        return pieces

    def _run_span(self, first: int, end: int) -> tuple[int, int]:
        start, stop = self.leaf_span(first)[0], self.leaf_span(end - 1)[1]
        while stop > start and self.text[stop - 1].isspace():
            stop -= 1
        return start, max(stop, start + 1)

    def _mark(self, behind: int, first: int, headed: bool, summary: Summary | None) -> str:
        """Return what separates a piece from the one before it."""
        if headed:
            return "\n\n"
        if summary is not None or behind == -2 or behind == first:
            return "\n"
        if not self.gaps:
            return PLAIN_GAP
        # What begins a line of its block, as a row or code does, begins one here.
        within = self.block[behind - 1] == self.block[first]
        within = within and self.text[self.leaf_span(first)[0] - 1] not in "\r\n"
        return GAP_WITHIN if within else GAP_BETWEEN

    def write(self, pieces: Sequence[Piece]) -> str:
        """Return the rendered text."""
        return "".join(
            piece.before
            + (piece.summary.text if piece.summary else self.text[piece.start : piece.end])
            for piece in pieces
        )
