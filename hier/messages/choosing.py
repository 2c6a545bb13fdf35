"""Choosing: what is shown of many texts within one budget that they share.

The texts of a conversation are joined to one tree, each a branch of its own, and one allocation
decides among all of their sentences: what answers the question is shown, wherever it stands. What
is recent is favoured: of the tokens, the texts of the newest round are sure of a quarter, those of
the round before of an eighth, and so on, as far as they have that much to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.compose import Composer, Request
from hier.constraints import Constraints
from hier.corpus.join import Joined, Manner, join
from hier.corpus.lexicon import Lexicon
from hier.corpus.packing import Packed
from hier.corpus.placing import Run
from hier.corpus.source import Source
from hier.flat import arrays_of, facts_of
from hier.render import Piece
from hier.tree import Tree

MARK = "[…]"
"""What a text becomes of which nothing is shown."""
EDGE = "…"  # where the beginning or the end of a text is left out
RECENT = 4  # the newest round is sure of one in so many tokens
ROUNDS = 4  # that many rounds are sure of any
_TRIES = 6  # times that tokens left over are planned with
_SLACK = 0.03  # share of the room that may be left over without another try
_TITLE = 16  # tokens that a title may take in the joined text, about


@dataclass(frozen=True)
class Text:
    """A text that may be compressed.

    Attributes:
        tree: the text, read.
        title: what stands over it where texts are weighed; never shown.
        age: rounds since it was said; 0 for the newest.
    """

    tree: Tree
    title: str
    age: int


class Choice:
    """Texts that share a budget, and are asked one question.

    Args:
        texts: at least one.
        queries: the question, or several; none for an overview.
        room: most tokens that all of them may have together.
    """

    def __init__(self, texts: Sequence[Text], queries: Sequence[str], room: int) -> None:
        self.texts, self.queries, self.room = texts, queries, room
        self.count = texts[0].tree.tokenizer.count
        self._sizes = [self.count(text.tree.source) for text in texts]
        self._limit = room + _TITLE * len(texts)

    def within(self, room: int) -> list[str]:
        """Return what is shown of each text: a mark at the least, all of it where that fits.

        Args:
            room: most tokens of all of them; the marks of texts that are not shown may exceed it.
        """
        if sum(self._sizes) <= room:
            return [text.tree.source for text in self.texts]
        best, most = [MARK] * len(self.texts), 0
        planned = min(room, self._limit)
        for _ in range(_TRIES):
            if planned < 1:
                break
            shown = self._shown(planned)
            tokens = sum(map(self.count, shown))
            if most < tokens <= room:
                best, most = shown, tokens
            left = room - tokens
            if 0 <= left <= _SLACK * room or (left > 0 and planned == self._limit):
                break
            planned = min(planned + left, self._limit)
        return best

    @cached_property
    def _joined(self) -> Joined:
        lexicon = Lexicon()
        runs = []
        for text in self.texts:
            packed = Packed(facts_of(text.tree), arrays_of(text.tree))
            source = Source(text.title, packed, lexicon.numbers(packed.vocabulary))
            runs.append(Run(source, 0, len(text.tree.leaf_start)))
        tree = self.texts[0].tree
        return join(runs, lexicon, Manner(tree.tokenizer, "static", tree.relevance))

    @cached_property
    def _composer(self) -> Composer:
        minimum = {}
        for age in range(ROUNDS):
            spans = [
                (placed.begin, placed.body + len(text.tree.source))
                for text, placed in zip(self.texts, self._joined.placed, strict=True)
                if text.age == age
            ]
            if spans:
                share = self.room / self._limit / RECENT / 2**age
                minimum[spans[0][0], spans[-1][1]] = share
        limits = Constraints(minimum=minimum)
        request = Request(self.queries or None, self._limit, constraints=limits)
        return Composer(self._joined.tree, request)

    def _shown(self, planned: int) -> list[str]:
        draft = self._composer.fill(planned)
        leaves = np.array(sorted(_leaves(draft.pieces)), np.int64)
        shown = []
        for text, size, placed in zip(self.texts, self._sizes, self._joined.placed, strict=True):
            n_leaves = len(text.tree.leaf_start)
            low, high = np.searchsorted(leaves, [placed.leaf, placed.leaf + n_leaves])
            written = write(text.tree, (leaves[low:high] - placed.leaf).tolist())
            whole = self.count(written) >= size
            shown.append(text.tree.source if whole else written)
        return shown


def write(tree: Tree, leaves: Sequence[int]) -> str:
    """Return some leaves of a text as it is shown, with what is left out marked."""
    if not leaves:
        return MARK
    if len(leaves) == len(tree.leaf_start):
        return tree.source
    layout = tree.layout()
    pieces = layout.pieces(leaves)
    text = layout.write(pieces)
    if pieces[0].first_leaf > 0:
        text = f"{EDGE}\n{text}" if pieces[0].before else f"{EDGE} {text}"
    return text if pieces[-1].end_leaf == len(tree.leaf_start) else f"{text} {EDGE}"


def _leaves(pieces: Sequence[Piece]) -> list[int]:
    return [leaf for piece in pieces for leaf in range(piece.first_leaf, piece.end_leaf)]
