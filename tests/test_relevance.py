"""Words, the word index, static vectors and relevance, against plain slow oracles."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.plan import leaf_relevance
from hier.retrieval.index import Counts, count_words, stem_words
from hier.retrieval.relevance import DEFAULT, bm25, inherit, standardise
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
    counts = np.array([[d.split().count(t) for d in documents] for t in query], np.float32)
    scores = bm25(counts, lengths, np.ones(2, np.float32), 1.2, 0.75)
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


def test_a_leaf_inherits_what_its_ancestors_say(long_text):
    levels = hier.build(long_text[:20_000]).levels[:3]
    scores = [np.arange(len(level.first_leaf), dtype=np.float32) for level in levels]
    total = inherit(levels, scores)
    for leaf in range(0, len(total), 17):
        above = sum(
            int(np.searchsorted(level.first_leaf, leaf, "right")) - 1 for level in levels[1:]
        )
        assert total[leaf] == leaf + above


def test_the_sentence_that_answers_is_the_most_relevant(long_text):
    fact = "The quartermaster hid the emerald astrolabe beneath the granary floor."
    cut = long_text.index("\n\n", 200_000)
    text = long_text[:cut] + "\n\n" + fact + long_text[cut:]
    tree = hier.build(text)
    best = int(leaf_relevance(tree, "Where is the emerald astrolabe hidden?").argmax())
    assert fact in text[tree.nodes[best].start : tree.nodes[best].end]


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
