"""Forwarding: a request is sent on, and its answer handed back byte for byte as it comes."""

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hier.errors import InputError

if TYPE_CHECKING:
    import httpx
    from starlette.types import Send

Headers = list[tuple[bytes, bytes]]

# Said between two neighbours, and of no use to those behind them (RFC 9110, 7.6.1).
_BETWEEN = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
_VERSION = "/v1"


def read_upstream(url: str) -> "httpx.URL":
    """Return the address that requests are sent on to.

    Raises:
        InputError: it is none.
    """
    import httpx

    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputError(f"upstream {url!r} is no address ({error}); {_REMEDY}") from error
    if found.scheme not in ("http", "https") or not found.host or found.query or found.fragment:
        raise InputError(f"upstream {url!r} is no address of a server; {_REMEDY}")
    return found


_REMEDY = "pass one such as https://api.openai.com/v1"


def target(upstream: "httpx.URL", raw_path: bytes, query: bytes) -> "httpx.URL":
    """Return where a request goes: its path below that of the server.

    The ``/v1`` that the server's address may end with is the one that the path begins with.

    Raises:
        InputError: the path leads out of that of the server.
    """
    path = raw_path.decode("latin-1")
    if {".", ".."} & set(unquote(path).replace("\\", "/").split("/")):
        raise InputError(f"the path {path!r} leads elsewhere; send one without dots")
    base = upstream.raw_path.decode("latin-1").rstrip("/")
    if base.endswith(_VERSION) and (path == _VERSION or path.startswith(_VERSION + "/")):
        base = base.removesuffix(_VERSION)
    whole = (base + path).encode("latin-1")
    return upstream.copy_with(raw_path=whole + b"?" + query if query else whole)


def sent_on(headers: Iterable[tuple[bytes, bytes]], without: Iterable[bytes] = ()) -> Headers:
    """Return the headers that concern those behind: all but what is said between neighbours."""
    headers = [(name.lower(), value) for name, value in headers]
    named = {
        word.strip().lower()
        for name, value in headers
        if name == b"connection"
        for word in value.split(b",")
    }
    dropped = _BETWEEN | named | set(without)
    return [(name, value) for name, value in headers if name not in dropped]


async def hand_back(response: "httpx.Response", more: Headers, send: "Send") -> None:
    """Send an answer on as it comes.

    Args:
        response: the answer, of which nothing but the headers was read.
        more: headers that it gets.
        send: takes it.
    """
    headers = sent_on(response.headers.raw) + more
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    pieces: AsyncIterator[bytes] = response.aiter_raw()
    async for piece in pieces:
        await send(_piece(piece, True))
    await send(_piece(b"", False))


def _piece(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
