"""Words, the word index, static vectors and relevance, against plain slow oracles."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.relevance import look, read, weigh
from hier.retrieval.counts import Counts, count_words, runs
from hier.retrieval.index import stem_words
from hier.retrieval.relevance import DEFAULT, find_terms, read_query, standardise
from hier.retrieval.scores import LevelScores, bm25, plain_sum
from hier.retrieval.static import load_static, sum_rows
from hier.retrieval.words import find_words, normalise


@given(st.text(alphabet="ab éÉZ1_-.\n'ßcdefgh", max_size=200))
def test_words_are_runs_of_letters_digits_and_marks(text):
    words = find_words(text)
    expected = [(m.start(), normalise(m.group())) for m in re.finditer(r"[^\W_]+", text)]
    found = [words.vocabulary[word] for word in words.word.tolist()]
    assert list(zip(words.start.tolist(), found, strict=True)) == expected


@given(st.text(max_size=300))
def test_any_text_has_words_in_order(text):
    words = find_words(text)
    assert (np.diff(words.start) > 0).all()
    assert len(set(words.vocabulary)) == len(words.vocabulary)
    assert set(words.word.tolist()) == set(range(len(words.vocabulary)))


def test_case_and_accents_are_forgotten():
    words = find_words("Café CAFE\u0301 cafe cafÉ")
    assert words.vocabulary == ("cafe",)


def test_scripts_without_spaces_have_a_word_a_character():
    assert find_words("東京の猫 cat").vocabulary == ("東", "京", "の", "猫", "cat")


def test_long_words_that_differ_late_are_told_apart():
    assert len(find_words("a" * 100 + " " + "a" * 101 + " " + "a" * 100).vocabulary) == 2


def test_words_across_the_analysis_blocks_are_whole():
    text = "alpha beta " * 450_000
    words = find_words(text)
    assert words.vocabulary == ("alpha", "beta")
    assert len(words.word) == 900_000


def test_counts_are_those_of_a_counter():
    rows, words = np.array([0, 0, 0, 2]), np.array([1, 1, 0, 3])
    counts = count_words(rows, words, 3, 4)
    dense = np.zeros((3, 4))
    for row, word in zip(rows, words, strict=True):
        dense[row, word] += 1
    assert np.array_equal(counts.dot(np.eye(4, dtype=np.float32)), dense)
    assert np.array_equal(counts.take(np.array([2, 0])).dot(np.eye(4)), dense[[2, 0]])
    assert counts.entry_rows().tolist() == [0, 0, 2]
    assert isinstance(counts, Counts)


tables = st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=12)


def sparse(table):
    """A table of whole numbers as sparse rows."""
    rows, words = np.nonzero(table)
    offsets = np.searchsorted(rows, np.arange(len(table) + 1))
    return Counts(offsets, words.astype(np.int32), table[rows, words].astype(np.float32))


def dense(counts, columns):
    """Sparse rows as a table."""
    return counts.dot(np.eye(columns, dtype=np.float32))


@given(tables, st.data())
def test_sparse_rows_are_reckoned_with_as_tables_are(table, draw):
    table = np.array(table)
    counts, n = sparse(table), len(table)
    number = np.array(draw.draw(st.lists(st.integers(-1, 2), min_size=4, max_size=4)), np.int32)
    expected = np.stack([table[:, number == kept].sum(axis=1) for kept in range(3)], axis=1)
    only = counts.only(number).joined(np.arange(n), 3)
    assert np.array_equal(dense(only, 3), expected)
    assert np.array_equal(only.held(3), expected.T > 0)
    assert (only.counts > 0).all()
    assert np.array_equal(
        dense(counts.plus(counts.take(np.arange(n)[::-1]), 4), 4), table + table[::-1]
    )
    inner = draw.draw(st.sets(st.integers(1, n - 1))) if n > 1 else set()
    first = np.array([0, *sorted(inner)])
    assert np.array_equal(dense(counts.joined(first, 4), 4), np.add.reduceat(table, first, axis=0))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_runs_are_runs(given_runs):
    first, lengths = (
        np.array([r[0] for r in given_runs], int),
        np.array([r[1] for r in given_runs], int),
    )
    expected = [number for start, length in given_runs for number in range(start, start + length)]
    assert runs(first, lengths).tolist() == expected


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_sums_of_rows_are_sums_of_rows(lengths):
    matrix = np.arange(sum(lengths) * 3, dtype=np.float32).reshape(-1, 3)
    first = np.cumsum([0, *lengths[:-1]])
    expected = np.add.reduceat(matrix, first, axis=0)
    assert np.allclose(sum_rows(matrix, first), expected)


def test_a_static_vector_is_the_sum_of_its_words():
    table = load_static()
    one, other, both = (table.word_vectors([w]).sum(axis=0) for w in ("cat", "dog", "cat")), 0, 0
    cat, dog, _ = one
    both = table.encode(["The cat. A dog"])[0]
    the, a = table.word_vectors(["the"])[0], table.word_vectors(["a"])[0]
    expected = cat + dog + the + a
    assert np.allclose(both, expected / np.linalg.norm(expected), atol=1e-5)
    assert other == 0


def test_static_vectors_know_what_is_alike():
    cat, kitten, tax = load_static().encode(["a cat", "a kitten", "income tax law"])
    assert cat @ kitten > cat @ tax + 0.2
    assert np.linalg.norm(cat) == pytest.approx(1)


def test_unknown_and_missing_words_have_no_vector():
    table = load_static()
    assert not table.encode(["", "...", "\ud800"]).any()
    assert table.rows("x" * 101) == []


def test_bm25_is_the_formula():
    documents = ["the cat sat", "the dog and the cat and the cow", "rain"]
    query = ["cat", "the"]
    lengths = np.array([len(d.split()) for d in documents], np.float32)
    counts = np.array([[d.split().count(t) for t in query] for d in documents])
    containing = np.count_nonzero(counts, axis=0)
    rarity = np.log1p((3 - containing + 0.5) / (containing + 0.5))
    scores = bm25(sparse(counts), lengths / lengths.mean(), rarity, 1.2, 0.75)
    for i, document in enumerate(documents):
        tally = Counter(document.split())
        expected = sum(
            math.log(1 + (3 - n + 0.5) / (n + 0.5))
            * tally[t] * 2.2 / (tally[t] + 1.2 * (0.25 + 0.75 * lengths[i] / lengths.mean()))
            for t in query
            for n in [sum(t in d.split() for d in documents)]
        )  # fmt: skip
        assert scores[i] == pytest.approx(expected, rel=1e-5)


def test_standard_scores_have_mean_0_and_deviation_1():
    scores = standardise(np.array([1.0, 2.0, 6.0]))
    assert scores.mean() == pytest.approx(0, abs=1e-6)
    assert scores.std() == pytest.approx(1, abs=1e-6)
    assert not standardise(np.full(5, 3.0)).any()


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 4)), min_size=1))
def test_a_score_that_stands_for_several_counts_so_often(counted):
    scores, times = (np.array(column, np.float32) for column in zip(*counted, strict=True))
    several = standardise(np.repeat(scores, times.astype(int)))
    once = standardise(scores, times)
    np.testing.assert_allclose(np.repeat(once, times.astype(int)), several, atol=1e-4)


@pytest.mark.parametrize("neural", [False, True])
def test_a_leaf_inherits_what_its_ancestors_say(long_text, neural):
    levels = hier.build(long_text[:20_000]).levels[:4]
    draw = np.random.default_rng(0)
    scores = []
    for level in levels:
        static, other, lexical = draw.normal(size=(3, len(level.first_leaf)))
        held = sparse(np.zeros((len(static), 0), int))
        scores.append(LevelScores(static, other if neural else None, lexical, held))
    total = plain_sum(levels, scores)
    expected = np.zeros(len(total))
    for level, score in zip(levels[:3], scores[:3], strict=True):
        cosine = score.neural if neural else score.static
        own = [
            (values - values.mean()) / values.std() * weight
            for values, weight in ((cosine, DEFAULT.dense), (score.lexical, DEFAULT.lexical))
        ]
        for leaf in range(len(total)):
            node = int(np.searchsorted(level.first_leaf, leaf, "right")) - 1
            expected[leaf] += own[0][node] + own[1][node]
    assert len(total) > 50
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(total, expected, atol=1e-4)


def test_scores_of_every_level_are_those_of_its_nodes_texts(long_text):
    tree = hier.build(long_text[:20_000])
    query = "How are the annotations of a class evaluated?"
    scene, _ = look(tree, read(tree, query))
    table = load_static()
    wanted = table.encode([query])[0]
    ends = [*tree.leaf_start[1:].tolist(), len(tree.source)]
    leaves = [tree.source[s:e] for s, e in zip(tree.leaf_start.tolist(), ends, strict=True)]

    def stems(text):
        words = find_words(text)
        stemmed = stem_words(words.vocabulary)
        return [stemmed[word] for word in words.word.tolist()]

    asked = [stem for stem in scene.query.terms if stem in tree.index.stem_number]
    assert [tree.index.stems[stem] for stem in scene.terms.stems] == asked
    for number, (level, score) in enumerate(zip(scene.levels, scene.scores, strict=True)):
        lasts = np.append(level.first_leaf[1:], len(leaves))
        texts = []
        for first, last in zip(level.first_leaf.tolist(), lasts.tolist(), strict=True):
            path = int(tree.index.path_of[first])
            above = tree.path_leaves[slice(*tree.path_offsets[path : path + 2])]
            heads = [leaves[leaf] for leaf in above] if number < DEFAULT.headed_levels else []
            texts.append("\n".join([*heads, *leaves[first:last]]))
        np.testing.assert_allclose(score.static, table.encode(texts) @ wanted, atol=1e-4)
        counts = np.array([[stems(text).count(stem) for text in texts] for stem in asked])
        assert np.array_equal(dense(score.held, len(asked)), counts.T)
        lengths = np.array([len(stems(text)) for text in texts], np.float32)
        weights = np.array([scene.query.terms[stem] for stem in asked], np.float32)
        expected = dense_bm25(counts, lengths, weights)
        np.testing.assert_allclose(score.lexical, expected, rtol=1e-4, atol=1e-4)


def dense_bm25(counts, lengths, weights):
    """BM25 of a whole table, terms by nodes."""
    n, containing = len(lengths), np.count_nonzero(counts, axis=1)
    idf = np.log1p((n - containing + 0.5) / (containing + 0.5))
    saturation = DEFAULT.k1 * (1 - DEFAULT.b + DEFAULT.b * lengths / lengths.mean())
    return (weights * idf) @ (counts * (DEFAULT.k1 + 1) / (counts + saturation))


def test_terms_are_found_where_they_stand(long_text):
    index = hier.build(long_text[:20_000]).index
    stems = [index.stems[3], index.stems[0], "zzyzx", index.stems[57], index.stems[-1]]
    terms = find_terms(index, {stem: number for number, stem in enumerate(stems, 1)})
    assert [index.stems[stem] for stem in terms.stems] == [s for s in stems if s != "zzyzx"]
    assert terms.weights.tolist() == [1, 2, 4, 5]
    words = dense(index.leaves, len(index.vocabulary))
    expected = np.array([words[:, index.stem_of == stem].any(axis=1) for stem in terms.stems])
    assert expected.any(axis=1).all()
    assert np.array_equal(terms.held(index.leaves), expected)
    assert find_terms(index, {"zzyzx": 1}).held(index.leaves).shape == (0, len(index.leaves))


def test_vectors_of_leaves_are_those_of_their_words(long_text):
    tree = hier.build(long_text[:20_000])
    chosen, table = np.array([5, 0, 40, 5]), load_static()
    ends = np.append(tree.leaf_start[1:], len(tree.source))
    texts = [tree.source[tree.leaf_start[leaf] : ends[leaf]] for leaf in chosen]
    vectors = tree.index.leaf_vectors(chosen, table)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors / np.maximum(lengths, 1e-9), table.encode(texts), atol=1e-4)
    norms = np.linalg.norm(table.word_vectors(tree.index.vocabulary), axis=1)
    np.testing.assert_allclose(tree.index.norms, norms, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("relevance", ["learned", "plain"])
def test_the_sentence_that_answers_is_the_most_relevant(long_text, relevance):
    fact = "The quartermaster hid the emerald astrolabe beneath the granary floor."
    cut = long_text.index("\n\n", 200_000)
    text = long_text[:cut] + "\n\n" + fact + long_text[cut:]
    tree = hier.build(text, relevance=relevance)
    best = int(weigh(tree, "Where is the emerald astrolabe hidden?").density.argmax())
    assert fact in text[tree.nodes[best].start : tree.nodes[best].end]


def test_what_of_a_question_is_nowhere_in_the_text_is_unmet(long_text):
    tree = hier.build(long_text[:50_000])
    named = weigh(tree, "assignment expressions").unmet
    half = weigh(tree, "assignment of zzyzx expressions to hippopotamuses").unmet
    other = weigh(tree, "hippopotamuses in porridge").unmet
    assert 0 <= named < 0.1 < half < 0.9 < other <= 1
    assert weigh(tree, "?").unmet == 1
    assert weigh(hier.build(long_text[:50_000], relevance="plain"), "zzyzx").unmet == 0


def test_what_a_question_quotes_is_read_twice_and_named(long_text):
    index, table = hier.build(long_text[:50_000]).index, load_static()
    for quoted in ('Which parts say "default values"?', "Which parts say “default values”?"):
        query = read_query(quoted, table, index)
        assert query.terms == {"which": 1, "part": 1, "sai": 1, "default": 2, "valu": 2}
        assert query.words == ("parts", "say", "default", "values")
    plain = read_query("Which parts say default values?", table, index)
    assert set(plain.terms.values()) == {1}
    named = index.vocabulary.index("default")
    assert query.static_scores[named] > plain.static_scores[named]
    tree = hier.build(long_text[:50_000])
    assert weigh(tree, 'hippopotamuses in "porridge"').unmet == 0
    assert weigh(tree, 'hippopotamuses in 6" porridge').unmet > 0.9


def test_a_heading_speaks_for_what_stands_under_it():
    names = enumerate("alpha beta gamma delta epsilon".split(), 1990)
    parts = [f"# Topic {name}\n\nSettled in {year}. Nobody objected.\n\n" for year, name in names]
    filler = "# Other\n\n" + "Weather reports came in daily and were filed. " * 60 + "\n\n"
    context = hier.compress(filler.join(parts), "When was gamma settled?", budget=40)
    assert "1992" in context.text


def test_a_query_of_unknown_words_still_gives_a_context(long_text):
    tree = hier.build(long_text[:50_000])
    for query in ("zzyzx qwrtp", "\ud800", "?", "的"):
        assert tree.compress(query, 200).tokens > 100


def test_stems_join_inflections():
    assert len(set(stem_words(["connection", "connected", "connecting"]))) == 1
    assert stem_words(["\ud800"]) == ["?"]


def test_every_parameter_is_in_one_place():
    assert DEFAULT.levels == 3
    assert set(vars(DEFAULT)) == {"dense", "lexical", "k1", "b", "levels", "headed_levels"}
