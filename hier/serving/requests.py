"""Requests: what may be sent to the server, checked here, and published as its JSON schema.

Types are strict (no number in quotes) and names closed (what is misspelt is refused). What a value
means for one text, such as a heading that must be there, is for the engine to say.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

LARGEST_BUDGET = 10_000_000  # tokens
_LONGEST_QUERY = 32_768  # characters
LONGEST_NAME = 512
_MOST = 1_000  # of selectors, segments, budgets

ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _with_words(text: str) -> str:
    if text.isspace():
        raise ValueError("a text with words is wanted")
    return text


def _whole(number: Any) -> Any:
    """Return a number without its empty fraction: to JSON, 2.0 is 2."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


WHOLE = BeforeValidator(_whole)
Text = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"pattern": r"\S"}),
    AfterValidator(_with_words),
]
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Question = Annotated[str, Field(max_length=_LONGEST_QUERY)]
Query = Question | Annotated[list[Question], Field(max_length=16)] | None
Tokens = Annotated[int, Field(ge=1, le=LARGEST_BUDGET), WHOLE]
Price = Literal["thorough", "balanced", "thrifty"] | Annotated[float, Field(ge=0)]
Place = Annotated[int, Field(ge=0, le=2**53), WHOLE]
Plain = str | bool | int | float
Metadata = dict[Annotated[str, Field(max_length=LONGEST_NAME)], Plain]
Tokenizer = Literal["o200k_base", "o200k_harmony", "cl100k_base"]


