"""Dense search: the k vectors with the largest inner product, one protocol, served by FAISS.

A document's vectors are searched exactly; above about 100,000 of them reading every vector costs
more than it finds, and an inverted file reads an eighth. Both give the same answer to the same
question whatever else is asked with it and however many threads there are, and vectors that score
the same come in the order of their ids. Method: Johnson, Douze, Jégou, "Billion-scale similarity
search with GPUs", 2017, section 2 (the inverted file).

The inverted file was chosen over a navigable graph (HNSW) by measurement, on 120,000 sentences in
384 dimensions: with one thread it builds in 5 s against 22 s. One query then takes 2 ms, against
45 ms for the exact search, at a recall@10 of 0.99 for sentences held out. A query in a direction
where there are no vectors finds less: 0.78 for random directions, the worst case.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hier.errors import EmbedderError

Vectors = NDArray[np.float32]
Hits = tuple[NDArray[np.float32], NDArray[np.int64]]

LISTS_PER_ROOT = 4.0
"""Clusters of the inverted file, as a multiple of the square root of the number of vectors."""

PROBED_SHARE = 1 / 8
"""Share of the clusters that one query reads; 1/12 finds 0.985 of the ten nearest, this 0.99."""

TRAINING_ROUNDS = 8
TRAINING_VECTORS_PER_LIST = 64

# FAISS adds up in an order of its own, which may differ from ours by this share of the largest
# possible score; vectors closer than that to the k-th may be tied with it.
_ROUNDING = 1e-5
_SPARE = 16
_EXACT_BLOCK = 256
# From 20 queries on FAISS multiplies matrices, and a query's sums depend on those beside it.
_APPROXIMATE_BLOCK = 16


class DenseIndex(Protocol):
    """Vectors that can be asked for their nearest."""

    def search(self, queries: Vectors, k: int) -> Hits:
        """Find the k vectors with the largest inner product with each query.

        Args:
            queries: shape (q, d), finite.
            k: vectors wanted per query, from 1 to the number of vectors.

        Returns:
            Scores, shape (q, k), falling along each row, and the ids, the row numbers of the
            vectors, shape (q, k); equal scores in the order of their ids.

        Raises:
            EmbedderError: the queries have another shape than the vectors, or k is out of range.
        """
        ...


def build_index(vectors: Vectors, *, approximate_above: int = 100_000) -> DenseIndex:
    """Make vectors searchable, exactly up to a number of them and approximately above.

    Args:
        vectors: shape (n, d), finite. The exact index keeps the array itself, no copy, when it
            is float32 and contiguous: do not change it afterwards.
        approximate_above: the largest n that is searched exactly.

    Returns:
        The index; the same vectors make the same index every time.

    Raises:
        EmbedderError: there are no vectors, or they are not a finite (n, d) array.
    """
    checked = _matrix(vectors, "vectors")
    if checked.shape[0] == 0:
        raise EmbedderError("there are 0 vectors to index; give at least 1")
    if checked.shape[0] <= approximate_above:
        return ExactIndex(checked)
    return ApproximateIndex(checked)


class ExactIndex:
    """Every vector is read for every query.

    Args:
        vectors: shape (n, d), float32, contiguous, finite, n at least 1.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._longest = _longest(vectors)

    def search(self, queries: Vectors, k: int) -> Hits:
        """Find the k largest inner products; see ``DenseIndex.search``."""
        import faiss

        count = len(self._vectors)
        asked = _question(queries, k, self._vectors.shape)
        scores, ids = _empty_hits(len(asked), k)
        taken = min(count, k + _SPARE)
        for start in range(0, len(asked), _EXACT_BLOCK):
            block = asked[start : start + _EXACT_BLOCK]
            rough, found = faiss.knn(block, self._vectors, taken, metric=faiss.METRIC_INNER_PRODUCT)
            margin = _ROUNDING * self._longest * np.linalg.norm(block, axis=1)
            settled = (taken == count) | (rough[:, k - 1] - rough[:, -1] > margin)
            for row, query in enumerate(block):
                # More ties with the k-th than were taken: only reading all of them settles it.
                candidates = found[row] if settled[row] else np.arange(count)
                scores[start + row], ids[start + row] = _ranked(query, self._vectors, candidates, k)
        return scores, ids


