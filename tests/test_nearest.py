"""The passages that FAISS names are those whose vectors are most like the question's."""

import numpy as np
import pytest

from hier.corpus.passages import Passages, quantise
from hier.retrieval.counts import Counts
from hier.retrieval.static import unit


def index_of(vectors):
    """Passages of one document with nothing but vectors."""
    n = len(vectors)
    nothing = Counts(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    ones = np.ones(n, np.int32)
    return Passages(
        np.array([0, n]), ones.astype(np.float32), ones, ones, quantise(vectors), (), nothing
    )


@pytest.mark.parametrize("dimensions", [24, 256])
def test_the_nearest_are_those_of_a_full_comparison(dimensions):
    rng = np.random.default_rng(dimensions)
    vectors = unit(rng.normal(size=(3000, dimensions)).astype(np.float32))
    passages = index_of(vectors)
    for query in unit(rng.normal(size=(5, dimensions)).astype(np.float32)):
        told = passages.cosines(query, np.arange(3000))
        assert np.abs(told - vectors.clip(-0.5, 0.5) @ query).max() < 0.02
        found = passages.nearest(query, 100, None)
        assert sorted(told[found]) == sorted(np.sort(told)[-100:])
        even = np.arange(3000) % 2 == 0
        found = passages.nearest(query, 100, even)
        assert sorted(told[found]) == sorted(np.sort(told[even])[-100:])
