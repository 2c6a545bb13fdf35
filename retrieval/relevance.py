"""Relevance: how much every node of every level says about a query.

Each level is scored twice, by the cosine of static vectors (or neural ones, where a tree has them)
and by BM25 (Robertson and Zaragoza, 2009). Scores are standardised within their level, weighted and
summed down the tree: a leaf inherits what its ancestors say. The heading path a leaf stands under
is read as part of the leaf and of its passage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hier.retrieval.index import Counts, WordIndex, stem_words
from hier.retrieval.static import StaticTable
from hier.retrieval.words import find_words


@dataclass(frozen=True)
class RelevanceConfig:
    """Every parameter of relevance.

    Attributes:
        dense: weight of the standardised cosine.
        lexical: weight of the standardised BM25 score.
        k1: BM25 saturation of term counts.
        b: BM25 share of length normalisation.
        levels: how many levels from the leaves up are scored and summed.
        headed_levels: how many of them read the heading path as part of the node.
    """

    dense: float = 1.0
    lexical: float = 1.5
    k1: float = 1.2
    b: float = 0.75
    levels: int = 3
    headed_levels: int = 2


DEFAULT = RelevanceConfig()


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


@dataclass(frozen=True)
class Query:
    """A query made ready: term counts, static and neural vectors (unit length)."""

    text: str
    terms: dict[str, int]
    static: np.ndarray
    neural: np.ndarray | None = None


def read_query(text: str, table: StaticTable, neural: np.ndarray | None = None) -> Query:
    """Analyse a query: stems with their counts, and its static vector."""
    words = find_words(text)
    terms: dict[str, int] = {}
    stems = stem_words(words.vocabulary)
    for word in words.word.tolist():
        terms[stems[word]] = terms.get(stems[word], 0) + 1
    return Query(text, terms, table.encode([text])[0], neural)


def score_levels(
    index: WordIndex,
    levels: Sequence[Level],
    query: Query,
    token_scores: np.ndarray,
    config: RelevanceConfig = DEFAULT,
) -> list[np.ndarray]:
    """Return for every scored level the weighted standardised score of its nodes, float32.

    Args:
        index: the words of the leaves and heading paths.
        levels: the levels to score, leaves first.
        query: the query, ready.
        token_scores: product of every static token vector with the query's, float32.
        config: the parameters.
    """
    static = index.word_scores(token_scores)
    leaf_dots, path_dots = index.leaves.dot(static), index.paths.dot(static)
    leaf_terms, path_terms, weights = term_counts(index, query.terms)
    scores = []
    for number, level in enumerate(levels):
        dots = np.add.reduceat(leaf_dots, level.first_leaf)
        counts = np.add.reduceat(leaf_terms, level.first_leaf, axis=1)
        if number < config.headed_levels:
            path = index.path_of[level.first_leaf]
            dots = dots + path_dots[path]
            counts = counts + path_terms[:, path]
        if level.vectors is not None and query.neural is not None:
            cosine = level.vectors.astype(np.float32) @ query.neural
        else:
            cosine = dots / level.norms
        lexical = bm25(counts, level.words, weights, config.k1, config.b)
        scores.append(config.dense * standardise(cosine) + config.lexical * standardise(lexical))
    return scores


def inherit(levels: Sequence[Level], scores: Sequence[np.ndarray]) -> np.ndarray:
    """Sum scores down the tree: one relevance a leaf, float32 (leaves,)."""
    n_leaves = len(levels[0].first_leaf)
    total = np.zeros(n_leaves, np.float32)
    for level, score in zip(levels, scores, strict=True):
        sizes = np.diff(np.append(level.first_leaf, n_leaves))
        total += np.repeat(score, sizes)
    return total


def term_counts(
    index: WordIndex, terms: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count query terms: (terms, leaves) and (terms, paths) float32, and the terms' weights."""
    known = [(index.stem_number[t], n) for t, n in terms.items() if t in index.stem_number]
    group = np.full(len(index.stems), -1, np.int64)
    group[[stem for stem, _ in known]] = np.arange(len(known))
    term_of_word = group[index.stem_of] if len(index.stem_of) else group
    weights = np.array([n for _, n in known], np.float32)

    def tally(counts: Counts) -> np.ndarray:
        term = term_of_word[counts.words]
        hits = np.flatnonzero(term >= 0)
        rows = np.searchsorted(counts.offsets, hits, "right") - 1
        flat = np.bincount(
            term[hits] * len(counts) + rows, counts.counts[hits], len(known) * len(counts)
        )
        return flat.reshape(len(known), len(counts)).astype(np.float32)

    return tally(index.leaves), tally(index.paths), weights


def bm25(
    counts: np.ndarray, lengths: np.ndarray, weights: np.ndarray, k1: float, b: float
) -> np.ndarray:
    """Score nodes by BM25.

    Args:
        counts: term counts, float32 (terms, nodes).
        lengths: words of each node, float32 (nodes,).
        weights: weight of each query term, float32 (terms,).
        k1: saturation.
        b: length normalisation.

    Returns:
        float32 (nodes,).
    """
    n_nodes = counts.shape[1]
    containing = np.count_nonzero(counts, axis=1)
    idf = np.log1p((n_nodes - containing + 0.5) / (containing + 0.5))
    saturation = k1 * (1 - b + b * lengths / max(float(lengths.mean()), 1e-9))
    gains = counts * (k1 + 1) / (counts + saturation)
    scores: np.ndarray = (weights * idf).astype(np.float32) @ gains
    return scores


def standardise(scores: np.ndarray) -> np.ndarray:
    """Shift to mean 0 and scale to standard deviation 1; equal scores become zeros."""
    deviation = float(scores.std())
    if deviation < 1e-9:
        return np.zeros(len(scores), np.float32)
    centred: np.ndarray = ((scores - scores.mean()) / deviation).astype(np.float32)
    return centred
