"""Pieces of a source in the order a package gave them, shown while they fit a budget.

The rule for every framework that has no token budget of its own: what it returns stands in its own
order and is cut at the budget. Skipping what does not fit was tried on six sets: it costs recall at
256 and 512 tokens, RAPTOR the most, and helped only LangChain at 1024, a little.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from systems.base import Output
from systems.fill import cut, tokens
from systems.spans import Finder

JOINT = "\n\n"  # between retrieved nodes: LlamaIndex's compact synthesizer, LangChain's stuff chain
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Piece:
    """A text, and the character of the source that it begins at; None if it is not there."""

    text: str
    start: int | None


def readable(text: str) -> str:
    """A text with lone surrogates as U+FFFD, for packages that cannot encode them.

    Offsets stay as they are.
    """
    return _SURROGATE.sub("\ufffd", text)


def piece(source: str, text: str, start: int | None, finder: Finder) -> Piece:
    """A part of ``readable(source)``, as the source itself writes it.

    Args:
        source: the text that was given to a system.
        text: what a package cut out of it.
        start: where it says that this begins; believed only if it does.
        finder: over ``readable(source)``, asked when it does not.
    """
    if start is None or start < 0 or readable(source[start : start + len(text)]) != text:
        span = finder.find(text)
        if span is None or readable(source[span[0] : span[1]]) != text:
            return Piece(text, None)
        start = span[0]
    return Piece(source[start : start + len(text)], start)


def size(found: Sequence[Piece]) -> int:
    """Tokens of pieces as they are shown."""
    return tokens(JOINT.join(piece.text for piece in found))


def visible(found: Sequence[Piece], budget: int) -> list[Piece]:
    """The pieces that a budget has room for, in the order given, the last of them cut."""
    room, taken = len(cut(JOINT.join(piece.text for piece in found), budget)), []
    for piece in found:
        if room <= 0:
            break
        taken.append(Piece(piece.text[:room], piece.start))
        room -= len(piece.text) + len(JOINT)
    return taken


def show(taken: Sequence[Piece]) -> Output:
    """Pieces as a model is given them, and where they stand."""
    return Output(
        text=JOINT.join(piece.text for piece in taken),
        spans=tuple(
            (piece.start, piece.start + len(piece.text))
            for piece in taken
            if piece.start is not None and piece.text
        ),
    )
