"""Schemas: what each tool takes and gives, as a client is told and as it is checked.

What is said here goes into the prompt of whatever model uses the tools: short, and for a reader who
knows nothing of hier. Types are checked here; what a value means is checked by the engine, whose
errors say more.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema

LARGEST_BUDGET = 100_000
"""Tokens that one call may ask for: more would fill most windows with a slip of the pen."""
LARGEST_QUERY = 10_000
"""Characters of a question."""


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of names: a model pays for every word."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Say no."""
        return False


def schema_of(
    model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    """Return the JSON schema of what a tool takes or gives."""
    schema = model.model_json_schema(schema_generator=_Untitled, mode=mode)
    return {name: each for name, each in schema.items() if name not in ("title", "description")}


Query = Annotated[
    str | None,
    Field(
        max_length=LARGEST_QUERY,
        description="What you want to know, in plain words. Leave it out for an overview.",
    ),
]
Budget = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST_BUDGET},
                {"const": "auto"},
            ]
        }
    ),
    Field(
        description="The most tokens of text to get back; never one more. 'auto': as many as are "
        "worth it, at most 4000."
    ),
]
Where = Annotated[
    dict[str, Any] | None,
    Field(
        description="Only documents with this metadata: {'year': 2024}, a list for any of its "
        "values; 'path' is a pattern of document names, such as 'reports/*.pdf'."
    ),
]
Parts = Annotated[list[str], Field(max_length=100)]


class Arguments(BaseModel):
    """What a tool takes: nothing that is not named, and no type but the one that is said."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CompressArguments(Arguments):
    """What ``compress`` takes."""

    query: Query = None
    budget: Budget = 2000
    document: Annotated[
        str | None, Field(description="Only this document, by its name; else all documents.")
    ] = None
    where: Where = None
    must_include: Annotated[
        Parts, Field(description="Headings, or names of documents, that must be in.")
    ] = []
    exclude: Annotated[
        Parts, Field(description="Headings, or names of documents, to leave out.")
    ] = []


class OutlineArguments(Arguments):
    """What ``outline`` takes."""

    document: Annotated[
        str | None, Field(description="The document to outline; leave it out to list documents.")
    ] = None
    depth: Annotated[
        int, Field(ge=0, le=10, description="Levels of the document below its root.")
    ] = 2
    where: Where = None
    limit: Annotated[int, Field(ge=1, le=1000, description="The most lines.")] = 100


class ExpandArguments(Arguments):
    """What ``expand`` takes."""

    document: Annotated[str, Field(description="The document's name.")]
    node_id: Annotated[int, Field(description="The node, as outline, compress and search say it.")]
    budget: Annotated[
        Any,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST_BUDGET}),
        Field(description="The most tokens of text to get back; never one more."),
    ] = 2000
    query: Query = None


class SearchArguments(Arguments):
    """What ``search`` takes."""

    query: Annotated[
        str, Field(max_length=LARGEST_QUERY, description="What to look for, in plain words.")
    ]
    limit: Annotated[int, Field(ge=1, le=50, description="The most places.")] = 10
    where: Where = None


class AddArguments(Arguments):
    """What ``add_document`` takes."""

    text: Annotated[
        str | None, Field(description="The document's text; pass this or path, not both.")
    ] = None
    path: Annotated[
        str | None,
        Field(description="A file (text, PDF, Office, HTML, ...) in a folder open to the server."),
    ] = None
    name: Annotated[
        str | None,
        Field(description="What the document is called; a text needs one, a file has its path."),
    ] = None
    metadata: Annotated[
        dict[str, Any] | None,
        Field(description="What else is known of it, for 'where': {'year': 2024}."),
    ] = None


class StatsArguments(Arguments):
    """What ``stats`` takes: nothing."""


class Piece(BaseModel):
    """Where one piece of a context stands."""

    document: str
    place: Annotated[str, Field(description="Where in its file: 'page 3', 'lines 10-12'.")]
    node_id: Annotated[int, Field(description="Pass it to expand for more around it.")]
    start: Annotated[int, Field(description="First character in the document's text.")]
    end: Annotated[int, Field(description="Character behind the last.")]
    kind: Literal["verbatim", "summary"]
    tokens: int
    relevance: Annotated[float, Field(description="Standard deviations above the mean.")]


class Compressed(BaseModel):
    """A context: its text, what it took, and where every piece of it is from."""

    text: str
    tokens: Annotated[int, Field(description="Tokens of text, counted; at most budget.")]
    budget: int
    coverage: Annotated[float, Field(description="Share of all that is relevant that is covered.")]
    optimality: Annotated[
        float, Field(description="At least this share of the best possible at this budget.")
    ]
    stop: Annotated[
        str, Field(description="Why no more is shown: budget, price, segments, everything.")
    ]
    segments: list[Piece]


class Listed(BaseModel):
    """A document as it is listed."""

    document: str
    tokens: int
    metadata: dict[str, str | int | float | bool]


class Branch(BaseModel):
    """A node of a document's tree."""

    node_id: int
    depth: int
    tokens: int
    place: str
    label: str


class Outlined(BaseModel):
    """Documents, or the upper tree of one."""

    documents: list[Listed]
    nodes: list[Branch]
    left: Annotated[int, Field(description="How many more there are than are listed.")]


class Found(BaseModel):
    """A place that was found."""

    document: str
    place: str
    node_id: int
    start: int
    end: int
    score: Annotated[float, Field(description="Standard deviations above the mean.")]
    excerpt: str


class Searched(BaseModel):
    """Places, the one that adds most first."""

    results: list[Found]


class Added(BaseModel):
    """What became of a document."""

    document: str
    tokens: int
    replaced: Annotated[bool, Field(description="There was a document of that name; it is gone.")]
    unchanged: Annotated[bool, Field(description="It was there already, word for word.")]
    documents: Annotated[int, Field(description="How many documents there are now.")]


class Stats(BaseModel):
    """What the server holds, and what it has saved."""

    documents: int
    tokens: Annotated[int, Field(description="Tokens of all documents.")]
    questions: Annotated[int, Field(description="Questions answered since the start.")]
    tokens_given: Annotated[int, Field(description="Tokens given in answer to them.")]
    tokens_of_sources: Annotated[
        int, Field(description="Tokens of what they were asked of: all of it, each time.")
    ]
    saved: Annotated[float, Field(description="Share of these that was not given, 0 to 1.")]
    tokenizer: str
    folders: Annotated[int, Field(description="Folders that add_document may read files of.")]
    version: str
