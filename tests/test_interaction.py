"""Late interaction, against brute force over every pair of words."""

import numpy as np
import pytest

import hier
from hier.relevance import look, read
from hier.retrieval.index import stem_words
from hier.retrieval.interaction import interaction
from hier.retrieval.static import load_static
from hier.retrieval.words import find_words

TEXT = (
    "# The harbour\n\nA boat left the pier at dawn. Sailors sang. … Nobody saw the ship again.\n\n"
    "## Tax law\n\nIncome is taxed by the year. The kitten slept on the statute book.\n\n"
    "# Weather\n\n" + "Rain fell on the roofs of the town and on the ships. " * 40
)
QUERY = "Which ship sailed from the quay in the morning?"
MEANING = ["ship", "sailed", "quay", "morning"]


@pytest.fixture(scope="module")
def tree():
    return hier.build(TEXT)


def columns(tree, query):
    asked = read(tree, query)
    scene, _ = look(tree, asked)
    return interaction(tree.index, tree.levels[:2], asked, scene.pool)


def likeness(word, text):
    """The best cosine of a word with the words of a text; 0 where the text has none."""
    table = load_static()
    vector = table.word_vectors([word])[0]
    found = [
        float(vector @ other / max(np.linalg.norm(vector) * np.linalg.norm(other), 1e-9))
        for other in table.word_vectors(find_words(text).vocabulary)
    ]
    return max(found, default=0.0)


def texts(tree):
    """The text of every leaf, of the headings over it, and of its passage with all headings."""
    ends = [*tree.leaf_start[1:].tolist(), len(tree.source)]
    leaves = [tree.source[s:e] for s, e in zip(tree.leaf_start.tolist(), ends, strict=True)]
    paths = [
        " ".join(leaves[leaf] for leaf in tree.path_leaves[slice(*tree.path_offsets[p : p + 2])])
        for p in tree.index.path_of.tolist()
    ]
    first = tree.levels[1].first_leaf
    node_of = np.searchsorted(first, np.arange(len(leaves)), "right") - 1
    passages = [
        " ".join(leaves[i] + " " + paths[i] for i in np.flatnonzero(node_of == node).tolist())
        for node in node_of.tolist()
    ]
    return leaves, paths, passages


def test_maxsim_is_the_mean_over_query_words_of_the_best_word(tree):
    leaves, paths, passages = texts(tree)
    found = columns(tree, QUERY)
    assert len(leaves) > 20
    for row, (leaf, path, passage) in enumerate(zip(leaves, paths, passages, strict=True)):
        headed = [max(likeness(word, leaf), likeness(word, path)) for word in MEANING]
        inside = [likeness(word, passage) for word in MEANING]
        assert found["likeness, headed leaf"][row] == pytest.approx(np.mean(headed), abs=1e-4)
        assert found["likeness, passage"][row] == pytest.approx(np.mean(inside), abs=1e-4)
        assert found["least met of passage"][row] == pytest.approx(min(inside), abs=1e-4)


def test_words_weigh_by_rarity_and_by_the_length_of_their_vectors(tree):
    leaves, paths, _ = texts(tree)
    query = "town rain kitten"
    words = query.split()
    n, index = len(leaves), tree.index
    holding = [sum(word in find_words(leaf).vocabulary for leaf in leaves) for word in words]
    rarity = np.array([np.log1p((n - h + 0.5) / (h + 0.5)) for h in holding])
    assert [index.stem_number.get(stem) is not None for stem in stem_words(words)] == [True] * 3
    lengths = np.linalg.norm(load_static().word_vectors(words), axis=1)
    found = columns(tree, query)
    for row, (leaf, path) in enumerate(zip(leaves, paths, strict=True)):
        best = np.array([likeness(word, leaf) for word in words])
        above = np.array([likeness(word, path) for word in words])
        for name, weights in (("rarity", rarity), ("length", lengths), ("both", rarity * lengths)):
            shares = weights / weights.sum()
            assert found[f"likeness, leaf, {name}"][row] == pytest.approx(best @ shares, abs=1e-4)
        assert found["likeness, heading"][row] == pytest.approx(above @ shares, abs=1e-4)


def test_what_is_meant_is_found_in_other_words(tree):
    leaves, _, _ = texts(tree)
    best = int(columns(tree, QUERY)["likeness, leaf, length"].argmax())
    assert "boat left the pier" in leaves[best]
    assert not set(find_words(leaves[best]).vocabulary) & set(MEANING)


def test_words_met_are_counted_softly_and_fewer_as_more_is_asked(tree):
    found = columns(tree, QUERY)
    for view in ("leaf", "passage"):
        low, middle, high = (found[f"words met {kernel}, {view}"] for kernel in (0.45, 0.6, 0.8))
        assert (low >= middle).all()
        assert (middle >= high).all()
        assert high.min() >= 0
        assert low.max() <= 1
    met = columns(tree, "kitten")["words met 0.8, leaf"]
    assert [row for row, share in enumerate(met) if share > 0.9] == [
        row for row, leaf in enumerate(texts(tree)[0]) if "kitten" in leaf
    ]


@pytest.mark.parametrize("query", ["?", "", "\ud800", "zzyzx"])
def test_a_query_like_nothing_is_like_nothing(tree, query):
    found = columns(tree, query)
    asked = read(tree, query).words
    assert all(np.isfinite(column).all() for column in found.values())
    if not asked:
        assert not any(found[f"likeness, {view}"].any() for view in ("headed leaf", "passage"))


def test_function_words_count_where_there_are_no_others(tree):
    asked = columns(tree, "who was it?")
    assert asked["likeness, headed leaf"].any()
    same = columns(tree, "who saw it?"), columns(tree, "saw")
    assert all(np.allclose(same[0][name], same[1][name], atol=1e-6) for name in same[0])


def test_of_a_long_query_the_words_that_say_most_are_compared(tree, long_text):
    words = find_words(long_text).vocabulary[:1000]
    table = load_static()
    lengths = np.linalg.norm(table.word_vectors(words), axis=1)
    asked = read(tree, " ".join(words))
    assert len(asked.words) < 100
    assert asked.words == tuple(word for word in words if word in asked.words)
    left_out = {w: n for w, n in zip(words, lengths, strict=True) if w not in asked.words}
    shortest = np.linalg.norm(asked.word_vectors, axis=1).min()
    longer = {word for word, length in left_out.items() if length > shortest}
    assert longer <= set("a the of is what which that an in for".split()), "they mean nothing"
    assert asked.word_scores.shape[1] == len(asked.words)
    assert len(asked.stems) == len(words), "every word counts for BM25"


def test_a_text_of_one_leaf_is_compared_too():
    tree = hier.build("The cat sat.")
    asked = read(tree, "kitten")
    (found,) = interaction(tree.index, tree.levels[:1], asked, np.array([0]))["likeness, passage"]
    assert found == pytest.approx(likeness("kitten", "The cat sat."), abs=1e-4)
