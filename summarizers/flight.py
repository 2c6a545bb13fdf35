"""Many calls at once: bounded in flight, retried with back-off, paced, timed and cancelled cleanly.

All of it runs on one event loop of its own, in a thread of its own, so that it works from a
notebook, whose own loop is running, and so that a client's connections outlive a call. Whatever is
the user's runs in the thread that asked: callbacks are handed back to it.
"""

import asyncio
import os
import queue
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from contextvars import copy_context
from typing import Any, TypeVar

import tenacity

from hier.errors import ModelError
from hier.summarizers.failures import Failure

T = TypeVar("T")

LONGEST_WAIT = 300.0
"""Seconds that a server may ask to wait before it is an error."""

_FIRST_WAIT, _LAST_WAIT = 0.5, 20.0
_UNHEARD_ATTEMPTS = 3  # of a server that never answered: its address is wrong, or it is down
_TOLD_WAITS = 100  # those that a server asks for are no attempts used up, so many times


class Failed(Exception):  # noqa: N818 (it never leaves this package)
    """An attempt failed, and another may not.

    Args:
        failure: what went wrong.
        message: what to say where no attempt is left.
    """

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class Flight:
    """The calls of one model.

    Args:
        in_flight: how many are sent at once.
        attempts: how often one is sent before it is given up.
        timeout: seconds that an attempt may take.
        calls_per_minute: how many are started in a minute; None for no such bound.
    """

    def __init__(
        self, in_flight: int, attempts: int, timeout: float, calls_per_minute: float | None
    ) -> None:
        self.attempts, self.timeout = attempts, timeout
        self.heard = False
        self._slots = asyncio.Semaphore(in_flight)
        self._interval = 60 / calls_per_minute if calls_per_minute else 0.0
        self._next = 0.0  # when the next call may start, by its pace
        self._until = 0.0  # and until when none may, as the server asked

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return what ``send`` returns, tried again as long as it raises ``Failed``.

        Raises:
            ModelError: the attempts are used up, or ``send`` raised it.
        """
        told = 0  # waits that the server asked for

        async def once() -> T:
            nonlocal told
            try:
                return await self._once(send)
            except Failed as failed:
                if failed.failure.wait is not None:
                    told += 1
                    self._hold(failed)
                raise

        policy = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Failed),
            wait=self._wait,
            stop=lambda state: self._is_last(state, told),
            reraise=True,
        )
        try:
            return await policy(once)
        except Failed as failed:
            raise ModelError(str(failed)) from failed.__cause__

    async def _once(self, send: Callable[[], Awaitable[T]]) -> T:
        async with self._slots:
            await self._turn()
            reply = await send()
        self.heard = True
        return reply

    async def _turn(self) -> None:
        """Wait until a call may start."""
        clock = asyncio.get_running_loop().time
        while (now := clock()) < self._until:
            # Not all at once when the time has come.
            await asyncio.sleep((self._until - now) * random.uniform(1.0, 1.1))
        start = max(clock(), self._next)
        self._next = start + self._interval
        if start > clock():
            await asyncio.sleep(start - clock())

    def _hold(self, failed: Failed) -> None:
        """Start no call before the time that the server asked for."""
        wait = failed.failure.wait or 0.0
        if wait > LONGEST_WAIT:
            raise ModelError(f"{failed}; it asks to wait {wait:,.0f} seconds") from failed.__cause__
        self._until = max(self._until, asyncio.get_running_loop().time() + wait)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds before the next attempt: what the server asks for, or at random."""
        failed = state.outcome.exception() if state.outcome else None
        if isinstance(failed, Failed) and failed.failure.wait is not None:
            return 0.0  # every call waits, this one too
        most = min(_LAST_WAIT, _FIRST_WAIT * 2 ** (state.attempt_number - 1))
        return random.uniform(most / 2, most)

    def _is_last(self, state: tenacity.RetryCallState, told: int) -> bool:
        failed = state.outcome.exception() if state.outcome else None
        unheard = isinstance(failed, Failed) and failed.failure.unheard and not self.heard
        if unheard and state.attempt_number >= _UNHEARD_ATTEMPTS:
            return True
        return state.attempt_number - min(told, _TOLD_WAITS) >= self.attempts


