"""Selectors of a corpus: documents and parts of them, found again in a joined tree.

A selector is the name of a document, the words of a heading, or ``(document, (start, end))`` for
characters of a document.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hier.context import Context, Segment
from hier.corpus.join import Joined
from hier.errors import InputError

Named = Callable[[str], bool]
_REMEDY = "pass the name of a document, a heading, or (document, (start, end))"


def as_list(selectors: Any, what: str) -> list[Any]:
    """Return selectors as a list, each of a known form; one stands for itself.

    Raises:
        InputError: one is of another form.
    """
    if isinstance(selectors, str) or _is_part(selectors):
        return [selectors]
    if not isinstance(selectors, Iterable):
        raise InputError(f"{what} {selectors!r} is no selector of a corpus; {_REMEDY}")
    found = list(selectors)
    for selector in found:
        if not isinstance(selector, str) and not _is_part(selector):
            raise InputError(f"{what} has {selector!r}, no selector of a corpus; {_REMEDY}")
    return found


def _is_part(selector: Any) -> bool:
    return (
        isinstance(selector, tuple)
        and len(selector) == 2
        and isinstance(selector[0], str)
        and isinstance(selector[1], tuple)
        and len(selector[1]) == 2
        and all(isinstance(place, int) for place in selector[1])
    )


def documents_of(selectors: Iterable[Any], is_document: Named) -> Iterator[str]:
    """Yield the documents that selectors name.

    Raises:
        InputError: a part is of a document that is not there.
    """
    for selector in selectors:
        if isinstance(selector, str):
            if is_document(selector):
                yield selector
        elif is_document(selector[0]):
            yield selector[0]
        else:
            raise InputError(f"there is no document {selector[0]!r}; {_REMEDY}")


def moved(selectors: Iterable[Any], joined: Joined, is_document: Named) -> list[Any]:
    """Return the selectors of a joined tree for those of its corpus."""
    found: list[Any] = []
    for selector in selectors:
        if not isinstance(selector, str):
            name, (start, end) = selector
            found += joined.spans(name, start, end)
        elif is_document(selector):
            found += joined.spans(selector)
        else:
            found.append(selector)
    return found


def moved_shares(
    minimum: Mapping[Any, float], joined: Joined, is_document: Named
) -> dict[Any, float]:
    """Return the least shares of parts of a joined tree for those of its corpus."""
    return {
        part: share
        for selector, share in minimum.items()
        for part in moved([selector], joined, is_document)
    }


def moved_contexts(contexts: Any, joined: Joined) -> list[Context]:
    """Return what contexts of the corpus show of a joined tree, as contexts of that."""
    contexts = [contexts] if isinstance(contexts, Context) else contexts
    if not isinstance(contexts, Iterable) or isinstance(contexts, str):
        raise InputError(f"seen of type {type(contexts).__name__} is no context; pass contexts")
    return [
        replace(context, segments=tuple(_moved_segments(context, joined)))
        if isinstance(context, Context)
        else context  # refused by the tree
        for context in contexts
    ]


def _moved_segments(context: Context, joined: Joined) -> Iterator[Segment]:
    source = joined.tree.source
    for segment in context.segments:
        if segment.kind == "summary":
            yield from (
                replace(segment, node_id=node)
                for node, text in joined.tree.summary_texts.items()
                if text == segment.text
            )
            continue
        for start, end in joined.spans(segment.document_id, segment.start, segment.end):
            yield replace(segment, start=start, end=end, text=source[start:end])
