"""Stdio: the protocol over stdin and stdout, and nothing else there.

Whatever prints, ours or a library's or a child's, prints to stderr; whatever reads stdin finds its
end. The server ends when its stdin does, or by a signal: what was begun to be written is written.
A second signal ends it at once.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO, cast

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server

Wire = tuple[TextIO, TextIO]


def take_wire() -> Wire:
    """Take stdin and stdout for the protocol, until the process ends."""
    sys.stdout.flush()
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return (
        os.fdopen(reading, encoding="utf-8", errors="replace", newline="\n"),
        os.fdopen(writing, "w", encoding="utf-8", newline="\n"),
    )


def serve(server: Server[Any], wire: Wire) -> None:
    """Serve one client until it leaves, or a signal comes."""
    try:
        anyio.run(_serve, server, wire)
    except* BrokenPipeError:  # it has left without a word
        with suppress(BrokenPipeError):
            wire[1].close()


async def _serve(server: Server[Any], wire: Wire) -> None:
    reading, writing = wire
    lines = cast("anyio.AsyncFile[str]", _lines_of(reading))  # all that is asked of it
    with anyio.CancelScope() as scope, _ended_by_signals(scope):
        async with stdio_server(lines, anyio.wrap_file(writing)) as (received, sent):
            await server.run(received, sent, server.create_initialization_options())
            scope.cancel()


async def _lines_of(stream: TextIO) -> AsyncIterator[str]:
    """Yield lines as they come; the thread that waits for them holds up nobody who ends."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None](1)

    def read() -> None:
        try:
            for line in stream:
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()
        except (RuntimeError, CancelledError):
            return  # the loop has ended

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


@contextmanager
def _ended_by_signals(scope: anyio.CancelScope) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(scope.cancel)

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
