"""The abstraction tree: levels of contiguous nodes over one text, kept as arrays.

Level 0 holds the leaves, the last level one root. Every level partitions the text; node k of a
level covers leaves ``first_leaf[k]`` to ``first_leaf[k + 1]``. Node ids count through the levels,
leaves first, so that an id names a node as long as text and configuration stay the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hier.context import Context
from hier.document import Document, Span
from hier.fidelity import SummaryCheck, TreeFidelity
from hier.ledger import Ledger
from hier.nodes import Node, Nodes
from hier.render import Layout
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Level
from hier.shape import check_shape
from hier.structure import Paths
from hier.summarizers.extractive import Choice
from hier.tokens import Tokenizer

Selector = int | str | Span | tuple[int, int]
Selectors = Selector | Iterable[Selector]


@dataclass(frozen=True)
class Tree:
    """A text, read once; ask it with ``compress``.

    Attributes:
        document: the source text and its name.
        tokenizer: how tokens are counted.
        embedder: name of the embedder; None for a user's object.
        relevance: ``"learned"``, ``"plain"`` or the path of a file of weights.
        leaf_start: character offset of each leaf, int64 (leaves,).
        leaf_tokens: size of each leaf, int32 (leaves,).
        block: the block each leaf lies in, int32 (leaves,).
        worth: how well each leaf stands alone, 0 to 1, float16 (leaves,).
        offers: the kinds of answers in each leaf, bits of uint8 (leaves,).
        opens: the heading path that a heading's leaf or a table's header row opens, -1 for other
            leaves, int32 (leaves,).
        path_offsets: int64 (paths + 1,); the headings of path p are
            ``path_leaves[path_offsets[p]:path_offsets[p + 1]]``.
        path_leaves: leaves that are headings, or header rows, int32.
        index: the words of leaves and heading paths.
        levels: what relevance knows of each level, leaves first.
        summaries: the leaves of each node's extractive summary, one entry a level above the leaves.
        summary_texts: summaries a model wrote, by node id; empty when extractive.
        checks: what was found when they were held against the text.
        ledger: what writing them took.
        hidden: leaves that are never shown for themselves, int64, ascending: where trees of several
            documents are joined, their titles, which head every path.
        encode_query: turns a query into a unit neural vector; None for the static embedder.
    """

    document: Document
    tokenizer: Tokenizer
    embedder: str | None
    relevance: str
    leaf_start: np.ndarray
    leaf_tokens: np.ndarray
    block: np.ndarray
    worth: np.ndarray
    offers: np.ndarray
    opens: np.ndarray
    path_offsets: np.ndarray
    path_leaves: np.ndarray
    index: WordIndex
    levels: tuple[Level, ...]
    summaries: tuple[Choice, ...]
    summary_texts: dict[int, str] = field(default_factory=dict)
    checks: tuple[SummaryCheck, ...] = ()
    ledger: Ledger = field(default_factory=Ledger, repr=False, compare=False)
    hidden: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    encode_query: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse arrays that are no tree."""
        check_shape(self)

    def __repr__(self) -> str:
        """Name the tree by its size."""
        name = self.document.name or "text"
        return (
            f"Tree({name!r}, {self.tokens} tokens, {len(self.leaf_start)} leaves, "
            f"{len(self.levels)} levels)"
        )

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from hier.notebook import tree_html

        return tree_html(self)

    @property
    def source(self) -> str:
        """The whole text."""
        return self.document.text

    @cached_property
    def tokens(self) -> int:
        """The size of the text in tokens, to within a few."""
        return int(self.leaf_tokens.sum())

    @cached_property
    def nodes(self) -> Nodes:
        """Every node, by id."""
        return Nodes(self)

    @property
    def root(self) -> Node:
        """The node that covers the whole text."""
        root: Node = self.nodes[len(self.nodes) - 1]
        return root

    def compress(
        self,
        query: str | Sequence[str] | None = None,
        budget: int | str = 2000,
        *,
        ratio: float | None = None,
        ceiling: int | None = None,
        price: str | float | None = None,
        must_include: Selectors = (),
        exclude: Selectors = (),
        minimum: Mapping[Selector, float] | None = None,
        max_segments: int | None = None,
        prefix: str = "",
        suffix: str = "",
        seen: Context | Iterable[Context] = (),
        order: str = "document",
        nested: bool = False,
        headings: bool = True,
        gaps: bool = True,
    ) -> Context:
        """Choose what a model should see of the text within a token budget.

        A selector names a part of the text: a node id, the words of a heading (its whole section),
        or a span ``(start, end)`` of characters.

        Args:
            query: the question, or several that share the budget; None or blank for an overview.
            budget: the most tokens the context may have, by the tree's tokenizer; ``"auto"`` for
                as many as are worth their price.
            ratio: share of the text's tokens to take as the budget, in its place.
            ceiling: the most tokens of ``budget="auto"``; 4,000 unless told.
            price: what a thousand tokens must add to be spent, in percent of all that is relevant;
                or ``"thorough"``, ``"balanced"`` (that of ``"auto"``) or ``"thrifty"``.
            must_include: selectors of what is shown, whatever it is worth.
            exclude: selectors of what is not shown.
            minimum: for selectors the least share of the budget that is spent on them, as far as
                they have that much text.
            max_segments: the most segments.
            prefix: a text to stand before all else, paid for like the rest.
            suffix: a text to stand behind all else, paid for like the rest.
            seen: contexts of this tree that the reader knows: not shown, nor paid for, again.
            order: ``"document"``, or ``"relevance"`` for the most relevant segment first.
            nested: leave tokens unspent rather than fill them, so that the context of a larger
                budget holds all of this one.
            headings: show the headings a piece stands under (they are paid for); the header row
                above rows of a table is always shown, and paid for.
            gaps: mark what was left out (the marks are paid for).

        Returns:
            A context with ``context.tokens <= budget``; the whole text when that fits, and an empty
            one when not even the best leaf fits.

        Raises:
            BudgetError: the budget is not one, or cannot be kept by what it must hold.
            InputError: the query is not text, or a selector names nothing.
        """
        from hier.budget import read_budget
        from hier.compose import Request, compose
        from hier.constraints import Constraints

        tokens, worth = read_budget(self.tokens, budget, ratio, ceiling, price)
        constraints = Constraints(
            must_include, exclude, minimum or {}, max_segments, prefix, suffix, order, seen
        )
        asked = Request(query, tokens, headings, gaps, None, worth, nested, constraints)
        return compose(self, asked)

    def curve(
        self, query: str | Sequence[str] | None, budgets: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return value against tokens: one plan and one order of picks, cut at many budgets.

        Every point's choice holds those before it.

        Args:
            query: the question, or several; None for an overview.
            budgets: token budgets; None for every budget at which one more piece fits.

        Returns:
            For each budget the tokens used, and the share of all value that they cover; without
            budgets, tokens as they are planned, ascending.

        Raises:
            BudgetError: a budget is not a whole number of at least 1.
        """
        from hier.curve import curve

        return curve(self, query, budgets)

    def expand(self, node_id: int, budget: int = 2000, query: str | None = None) -> Context:
        """Compress one branch.

        Args:
            node_id: the node, as in ``Segment.node_id``.
            budget: the most tokens the context may have.
            query: the question; None for an overview of the branch.

        Raises:
            InputError: there is no such node.
            BudgetError: the budget is not a whole number of at least 1.
        """
        from hier.budget import whole_number
        from hier.compose import Request, compose

        node = self.nodes[node_id].id
        return compose(self, Request(query, whole_number(budget), node_id=node))

    def outline(self, depth: int = 3) -> str:
        """Return the upper tree as indented lines: id, tokens, heading or first words.

        Args:
            depth: how many levels below the root are shown.
        """
        lines: list[str] = []

        def describe(node: Node, indent: int) -> None:
            lines.append(f"{'  ' * indent}[{node.id}] {node.tokens} tokens: {self.label(node)}")
            if indent < depth:
                for child in node.children:
                    describe(self.nodes[child], indent + 1)

        describe(self.root, 0)
        return "\n".join(lines)

    def label(self, node: Node) -> str:
        """Return the headings that a node begins and ends under, else its first words."""
        if not node.heading:
            words = " ".join(self.source[node.start : node.start + 200].split())
            return words if len(words) <= 60 else words[:59] + "…"
        last = self.nodes.leaves(node.level, node.id - self.nodes.offsets[node.level])[1] - 1
        ending = self.nodes.heading(last)
        return node.heading if ending == node.heading else f"{node.heading} … {ending}"

    def summary(self, node_id: int) -> tuple[str, tuple[Span, ...]]:
        """Return a node's summary and the spans of the source it was made from.

        A model reads all of a node; an extractive summary is whole sentences of it.
        """
        node = self.nodes[node_id]
        if node_id in self.summary_texts:
            return self.summary_texts[node_id], (Span(node.start, node.end),)
        spans = self.summary_spans(node)
        return " ".join(self.source[s:e].strip() for s, e in spans), spans

    def summary_spans(self, node: Node) -> tuple[Span, ...]:
        """Return the spans of a node's extractive summary; the node itself for a leaf."""
        if node.level == 0:
            return (Span(node.start, node.end),)
        choice = self.summaries[node.level - 1]
        place = node.id - self.nodes.offsets[node.level]
        leaves = choice.sentences[choice.offsets[place] : choice.offsets[place + 1]]
        return tuple(Span(*self.layout().leaf_span(int(leaf))) for leaf in leaves)

    def fidelity(self) -> TreeFidelity:
        """Return what became of the summaries that models wrote, and what they keep."""
        return TreeFidelity(self.checks)

    def save(self, path: str | Path) -> None:
        """Write the tree to one file: atomically, without pickle.

        Raises:
            StoreError: the file cannot be written, or the embedder has no name to find it by.
        """
        from hier.store import save

        save(self, Path(path))

    def layout(self, headings: bool = True, gaps: bool = True) -> Layout:
        """Return how leaves of this tree are rendered."""
        if (headings, gaps) not in self._layouts:
            self._layouts[headings, gaps] = Layout(
                self.source, self.leaf_start, self.block, self.index.path_of, self.opens,
                self.paths, self.tokenizer.count, headings, gaps, bool(len(self.hidden)),
            )  # fmt: skip
        return self._layouts[headings, gaps]

    @cached_property
    def _layouts(self) -> dict[tuple[bool, bool], Layout]:
        return {}

    @cached_property
    def paths(self) -> Paths:
        """The heading leaves of each heading path."""
        return Paths(self.path_offsets, self.path_leaves)
