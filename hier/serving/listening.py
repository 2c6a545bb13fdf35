"""Listening: the socket of a server, or one line that says why there is none."""

import socket

from hier.errors import InputError

_BACKLOG = 2048  # connections that wait to be taken


def listening(host: str, port: int) -> socket.socket:
    """Return what listens at an address.

    Args:
        host: a name or an address.
        port: 0 for any that is free.

    Raises:
        InputError: nothing can listen there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # Named as TCP, or asyncio leaves Nagle's algorithm on, and every reply waits 40 ms.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"nothing can listen at {host}, port {port} ({why}); pass another --host or --port"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where a socket listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
