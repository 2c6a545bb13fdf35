"""Frames: what a server and its workers send each other, a header of JSON with bytes behind it.

Nothing is unpickled: what comes out of a worker is a few plain values and the answer as it is sent.
"""

import json
import struct
from asyncio import StreamReader
from typing import Any, BinaryIO

_SIZES = struct.Struct("<II")

Header = dict[str, Any]
Frame = tuple[Header, bytes]


def pack(header: Header, body: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    head = json.dumps(header).encode()
    return b"".join((_SIZES.pack(len(head), len(body)), head, body))


def read(stream: BinaryIO) -> Frame | None:
    """Return the next frame of a pipe; None where the other end is closed."""
    sizes = stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        return None
    head, body = _SIZES.unpack(sizes)
    return json.loads(stream.read(head)), stream.read(body)


async def receive(stream: StreamReader) -> Frame:
    """Return the next frame.

    Raises:
        EOFError: the other end is closed.
    """
    head, body = _SIZES.unpack(await stream.readexactly(_SIZES.size))
    whole = await stream.readexactly(head + body)
    return json.loads(whole[:head]), whole[head:]
