"""Relevance: how much every node of every level says about a query, by two plain measures.

Each level is scored twice, by the cosine of static vectors (or neural ones, where a tree has them)
and by BM25 (Robertson and Zaragoza, 2009). Scores are standardised within their level, weighted and
summed down the tree: a leaf inherits what its ancestors say. The heading path a leaf stands under
is read as part of the leaf and of its passage. The sum finds the leaves worth a closer look; what
`ranker.py` makes of them is learned.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.retrieval.index import Counts, WordIndex, stem_words
from hier.retrieval.static import StaticTable, unit
from hier.retrieval.words import find_words


@dataclass(frozen=True)
class RelevanceConfig:
    """Every parameter of the plain sum.

    Attributes:
        dense: weight of the standardised cosine.
        lexical: weight of the standardised BM25 score.
        k1: BM25 saturation of term counts.
        b: BM25 share of length normalisation.
        levels: how many levels from the leaves up are summed.
        headed_levels: how many of them read the heading path as part of the node.
    """

    dense: float = 1.0
    lexical: float = 1.5
    k1: float = 1.2
    b: float = 0.75
    levels: int = 3
    headed_levels: int = 2


DEFAULT = RelevanceConfig()
# Words of questions that are like nothing and mean nothing.
_FUNCTION_WORDS = frozenset(
    "a an the of in on at to for from by with and or but if is are was were be been being do does "
    "did has have had will would can could may might shall should must it its this that these "
    "those as not no what which who whom whose when where why how s t he she they them his her "
    "their there than then so such about into any all".split()
)
_QUOTED = re.compile(r'"[^"]+"|“[^”]+”')
_COMPARED = 64  # words of a query, at most, that are compared one by one with those of the text


@dataclass(frozen=True)
class Level:
    """What relevance knows of one level.

    Attributes:
        first_leaf: int64 (nodes,), the first leaf of each node; nodes partition the leaves.
        norms: float32 (nodes,), the length of each node's static vector, headings included.
        words: float32 (nodes,), how many words each node has, headings included.
        vectors: unit neural vectors (nodes, dimensions), or None.
    """

    first_leaf: np.ndarray
    norms: np.ndarray
    words: np.ndarray
    vectors: np.ndarray | None = None

    def node_of(self, leaves: np.ndarray) -> np.ndarray:
        """Return the node that holds each of some leaves, int32 (leaves,)."""
        nodes: np.ndarray = self._nodes[np.minimum(leaves, len(self._nodes) - 1)]
        return nodes

    @cached_property
    def _nodes(self) -> np.ndarray:
        """The node of every leaf up to the last node's first: looked up ten times a query."""
        begins = np.zeros(int(self.first_leaf[-1]) + 1, np.int32)
        begins[self.first_leaf[1:]] = 1
        return np.cumsum(begins, dtype=np.int32)


@dataclass(frozen=True)
class Query:
    """A query made ready for one text.

    Attributes:
        text: the question.
        stems: the stem of each of its words, in order; then those of what it quotes, again.
        words: its distinct words that mean something, normalised; of a long query those with the
            longest vectors.
        static_scores: product of the vector of each word of the text with the query's (unit
            length), float32 (words of the text,).
        word_vectors: the static vectors of ``words``, float32 (words, dimensions).
        word_scores: its product with those of ``words``, made unit length, float32 (words of the
            text, words).
        neural: its neural vector, unit length, or None.
    """

    text: str
    stems: tuple[str, ...]
    words: tuple[str, ...]
    static_scores: np.ndarray
    word_vectors: np.ndarray
    word_scores: np.ndarray
    neural: np.ndarray | None = None

    @cached_property
    def quotes(self) -> bool:
        """Whether something in it stands in quotation marks."""
        return _QUOTED.search(self.text) is not None

    @cached_property
    def terms(self) -> dict[str, int]:
        """How often each stem occurs."""
        terms: dict[str, int] = {}
        for stem in self.stems:
            terms[stem] = terms.get(stem, 0) + 1
        return terms


def read_query(
    text: str, table: StaticTable, index: WordIndex, neural: np.ndarray | None = None
) -> Query:
    """Analyse a query: its words, their stems in order, and what is like them in a text.

    What it quotes is what it is after, and is read twice.
    """
    said = "\n".join([text, *_QUOTED.findall(text)])
    words = find_words(said)
    stems = stem_words(words.vocabulary)
    in_order = tuple(stems[word] for word in words.word.tolist())
    meaning = [word for word in words.vocabulary if word not in _FUNCTION_WORDS]
    meaning = meaning or list(words.vocabulary)
    vectors = table.word_vectors(meaning)
    longest = np.argsort(-np.linalg.norm(vectors, axis=1), kind="stable")[:_COMPARED]
    kept = np.sort(longest)
    vectors, compared = vectors[kept], tuple(meaning[word] for word in kept.tolist())
    # One product for all: the token vectors are read once.
    scores = index.word_scores(np.vstack([table.encode([said]), unit(vectors)]))
    return Query(text, in_order, compared, scores[:, 0], vectors, scores[:, 1:], neural)


