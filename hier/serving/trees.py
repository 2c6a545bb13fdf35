"""Trees over HTTP: texts are read, asked, shown and deleted."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from starlette.responses import Response

from hier.context import Context
from hier.errors import InputError
from hier.serving import replies, requests, sources
from hier.serving.builds import Build
from hier.serving.endpoints import Call, Endpoint, asking
from hier.serving.holdings import Holding, NotHeldError
from hier.serving.house import Events, House, RefusedError, as_json, written
from hier.serving.replies import Held
from hier.serving.streaming import streamed, wanted

_LONG = 20_000  # characters of a text that takes a while to read


async def compress_text(call: Call) -> Response:
    """Read a text, and compress it for a question."""
    house, body = call.house, written(call.body)
    answer, reply = await house.do(
        "compress_text", body, long=len(call.body.text) > _LONG, gone=call.request.is_disconnected
    )  # fmt: skip
    house.meters.asked(answer["source"], answer["tokens"])
    return as_json(reply)


async def make(call: Call) -> Response:
    """Read a text or a file into a tree that is kept."""
    house, body = call.house, call.body
    told: dict[str, Any] = {}
    digest = hashlib.sha256(written(body))
    if isinstance(body, sources.TreeOfFile):
        path = found_file(house, body.path, "path")
        told["file"] = str(path)
        digest.update(await asyncio.to_thread(_digest, path))
    name = f"t{digest.hexdigest()[:24]}"
    how = wanted(call.request)
    try:
        there = house.holdings.find(name, "tree")
    except NotHeldError:
        build = house.builds.start(name, lambda tell: _build(house, name, body, told, tell))
        if how is not None:
            return streamed(events_of(build, name), how)
        return as_json(await build.result(), 201)
    answered = await house.ask("describe", there)
    return answered if how is None else streamed(_at_once(bytes(answered.body)), how)


async def _build(house: House, name: str, body: Any, told: dict[str, Any], tell: Any) -> bytes:
    """Have a tree built and kept; return what it is."""
    held = Held(id=name, kind="tree", name="", bytes=0, writable=True).model_dump()
    path = str(house.holdings.path_of(name))
    work = house.do(
        "build", written(body), long=True, heard=tell, path=path, held=held, **told
    )  # fmt: skip
    house.meters.building.inc()
    outcome = "failed"
    try:
        _, reply = await house.accepted(work)
        outcome = "kept"
        return reply
    finally:
        house.meters.building.dec()
        house.meters.builds(outcome).inc()


async def events_of(build: Build, name: str) -> Events:
    """Yield what becomes of a build, and at last its result or what went wrong."""
    yield "accepted", {"id": name}
    async for event in build.events():
        yield "progress", {each: event[each] for each in ("what", "done", "total")}
    try:
        yield "result", await build.result()
    except RefusedError as error:
        yield "error", fault_of(error)


def fault_of(error: RefusedError) -> dict[str, Any]:
    """Return an error as it stands at the end of a stream."""
    return {
        "type": "invalid_request_error" if error.status < 500 else "server_error",
        "message": error.message,
        "param": error.param,
        "code": error.code,
    }


async def _at_once(reply: bytes) -> Events:
    yield "result", reply


def found_file(house: House, path: str, param: str) -> Path:
    """Return where a file is.

    Raises:
        RefusedError: it is not below a folder that is open.
    """
    try:
        return house.folders.find(path)
    except InputError as error:
        raise RefusedError(403, str(error), param, "refused") from error


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise RefusedError(403, "the file cannot be read", "path", "refused") from error


async def delete(call: Call) -> Response:
    """Delete a tree."""
    holding = call.house.holdings.find(call.id, "tree")
    check_writable(holding)
    holding.path.unlink(missing_ok=True)
    return Response(status_code=204)


def check_writable(holding: Holding) -> None:
    """Refuse to change what was named at start."""
    if not holding.writable:
        raise RefusedError(
            403, f"{holding.id} was named when the server was started, and is only asked here"
        )


_TREE = "/v1/trees/{id}"

ENDPOINTS = (
    Endpoint(
        "POST", "/v1/compress", compress_text, "Read a text and compress it for a question",
        body=requests.TextRequest, replies={200: Context}, faults=(422,),
    ),
    Endpoint(
        "POST", "/v1/trees", make, "Read a text or a file into a tree that is kept",
        body=sources.NewTree, faults=(403, 422), streams=True,
        replies={200: replies.TreeFacts, 201: replies.TreeFacts},
    ),
    Endpoint(
        "GET", _TREE, asking("tree", "describe"), "Say what a tree is",
        replies={200: replies.TreeFacts}, faults=(404,),
    ),
    Endpoint(
        "DELETE", _TREE, delete, "Delete a tree", replies={204: None}, faults=(403, 404),
    ),
    Endpoint(
        "POST", f"{_TREE}/compress", asking("tree", "compress"), "Compress a tree for a question",
        body=requests.TreeRequest, replies={200: Context}, faults=(404, 422),
    ),
    Endpoint(
        "POST", f"{_TREE}/curve", asking("tree", "curve"), "Return value against tokens",
        body=requests.CurveRequest, replies={200: replies.Curve}, faults=(404, 422),
    ),
    Endpoint(
        "POST", f"{_TREE}/expand", asking("tree", "expand"), "Compress one branch of a tree",
        body=requests.ExpandRequest, replies={200: Context}, faults=(404, 422),
    ),
    Endpoint(
        "GET", f"{_TREE}/outline", asking("tree", "outline"), "Return the upper levels of a tree",
        query=requests.OutlineRequest, replies={200: replies.Outline}, faults=(404, 422),
    ),
    Endpoint(
        "GET", f"{_TREE}/nodes/{{node:int}}", asking("tree", "node"), "Return one node of a tree",
        replies={200: replies.NodeFacts}, faults=(404,),
    ),
)  # fmt: skip
"""What can be asked of texts."""
