"""Shards: a folder built into many stores, each where its worker runs; they are asked as one.

A worker makes a store in a temporary folder of its machine, its index beside it, and copies both to
the place of the shards; what goes back is a list of documents. The catalogue (``catalogue.py``) is
all that the coordinator writes. A file that changed goes into a new shard and is hidden in its old
one; shards that hide much, and small ones when there are many, are gathered into new ones.
"""

import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hier.corpus.building import Outcome, Recipe, Task, each_file, prepare
from hier.corpus.catalogue import Catalogue, Entry
from hier.corpus.database import Database, Row
from hier.corpus.index_file import index_path
from hier.corpus.merging import copy_rows
from hier.corpus.planning import Plan, is_as_was, plan_sync, settled
from hier.corpus.settings import ENGINE, Settings
from hier.corpus.shard import Shard
from hier.corpus.spread import Batches, batched, check_workers, give_up, run_executor
from hier.corpus.storage import drop, fetch, listed, put
from hier.corpus.workers import run_workers
from hier.corpus.writing import Report, put_built

E = TypeVar("E")
R = TypeVar("R")

SHARD_BYTES = 32 << 20
"""Of the files that go into one shard, about."""
_LEAST_BYTES = 4 << 20
_SHARD_FILES = 10_000
_WORKERS = 32  # of an executor, about: it does not say
_UNDER_WAY = 4096  # shards: little comes back of each
_SMALL = 8  # small shards that may be, before they are gathered


@dataclass(frozen=True)
class Target:
    """Where shards go, and what their documents have in common.

    Attributes:
        place: folder or URL.
        settings: how documents are read.
        home: the folder of their files.
        now: when the run began, nanoseconds.
    """

    place: str
    settings: Settings
    home: str = ""
    now: int = 0


@dataclass(frozen=True)
class Part:
    """What is taken over from a shard: all that it does not hide."""

    name: str
    hidden: frozenset[str]


@dataclass(frozen=True)
class Made:
    """What a worker did.

    Attributes:
        entry: the shard that it made; None where there was nothing for one.
        outcomes: what became of files, without their trees.
        parts: the shards whose documents it has.
    """

    entry: Entry | None = None
    outcomes: tuple[Outcome, ...] = ()
    parts: tuple[Part, ...] = ()


