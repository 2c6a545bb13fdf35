"""Descent: in a large text, only leaves under the best sections are scored.

A text of at most ``MOST`` leaves is scored whole. Of a larger one the sections, and what lies above
them, are scored in full; best first, by what sections say for themselves in the plain sum, they are
opened, and their passages and leaves scored, until most of ``MOST`` leaves are open. A sample of
the other sections is opened beside them, every so manieth in the order of the text: it stands for
all that stays closed where mean and deviation of a level are taken (stratified sampling; Cochran,
1977). A leaf under a closed section has its section's score as an estimate.

So the work for a question grows with the sections of a text, not with its leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hier.retrieval.counts import runs
from hier.retrieval.index import StemLists, WordIndex
from hier.retrieval.relevance import DEFAULT, Level, Query, Terms, find_terms, standardise
from hier.retrieval.scores import (
    Census,
    LevelScores,
    plain_sum,
    score_level,
    score_levels,
    sum_down,
)
from hier.retrieval.static import load_static, unit

MOST = 16_384
"""Leaves that are scored, about: of a text with more only some are."""
SAMPLED = 4_096
"""How many of these stand for all that stays closed."""
TOP = DEFAULT.levels - 1  # the highest level of the plain sum: the sections


@dataclass(frozen=True)
class Found:
    """What a question makes of a text.

    Attributes:
        terms: the query's terms that the text has.
        scores: of each level, leaves first.
        opened: the leaves that were scored, int64, ascending.
        plain: their plain sum, float32 (opened,).
        closed: the sections that stayed closed, int64, ascending; none in a small text.
        estimate: the plain sum as far as they were scored, float32 (closed,).
    """

    terms: Terms
    scores: Sequence[LevelScores]
    opened: np.ndarray
    plain: np.ndarray
    closed: np.ndarray
    estimate: np.ndarray

    def everywhere(self, levels: Sequence[Level], most: float) -> np.ndarray:
        """Return the plain sum of all leaves, the estimates at most ``most``: float32 (leaves,)."""
        if not len(self.closed):
            return self.plain
        sections = levels[TOP]
        estimates = np.zeros(len(sections.first_leaf), np.float32)
        estimates[self.closed] = np.minimum(self.estimate, most)
        plain = np.repeat(estimates, sections.sizes(len(levels[0].first_leaf)))
        plain[self.opened] = self.plain
        return plain


def with_static(levels: Sequence[Level], index: WordIndex) -> tuple[Level, ...]:
    """Return the levels of a text, with the sections' vectors where they will be asked for."""
    if len(index.leaves) <= MOST:
        return tuple(levels)
    sections = levels[TOP]
    words = index.leaves.joined(sections.first_leaf, len(index.vocabulary))
    sums = replace(index, leaves=words).leaf_vectors(np.arange(len(words)), load_static())
    vectors = unit(sums).astype(np.float16)
    return (*levels[:TOP], replace(sections, static=vectors), *levels[TOP + 1 :])


def score(index: WordIndex, levels: Sequence[Level], query: Query, whole: bool = False) -> Found:
    """Score the leaves of a text and the nodes above them: all, or in a large text the best.

    Args:
        index: the words of the leaves and heading paths.
        levels: the levels to score, leaves first.
        query: the query, ready.
        whole: score all in a large text as well.
    """
    terms, n_leaves = find_terms(index, query.terms), len(index.leaves)
    if n_leaves > MOST and not whole:
        return _descend(index, levels, query, terms)
    scores = score_levels(index, levels, query, terms)
    plain, none = plain_sum(levels, scores), np.zeros(0, np.int64)
    return Found(terms, scores, np.arange(n_leaves), plain, none, none.astype(np.float32))


