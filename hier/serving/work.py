"""Work: what a worker does for a request to a text, from its bytes to those of the answer.

Every job is a function of the desk it is done at and of the job; jobs of corpora and models are in
``corpus_work.py`` and ``model_work.py``, and have the same form.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

import hier
from hier.config import ModelSettings
from hier.context import Context, Segment
from hier.document import Document
from hier.errors import InputError
from hier.inspector import data
from hier.serving import replies, requests, sources
from hier.serving.opened import Opened
from hier.tree import Tree

_CONTEXT = TypeAdapter(Context)

Tell = Callable[[dict[str, Any]], None]


class UnknownError(InputError):
    """What is asked for is not there."""


class OtherwiseError(InputError):
    """What is to be made is there already, made in another way."""


@dataclass(frozen=True)
class Job:
    """One thing to do.

    Attributes:
        what: its name.
        told: where it is done, and what else the server knows: plain values.
        body: the request, as JSON that the server has checked.
        tell: reports how far it is.
    """

    what: str
    told: dict[str, Any]
    body: bytes
    tell: Tell


@dataclass(frozen=True)
class Done:
    """An answer.

    Attributes:
        body: as JSON.
        source: tokens of what was asked; 0 where no context was made.
        tokens: of the context.
    """

    body: bytes
    source: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class Desk:
    """What a worker keeps from one job to the next.

    Attributes:
        opened: trees and corpora.
        model: the name of the model that answers questions; empty for none.
        settings: how it is reached.
        models: the model, when it was first needed.
    """

    opened: Opened = field(default_factory=Opened)
    model: str = ""
    settings: ModelSettings = field(default_factory=ModelSettings)
    models: list[Any] = field(default_factory=list)

    def tree(self, job: Job) -> Tree:
        """Return the tree that a job is about."""
        return self.opened.tree(job.told["path"], tuple(job.told["stamp"]))


Work = Callable[[Desk, Job], Done]


def compress(desk: Desk, job: Job) -> Done:
    """Compress a tree."""
    request = requests.TreeRequest.model_validate_json(job.body)
    return _compressed(desk.tree(job), request)


def compress_text(_: Desk, job: Job) -> Done:
    """Read a text and compress it."""
    request = requests.TextRequest.model_validate_json(job.body)
    tree = hier.build(request.text, tokenizer=request.tokenizer, relevance=request.relevance)
    return _compressed(tree, request)


def _compressed(tree: Tree, request: requests.TreeRequest) -> Done:
    seen = seen_context(request.seen)
    context = tree.compress(**requests.engine_options(request), seen=seen)
    return as_done(context, tree.tokens)


def curve(desk: Desk, job: Job) -> Done:
    """Return value against tokens."""
    request = requests.CurveRequest.model_validate_json(job.body)
    points = desk.tree(job).curve(request.query, request.budgets)
    told = [replies.Point(tokens=tokens, value=value) for tokens, value in points]
    return _reply(replies.Curve(points=told))


def expand(desk: Desk, job: Job) -> Done:
    """Compress one branch."""
    request = requests.ExpandRequest.model_validate_json(job.body)
    tree = desk.tree(job)
    _check_node(tree, request.node_id)
    context = tree.expand(request.node_id, request.budget, request.query)
    return as_done(context, tree.tokens)


def outline(desk: Desk, job: Job) -> Done:
    """Return the upper tree."""
    request = requests.OutlineRequest.model_validate_json(job.body)
    return _reply(replies.Outline(text=desk.tree(job).outline(request.depth)))


def node(desk: Desk, job: Job) -> Done:
    """Return one node."""
    tree, number = desk.tree(job), job.told["node"]
    _check_node(tree, number)
    found = tree.nodes[number]
    summary, sources = tree.summary(number)
    names = ("id", "level", "start", "end", "tokens", "parent", "heading")
    return _reply(
        replies.NodeFacts(
            **{name: getattr(found, name) for name in names},
            children=list(found.children),
            label=tree.label(found),
            place=tree.document.place(found.start, found.end),
            summary=summary,
            sources=list(sources),
        )
    )


def show(desk: Desk, job: Job) -> Done:
    """Answer the inspector's page."""
    tree, page, asked = desk.tree(job), job.told["page"], job.told["asked"]
    if page == "node":
        _check_node(tree, asked["node_id"])
    return Done(data.answer(tree, page, asked))


