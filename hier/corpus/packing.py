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
from dataclasses import dataclass
from typing import Any

import numpy as np

from hier.array_file import Arrays
from hier.errors import StoreError
from hier.flat import arrays_of, facts_of, make_tree, split_lines, text_of
from hier.ledger import Ledger
from hier.retrieval.index import analyse
from hier.retrieval.static import load_static
from hier.tokens import Tokenizer
from hier.tree import Tree

_LEVEL = 1  # of zlib: higher ones take three times as long for a twentieth less
_LENGTH = struct.Struct("<I")
# What nearly every header says, so that it costs little in a small one; a part of the format.
_COMMON = b"".join(
    [
        b'{"facts": {"name": "", "metadata": {}, "places": null, "tokenizer": "o200k_base", ',
        b'"embedder": "static", "relevance": "learned", "levels": 4, "summary_texts": {}, ',
        b'"checks": [], "ledger": {"prices": {"input": 0.0, "output": 0.0, "cached": null, ',
        b'"joules": null, "source": ""}, "calls": [], "notes": []}}, "arrays": [',
        b'["text", "|u1", [1], "|u1", 0], ["vocabulary", "|u1", [1], "|u1", 0], ',
        b'["leaf_start", "<i8", [1], "|u1", 1], ["leaf_tokens", "<i4", [1], "|u1", 0], ',
        b'["block", "<i4", [1], "|u1", 0], ["worth", "<f2", [1], "<f2", 0], ',
        b'["offers", "|u1", [1], "|u1", 0], ["opens", "<i4", [1], "|i1", 0], ',
        b'["path_offsets", "<i8", [1], "|u1", 0], ["path_leaves", "<i4", [1], "|u1", 0], ',
        b'["path_of", "<i4", [1], "|u1", 0], ["leaf_words.offsets", "<i8", [1], "|u1", 1], ',
        b'["leaf_words.words", "<i4", [1], "|i2", 1], ',
        b'["leaf_words.counts", "<f4", [1], "|u1", 0], ',
        b'["path_words.offsets", "<i8", [1], "|u1", 0], ',
        b'["path_words.words", "<i4", [1], "|u1", 0], ',
        b'["path_words.counts", "<f4", [1], "|u1", 0], ',
        *(
            b'["level%d.first_leaf", "<i8", [1], "|u1", 0], ["level%d.norms", "<f4", [1], "<f4", '
            b'0], ["level%d.words", "<f4", [1], "|u1", 0], ' % (n, n, n)
            for n in range(4)
        ),
        *(
            b'["summary%d.offsets", "<i8", [1], "|u1", 0], '
            b'["summary%d.sentences", "<i8", [1], "|u1", 0]' % (n, n)
            for n in range(3)
        ),
    ]
)
_FOLLOWS = ("stems", "stem_of", "piece_offsets", "pieces", "norms")
_WHOLE = [  # the first that holds all is taken
    (np.dtype(kind), int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    for kind in ("<u1", "<u2", "<u4", "<i1", "<i2", "<i4", "<i8")
]


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
        return split_lines(self.arrays["vocabulary"])

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
    """Return a tree as bytes; its name and metadata are left to whoever keeps them.

    Its ledger is left out: what was paid depends on what was in the cache, and not on the text.
    """
    facts = {**facts_of(tree), "name": "", "metadata": {}, "ledger": Ledger().saved()}
    arrays = {name: a for name, a in arrays_of(tree).items() if name not in _FOLLOWS}
    entries, parts = [], []
    for name, array in arrays.items():
        kept, step = _narrow(array)
        entries.append([name, array.dtype.str, list(array.shape), kept.dtype.str, step])
        parts.append(np.ascontiguousarray(kept).tobytes())
    header = json.dumps({"facts": facts, "arrays": entries}).encode("utf-8", "surrogatepass")
    return _squeeze(b"".join([_LENGTH.pack(len(header)), header, *parts]))


def unpack(raw: bytes) -> Packed:
    """Return what was packed.

    Raises:
        StoreError: the bytes are damaged.
    """
    try:
        data = _expand(raw)
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


def _squeeze(data: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zdict=_COMMON)
    return packer.compress(data) + packer.flush()


def _expand(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(zdict=_COMMON)
    data = unpacker.decompress(raw)
    if not unpacker.eof:
        raise ValueError("its end is missing")
    return data


def _narrow(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Return an array in a narrower type, and 1 where it is differences, else 0."""
    if array.dtype.itemsize < 4 or array.ndim > 1 or not len(array):
        return array, 0
    whole = array
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int64)
        if not np.array_equal(whole, array):
            return array, 0
    steps = np.empty(len(whole), np.int64)
    steps[0] = whole[0]
    np.subtract(whole[1:], whole[:-1], out=steps[1:])
    plain, differences = _type(whole), _type(steps)
    if differences.itemsize < plain.itemsize:
        return steps.astype(differences), 1
    return whole.astype(plain), 0


def _type(array: np.ndarray) -> np.dtype[Any]:
    low, high = array.min(), array.max()
    return next(kind for kind, least, most in _WHOLE if least <= low and high <= most)


def _widen(array: np.ndarray, kind: np.dtype[Any], step: int) -> np.ndarray:
    if step:
        return np.cumsum(array, dtype=np.int64).astype(kind, copy=False)
    return array.astype(kind, copy=False)
