"""A proxy for clients of OpenAI's protocols: what is too long is compressed, all else goes through.

Clients are pointed at it and stay as they are. A request whose conversation is over the budget is
compressed against the question that it ends with; everything else, and every answer, goes through
byte for byte. What the client proves itself with goes to the server behind; the proxy's own key
comes in a header of its own, and goes no further.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from hier.errors import BudgetError, HierError, InputError
from hier.messages.memory import Memory
from hier.messages.settings import Settings
from hier.serving.access import Guard, Keys, problem
from hier.serving.limits import BodyLimit, ConcurrencyLimit, Limits, TimeLimit
from hier.serving.proxy_bodies import Rewritten, protocol_of, rewrite
from hier.serving.proxy_counts import Counts
from hier.serving.proxy_forward import Headers, hand_back, read_upstream, sent_on, target

if TYPE_CHECKING:
    import httpx
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

KEY_HEADER = "x-hier-key"
HEALTH = "/hier/health"
_CONNECT_SECONDS = 10.0
_OURS = (b"host", b"expect", b"content-length", KEY_HEADER.encode())


def proxy_app(
    upstream: str,
    settings: Settings,
    keys: Keys | None = None,
    limits: Limits | None = None,
) -> "ASGIApp":
    """Return the proxy as an ASGI application.

    Args:
        upstream: the address of the server behind, such as ``https://api.openai.com/v1``.
        settings: how conversations are compressed.
        keys: who may use it; None for everyone on this machine.
        limits: what a request may take.

    Raises:
        InputError: the address is none.
        TokenizerError: the tokenizer is unknown.
        MissingExtraError: what serves is not installed.
    """
    check_installed()
    limits = limits or Limits()
    app: ASGIApp = _application(Proxy(upstream, settings, limits))
    app = TimeLimit(app, limits)
    app = ConcurrencyLimit(app, limits, frozenset({HEALTH}))
    app = BodyLimit(app, limits)
    return Guard(app, keys or Keys(), header=KEY_HEADER, bearer=False, public=HEALTH.__eq__)


def check_installed() -> None:
    """Raise ``MissingExtraError`` where what serves is not installed."""
    from importlib.util import find_spec

    from hier.errors import MissingExtraError

    for package in ("starlette", "uvicorn", "httpx"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "hier proxy", "hier-context[serve]")


def _application(proxy: "Proxy") -> "Starlette":
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route

    async def health(request: "Request") -> "Response":
        return JSONResponse({"status": "ok"})

    async def stats(request: "Request") -> "Response":
        return JSONResponse(proxy.counts.to_dict())

    async def metrics(request: "Request") -> "Response":
        return PlainTextResponse(proxy.counts.to_prometheus())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with proxy.open():
            yield

    routes = [
        Route(HEALTH, health),
        Route("/hier/stats", stats),
        Route("/hier/metrics", metrics),
        Mount("/", app=proxy),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class Proxy:
    """Sends requests on, an ASGI application; it must be opened.

    Args:
        upstream: the address of the server behind.
        settings: how conversations are compressed.
        limits: what a request may take.
    """

    def __init__(self, upstream: str, settings: Settings, limits: Limits) -> None:
        self.counts = Counts()
        self._upstream = read_upstream(upstream)
        self._memory, self._limits = Memory(settings), limits
        self._client: httpx.AsyncClient
        self._threads: Executor

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold connections to the server behind, and threads to compress in."""
        import httpx

        timeout = httpx.Timeout(self._limits.seconds, connect=_CONNECT_SECONDS, pool=None)
        kept = httpx.Limits(max_connections=None, max_keepalive_connections=self._limits.at_once)
        with ThreadPoolExecutor(os.cpu_count(), "hier") as self._threads:
            async with httpx.AsyncClient(timeout=timeout, limits=kept) as self._client:
                yield

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request; stop where the client has left."""
        from starlette.requests import Request

        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003, "reason": "only HTTP is spoken"})
            return
        body = await Request(scope, receive).body()
        self.counts.requests += 1
        self.counts.in_flight += 1
        answering = asyncio.ensure_future(self._answer(scope, body, receive, send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            self.counts.in_flight -= 1
            for task in (answering, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _answer(self, scope: "Scope", body: bytes, receive: "Receive", send: "Send") -> None:
        try:
            request, more = await self._request(scope, body)
        except HierError as error:
            self.counts.refused += 1
            code = "context_length_exceeded" if isinstance(error, BudgetError) else None
            await problem(400, str(error), code=code)(scope, receive, send)
            return
        await self._send_on(request, more, scope, receive, send)

    async def _request(self, scope: "Scope", body: bytes) -> tuple["httpx.Request", Headers]:
        """Return the request that is sent on, and headers that tell the client of it.

        Raises:
            InputError: the request cannot be read.
            BudgetError: what must be kept is more than the budget.
        """
        import httpx

        url = target(self._upstream, scope["raw_path"], scope["query_string"])
        found = await self._rewritten(scope, body)
        content, more = body, []
        if found is not None:
            content = found.content
            more = [
                (b"x-hier-tokens-before", b"%d" % found.before),
                (b"x-hier-tokens-after", b"%d" % found.after),
            ]
        headers = sent_on(scope["headers"], _OURS)
        given = any(name == b"content-length" for name, _ in scope["headers"])
        if content or given:
            headers.append((b"content-length", b"%d" % len(content)))
        headers.insert(0, (b"host", url.netloc))
        return httpx.Request(scope["method"], url, headers=headers, content=content or None), more

    async def _rewritten(self, scope: "Scope", body: bytes) -> Rewritten | None:
        protocol = protocol_of(scope["path"]) if scope["method"] == "POST" else None
        if protocol is None:
            return None
        encoding = dict(scope["headers"]).get(b"content-encoding", b"identity")
        if encoding.lower() != b"identity":
            raise InputError(
                f"the body of the request is packed as {encoding.decode('latin-1')}, and cannot "
                "be read; send it as it is"
            )
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, rewrite, body, protocol, self._memory.compress
        )
        if found is not None:
            self.counts.read += 1
            self.counts.compressed += found.content is not body
            self.counts.tokens_before += found.before
            self.counts.tokens_after += found.after
            self.counts.seconds += time.perf_counter() - started
        return found

    async def _send_on(
        self,
        request: "httpx.Request",
        more: Headers,
        scope: "Scope",
        receive: "Receive",
        send: "Send",
    ) -> None:
        """Send a request on, and hand its answer back."""
        import httpx

        try:
            response = await self._client.send(request, stream=True)
        except httpx.TimeoutException:
            self.counts.refused += 1
            about = f"the server at {self._upstream} does not answer; ask again later"
            await problem(504, about)(scope, receive, send)
            return
        except httpx.TransportError as error:
            self.counts.refused += 1
            said = " ".join(str(error).split()) or type(error).__name__
            about = f"the server at {self._upstream} cannot be reached ({said}); ask again later"
            await problem(502, about)(scope, receive, send)
            return
        try:
            await hand_back(response, more, send)
        finally:
            await response.aclose()


async def _left(receive: "Receive") -> None:
    """Return when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