@dataclass(frozen=True)
class LevelScores:
    """What a query makes of the nodes of one level.

    Attributes:
        static: cosine of static vectors, float32 (nodes,).
        neural: cosine of neural vectors, float32 (nodes,); None where there are none.
        lexical: BM25, float32 (nodes,).
        held: how often each node holds each query term, headings included: a row a node.
    """

    static: np.ndarray
    neural: np.ndarray | None
    lexical: np.ndarray
    held: Counts


@dataclass(frozen=True)
class Terms:
    """The terms of a query that a text has.

    Attributes:
        weights: times each occurs in the query, float32 (terms,).
        stems: the index's number of each, int64 (terms,).
        of_word: which of them each word of the text is a form of, int32 (words,); -1 for none.
    """

    weights: np.ndarray
    stems: np.ndarray
    of_word: np.ndarray

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.stems)

    def held(self, rows: Counts) -> np.ndarray:
        """Return which of them rows of words hold, bool (terms, rows)."""
        return rows.only(self.of_word).held(len(self))


def find_terms(index: WordIndex, terms: dict[str, int]) -> Terms:
    """Look up query terms; those that the text does not have are left out."""
    known = [(index.stem_number[t], n) for t, n in terms.items() if t in index.stem_number]
    stems = np.array([stem for stem, _ in known], np.int64)
    of_stem = np.full(len(index.stems), -1, np.int32)
    of_stem[stems] = np.arange(len(stems))
    weights = np.array([n for _, n in known], np.float32)
    return Terms(weights, stems, of_stem[index.stem_of])


def score_levels(
    index: WordIndex,
    levels: Sequence[Level],
    query: Query,
    config: RelevanceConfig = DEFAULT,
) -> tuple[Terms, list[LevelScores]]:
    """Score every node of some levels.

    Args:
        index: the words of the leaves and heading paths.
        levels: the levels to score, leaves first.
        query: the query, ready.
        config: the parameters.

    Returns:
        The query's terms, and the scores of each level.
    """
    static, terms = query.static_scores, find_terms(index, query.terms)
    leaf_dots, path_dots = index.leaves.dot(static), index.paths.dot(static)
    own, heads = index.leaves.only(terms.of_word), index.paths.only(terms.of_word)
    heads = heads.joined(np.arange(len(heads)), len(terms))
    scores = []
    for number, level in enumerate(levels):
        dots = leaf_dots if number == 0 else np.add.reduceat(leaf_dots, level.first_leaf)
        held = own.joined(level.first_leaf, len(terms))
        if number < config.headed_levels:
            path = index.path_of[level.first_leaf]
            dots = dots + path_dots[path]
            held = held.plus(heads.take(path), len(terms))
        neural = None
        if level.vectors is not None and query.neural is not None:
            neural = level.vectors.astype(np.float32) @ query.neural
        lexical = bm25(held, level.words, terms.weights, config.k1, config.b)
        scores.append(LevelScores(dots / level.norms, neural, lexical, held))
    return terms, scores


def plain_sum(
    levels: Sequence[Level], scores: Sequence[LevelScores], config: RelevanceConfig = DEFAULT
) -> np.ndarray:
    """Sum weighted standardised scores down the tree, standardised: float32 (leaves,)."""
    n_leaves = len(levels[0].first_leaf)
    total = np.zeros(n_leaves, np.float32)
    for level, score in zip(levels[: config.levels], scores, strict=False):
        cosine = score.static if score.neural is None else score.neural
        own = config.dense * standardise(cosine) + config.lexical * standardise(score.lexical)
        total += np.repeat(own, np.diff(np.append(level.first_leaf, n_leaves)))
    return standardise(total)


def bm25(held: Counts, lengths: np.ndarray, weights: np.ndarray, k1: float, b: float) -> np.ndarray:
    """Score nodes by BM25.

    Args:
        held: how often each node holds each query term, at most one entry a node and term.
        lengths: words of each node, float32 (nodes,).
        weights: weight of each query term, float32 (terms,).
        k1: saturation.
        b: length normalisation.

    Returns:
        float32 (nodes,).
    """
    n_nodes = len(lengths)
    containing = np.bincount(held.words, minlength=len(weights))
    idf = np.log1p((n_nodes - containing + 0.5) / (containing + 0.5))
    saturation = k1 * (1 - b + b * lengths / max(float(lengths.mean()), 1e-9))
    nodes = held.entry_rows()
    gains = (weights * idf)[held.words] * held.counts * (k1 + 1) / (held.counts + saturation[nodes])
    return np.bincount(nodes, gains, n_nodes).astype(np.float32)


def standardise(scores: np.ndarray) -> np.ndarray:
    """Shift to mean 0 and scale to standard deviation 1; equal scores become zeros."""
    deviation = float(scores.std())
    if deviation < 1e-9:
        return np.zeros(len(scores), np.float32)
    centred: np.ndarray = ((scores - scores.mean()) / deviation).astype(np.float32)
    return centred
