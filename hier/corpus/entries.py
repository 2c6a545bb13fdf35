"""Entries as bytes: the passages of a document as they are kept in a store."""

import struct
import zlib

import numpy as np

from hier.corpus.passages import Entry
from hier.errors import StoreError
from hier.flat import bytes_of, split_lines
from hier.retrieval.counts import Counts

_HEAD = struct.Struct("<5I")  # bytes of stems, passages, dimensions, entries, bytes a stem's number


def pack_entry(entry: Entry) -> bytes:
    """Return an entry as bytes."""
    stems = bytes_of("\n".join(entry.stems)).tobytes()
    number = np.dtype("<u2" if len(entry.stems) <= 1 << 16 else "<u4")
    passages, dimensions = entry.vectors.shape
    head = _HEAD.pack(len(stems), passages, dimensions, len(entry.held.words), number.itemsize)
    return zlib.compress(
        head
        + stems
        + entry.words.astype("<f4").tobytes()
        + entry.leaves.astype("<u4").tobytes()
        + entry.chapter.astype("<u4").tobytes()
        + np.diff(entry.held.offsets).astype("<u4").tobytes()
        + entry.held.words.astype(number).tobytes()
        + entry.held.counts.astype("<f4").tobytes()
        + entry.vectors.tobytes(),
        1,
    )


def unpack_entry(raw: bytes) -> Entry:
    """Return what was packed.

    Raises:
        StoreError: the bytes are damaged.
    """
    try:
        data = zlib.decompress(raw)
        size, passages, dimensions, entries, width = _HEAD.unpack_from(data)
        place = _HEAD.size

        def take(kind: str, count: int) -> np.ndarray:
            nonlocal place
            array = np.frombuffer(data, kind, count, place)
            place += array.nbytes
            return array

        stems = split_lines(take("u1", size))
        words = take("<f4", passages)
        leaves, chapter, lengths = (take("<u4", passages).astype(np.int32) for _ in range(3))
        held = take(f"<u{width}", entries).astype(np.int32)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        counts = Counts(offsets, held, take("<f4", entries))
        vectors = take("i1", passages * dimensions).reshape(passages, dimensions)
        return Entry(stems, counts, words, leaves, chapter, vectors)
    except (zlib.error, struct.error, TypeError, ValueError) as error:
        raise StoreError(
            f"packed passages are damaged ({error}); remove the document, and build again"
        ) from error
