"""Scores: what a question makes of the nodes of each level, by cosine and by BM25.

Each level is scored on its own: cosines of static vectors (or of neural ones, where a tree has
them) beside BM25 (Robertson and Zaragoza, 2009). Where only some nodes of a level are scored, what
depends on all of them (how rare a term is, how long a node is on average, mean and deviation of the
scores) comes from a census of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hier.retrieval.counts import Counts
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import DEFAULT, Level, Query, Terms, standardise


@dataclass(frozen=True)
class Census:
    """What is to be known of a whole level where only some of its nodes are scored.

    Attributes:
        nodes: which are scored, int64 (nodes,), ascending.
        weights: how many nodes of the level each stands for, float32 (nodes,); 1 is itself alone.
        mean_words: words of a node of the level on average.
        holding: how many nodes of the level hold each query term, headings left out, int64
            (terms,).
    """

    nodes: np.ndarray
    weights: np.ndarray
    mean_words: float
    holding: np.ndarray


@dataclass(frozen=True)
class LevelScores:
    """What a query makes of the nodes of one level.

    Attributes:
        static: cosine of static vectors, float32 (nodes,).
        neural: cosine of neural vectors, float32 (nodes,); None where there are none.
        lexical: BM25, float32 (nodes,).
        held: how often each node holds each query term, headings included: a row a node.
        census: the level, where these are only some of its nodes; else None.
    """

    static: np.ndarray
    neural: np.ndarray | None
    lexical: np.ndarray
    held: Counts
    census: Census | None = None

    def rows(self, nodes: np.ndarray) -> np.ndarray:
        """Return the rows of some nodes, all of which must have been scored."""
        return nodes if self.census is None else np.searchsorted(self.census.nodes, nodes)

    def standard(self, scores: np.ndarray) -> np.ndarray:
        """Standardise one of these scores within the whole level, float32 (nodes,)."""
        return standardise(scores, None if self.census is None else self.census.weights)

    def own(self) -> np.ndarray:
        """Return what each node says for itself, weighted and standardised, float32 (nodes,)."""
        cosine = self.static if self.neural is None else self.neural
        own: np.ndarray = DEFAULT.dense * self.standard(cosine)
        own += DEFAULT.lexical * self.standard(self.lexical)
        return own


def score_levels(
    index: WordIndex,
    levels: Sequence[Level],
    query: Query,
    terms: Terms,
    censuses: Sequence[Census] = (),
) -> list[LevelScores]:
    """Score every node of some levels.

    Args:
        index: the words of the leaves and heading paths.
        levels: the levels to score, leaves first.
        query: the query, ready.
        terms: those of its terms that the text has.
        censuses: one a level, where all this is a part cut out of a larger text.
    """
    leaf_dots = index.leaves.dot(query.static_scores)
    path_dots = index.paths.dot(query.static_scores)
    own, heads = index.leaves.only(terms.of_word), index.paths.only(terms.of_word)
    own = own.joined(np.arange(len(own)), len(terms))
    heads = heads.joined(np.arange(len(heads)), len(terms))
    scores = []
    for number, level in enumerate(levels):
        dots = leaf_dots if number == 0 else np.add.reduceat(leaf_dots, level.first_leaf)
        held = said = own if number == 0 else own.joined(level.first_leaf, len(terms))
        if number < DEFAULT.headed_levels:
            path = index.path_of[level.first_leaf]
            dots = dots + path_dots[path]
            held = said.plus(heads.take(path), len(terms))
        census = censuses[number] if censuses else None
        scores.append(score_level(level, dots, said, held, query, terms, census))
    return scores


def score_level(
    level: Level,
    dots: np.ndarray,
    said: Counts,
    held: Counts,
    query: Query,
    terms: Terms,
    census: Census | None = None,
) -> LevelScores:
    """Score the nodes of one level.

    Args:
        level: the nodes.
        dots: product of each one's static vector with the query's, float32 (nodes,).
        said: how often each holds each query term, headings left out: a row a node.
        held: the same, headings included.
        query: the query, ready.
        terms: those of its terms that the text has.
        census: the level, where these are only some of its nodes.
    """
    neural = None
    if level.vectors is not None and query.neural is not None:
        neural = level.vectors.astype(np.float32) @ query.neural
    containing = _containing(held, terms, census)
    n_nodes, mean_words = float(len(level.words)), level.mean_words
    if census is not None:
        # Own words are counted in the whole text; what only a heading says, from those scored.
        only_headed = containing - _containing(said, terms, census)
        n_nodes, mean_words = float(census.weights.sum()), census.mean_words
        containing = np.minimum(census.holding + only_headed, n_nodes)
    weights = terms.weights * np.log1p((n_nodes - containing + 0.5) / (containing + 0.5))
    lexical = bm25(held, level.words / max(mean_words, 1e-9), weights, DEFAULT.k1, DEFAULT.b)
    return LevelScores(dots / level.norms, neural, lexical, held, census)


def _containing(held: Counts, terms: Terms, census: Census | None) -> np.ndarray:
    """Return how many nodes hold each term, float64 or int64 (terms,)."""
    weights = None if census is None else census.weights[held.entry_rows()]
    return np.bincount(held.words, weights, len(terms))


def bm25(held: Counts, lengths: np.ndarray, weights: np.ndarray, k1: float, b: float) -> np.ndarray:
    """Score nodes by BM25.

    Args:
        held: how often each node holds each query term, at most one entry a node and term.
        lengths: words of each node, as a multiple of the average, float32 (nodes,).
        weights: weight of each query term times its rarity, float (terms,).
        k1: saturation.
        b: length normalisation.

    Returns:
        float32 (nodes,).
    """
    nodes = held.entry_rows()
    saturation = (k1 * (1 - b + b * lengths))[nodes]
    gains = weights[held.words] * (k1 + 1) * held.counts / (held.counts + saturation)
    return np.bincount(nodes, gains, len(lengths)).astype(np.float32)


def plain_sum(levels: Sequence[Level], scores: Sequence[LevelScores]) -> np.ndarray:
    """Sum weighted standardised scores down the tree, standardised: float32 (leaves,)."""
    summed = DEFAULT.levels
    return scores[0].standard(sum_down(levels[:summed], scores[:summed]))


def sum_down(levels: Sequence[Level], scores: Sequence[LevelScores]) -> np.ndarray:
    """Sum down the tree what the nodes of some levels say, float32 (leaves,)."""
    n_leaves = len(levels[0].first_leaf)
    total = np.zeros(n_leaves, np.float32)
    for level, score in zip(levels, scores, strict=True):
        total += np.repeat(score.own(), level.sizes(n_leaves))
    return total
