"""Spreading: documents built by many workers; what comes back is the same as built by one.

Documents go out in batches of about ``BATCH_BYTES``, the largest files first, so that no worker is
left alone with a long one. A worker that dies takes its batch with it: that is built again, file by
file, and a file that kills its worker again is reported like any that cannot be read.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from hier.corpus.building import Outcome, Recipe, Task, build_files
from hier.errors import InputError

BATCH_BYTES = 1 << 20
BATCH_FILES = 64


def spread(
    tasks: Sequence[Task], recipe: Recipe, workers: int, executor: Executor | None
) -> Iterator[Outcome]:
    """Yield the outcome of every task, as they are finished.

    Args:
        tasks: files to be read.
        recipe: how they are built.
        workers: processes of our own, where there is no executor.
        executor: any executor that runs functions of plain values.

    Raises:
        InputError: there is no worker.
    """
    if workers < 1:
        raise InputError(f"workers {workers} is no number of processes; pass 1 or more")
    batches = batched(tasks)
    if executor is not None:
        yield from _run(batches, recipe, executor)
        return
    while batches:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            batches = yield from _until_broken(batches, recipe, pool)


def batched(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks in batches, the largest files first."""
    sized = sorted(((_size(task), task) for task in tasks), key=lambda each: (-each[0], each[1].id))
    batches: list[list[Task]] = []
    room = 0
    for size, task in sized:
        if not batches or size > room or len(batches[-1]) >= BATCH_FILES:
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(task)
        room -= size
    return batches


def _size(task: Task) -> int:
    try:
        return Path(task.path).stat().st_size
    except OSError:
        return 0  # reading it says why


def _run(
    batches: Sequence[Sequence[Task]], recipe: Recipe, executor: Executor
) -> Iterator[Outcome]:
    sent = [executor.submit(build_files, batch, recipe) for batch in batches]
    for future in as_completed(sent):
        yield from future.result()


def _until_broken(
    batches: Sequence[list[Task]], recipe: Recipe, pool: Executor
) -> Iterator[Outcome]:
    """Yield outcomes; return what is to be built again because a worker died."""
    sent: dict[Future[list[Outcome]], list[Task]] = {
        pool.submit(build_files, batch, recipe): batch for batch in batches
    }
    again: list[list[Task]] = []
    for future in as_completed(sent):
        try:
            yield from future.result()
        except BrokenExecutor:
            again.append(sent[future])
    return again
