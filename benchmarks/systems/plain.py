"""The plain ways to spend a budget: a text's beginning, its end, both, or sentences far apart.

None of them reads the question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from systems import fill
from systems.base import Output, Span
from systems.sentences import sentences

GAP_MARK = "\n…\n"
_Choose = Callable[[str, int], Output]


@dataclass(frozen=True)
class Plain:
    """A system whose answer depends on the text and the budget alone."""

    name: str
    rule: str
    choose: _Choose
    package: str | None = None

    def read(self, text: str) -> "_Text":
        """Keep the text."""
        return _Text(text, self.choose)


@dataclass(frozen=True)
class _Text:
    text: str
    choose: _Choose

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Return one output a budget, whatever the question."""
        return [self.choose(self.text, budget) for budget in budgets]


def head(text: str, budget: int) -> Output:
    """The text's beginning."""
    kept = fill.cut(text, budget)
    return _output(kept, (0, len(kept)))


def tail(text: str, budget: int) -> Output:
    """The text's end."""
    kept = fill.cut_end(text, budget)
    return _output(kept, (len(text) - len(kept), len(text)))


def middle(text: str, budget: int) -> Output:
    """Half the budget from the beginning and half from the end, a gap mark between them."""
    whole = fill.cut(text, budget)
    for_both = budget - fill.tokens(GAP_MARK)
    if len(whole) == len(text) or for_both < 2:
        return _output(whole, (0, len(whole)))
    while True:
        first = fill.cut(text, for_both - for_both // 2)
        last = fill.cut_end(text, for_both // 2)
        joined = first + GAP_MARK + last
        if fill.tokens(joined) <= budget:
            return _output(joined, (0, len(first)), (len(text) - len(last), len(text)))
        for_both -= 1


def stride(text: str, budget: int) -> Output:
    """Sentences at an even stride, as many as fit, and what fits of one more."""
    spans = sentences(text)
    parts = [text[start:end] for start, end in spans]
    low, high = 0, len(parts)
    while low < high:
        tried = (low + high + 1) // 2
        fits = sum(fill.tokens(parts[i] + fill.GAP) for i in _evenly(len(parts), tried)) <= budget
        low, high = (tried, high) if fits else (low, tried - 1)
    taken = _evenly(len(parts), min(low + 1, len(parts)))
    kept = fill.cut(fill.GAP.join(parts[i] for i in taken), budget)
    found, left = [], len(kept)
    for start, end in (spans[i] for i in taken):
        if left > 0:
            found.append((start, min(end, start + left)))
        left -= end - start + len(fill.GAP)
    return _output(kept, *found)


def _evenly(parts: int, taken: int) -> list[int]:
    """Indices in the middle of each of ``taken`` equal stretches."""
    return [(2 * i + 1) * parts // (2 * taken) for i in range(taken)]


def _output(text: str, *spans: Span) -> Output:
    return Output(text, tuple(span for span in spans if span[0] < span[1]))


SYSTEMS = (
    lambda: Plain("head", "the first tokens of the text, as many as the budget", head),
    lambda: Plain("tail", "the last tokens of the text, as many as the budget", tail),
    lambda: Plain("middle cut out", "half the budget from either end, gap mark paid for", middle),
    lambda: Plain("stride", "sentences at an even stride, the last one cut at the budget", stride),
)
