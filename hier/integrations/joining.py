"""Joining: what another retriever found, compressed together to one token budget.

Every text is a branch of one tree, without a title, so that one allocation decides among them all
and no heading of one text stands over another. What is shown of each comes back apart, so that a
host can keep it with what it knows of that text; the budget is kept by all of it, joined again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hier.budget import read_budget
from hier.build import build
from hier.compose import Composer, Request, check_query
from hier.context import Context, Segment
from hier.corpus.join import Joined, Manner, join
from hier.corpus.lexicon import Lexicon
from hier.corpus.packing import Packed
from hier.corpus.placing import Run
from hier.corpus.source import Source
from hier.document import Span
from hier.flat import arrays_of, facts_of
from hier.tokens import DEFAULT_TOKENIZER, Tokenizer, load_tokenizer
from hier.tree import Tree

SEPARATOR = "\n\n"  # what hosts put between documents unless told otherwise


@dataclass(frozen=True)
class Part:
    """What is shown of one text.

    Attributes:
        index: which of the texts it is of.
        text: what is shown: the whole text, or pieces of it with headings and gap marks.
        tokens: the tokens of ``text`` on its own.
        spans: the characters of that text that the pieces are, word for word, in their order.
        relevance: of its best piece, as in ``Segment``; 0 where all texts are shown whole.
    """

    index: int
    text: str
    tokens: int
    spans: tuple[Span, ...]
    relevance: float = 0.0


def compress_together(
    texts: Sequence[str],
    query: str | None,
    budget: int | str = 2000,
    *,
    tokenizer: Any = DEFAULT_TOKENIZER,
    separator: str = SEPARATOR,
) -> list[Part]:
    """Choose what a model should see of several texts within one token budget.

    Args:
        texts: the texts; of blank ones nothing is shown.
        query: the question; None or blank for an overview.
        budget: the most tokens of all parts, joined by the separator; ``"auto"`` for as many as
            are worth their price.
        tokenizer: as for ``hier.build``.
        separator: what the host puts between two parts.

    Returns:
        The parts in the order of their texts, none for a text of which nothing is shown. Texts that
        fit all together come back whole, unless ``"auto"`` is to choose.

    Raises:
        BudgetError: the budget is neither a whole number of at least 1 nor ``"auto"``.
        InputError: the query is not text.
        TokenizerError: the tokenizer is unknown or misbehaves.
    """
    limit, worth = read_budget(0, budget)
    counter = load_tokenizer(tokenizer)
    check_query(query)
    wanted = [index for index, text in enumerate(texts) if text and not text.isspace()]
    if not wanted:
        return []
    if not worth and counter.count(separator.join(texts[i] for i in wanted)) <= limit:
        return [_whole(index, texts[index], counter) for index in wanted]
    joined = _join([build(texts[index], tokenizer=counter) for index in wanted], counter)
    composer = Composer(joined.tree, Request(query, limit, price=worth))
    planned = limit
    while planned > 0:
        parts = _parts(composer.context(composer.fill(planned)), joined, wanted)
        over = counter.count(separator.join(part.text for part in parts)) - limit
        if over <= 0:
            return parts
        planned = min(planned - over, planned * limit // (limit + over))
    return []


def _whole(index: int, text: str, counter: Tokenizer) -> Part:
    return Part(index, text, counter.count(text), (Span(0, len(text)),))


def _join(trees: Sequence[Tree], counter: Tokenizer) -> Joined:
    """Join trees, each under an empty title, of which nothing is ever shown."""
    lexicon, runs = Lexicon(), []
    for tree in trees:
        packed = Packed(facts_of(tree), arrays_of(tree))
        source = Source("", packed, lexicon.numbers(packed.vocabulary))
        runs.append(Run(source, 0, len(tree.leaf_start)))
    return join(runs, lexicon, Manner(counter, "static", trees[0].relevance))


def _parts(context: Context, joined: Joined, wanted: Sequence[int]) -> list[Part]:
    """Write what a context shows of each text on its own."""
    shown: dict[int, list[Segment]] = {}
    for segment in context.segments:
        place = int(np.searchsorted(joined.begins, segment.start, "right")) - 1
        shown.setdefault(place, []).append(segment)
    layout, starts = joined.tree.layout(), joined.tree.leaf_start
    parts = []
    for place, segments in shown.items():
        leaves: list[int] = []
        for segment in segments:
            first, last = np.searchsorted(starts, [segment.start, segment.end - 1], "right") - 1
            leaves.extend(range(int(first), int(last) + 1))
        text = layout.write(layout.pieces(leaves))
        spans = tuple(Span(*joined.origin(s.start, s.end)[1:]) for s in segments)
        best = max(segment.relevance for segment in segments)
        parts.append(Part(wanted[place], text, joined.tree.tokenizer.count(text), spans, best))
    return parts
