"""Late interaction: every word of the query beside the word most like it in a leaf or passage.

The sum over query words of the best cosine (MaxSim; ColBERT, Khattab and Zaharia, 2020), with
static word vectors in place of a model's, so that a word costs a look-up; and, softly counted, the
words that are met at least so well (kernel pooling; K-NRM, Xiong et al., 2017).
"""

from collections.abc import Sequence

import numpy as np

from hier.retrieval.counts import Counts, runs
from hier.retrieval.index import WordIndex, stem_words
from hier.retrieval.relevance import Level, Query

_KERNELS = (0.45, 0.6, 0.8)
_STEEPNESS = 20.0
MET = "words met 0.8, passage"
"""The column that says how much of the question stands in the passage, in words hardly other than
its own."""


def interaction(
    index: WordIndex, levels: Sequence[Level], query: Query, pool: np.ndarray
) -> dict[str, np.ndarray]:
    """Compare the words of a query with those of leaves and of their passages.

    Args:
        index: the words of the text.
        levels: leaves and passages; leaves alone, for a text of one leaf.
        query: the query.
        pool: the leaves asked about, int64.

    Returns:
        Columns float32 (pool,).
    """
    words, lengths = query.words, np.linalg.norm(query.word_vectors, axis=1)
    likeness = query.word_scores / np.maximum(index.norms, 1e-9)[:, None]
    leaf, heading, passage = _best(index, levels, likeness, pool)
    headed = np.maximum(leaf, heading)
    rarity = _rarity(index, words)
    views = {"leaf": leaf, "headed leaf": headed, "passage": passage}
    weights = {"rarity": rarity, "length": lengths, "both": rarity * lengths}
    columns = {
        f"likeness, {view}, {name}": best @ _shares(weight)
        for view, best in views.items()
        for name, weight in weights.items()
    }
    even, both = _shares(np.ones(len(words))), _shares(weights["both"])
    columns["likeness, headed leaf"] = headed @ even
    columns["likeness, passage"] = passage @ even
    columns["likeness, heading"] = heading @ both
    for kernel in _KERNELS:
        for view, best in (("leaf", leaf), ("passage", passage)):
            met = 1 / (1 + np.exp(-_STEEPNESS * (best - kernel)))
            columns[f"words met {kernel}, {view}"] = met @ both
    columns["least met of passage"] = passage.min(axis=1, initial=1)
    return columns


def _best(
    index: WordIndex, levels: Sequence[Level], likeness: np.ndarray, pool: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the best cosines in leaf, heading and passage, float32 (pool, words) each."""
    passages, n_leaves = levels[-1], len(index.leaves)
    nodes, node_of = np.unique(passages.node_of(pool), return_inverse=True)
    first = passages.first_leaf[nodes]
    sizes = np.append(passages.first_leaf, n_leaves)[nodes + 1] - first
    begins = np.cumsum(sizes) - sizes
    rows = runs(first, sizes)
    leaf = _row_maxima(index.leaves.take(rows), likeness)
    used, path = np.unique(index.path_of[rows], return_inverse=True)
    heading = _row_maxima(index.paths.take(used), likeness)[path]
    passage = np.maximum.reduceat(np.maximum(leaf, heading), begins)[node_of]
    place = begins[node_of] + pool - first[node_of]
    return leaf[place], heading[place], passage


def _row_maxima(rows: Counts, likeness: np.ndarray) -> np.ndarray:
    """Return the best of each row's words, float32 (rows, vectors); 0 where there are none."""
    best = np.zeros((len(rows), likeness.shape[1]), np.float32)
    some = np.flatnonzero(np.diff(rows.offsets))
    if len(some):
        best[some] = np.maximum.reduceat(likeness[rows.words], rows.offsets[some])
    return best


def _rarity(index: WordIndex, words: Sequence[str]) -> np.ndarray:
    """Return the rarity of words among the leaves, float32 (words,)."""
    unknown = np.log1p(len(index.leaves) + 0.5)
    known = [index.stem_number.get(stem) for stem in stem_words(words)]
    return np.array([unknown if n is None else index.leaf_idf[n] for n in known], np.float32)


def _shares(weights: np.ndarray) -> np.ndarray:
    shares: np.ndarray = weights / max(float(weights.sum()), 1e-9)
    return shares.astype(np.float32)
