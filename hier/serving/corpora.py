"""Corpora over HTTP: made, filled, asked, listed and deleted."""

from typing import Any

from starlette.responses import Response

from hier.context import Context
from hier.serving import replies, requests, sources
from hier.serving.endpoints import Call, Endpoint, asking
from hier.serving.holdings import Holding, NotHeldError
from hier.serving.house import House, RefusedError, as_json, written
from hier.serving.replies import Held
from hier.serving.streaming import streamed, wanted
from hier.serving.trees import check_writable, events_of, found_file


async def make(call: Call) -> Response:
    """Make an empty corpus, or find one that was made in the same way."""
    house, name = call.house, call.id
    path = str(house.holdings.path_of(name))
    async with house.lock(name):
        there = _there(house, name)
        if there is not None and there.kind != "corpus":
            raise RefusedError(409, f"{name} is the id of a text; take another")
        if there is not None:
            check_writable(there)
        held = Held(id=name, kind="corpus", name="", bytes=0, writable=True).model_dump()
        work = house.do("corpus_create", written(call.body), path=path, held=held)
        _, reply = await house.builds.start(
            house.next_name("create"), lambda _: house.accepted(work)
        ).result()
    return as_json(reply, 201 if there is None else 200)


def _there(house: House, name: str) -> Holding | None:
    try:
        return house.holdings.find(name)
    except NotHeldError:
        return None


async def add(call: Call) -> Response:
    """Add documents, or replace those of the same names."""
    house = call.house
    check_writable(house.holdings.find(call.id, "corpus"))
    files = [
        None if isinstance(each, sources.DocumentOfText)
        else str(found_file(house, each.path, f"documents.{number}.path"))
        for number, each in enumerate(call.body.documents)
    ]  # fmt: skip
    build = house.builds.start(
        house.next_name("add"),
        lambda tell: _write(house, call.id, "corpus_add", written(call.body), tell, files=files),
    )
    if (how := wanted(call.request)) is not None:
        return streamed(events_of(build, call.id), how)
    return as_json(await build.result())


async def _write(
    house: House, name: str, what: str, body: bytes = b"", tell: Any = None, **told: Any
) -> bytes:
    """Have a corpus changed, one change at a time."""
    async with house.lock(name):
        holding = house.holdings.find(name, "corpus")
        check_writable(holding)
        work = house.do(what, body, holding, long=True, heard=tell, **told)
        return (await house.accepted(work))[1]


async def remove(call: Call) -> Response:
    """Remove a document."""
    document = call.request.path_params["document"]
    await _change(call, "corpus_remove", document=document)
    return Response(status_code=204)


async def delete(call: Call) -> Response:
    """Delete a corpus."""
    await _change(call, "corpus_delete")
    return Response(status_code=204)


async def _change(call: Call, what: str, **told: Any) -> None:
    house = call.house
    house.holdings.find(call.id, "corpus")
    await house.builds.start(
        house.next_name(what), lambda _: _write(house, call.id, what, **told)
    ).result()


_CORPUS = "/v1/corpora/{id}"

ENDPOINTS = (
    Endpoint(
        "PUT", _CORPUS, make, "Make an empty corpus", body=sources.NewCorpus,
        replies={200: replies.CorpusFacts, 201: replies.CorpusFacts}, faults=(403, 404, 409, 422),
    ),
    Endpoint(
        "GET", _CORPUS, asking("corpus", "corpus_describe"), "Say what a corpus is",
        replies={200: replies.CorpusFacts}, faults=(404,),
    ),
    Endpoint(
        "DELETE", _CORPUS, delete, "Delete a corpus", replies={204: None}, faults=(403, 404),
    ),
    Endpoint(
        "GET", f"{_CORPUS}/documents", asking("corpus", "corpus_documents"),
        "List the documents of a corpus",
        query=requests.ListRequest, replies={200: replies.DocumentList}, faults=(404, 422),
    ),
    Endpoint(
        "POST", f"{_CORPUS}/documents", add, "Add documents to a corpus, or replace them",
        body=sources.NewDocuments, replies={200: replies.Added}, faults=(403, 404, 422),
        streams=True,
    ),
    Endpoint(
        "DELETE", f"{_CORPUS}/documents/{{document:path}}", remove,
        "Remove a document from a corpus", replies={204: None}, faults=(403, 404),
    ),
    Endpoint(
        "POST", f"{_CORPUS}/compress", asking("corpus", "corpus_compress"),
        "Compress a corpus for a question",
        body=requests.CorpusRequest, replies={200: Context}, faults=(404, 422),
    ),
)  # fmt: skip
"""What can be asked of corpora."""
