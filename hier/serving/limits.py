"""Limits: how much a request may bring, how long it may take, and how many run at once.

Each is a middleware over any ASGI application, and answers with its own status: 413 for a body that
is too large, 408 for one that comes too slowly, 503 where too many wait, 504 for what takes too
long. A client that has left is answered nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hier.serving.access import problem

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Limits:
    """What a server allows.

    Attributes:
        body: most bytes of a request.
        body_seconds: most seconds until all of it is there.
        seconds: most seconds until an answer begins.
        at_once: most requests that are worked on at a time.
        waiting: most that wait for one of these to end.
        bodies: most bytes of all bodies that are read or worked on.
    """

    body: int = 64 * 2**20
    body_seconds: float = 30.0
    seconds: float = 300.0
    at_once: int = 64
    waiting: int = 1024
    bodies: int = 1024 * 2**20


class BodyLimit:
    """Reads a request's body before anything is worked on, as far as it may be read.

    A slow client then holds a connection and no place among the requests that run.
    """

    def __init__(self, app: "ASGIApp", limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._held = 0  # bytes of all bodies that are read or worked on

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 413, 408 or 503, or hand on with the body at hand."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except _ClientLeftError:
            return
        except _RefusedError as error:
            await error.answer(scope, receive, send)
            return
        try:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._held -= len(body)

    async def _read(self, scope: "Scope", receive: "Receive") -> bytes:
        """Return the body; it is counted among those held."""
        limits, pieces, size = self._limits, list[bytes](), 0
        large = _RefusedError(413, f"more than {limits.body:,} bytes came; send less at a time")
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if len(length) > 15 or (length.isdigit() and int(length) > limits.body):
            raise large
        try:
            async with asyncio.timeout(limits.body_seconds):
                async for piece in _pieces(receive):
                    pieces.append(piece)
                    size += len(piece)
                    self._held += len(piece)
                    if size > limits.body:
                        raise large
                    if self._held > limits.bodies:
                        raise _RefusedError(503, "too much is being sent; ask again in a second")
        except BaseException as error:
            self._held -= size
            if isinstance(error, TimeoutError):
                slow = f"the request was not there after {limits.body_seconds:g} seconds"
                raise _RefusedError(408, slow) from error
            raise
        return b"".join(pieces)


class ConcurrencyLimit:
    """Lets some requests run, some wait, and turns the others away with 503.

    Args:
        app: what is limited.
        limits: the limits.
        passing: paths that never wait, such as those that tell how the server is.
    """

    def __init__(self, app: "ASGIApp", limits: Limits, passing: frozenset[str]) -> None:
        self._app, self._limits, self._passing = app, limits, passing
        self._running = asyncio.Semaphore(limits.at_once)
        self._waiting = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 503, or run when there is room."""
        if scope["type"] != "http" or scope["path"] in self._passing:
            await self._app(scope, receive, send)
            return
        if self._running.locked() and self._waiting >= self._limits.waiting:
            busy = problem(503, "too many requests are waiting; ask again in a second")
            busy.headers["retry-after"] = "1"
            await busy(scope, receive, send)
            return
        self._waiting += 1
        try:
            await self._running.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running.release()


class TimeLimit:
    """Ends what has not begun to answer in time with 504; an answer that has begun may go on."""

    def __init__(self, app: "ASGIApp", limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 504, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: "Message") -> None:
            deadline.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._limits.seconds) as deadline:
                await self._app(scope, receive, sending)
        except TimeoutError:
            if not deadline.expired():
                raise
            late = f"no answer after {self._limits.seconds:g} seconds; ask for less at a time"
            await problem(504, late)(scope, receive, send)


class _ClientLeftError(Exception):
    """The client has hung up."""


class _RefusedError(Exception):
    """A request that is not read to its end; its connection ends with the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self._status = status

    @property
    def answer(self) -> "Response":
        answer = problem(self._status, str(self))
        answer.headers["connection"] = "close"
        if self._status == 503:
            answer.headers["retry-after"] = "1"
        return answer


async def _pieces(receive: "Receive") -> AsyncIterator[bytes]:
    """Yield a body as it comes."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeftError
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _replayed(body: bytes, receive: "Receive") -> "Receive":
    """Return a ``receive`` that gives the body once, and then what the connection has to say."""
    left: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> "Message":
        return left.pop() if left else await receive()

    return receiving
