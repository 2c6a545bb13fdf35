"""Planning: what is to be done so that a corpus has what a folder has.

Where nobody can tell whether files are gone, their documents stay.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from hier.corpus.building import Outcome, Task
from hier.corpus.database import Row, Stamp
from hier.errors import InputError
from hier.files.folder import File, Listing, Skipped, walk
from hier.files.reading import readable

_RACY = 2_000_000_000  # nanoseconds: a file that young may change again and look the same


class Listed(Protocol):
    """What lists documents: a store, or a catalogue of several."""

    path: Path

    def rows(self) -> list[Row]:
        """Return all documents."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is to be done about a folder.

    Attributes:
        home: the folder, as documents name it.
        own: what the corpus has of it, by name.
        files: the names of its documents.
        tasks: files that are to be read.
        removed: documents whose files are gone.
        failed: why documents stay as they are, by name.
        skipped: why files and folders were passed over, by path.
    """

    home: str
    own: dict[str, Row]
    files: frozenset[str]
    tasks: list[Task]
    removed: list[str]
    failed: dict[str, str]
    skipped: dict[str, str]


def plan_sync(database: Listed, folder: Path, prefix: str) -> Plan:
    """Compare a folder with what a corpus has of it."""
    prefix = readable(prefix)
    listing, home = walk(folder), readable(str(folder.resolve()))
    rows = {row.id: row for row in database.rows()}
    own = {name: row for name, row in rows.items() if row.folder == home}
    if own and not listing.files:
        raise InputError(
            f"{readable(str(folder))} holds no file to read, and {database.path} has {len(own):,} "
            "documents of it: is its disk there? To take them out all the same: hier remove"
        )
    files = {prefix + file.id: file for file in listing.files}
    failed = {
        name: f"{name} is there already, from {rows[name].folder or 'elsewhere'}; name this folder "
        "apart: --as NAME"
        for name in files.keys() - own.keys() & rows.keys()
    }
    hidden = _hidden(listing, prefix, sorted(own.keys() - files.keys()))
    removed = sorted(own.keys() - files.keys() - hidden.keys())
    gone = tuple(own[name].hash for name in removed)
    tasks = [
        Task(name, str(file.path), (own[name].hash, *gone) if name in own else gone, file.size)
        for name, file in sorted(files.items())
        if name not in failed and not (name in own and own[name].stamp == _stamp(file))
    ]
    skipped = {skipped.id: skipped.reason for skipped in listing.skipped}
    return Plan(home, own, frozenset(files), tasks, removed, failed | hidden, skipped)


def _hidden(listing: Listing, prefix: str, missing: Iterable[str]) -> dict[str, str]:
    """Return why documents may still have files, though none is listed, by name."""
    faults = [skipped for skipped in listing.skipped if skipped.fault]
    return {
        name: f"{name} cannot be looked at: {fault.reason}"
        for name in missing
        for fault in faults
        if _holds(fault, name.removeprefix(prefix))
    }


def _holds(skipped: Skipped, path: str) -> bool:
    return not skipped.id or path == skipped.id or path.startswith(skipped.id + "/")


def _stamp(file: File) -> Stamp:
    return Stamp.of(file.size, file.mtime_ns, file.ino)


def settled(stamp: Stamp, now: int) -> Stamp:
    """Return the stamp of a file; of one that was changed just before ``now`` one that none has."""
    return replace(stamp, modified=-1) if stamp.modified > now - _RACY else stamp


def is_as_was(outcome: Outcome, plan: Plan) -> bool:
    """Say whether a file holds what it held, whatever its facts say."""
    old = plan.own.get(outcome.id)
    return old is not None and outcome.hash == old.hash
