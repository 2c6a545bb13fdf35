"""Feedback: what the best leaves say, asked as if it had been in the query.

The best leaves of the plain sum stand for what is looked for (pseudo-relevance feedback; Rocchio,
1971; RM3, Lavrenko and Croft, 2001): their mean vector, and their rare words that the query lacks.
A heading that holds such words links a text's parts, which is how a second hop is found.
"""

import numpy as np

from hier.retrieval.counts import Counts
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Terms, standardise

_BEST = 10  # leaves that are believed
_LINKING = 6  # of them, those whose words are looked for in headings
_WORDS = 20  # words added to the query
_SATURATION = 1.2


def feedback(
    index: WordIndex,
    terms: Terms,
    plain: np.ndarray,
    pool: np.ndarray,
    vectors: np.ndarray,
) -> dict[str, np.ndarray]:
    """Compare leaves, and the headings over them, with the best leaves.

    Args:
        index: the words of the text.
        terms: the query's terms.
        plain: the plain sum, float32 (leaves,).
        pool: the leaves asked about, int64.
        vectors: their unit vectors, float32 (pool, dimensions).

    Returns:
        Columns float32 (pool,).
    """
    best, trust = trusted(plain[pool])
    centre = trust @ vectors[best]
    added = _added(index, terms, pool[best], trust)
    used, path = np.unique(index.path_of[pool], return_inverse=True)
    headings = index.paths.take(used)
    columns = {
        "near the best": standardise(vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))),
        "words of the best": standardise(_saturated(index, index.leaves.take(pool), added)),
        "heading has words of the best": _held(index, headings, added)[path]
        / max(float(added.max(initial=0)), 1e-9),
    }
    rarity = index.leaf_idf
    whole = np.maximum(_held(index, headings, rarity), 1e-9)
    linking = np.zeros(len(index.stems), np.float32)
    rows = index.leaves.take(pool[best[:_LINKING]])
    linking[index.stem_of[rows.words]] = 1
    linking[terms.stems] = 0
    asked = np.zeros(len(index.stems), np.float32)
    asked[terms.stems] = 1
    columns["heading named by the best"] = (_held(index, headings, linking * rarity) / whole)[path]
    columns["heading asked for"] = (_held(index, headings, asked * rarity) / whole)[path]
    return columns


def trusted(plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the best plain scores, and how far each is believed; sums to 1."""
    best = np.argsort(-plain, kind="stable")[:_BEST]
    trust = np.exp(plain[best] - plain[best].max())
    return best, trust / trust.sum()


def _added(index: WordIndex, terms: Terms, leaves: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return the weight of each stem that the query is widened by, float32 (stems,)."""
    rows = index.leaves.take(leaves)
    weights = np.bincount(
        index.stem_of[rows.words], trust[rows.entry_rows()], minlength=len(index.stems)
    )
    weights = weights * index.leaf_idf
    weights[terms.stems] = 0
    kept = np.argsort(-weights, kind="stable")[:_WORDS]
    added = np.zeros(len(weights), np.float32)
    added[kept] = weights[kept]
    return added


def _saturated(index: WordIndex, rows: Counts, weights: np.ndarray) -> np.ndarray:
    """Sum the weights of each row's stems, counts saturating, float32 (rows,)."""
    saturated = Counts(rows.offsets, rows.words, rows.counts / (rows.counts + _SATURATION))
    return saturated.dot(weights[index.stem_of])


def _held(index: WordIndex, rows: Counts, weights: np.ndarray) -> np.ndarray:
    """Sum the weights of each row's stems, each counted once, float32 (rows,)."""
    once = Counts(rows.offsets, rows.words, np.ones(len(rows.words), np.float32))
    return once.dot(weights[index.stem_of])
