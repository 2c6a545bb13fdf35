"""The learned relevance: its weights on disk, its forward pass, and the choice of relevance."""

import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import hier
from hier.errors import InputError
from hier.relevance import look, read, weigh
from hier.retrieval.features import describe
from hier.retrieval.ranker import Ranker, built_in, load_ranker

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXT = (
    "# One\n\nThe cat sat on the mat. The dog ran to the pier.\n\n# Two\n\nA kitten slept.\n\n"
    + "Birds sing at dawn in the park. Rain fell on the roofs of the town. " * 150
)
QUERY = "Where did the cat sit?"


def drawn(names, networks=3, width=5, inner=4, seed=0):
    """Weights drawn at random, in half precision where they are kept so."""
    draw = np.random.default_rng(seed)
    n = len(names)

    def matrices(*shape):
        return draw.normal(size=(networks, *shape)).astype(np.float16).astype(np.float32)

    return Ranker(
        tuple(names),
        draw.normal(size=n).astype(np.float32),
        draw.uniform(0.5, 2, n).astype(np.float32),
        draw.normal(size=n).astype(np.float32),
        matrices(n, width),
        matrices(1, width),
        matrices(width, inner),
        matrices(1, inner),
        matrices(inner, 1),
    )


@pytest.fixture
def names():
    return built_in_names(neural=False)


def built_in_names(neural):
    return load_ranker(built_in(neural)).names


# The forward pass


def test_density_is_what_torch_makes_of_the_same_weights():
    ranker = drawn("abcdefg")
    features = np.random.default_rng(1).normal(scale=4, size=(50, 7)).astype(np.float32)
    standard = torch.clamp(
        (torch.from_numpy(features) - torch.from_numpy(ranker.mean))
        / torch.from_numpy(ranker.scale),
        -6,
        6,
    )
    outputs = []
    for number in range(3):
        layers = [torch.nn.Linear(7, 5), torch.nn.Linear(5, 4), torch.nn.Linear(4, 1, bias=False)]
        weights = (ranker.hidden, ranker.inner, ranker.out)
        biases = (ranker.hidden_bias, ranker.inner_bias)
        with torch.no_grad():
            for layer, weight in zip(layers, weights, strict=True):
                layer.weight.copy_(torch.from_numpy(weight[number].T.copy()))
            for layer, bias in zip(layers, biases, strict=False):
                layer.bias.copy_(torch.from_numpy(bias[number, 0].copy()))
            hidden = torch.relu(layers[0](standard))
            outputs.append(layers[2](torch.relu(layers[1](hidden)))[:, 0])
    linear = standard @ torch.from_numpy(ranker.linear)
    expected = (torch.stack(outputs).mean(dim=0) + linear).numpy()
    np.testing.assert_allclose(
        ranker.density(tuple("abcdefg"), features), expected, rtol=1e-4, atol=1e-4
    )


def test_a_feature_counts_for_no_more_than_it_did_in_training():
    ranker = drawn("ab")
    far = ranker.mean + 6 * ranker.scale
    both = np.stack([far, far + 1e6 * ranker.scale]).astype(np.float32)
    near, further = ranker.density(("a", "b"), both)
    assert further == pytest.approx(near, rel=1e-4)


@pytest.mark.parametrize("others", [("a", "c"), ("b", "a"), ("a",), ("a", "b", "c")])
def test_weights_of_other_features_are_refused(others):
    with pytest.raises(InputError, match="train them again"):
        drawn("ab").density(others, np.zeros((1, len(others)), np.float32))


# On disk


def test_what_is_loaded_is_what_was_saved(tmp_path):
    ranker = drawn(["one", "two, three", "four é"])
    ranker.save(tmp_path / "weights.npz")
    loaded = load_ranker(tmp_path / "weights.npz")
    assert loaded.names == ranker.names
    for name in set(vars(ranker)) - {"names"}:
        assert np.array_equal(getattr(loaded, name), getattr(ranker, name)), name
        assert getattr(loaded, name).dtype == np.float32


def cut(path):
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def flipped(path):
    """One byte within the compressed weights of a layer."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"hidden.npy") + 60] ^= 0xFF
    path.write_bytes(raw)


def without_a_layer(path):
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "inner"}
    np.savez(path, **arrays)


def of_another_shape(path):
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"inner": arrays["inner"][:, :-1]})


def of_no_dimension(path):
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"out": np.float32(1)})


def with_a_pickle_inside(path):
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"linear": np.array([Trap()], object)}, allow_pickle=True)


def pickled(path):
    path.write_bytes(pickle.dumps(Trap()))


class Trap:
    """Unpickling makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