class ApproximateIndex:
    """An inverted file: a query reads the clusters nearest to it, an eighth of all.

    The file holds the vectors at half precision; those it finds are scored again in full.

    Args:
        vectors: shape (n, d), float32, contiguous, finite, n at least 1.
    """

    def __init__(self, vectors: Vectors) -> None:
        import faiss

        count, dimensions = vectors.shape
        self._vectors = vectors
        self._lists = max(1, min(count, round(LISTS_PER_ROOT * count**0.5)))
        self._index: Any = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimensions),
            dimensions,
            self._lists,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,
        )
        clustering = self._index.cp
        clustering.niter = TRAINING_ROUNDS
        clustering.min_points_per_centroid = 1
        clustering.max_points_per_centroid = TRAINING_VECTORS_PER_LIST
        clustering.spherical = True
        # Half precision ends at 65504; which vectors are nearest does not depend on their scale.
        longest = _longest(vectors)
        scaled = vectors if 0.5 < longest < 2 else vectors / np.float32(longest or 1)
        # Rounding follows the number of threads, and clusters follow rounding: one trains.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            self._index.train(scaled)
        finally:
            faiss.omp_set_num_threads(threads)
        self._index.add(scaled)

    def search(self, queries: Vectors, k: int) -> Hits:
        """Find about the k largest inner products; see ``DenseIndex.search``."""
        asked = _question(queries, k, self._vectors.shape)
        scores, ids = _empty_hits(len(asked), k)
        probed = max(1, round(self._lists * PROBED_SHARE))
        for start in range(0, len(asked), _APPROXIMATE_BLOCK):
            block = asked[start : start + _APPROXIMATE_BLOCK]
            found = self._candidates(block, k, probed)
            for row, query in enumerate(block):
                candidates = found[row][found[row] >= 0]
                if len(candidates) < k:  # the clusters read hold too few: read them all
                    candidates = self._candidates(query[None], k, self._lists)[0]
                    candidates = candidates[candidates >= 0]
                scores[start + row], ids[start + row] = _ranked(query, self._vectors, candidates, k)
        return scores, ids

    def _candidates(self, queries: Vectors, k: int, probed: int) -> NDArray[np.int64]:
        """Ids of the best k and a few more, -1 where the clusters read hold no more."""
        import faiss

        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = probed
        taken = min(len(self._vectors), k + _SPARE)
        found: NDArray[np.int64] = self._index.search(queries, taken, params=parameters)[1]
        return found


def _ranked(query: Vectors, vectors: Vectors, ids: NDArray[np.int64], k: int) -> Hits:
    """The k best of some vectors, scored row by row so that equal vectors score the same."""
    scores = np.einsum("nd,d->n", vectors[ids], query)
    order = np.lexsort((ids, -scores))[:k]
    return scores[order], ids[order]


def _longest(vectors: Vectors) -> float:
    return float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors).max()))


def _empty_hits(queries: int, k: int) -> Hits:
    return np.empty((queries, k), dtype=np.float32), np.empty((queries, k), dtype=np.int64)


def _matrix(array: Any, what: str) -> Vectors:
    values = np.asarray(array)
    if values.dtype.kind not in "fiu" or values.ndim != 2 or values.shape[1] == 0:
        raise EmbedderError(
            f"the {what} have shape {values.shape} and type {values.dtype}; "
            "give real numbers of shape (rows, dimensions)"
        )
    matrix = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(matrix).all():
        raise EmbedderError(f"the {what} hold NaN or infinity; give finite float32 numbers")
    return matrix


def _question(queries: Any, k: int, shape: tuple[int, ...]) -> Vectors:
    """Queries and k, checked against the shape (n, d) of what is searched."""
    asked = _matrix(queries, "queries")
    count, dimensions = shape
    if asked.shape[1] != dimensions:
        raise EmbedderError(
            f"the queries have {asked.shape[1]} dimensions and the index {dimensions}; "
            "embed both with the same embedder"
        )
    if not 1 <= k <= count:
        raise EmbedderError(f"k is {k}; the index holds {count} vectors, ask for 1 to {count}")
    return asked
