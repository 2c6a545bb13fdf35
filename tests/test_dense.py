import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hier.errors import EmbedderError
from hier.retrieval.dense import ApproximateIndex, ExactIndex, build_index

KINDS = [pytest.param(10**9, id="exact"), pytest.param(0, id="approximate")]


def clustered(rows: int, dimensions: int = 64, clusters: int = 200, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dimensions))
    vectors = centres[rng.integers(0, clusters, rows)]
    vectors = vectors + rng.standard_normal((rows, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def brute_force(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, ids, axis=1), ids


@pytest.mark.parametrize("count", [1, 7, 3000])
@pytest.mark.parametrize("queries", [1, 19, 20, 300])
def test_the_exact_index_agrees_with_brute_force(count: int, queries: int) -> None:
    vectors, asked = clustered(count), clustered(queries, seed=1)
    k = min(10, count)
    scores, ids = build_index(vectors).search(asked, k)
    true_scores, true_ids = brute_force(vectors, asked, k)
    np.testing.assert_allclose(scores, true_scores, atol=1e-6)
    np.testing.assert_array_equal(ids, true_ids)
    assert scores.dtype == np.float32
    assert ids.dtype == np.int64


@given(
    values=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=120),
    query=st.lists(st.integers(-2, 2), min_size=3, max_size=3),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_ties_come_in_the_order_of_their_ids(values, query, data) -> None:
    vectors = np.array(values, dtype=np.float32)
    asked = np.array([query], dtype=np.float32)
    k = data.draw(st.integers(1, len(vectors)))
    scores, ids = build_index(vectors).search(asked, k)
    true_scores, true_ids = brute_force(vectors, asked, k)
    np.testing.assert_array_equal(scores, true_scores)
    np.testing.assert_array_equal(ids, true_ids)


@pytest.mark.parametrize("approximate_above", KINDS)
def test_a_query_is_answered_alike_alone_in_company_and_with_any_threads(approximate_above) -> None:
    vectors = np.concatenate([clustered(2000), clustered(2000)])
    queries = clustered(70, seed=2)
    threads = faiss.omp_get_max_threads()
    answers = []
    try:
        for count in (1, 4):
            faiss.omp_set_num_threads(count)
            index = build_index(vectors, approximate_above=approximate_above)
            answers.append(index.search(queries, 9))
            alone = [index.search(query[None], 9) for query in queries]
            answers.append(tuple(np.concatenate(part) for part in zip(*alone, strict=True)))
    finally:
        faiss.omp_set_num_threads(threads)
    for scores, ids in answers[1:]:
        assert scores.tobytes() == answers[0][0].tobytes()
        assert ids.tobytes() == answers[0][1].tobytes()


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
def test_the_approximate_index_finds_what_the_exact_one_finds(scale: float) -> None:
    everything = clustered(20_200)  # queries are like the vectors, and not among them
    vectors, queries = everything[:-200] * np.float32(scale), everything[-200:]
    scores, ids = build_index(vectors, approximate_above=19_999).search(queries, 10)
    _, true_ids = brute_force(vectors, queries, 10)
    found = [len(set(a) & set(b)) for a, b in zip(ids, true_ids, strict=True)]
    assert np.mean(found) / 10 >= 0.95
    assert (np.diff(scores, axis=1) <= 0).all()
    np.testing.assert_allclose(
        scores, np.einsum("qkd,qd->qk", vectors[ids], queries), rtol=1e-4, atol=1e-6 * scale
    )


def test_the_approximate_index_returns_all_that_was_asked_for() -> None:
    vectors = clustered(5000)
    _, ids = build_index(vectors, approximate_above=0).search(vectors[:2], 5000)
    assert [sorted(row) for row in ids.tolist()] == [list(range(5000))] * 2


@pytest.mark.parametrize(
    ("count", "kind"), [(99, ExactIndex), (100, ExactIndex), (101, ApproximateIndex)]
)
def test_the_number_of_vectors_decides_the_index(count: int, kind: type) -> None:
    assert type(build_index(clustered(count), approximate_above=100)) is kind


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.zeros((0, 8), np.float32), "0 vectors"),
        (np.zeros(8, np.float32), r"shape \(8,\)"),
        (np.zeros((3, 0), np.float32), r"shape \(3, 0\)"),
        (np.array([["a"]]), "real numbers"),
        (np.array([[np.nan, 1.0]]), "NaN"),
    ],
)
def test_vectors_that_cannot_be_indexed_are_refused(vectors: np.ndarray, says: str) -> None:
    with pytest.raises(EmbedderError, match=says):
        build_index(vectors)


@pytest.mark.parametrize("approximate_above", KINDS)
def test_questions_that_cannot_be_answered_are_refused(approximate_above: int) -> None:
    index = build_index(clustered(50, 8), approximate_above=approximate_above)
    good = clustered(2, 8)
    with pytest.raises(EmbedderError, match="7 dimensions and the index 8"):
        index.search(good[:, :7], 3)
    with pytest.raises(EmbedderError, match=r"shape \(8,\)"):
        index.search(good[0], 3)
    with pytest.raises(EmbedderError, match="NaN"):
        index.search(np.full((1, 8), np.nan), 3)
    for k in (0, -1, 51):
        with pytest.raises(EmbedderError, match=f"k is {k}; .* ask for 1 to 50"):
            index.search(good, k)


@pytest.mark.parametrize("approximate_above", KINDS)
def test_no_queries_get_no_answers(approximate_above: int) -> None:
    index = build_index(clustered(50, 8), approximate_above=approximate_above)
    scores, ids = index.search(np.zeros((0, 8), np.float32), 3)
    assert scores.shape == ids.shape == (0, 3)


def test_importing_the_module_leaves_faiss_alone(tmp_path: Path) -> None:
    code = "import sys, hier.retrieval.dense; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0
