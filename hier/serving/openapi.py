"""The JSON schema of the server, OpenAPI 3.1: made of the models that requests are checked with.

What a name means is read from the docstring of its class, where people read it too.
"""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

import hier
from hier.asking import answer, citations
from hier.context import Context, Pick, Segment
from hier.serving import replies, requests, sources, streaming
from hier.serving.endpoints import Endpoint

_REFERENCE = "#/components/schemas/{model}"
_DATACLASSES = (
    Context, Segment, Pick, answer.Step, answer.Estimate, answer.Beside, citations.Citation,
)  # fmt: skip
_FAULTS = {
    400: "The body is no JSON.",
    401: "A key is missing or wrong.",
    403: "It may not be done, or not from there.",
    404: "There is nothing of that name.",
    408: "The body came too slowly.",
    409: "It contradicts what is there.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "The request is not as it must be; the error says where.",
    500: "Something went wrong; the server's log says what.",
    502: "The model could not be asked.",
    503: "Too much waits, or the server stops.",
    504: "It took too long.",
}
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_IDS = {"type": "string", "pattern": requests.ID}
_Place = tuple[Any, Literal["validation", "serialization"], TypeAdapter[Any]]
_PLACES = {"id": _IDS, "node": {"type": "integer", "minimum": 0}, "document": {"type": "string"}}


def document(endpoints: Sequence[Endpoint], keys: bool) -> dict[str, Any]:
    """Return the schema of some endpoints.

    Args:
        endpoints: all of them.
        keys: whether requests need a key.
    """
    bodies: list[_Place] = [
        (f"body {n}", "validation", TypeAdapter(each.body)) for n, each in _with(endpoints)
    ]
    answers = {kind: None for each in endpoints for kind in each.replies.values()}
    kinds = [kind for kind in answers if kind not in (None, str, dict)] + [replies.Problem]
    told: list[_Place] = [(kind, "serialization", TypeAdapter(kind)) for kind in kinds]
    places, definitions = TypeAdapter.json_schemas([*bodies, *told], ref_template=_REFERENCE)
    schemas = definitions["$defs"]
    _describe(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for number, endpoint in enumerate(endpoints):
        operation = _operation(endpoint, places, number, keys)
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = operation
    components: dict[str, Any] = {"schemas": schemas}
    if keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hier",
            "version": hier.__version__,
            "description": "Compresses long texts into a context for a model, within an exact "
            "token budget.",
        },
        "paths": paths,
        "components": components,
    }


def _with(endpoints: Iterable[Endpoint]) -> list[tuple[int, Endpoint]]:
    return [(n, each) for n, each in enumerate(endpoints) if each.body is not None]


def _operation(endpoint: Endpoint, places: Any, number: int, keys: bool) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _PLACES[name]}
        for name, _ in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        parameters += _query(endpoint.query)
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^a-z0-9]+', '_', endpoint.path)}",
        "summary": endpoint.summary,
        "responses": _responses(endpoint, places, keys),
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        schema = places[f"body {number}", "validation"]
        operation["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": schema}}
        }  # fmt: skip
    if keys and not endpoint.public:
        operation["security"] = [{"key": []}]
    return operation


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    told = attributes(model)
    return [
        {
            "name": name, "in": "query", "required": False, "schema": _bare(one),
            "description": told.get(name, ""),
        }
        for name, one in schema["properties"].items()
    ]  # fmt: skip


def _responses(endpoint: Endpoint, places: Any, keys: bool) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, kind in endpoint.replies.items():
        answers[str(status)] = _reply(endpoint, status, kind, places)
    for status in sorted(_faults(endpoint, keys)):
        schema = places[replies.Problem, "serialization"]
        answers.setdefault(
            str(status),
            {"description": _FAULTS[status], "content": {"application/json": {"schema": schema}}},
        )
    return answers


def _reply(endpoint: Endpoint, status: int, kind: Any, places: Any) -> dict[str, Any]:
    if kind is None:
        return {"description": "It is done."}
    plain: dict[Any, Any] = {str: {"type": "string"}, dict: {"type": "object"}}
    schema = plain.get(kind) or places[kind, "serialization"]
    content = {endpoint.media: {"schema": schema}}
    if endpoint.streams:
        text = {"schema": {"type": "string"}}
        content |= {streaming.NDJSON: text, streaming.SSE: text}
    return {"description": "It is done." if status < 400 else _FAULTS[status], "content": content}


def _faults(endpoint: Endpoint, keys: bool) -> set[int]:
    """Return the statuses with which a request can be refused."""
    found = {*endpoint.faults, 408, 413, 500, 503, 504}
    if not endpoint.public:
        found |= {401} if keys else {403}
    if endpoint.body is not None:
        found |= {400, 415, 422}
    return found


def _describe(schemas: dict[str, Any]) -> None:
    """Give every schema and its parts the words of the class that it is made of."""
    classes: dict[str, type] = {each.__name__: each for each in _DATACLASSES}
    for module in (requests, sources, replies):
        classes |= {
            name: each for name, each in vars(module).items() if inspect.isclass(each)
        }  # fmt: skip
    for name, schema in schemas.items():
        if name not in classes:
            continue
        schema["description"] = (inspect.getdoc(classes[name]) or "").partition("\n\n")[0]
        told = attributes(classes[name])
        for part, one in schema.get("properties", {}).items():
            one.pop("title", None)
            if part in told:
                one["description"] = told[part]


def attributes(kind: type) -> dict[str, str]:
    """Return what a class's docstring and those it is made of say of its attributes."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        _, _, section = (inspect.getdoc(each) or "").partition("Attributes:\n")
        for name, words in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(words.split()).replace("``", "")
    return found


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "title"}