def sync_shards(
    database: Database,
    folder: Path,
    place: str,
    recipe: Recipe,
    *,
    prefix: str = "",
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Bring what the shards of a corpus have of a folder up to date; see ``Corpus.sync``.

    Args:
        database: the catalogue; the caller holds the lock.
        folder: the folder, as all workers see it.
        place: folder or URL of the shards, as all workers see it.
        recipe: how documents are built.
        prefix: what stands before the path of a file in its document's name.
        workers: processes that build, if there is no executor.
        executor: what builds.
        progress: called with (what, done, total).

    Raises:
        InputError: there is no such folder; or it is empty, and the corpus has documents of it.
        StoreError: the place or the catalogue cannot be written.
    """
    check_workers(workers)
    started, now = time.perf_counter(), time.time_ns()
    catalogue = _begin(database, place)
    plan = plan_sync(catalogue, folder, prefix)
    settings = Settings.read(database.settings(), database.path)
    target = Target(catalogue.place, settings, plan.home, now)
    recipe = replace(recipe, cache=True)  # the catalogue is not where the workers are
    run = partial(_run, ready=partial(prepare, recipe), workers=workers, executor=executor)
    failed, done, tokens = dict(plan.failed), list[str](), 0
    waiting: Batches[Task, Made] = Batches(
        _batches(plan, executor is not None, workers),
        lambda task, why: Made(outcomes=(give_up(task, why),)),
    )
    number, touched = 0, list[Row]()
    with closing(run(waiting, partial(build_shard, recipe=recipe, target=target))) as results:
        for made in results:
            if made.entry is not None:
                catalogue.put(made.entry)
                done += [row.id for row in made.entry.rows]
                tokens += sum(row.tokens for row in made.entry.rows)
            for outcome in made.outcomes:
                number += 1
                if outcome.error:
                    failed[outcome.id] = outcome.error
                elif is_as_was(outcome, plan):
                    row = plan.own[outcome.id]
                    touched.append(replace(row, stamp=settled(outcome.stamp, now)))
                if progress is not None:
                    progress("reading", number, len(plan.tasks))
    catalogue.stamp(touched)
    catalogue.hide(plan.removed)
    _gather(catalogue, target, run)
    return Report(
        added=tuple(sorted(set(done) - plan.own.keys())),
        updated=tuple(sorted(set(done) & plan.own.keys())),
        removed=tuple(plan.removed),
        unchanged=len(plan.files - failed.keys()) - len(done),
        failed=dict(sorted(failed.items())),
        skipped=plan.skipped,
        tokens=tokens,
        seconds=time.perf_counter() - started,
    )


def _begin(database: Database, place: str) -> Catalogue:
    """Open the catalogue; what is missing or was built by an older engine is struck off."""
    catalogue = Catalogue(database)
    catalogue.begin(place)
    names = catalogue.superfluous()
    drop(catalogue.place, [*names, *(index_path(Path(name)).name for name in names)])
    engine = Settings.read(database.settings(), database.path).engine
    there = listed(catalogue.place) if engine == ENGINE else set()
    catalogue.forget(catalogue.shards().keys() - there)
    if engine != ENGINE:
        with database.transaction():
            database.write_settings({"engine": ENGINE})
    return catalogue


def _batches(plan: Plan, distant: bool, workers: int) -> list[list[Task]]:
    """Return what is to be read, a shard at a time; renamed files are read like new ones."""
    tasks = [
        replace(task, known=(plan.own[task.id].hash,) if task.id in plan.own else ())
        for task in plan.tasks
    ]
    sizes = range(_LEAST_BYTES, SHARD_BYTES)
    return batched(tasks, _WORKERS if distant else workers, sizes, _SHARD_FILES)


def _run(
    waiting: Batches[E, R],
    work: Callable[[Sequence[E]], R],
    ready: Callable[[], None],
    workers: int,
    executor: Executor | None,
) -> Generator[R]:
    if executor is not None:
        yield from run_executor(waiting, work, executor, _UNDER_WAY)
    elif workers > 1:
        yield from run_workers(waiting, work, ready, workers)
    else:
        while waiting:
            yield work(waiting.take())


def build_shard(tasks: Sequence[Task], recipe: Recipe, target: Target) -> Made:
    """Build some files into a shard, here, and put it in its place.

    Raises:
        StoreError: the place cannot be written.
    """
    outcomes = []
    with TemporaryDirectory(prefix="hier-") as folder:
        made = Path(folder) / "shard"
        with closing(Database(made, create=True, settings=target.settings.to_dict())) as database:
            for outcome in each_file(tasks, recipe):
                if outcome.built is not None:
                    stamp = settled(outcome.stamp, target.now)
                    told = outcome.metadata or {}
                    with database.transaction():
                        put_built(database, outcome.built)
                        database.put_row(Row(outcome.id, outcome.hash, told, target.home, stamp))
                outcomes.append(replace(outcome, built=None))
        return Made(_store(made, target), tuple(outcomes))


def gather_shard(parts: Sequence[Part], target: Target) -> Made:
    """Copy what some shards show into one, here, and put it in its place.

    Raises:
        StoreError: a shard is missing, or the place cannot be written.
    """
    with TemporaryDirectory(prefix="hier-") as folder:
        made = Path(folder) / "shard"
        sources = [(fetch(target.place, part.name), part.hidden) for part in parts]
        copy_rows(sources, made)
        return Made(_store(made, target), parts=tuple(parts))


def _store(made: Path, target: Target) -> Entry | None:
    """Put a shard that was made in its place, the index first; None for an empty one."""
    with closing(Shard(made)) as shard:
        rows = shard.rows
        if not rows:
            return None
        shard.keep()
        shard.database.ask("PRAGMA journal_mode=DELETE")  # no reader shares memory over a network
    digest = hashlib.sha256(repr((target.settings, rows)).encode("utf-8", "surrogatepass"))
    name = f"{digest.hexdigest()[:32]}.hier"
    put(target.place, index_path(Path(name)).name, index_path(made))
    put(target.place, name, made)
    return Entry(name, made.stat().st_size, tuple(rows))


def _gather(catalogue: Catalogue, target: Target, run: Any) -> None:
    """Gather shards that hide much, and small ones where there are many."""
    sizes = catalogue.sizes()
    catalogue.forget([name for name, (_, shown, _) in sizes.items() if not shown])
    hidden = catalogue.shards()
    groups = [
        [Part(name, hidden[name]) for name in group] for group in to_gather(sizes, SHARD_BYTES)
    ]
    waiting: Batches[Part, Made] = Batches(groups, lambda part, why: Made())
    with closing(run(waiting, partial(gather_shard, target=target))) as results:
        for made in results:
            if made.entry is not None:
                catalogue.replace([part.name for part in made.parts], made.entry)


def to_gather(sizes: dict[str, tuple[int, int, int]], full: int) -> list[list[str]]:
    """Return which shards become one.

    Args:
        sizes: of each its bytes, and how many documents it shows and hides.
        full: bytes of one that is full.
    """
    shown = {name: each for name, each in sizes.items() if each[1]}
    worn = {name for name, (_, shows, hides) in shown.items() if 3 * hides > shows}
    small = {name for name, (size, _, _) in shown.items() if 2 * size < full}
    chosen = worn | small if len(small) >= _SMALL else worn
    groups: list[list[str]] = []
    room = 0
    for size, name in sorted((shown[name][0], name) for name in chosen):
        if not groups or size > room:
            groups.append([])
            room = full
        groups[-1].append(name)
        room -= size
    return [group for group in groups if len(group) > 1 or group[0] in worn]
