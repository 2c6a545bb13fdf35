"""Files of arrays: named arrays and a few facts in one file, read by mapping it into memory.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hier.errors import StoreError

_PREFIX = struct.Struct("<8sQI")
_ALIGN = 64
_TYPES = ("|u1", "|i1", "<i4", "<i8", "<f2", "<f4", "<f8")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        magic: the eight bytes that it begins with.
        version: what this hier writes and reads.
        what: what such a file is, for people.
        remedy: what to do where a file is none.
    """

    magic: bytes
    version: int
    what: str
    remedy: str

    def begins(self, path: Path) -> bool:
        """Say whether a file begins as these do."""
        try:
            with path.open("rb") as file:
                return file.read(len(self.magic)) == self.magic
        except OSError:
            return False


def write_file(path: Path, form: Format, facts: dict[str, Any], arrays: Arrays) -> None:
    """Write a file, or replace one: it is the old one or the new, whatever happens.

    Raises:
        StoreError: it cannot be written.
    """
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"{path} is read-only; choose another place or make it writable")
    try:
        with replacing(path) as file:
            _write(file, form, facts, arrays)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; choose another place"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place only when everything went well."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def umask() -> int:
    """Return the process's umask (which can only be read by setting it)."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write(file: BinaryIO, form: Format, facts: dict[str, Any], arrays: Arrays) -> None:
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
    header = json.dumps({"version": form.version, "meta": facts, "arrays": entries, "size": place})
    raw_header = header.encode("utf-8", "surrogatepass")
    file.write(_PREFIX.pack(form.magic, len(raw_header), zlib.crc32(raw_header)))
    file.write(raw_header)
    start = _data_start(len(raw_header))
    for offset, raw in parts:
        file.write(b"\0" * (start + offset - file.tell()))
        file.write(raw)


def _data_start(header_length: int) -> int:
    return -(-(_PREFIX.size + header_length) // _ALIGN) * _ALIGN


def read_facts(path: Path, form: Format) -> dict[str, Any]:
    """Return the facts of a file; its arrays are not looked at.

    Raises:
        StoreError: it is another kind of file, cut, or of another version.
        OSError: it cannot be read.
    """
    facts: dict[str, Any] = _read_header(path, form)[0]["meta"]
    return facts


def _read_header(path: Path, form: Format) -> tuple[dict[str, Any], int]:
    """Return the header of a file, and where its arrays begin."""
    with path.open("rb") as file:
        prefix = file.read(_PREFIX.size)
        if not prefix.startswith(form.magic):
            raise StoreError(f"{path} is not {form.what}; {form.remedy}")
        if len(prefix) < _PREFIX.size:
            raise damaged(path, "its beginning is cut")
        _, length, checksum = _PREFIX.unpack(prefix)
        raw_header = file.read(min(length, path.stat().st_size))
    if len(raw_header) != length or zlib.crc32(raw_header) != checksum:
        raise damaged(path, "its header does not match its checksum")
    header: dict[str, Any] = json.loads(raw_header)
    if header["version"] != form.version:
        raise StoreError(
            f"{path} has format {header['version']}, this hier reads {form.version}; build it again"
        )
    start = _data_start(length)
    if path.stat().st_size != start + header["size"]:
        raise damaged(path, f"it should be {start + header['size']} bytes long")
    return header, start


def read_file(path: Path, form: Format) -> tuple[dict[str, Any], Arrays]:
    """Map the arrays of a file and check every one of them.

    Raises:
        StoreError: it is another kind of file, damaged, or of another version.
        OSError: it cannot be read.
    """
    header, start = _read_header(path, form)
    mapped = (
        np.memmap(path, np.uint8, mode="r", offset=0) if header["size"] else np.zeros(0, np.uint8)
    )
    arrays = {}
    for name, (kind, shape, place, crc) in header["arrays"].items():
        if kind not in _TYPES:
            raise damaged(path, f"array {name} has the unknown type {kind}")
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        raw = mapped[start + place : start + place + size]
        if len(raw) != size or zlib.crc32(raw.data) != crc:
            raise damaged(path, f"array {name} does not match its checksum")
        # A plain view of the mapping: np.memmap's own class slows every later operation.
        arrays[name] = np.asarray(raw).view(np.ndarray).view(kind).reshape(shape)
    return header["meta"], arrays


def damaged(path: Path, why: str) -> StoreError:
    """Return the error of a file that is not what it was."""
    return StoreError(f"{path} is damaged: {why}; build it again")
