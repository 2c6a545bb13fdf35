"""Replies: what the server answers, as its JSON schema says it; contexts are the engine's own."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hier.asking.answer import Beside, Estimate, Step
from hier.asking.citations import Citation
from hier.context import Context
from hier.document import Span


class Reply(BaseModel):
    """Something that the server answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Held(Reply):
    """A text or a corpus that can be asked.

    Attributes:
        id: what it is asked by.
        kind: tree or corpus.
        name: what it is called.
        bytes: the size of its file.
        writable: whether it can be changed and deleted here.
    """

    id: str
    kind: Literal["tree", "corpus"]
    name: str
    bytes: int
    writable: bool


class HeldList(Reply):
    """What can be asked, in the order of the ids.

    Attributes:
        holdings: texts and corpora.
        more: whether there are others behind the last.
    """

    holdings: list[Held]
    more: bool


class TreeFacts(Held):
    """A text that was read.

    Attributes:
        tokens: its size.
        characters: its length.
        nodes: of all levels.
        leaves: of the lowest level.
        levels: of the tree.
        tokenizer: how tokens are counted.
        embedder: what measures likeness.
        relevance: how a question is weighed.
    """

    tokens: int
    characters: int
    nodes: int
    leaves: int
    levels: int
    tokenizer: str | None
    embedder: str | None
    relevance: str


class CorpusFacts(Held):
    """A corpus.

    Attributes:
        tokens: the size of its documents together.
        documents: how many it has.
        tokenizer: how tokens are counted.
        embedder: what measures likeness.
        relevance: how a question is weighed.
    """

    tokens: int
    documents: int
    tokenizer: str | None
    embedder: str
    relevance: str


class Point(Reply):
    """What a budget buys.

    Attributes:
        tokens: that are used.
        value: share of all value that they cover.
    """

    tokens: int
    value: float


class Curve(Reply):
    """Value against tokens.

    Attributes:
        points: one a budget, in the order asked for.
    """

    points: list[Point]


class Outline(Reply):
    """The upper tree.

    Attributes:
        text: a node a line, indented: its id, tokens, and heading or first words.
    """

    text: str


class NodeFacts(Reply):
    """One node of a tree.

    Attributes:
        id: its number.
        level: 0 for a leaf.
        start: first character in the source.
        end: character behind the last.
        tokens: its size, to within a few.
        parent: id of its parent; none for the root.
        children: ids of its children.
        heading: the heading it begins with or stands under; may be empty.
        label: its headings, or its first words.
        place: where in its file it stands.
        summary: its summary; of a leaf, its text.
        sources: the spans that the summary was made from.
    """

    id: int
    level: int
    start: int
    end: int
    tokens: int
    parent: int | None
    children: list[int]
    heading: str
    label: str
    place: str
    summary: str
    sources: list[Span]


class DocumentFacts(Reply):
    """A document of a corpus.

    Attributes:
        name: what it is called.
        tokens: its size.
        metadata: what else is known of it.
    """

    name: str
    tokens: int
    metadata: dict[str, Any]


class DocumentList(Reply):
    """Documents of a corpus, in the order of their names.

    Attributes:
        documents: the documents.
        more: whether there are others behind the last.
    """

    documents: list[DocumentFacts]
    more: bool


class Refusal(Reply):
    """A document that was not added.

    Attributes:
        name: the document.
        why: what is wrong with it.
    """

    name: str
    why: str


class Added(Reply):
    """What became of documents.

    Attributes:
        added: names of those that are kept.
        failed: the others.
    """

    added: list[str]
    failed: list[Refusal]


class AnswerFacts(Reply):
    """What a model answered, within a budget for everything that is billed.

    Attributes:
        question: what was asked.
        text: the answer.
        citations: the pieces it cites.
        unknown_citations: labels in it that name no piece that was shown.
        thought: what the model said before its answer.
        contexts: what was shown.
        steps: what was asked for, and shown.
        stop: why no more was shown.
        budget: most tokens of all calls together.
        tokens: tokens of all calls.
        ledger: every call, and what it took.
        estimate: what the question was expected to take.
        beside: what it took, beside the whole document.
    """

    question: str
    text: str
    citations: list[Citation]
    unknown_citations: list[str]
    thought: str
    contexts: list[Context]
    steps: list[Step]
    stop: str
    budget: int
    tokens: int
    ledger: dict[str, Any]
    estimate: Estimate
    beside: Beside


class About(Reply):
    """What is here.

    Attributes:
        name: of the server.
        version: of hier.
        published: where its schema is.
    """

    name: str
    version: str
    published: str


class State(Reply):
    """How the server is.

    Attributes:
        status: in a word.
        version: of hier.
    """

    status: Literal["ok", "ready", "starting", "stopping"]
    version: str


class Fault(Reply):
    """What is wrong with a request.

    Attributes:
        type: the kind of error.
        message: what is wrong, and how it is mended.
        param: the part of the request that is meant.
        code: invalid where the request is not as the schema says; refused where it is, and cannot
            be done.
    """

    type: str
    message: str
    param: str | None
    code: str | None


class Problem(Reply):
    """An error.

    Attributes:
        error: what is wrong.
    """

    error: Fault
