"""Pieces: a text that is put together from a file's pages, slides or rows, and knows where each is.

Readers of files that are no texts yield pieces; here they become the text, its places and its
blocks.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hier.blocks import BlockKind, Blocks
from hier.places import Places


@dataclass(frozen=True)
class Piece:
    """Some characters of one place of a file.

    Attributes:
        text: the characters, with the white space behind them.
        number: the number of their place, from 1.
        part: what holds the place, such as ``"sheet Prices"``.
        kind: the kind of the block that begins here; None where the block before goes on.
        depth: the depth of a heading, from 1; 0 for what is none.
    """

    text: str
    number: int
    part: str = ""
    kind: BlockKind | None = None
    depth: int = 0


def put_together(place: str, pieces: Iterable[Piece]) -> tuple[str, Places, Blocks]:
    """Join pieces to a text.

    Args:
        place: what the places are, in the singular.
        pieces: in the order of the text; the first begins a block.

    Returns:
        The text, the places its pieces stand in, and its blocks.
    """
    kept = [piece for piece in pieces if piece.text]
    if not kept:
        kept = [Piece("", 1, kind=BlockKind.PARAGRAPH)]
    ends = np.cumsum(np.fromiter((len(piece.text) for piece in kept), np.int64, len(kept)))
    starts = np.append(0, ends[:-1])
    where = [(piece.part, piece.number) for piece in kept]
    new = [i for i, place in enumerate(where) if not i or place != where[i - 1]]
    parts = tuple(dict.fromkeys(part for part, _ in where))
    places = Places(
        place,
        starts[new],
        np.array([where[i][1] for i in new], np.int32),
        np.array([parts.index(where[i][0]) for i in new], np.int32),
        parts,
    )
    begins = [i for i, piece in enumerate(kept) if not i or piece.kind is not None]
    start = starts[begins]
    blocks = Blocks(
        start,
        np.append(start[1:], ends[-1]),
        np.array([_kind(kept[i]) for i in begins], np.uint8),
        np.array([kept[i].depth for i in begins], np.int16),
    )
    return "".join(piece.text for piece in kept), places, blocks


def _kind(piece: Piece) -> BlockKind:
    return BlockKind.PARAGRAPH if piece.kind is None else piece.kind


_PARAGRAPH = re.compile(r"(?:\A|\n[^\S\n]*\n)\s*(?=\S)")


def paragraphs_of(text: str) -> Places:
    """Return the paragraphs of a text that was converted: its own lines are none of its file's."""
    starts = [match.end() for match in _PARAGRAPH.finditer(text)] or [0]
    starts[0] = 0
    return Places.counted("paragraph", np.array(starts, np.int64))
