"""Attribution: what a context of a joined tree shows, said of the documents that it is from."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from hier.context import Context, Pick, Segment
from hier.corpus.join import Joined
from hier.document import Span


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
