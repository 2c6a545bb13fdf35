"""Contexts: what a model is shown, and where every character of it came from."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hier.document import Span

Stop = Literal["budget", "price", "segments", "everything"]


@dataclass(frozen=True)
class Segment:
    """A piece of a context.

    Attributes:
        start: first character in the source.
        end: character behind the last in the source.
        kind: ``"verbatim"`` (``source[start:end] == text``) or ``"summary"``.
        level: level of the smallest node that holds it; 0 is a leaf.
        tokens: tokens of ``text`` on its own.
        relevance: standard deviations above the mean leaf of the source (0 without a query).
        node_id: the smallest node that holds it.
        text: the words themselves.
        sources: for a summary, the spans it was made from.
        place: where in its file it stands: ``"page 3"``, ``"sheet Prices, row 12"``, ``"line 7"``.
        document_id: the document of a corpus that it is from; empty for a single text.
    """

    start: int
    end: int
    kind: Literal["verbatim", "summary"]
    level: int
    tokens: int
    relevance: float
    node_id: int
    text: str
    sources: tuple[Span, ...] = ()
    place: str = ""
    document_id: str = ""


@dataclass(frozen=True)
class Pick:
    """One decision of the allocator, in the order taken.

    Attributes:
        span: the characters picked.
        relevance: as in ``Segment``.
        gain: share of the whole value that it added, 0 to 1.
        cost: tokens it was expected to add, headings and gap marks included.
        terms: words of the query that it holds.
        place: where in its file it stands, as in ``Segment``.
        document_id: as in ``Segment``.
    """

    span: Span
    relevance: float
    gain: float
    cost: int
    terms: tuple[str, ...] = ()
    place: str = ""
    document_id: str = ""


@dataclass(frozen=True)
class Context:
    """A text for a model, at most ``budget`` tokens, with its provenance.

    Attributes:
        text: what to show the model.
        tokens: the tokens of ``text``, counted on the final string.
        budget: the most tokens allowed.
        segments: the pieces, in document order, never overlapping.
        coverage: share of the source's value (relevance-weighted) that is covered, 0 to 1.
        optimality: a lower bound on value / best possible value at this budget, 0 to 1.
        query: the question, several, or None for an overview.
        picks: the allocator's decisions, best first.
        going: share of the value that the next token would add, at the pick that was not made.
        stop: why no more is shown: ``"budget"``, ``"price"`` (more would not be worth it),
            ``"segments"`` (no more of them are allowed) or ``"everything"`` (nothing of value is
            left).
    """

    text: str
    tokens: int
    budget: int
    segments: tuple[Segment, ...]
    coverage: float
    optimality: float
    query: str | tuple[str, ...] | None = None
    picks: tuple[Pick, ...] = field(default=(), repr=False)
    going: float = 0.0
    stop: Stop = "everything"

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from hier.notebook import context_html

        return context_html(self)

    def used(self) -> str:
        """Say in one line what was spent, what it covers, and how good a choice it is."""
        more = {
            "budget": "",
            "price": ": more would not help",
            "segments": ": no more segments are allowed",
            "everything": ": there is no more",
        }
        pieces = f"{len(self.segments)} segment{'' if len(self.segments) == 1 else 's'}"
        return (
            f"{self.tokens:,} of {self.budget:,} tokens{more[self.stop]}; {pieces}, coverage "
            f"{self.coverage:.0%}, at least {int(100 * self.optimality)}% of the best possible"
        )

    def sources(self) -> str:
        """Return where the pieces stand as lines, one a document: its name, and the places."""
        places: dict[str, dict[str, None]] = {}
        for segment in self.segments:
            places.setdefault(segment.document_id, {})[segment.place] = None
        return "\n".join(
            f"{name or 'the text'}: {'; '.join(where)}" for name, where in places.items()
        )

    def explain(self) -> str:
        """Say in plain lines why each piece is in the context."""
        queries = (self.query,) if isinstance(self.query, str) else self.query or ()
        lines = [f"query: {query}" for query in queries] or ["no query: overview"]
        lines.append(self.used())
        for number, pick in enumerate(self.picks, 1):
            terms = f" terms: {', '.join(pick.terms)}" if pick.terms else ""
            document = f"{pick.document_id}, " if pick.document_id else ""
            place = f", {pick.place}" if pick.place else ""
            where = f"{document}characters {pick.span.start}-{pick.span.end}{place}"
            lines.append(
                f"{number:3}. {where}: relevance "
                f"{pick.relevance:+.2f}, {pick.cost} tokens, adds {pick.gain:.2%}{terms}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return asdict(self)
