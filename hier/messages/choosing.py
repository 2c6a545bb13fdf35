"""Choosing: what is shown of many texts within one budget that they share.

The texts of a conversation are joined to one tree, each a branch of its own, and one allocation
decides among all of their sentences: what answers the question is shown, wherever it stands. What
is recent is favoured: of the tokens, the texts of the newest round are sure of a quarter, those of
the round before of an eighth, and so on, as far as they have that much to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from hier.compose import Composer, Request
from hier.corpus.join import Joined, Manner, join
from hier.corpus.lexicon import Lexicon
from hier.corpus.placing import Run
from hier.corpus.source import Source
from hier.messages.trees import Read
from hier.plan import Quota
from hier.relevance import weigh
from hier.render import Piece
from hier.tree import Tree

MARK = "[…]"
"""What a text becomes of which nothing is shown."""
EDGE = "…"  # where the beginning or the end of a text is left out
RECENT = 4  # the newest round is sure of one in so many tokens
ROUNDS = 4  # that many rounds are sure of any
_TRIES = 3  # times that tokens left over are planned with
_SLACK = 0.03  # share of the room that may be left over without another try
_TITLE = 16  # tokens that a title may take in the joined text, about


Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Text:
    """Texts that may be compressed, read as one: a single one, or some short ones.

    Attributes:
        read: them, read.
        members: each of them.
        starts: where each begins.
        title: what stands over them where texts are weighed; never shown.
        age: rounds since the last of them was said; 0 for the newest.
    """

    read: Read
    members: tuple[str, ...]
    starts: tuple[int, ...]
    title: str
    age: int

    @property
    def tree(self) -> Tree:
        """Them, as a tree."""
        return self.read.tree

    @cached_property
    def leaves(self) -> np.ndarray:
        """Which leaf each member begins with, and where the last ends, int64 (members + 1,)."""
        first = np.searchsorted(self.tree.leaf_start, self.starts)
        return np.append(first, len(self.tree.leaf_start))


@dataclass(frozen=True)
class Shown:
    """What is shown of a text.

    Attributes:
        text: as it is shown.
        spans: the characters of the text that are, ascending; all of them where it is whole.
    """

    text: str
    spans: Spans = ()


NOTHING = Shown(MARK)


class Choice:
    """Texts that share a budget, and are asked one question.

    Args:
        texts: at least one.
        queries: the question, or several; none for an overview.
        lexicon: which numbered the words of the texts.
        room: most tokens that all of them may have together.
    """

    def __init__(
        self, texts: Sequence[Text], queries: Sequence[str], lexicon: Lexicon, room: int
    ) -> None:
        self.texts, self.queries, self.lexicon, self.room = texts, queries, lexicon, room
        self.count = texts[0].tree.tokenizer.count
        self._sizes = [self.count(member) for text in texts for member in text.members]
        self._limit = room + _TITLE * min(len(texts), room // _TITLE)

    def within(self, room: int) -> list[Shown]:
        """Return what is shown of each member: a mark at the least, all of it where that fits.

        Args:
            room: most tokens of all of them; the marks of texts that are not shown may exceed it.
        """
        if sum(self._sizes) <= room:
            return [whole(member) for text in self.texts for member in text.members]
        best, most = [NOTHING] * len(self._sizes), 0
        planned = min(room, self._limit)
        for _ in range(_TRIES):
            if planned < 1:
                break
            shown = self._shown(planned)
            tokens = sum(self.count(one.text) for one in shown)
            if most < tokens <= room:
                best, most = shown, tokens
            left = room - tokens
            if 0 <= left <= _SLACK * room or (left > 0 and planned == self._limit):
                break
            planned = min(planned + left, self._limit)
        return best

    def relevance(self, shown: Sequence[Spans]) -> float:
        """Return how much of all that is relevant to the questions is shown, 0 to 1.

        Args:
            shown: of each member the characters that are.
        """
        tree = self._joined.tree
        seen = np.zeros(len(tree.leaf_start), bool)
        spans = iter(shown)
        for text, placed in zip(self.texts, self._joined.placed, strict=True):
            for begin in text.starts:
                for start, end in next(spans):
                    found = np.searchsorted(text.tree.leaf_start, [begin + start, begin + end])
                    seen[slice(*(placed.leaf + found))] = True
        return (
            float(np.mean([share[seen].sum() for share in self._shares])) if self.queries else 1.0
        )

    @cached_property
    def _shares(self) -> list[np.ndarray]:
        """Of what is relevant to each question the share of each leaf, float64 (leaves,)."""
        shares = []
        for query in self.queries:
            mass = np.exp(weigh(self._joined.tree, query).density) * self._joined.tree.leaf_tokens
            mass[self._joined.tree.hidden] = 0
            shares.append(mass / mass.sum())
        return shares

    @cached_property
    def _joined(self) -> Joined:
        sources = [Source(text.title, text.read.packed, text.read.words) for text in self.texts]
        runs = [Run(source, 0, len(source.leaf_start) - 1) for source in sources]
        tree = self.texts[0].tree
        return join(runs, self.lexicon, Manner(tree.tokenizer, "static", tree.relevance))

    @cached_property
    def _composer(self) -> Composer:
        request = Request(self.queries or None, self._limit)
        composer = Composer(self._joined.tree, request)
        composer.scope = replace(composer.scope, quotas=tuple(self._quotas()))
        return composer

    def _quotas(self) -> Iterator[Quota]:
        """Yield what the rounds of late are sure of, where there are several, and a question.

        Of each it is what answers best, twice as much as it is sure of: all of a long text would be
        compared with all of it.
        """
        ages = np.repeat(
            [text.age for text in self.texts],
            [len(text.tree.leaf_start) + placed.before
             for text, placed in zip(self.texts, self._joined.placed, strict=True)],
        )  # fmt: skip
        if not self.queries or len(set(ages.tolist())) < 2:
            return
        tokens = self._joined.tree.leaf_tokens
        density = sum(self._shares) / np.maximum(tokens, 1)
        density[self._joined.tree.hidden] = -1
        for age in range(ROUNDS):
            own = np.flatnonzero((ages == age) & (density >= 0))
            best = own[np.argsort(-density[own], kind="stable")]
            sure = self.room / RECENT / 2**age
            most = int(np.searchsorted(np.cumsum(tokens[best]), 2 * sure)) + 1
            yield Quota(np.sort(best[:most]), sure / self._limit)

    def _shown(self, planned: int) -> list[Shown]:
        draft = self._composer.fill(planned)
        leaves = np.array(sorted(_leaves(draft.pieces)), np.int64)
        shown: list[Shown] = []
        for text, placed in zip(self.texts, self._joined.placed, strict=True):
            for member, (low, high) in zip(text.members, pairwise(text.leaves), strict=True):
                first, last = np.searchsorted(leaves, [placed.leaf + low, placed.leaf + high])
                own = (leaves[first:last] - placed.leaf).tolist()
                one = write(text.tree, own, int(low), int(high))
                enough = len(own) == high - low or self.count(one.text) >= self._sizes[len(shown)]
                shown.append(whole(member) if enough else one)
        return shown


def write(tree: Tree, leaves: Sequence[int], low: int, high: int) -> Shown:
    """Return some of the leaves ``low`` to ``high`` as they are shown, what is left out marked."""
    if not leaves:
        return NOTHING
    layout = tree.layout()
    pieces = layout.pieces(leaves)
    text = layout.write(pieces)
    if pieces[0].first_leaf > low:
        text = f"{EDGE}\n{text}" if pieces[0].before else f"{EDGE} {text}"
    if pieces[-1].end_leaf < high:
        text = f"{text} {EDGE}"
    begin = layout.leaf_span(low)[0]
    return Shown(text, tuple((piece.start - begin, piece.end - begin) for piece in pieces))


def whole(member: str) -> Shown:
    """Return a text that is shown as it is."""
    return Shown(member, ((0, len(member)),))


def _leaves(pieces: Sequence[Piece]) -> list[int]:
    return [leaf for piece in pieces for leaf in range(piece.first_leaf, piece.end_leaf)]
