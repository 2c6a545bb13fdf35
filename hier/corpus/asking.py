"""Asking a corpus: search, join what was found, compress it as one text, and say what is whose.

The work for a question grows with the passages that are searched, and hardly with the documents:
about ``LEAVES`` leaves are joined, whatever the corpus holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from hier.context import Context, Pick, Segment
from hier.corpus.join import Joined
from hier.corpus.placing import Run
from hier.corpus.search import Hit
from hier.corpus.source import Source
from hier.document import Span

LEAVES = 4000
"""Leaves that are joined for a question, about."""


def choose(hits: Iterable[Hit], leaves: int) -> list[Hit]:
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


def runs_of(parts: Iterable[tuple[str, int, int]], sources: Mapping[str, Source]) -> list[Run]:
    """Return parts of documents as runs, by document and place; neighbours are one run.

    Args:
        parts: the name of a document, a leaf, and the leaf behind the last.
        sources: the documents by name.
    """
    runs: list[Run] = []
    for name, first, end in sorted(set(parts)):
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
        segments=tuple(
            _segment(part, joined)
            for segment in context.segments
            for part in _by_runs(segment, joined)
        ),
        picks=tuple(_pick(pick, joined) for pick in context.picks),
    )


def _by_runs(segment: Segment, joined: Joined) -> Iterator[Segment]:
    """Yield the parts of a segment; runs of a document may be neighbours that are none in it."""
    edges = [edge for edge in joined.begins.tolist() if segment.start < edge < segment.end]
    if segment.kind == "summary" or not edges:
        yield segment
        return
    count = joined.tree.tokenizer.count
    for start, end in pairwise([segment.start, *edges, segment.end]):
        text = segment.text[start - segment.start : end - segment.start]
        kept = text.rstrip()
        if kept:
            yield replace(
                segment, start=start, end=start + len(kept), text=kept, tokens=count(kept)
            )


def _segment(segment: Segment, joined: Joined) -> Segment:
    source, start, end = joined.origin(segment.start, segment.end)
    level, node_id = source.smallest(start, end)
    return replace(
        segment,
        start=start,
        end=end,
        level=level,
        node_id=node_id,
        sources=tuple(Span(*joined.origin(*span)[1:]) for span in segment.sources),
        place=source.document.place(start, end),
        document_id=source.id,
    )


def _pick(pick: Pick, joined: Joined) -> Pick:
    source, start, end = joined.origin(*pick.span)
    place = source.document.place(start, end)
    return replace(pick, span=Span(start, end), place=place, document_id=source.id)
