"""The index file: the passages of a store, kept beside it, and patched where it is stale.

It is derived: one that is missing, damaged or of another version is made again, which costs time
and nothing else; so whatever is wrong with it is no error.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hier.array_file import Format, read_file, write_file
from hier.corpus.database import Database, Row
from hier.corpus.entries import unpack_entry
from hier.corpus.passages import COLUMNS, Entry, Passages, put_together
from hier.errors import StoreError
from hier.flat import bytes_of, lines_of
from hier.retrieval.counts import Counts

_FORMAT = Format(b"\x89HIDX\r\n\x1a", 1, "an index", "it is made again")
_HASH = hashlib.sha256().digest_size
_LOADED = 1000  # documents read at a time


def index_path(store: Path) -> Path:
    """Return where the index of a store is."""
    return store.with_name(store.name + ".index")


def open_index(store: Path, database: Database, rows: Sequence[Row]) -> Passages:
    """Return the index of a store: as it was kept, or patched; it is kept where it changed.

    Raises:
        StoreError: the store is damaged.
    """
    kept = _read(index_path(store))
    hashes = [row.hash for row in rows]
    if kept is not None and kept[1] == hashes:
        return kept[0]
    passages = _patch(kept, hashes, database)
    _keep(store, passages, hashes)
    return passages


def _keep(store: Path, passages: Passages, hashes: list[bytes]) -> None:
    """Write the index, where one may write; without it the next one to open makes it anew."""
    arrays = {
        "hashes": np.frombuffer(b"".join(hashes), np.uint8),
        "first": passages.first,
        **{name: getattr(passages, name) for name in COLUMNS},
        "stems": bytes_of("\n".join(passages.stems)),
        "offsets": passages.lists.offsets.astype(np.int64),
        "passages": passages.lists.words.astype(np.int32),
        "counts": passages.lists.counts.astype(np.float32),
    }
    try:
        write_file(index_path(store), _FORMAT, {}, arrays)
    except StoreError as error:
        import warnings

        warnings.warn(f"the index is not kept: {error}", stacklevel=2)


def _read(path: Path) -> tuple[Passages, list[bytes]] | None:
    """Return an index and the trees it is of; None where there is none of use."""
    try:
        _, arrays = read_file(path, _FORMAT)
        hashes = arrays["hashes"].tobytes()
        lists = Counts(*(arrays[name] for name in ("offsets", "passages", "counts")))
        stems = lines_of(arrays["stems"])
        columns = {name: arrays[name] for name in COLUMNS}
        passages = Passages(arrays["first"], stems=stems, lists=lists, **columns)
    except (StoreError, OSError, LookupError, ValueError):
        return None  # made again: nothing is lost with it
    return passages, [hashes[i : i + _HASH] for i in range(0, len(hashes), _HASH)]


def _patch(
    kept: tuple[Passages, list[bytes]] | None, hashes: Sequence[bytes], database: Database
) -> Passages:
    """Put an index together from documents that are known and those that are read."""
    old, known = kept or (None, [])
    places: dict[bytes, list[int]] = {}
    for number, tree in reversed(list(enumerate(known))):
        places.setdefault(tree, []).append(number)  # one text may have two names
    found = [places[tree].pop() if places.get(tree) else tree for tree in hashes]
    new = sorted({tree for tree in found if isinstance(tree, bytes)})
    entries: dict[bytes, Entry] = {}
    for start in range(0, len(new), _LOADED):
        raw = database.passages(new[start : start + _LOADED])
        entries |= {tree: unpack_entry(packed) for tree, packed in raw.items()}
    return put_together(old, [entries[f] if isinstance(f, bytes) else f for f in found])