def _descend(index: WordIndex, levels: Sequence[Level], query: Query, terms: Terms) -> Found:
    """Score the sections, open the best and a sample of the others, and score what is in them."""
    n_leaves, sections = len(index.leaves), levels[TOP]
    coarse = _score_coarse(index, levels, query, terms)
    own, sizes = coarse[0].own(), sections.sizes(n_leaves)
    best = _best(own, sizes, MOST - SAMPLED)
    rest = np.flatnonzero(~best)
    sample = rest[:: max(1, int(sizes[rest].sum()) // SAMPLED)]
    opened = np.sort(np.append(np.flatnonzero(best), sample))
    closed = np.setdiff1d(rest, sample, assume_unique=True)
    parts, censuses = [], []
    for level, holding in zip(levels[:TOP], _lists(index, levels).holding, strict=False):
        nodes, places, section = _under(level, sections.first_leaf[opened], sizes[opened])
        vectors = None if level.vectors is None else level.vectors[nodes]
        parts.append(Level(places, level.norms[nodes], level.words[nodes], vectors))
        weights = _weights(~best[opened[section]], len(level.first_leaf))
        censuses.append(Census(nodes, weights, level.mean_words, holding[terms.stems]))
    leaves = censuses[0].nodes
    fine = score_levels(index.part(leaves), parts, query, terms, censuses)
    total = np.repeat(own[opened], sizes[opened]) + sum_down(parts, fine)
    # One scale for both; the estimates have no part in it.
    weights = np.append(censuses[0].weights, np.zeros(len(closed), np.float32))
    plain = standardise(np.append(total, own[closed]), weights)
    return Found(
        terms, [*fine, *coarse], leaves, plain[: len(leaves)], closed, plain[len(leaves) :]
    )


def _score_coarse(
    index: WordIndex, levels: Sequence[Level], query: Query, terms: Terms
) -> list[LevelScores]:
    """Score the sections, and each level above them, in full."""
    sections = levels[TOP].first_leaf
    said = _lists(index, levels).nodes.take(terms.stems).turned(len(sections))
    dots = (levels[TOP].unpacked @ query.static) * levels[TOP].norms
    scores = []
    for level in levels[TOP:]:
        first = np.searchsorted(sections, level.first_leaf)
        held = said.joined(first, len(terms))
        scores.append(score_level(level, np.add.reduceat(dots, first), held, held, query, terms))
    return scores


def _lists(index: WordIndex, levels: Sequence[Level]) -> StemLists:
    return index.stem_lists([level.first_leaf for level in levels[: TOP + 1]])


def _under(
    level: Level, first: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the nodes of a level that lie in some sections, ascending.

    Args:
        level: the level.
        first: the first leaf of each section, int64 (sections,).
        sizes: how many leaves it has, int64 (sections,).

    Returns:
        int64 (nodes,) each: the nodes; the place of each one's first leaf among the leaves of these
        sections; and in which of the sections it lies.
    """
    low, end = np.searchsorted(level.first_leaf, [first, first + sizes])
    nodes, section = runs(low, end - low), np.repeat(np.arange(len(first)), end - low)
    begins = np.cumsum(sizes) - sizes
    return nodes, level.first_leaf[nodes] + (begins - first)[section], section


def _best(estimate: np.ndarray, sizes: np.ndarray, most: int) -> np.ndarray:
    """Mark the best nodes, of equal ones the first, that hold at most ``most`` leaves: bool."""
    order = np.argsort(-estimate, kind="stable")
    kept = int(np.searchsorted(np.cumsum(sizes[order]), most, "right"))
    marked = np.zeros(len(estimate), bool)
    marked[order[: max(kept, 1)]] = True
    return marked


def _weights(sampled: np.ndarray, n_nodes: int) -> np.ndarray:
    """Return how many of all nodes of a level each opened one stands for, float32 (opened,)."""
    known = len(sampled) - int(sampled.sum())
    weights: np.ndarray = np.where(sampled, (n_nodes - known) / max(1, int(sampled.sum())), 1)
    return weights.astype(np.float32)
