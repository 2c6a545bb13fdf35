"""Answers: what the engine gives, as the tools give it on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hier.context import Context, Pick, Segment
from hier.corpus.database import Row
from hier.nodes import Node
from hier.serving.mcp import schemas
from hier.serving.mcp.adding import shortened
from hier.tree import Tree

_EXCERPT = 400  # characters


def named(context: Context, name: str) -> Context:
    """Return a context of one document whose segments name it."""
    segments = tuple(replace(segment, document_id=name) for segment in context.segments)
    return replace(context, segments=segments)


def compressed(context: Context) -> schemas.Compressed:
    """Return a context: its text once, and of its segments where they stand."""
    return schemas.Compressed(
        text=context.text,
        tokens=context.tokens,
        budget=context.budget,
        coverage=round(context.coverage, 4),
        optimality=int(10_000 * context.optimality) / 10_000,  # what is proved is not rounded up
        stop=context.stop,
        segments=[_piece(segment) for segment in context.segments],
    )


def _piece(segment: Segment) -> schemas.Piece:
    return schemas.Piece(
        document=segment.document_id,
        place=segment.place,
        node_id=segment.node_id,
        start=segment.start,
        end=segment.end,
        kind=segment.kind,
        tokens=segment.tokens,
        relevance=round(segment.relevance, 2),
    )


def searched(context: Context, limit: int) -> schemas.Searched:
    """Return the places that a context was made of, the most relevant first."""
    best = sorted(context.picks, key=lambda pick: -pick.relevance)
    shown = ((pick, _holding(pick, context.segments)) for pick in best)
    found = [_found(pick, segment) for pick, segment in shown if segment is not None]
    return schemas.Searched(results=found[:limit])


def _holding(pick: Pick, segments: Sequence[Segment]) -> Segment | None:
    """Return the segment that shows a pick; None where it was given up for others."""
    for segment in segments:
        if segment.document_id != pick.document_id:
            continue
        if segment.start <= pick.span.start < segment.end:
            return segment
    return None


def _found(pick: Pick, segment: Segment) -> schemas.Found:
    text = segment.text
    if segment.kind == "verbatim":
        text = text[pick.span.start - segment.start : pick.span.end - segment.start]
    return schemas.Found(
        document=pick.document_id,
        place=pick.place,
        node_id=segment.node_id,
        start=pick.span.start,
        end=pick.span.end,
        score=round(pick.relevance, 2),
        excerpt=shortened(" ".join(text.split()), _EXCERPT),
    )


def listed(rows: Sequence[Row], limit: int) -> schemas.Outlined:
    """Return documents as they are listed."""
    shown = [
        schemas.Listed(document=row.id, tokens=row.tokens, metadata=row.metadata)
        for row in rows[:limit]
    ]
    return schemas.Outlined(documents=shown, nodes=[], left=len(rows) - len(shown))


def outlined(tree: Tree, depth: int, limit: int) -> schemas.Outlined:
    """Return the upper tree of a document."""
    found = list(_below(tree, tree.root, depth))
    shown = [
        schemas.Branch(
            node_id=node.id,
            depth=at,
            tokens=node.tokens,
            place=tree.document.place(node.start, node.end),
            label=tree.label(node),
        )
        for at, node in found[:limit]
    ]
    return schemas.Outlined(documents=[], nodes=shown, left=len(found) - len(shown))


def _below(tree: Tree, node: Node, depth: int, at: int = 0) -> Iterator[tuple[int, Node]]:
    """Yield a node and what is below it, with how deep each stands."""
    yield at, node
    for child in node.children if at < depth else ():
        yield from _below(tree, tree.nodes[child], depth, at + 1)


def search_text(found: schemas.Searched) -> str:
    """Return places for a reader."""
    return "\n\n".join(
        f"{each.document}, {each.place} [node {each.node_id}], score {each.score:.2f}\n"
        f"{each.excerpt}"
        for each in found.results
    )


def outline_text(outline: schemas.Outlined) -> str:
    """Return documents or nodes for a reader, a line each."""
    lines = [f"{each.document}: {each.tokens:,} tokens" for each in outline.documents]
    for each in outline.nodes:
        indent = "  " * each.depth
        lines.append(f"{indent}[{each.node_id}] {each.tokens:,} tokens: {each.label}")
    if outline.left:
        lines.append(f"... and {outline.left:,} more; ask for fewer, or raise limit")
    return "\n".join(lines) or "there are no such documents"
