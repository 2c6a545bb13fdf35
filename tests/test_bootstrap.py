"""Intervals: against plain means, against a bootstrap written as a loop, and where they widen."""

import bootstrap
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

NAN = np.nan


def drawn(sets, documents, resamples=2000, seed=0):
    return bootstrap.strata(sets, documents, resamples, seed)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.floats(0, 1)), min_size=1)
)
def test_the_macro_mean_is_the_mean_of_the_means_of_sets(rows):
    sets, documents, values = zip(*rows, strict=True)
    means, replicates = bootstrap.macro(np.array(values)[:, None], drawn(sets, documents, 50))
    by_set = [np.mean([v for s, _, v in rows if s == name]) for name in dict.fromkeys(sets)]
    assert means[0] == pytest.approx(np.mean(by_set))
    assert replicates.shape == (50, 1)
    assert replicates.min() >= min(values) - 1e-6
    assert replicates.max() <= max(values) + 1e-6


def test_every_draw_has_as_many_questions_as_its_documents():
    counts = drawn("aaaaaab", "xxxyyzx").draws
    assert [d.shape for d in counts] == [(2000, 6), (2000, 1)]
    assert (counts[1] == 1).all()
    sizes = {
        3 * a + 2 * b + c for a in range(4) for b in range(4) for c in range(4) if a + b + c == 3
    }
    assert set(counts[0].sum(1).astype(int).tolist()) <= sizes


def test_agrees_with_a_loop():
    random = np.random.default_rng(3)
    sets, documents = ["a"] * 12 + ["b"] * 8, list("xxxxyyyyzzzz") + list("xxxxxxyy")
    values = random.random(20)
    _, replicates = bootstrap.macro(values[:, None], drawn(sets, documents, 20_000))
    looped = []
    for _ in range(4000):
        means = []
        for name in "ab":
            members = {}
            for s, d, v in zip(sets, documents, values, strict=True):
                if s == name:
                    members.setdefault(d, []).append(v)
            taken = random.choice(len(members), len(members))
            groups = [list(members.values())[i] for i in taken]
            means.append(np.mean(np.concatenate([random.choice(g, len(g)) for g in groups])))
        looped.append(np.mean(means))
    for share in (0.025, 0.5, 0.975):
        assert np.quantile(replicates, share) == pytest.approx(np.quantile(looped, share), abs=0.01)


def test_a_difference_is_paired():
    values = np.random.default_rng(1).random(60)
    both = np.stack([values + 0.1, values], axis=1)
    _, replicates = bootstrap.macro(both, drawn(["a"] * 60, [str(i % 6) for i in range(60)]))
    low, high = bootstrap.interval(replicates[:, :1] - replicates[:, 1:])
    assert low[0] == pytest.approx(0.1)
    assert high[0] == pytest.approx(0.1)


def test_alike_questions_of_a_document_widen_the_interval():
    values = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0], 10)[:, None]
    clustered = [str(i // 10) for i in range(60)]
    alone = [str(i) for i in range(60)]
    widths = []
    for documents in (clustered, alone):
        _, replicates = bootstrap.macro(values, drawn(["a"] * 60, documents))
        low, high = bootstrap.interval(replicates)
        widths.append(float(high[0] - low[0]))
    assert widths[0] > 2 * widths[1]


def test_what_does_not_apply_is_left_out():
    values = np.array([[1.0, NAN, NAN], [0.0, NAN, 0.5], [1.0, NAN, NAN]])
    means, replicates = bootstrap.macro(values, drawn("aab", "xyx"))
    assert means[0] == 0.75
    assert np.isnan(means[1])
    assert means[2] == 0.5
    low, high = bootstrap.interval(replicates)
    assert np.isnan([low[1], high[1]]).all()
    assert low[2] == high[2] == 0.5


def test_the_seed_decides():
    values = np.random.default_rng(2).random((30, 1))
    sets, documents = ["a"] * 30, [str(i % 5) for i in range(30)]
    first, again, other = (
        bootstrap.macro(values, drawn(sets, documents, 200, seed))[1] for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
