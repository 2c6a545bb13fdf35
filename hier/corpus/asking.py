"""Asking a corpus: search, join what was found, compress it as one text, and say what is whose.

The work for a question grows with the passages that are searched, and hardly with the documents:
about ``LEAVES`` leaves are joined, whatever the corpus holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from hier.context import Context, Pick, Segment
from hier.corpus.join import Joined, Placed, Run, Source
from hier.corpus.search import Hit
from hier.document import Span

LEAVES = 4000
"""Leaves that are joined for a question, about."""


def choose(hits: Iterable[Hit], leaves: int = LEAVES) -> list[Hit]:
    """Return the hits, best first, whose parts of documents are to be joined; each part once.

    Those that are sure, of infinite cosine, are joined whatever their size.
    """
    chosen: dict[tuple[str, int, int], Hit] = {}
    total = 0
    for hit in hits:
        part = (hit.document, hit.first, hit.end)
        if part in chosen:
            continue
        if chosen and total + hit.end - hit.first > leaves and hit.cosine < np.inf:
            continue
        chosen[part] = hit
        total += hit.end - hit.first
    return list(chosen.values())


def runs_of(hits: Iterable[Hit], sources: Mapping[str, Source]) -> list[Run]:
    """Return the parts that were chosen as runs, by document and place; neighbours are one run."""
    runs: list[Run] = []
    for name, first, end in sorted({(hit.document, hit.first, hit.end) for hit in hits}):
        source = sources[name]
        if runs and runs[-1].source is source and runs[-1].end >= first:
            runs[-1] = replace(runs[-1], end=max(end, runs[-1].end))
        else:
            runs.append(Run(source, first, end))
    return runs


def attribute(context: Context, joined: Joined) -> Context:
    """Return a context of a joined tree whose segments and picks name their documents."""
    return replace(
        context,
        segments=tuple(_segment(segment, joined) for segment in context.segments),
        picks=tuple(_pick(pick, joined) for pick in context.picks),
    )


def _segment(segment: Segment, joined: Joined) -> Segment:
    placed = joined.place_of(segment.start)
    source = placed.run.source
    start, end = _span(placed, segment.start, segment.end)
    level, node_id = source.smallest(start, end)
    return replace(
        segment,
        start=start,
        end=end,
        level=level,
        node_id=node_id,
        sources=tuple(Span(*_span(placed, *span)) for span in segment.sources),
        place=source.document.place(start, end),
        document_id=source.id,
    )


def _pick(pick: Pick, joined: Joined) -> Pick:
    placed = joined.place_of(pick.span.start)
    span = Span(*_span(placed, pick.span.start, pick.span.end))
    return replace(pick, span=span, document_id=placed.run.source.id)


def _span(placed: Placed, start: int, end: int) -> tuple[int, int]:
    """Return characters of the joined text as characters of their document."""
    shift = int(placed.run.source.leaf_start[placed.run.first]) - placed.body
    return max(start, placed.body) + shift, end + shift
