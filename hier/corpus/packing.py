"""Packing: a tree as few bytes, for a store of many.

What follows from the words of a text alone (stems, token rows, lengths of vectors) is left out and
found again; whole numbers are kept as differences, in the narrowest type that holds them, and all
of it is compressed. A tree comes back as it was, array for array.

Layout: one zlib stream (whose checksum tells damage) of the header's length (uint32,
little-endian), the header, as JSON, and the arrays one behind the other.
"""

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hier.errors import StoreError
from hier.flat import Arrays, arrays_of, facts_of, lines_of, make_tree, text_of
from hier.retrieval.index import analyse
from hier.retrieval.static import load_static
from hier.tokens import Tokenizer
from hier.tree import Tree

_LEVEL = 1  # of zlib: higher ones take three times as long for a twentieth less
_LENGTH = struct.Struct("<I")
_FOLLOWS = ("stems", "stem_of", "piece_offsets", "pieces", "norms")
_WHOLE = ("u1", "u2", "u4", "i1", "i2", "i4", "i8")  # the first that holds all is taken


@dataclass(frozen=True)
class Packed:
    """A tree as it is kept, unpacked.

    Attributes:
        facts: as in ``hier.flat``.
        arrays: as there, but for what follows from the words.
    """

    facts: dict[str, Any]
    arrays: Arrays

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The distinct words."""
        return lines_of(self.arrays["vocabulary"])

    @property
    def text(self) -> str:
        """The source."""
        return text_of(self.arrays["text"])

    def tree(self, name: str, metadata: dict[str, Any], tokenizer: Tokenizer) -> Tree:
        """Return the whole tree."""
        found, _ = analyse(self.vocabulary, load_static())
        stems, *follows = found
        arrays = dict(zip(_FOLLOWS[1:], follows, strict=True))
        arrays["stems"] = np.frombuffer("\n".join(stems).encode("utf-8", "surrogatepass"), np.uint8)
        facts = {**self.facts, "name": name, "metadata": metadata}
        return make_tree(facts, {**self.arrays, **arrays}, tokenizer)


def pack(tree: Tree) -> bytes:
    """Return a tree as bytes; its name and metadata are left to whoever keeps them."""
    facts = {**facts_of(tree), "name": "", "metadata": {}}
    arrays = {name: a for name, a in arrays_of(tree).items() if name not in _FOLLOWS}
    entries, parts = [], []
    for name, array in arrays.items():
        kept, step = _narrow(array)
        entries.append([name, array.dtype.str, list(array.shape), kept.dtype.str, step])
        parts.append(np.ascontiguousarray(kept).tobytes())
    header = json.dumps({"facts": facts, "arrays": entries}).encode("utf-8", "surrogatepass")
    return zlib.compress(b"".join([_LENGTH.pack(len(header)), header, *parts]), _LEVEL)


def unpack(raw: bytes) -> Packed:
    """Return what was packed.

    Raises:
        StoreError: the bytes are damaged.
    """
    try:
        data = zlib.decompress(raw)
        (length,) = _LENGTH.unpack_from(data)
        header = json.loads(data[_LENGTH.size : _LENGTH.size + length])
        place = _LENGTH.size + length
        arrays = {}
        for name, kind, shape, kept, step in header["arrays"]:
            size = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(data, kept, size, place)
            place += array.nbytes
            arrays[name] = _widen(array, np.dtype(kind), step).reshape(shape)
        return Packed(header["facts"], arrays)
    except (zlib.error, struct.error, LookupError, TypeError, ValueError) as error:
        raise StoreError(
            f"a packed tree is damaged ({error}); remove the document, and build again"
        ) from error


def _narrow(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Return an array in a narrower type, and 1 where it is differences, else 0."""
    if array.dtype.kind == "f":
        whole = array.astype(np.int64) if np.isfinite(array).all() else None
        if whole is None or array.dtype.itemsize < 4 or not np.array_equal(whole, array):
            return array.astype(array.dtype.newbyteorder("<"), copy=False), 0
        array = whole
    if array.dtype.itemsize == 1 or array.ndim > 1:
        return array, 0
    steps = np.diff(array.astype(np.int64), prepend=0)
    plain, differences = (_type(a) for a in (array, steps))
    if differences.itemsize < plain.itemsize:
        return steps.astype(differences), 1
    return array.astype(plain), 0


def _type(array: np.ndarray) -> np.dtype[Any]:
    low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
    fits: Iterable[str] = (
        kind for kind in _WHOLE if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    )
    return np.dtype(next(iter(fits))).newbyteorder("<")


def _widen(array: np.ndarray, kind: np.dtype[Any], step: int) -> np.ndarray:
    if step:
        return np.cumsum(array, dtype=np.int64).astype(kind, copy=False)
    return array.astype(kind, copy=False)
