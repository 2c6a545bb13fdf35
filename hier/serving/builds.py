"""Builds that were accepted: they go on, and are kept, whoever still waits for them.

Who asks for one that is under way already waits for that one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

Event = dict[str, Any]
Begin = Callable[[Callable[[Event], None]], Awaitable[Any]]


class Build:
    """One build, and who wants to hear of it."""

    def __init__(self, begin: Begin) -> None:
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self.task: asyncio.Task[Any] = asyncio.ensure_future(begin(self._tell))
        self.task.add_done_callback(lambda _: self._tell(None))

    def _tell(self, event: Event | None) -> None:
        for listener in self._listeners:
            listener.put_nowait(event)

    async def result(self) -> Any:
        """Wait for the end; whoever stops waiting does not stop the build."""
        return await asyncio.shield(self.task)

    async def events(self) -> AsyncIterator[Event]:
        """Yield what is reported from now on, until the end."""
        heard: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(heard)
        try:
            while not self.task.done() or not heard.empty():
                if (event := await heard.get()) is None:
                    return
                yield event
        finally:
            self._listeners.discard(heard)


class FullError(Exception):
    """As many builds are under way as may be."""


class Builds:
    """The builds under way, by what they make.

    Args:
        most: how many may be.
    """

    def __init__(self, most: int = 64) -> None:
        self._running: dict[str, Build] = {}
        self._most = most

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._running)

    def start(self, name: str, begin: Begin) -> Build:
        """Start a build, or find the one that makes the same.

        Args:
            name: what it makes.
            begin: starts it, and is handed what it reports to.

        Raises:
            FullError: too many are under way.
        """
        if name not in self._running:
            if len(self._running) >= self._most:
                raise FullError
            self._running[name] = build = Build(begin)
            build.task.add_done_callback(lambda task: self._ended(name, task))
        return self._running[name]

    def _ended(self, name: str, task: asyncio.Task[Any]) -> None:
        del self._running[name]
        with suppress(asyncio.CancelledError):
            task.exception()  # nobody may be left who would look at it

    async def close(self) -> None:
        """Give up what is still under way."""
        tasks = [build.task for build in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