def describe(desk: Desk, job: Job) -> Done:
    """Say what a tree is."""
    return _facts(desk.tree(job), job)


def build(desk: Desk, job: Job) -> Done:
    """Read a text or a file, and keep its tree."""
    kind = sources.TreeOfFile if "file" in job.told else sources.TreeOfText
    request = kind.model_validate_json(job.body)
    job.tell({"what": "reading", "done": 0, "total": 1})
    document = (
        Document(request.text, request.name)
        if isinstance(request, sources.TreeOfText)
        else read_file(job.told["file"], request.name or request.path, request.encoding)
    )
    tree = hier.build(
        document,
        tokenizer=request.tokenizer,
        relevance=request.relevance,
        progress=lambda what, done, total: job.tell({"what": what, "done": done, "total": total}),
    )
    job.tell({"what": "saving", "done": 0, "total": 1})
    path = Path(job.told["path"])
    tree.save(path)
    job.told["held"] |= {"name": tree.document.name, "bytes": path.stat().st_size}
    return _facts(tree, job)


def _facts(tree: Tree, job: Job) -> Done:
    facts = replies.TreeFacts(
        **(job.told["held"] | {"name": job.told["held"]["name"] or tree.document.name}),
        tokens=tree.tokens,
        characters=len(tree.source),
        nodes=len(tree.nodes),
        leaves=len(tree.leaf_start),
        levels=len(tree.levels),
        tokenizer=tree.tokenizer.name,
        embedder=tree.embedder,
        relevance=tree.relevance if tree.relevance in ("learned", "plain") else "own weights",
    )
    return _reply(facts, tree.tokens)


def read_file(path: str, name: str, encoding: str) -> Document:
    """Read a file under the name that it is known by to who asks.

    Raises:
        InputError: it cannot be read; where it lies is not said.
    """
    from hier.files.reading import read_bytes, read_raw

    try:
        return read_bytes(read_raw(Path(path))[0], name, encoding)
    except InputError as error:
        raise InputError(str(error).replace(path, name)) from error


def seen_context(segments: Iterable[requests.SeenSegment]) -> tuple[Context, ...]:
    """Return the context that has some segments; what else it was is not asked."""
    own = tuple(
        Segment(
            each.start, each.end, each.kind, 0, 0, 0.0, each.node_id, each.text,
            document_id=each.document_id,
        )
        for each in segments
    )  # fmt: skip
    return (Context("", 0, 0, own, 0.0, 0.0),) if own else ()


def as_done(context: Context, source: int) -> Done:
    """Return a context as it is answered."""
    try:
        body = _CONTEXT.dump_json(context)
    except PydanticSerializationError:  # half of a pair of surrogates, which JSON can only escape
        body = json.dumps(context.to_dict()).encode()
    return Done(body, source, context.tokens)


def _reply(reply: replies.Reply, source: int = 0) -> Done:
    try:
        return Done(reply.model_dump_json().encode(), source)
    except PydanticSerializationError:
        return Done(json.dumps(reply.model_dump()).encode(), source)


reply_of = _reply


def _check_node(tree: Tree, number: int) -> None:
    if number >= len(tree.nodes):
        raise UnknownError(
            f"there is no node {number}; node ids of this tree are 0 to {len(tree.nodes) - 1}"
        )


WORK: dict[str, Work] = {
    "compress": compress,
    "compress_text": compress_text,
    "curve": curve,
    "expand": expand,
    "outline": outline,
    "node": node,
    "show": show,
    "describe": describe,
    "build": build,
}
"""Every job to a text, by name."""
