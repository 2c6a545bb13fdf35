"""The index file: the passages of a store, kept beside it, and patched where it is stale.

It is derived: one that is missing, damaged, of another version or of a store that was read in
another way is made again, which costs time and nothing else; so whatever is wrong with it is no
error.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hier.array_file import Format, read_facts, read_file, write_file
from hier.corpus.database import Database, GoneError, Row
from hier.corpus.entries import unpack_entry
from hier.corpus.lock import BusyError, writing
from hier.corpus.passages import COLUMNS, Entry, Passages, put_together
from hier.errors import StoreError
from hier.flat import bytes_of, split_lines
from hier.retrieval.counts import Counts

_FORMAT = Format(b"\x89HIDX\r\n\x1a", 1, "an index", "it is made again")
_HASH = hashlib.sha256().digest_size
_LOADED = 1000  # documents read at a time


def index_path(store: Path) -> Path:
    """Return where the index of a store is."""
    return store.with_name(store.name + ".index")


@dataclass(frozen=True)
class Kept:
    """An index.

    Attributes:
        passages: what it holds.
        hashes: what the trees are found by whose passages these are, in order.
        settings: of the store, as they are kept there.
    """

    passages: Passages
    hashes: list[bytes]
    settings: dict[str, Any]


def open_index(
    store: Path, database: Database, rows: Sequence[Row], known: Kept | None = None
) -> tuple[Kept, bool]:
    """Return the index of a store, and whether it is another than the one in its file.

    Args:
        store: where the store is.
        database: the store.
        rows: its documents.
        known: an index of an earlier state; None to read the file.

    Raises:
        GoneError: a document is no longer there.
        StoreError: the store is damaged.
    """
    settings = database.settings()
    if known is None or known.settings != settings:
        known = _read(index_path(store), settings)
    hashes = [row.hash for row in rows]
    if known is not None and known.hashes == hashes:
        return known, False
    try:
        return Kept(_patch(known, hashes, database), hashes, settings), True
    except _DamagedError as error:
        name = next(row.id for row in rows if row.hash == error.tree)
        raise StoreError(f"{name} in {store}: {error}") from error


def is_kept(store: Path, database: Database, rows: Sequence[Row]) -> bool:
    """Say whether the index beside a store is of what it holds, by what the file says of itself."""
    try:
        facts = read_facts(index_path(store), _FORMAT)
    except (StoreError, OSError, LookupError, TypeError, ValueError):
        return False
    return facts == _facts(database.settings(), [row.hash for row in rows])


def _facts(settings: dict[str, Any], hashes: Sequence[bytes]) -> dict[str, Any]:
    return {"settings": settings, "of": hashlib.sha256(b"".join(hashes)).hexdigest()}


def keep_index(store: Path, kept: Kept) -> None:
    """Write the index, where one may write; without it the next one to open makes it again."""
    passages = kept.passages
    arrays = {
        "hashes": np.frombuffer(b"".join(kept.hashes), np.uint8),
        "first": passages.first,
        **{name: getattr(passages, name) for name in COLUMNS},
        "stems": bytes_of("\n".join(passages.stems)),
        "offsets": passages.lists.offsets.astype(np.int64),
        "passages": passages.lists.words.astype(np.int32),
        "counts": passages.lists.counts.astype(np.float32),
    }
    try:
        write_file(index_path(store), _FORMAT, _facts(kept.settings, kept.hashes), arrays)
    except StoreError as error:
        _say(error)


def keep_if_free(store: Path, kept: Kept) -> None:
    """Write the index, where nobody else is writing to the store: he will do so himself."""
    try:
        with writing(store, seconds=0):
            keep_index(store, kept)
    except BusyError:
        pass
    except StoreError as error:
        _say(error)


def _say(error: StoreError) -> None:
    import warnings

    warnings.warn(f"the index is not kept, and made again each time: {error}", stacklevel=2)


def _read(path: Path, settings: dict[str, Any]) -> Kept | None:
    """Return the index of a file; None where it is of no use."""
    try:
        facts, arrays = read_file(path, _FORMAT)
        hashes = arrays["hashes"].tobytes()
        lists = Counts(*(arrays[name] for name in ("offsets", "passages", "counts")))
        stems = split_lines(arrays["stems"])
        columns = {name: arrays[name] for name in COLUMNS}
        passages = Passages(arrays["first"], stems=stems, lists=lists, **columns)
        if facts["settings"] != settings:
            return None
    except (StoreError, OSError, LookupError, TypeError, ValueError):
        return None  # made again: nothing is lost with it
    return Kept(passages, [hashes[i : i + _HASH] for i in range(0, len(hashes), _HASH)], settings)


class _DamagedError(StoreError):
    """The passages of a tree are damaged."""

    def __init__(self, tree: bytes, why: StoreError) -> None:
        super().__init__(str(why))
        self.tree = tree


def _unpack(tree: bytes, packed: bytes) -> Entry:
    try:
        return unpack_entry(packed)
    except StoreError as error:
        raise _DamagedError(tree, error) from error


def _patch(known: Kept | None, hashes: Sequence[bytes], database: Database) -> Passages:
    """Put an index together from documents that are known and those that are read."""
    places: dict[bytes, list[int]] = {}
    for number, tree in reversed(list(enumerate(known.hashes if known else []))):
        places.setdefault(tree, []).append(number)  # one text may have two names
    found = [places[tree].pop() if places.get(tree) else tree for tree in hashes]
    new = sorted({tree for tree in found if isinstance(tree, bytes)})
    entries: dict[bytes, Entry] = {}
    for start in range(0, len(new), _LOADED):
        raw = database.passages(new[start : start + _LOADED])
        entries |= {tree: _unpack(tree, packed) for tree, packed in raw.items()}
    if len(entries) < len(new):
        raise GoneError(f"{database.path} was changed while it was read; open it again")
    parts = [entries[each] if isinstance(each, bytes) else each for each in found]
    return put_together(known.passages if known else None, parts)