SPOILED = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_text("Just notes."),
    "another archive": lambda path: zipfile.ZipFile(path, "w").close(),
    "one array": lambda path: np.save(path.open("wb"), np.ones(3)),
    "cut": cut,
    "flipped": flipped,
    "without a layer": without_a_layer,
    "of another shape": of_another_shape,
    "of no dimension": of_no_dimension,
    "a pickle inside": with_a_pickle_inside,
    "pickled": pickled,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_holds_no_weights_is_named_and_refused(tmp_path, monkeypatch, names, how):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.npz"
    drawn(names).save(path)
    SPOILED[how](path)
    for ask in (load_ranker, lambda path: hier.build(TEXT, relevance=path)):
        with pytest.raises(InputError, match=re.escape(f"{path} holds no relevance weights (")):
            ask(path)
    assert not Path("sprung").exists()


def test_the_trap_of_the_pickles_would_spring(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Trap()))  # noqa: S301
    assert Path("sprung").is_dir()


# The choice of relevance


@pytest.fixture
def weights(tmp_path, names):
    path = tmp_path / "weights.npz"
    drawn(names).save(path)
    return path


@pytest.mark.parametrize("unknown", ["bm25", "", "Learned", "weights.npz", None, 3])
def test_an_unknown_relevance_is_refused(unknown):
    with pytest.raises(InputError, match=r"pass 'learned', 'plain' or the Path of weights"):
        hier.build(TEXT, relevance=unknown)


def test_each_choice_of_relevance_weighs_in_its_own_way(weights):
    densities = [
        weigh(hier.build(TEXT, relevance=relevance), QUERY).density
        for relevance in ("learned", "plain", weights)
    ]
    for number, density in enumerate(densities):
        assert not any(np.allclose(density, other) for other in densities[number + 1 :])
    assert np.array_equal(densities[0], weigh(hier.build(TEXT), QUERY).density)


def test_the_plain_sum_ranks_as_it_scores():
    tree = hier.build(TEXT, relevance="plain")
    _, plain = look(tree, read(tree, QUERY))
    density = weigh(tree, QUERY).density
    assert density.argmax() == plain.argmax()
    assert np.allclose(density, np.maximum((plain - plain.max()) / 0.35, -60), atol=1e-4)


def test_given_weights_are_those_that_are_used(weights):
    tree = hier.build(TEXT, relevance=weights)
    scene, _ = look(tree, read(tree, QUERY))
    expected = load_ranker(weights).density(*describe(scene))
    density = weigh(tree, QUERY).density[scene.pool]
    np.testing.assert_allclose(
        density, np.maximum(expected - expected.max(), -60), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("relevance", ["learned", "plain", "weights"])
def test_a_saved_tree_keeps_its_relevance(relevance, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = Path("weights.npz") if relevance == "weights" else relevance
    tree = hier.build(TEXT, relevance=chosen)
    tree.save(tmp_path / "tree.hier")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = hier.load(tmp_path / "tree.hier")
    assert loaded.relevance == tree.relevance
    assert np.array_equal(weigh(loaded, QUERY).density, weigh(tree, QUERY).density)
    assert loaded.compress(QUERY, 80) == tree.compress(QUERY, 80)


def test_a_loaded_tree_whose_weights_are_gone_says_so(weights, tmp_path):
    moved = weights.rename(tmp_path / "moved.npz")
    hier.build(TEXT, relevance=moved).save(tmp_path / "tree.hier")
    load_ranker.cache_clear()
    moved.unlink()
    with pytest.raises(InputError, match=re.escape(str(moved))):
        hier.load(tmp_path / "tree.hier").compress(QUERY, 80)


def test_weights_of_neural_trees_do_not_fit_static_ones_nor_the_other_way_round():
    static = hier.build(TEXT, relevance=built_in(neural=True))
    neural = hier.build(TEXT, embedder=MINILM, relevance=built_in(neural=False))
    for tree in (static, neural):
        with pytest.raises(InputError, match=r"differing: neural .*train them again"):
            tree.compress(QUERY, 80)


@pytest.mark.parametrize("relevance", ["learned", "plain"])
def test_the_same_twice_and_never_more_than_the_budget(relevance, long_text):
    text = long_text[:60_000]
    tree, again = (hier.build(text, relevance=relevance) for _ in range(2))
    count = tree.tokenizer.count
    for query in ("How does an except clause match?", "zzyzx", "?"):
        for budget in (1, 7, 64, 500, 3000, 10**6):
            try:
                context = tree.compress(query, budget)
            except hier.BudgetError:
                assert budget < 64
                continue
            assert count(context.text) == context.tokens <= budget
            assert context == again.compress(query, budget)
