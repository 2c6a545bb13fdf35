"""Streaming: how far something is, told while it is done, as lines of JSON or server-sent events.

The last event is the result or an error; the status was sent long before.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"

Event = tuple[str, Any]
"""A name, and what JSON can hold; or, as bytes, what is JSON already."""


def wanted(request: Request) -> str | None:
    """Return how a client wants to be told; None where it waits for the end."""
    accepted = request.headers.get("accept", "")
    return next((kind for kind in (SSE, NDJSON) if kind in accepted), None)


def streamed(events: AsyncIterator[Event], kind: str) -> StreamingResponse:
    """Return events as an answer.

    Args:
        events: what happens.
        kind: ``NDJSON`` or ``SSE``.
    """

    async def written() -> AsyncIterator[bytes]:
        async for name, value in events:
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            if kind == SSE:
                yield b"event: %s\ndata: %s\n\n" % (name.encode(), data)
            else:
                yield b'{"event":"%s","%s":%s}\n' % (name.encode(), name.encode(), data)

    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return StreamingResponse(written(), media_type=kind, headers=headers)
