"""Texts: a file that is its own text, so that spans and lines are those of the file."""

import numpy as np

from hier.blocks import BlockKind, Blocks
from hier.document import Document, decode
from hier.files.kinds import LISTED


def read(raw: bytes, name: str, kind: str, encoding: str) -> Document:
    """Read a text; what is no prose, like JSON, is one block of lines.

    Raises:
        InputError: the bytes are binary or in another encoding.
    """
    text = decode(raw, name, encoding)
    blocks = one_block(text, BlockKind.CODE) if kind in LISTED else None
    return Document(text, name, None, blocks, {"type": kind})


def one_block(text: str, kind: BlockKind) -> Blocks:
    """Return a single block over a whole text."""
    return Blocks(
        np.zeros(1, np.int64),
        np.array([len(text)], np.int64),
        np.array([kind], np.uint8),
        np.zeros(1, np.int16),
    )
