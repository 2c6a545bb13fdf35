"""The server: an application on an address, from the first worker to the last answer.

A signal to stop closes the door and waits: what was begun is finished, what was accepted is kept,
as far as the time that is given for it allows. A second signal ends everything now.
"""

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from hier.errors import HierError
from hier.serving.connections import HEADER_SECONDS, protocol
from hier.serving.house import House
from hier.serving.reading import read_texts

_SPARE_FILES = 256  # beside those of connections
_LAST_SECONDS = 2  # for connections to close, when all is done


@dataclass(frozen=True)
class Address:
    """Where a server listens, and how it stops.

    Attributes:
        host: of the address.
        port: of the address; 0 for any that is free.
        connections: the most that are open.
        grace: seconds that what was begun is waited for.
        header_seconds: the most until the first lines of a request are there.
        stalled_seconds: the most in which a client takes nothing of what it is sent.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    connections: int = 4096
    grace: float = 30.0
    header_seconds: float = HEADER_SECONDS
    stalled_seconds: float = 30.0


class Server(uvicorn.Server):
    """Serves an application until it is told to stop.

    Args:
        app: the application.
        house: what its requests share.
        address: where it listens.
        begun: called with the address as a URL, when it listens.
        texts: files to be read before it is ready.
    """

    def __init__(
        self,
        app: Starlette,
        house: House,
        address: Address,
        begun: Callable[[str], None],
        texts: Sequence[Path] = (),
    ) -> None:
        most = _allow_files(address.connections)
        super().__init__(
            uvicorn.Config(
                app, host=address.host, port=address.port, log_config=None, log_level="error",
                access_log=False, server_header=False, ws="none", lifespan="on", backlog=2048,
                http=protocol(address.header_seconds, address.stalled_seconds, most),
                timeout_keep_alive=30, timeout_graceful_shutdown=_LAST_SECONDS, proxy_headers=False,
            )
        )  # fmt: skip
        self._house, self._address, self._begun = house, address, begun
        self._texts = texts
        self._stop_at: float | None = None
        self.failure: HierError | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        for server in self.servers:
            host, port = server.sockets[0].getsockname()[:2]
            self._begun(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            break
        self._reading = asyncio.ensure_future(read_texts(self._house, self._texts))

    async def on_tick(self, counter: int) -> bool:
        """Say whether it is time to end."""
        if self._house.status == "starting" and self._house.crew.ready and self._reading.done():
            try:
                self._reading.result()
            except HierError as error:
                self.failure = error
                return True
            self._house.status = "ready"
        if self._stop_at is None:
            return await super().on_tick(counter)
        busy = bool(self.server_state.tasks) or len(self._house.builds) > 0
        return self.force_exit or not busy or time.monotonic() > self._stop_at

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; at the second signal, end now."""
        if self._stop_at is not None:
            self.force_exit = True
            return
        self._house.status = "stopping"
        self._stop_at = time.monotonic() + self._address.grace


def _allow_files(connections: int) -> int:
    """Let this process have enough files open; return for how many connections there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_FILES
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(connections, max(soft - _SPARE_FILES, soft // 2))
