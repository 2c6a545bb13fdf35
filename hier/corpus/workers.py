"""Workers: processes of our own, each at one batch at a time, and each replaced when it dies.

A worker is started afresh ("spawn": nothing of the parent's threads and locks is taken over), gets
ready once, and then is handed batches through a pipe and hands results back. Who dies is known, and
so is what it was at; nobody else is disturbed. The numeric libraries of a worker use one thread:
the workers are what runs side by side.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, Protocol, TypeVar

from hier.errors import HierError, InputError, StoreError

E = TypeVar("E")
R = TypeVar("R")
Work = Callable[[Sequence[E]], R]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_STARTS = 3  # workers in a row that may die before they are ready
_STOP_SECONDS = 5.0


class Waiting(Protocol[E, R]):
    """Batches that wait for a worker; see ``spread.Batches``."""

    def __len__(self) -> int:
        """Return how many wait."""
        ...

    def take(self) -> Sequence[E]:
        """Return the next batch."""
        ...

    def give_back(self, batch: Sequence[E]) -> None:
        """Let a batch that nobody began wait again."""
        ...

    def lost(self, batch: Sequence[E], why: str) -> list[R]:
        """Let a batch that died with its worker wait again, in pieces; return what is given up."""
        ...


class _Worker(Generic[E, R]):
    """A process, what it is at, and the pipe to it."""

    def __init__(
        self, context: SpawnContext, work: Work[E, R], prepare: Callable[[], None]
    ) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=_serve, args=(theirs, work, prepare), daemon=True
        )
        self.ready = False
        self.batch: Sequence[E] | None = None
        try:
            with _starting():
                self.process.start()
        except BaseException:
            self.pipe.close()
            raise
        finally:
            theirs.close()

    def hand(self, batch: Sequence[E]) -> bool:
        """Send a batch; False where the worker has died meanwhile."""
        try:
            self.pipe.send(batch)
        except OSError:
            return False
        self.batch = batch
        return True

    def receive(self) -> Any:
        """Return what it sent; raise EOFError where it died."""
        try:
            return self.pipe.recv()
        except OSError as error:  # a connection that is reset
            raise EOFError from error

    def end(self) -> str:
        """End it, if it has not ended; return how it did, in words."""
        self.pipe.close()
        self.process.join(_STOP_SECONDS)
        if self.process.exitcode is None:
            self.kill()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run_workers(
    waiting: Waiting[E, R], work: Work[E, R], prepare: Callable[[], None], workers: int
) -> Iterator[R]:
    """Yield the result of every batch, as they are finished.

    Args:
        waiting: the batches.
        work: what is done with each; it and its results are sent from process to process.
        prepare: called once in every worker.
        workers: processes.

    Raises:
        InputError: what is to be sent cannot be.
        HierError: what ``prepare`` or the work raised: it is wrong for all.
        StoreError: workers die before they are ready.
    """
    check_portable(work)
    crew: list[_Worker[E, R]] = []
    try:
        yield from _run(crew, waiting, work, prepare, workers)
    except BaseException:
        for worker in crew:
            worker.kill()
        raise
    for worker in crew:
        worker.pipe.close()  # all of them learn of it before the first is waited for
    for worker in crew:
        worker.end()


def _run(
    crew: list[_Worker[E, R]],
    waiting: Waiting[E, R],
    work: Work[E, R],
    prepare: Callable[[], None],
    workers: int,
) -> Iterator[R]:
    context = get_context("spawn")
    unready = _STARTS - 1  # deaths before the work in a row: the very first is one too many
    while True:
        for worker in crew:
            _hand_next(worker, waiting)
        starting = sum(not worker.ready for worker in crew)
        for _ in range(min(workers - len(crew), len(waiting) - starting)):
            crew.append(_Worker(context, work, prepare))
        if not waiting and not any(worker.batch for worker in crew):
            return
        for worker in _heard(crew):
            try:
                message = worker.receive()
            except EOFError:
                crew.remove(worker)
                how = worker.end()
                if worker.batch is not None:
                    yield from waiting.lost(worker.batch, f"its worker died ({how})")
                elif not worker.ready:
                    unready += 1
                    if unready >= _STARTS:
                        raise _never_ready(how) from None
                continue
            if isinstance(message, HierError):
                raise message
            if worker.ready:
                worker.batch = None
                _hand_next(worker, waiting)  # it goes on while its result is looked at
                yield message
            else:
                worker.ready, unready = True, 0


def _hand_next(worker: _Worker[E, R], waiting: Waiting[E, R]) -> None:
    """Hand the next batch to a worker that has none."""
    if worker.ready and worker.batch is None and waiting:
        batch = waiting.take()
        if not worker.hand(batch):
            waiting.give_back(batch)


def _heard(crew: Sequence[_Worker[E, R]]) -> list[_Worker[E, R]]:
    """Wait until some workers have sent something, or died; return them."""
    heard = wait([worker.pipe for worker in crew])
    return [worker for worker in crew if worker.pipe in heard]


def check_portable(work: object) -> None:
    """Refuse what cannot be sent to another process.

    Raises:
        InputError: with what to pass in its place.
    """
    try:
        ForkingPickler.dumps(work)
    except Exception as error:  # objects raise what they like
        raise unportable(error) from error


def unportable(error: BaseException) -> InputError:
    """Return the error for what cannot be sent to another process."""
    said = " ".join(str(error).split())[:200]
    return InputError(
        f"an object among tokenizer, embedder and summarizer cannot be sent to workers ({said}); "
        "pass its name or folder, a function of a module, or workers=1"
    )


def _never_ready(how: str) -> StoreError:
    return StoreError(
        f"a worker ended before it began ({how}); its own words are above. A script that builds "
        'with workers must call hier below `if __name__ == "__main__":`; or pass workers=1'
    )


def _serve(pipe: Connection, work: Work[E, R], prepare: Callable[[], None]) -> None:
    """Be a worker: get ready, then do what is handed over until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent ends its workers
    with suppress(EOFError, OSError):
        try:
            prepare()
        except HierError as error:
            pipe.send(error)
            return
        pipe.send(None)
        while True:
            try:
                result: object = work(pipe.recv())
            except HierError as error:  # what is wrong for all
                result = error
            pipe.send(result)


@contextmanager
def _starting() -> Iterator[None]:
    """Have a process that is started here compute with one thread, if the user set nothing.

    A script that is not guarded runs again in it, and must not wait for its parent's locks.
    """
    settings = {name: os.environ.get(name, "1") for name in _THREADS} | {"HIER_LOCK_SECONDS": "0"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
