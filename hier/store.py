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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hier.errors import StoreError
from hier.flat import arrays_of, facts_of, make_tree
from hier.tokens import load_tokenizer
from hier.tree import Tree

MAGIC = b"\x89HIER\r\n\x1a"  # a text-mode transfer damages it, as in PNG
VERSION = 5
_PREFIX = struct.Struct("<8sQI")
_ALIGN = 64
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
    arrays, meta = arrays_of(tree), facts_of(tree)
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
        return make_tree(meta, arrays, load_tokenizer(tokenizer or meta["tokenizer"]))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror or error}; check the path"
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Checksums passed: someone wrote the file, but not this hier.
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


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
