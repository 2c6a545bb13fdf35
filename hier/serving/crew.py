"""The crew: worker processes that are handed one job at a time, and replaced when they are lost.

The server's own loop computes nothing, so that limits, progress and every other request go on
whatever a worker is at. A job that is given up (its time is over, or nobody waits for it any more)
ends its worker, which is replaced; so does one that a worker dies of, and no other job with it.
"""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hier.serving import frames
from hier.serving.faults import LOG

_READ_AHEAD = 1 << 24  # bytes of an answer that are read in one piece
_PATIENCE_SECONDS = 0.2  # after which a client may have left
_SECONDS_BETWEEN_STARTS = 1.0  # where a worker does not get ready
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

Heard = Callable[[frames.Header], None]
Gone = Callable[[], Awaitable[bool]]


class WorkerLostError(Exception):
    """The worker ended before it answered."""


class LeftError(Exception):
    """The client has hung up."""


@dataclass(frozen=True)
class Fault:
    """A job that could not be done.

    Attributes:
        status: the HTTP status for it.
        message: why.
        code: as in ``faults.Told``.
    """

    status: int
    message: str
    code: str | None


class _Worker:
    """One process and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._to, self._from = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, settings: dict[str, Any]) -> "_Worker":
        """Start one, and wait until it is ready.

        Raises:
            WorkerLostError: it ended before.
        """
        worker = cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "hier.serving.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                limit=_READ_AHEAD, env=_environment(), start_new_session=True,
            )
        )  # fmt: skip
        try:
            await worker.do(settings, b"", None)
        except BaseException:
            await worker.end()
            raise
        return worker

    async def do(self, header: frames.Header, body: bytes, heard: Heard | None) -> frames.Frame:
        """Have a job done.

        Raises:
            WorkerLostError: it ended.
        """
        try:
            self._to.write(frames.pack(header, body))
            await self._to.drain()
            while True:
                answer = await frames.receive(self._from)
                if answer[0]["is"] != "event":
                    return answer
                if heard is not None:
                    heard(answer[0])
        except (EOFError, OSError) as error:
            raise WorkerLostError(header.get("do", "start")) from error

    async def end(self) -> None:
        """End it now."""
        if self.process.returncode is None:
            self.process.kill()
        self._to.close()
        await self.process.wait()


class Crew:
    """Some workers, and the jobs that wait for one.

    Args:
        size: how many.
        settings: what each is told first.
        long: how many may be at long jobs at a time, so that short ones need not wait for those.
    """

    def __init__(self, size: int, settings: dict[str, Any], long: int | None = None) -> None:
        self.size, self._settings = size, settings
        self._long = asyncio.Semaphore(size if long is None else long)
        self._idle: deque[_Worker] = deque()
        self._all: set[_Worker] = set()
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self.lost = 0
        self._starting = 0

    @property
    def ready(self) -> bool:
        """Whether every worker is there."""
        return len(self._all) == self.size

    @property
    def number(self) -> int:
        """How many workers are there."""
        return len(self._all)

    def start(self, number: int | None = None) -> None:
        """Start workers; they are handed jobs when they are ready.

        Args:
            number: how many; None for all.
        """
        for _ in range(self.size if number is None else number):
            self._begin(self._add())

    async def close(self) -> None:
        """End all of them now."""
        self._ending = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._all))

    async def run(
        self,
        header: frames.Header,
        body: bytes,
        *,
        long: bool = False,
        heard: Heard | None = None,
        gone: Gone | None = None,
    ) -> frames.Frame | Fault:
        """Have a job done by whoever is free.

        Args:
            header: its name as ``do``, and what else is told of it.
            body: the request.
            long: whether it may take long.
            heard: called with each report of the worker.
            gone: says whether nobody waits any more, when it has had to wait for its turn.

        Returns:
            The worker's answer, or why there is none.

        Raises:
            WorkerLostError: the worker died of it.
            LeftError: nobody waits any more, and it was not begun.
        """
        came = time.monotonic()

        async def left() -> bool:
            waited = time.monotonic() - came > _PATIENCE_SECONDS
            return gone is not None and waited and await gone()

        if not long:
            return await self._run(header, body, heard, left)
        async with self._long:
            return await self._run(header, body, heard, left)

    async def _run(
        self, header: frames.Header, body: bytes, heard: Heard | None, left: Gone
    ) -> frames.Frame | Fault:
        worker = await self._take()
        if await left():
            self._give(worker)
            raise LeftError
        try:
            answer, told = await worker.do(header, body, heard)
        except BaseException as error:
            if isinstance(error, WorkerLostError):
                LOG.error("a worker ended at the job %s", header["do"])
            self._lose(worker)
            raise
        self._give(worker)
        if answer["is"] == "fault":
            return Fault(answer["status"], told.decode("utf-8", "replace"), answer["code"])
        return answer, told

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.popleft()
            if worker.process.returncode is None:
                return worker
            LOG.error("a worker ended while it had nothing to do")
            self._lose(worker)
        if len(self._all) + self._starting < self.size:
            self.start(1)
        turn: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was this one's turn just now
                self._give(turn.result())
            raise

    def _give(self, worker: _Worker) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)

    def _lose(self, worker: _Worker) -> None:
        """End a worker, and start one in its place."""
        self._all.discard(worker)
        self.lost += 1
        self._begin(self._replace(worker))

    async def _replace(self, worker: _Worker) -> None:
        await worker.end()
        await self._add()

    async def _add(self) -> None:
        while not self._ending:
            try:
                worker = await _Worker.start(self._settings)
            except WorkerLostError:
                LOG.error("a worker did not get ready; its own words are above")
                await asyncio.sleep(_SECONDS_BETWEEN_STARTS)
                continue
            self._all.add(worker)
            self._give(worker)
            return

    def _begin(self, work: Any) -> None:
        self._starting += 1
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._starting -= 1
        self._tasks.discard(task)


def _environment() -> dict[str, str]:
    """Return a worker's environment: it finds what this process found, and has one thread."""
    own = {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    threads = {name: os.environ.get(name, "1") for name in _THREADS}
    return {**os.environ, **threads, **own}
