"""Feedback: what the best leaves say counts as if it had been asked, and finds the second hop."""

import numpy as np
import pytest

import hier
from hier.relevance import look, read
from hier.retrieval.feedback import feedback, trusted
from hier.retrieval.index import stem_words
from hier.retrieval.words import find_words

FILLER = "Weather reports came in daily and were filed by the clerks of the office. "
TEXT = (
    "# Varnholm\n\nThe bridge of Varnholm was designed by Mirela Castellan.\n\n"
    "# Ferries\n\n" + FILLER * 30 + "\n\n"
    "# Mirela Castellan\n\nShe studied medicine before turning to drawing.\n\n"
    "# Odile Brask\n\nShe studied medicine before turning to painting.\n\n"
    "# Harvest\n\n" + FILLER * 30
)
QUERY = "What did the designer of the bridge of Varnholm study?"


@pytest.fixture(scope="module")
def tree():
    return hier.build(TEXT)


@pytest.fixture(scope="module")
def scene(tree):
    return look(tree, read(tree, QUERY))[0]


@pytest.fixture(scope="module")
def columns(scene):
    return feedback(scene.index, scene.terms, scene.plain, scene.pool, scene.vectors)


def row_of(scene, words):
    (row,) = [i for i, text in enumerate(scene.leaves.texts(scene.pool)) if words in text]
    return row


def stems(text):
    return set(stem_words(find_words(text).vocabulary))


def test_trust_goes_to_the_best_and_sums_to_1():
    plain = np.array([0, 3, 1, 3, 2, *[0] * 20], np.float32)
    best, trust = trusted(plain)
    assert best.tolist() == [1, 3, 4, 2, 0, 5, 6, 7, 8, 9]
    assert trust.sum() == pytest.approx(1)
    assert trust[0] / trust[2] == pytest.approx(np.e, rel=1e-5)
    assert [array.tolist() for array in trusted(np.zeros(1, np.float32))] == [[0], [1]]


def test_a_heading_named_by_the_best_leaf_links_what_stands_under_it(scene, columns):
    best = int(scene.plain[scene.pool].argmax())
    assert "designed by Mirela Castellan" in scene.leaves.texts(scene.pool)[best]
    linked, other = row_of(scene, "turning to drawing"), row_of(scene, "turning to painting")
    named = columns["heading named by the best"]
    assert named[linked] == pytest.approx(1, abs=1e-5)
    assert named[other] < 0.5
    held = columns["heading has words of the best"]
    assert held[linked] > held[other]


def test_a_heading_asked_for_is_no_link(scene, columns):
    bridge = row_of(scene, "designed by")
    assert columns["heading asked for"][bridge] == pytest.approx(1, abs=1e-5)
    assert columns["heading named by the best"][bridge] == 0
    assert columns["heading asked for"][row_of(scene, "turning to drawing")] == 0


def test_the_share_of_a_heading_is_by_rarity(tree):
    text = TEXT.replace("# Mirela Castellan\n", "# Mirela Castellan and Yusra Ansah\n")
    tree = hier.build(text)
    scene = look(tree, read(tree, QUERY))[0]
    found = feedback(scene.index, scene.terms, scene.plain, scene.pool, scene.vectors)
    best = np.argsort(-scene.plain[scene.pool], kind="stable")[:6]
    leaves = scene.leaves.texts(scene.pool)
    said = set().union(*(stems(leaves[row]) for row in best)) - stems(QUERY)
    heading = stems("Mirela Castellan and Yusra Ansah")
    rarity = {stem: tree.index.leaf_idf[tree.index.stem_number[stem]] for stem in heading}
    share = sum(rarity[stem] for stem in heading & said) / sum(rarity.values())
    assert 0 < share < 1
    row = row_of(scene, "turning to drawing")
    assert found["heading named by the best"][row] == pytest.approx(share, abs=1e-5)


def test_leaves_near_the_best_are_those_of_the_highest_cosine_with_their_mean(scene, columns):
    best, trust = trusted(scene.plain[scene.pool])
    centre = sum(share * scene.vectors[row] for row, share in zip(best, trust, strict=True))
    cosines = [vector @ centre / np.linalg.norm(centre) for vector in scene.vectors]
    order = np.argsort(cosines)
    assert (np.diff(columns["near the best"][order]) >= -1e-5).all()
    assert columns["near the best"].std() == pytest.approx(1, abs=1e-4)


def test_words_of_the_query_are_not_fed_back():
    tree = hier.build("The bridge stood. The bridge fell. Rain fell. Snow lay.")
    scene = look(tree, read(tree, "the bridge stood"))[0]
    found = feedback(scene.index, scene.terms, scene.plain, scene.pool, scene.vectors)
    words = dict(zip(scene.leaves.texts(scene.pool), found["words of the best"], strict=True))
    bridge, fell = words["The bridge stood. "], words["The bridge fell. "]
    assert bridge == min(words.values()), "all its words were asked for"
    assert fell > bridge


@pytest.mark.parametrize("text", ["a", "… — …", "\ud800", "# \n\n# \n"])
def test_odd_texts_have_finite_feedback(text):
    tree = hier.build(text)
    scene = look(tree, read(tree, "?"))[0]
    found = feedback(scene.index, scene.terms, scene.plain, scene.pool, scene.vectors)
    assert all(np.isfinite(column).all() for column in found.values())
    assert all(column.shape == scene.pool.shape for column in found.values())
