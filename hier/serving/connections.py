"""Connections: how long a client may take to say what it wants, and how many may be open.

A request's first lines must be there within some seconds and be of a moderate size, on a new
connection as on one that is used again; and who is answered must take what is sent. The server that
carries these protocols looks at none of these.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

try:  # the faster of the two, where it is
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
except ImportError:  # pragma: no cover
    _Protocol = H11Protocol  # type: ignore[assignment,misc]

HEADER_SECONDS = 10.0
_LONGEST_HEADERS = 64 << 10  # bytes
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class _Transport:
    """A transport that can be written to when it is closed.

    Of several requests that wait on one connection, only the last is told that the client has gone.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, if somebody is there."""
        if not self._transport.is_closing():
            self._transport.write(data)


class Connection(_Protocol):
    """One connection of a client."""

    seconds = HEADER_SECONDS
    most = 4096
    stalled = 30.0
    _stall: asyncio.TimerHandle | None = None
    _timer: asyncio.TimerHandle | None = None
    _begun = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request, or turn the client away where too many are here."""
        super().connection_made(_Transport(transport))  # type: ignore[arg-type]
        if len(self.connections) > self.most:
            transport.write(_FULL)
            transport.close()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; the clock runs while the first lines of a request are not all there."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif not self.transport.is_closing():
            self._begun += len(data)
            if self._begun > _LONGEST_HEADERS:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
            elif self._timer is None:
                self._wait()

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what it was sent."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.stalled, self._let_go)

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _let_go(self) -> None:
        """End the connection of a client that takes nothing; what is still sent to it is lost."""
        self.transport.abort()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        self._begun = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def protocol(seconds: float, stalled: float, most: int) -> type[Connection]:
    """Return the protocol of a server.

    Args:
        seconds: the most until the first lines of a request are there.
        stalled: the most in which a client takes nothing of what it is sent.
        most: connections that are open at a time.
    """
    return type("Connection", (Connection,), {"seconds": seconds, "stalled": stalled, "most": most})
