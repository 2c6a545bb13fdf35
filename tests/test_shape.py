"""The shape of trees: a good one with one thing broken is refused, and the error says what."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

import hier

TEXT = (
    "# Fees\n\nAll pay. It is due monthly.\n\n## Late\n\nInterest runs. Ask first.\n\n"
    "# Marks\n\nThey are licensed.\n"
)
# Leaves: 0 Fees, 1 All, 2 It, 3 Late, 4 Interest, 5 Ask, 6 Marks, 7 They.
# Paths: 0 none, 1 Fees, 2 Fees > Late, 3 Marks.
LEAVES, PATHS = 8, [[], [0], [0, 3], [6]]


@pytest.fixture(scope="module")
def tree():
    return hier.build(TEXT)


def changed(array, place, value):
    array = np.array(array)
    array[place] = value
    return array


def levels(tree, *firsts):
    """The levels of a tree with other first leaves."""
    return tuple(replace(tree.levels[0], first_leaf=np.array(first)) for first in firsts)


def paths(*headings):
    """The fields that hold heading paths."""
    offsets = np.cumsum([0, *map(len, headings)])
    return {"path_offsets": offsets, "path_leaves": np.array([*chain(*headings)], np.int32)}


def test_the_tree_is_what_these_tests_take_it_for(tree):
    assert len(tree.leaf_start) == LEAVES
    assert [tree.paths[path] for path in range(len(tree.paths))] == PATHS
    assert tree.index.path_of.tolist() == [0, 1, 1, 1, 2, 2, 0, 3]
    assert [level.first_leaf.tolist() for level in tree.levels] == [[*range(8)], [0, 3, 6], [0]]
    again = replace(tree, levels=levels(tree, range(8), [0, 3, 6], [0]), **paths(*PATHS))
    assert again.outline() == tree.outline()


@pytest.mark.parametrize("name", ["leaf_tokens", "block", "worth", "offers", "opens"])
@pytest.mark.parametrize("length", [0, LEAVES - 1, LEAVES + 1])
def test_every_leaf_has_one_entry(tree, name, length):
    message = f"{name} has {length} entries, the tree 8 leaves; make trees with hier.build"
    with pytest.raises(hier.InputError, match=message):
        replace(tree, **{name: np.resize(getattr(tree, name), length)})


def test_every_leaf_has_one_path(tree):
    index = replace(tree.index, path_of=tree.index.path_of[1:])
    with pytest.raises(hier.InputError, match="path_of has 7 entries, the tree 8 leaves"):
        replace(tree, index=index)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 1, f"leaf_start does not cover 0 to {len(TEXT)}"),
        (0, -1, f"leaf_start does not cover 0 to {len(TEXT)}"),
        (-1, len(TEXT), f"leaf_start does not cover 0 to {len(TEXT)}"),
        (2, 8, "leaf_start overlaps: entry 2 begins at 8, the one before at 8"),
        (3, 9, "leaf_start overlaps: entry 3 begins at 9, the one before at 17"),
    ],
)
def test_leaves_partition_the_text(tree, place, value, message):
    with pytest.raises(hier.InputError, match=message):
        replace(tree, leaf_start=changed(tree.leaf_start, place, value))


def test_sizes_are_not_negative(tree):
    with pytest.raises(hier.InputError, match="leaf 4 has -1 tokens"):
        replace(tree, leaf_tokens=changed(tree.leaf_tokens, 4, -1))


@pytest.mark.parametrize("worth", [np.nan, np.inf, -np.inf])
def test_worth_is_finite(tree, worth):
    with pytest.raises(hier.InputError, match="the worth of leaf 5 is not finite"):
        replace(tree, worth=changed(tree.worth, 5, worth))


@pytest.mark.parametrize(
    ("firsts", "message"),
    [
        ([], "the levels do not go from 8 leaves up to one root"),
        ([range(8), [0, 3, 6]], "the levels do not go from 8 leaves up to one root"),
        ([[0, 3, 6], [0]], "the levels do not go from 8 leaves up to one root"),
        ([range(8), []], "the levels do not go from 8 leaves up to one root"),
        ([range(8), [1, 3], [0]], "level 1 does not cover 0 to 8"),
        ([range(8), [0, 8], [0]], "level 1 does not cover 0 to 8"),
        ([range(8), [], [0]], "level 1 does not cover 0 to 8"),
        ([range(8), [0, 3], [3]], "level 2 does not cover 0 to 8"),
        (
            [range(8), [0, 6, 3], [0]],
            "level 1 overlaps: entry 2 begins at 3, the one before at 6",
        ),
        (
            [range(8), [0, 3, 6], [0, 4], [0]],
            "node 1 of level 2 begins inside a node of the level below",
        ),
    ],
)
def test_every_level_partitions_the_one_below(tree, firsts, message):
    with pytest.raises(hier.InputError, match=message):
        replace(tree, levels=levels(tree, *firsts))


@pytest.mark.parametrize("offsets", [[], [1, 1, 1, 3, 4], [0, 0, 1, 3, 3], [0, 3, 1, 3, 4]])
def test_path_offsets_partition_the_headings(tree, offsets):
    with pytest.raises(hier.InputError, match="path_offsets do not partition path_leaves"):
        replace(tree, path_offsets=np.array(offsets, np.int64))


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("path_leaves", 2, LEAVES, "path_leaves 2 is 8, not 0 to 7"),
        ("path_leaves", 0, -1, "path_leaves 0 is -1, not 0 to 7"),
        ("opens", 3, len(PATHS), "opens 3 is 4, not -1 to 3"),
        ("opens", 1, -2, "opens 1 is -2, not -1 to 3"),
        ("path_of", 7, len(PATHS), "path_of 7 is 4, not 0 to 3"),
        ("path_of", 0, -1, "path_of 0 is -1, not 0 to 3"),
    ],
)
def test_headings_and_paths_are_there(tree, name, place, value, message):
    owner = tree.index if name == "path_of" else tree
    broken = {name: changed(getattr(owner, name), place, value)}
    with pytest.raises(hier.InputError, match=message):
        replace(tree, **({"index": replace(tree.index, **broken)} if owner is not tree else broken))


@pytest.mark.parametrize(
    ("headings", "message"),
    [
        ([[], [0], [3, 0], [6]], "heading 0 stands under a later one"),
        ([[], [0], [0, 0], [6]], "heading 0 stands under a later one"),
        ([[], [1], [0, 3], [6]], "leaf 1 stands under itself or a later heading"),
        ([[], [0], [0, 6], [6]], "leaf 4 stands under itself or a later heading"),
        ([[3], [0], [0, 3], [6]], "leaf 0 stands under itself or a later heading"),
    ],
)
def test_headings_stand_before_what_is_under_them(tree, headings, message):
    with pytest.raises(hier.InputError, match=message):
        replace(tree, **paths(*headings))


def test_no_two_headings_stand_under_each_other(tree):
    """Marks under Late, and Late under Marks."""
    index = replace(tree.index, path_of=changed(changed(tree.index.path_of, 6, 2), 3, 3))
    with pytest.raises(hier.InputError, match="leaf 3 stands under itself or a later heading"):
        replace(tree, index=index)
