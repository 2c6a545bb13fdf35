"""Writing to a corpus: every finished document in a transaction of its own.

A folder is compared with what the corpus has of it by the facts of its files, then by their bytes;
what changed is built, here or by workers, and kept as it comes. Documents whose files are gone are
removed last. So an interrupted run has lost nothing that it finished, and the next one goes on.
Where nobody can tell whether files are gone, their documents stay.
"""

import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from hier.corpus.building import (
    Built,
    Outcome,
    Recipe,
    Task,
    build_document,
    each_file,
    hash_text,
)
from hier.corpus.database import Database, Row, Stamp, check_name
from hier.corpus.settings import ENGINE, Settings
from hier.corpus.spread import spread
from hier.document import Document
from hier.errors import InputError, StoreError
from hier.files.folder import File, Listing, Skipped, walk
from hier.files.reading import readable
from hier.ledger import Ledger

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
        InputError: there is no such folder; or it is empty, and the corpus has documents of it.
        StoreError: the store cannot be written.
    """
    started, now = time.perf_counter(), time.time_ns()
    plan = plan_sync(database, folder, prefix)
    if recipe.is_neural:
        plan = replace(plan, tasks=_with_previous(database, plan))
    failed = dict(plan.failed)
    added, updated, touched = list[str](), list[str](), list[Row]()
    tokens = number = 0
    named = {row.hash: row.metadata for row in plan.own.values()}
    with closing(_outcomes(plan.tasks, recipe, workers, executor, ledger)) as batches:
        for batch in batches:
            fresh = [each for each in batch if not each.error and not is_as_was(each, plan)]
            if fresh:
                with database.transaction():
                    for outcome in fresh:
                        put_built(database, outcome.built)
                        database.put_row(_row(outcome, named, plan.home, now))
            for outcome in batch:
                number += 1
                if outcome.error:
                    failed[outcome.id] = outcome.error
                elif is_as_was(outcome, plan):
                    old = plan.own[outcome.id]
                    touched.append(replace(old, stamp=settled(outcome.stamp, now)))
                else:
                    tokens += 0 if outcome.built is None else outcome.built.tokens
                    (updated if outcome.id in plan.own else added).append(outcome.id)
                if progress is not None:
                    progress("reading", number, len(plan.tasks))
    _finish(database, touched, plan)
    return Report(
        added=tuple(sorted(added)),
        updated=tuple(sorted(updated)),
        removed=tuple(plan.removed),
        unchanged=len(plan.files - failed.keys()) - len(added) - len(updated),
        failed=dict(sorted(failed.items())),
        skipped=plan.skipped,
        tokens=tokens,
        seconds=time.perf_counter() - started,
    )


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


def _with_previous(database: Database, plan: Plan) -> list[Task]:
    """Return the tasks, each with the tree that the corpus has of its document."""
    hashes = {task.id: plan.own[task.id].hash for task in plan.tasks if task.id in plan.own}
    packed = database.packed(sorted(set(hashes.values())))
    return [
        replace(task, previous=packed[hashes[task.id]]) if task.id in hashes else task
        for task in plan.tasks
    ]


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


def _outcomes(
    tasks: Sequence[Task],
    recipe: Recipe,
    workers: int,
    executor: Executor | None,
    ledger: Ledger | None,
) -> Generator[list[Outcome]]:
    """Yield outcomes, as many at a time as are to be written together."""
    if executor is None and workers == 1:
        yield from ([outcome] for outcome in each_file(tasks, recipe, ledger))
    else:
        yield from spread(tasks, recipe, workers, executor)


def is_as_was(outcome: Outcome, plan: Plan) -> bool:
    """Say whether a file holds what it held, whatever its facts say."""
    old = plan.own.get(outcome.id)
    return old is not None and outcome.hash == old.hash


def _row(outcome: Outcome, named: dict[bytes, dict[str, Any]], home: str, now: int) -> Row:
    """Return the row of a file that is new or changed; one that is known was renamed."""
    metadata = named[outcome.hash] if outcome.metadata is None else outcome.metadata
    return Row(outcome.id, outcome.hash, metadata, home, settled(outcome.stamp, now))


def _finish(database: Database, touched: Iterable[Row], plan: Plan) -> None:
    """Write the stamps of files that are as they were, and remove documents that are gone."""
    stamps = [row for row in touched if row.stamp != plan.own[row.id].stamp]
    if stamps or plan.removed:
        with database.transaction():
            for row in stamps:
                database.put_row(row)
            database.remove(plan.removed)


def renew(database: Database) -> None:
    """See to it that what an older version of the engine built is read again.

    Args:
        database: the store; the caller holds the lock.

    Raises:
        StoreError: a newer version built it.
    """
    engine = Settings.read(database.settings(), database.path).engine
    if engine > ENGINE:
        raise StoreError(
            f"{database.path} was built by engine {engine}, this hier has {ENGINE}; update hier: "
            "pip install -U hier-context"
        )
    if engine < ENGINE:
        with database.transaction():
            database.forget_stamps()
            database.write_settings({"engine": ENGINE})


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
        InputError: a document has no name or none that is valid text, or no words.
        StoreError: the store cannot be written.
    """
    names = []
    for document, metadata in documents:
        if not document.name:
            raise InputError("a document of a corpus needs a name; pass Document(text, name)")
        check_name(document.name)
        found = hash_text(document)
        there = database.known([found])
        previous = database.packed_of(document.name) if recipe.is_neural else b""
        built = None if there else build_document(document, found, recipe, ledger, previous)
        with database.transaction():
            put_built(database, built)
            database.put_row(Row(document.name, found, {**document.metadata, **metadata}))
        names.append(document.name)
    return names
