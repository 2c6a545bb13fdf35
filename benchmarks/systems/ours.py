"""This engine: a tree built once, a context composed for every question.

A variant is a name and arguments for ``hier.build`` and ``Tree.compress``; arguments that depend on
the data set, such as weights learned on all the others, are a function of its name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import data
import embedding
import environment
import versions

from systems import named
from systems.base import Output

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Ours:
    """The engine with one embedder.

    Attributes:
        name: as tables show it.
        embedder: ``"static"`` or the name of a neural one.
        build: more arguments for ``hier.build``.
        compress: more arguments for ``Tree.compress``.
        asks: False leaves the question out: an overview of the text.
        per_set: more arguments for ``hier.build`` by data set.
    """

    name: str
    embedder: str = embedding.STATIC
    build: Arguments = field(default_factory=dict)
    compress: Arguments = field(default_factory=dict)
    asks: bool = True
    per_set: Callable[[str], Arguments] | None = None
    rule: str = "composes to the budget, headings and gap marks paid for"
    package: str | None = "hier-context"

    @property
    def version(self) -> str:
        """Changes with the installed engine and with the variant's arguments.

        Raises:
            ValueError: an argument does not print as what it is, so a change would go unseen.
        """
        # Of a file what is in it, not where it stands.
        build = {
            key: versions.digest(value.read_bytes().hex()) if isinstance(value, Path) else value
            for key, value in self.build.items()
        }
        arguments = repr((self.embedder, self.asks, build, self.compress))
        if " at 0x" in arguments or "..." in arguments:
            raise ValueError(f"{self.name}: arguments must print in full, found {arguments:.200}")
        return versions.digest(versions.installed("hier"), arguments)

    def for_set(self, dataset: str) -> "Ours":
        """The variant that is allowed to answer questions of this data set."""
        if self.per_set is None:
            return self
        return replace(self, build=self.build | self.per_set(dataset), per_set=None)

    def read(self, text: str) -> "_Tree":
        """Build the tree."""
        import hier

        embedder: Any = self.embedder
        if embedder != embedding.STATIC:
            embedder = embedding.encoder(self.embedder)
        tree = hier.build(text, embedder=embedder, tokenizer=data.TOKENIZER, **self.build)
        return _Tree(tree, self)


@dataclass(frozen=True)
class _Tree:
    tree: Any
    system: Ours

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Compress to each budget.

        Raises:
            ValueError: a context says another number of tokens than tiktoken counts.
        """
        query = question if self.system.asks else None
        return [self._output(query, budget) for budget in budgets]

    def _output(self, query: str | None, budget: int) -> Output:
        context = self.tree.compress(query, budget=budget, **self.system.compress)
        counted = environment.token_counter(data.TOKENIZER)(context.text)
        if counted != context.tokens:
            raise ValueError(f"miscounted: {context.tokens} tokens said, {counted} counted")
        spans = tuple((s.start, s.end) for s in context.segments if s.kind == "verbatim")
        return Output(context.text, spans)


def varied(name: str, build: Arguments, compress: Arguments) -> Any:
    """The system of a name; one of ours with these arguments added."""
    system = named(name)
    if not isinstance(system, Ours):
        return system
    return replace(system, build=system.build | build, compress=system.compress | compress)


def _left_out(embedder: str) -> Callable[[str], Arguments]:
    """Judge a set by relevance weights that were made without its family.

    A set that nothing was learned from is judged by the weights that are installed.
    """

    def arguments(dataset: str) -> Arguments:
        path = data.left_out_weights(data.family(dataset), embedder)
        return {"relevance": path} if path.is_file() else {}

    return arguments


def _learned(name: str, embedder: str) -> Ours:
    return Ours(name, embedder, per_set=_left_out(embedder))


def _plain(name: str, embedder: str) -> Ours:
    return Ours(name, embedder, build={"relevance": "plain"})


SYSTEMS = (
    lambda: _learned("hier", embedding.STATIC),
    lambda: _learned("hier, MiniLM", embedding.MINILM),
    lambda: _plain("hier, plain sum", embedding.STATIC),
    lambda: _plain("hier, MiniLM, plain sum", embedding.MINILM),
    lambda: Ours("hier, no question", asks=False),
)
