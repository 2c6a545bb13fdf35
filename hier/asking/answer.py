"""Answers: what a model said, what it cites, what it was shown, and what that took."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hier.asking.citations import Citation
from hier.context import Context
from hier.ledger import Ledger

Ending = Literal["answered", "price", "budget", "steps", "empty", "refused"]


@dataclass(frozen=True)
class Step:
    """One thing that was shown, and why.

    Attributes:
        asked: ``"overview"`` or ``"whole"`` for what is shown first, ``"expand"`` or ``"search"``,
            or what the model called that is no tool.
        argument: the node, or the words; None where there is none.
        numbers: the first and the last number of the pieces shown; None where none was.
        tokens: of what was shown, numbers included.
        stop: why no more was shown, as ``Context.stop``; empty where a call was not heeded.
        fault: what was wrong with the call; empty if nothing was.
    """

    asked: str
    argument: int | str | None
    numbers: tuple[int, int] | None = None
    tokens: int = 0
    stop: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a question will take, before it is asked.

    Attributes:
        question: the question.
        context: tokens of text that are worth their price for it.
        covers: share of all that is relevant that these show, 0 to 1.
        reasoning: tokens to think and answer in.
        asked: the model itself estimated them; otherwise they are a plain default.
        prompt: tokens of all else that one call sends.
        total: of one call with that context.
        least: the smallest budget that can be asked with at all.
        whole: of one call with the whole text in place of the context.
        curve: (tokens of context, share of all that is relevant) at a few budgets.
    """

    question: str
    context: int
    covers: float
    reasoning: int
    asked: bool
    prompt: int
    total: int
    least: int
    whole: int
    curve: tuple[tuple[int, float], ...] = ()

    def __str__(self) -> str:
        """Return the estimate as lines."""
        how = "by the model's own estimate" if self.asked else "a default: no model was asked"
        points = ", ".join(f"{tokens:,}: {value:.0%}" for tokens, value in self.curve)
        curve = f"\ncoverage by tokens of context: {points}" if points else ""
        return (
            f"context    {self.context:>9,} tokens are worth their price; they cover "
            f"{self.covers:.0%} of what is relevant\n"
            f"reasoning  {self.reasoning:>9,} tokens, {how}\n"
            f"prompt     {self.prompt:>9,} tokens\n"
            f"total      {self.total:>9,} tokens in one call; the least budget is {self.least:,}\n"
            f"whole text {self.whole:>9,} tokens in one call, {self.whole / self.total:.1f} times "
            f"as many{curve}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Beside:
    """What an answer took, beside sending the whole text once for the same answer.

    Attributes:
        calls: calls that were made.
        tokens: tokens sent and received by them.
        money: their money, by the ledger's prices.
        whole_tokens: tokens of the whole text, the question and the same answer, in one call.
        whole_money: their money.
    """

    calls: int
    tokens: int
    money: float
    whole_tokens: int
    whole_money: float

    def __str__(self) -> str:
        """Return both as lines."""
        calls = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        share = self.tokens / max(self.whole_tokens, 1)
        money = (f", money {self.money:.4f}", f", money {self.whole_money:.4f}")
        if not self.whole_money:
            money = ("", "")
        return (
            f"with               {self.tokens:>9,} tokens in {calls}{money[0]}\n"
            f"the whole document {self.whole_tokens:>9,} tokens in 1 call{money[1]}; "
            f"with is {share:.0%} of it"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What a model answered, within a budget for everything that is billed.

    Attributes:
        question: what was asked.
        text: the answer; empty where ``stop`` is ``"empty"``, or where not even one call fitted.
        citations: the pieces it cites, by number.
        unknown_citations: labels in it that name no piece that was shown.
        thought: what the model said before its answer, where it was told to think.
        contexts: what was shown, in the order in which it was.
        steps: what was asked for, and shown.
        stop: why no more was shown: the model ``"answered"``; nothing more was worth its
            ``"price"``; the ``"budget"`` was spent; the last of the ``"steps"`` was reached. Or
            nothing of use came: ``"empty"`` replies, twice, or the model ``"refused"``.
        budget: most tokens of all calls together.
        tokens: tokens of all calls, as they were reckoned.
        ledger: every call.
        estimate: what the question was expected to take.
        beside: what it took, beside the whole document.
    """

    question: str
    text: str
    citations: tuple[Citation, ...]
    unknown_citations: tuple[str, ...]
    thought: str = field(repr=False)
    contexts: tuple[Context, ...] = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)
    stop: Ending
    budget: int
    tokens: int
    ledger: Ledger = field(repr=False)
    estimate: Estimate = field(repr=False)
    beside: Beside = field(repr=False)

    def __str__(self) -> str:
        """Return the answer's text."""
        return self.text

    def sources(self) -> str:
        """Return what is cited as lines: number, document, characters, place, text."""
        lines = []
        for cited in self.citations:
            words = " ".join(cited.text.split())
            words = words if len(words) <= 160 else words[:159] + "…"
            kind = f", {cited.place}" if cited.place else ""
            kind += ", a summary" if cited.kind == "summary" else ""
            kind += ", not there word for word" if cited.quoted is False else ""
            name = cited.document or "the text"
            lines.append(f"{cited.label} {name}:{cited.start}-{cited.end}{kind}: {words}")
        lines += [f"{label} names nothing that was shown" for label in self.unknown_citations]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        plain = ("question", "text", "unknown_citations", "thought", "stop", "budget", "tokens")
        return {
            **{name: getattr(self, name) for name in plain},
            "citations": [asdict(cited) for cited in self.citations],
            "contexts": [context.to_dict() for context in self.contexts],
            "steps": [asdict(step) for step in self.steps],
            "ledger": self.ledger.to_dict(),
            "estimate": self.estimate.to_dict(),
            "beside": self.beside.to_dict(),
        }


def compare(ledger: Ledger, prompt: int, text: int, answer: int) -> Beside:
    """Return what calls took, beside one call with the whole text.

    Args:
        ledger: the calls.
        prompt: tokens of the question and all else that one call sends beside text.
        text: tokens of the whole text.
        answer: tokens of the answer.
    """
    total, prices = ledger.total(), ledger.prices
    whole = prompt + text
    return Beside(total.calls, total.tokens, total.money, whole + answer, prices.of(whole, answer))
