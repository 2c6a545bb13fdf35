"""Spreading: documents built by many workers; what comes back is the same as built by one.

Documents go out in batches, the largest files first and the batches ever smaller, so that no worker
is left alone with a long one. Only so many are under way as keep the workers busy, and results are
yielded as they come. A worker that dies takes its batch with it: that is built again, file by file,
and a file that is lost twice when it is alone is reported like any that cannot be read.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar
from uuid import uuid4

from hier.corpus.building import Outcome, Recipe, Task, build_files, prepare
from hier.corpus.workers import run_workers, unportable
from hier.errors import HierError, InputError, StoreError

E = TypeVar("E")
R = TypeVar("R")

BATCH_BYTES = 1 << 20
BATCH_FILES = 64
LEAST_BYTES = 1 << 16  # of a batch, where there are enough files
UNDER_WAY = 128
"""Batches that an executor is given at a time: its workers are not known."""
_SHARES = 4  # a batch is at most so small a part of what a worker may still expect
_REMEDY = "build it alone where there is more memory, or leave it out"


def spread(
    tasks: Sequence[Task], recipe: Recipe, workers: int, executor: Executor | None
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of all tasks, a batch at a time, as they are finished.

    Args:
        tasks: files to be read.
        recipe: how they are built.
        workers: processes of our own, where there is no executor.
        executor: any executor that runs functions of plain values.

    Raises:
        InputError: there is no worker, or the recipe cannot be sent to it.
        StoreError: no worker gets ready, or the executor is broken.
    """
    check_workers(workers)
    waiting = Batches(
        batched(tasks, UNDER_WAY if executor else workers),
        lambda task, why: [give_up(task, why)],
    )
    work = partial(build_files, recipe=recipe)
    if executor is not None:
        return run_executor(waiting, work, executor)
    return run_workers(waiting, work, partial(prepare, recipe), workers)


def give_up(task: Task, why: str) -> Outcome:
    """Return what became of a file that was lost twice when it was alone."""
    return Outcome(task.id, error=f"{task.id}: {why}, twice; {_REMEDY}")


def check_workers(workers: Any) -> None:
    """Refuse what is no number of workers.

    Raises:
        InputError: it is none.
    """
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers {workers!r} is no number of processes; pass 1 or more")


class Batches(Generic[E, R]):
    """Batches that wait for a worker, the next one first.

    Args:
        batches: what they hold is done together.
        give_up: the result for a piece that was lost twice when it was alone, and why.
    """

    def __init__(self, batches: Iterable[Sequence[E]], give_up: Callable[[E, str], R]) -> None:
        """Take the batches."""
        self._waiting = deque(tuple(batch) for batch in batches)
        self._give_up = give_up
        self._alone: set[E] = set()  # pieces that were lost, and are tried once more

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @property
    def suspect(self) -> bool:
        """Whether the next one was lost before; all behind it were, too."""
        return len(self._waiting[0]) == 1 and self._waiting[0][0] in self._alone

    def take(self) -> Sequence[E]:
        """Return the next batch."""
        return self._waiting.popleft()

    def give_back(self, batch: Sequence[E]) -> None:
        """Let a batch that nobody began wait again."""
        self._waiting.appendleft(tuple(batch))

    def lost(self, batch: Sequence[E], why: str) -> list[R]:
        """Let a batch that was lost wait again, piece by piece; return what is given up."""
        if len(batch) == 1 and batch[0] in self._alone:
            return [self._give_up(batch[0], why)]
        self._alone.update(batch)
        self._waiting.extend((piece,) for piece in batch)
        return []


def batched(
    tasks: Sequence[Task],
    workers: int,
    size: range = range(LEAST_BYTES, BATCH_BYTES),
    most: int = BATCH_FILES,
) -> list[list[Task]]:
    """Return the tasks in batches, the largest files first and the last batches small.

    Args:
        tasks: files to be read.
        workers: how many build.
        size: the least and the most bytes of a batch, as far as files allow.
        most: files of a batch.
    """
    sized = sorted(((_size(task), task) for task in tasks), key=lambda each: (-each[0], each[1].id))
    left = sum(own for own, _ in sized)
    batches: list[list[Task]] = []
    room = 0
    for own, task in sized:
        if not batches or own > room or len(batches[-1]) >= most:
            batches.append([])
            room = min(size.stop, max(size.start, left // (_SHARES * workers)))
        batches[-1].append(task)
        room -= own
        left -= own
    return batches


def _size(task: Task) -> int:
    if task.size >= 0:
        return task.size
    try:
        return Path(task.path).stat().st_size
    except OSError:
        return 0  # reading it says why


def run_executor(
    waiting: Batches[E, R],
    work: Callable[[Sequence[E]], R],
    executor: Executor,
    under_way: int = UNDER_WAY,
) -> Iterator[R]:
    """Yield the result of every batch, as they are finished.

    Args:
        waiting: the batches.
        work: what is done with each.
        executor: where; of its futures nothing is used but what all have.
        under_way: batches that it has at a time.

    Raises:
        InputError: what is to be sent to a worker cannot be.
        HierError: what the work raised: it is wrong for all.
        StoreError: the executor is broken, or was shut down.
    """
    done: SimpleQueue[Future[R]] = SimpleQueue()
    sent: dict[Future[R], Sequence[E]] = {}
    run = uuid4().hex  # an executor that knows a call by its arguments must not answer from memory
    number = 0
    try:
        while waiting or sent:
            # Some executors blame all that a worker was given: who is suspect goes alone.
            while waiting and len(sent) < (1 if waiting.suspect else under_way):
                batch, number = waiting.take(), number + 1
                future = _submit(executor, work, batch, f"{run}-{number}")
                sent[future] = batch
                future.add_done_callback(done.put)
            future = done.get()
            batch = sent.pop(future)
            why = _failure(future)
            if why:
                yield from waiting.lost(batch, why)
            else:
                yield future.result()
    finally:
        for future in sent:
            future.cancel()


def _submit(
    executor: Executor, work: Callable[[Sequence[E]], R], batch: Sequence[E], call: str
) -> Future[R]:
    try:
        return executor.submit(_do, work, batch, call)
    except Exception as error:  # executors raise what they like
        if "pickle" in f"{type(error).__name__} {error}".lower():
            raise unportable(error) from error
        raise _broken(error) from error


def _do(work: Callable[[Sequence[E]], R], batch: Sequence[E], _: str) -> R:
    """Do the work on a batch, where the executor wants it done."""
    return work(batch)


def _failure(future: Future[R]) -> str:
    """Return why a future has no result; empty where it has one."""
    if future.cancelled():
        raise _broken(RuntimeError("it cancelled what it was given"))
    error = future.exception()
    if error is None:
        return ""
    if isinstance(error, HierError):  # what is wrong for all
        raise error
    if isinstance(error, BrokenExecutor):
        raise _broken(error) from error
    name, said = type(error).__name__, " ".join(str(error).split())
    if name == "PicklingError" or "pickle" in said:
        raise unportable(error) from error
    if name in ("KilledWorker", "TerminatedWorkerError"):
        return f"its worker died ({name})"
    return f"its worker failed ({name}: {said[:200]})"


def _broken(error: Exception) -> StoreError:
    said = " ".join(str(error).split())[:200]
    return StoreError(
        f"the executor can do no more ({type(error).__name__}: {said}); what was finished is kept: "
        "run the same again with another one, or with workers=N, which outlives its workers"
    )
