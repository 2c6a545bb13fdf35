"""What the arena asks of a system: read a text once, then answer questions within token budgets.

A system is a small adapter over a real package at that package's own API. It is charged for the
text it returns, all of it, counted by tiktoken; and it must say which characters of the source that
text holds word for word, because evidence is counted there and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Span = tuple[int, int]


@dataclass(frozen=True)
class Output:
    """What a model would be given.

    Attributes:
        text: the whole of it, headings, gap marks and separators included.
        spans: the characters of the source that stand in it word for word.
        model_tokens: tokens a language model read and wrote to make it; 0 without one.
    """

    text: str
    spans: tuple[Span, ...]
    model_tokens: int = 0


class Reader(Protocol):
    """One text, read; asked any number of times."""

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Return one output a budget, each of at most as many tokens."""
        ...


class System(Protocol):
    """A competitor.

    Attributes:
        name: as tables show it.
        rule: how it is held to a token budget, in one sentence.
        package: the distribution it runs, as pip knows it; None for what is written here.
        embedder: ``"static"`` or the name of a neural one, where it takes any; may be left out.
    """

    name: str
    rule: str
    package: str | None

    def read(self, text: str) -> Reader:
        """Read a text once. Work that does not depend on the question belongs here."""
        ...


class Unavailable(Exception):  # noqa: N818 - a state of this machine, not a mistake
    """A system's package or weights are not here; the message says what to install."""
