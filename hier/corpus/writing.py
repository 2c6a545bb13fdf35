"""Writing to a corpus: one writer at a time, every finished document in a transaction of its own.

A folder is compared with what the corpus has of it by the facts of its files, then by their bytes;
what changed is built, here or by workers, and kept as it comes. Documents whose files are gone are
removed last. So an interrupted run has lost nothing that it finished, and the next one goes on.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hier.corpus.building import (
    Built,
    Outcome,
    Recipe,
    Task,
    build_document,
    each_file,
    hash_text,
)
from hier.corpus.database import Database, Row, Stamp
from hier.corpus.spread import spread
from hier.document import Document
from hier.errors import InputError, StoreError
from hier.files.folder import File, walk
from hier.ledger import Ledger

LOCK_SECONDS = 60.0
"""How long a writer waits for another."""
_RACY = 2_000_000_000  # nanoseconds: a file that young may change again and look the same


@dataclass(frozen=True)
class Report:
    """What became of a folder.

    Attributes:
        added: documents that are new.
        updated: documents whose files had changed.
        removed: documents whose files are gone.
        unchanged: how many were left alone.
        failed: why documents could not be read, by name; what the corpus had of them stays.
        skipped: why files and folders were passed over, by path.
        tokens: how many were read.
        seconds: what it took.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    tokens: int = 0
    seconds: float = 0.0


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold the right to write to a store.

    Raises:
        StoreError: another process holds it, and went on for too long.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(path.name + ".lock"), timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"another process has been writing to {path} for {LOCK_SECONDS:.0f} s; wait for it, or "
            "end it"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; choose another place"
        ) from error
    try:
        yield
    finally:
        lock.release()


def sync(
    database: Database,
    folder: Path,
    recipe: Recipe,
    *,
    prefix: str = "",
    workers: int = 1,
    executor: Executor | None = None,
    ledger: Ledger | None = None,
    progress: Any = None,
) -> Report:
    """Bring what a corpus has of a folder up to date.

    Args:
        database: the store; the caller holds the lock.
        folder: the folder.
        recipe: how documents are built.
        prefix: what stands before the path of a file in its document's name.
        workers: processes that build, if there is no executor.
        executor: what builds.
        ledger: where a model's calls are recorded.
        progress: called with (what, done, total).

    Raises:
        InputError: there is no such folder.
        StoreError: the store cannot be written.
    """
    started, now = time.perf_counter(), time.time_ns()
    listing = walk(folder)
    home = str(folder.resolve())
    rows = {row.id: row for row in database.rows()}
    own = {name: row for name, row in rows.items() if row.folder == home}
    files = {prefix + file.id: file for file in listing.files}
    failed = {
        name: f"{name} is there already, from {rows[name].folder or 'elsewhere'}; name this folder "
        "apart: --as NAME"
        for name in files.keys() - own.keys() & rows.keys()
    }
    tasks = [
        Task(name, str(file.path), own[name].hash if name in own else b"")
        for name, file in sorted(files.items())
        if name not in failed and not (name in own and own[name].stamp == _stamp(file, 0))
    ]
    done: dict[str, list[str]] = {"added": [], "updated": []}
    tokens = 0
    for number, outcome in enumerate(_outcomes(tasks, recipe, workers, executor, ledger), 1):
        if outcome.error:
            failed[outcome.id] = outcome.error
        else:
            old = own.get(outcome.id)
            _keep(database, outcome, old, home, now)
            if outcome.built is not None:
                tokens += outcome.built.tokens
                done["added" if old is None else "updated"].append(outcome.id)
        if progress is not None:
            progress("reading", number, len(tasks))
    removed = sorted(own.keys() - files.keys())
    if removed or done["updated"]:
        with database.transaction():
            database.remove(removed)
            database.sweep()
    return Report(
        added=tuple(sorted(done["added"])),
        updated=tuple(sorted(done["updated"])),
        removed=tuple(removed),
        unchanged=len(files) - len(failed) - len(done["added"]) - len(done["updated"]),
        failed=dict(sorted(failed.items())),
        skipped={skipped.id: skipped.reason for skipped in listing.skipped},
        tokens=tokens,
        seconds=time.perf_counter() - started,
    )


def _stamp(file: File, now: int) -> Stamp:
    """Return the facts of a file; of one that was changed just before ``now`` none that tell."""
    young = now and file.mtime_ns > now - _RACY
    return Stamp(file.size, -1 if young else file.mtime_ns, file.ino)


def _outcomes(
    tasks: Sequence[Task],
    recipe: Recipe,
    workers: int,
    executor: Executor | None,
    ledger: Ledger | None,
) -> Iterator[Outcome]:
    if executor is None and workers == 1:
        return each_file(tasks, recipe, ledger)
    return spread(tasks, recipe, workers, executor)


def _keep(database: Database, outcome: Outcome, old: Row | None, folder: str, now: int) -> None:
    """Write what became of a file: its tree, where it is new, and its row."""
    stamp = outcome.stamp
    if stamp.modified > now - _RACY:
        stamp = Stamp(stamp.size, -1, stamp.inode)
    metadata = outcome.metadata
    if metadata is None:
        metadata = old.metadata if old is not None else {}
    with database.transaction():
        put_built(database, outcome.built)
        database.put_row(Row(outcome.id, outcome.hash, metadata, folder, stamp))


def put_built(database: Database, built: Built | None) -> None:
    """Write a tree, within a transaction; None for one that is there."""
    if built is not None:
        database.put_tree(built.hash, built.tokens, built.leaves, built.packed, built.passages)


def put_documents(
    database: Database,
    documents: Iterable[tuple[Document, dict[str, Any]]],
    recipe: Recipe,
    ledger: Ledger | None = None,
) -> list[str]:
    """Build documents that were read elsewhere, and write each as it is finished.

    Args:
        database: the store; the caller holds the lock.
        documents: each with what else is known of it; its name is its document's.
        recipe: how they are built.
        ledger: where a model's calls are recorded.

    Raises:
        InputError: a document has no name, or no words.
        StoreError: the store cannot be written.
    """
    names = []
    for document, metadata in documents:
        if not document.name:
            raise InputError("a document of a corpus needs a name; pass Document(text, name)")
        found = hash_text(document)
        there = database.known([found])
        built = None if there else build_document(document, found, recipe, ledger)
        with database.transaction():
            put_built(database, built)
            database.put_row(Row(document.name, found, {**document.metadata, **metadata}))
            database.sweep()
        names.append(document.name)
    return names
