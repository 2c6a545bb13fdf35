"""An agent: the SDK's own client of an MCP server, spoken to from tests that are no coroutines."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Resource

HIER = str(Path(sys.executable).with_name("hier"))


class Agent:
    """A connected client.

    Attributes:
        client: the client; it lives in the portal's thread.
        heard: the methods of notifications that came, in order.
    """

    def __init__(self, portal: BlockingPortal, client: Client, heard: list[str]) -> None:
        self.portal, self.client, self.heard = portal, client, heard

    def call(self, tool: str, /, **arguments: Any) -> CallToolResult:
        """Call a tool."""
        return self.portal.call(self.client.call_tool, tool, arguments)

    def value(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that answers, and return its structured result."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        return result.structured_content

    def refusal(self, tool: str, /, **arguments: Any) -> str:
        """Call a tool that refuses, and return what it says."""
        result = self.call(tool, **arguments)
        assert result.is_error, result.structured_content
        (said,) = result.content
        return said.text

    def together(self, *calls: tuple[str, dict[str, Any]]) -> list[CallToolResult]:
        """Call many tools at once; return their results in the order of the calls."""
        return self.portal.call(self._together, calls)

    async def _together(self, calls: Any) -> list[CallToolResult]:
        results: list[Any] = [None] * len(calls)

        async def one(number: int, name: str, arguments: dict[str, Any]) -> None:
            results[number] = await self.client.call_tool(name, arguments)

        async with anyio.create_task_group() as group:
            for number, call in enumerate(calls):
                group.start_soon(one, number, *call)
        return results

    def pages(self) -> Iterator[list[Resource]]:
        """Yield the pages of the list of resources."""
        cursor = None
        while True:
            page = self.portal.call(partial(self.client.list_resources, cursor=cursor))
            yield page.resources
            cursor = page.next_cursor
            if cursor is None:
                return

    def read(self, uri: str) -> str:
        """Return the text of a resource."""
        (found,) = self.portal.call(self.client.read_resource, uri).contents
        assert found.uri == uri
        return found.text


@contextmanager
def connected(server: Any, mode: str = "auto") -> Iterator[Agent]:
    """Connect a client, in the newest protocol or (``legacy``) with the handshake of older ones."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(getattr(message, "method", type(message).__name__))

    with start_blocking_portal() as portal:
        client = Client(server, mode=mode, message_handler=hear, read_timeout_seconds=60)
        with portal.wrap_async_context_manager(client):
            yield Agent(portal, client, heard)


@contextmanager
def over_stdio(
    *arguments: object, log: Path, mode: str = "auto", **variables: str
) -> Iterator[Agent]:
    """Start ``hier mcp`` and speak to it over its stdin and stdout."""
    parameters = StdioServerParameters(
        command=HIER, args=["mcp", *map(str, arguments)], env={**os.environ, **variables}
    )
    with log.open("w") as errors, connected(stdio_client(parameters, errors), mode) as agent:
        yield agent


@contextmanager
def serving(*arguments: object, log: Path, **variables: str) -> Iterator[str]:
    """Start ``hier mcp --http`` on a free port, and end it by a signal; yield its URL."""
    with log.open("w") as errors:
        server = subprocess.Popen(
            [HIER, "mcp", *map(str, arguments), "--http", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **variables},
        )
        try:
            yield _url_in(log, server)
        finally:
            server.terminate()
            said, _ = server.communicate(timeout=30)
    assert said == b"", "stdout is nobody's"
    assert server.returncode == 0


def _url_in(log: Path, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        found = [line for line in log.read_text().splitlines() if line.startswith("http://")]
        if found:
            return found[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


@contextmanager
def over_http(url: str, key: str = "", mode: str = "auto") -> Iterator[Agent]:
    """Speak to a server at a URL."""
    with connected(_transport(url, key), mode) as agent:
        yield agent


@asynccontextmanager
async def _transport(url: str, key: str) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


def message(method: str, number: int | None = None, **params: Any) -> bytes:
    """Return a message as a line."""
    sent = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(sent if number is None else {**sent, "id": number}).encode() + b"\n"


HELLO = message(
    "initialize",
    1,
    protocolVersion="2025-06-18",
    capabilities={},
    clientInfo={"name": "test", "version": "1"},
)
HANDSHAKE = HELLO + message("notifications/initialized")


def post(url: str, body: bytes = HELLO, **headers: str | None) -> tuple[int, str]:
    """Send a request; return the status and the body of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    told = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    told |= {name.replace("_", "-"): value for name, value in headers.items() if value}
    connection.request("POST", parts.path, body, told)
    answered = connection.getresponse()
    read = answered.read(4096).decode()
    connection.close()
    return answered.status, read
