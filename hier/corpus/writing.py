"""Writing to a corpus: every finished document in a transaction of its own.

A folder is compared with what the corpus has of it by the facts of its files, then by their bytes;
what changed is built, here or by workers, and kept as it comes. Documents whose files are gone are
removed last. So an interrupted run has lost nothing that it finished, and the next one goes on.
"""

import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field, replace
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
from hier.corpus.database import Database, Row, check_name
from hier.corpus.planning import Plan, is_as_was, plan_sync, settled
from hier.corpus.settings import ENGINE, Settings
from hier.corpus.spread import spread
from hier.document import Document
from hier.errors import InputError, StoreError
from hier.ledger import Ledger


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


def _with_previous(database: Database, plan: Plan) -> list[Task]:
    """Return the tasks, each with the tree that the corpus has of its document."""
    hashes = {task.id: plan.own[task.id].hash for task in plan.tasks if task.id in plan.own}
    packed = database.packed(sorted(set(hashes.values())))
    return [
        replace(task, previous=packed[hashes[task.id]]) if task.id in hashes else task
        for task in plan.tasks
    ]


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
