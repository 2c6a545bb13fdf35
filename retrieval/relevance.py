"""Relevance: how much every node of every level says about a query, by two plain measures.

Each level is scored twice, by the cosine of static vectors (or neural ones, where a tree has them)
and by BM25 (Robertson and Zaragoza, 2009). Scores are standardised within their level, weighted and
summed down the tree: a leaf inherits what its ancestors say. The heading path a leaf stands under
is read as part of the leaf and of its passage. The sum finds the leaves worth a closer look; what
`ranker.py` makes of them is learned.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.retrieval.counts import Counts
from hier.retrieval.index import WordIndex, stem_words
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
        static: unit static vectors, float16 (nodes, dimensions), headings left out; of the sections
            of a large text, else None.
    """

    first_leaf: np.ndarray
    norms: np.ndarray
    words: np.ndarray
    vectors: np.ndarray | None = None
    static: np.ndarray | None = None

    def node_of(self, leaves: np.ndarray) -> np.ndarray:
        """Return the node that holds each of some leaves, int32 (leaves,)."""
        nodes: np.ndarray = self._nodes[np.minimum(leaves, len(self._nodes) - 1)]
        return nodes

    def sizes(self, n_leaves: int) -> np.ndarray:
        """Return how many of the ``n_leaves`` leaves of the text each node has, int64 (nodes,)."""
        return np.diff(np.append(self.first_leaf, n_leaves))

    @cached_property
    def unpacked(self) -> np.ndarray:
        """The static vectors in single precision: unpacked when the first question comes."""
        vectors: np.ndarray = np.asarray(self.static, np.float32)
        return vectors

    @cached_property
    def mean_words(self) -> float:
        """How many words a node has on average."""
        return float(self.words.mean())

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
        static: its static vector, unit length, float32 (dimensions,).
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
    static: np.ndarray
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
    (static,) = table.encode([said])
    # One product for all: the token vectors are read once.
    scores = index.word_scores(np.vstack([static, unit(vectors)]))
    return Query(text, in_order, compared, static, scores[:, 0], vectors, scores[:, 1:], neural)


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


def standardise(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Shift to mean 0 and scale to standard deviation 1; equal scores become zeros.

    Args:
        scores: float (scores,).
        weights: how many scores each stands for, float32 (scores,); None for itself alone.
    """
    if weights is None:
        mean, deviation = scores.mean(), float(scores.std())
    else:
        mean = np.average(scores, weights=weights)
        deviation = float(np.sqrt(np.average((scores - mean) ** 2, weights=weights)))
    if deviation < 1e-9:
        return np.zeros(len(scores), np.float32)
    centred: np.ndarray = ((scores - mean) / deviation).astype(np.float32)
    return centred
