"""An httpx transport over aiohttp, for many small calls: five times less work than httpx's own.

The clients of OpenAI and Ollama send by httpx, whose pool looks at every connection for each call
and parses in Python; with many short calls in flight that alone keeps a processor busy. LlamaIndex
itself needs aiohttp, so it is there; where it is not, httpx's own transport is used.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

try:
    import aiohttp
    from yarl import URL
except ImportError:
    aiohttp = None  # type: ignore[assignment]


def http_client(timeout: float, **options: Any) -> httpx.AsyncClient:
    """Return an httpx client for many calls at once; proxies are as the environment names them."""
    if aiohttp is not None:
        options["transport"] = _Transport()
    return httpx.AsyncClient(timeout=timeout, follow_redirects=True, **options)


def transport() -> httpx.AsyncBaseTransport | None:
    """Return the transport alone; None for httpx's own."""
    return _Transport() if aiohttp is not None else None


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise what httpx's own transport would."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(f"no address: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its body is small, so it is sent at once."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context()),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=True,
            )
        waits = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=waits.get("connect"), sock_read=waits.get("read")
        )
        with _as_httpx():
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=await request.aread(),
                allow_redirects=False,
                timeout=timeout,
            )
        headers = list(response.raw_headers)
        return httpx.Response(response.status, headers=headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: Any) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        self._response.close() if not self._response.content.at_eof() else self._response.release()
