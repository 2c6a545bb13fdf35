"""HTTP: the protocol at one address, for many clients.

The SDK speaks streamable HTTP and keeps out web pages that have their own name lead here; before it
stand the keys and the limits that every server here has.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from hier.errors import InputError
from hier.serving.access import Guard, Keys, check_bind, is_loopback
from hier.serving.limits import BodyLimit, Limits

PATH = "/mcp"
_PATIENCE = 5  # seconds that open answers have to end


def parse_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT; an IPv6 host stands in brackets.

    Raises:
        InputError: it is none.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError(f"{text!r} is no address; pass HOST:PORT, such as 127.0.0.1:8000")
    return host, int(port)


def make_app(server: Server[Any], host: str, keys: Keys) -> ASGIApp:
    """Return the application: the protocol behind keys and limits.

    Args:
        server: what speaks it.
        host: where it listens.
        keys: who may ask.
    """
    limits = Limits()
    names = [host if ":" not in host else f"[{host}]", "127.0.0.1", "localhost", "[::1]"]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=is_loopback(host),  # elsewhere it has names we do not know
        allowed_hosts=[each for name in names for each in (name, f"{name}:*")],
        allowed_origins=[f"http://{name}:*" for name in names],
    )
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=limits.body,
        transport_security=security,
        host=host,
    )
    return Guard(BodyLimit(app, limits), keys)


def serve(server: Server[Any], address: str, keys: Keys, ready: Callable[[str], None]) -> None:
    """Serve clients until a signal comes.

    Args:
        server: what speaks the protocol.
        address: HOST:PORT; port 0 for any that is free.
        keys: who may ask.
        ready: told the URL once it can be reached.

    Raises:
        InputError: there is no such address, it is taken, or it can be reached from other machines
            and there are no keys.
    """
    host, port = parse_address(address)
    check_bind(host, keys)
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{listening.getsockname()[1]}{PATH}")
    config = uvicorn.Config(
        make_app(server, host, keys),
        log_config=None,  # its own would write to stdout
        access_log=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    with listening, suppress(KeyboardInterrupt):  # the way to end it
        uvicorn.Server(config).run([listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"nothing can be served at {host}:{port}: {error.strerror or error}; pass another "
            "address"
        ) from error