class Request(BaseModel):
    """Something that is asked of the server."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class CharacterSpan(Request):
    """Characters of a text.

    Attributes:
        start: the first.
        end: the one behind the last.
    """

    start: Place
    end: Place


class DocumentSpan(CharacterSpan):
    """Characters of a document of a corpus.

    Attributes:
        document: the document's name.
    """

    document: Name


TreePart = Place | Name | CharacterSpan
CorpusPart = Name | DocumentSpan


class TreeShare(Request):
    """The least share of the budget that is spent on a part of a text.

    Attributes:
        part: a node, the words of a heading, or characters.
        share: 0 to 1.
    """

    part: TreePart
    share: Annotated[float, Field(ge=0, le=1)]


class CorpusShare(Request):
    """The least share of the budget that is spent on a part of a corpus.

    Attributes:
        part: a document, the words of a heading, or characters of a document.
        share: 0 to 1.
    """

    part: CorpusPart
    share: Annotated[float, Field(ge=0, le=1)]


class SeenSegment(Request):
    """A segment of an earlier context, as that had it; what else it had may stay.

    Attributes:
        start: first character in the source.
        end: character behind the last.
        kind: verbatim or summary.
        node_id: the smallest node that holds it.
        text: the words.
        document_id: the document of a corpus.
    """

    model_config = ConfigDict(extra="ignore")

    start: Place
    end: Place
    kind: Literal["verbatim", "summary"]
    node_id: Place
    text: str
    document_id: str = ""


class ContextRequest(Request):
    """What a context is asked for, and what it keeps to.

    Attributes:
        query: the question, or several that share the budget; none for an overview.
        budget: the most tokens of the context; "auto" for as many as are worth their price.
        ratio: share of the text's tokens to take as the budget, in its place.
        ceiling: the most tokens of budget "auto".
        price: what a thousand tokens must add to be spent, in percent of all that is relevant, or a
            word for it.
        max_segments: the most segments.
        prefix: a text to stand before all else, paid for like the rest.
        suffix: a text to stand behind all else, paid for like the rest.
        seen: segments of earlier contexts that the reader knows: not shown, nor paid for, again.
        order: of the document, or the most relevant segment first.
        nested: leave tokens unspent rather than fill them, so that the context of a larger budget
            holds all of this one.
        headings: show the headings a piece stands under.
        gaps: mark what was left out.
    """

    query: Query = None
    budget: Tokens | Literal["auto"] = 2000
    ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    ceiling: Tokens | None = None
    price: Price | None = None
    max_segments: Tokens | None = None
    prefix: Question = ""
    suffix: Question = ""
    seen: Annotated[list[SeenSegment], Field(max_length=_MOST)] = []
    order: Literal["document", "relevance"] = "document"
    nested: bool = False
    headings: bool = True
    gaps: bool = True


class TreeRequest(ContextRequest):
    """A question to a text, within a token budget.

    Attributes:
        must_include: parts that are shown, whatever they are worth: a node, the words of a heading
            (its whole section), or characters.
        exclude: parts that are not shown.
        minimum: the least shares of the budget that parts get.
    """

    must_include: Annotated[list[TreePart], Field(max_length=_MOST)] = []
    exclude: Annotated[list[TreePart], Field(max_length=_MOST)] = []
    minimum: Annotated[list[TreeShare], Field(max_length=_MOST)] = []


class CorpusRequest(ContextRequest):
    """A question to a corpus, within one token budget.

    Attributes:
        where: which documents are meant: metadata they must have, a list for any of its values;
            path for a pattern of names.
        must_include: parts that are shown: a document, the words of a heading, or characters of a
            document.
        exclude: parts that are not shown.
        minimum: the least shares of the budget that parts get.
    """

    where: dict[str, Plain | list[Plain]] | None = None
    must_include: Annotated[list[CorpusPart], Field(max_length=_MOST)] = []
    exclude: Annotated[list[CorpusPart], Field(max_length=_MOST)] = []
    minimum: Annotated[list[CorpusShare], Field(max_length=_MOST)] = []


class TextRequest(TreeRequest):
    """A text and a question to it, in one call.

    Attributes:
        text: the text.
        tokenizer: how tokens are counted.
        relevance: how a question is weighed.
    """

    text: Text
    tokenizer: Tokenizer = "o200k_base"
    relevance: Literal["learned", "plain"] = "learned"


class CurveRequest(Request):
    """Value against tokens.

    Attributes:
        query: the question, or several; none for an overview.
        budgets: budgets; none for every budget at which one more piece fits.
    """

    query: Query = None
    budgets: Annotated[list[Tokens], Field(min_length=1, max_length=_MOST)] | None = None


class ExpandRequest(Request):
    """One branch, compressed.

    Attributes:
        node_id: the node, as a segment names it.
        budget: the most tokens.
        query: the question; none for an overview of the branch.
    """

    node_id: Place
    budget: Tokens = 2000
    query: Question | None = None


class TreeQuestion(Request):
    """A question that the server's model answers, with citations.

    Attributes:
        question: the question.
        budget: the most tokens of all calls together, sent and received.
        mode: coarse to fine, one context, or whichever the budget has room for.
        reasoning: tokens to think in: a number, the model's own estimate, or a search.
        steps: the most calls.
        price: what a thousand tokens of context must add; none to fill the budget.
    """

    question: Annotated[
        str,
        Field(min_length=1, max_length=_LONGEST_QUERY, json_schema_extra={"pattern": r"\S"}),
        AfterValidator(_with_words),
    ]
    budget: Tokens = 8000
    mode: Literal["auto", "once", "steps"] = "auto"
    reasoning: (
        Annotated[int, Field(ge=1, le=LARGEST_BUDGET), WHOLE] | Literal["estimate", "search"] | None
    ) = None
    steps: Annotated[int, Field(ge=1, le=100), WHOLE] = 6
    price: Price | None = "balanced"


class CorpusQuestion(TreeQuestion):
    """A question to a corpus that the server's model answers, with citations.

    Attributes:
        where: which documents are meant, as for a context.
    """

    where: dict[str, Plain | list[Plain]] | None = None


class OutlineRequest(Request):
    """How much of a tree is shown.

    Attributes:
        depth: levels below the root.
    """

    model_config = ConfigDict(strict=False)

    depth: Annotated[int, Field(ge=0, le=8), WHOLE] = 3


class ListRequest(Request):
    """A part of a list.

    Attributes:
        limit: the most entries.
        after: the entry behind which it begins.
    """

    model_config = ConfigDict(strict=False)

    limit: Annotated[int, Field(ge=1, le=1000), WHOLE] = 100
    after: Name = ""


def engine_options(request: ContextRequest) -> dict[str, Any]:
    """Return a request as the arguments of ``Tree.compress`` or ``Corpus.compress``."""
    names = ContextRequest.model_fields.keys() - {"seen"}
    told = {name: getattr(request, name) for name in names}
    if isinstance(request, TreeRequest | CorpusRequest):
        told |= {name: [_part(each) for each in getattr(request, name)] for name in _PARTS}
        told["minimum"] = {_part(each.part): each.share for each in request.minimum}
    if isinstance(request, CorpusRequest):
        told["where"] = request.where
    return told


_PARTS = ("must_include", "exclude")


def _part(part: Any) -> Any:
    """Return a part as the engine names it."""
    if isinstance(part, DocumentSpan):
        return part.document, (part.start, part.end)
    return (part.start, part.end) if isinstance(part, CharacterSpan) else part
