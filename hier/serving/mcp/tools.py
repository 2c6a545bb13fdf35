"""The tools: what each is called, what a model is told of it, and what it calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, TextContent, ToolAnnotations
from mcp_types import Tool as Described
from pydantic import BaseModel, ValidationError

from hier.errors import InputError
from hier.serving.mcp import schemas
from hier.serving.mcp.service import Reply, Service
from hier.tokens import encodable


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        name: what a client calls.
        title: what a person is shown.
        description: what a model is told: what it does, when to use it, what comes back.
        takes: its arguments.
        gives: its structured result.
        call: what answers it.
        writes: whether it changes the documents.
    """

    name: str
    title: str
    description: str
    takes: type[schemas.Arguments]
    gives: type[BaseModel]
    call: Callable[[Service, Any], Reply]
    writes: bool = False

    def described(self) -> Described:
        """Return the tool as a client lists it."""
        return Described(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=schemas.schema_of(self.takes, "validation"),
            output_schema=schemas.schema_of(self.gives, "serialization"),
            annotations=ToolAnnotations(
                read_only_hint=not self.writes,
                destructive_hint=self.writes,  # a document may take the place of another
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )

    def answer(self, service: Service, given: dict[str, Any]) -> tuple[CallToolResult, bool]:
        """Return the result of a call, and whether it changed the documents.

        Raises:
            HierError: the arguments cannot be answered.
        """
        try:
            arguments = self.takes.model_validate(given)
        except ValidationError as error:
            raise InputError(f"{self.name}: {_in_words(error)}") from error
        reply = self.call(service, arguments)
        result = CallToolResult(
            content=[TextContent(text=encodable(reply.text))],
            structured_content=_encodable(reply.value.model_dump(mode="json")),
        )
        return result, reply.changed


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "compress",
            "Read the documents within a token budget",
            "Reads all documents (or one) and returns the text that best answers a question "
            "within a token budget: exact quotes in document order, an ellipsis where something "
            "is left out. Use it first, instead of reading files. Ask again with another question "
            "or a larger budget if it is not enough; without a query it returns an overview.",
            schemas.CompressArguments,
            schemas.Compressed,
            Service.compress,
        ),
        Tool(
            "outline",
            "List documents, or outline one",
            "Without a document: lists the documents, with their size in tokens. With one: its "
            "upper tree, a line a node: id, tokens, headings. Use it to see what there is, and to "
            "find the node_id of a part for expand.",
            schemas.OutlineArguments,
            schemas.Outlined,
            Service.outline,
        ),
        Tool(
            "expand",
            "Read one part of a document",
            "Returns the text of one node of a document (a section, a chapter) within a token "
            "budget: all of it if it fits, else what best answers the query. Use it after "
            "compress, search or outline, for more around a node_id that they named.",
            schemas.ExpandArguments,
            schemas.Compressed,
            Service.expand,
        ),
        Tool(
            "search",
            "Find where something is said",
            "Finds the places in all documents that say most about a query, best first: document, "
            "page or line, node_id, score and the words themselves. Use it to find where "
            "something is said; use compress to read enough for an answer.",
            schemas.SearchArguments,
            schemas.Searched,
            Service.search,
        ),
        Tool(
            "add_document",
            "Add a document",
            "Adds a text, or a file of a folder that is open to this server, to the documents, so "
            "that the other tools read it too. A document of the same name is replaced, and the "
            "reply says so. Nothing is fetched: URLs are refused.",
            schemas.AddArguments,
            schemas.Added,
            Service.add,
            writes=True,
        ),
        Tool(
            "stats",
            "What is held and what it saved",
            "Says how many documents and tokens there are, how many questions were answered, and "
            "how many tokens that took instead of reading everything.",
            schemas.StatsArguments,
            schemas.Stats,
            Service.stats,
        ),
    )
}


def refused(message: str) -> CallToolResult:
    """Return the result of a call that was not answered, for the model to read."""
    return CallToolResult(content=[TextContent(text=encodable(message))], is_error=True)


def _in_words(error: ValidationError) -> str:
    """Say in one line which arguments are wrong, and how."""
    told = []
    for each in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in each["loc"])
        given = repr(each["input"])
        shown = given if len(given) <= 60 else given[:59] + "…"
        told.append(f"{name}: {each['msg']}, this is {shown}")
    return "; ".join(told)


def _encodable(value: Any) -> Any:
    """Return plain values whose texts can all be written as UTF-8."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {encodable(name): _encodable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value
