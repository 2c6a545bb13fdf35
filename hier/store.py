"""Saved trees: one file, read by mapping it into memory.

Layout: eight magic bytes; the header's length (uint64, little-endian) and CRC-32 (uint32); the
header, as JSON; then arrays, each at a multiple of 64 bytes. The header holds the format's version,
and of every array its type, shape, place and CRC-32. Nothing in the file is ever executed. A file
is written beside its target, flushed to disk and renamed: the target is the old file or the new.
"""

import json
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hier.document import Document
from hier.errors import StoreError
from hier.fidelity import SummaryCheck
from hier.ledger import Ledger
from hier.places import Places
from hier.retrieval.counts import Counts
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Level
from hier.summarizers.extractive import Choice
from hier.tokens import Tokenizer, load_tokenizer
from hier.tree import Tree

MAGIC = b"\x89HIER\r\n\x1a"  # a text-mode transfer damages it, as in PNG
VERSION = 5
_PREFIX = struct.Struct("<8sQI")
_ALIGN = 64
_OF_PLACES = {"start": np.int64, "number": np.int32, "part": np.int32}
_TYPES = ("|u1", "<i4", "<i8", "<f2", "<f4", "<f8")


def is_tree(path: Path) -> bool:
    """Say whether a file begins as a saved tree does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def save(tree: Tree, path: Path) -> None:
    """Write a tree to ``path``; see ``Tree.save``."""
    if tree.embedder is None:
        raise StoreError(
            "a tree built with an embedder object cannot be saved: it could not be found again; "
            "build with the embedder's name or folder"
        )
    arrays, places = _arrays(tree), tree.document.places
    meta = {
        "name": tree.document.name,
        "places": None if places is None else {"kind": places.kind, "parts": places.parts},
        "metadata": dict(tree.document.metadata),
        "tokenizer": tree.tokenizer.name,
        "embedder": tree.embedder,
        "relevance": tree.relevance,
        "levels": len(tree.levels),
        "summary_texts": {str(key): text for key, text in tree.summary_texts.items()},
        "checks": [asdict(check) for check in tree.checks],
        "ledger": tree.ledger.saved(),
    }
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"{path} is read-only; choose another place or make it writable")
    try:
        with _replacing(path) as file:
            _write(file, meta, arrays)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; choose another place"
        ) from error


def load(path: str | Path, *, tokenizer: Any = None) -> Tree:
    """Open a saved tree.

    Args:
        path: a file written by ``Tree.save``.
        tokenizer: the tokenizer, for a tree that was built with an object of the user's.

    Raises:
        StoreError: the file is missing, damaged, foreign or of another version; or it needs a
            ``tokenizer``.
    """
    path = Path(path)
    try:
        meta, arrays = _read(path)
        if tokenizer is None and meta["tokenizer"] is None:
            raise StoreError(
                f"{path} was built with a tokenizer object; pass it: hier.load(path, tokenizer=...)"
            )
        return _tree(meta, arrays, load_tokenizer(tokenizer or meta["tokenizer"]))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror or error}; check the path"
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Checksums passed: someone wrote the file, but not this hier.
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _late_encoder(name: str) -> Callable[[str], np.ndarray]:
    """Return a query encoder that loads its model when it is first asked."""
    loaded: list[Any] = []

    def encode(query: str) -> np.ndarray:
        if not loaded:
            from hier.retrieval.embedders import load_embedder

            loaded.append(load_embedder(name))
        vector: np.ndarray = loaded[0].encode([query])[0]
        return vector

    return encode


def _arrays(tree: Tree) -> dict[str, np.ndarray]:
    index = tree.index
    arrays = {
        "text": _bytes(tree.source),
        "vocabulary": _bytes("\n".join(index.vocabulary)),
        "stems": _bytes("\n".join(index.stems)),
        "leaf_start": tree.leaf_start,
        "leaf_tokens": tree.leaf_tokens,
        "block": tree.block,
        "worth": tree.worth,
        "offers": tree.offers,
        "opens": tree.opens,
        "path_offsets": tree.path_offsets,
        "path_leaves": tree.path_leaves,
        "stem_of": index.stem_of,
        "piece_offsets": index.piece_offsets,
        "pieces": index.pieces,
        "norms": index.norms,
        "path_of": index.path_of,
    }
    if (places := tree.document.places) is not None:
        for name, kind in _OF_PLACES.items():
            arrays[f"places_{name}"] = getattr(places, name).astype(kind)
    for name, counts in (("leaf", index.leaves), ("path", index.paths)):
        arrays[f"{name}_words.offsets"] = counts.offsets
        arrays[f"{name}_words.words"] = counts.words
        arrays[f"{name}_words.counts"] = counts.counts
    for number, level in enumerate(tree.levels):
        arrays[f"level{number}.first_leaf"] = level.first_leaf
        arrays[f"level{number}.norms"] = level.norms
        arrays[f"level{number}.words"] = level.words
        if level.vectors is not None:
            arrays[f"level{number}.vectors"] = level.vectors
        if level.static is not None:
            arrays[f"level{number}.static"] = level.static
    for number, choice in enumerate(tree.summaries):
        arrays[f"summary{number}.offsets"] = choice.offsets
        arrays[f"summary{number}.sentences"] = choice.sentences
    return arrays


def _tree(meta: dict[str, Any], arrays: dict[str, np.ndarray], tokenizer: Tokenizer) -> Tree:
    def counts(name: str) -> Counts:
        return Counts(*(arrays[f"{name}_words.{part}"] for part in ("offsets", "words", "counts")))

    def level(number: int) -> Level:
        first_leaf, norms, words = (
            arrays[f"level{number}.{part}"] for part in ("first_leaf", "norms", "words")
        )
        vectors, static = (arrays.get(f"level{number}.{part}") for part in ("vectors", "static"))
        return Level(first_leaf, norms, words, vectors, static)

    index = WordIndex(
        vocabulary=_lines(arrays["vocabulary"]),
        stems=_lines(arrays["stems"]),
        stem_of=arrays["stem_of"],
        piece_offsets=arrays["piece_offsets"],
        pieces=arrays["pieces"],
        norms=arrays["norms"],
        leaves=counts("leaf"),
        paths=counts("path"),
        path_of=arrays["path_of"],
    )
    return Tree(
        document=_document(meta, arrays),
        tokenizer=tokenizer,
        embedder=meta["embedder"],
        relevance=meta["relevance"],
        leaf_start=arrays["leaf_start"],
        leaf_tokens=arrays["leaf_tokens"],
        block=arrays["block"],
        worth=arrays["worth"],
        offers=arrays["offers"],
        opens=arrays["opens"],
        path_offsets=arrays["path_offsets"],
        path_leaves=arrays["path_leaves"],
        index=index,
        levels=tuple(level(number) for number in range(meta["levels"])),
        summaries=tuple(
            Choice(arrays[f"summary{number}.offsets"], arrays[f"summary{number}.sentences"])
            for number in range(meta["levels"] - 1)
        ),
        summary_texts={int(key): text for key, text in meta["summary_texts"].items()},
        checks=tuple(
            SummaryCheck(**{**check, "invented": tuple(check["invented"])})
            for check in meta["checks"]
        ),
        ledger=Ledger.read(meta["ledger"]),
        encode_query=None if meta["embedder"] == "static" else _late_encoder(meta["embedder"]),
    )


def _document(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Document:
    """Return the document; the blocks that its reader may have known are in the tree."""
    places = None
    if (told := meta["places"]) is not None:
        start, number, part = (arrays[f"places_{name}"] for name in _OF_PLACES)
        places = Places(told["kind"], start, number, part, tuple(told["parts"]))
    return Document(_text(arrays["text"]), meta["name"], places, metadata=meta["metadata"])


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def _text(array: np.ndarray) -> str:
    return array.tobytes().decode("utf-8", "surrogatepass")


def _lines(array: np.ndarray) -> tuple[str, ...]:
    return tuple(_text(array).split("\n")) if len(array) else ()


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place only when everything went well."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _umask() -> int:
    """Return the process's umask (which can only be read by setting it)."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write(file: BinaryIO, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    entries, place = {}, 0
    parts = []
    for name, array in arrays.items():
        part = np.ascontiguousarray(array)
        part = part.astype(part.dtype.newbyteorder("<"), copy=False)
        raw = part.reshape(-1).view(np.uint8).data
        place = -(-place // _ALIGN) * _ALIGN
        entries[name] = [part.dtype.str, list(part.shape), place, zlib.crc32(raw)]
        parts.append((place, raw))
        place += len(raw)
    header = json.dumps({"version": VERSION, "meta": meta, "arrays": entries, "size": place})
    raw_header = header.encode("utf-8", "surrogatepass")
    file.write(_PREFIX.pack(MAGIC, len(raw_header), zlib.crc32(raw_header)))
    file.write(raw_header)
    start = _data_start(len(raw_header))
    for offset, raw in parts:
        file.write(b"\0" * (start + offset - file.tell()))
        file.write(raw)


def _data_start(header_length: int) -> int:
    return -(-(_PREFIX.size + header_length) // _ALIGN) * _ALIGN


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Map the arrays of a file and check every one of them."""
    with path.open("rb") as file:
        prefix = file.read(_PREFIX.size)
        if not prefix.startswith(MAGIC):
            raise StoreError(f"{path} is not a saved tree; make one: hier build FILE -o TREE")
        if len(prefix) < _PREFIX.size:
            raise _damaged(path, "its beginning is cut")
        _, length, checksum = _PREFIX.unpack(prefix)
        raw_header = file.read(min(length, path.stat().st_size))
    if len(raw_header) != length or zlib.crc32(raw_header) != checksum:
        raise _damaged(path, "its header does not match its checksum")
    header = json.loads(raw_header)
    if header["version"] != VERSION:
        raise StoreError(
            f"{path} has format {header['version']}, this hier reads {VERSION}; build it again"
        )
    start = _data_start(length)
    if path.stat().st_size != start + header["size"]:
        raise _damaged(path, f"it should be {start + header['size']} bytes long")
    mapped = (
        np.memmap(path, np.uint8, mode="r", offset=0) if header["size"] else np.zeros(0, np.uint8)
    )
    arrays = {}
    for name, (kind, shape, place, crc) in header["arrays"].items():
        if kind not in _TYPES:
            raise _damaged(path, f"array {name} has the unknown type {kind}")
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        raw = mapped[start + place : start + place + size]
        if len(raw) != size or zlib.crc32(raw.data) != crc:
            raise _damaged(path, f"array {name} does not match its checksum")
        # A plain view of the mapping: np.memmap's own class slows every later operation.
        arrays[name] = np.asarray(raw).view(np.ndarray).view(kind).reshape(shape)
    return header["meta"], arrays


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(f"{path} is damaged: {why}; build it again")
