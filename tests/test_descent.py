"""Descent: a large text scored in part is scored as if it had been scored whole."""

import hashlib

import data
import descent as benchmark
import numpy as np
import pytest
import stdlib_text

import hier
from hier.relevance import look, read, weigh
from hier.retrieval import descent
from hier.retrieval.descent import TOP, score
from hier.retrieval.features import describe
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import find_terms

MOST, SAMPLED = 1200, 300
FACT = "The quartermaster hid the emerald astrolabe beneath the granary floor."
QUERIES = (
    "How are the annotations of a class evaluated?",
    "Where is the emerald astrolabe hidden?",
    "What does a del statement do to the names it is given?",
    "zzyzx qwrtp",
    "the of",
    "?",
)


class Hashed:
    """An embedder that knows words, and nothing of what they mean."""

    def encode(self, texts):
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, hashlib.sha256(word.encode()).digest()[0] % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture(scope="module")
def text(long_text):
    cut = long_text.index("\n\n", 200_000)
    return long_text[:cut] + "\n\n" + FACT + long_text[cut:]


@pytest.fixture(scope="module")
def tree(text):
    """A tree that is large for the limits that the tests set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descent, "MOST", MOST)
        return hier.build(text)


@pytest.fixture
def limits(monkeypatch):
    """Set how many leaves are opened, and how many of them are a sample."""

    def set_limits(most, sampled):
        monkeypatch.setattr(descent, "MOST", most)
        monkeypatch.setattr(descent, "SAMPLED", sampled)

    set_limits(MOST, SAMPLED)
    return set_limits


def found(tree, query):
    return score(tree.index, tree.levels[:4], read(tree, query))


def whole(tree, query, limits):
    """The same question, every leaf scored."""
    limits(len(tree.leaf_start), SAMPLED)
    scored = found(tree, query)
    limits(MOST, SAMPLED)
    return scored


def test_of_a_small_text_every_leaf_is_scored(tree, limits):
    limits(len(tree.leaf_start), SAMPLED)
    scored = found(tree, QUERIES[0])
    assert np.array_equal(scored.opened, np.arange(len(tree.leaf_start)))
    assert not len(scored.closed)
    assert np.array_equal(weigh(tree, QUERIES[0]).opened, scored.opened)


@pytest.mark.parametrize("query", QUERIES)
def test_best_sections_and_a_sample_of_the_others_are_opened_whole(tree, limits, query):
    scored, n_leaves = found(tree, query), len(tree.leaf_start)
    sections = tree.levels[TOP]
    section_of = sections.node_of(np.arange(n_leaves))
    opened = np.unique(section_of[scored.opened])
    assert np.array_equal(scored.opened, np.flatnonzero(np.isin(section_of, opened)))
    assert np.array_equal(scored.closed, np.setdiff1d(np.arange(len(sections.first_leaf)), opened))
    assert MOST / 2 < len(scored.opened) < 1.5 * MOST < n_leaves
    own = scored.scores[TOP].own()
    best = opened[own[opened] >= own[scored.closed].max()]
    assert sections.sizes(n_leaves)[best].sum() > (MOST - SAMPLED) / 2
    for level, of in zip(tree.levels[:TOP], scored.scores, strict=False):
        assert of.census.weights.sum() == pytest.approx(len(level.first_leaf), rel=1e-4)
        assert of.census.weights.min() == 1


@pytest.mark.parametrize("query", QUERIES)
def test_a_descent_that_opens_everything_scores_as_without_one(tree, limits, query):
    expected = whole(tree, query, limits)
    n_leaves = len(tree.leaf_start)
    limits(n_leaves - 1, n_leaves)  # the sample is all there is
    scored = found(tree, query)
    assert np.array_equal(scored.opened, expected.opened)
    np.testing.assert_allclose(scored.plain, expected.plain, atol=2e-2)
    for one, other in zip(scored.scores, expected.scores, strict=True):
        np.testing.assert_allclose(one.static, other.static, atol=1e-3)
        np.testing.assert_allclose(one.lexical, other.lexical, rtol=1e-4, atol=1e-4)
        assert np.array_equal(one.held.held(len(scored.terms)), other.held.held(len(scored.terms)))


@pytest.mark.parametrize("query", QUERIES[:3])
def test_what_is_scored_is_scored_as_in_the_whole_text(tree, limits, query):
    expected, scored = whole(tree, query, limits), found(tree, query)
    for number, (one, other) in enumerate(zip(scored.scores, expected.scores, strict=True)):
        nodes = np.arange(len(tree.levels[number].first_leaf))
        nodes = nodes if one.census is None else one.census.nodes
        assert one.rows(nodes).tolist() == list(range(len(nodes)))
        np.testing.assert_allclose(one.static, other.static[nodes], atol=1e-3)
        # Not all headings that hold a term have been seen.
        top = other.lexical.max()
        np.testing.assert_allclose(one.lexical, other.lexical[nodes], atol=0.05 * top)
        held = other.held.take(nodes).held(len(scored.terms))
        assert np.array_equal(one.held.held(len(scored.terms)), held)
        for measure in ("static", "lexical"):
            full = other.standard(getattr(other, measure))[nodes]
            assert np.abs(one.standard(getattr(one, measure)) - full).mean() < 0.3  # a small sample
    best = expected.opened[np.argsort(-expected.plain)[:100]]
    assert np.isin(best, scored.opened).mean() > 0.9


def test_stems_are_listed_where_they_stand(tree):
    index: WordIndex = tree.index
    firsts = [level.first_leaf for level in tree.levels[: TOP + 1]]
    lists = index.stem_lists(firsts)
    assert index.stem_lists(firsts) is lists
    asked = np.array([0, 3, 57, len(index.stems) - 1])
    terms = find_terms(index, {index.stems[stem]: 1 for stem in asked.tolist()})
    leaves = index.leaves.only(terms.of_word)
    for first, holding in zip(firsts, lists.holding, strict=True):
        nodes = leaves.joined(first, len(asked))
        assert holding[asked].tolist() == np.bincount(nodes.words).tolist()
    turned = lists.nodes.take(asked).turned(len(firsts[-1]))
    for part in ("offsets", "words", "counts"):
        assert np.array_equal(getattr(turned, part), getattr(nodes, part))


def test_a_part_of_an_index_is_that_of_its_leaves(tree):
    leaves = np.array([3, 4, 5, 900, 901])
    part, n_words = tree.index.part(leaves), len(tree.index.vocabulary)
    weights = np.random.default_rng(0).normal(size=n_words)
    np.testing.assert_allclose(part.leaves.dot(weights), tree.index.leaves.dot(weights)[leaves])
    expected = tree.index.paths.dot(weights)[tree.index.path_of[leaves]]
    np.testing.assert_allclose(part.paths.dot(weights)[part.path_of], expected)


@pytest.mark.parametrize("relevance", ["learned", "plain"])
@pytest.mark.parametrize("query", QUERIES)
def test_leaves_that_stay_closed_come_last(text, limits, relevance, query):
    tree = hier.build(text, relevance=relevance)
    relevance = weigh(tree, query)
    closed = np.setdiff1d(np.arange(len(tree.leaf_start)), relevance.opened)
    assert len(closed) > MOST
    assert np.isin(relevance.pool, relevance.opened).all()
    assert relevance.density.shape == tree.leaf_start.shape
    assert np.isfinite(relevance.density).all()
    assert relevance.density.max() == 0
    assert relevance.density[closed].max() <= relevance.density[relevance.pool].min()


@pytest.mark.parametrize("query", QUERIES)
def test_features_hardly_change(tree, limits, query, monkeypatch):
    monkeypatch.setattr("hier.relevance.DEPTH", 64)  # as many of those opened as in a large text
    scene, _ = look(tree, read(tree, query))
    names, features = describe(scene)
    assert np.isfinite(features).all()
    limits(len(tree.leaf_start), SAMPLED)
    full, _ = look(tree, read(tree, query))
    assert len(full.pool) == len(scene.pool) == 64
    both, ours, theirs = np.intersect1d(scene.pool, full.pool, return_indices=True)
    assert len(both) > 0.8 * 64 or query in QUERIES[3:]
    other, spread = describe(full)[1], describe(full)[1].std(axis=0) + 1e-3
    apart = np.abs(features[ours] - other[theirs]).mean(axis=0) / spread
    assert len(names) == len(apart)
    assert np.median(apart) < 0.1


def test_what_answers_is_found_in_a_large_text(tree, limits):
    for budget in (64, 512):
        context = tree.compress("Where is the emerald astrolabe hidden?", budget)
        assert FACT in context.text


def test_a_saved_large_tree_answers_alike(tree, limits, tmp_path):
    tree.save(tmp_path / "tree.hier")
    loaded = hier.load(tmp_path / "tree.hier")
    assert loaded.levels[TOP].static.dtype == np.float16
    for query in QUERIES:
        assert np.array_equal(weigh(loaded, query).density, weigh(tree, query).density)
        assert loaded.compress(query, 300) == tree.compress(query, 300)


def test_small_trees_keep_no_vectors(long_text):
    tree = hier.build(long_text[:20_000])
    assert all(level.static is None for level in tree.levels)


def test_a_neural_tree_descends_too(text, limits):
    tree = hier.build(text, embedder=Hashed())
    query = QUERIES[1]
    scene, _ = look(tree, read(tree, query))
    names, features = describe(scene)
    assert len(scene.opened) < len(tree.leaf_start)
    wanted = tree.levels[0].vectors[scene.pool].astype(np.float32) @ read(tree, query).neural
    np.testing.assert_allclose(features[:, names.index("neural cosine 0")], wanted, atol=1e-4)
    assert np.isfinite(features).all()
    assert FACT in tree.compress(query, 200).text


OTHER = "A plumber lost the ivory sextant in the orchard."


def documents():
    def document(dataset, question, fact):
        filler = "\n\nWeather reports came in daily and were filed by the clerks. " * 100
        asked = data.Question("q", question, ((6, 6 + len(fact)),), ())
        return data.Document(dataset, "1", "Once. " + fact + filler, (asked,))

    return [
        document("squad", "Where is the emerald astrolabe hidden?", FACT),
        document("cuad", "Who lost the ivory sextant?", OTHER),
    ]


def test_the_haystack_holds_every_document_and_its_evidence():
    text, asked = benchmark.haystack(documents(), 20_000)
    assert len(text) == round(20_000 * stdlib_text.CHARACTERS_A_TOKEN)
    assert [each.dataset for each in asked] == ["squad", "cuad"]
    assert [text[s:e] for each in asked for s, e in each.evidence] == [FACT, OTHER]
    assert len(benchmark.haystack(documents(), 0)[0]) == sum(len(d.text) + 2 for d in documents())


def test_both_ways_are_measured_side_by_side(limits):
    limits(100, 20)
    row = benchmark.measure(documents(), 10_000)
    assert row["opened"] < row["leaves"] / 2
    assert row["recall"]["every leaf"] == row["recall"]["descent"] == [1, 1]
    assert row["changed"] == [0, 0]
    assert 0 < row["same_pool_least"] <= row["same_pool"] <= 1
    assert (descent.MOST, descent.SAMPLED) == (100, 20), "set back"
