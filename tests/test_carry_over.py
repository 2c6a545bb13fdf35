"""Kept bounds: after an edit, whatever holds nothing new is the node it was."""

import itertools
import random

import edits
import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.carry_over import align
from hier.levels import MOST_CHILDREN, MOST_LEAVES

TEXTS = {
    "no breaks": "word " * 3000,
    "table": "".join(f"| {i} | value {i} |\n" for i in range(1000)),
    "headings": "".join(f"# Heading {i}\n\n" for i in range(700)),
    "the same again": "Yes. No. Perhaps.\n\n" * 400,
    "mixed": hostile.mixed(random.Random(3)) * 2,
}


def shape(tree):
    return [level.first_leaf.tolist() for level in tree.levels]


def texts_of(tree, level):
    nodes = [node for node in tree.nodes if node.level == level]
    return [tree.source[node.start : node.end] for node in nodes]


@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("abcdef")))
def test_what_is_matched_is_equal_and_in_order(old, new):
    place = align(old, new)
    matched = np.flatnonzero(place >= 0)
    assert [old[i] for i in matched] == [new[i] for i in place[matched]]
    assert (np.diff(place[matched]) > 0).all()


@given(st.lists(st.integers(), unique=True), st.data())
def test_all_that_was_left_is_matched_where_leaves_differ(old, data):
    kept = [leaf for leaf in old if data.draw(st.booleans())]
    place = align(old, kept)
    assert [leaf for leaf, at in zip(old, place.tolist(), strict=True) if at >= 0] == kept


def test_moved_leaves_keep_the_longer_run():
    assert align([*"xabcdey"], [*"xdeabcy"]).tolist() == [0, 3, 4, 5, -1, -1, 6]


def test_leaves_that_stand_twice_follow_their_neighbours():
    assert align([*"--a-b--"], [*"--a-Xb--"]).tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert align([*"a-b-c"], [*"Xa-bX-cX"]).tolist() == [1, 2, 3, 5, 6]


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_the_same_text_gives_the_same_tree(kind):
    tree = hier.build(TEXTS[kind])
    assert shape(hier.build(TEXTS[kind], previous=tree)) == shape(tree)


def test_a_tree_of_another_text_changes_nothing(long_text):
    other = hier.build("Nothing of this stands there. Nor this, whatever it is.\n\nIndeed not.")
    assert shape(hier.build(long_text, previous=other)) == shape(hier.build(long_text))


def test_a_word_costs_one_node_a_level(long_text):
    tree = hier.build(long_text)
    place = long_text.index("exception", len(long_text) // 2)
    edited = long_text[:place] + "xylophone " + long_text[place:]
    after = hier.build(edited, previous=tree)
    assert len(after.levels) == len(tree.levels)
    for level in range(1, len(tree.levels)):
        assert len(set(texts_of(after, level)) - set(texts_of(tree, level))) == 1


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_hostile_texts_stay_trees_however_they_are_cut(kind):
    turn, text = random.Random(8), TEXTS[kind]
    tree = hier.build(text)
    for _ in range(12):
        start = turn.randrange(len(text))
        end = min(len(text), start + turn.choice((0, 40, 4000)))
        text = (
            text[:start]
            + turn.choice(list(TEXTS.values()))[: turn.choice((0, 9, 3000))]
            + (text[end:] or "end")
        )
        tree = hier.build(text, previous=tree)  # which refuses what is no tree
        for node in tree.nodes:
            assert len(node.children) <= (MOST_LEAVES if node.level == 1 else MOST_CHILDREN)
        headings = set(np.flatnonzero(tree.opens >= 0).tolist())
        firsts = set(tree.levels[1].first_leaf.tolist()) | {0}
        assert {leaf for leaf in headings if leaf - 1 not in headings} <= firsts


def test_what_is_edited_again_and_again_keeps_its_sizes(long_text):
    turn, text = random.Random(4), long_text[:60_000]
    tree = hier.build(text)
    for number in range(60):
        kind = edits.KINDS[number % len(edits.KINDS)]
        (edit,) = edits.edits(text, 1, turn.randrange(1 << 30), kind)
        text = edit.of(text)
        tree = hier.build(text, previous=tree)
    afresh = hier.build(text)
    for level in (1, 2, 3):
        kept, new = (
            [node.tokens for node in built.nodes if node.level == level] for built in (tree, afresh)
        )
        assert 0.7 < np.median(kept) / np.median(new) < 1.4
        assert max(kept) <= 2.5 * 100 * 4 ** (level - 1)


def test_an_old_bound_stands_before_what_was_put_behind_it():
    paragraphs = [f"Paragraph {n} tells of things {n} times {n}. " * 6 + "\n\n" for n in range(60)]
    tree = hier.build("".join(paragraphs))
    sections = texts_of(tree, 2)
    after = hier.build("".join(paragraphs) + "At last, one more.\n", previous=tree)
    assert texts_of(after, 2)[:-1] == sections[:-1]
    assert all(a.end == b.start for a, b in itertools.pairwise(
        node for node in after.nodes if node.level == 2
    ))  # fmt: skip