class Threads:
    """Functions that block, each in a thread of its own, so many at a time.

    The threads do not keep the process alive: one that never returns cannot hold up its end. It
    does hold its place, so that there are never more than the bound.

    Args:
        most: how many run at once.
    """

    def __init__(self, most: int) -> None:
        self._slots = asyncio.Semaphore(most)

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what the function returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = copy_context()

        def settle(result: T | None, error: BaseException | None) -> None:
            self._slots.release()
            if future.done():
                return  # nobody waits for it any more
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        def work() -> None:
            result, raised = None, None
            try:
                result = context.run(function, *arguments)
            except BaseException as error:  # noqa: BLE001 (handed on)
                raised = holdable(error)
            loop.call_soon_threadsafe(settle, result, raised)

        await self._slots.acquire()
        threading.Thread(target=work, name="hier-call", daemon=True).start()
        return await future


def holdable(error: BaseException) -> BaseException:
    """Return an exception that a task can end with: others would end the loop itself."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")


class Caller:
    """The thread that asked, and waits: what is the user's runs there, one thing at a time."""

    def __init__(self) -> None:
        self._todo: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()

    async def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in that thread and return what it returns."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T) -> None:
            if not future.done():
                future.set_result(result)

        self._todo.put(lambda: loop.call_soon_threadsafe(settle, function(*arguments)))
        return await future

    def tell(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run a function in that thread, in its turn."""
        self._todo.put(lambda: function(*arguments))

    def end(self) -> None:
        """Let the thread go on, once all that was handed to it has run."""
        self._todo.put(None)

    def serve(self) -> None:
        """Run what is handed over, until the end."""
        while (todo := self._todo.get()) is not None:
            todo()

    def skip(self) -> None:
        """Drop what is handed over, until the end."""
        while self._todo.get() is not None:
            pass


def run(work: Callable[[Caller], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on the loop of this package and return its result.

    An exception in the thread that waits, Ctrl-C above all, cancels the coroutine and everything
    that it started, and is raised once that has ended.
    """
    loop = private_loop()
    if on_private_loop():
        raise ModelError(
            "an async function called hier itself, which then waits for that very function; "
            "call hier from a plain function"
        )
    caller = Caller()
    tasks: list[asyncio.Task[T]] = []

    def start() -> None:
        tasks.append(loop.create_task(work(caller)))
        tasks[0].add_done_callback(lambda task: caller.end())

    loop.call_soon_threadsafe(start)
    try:
        caller.serve()
    except BaseException as error:
        loop.call_soon_threadsafe(lambda: tasks[0].cancel())
        # What came before Ctrl-C is kept; after an error of the user's own, nothing more is his.
        caller.serve() if isinstance(error, KeyboardInterrupt) else caller.skip()
        if not tasks[0].cancelled():
            tasks[0].exception()  # it is known, so asyncio need not complain
        raise
    try:
        return tasks[0].result()
    except asyncio.CancelledError as error:
        raise CancelledError("the call was cancelled") from error


_THREAD = "hier-calls"
_lock = threading.RLock()  # what is collected while it is held may ask for the loop too
_loop: asyncio.AbstractEventLoop | None = None
_inherited: asyncio.AbstractEventLoop | None = None


def private_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process, started when it is first asked for."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name=_THREAD, daemon=True).start()
        return _loop


def on_private_loop() -> bool:
    """Say whether the current thread is the loop's."""
    return threading.current_thread().name == _THREAD


def _forget() -> None:
    """Start afresh in a forked process: it has the loop's memory, but not its thread."""
    global _loop, _lock, _inherited
    _inherited = _loop  # kept, so that nothing closes what the parent uses
    _loop, _lock = None, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
