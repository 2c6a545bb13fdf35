"""Endpoints: what is behind each path of the server, described once for answers and schema.

A request is checked against its model before anything is done with it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hier.serving.access import problem
from hier.serving.builds import FullError
from hier.serving.crew import LeftError
from hier.serving.holdings import Kind, NotHeldError
from hier.serving.house import House, RefusedError
from hier.serving.metrics import TEMPLATE

_JSON_TYPES = ("application/json", "text/json")


@dataclass(frozen=True)
class Call:
    """One request, checked.

    Attributes:
        house: what requests share.
        request: as it came.
        body: what it asks; None where it has none.
        query: what is behind the path; None where there is nothing of interest.
    """

    house: House
    request: Request
    body: Any = None
    query: Any = None

    @property
    def id(self) -> str:
        """The holding that the path names."""
        return str(self.request.path_params["id"])


Handle = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """What is behind a path.

    Attributes:
        method: of HTTP.
        path: as Starlette writes it.
        handle: what answers.
        summary: what it does.
        body: what a request brings; None for nothing.
        query: what stands behind the path; None for nothing.
        replies: what is answered, by status; None for an answer without content.
        faults: statuses of errors of its own.
        streams: whether it can tell how far it is.
        public: whether it needs no key, and no turn.
        media: of its answers.
    """

    method: str
    path: str
    handle: Handle
    summary: str
    body: Any = None
    query: Any = None
    replies: dict[int, Any] = field(default_factory=dict)
    faults: tuple[int, ...] = ()
    streams: bool = False
    public: bool = False
    media: str = "application/json"


def asking(kind: Kind, what: str) -> Handle:
    """Return what has a question to a holding answered by a worker.

    Args:
        kind: of the holding that the path names; what else it names is told to the worker.
        what: the worker's job.
    """

    async def answer(call: Call) -> Response:
        house, request = call.house, call.request
        asked = call.body if call.body is not None else call.query
        told = {name: value for name, value in request.path_params.items() if name != "id"}
        holding = house.holdings.find(call.id, kind)
        return await house.ask(what, holding, asked, request.is_disconnected, **told)

    return answer


def routes(endpoints: Sequence[Endpoint], house: House) -> list[Route]:
    """Return the routes of endpoints, one a path."""
    grouped = groupby(sorted(endpoints, key=lambda each: each.path), lambda each: each.path)
    found = {path: {each.method: each for each in group} for path, group in grouped}
    paths = dict.fromkeys(each.path for each in endpoints)  # the first that fits is taken
    return [_route(path, found[path], house) for path in paths]


def _route(path: str, methods: dict[str, Endpoint], house: House) -> Route:
    adapters = {
        method: (each.body and TypeAdapter(each.body), each.query and TypeAdapter(each.query))
        for method, each in methods.items()
    }

    async def answer(request: Request) -> Response:
        request.scope[TEMPLATE] = path
        method = "GET" if request.method == "HEAD" else request.method
        return await answered(_handled(methods[method], house, request, *adapters[method]))

    return Route(path, answer, methods=list(methods))


async def _handled(
    endpoint: Endpoint, house: House, request: Request, body: Any, query: Any
) -> Response:
    """Check a request and have it answered."""
    read = None if body is None else await _read_body(request, body)
    behind = None if query is None else _checked(query, dict(request.query_params))
    return await endpoint.handle(Call(house, request, read, behind))


async def answered(work: Awaitable[Response]) -> Response:
    """Return the answer that some work gives, or why there is none."""
    try:
        return await work
    except RefusedError as error:
        return _refusal(error)
    except NotHeldError as error:
        return problem(404, str(error))
    except FullError:
        return _refusal(RefusedError(503, "too much is being read; ask again in a while"))
    except LeftError:
        return Response(status_code=499)  # nobody reads it


def _refusal(error: RefusedError) -> Response:
    answer = problem(error.status, error.message, param=error.param, code=error.code)
    if error.status == 503:
        answer.headers["retry-after"] = "1"
    return answer


async def _read_body(request: Request, adapter: TypeAdapter[Any]) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise RefusedError(415, "a body of JSON is wanted, with Content-Type: application/json")
    return _checked(adapter, await request.body())


def _checked(adapter: TypeAdapter[Any], given: Any) -> Any:
    """Return what was given as what it stands for.

    Raises:
        RefusedError: 400 where it is no JSON, 422 where it is not what is wanted.
    """
    try:
        if isinstance(given, bytes):
            return adapter.validate_json(given)
        return adapter.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise RefusedError(400, f"the body is no JSON: {first['msg']}", None, "invalid")
    parsed = from_json(given) if isinstance(given, bytes) else given
    where = ".".join(_place(parsed, first["loc"])) or "the request"
    raise RefusedError(422, f"{where}: {first['msg']}; see /openapi.json", where, "invalid")


def _place(given: Any, steps: Sequence[int | str]) -> Iterator[str]:
    """Yield the steps to a part of what was given; those between kinds of it lead nowhere."""
    for number, step in enumerate(steps):
        inside = isinstance(given, dict) and step in given
        if inside or (isinstance(given, list) and isinstance(step, int)):
            given = given[step]
        elif not isinstance(given, dict) or number < len(steps) - 1:
            continue
        yield str(step)
