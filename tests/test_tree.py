"""Trees: every level partitions the text, nodes know their kin, branches can be asked alone."""

import itertools
import random

import hostile
import numpy as np
import pytest

import hier
from hier.levels import MOST_CHILDREN, MOST_LEAVES, group, valley

TEXTS = {
    "one word": "word",
    "no breaks": "word " * 3000,
    "letters": "a" * 20_000,
    "table": "".join(f"| {i} | value {i} |\n" for i in range(2000)),
    "headings": "".join(f"# Heading {i}\n\n" for i in range(1500)),
    "mixed": hostile.mixed(random.Random(3)) * 3,
}


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text)


@pytest.fixture(scope="module", params=sorted(TEXTS))
def any_tree(request):
    return hier.build(TEXTS[request.param])


def test_every_level_partitions_the_text(any_tree):
    for level in range(len(any_tree.levels)):
        nodes = [node for node in any_tree.nodes if node.level == level]
        assert nodes[0].start == 0
        assert nodes[-1].end == len(any_tree.source)
        assert all(a.end == b.start for a, b in itertools.pairwise(nodes))


def test_parents_and_children_agree(any_tree):
    for node in any_tree.nodes:
        children = [any_tree.nodes[child] for child in node.children]
        assert all(child.parent == node.id for child in children)
        if children:
            assert (node.start, node.end) == (children[0].start, children[-1].end)
            assert node.tokens == sum(child.tokens for child in children)
    assert any_tree.root.parent is None
    assert any_tree.root.tokens == any_tree.tokens


def test_fan_out_is_bounded(any_tree):
    for node in any_tree.nodes:
        assert len(node.children) <= (MOST_LEAVES if node.level == 1 else MOST_CHILDREN)


def test_levels_have_the_sizes_they_are_named_for(tree):
    sizes = {
        level: [node.tokens for node in tree.nodes if node.level == level] for level in (0, 1, 2, 3)
    }
    layout = tree.layout()
    rows = np.array([layout.header(int(path)) >= 0 for path in tree.index.path_of])
    assert tree.leaf_tokens[~rows].max() <= 120
    assert tree.leaf_tokens[rows].max() <= 480
    assert 70 <= np.median(sizes[1]) <= 130
    assert 300 <= np.median(sizes[2]) <= 520
    assert 1200 <= np.median(sizes[3]) <= 2100


def test_passages_break_at_headings(tree):
    headings = set(np.flatnonzero(tree.opens >= 0).tolist()) - tree.layout().header_rows
    firsts = set(tree.levels[1].first_leaf.tolist())
    assert {leaf for leaf in headings if leaf - 1 not in headings} <= firsts


def test_a_semantic_cut_is_found_where_there_is_no_structure():
    cooking = "Stir the onions in butter until golden and add the garlic to the pan. " * 12
    rockets = "The rocket engine burns liquid oxygen and its nozzle expands hot gas. " * 12
    tree = hier.build(cooking + rockets)
    middle = len(cooking)
    assert middle in {
        tree.nodes[i].start for i in range(len(tree.nodes)) if tree.nodes[i].level == 1
    }


def test_building_twice_gives_the_same_tree(long_text):
    one, other = hier.build(long_text), hier.build(long_text)
    assert one.outline(9) == other.outline(9)
    for first, second in zip(one.summaries, other.summaries, strict=True):
        assert np.array_equal(first.sentences, second.sentences)


def test_outline_is_indented_by_depth_and_names_nodes(tree):
    lines = tree.outline(2).splitlines()
    assert lines[0].startswith(f"[{tree.root.id}] {tree.tokens} tokens: ")
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert len(lines) == 1 + sum(
        1 + len(tree.nodes[child].children) for child in tree.root.children
    )
    assert tree.outline(0).count("\n") == 0


def test_a_branch_is_asked_alone(tree):
    node = tree.nodes[tree.root.children[1]]
    for query in ("How are modules imported?", None):
        context = tree.expand(node.id, 300, query)
        assert context.segments
        assert all(node.start <= s.start < s.end <= node.end for s in context.segments)
    leaf = tree.nodes[5]
    assert tree.expand(leaf.id, 500).text == tree.source[leaf.start : leaf.end]


@pytest.mark.parametrize("node_id", [-1, 10**9, "5", 1.0])
def test_a_node_that_is_not_there_is_named(tree, node_id):
    with pytest.raises(hier.InputError, match="there is no node"):
        tree.expand(node_id)


def test_the_curve_tells_tokens_and_value(tree):
    curve = tree.curve("How are modules imported?", [200, 800])
    assert [used <= budget for (used, _), budget in zip(curve, [200, 800], strict=True)]
    assert curve[0][1] < curve[1][1] <= 1


def test_a_document_a_path_and_a_string_build_the_same_tree(tmp_path):
    path = tmp_path / "a.txt"
    text = "First things first. Then the rest.\n"
    path.write_text(text, encoding="utf-8")
    trees = [hier.build(source) for source in (text, path, hier.Document(text, "a"))]
    assert {tree.outline() for tree in trees} == {trees[0].outline()}
    assert repr(trees[1]) == f"Tree({str(path)!r}, {trees[1].tokens} tokens, 2 leaves, 2 levels)"


def test_groups_respect_musts_sizes_and_bounds():
    sizes = np.array([40] * 20)
    strength = np.zeros(20)
    strength[7] = np.inf
    bounds = group(sizes, strength, target=100, least=1, most=24).tolist()
    assert bounds[0] == 0
    assert bounds[-1] == 20
    assert 7 in bounds
    assert all(40 <= (b - a) * 40 <= 200 for a, b in itertools.pairwise(bounds))


def test_a_strong_cut_draws_the_end_of_a_group():
    strength = np.zeros(8)
    strength[3] = 0.9
    assert group(np.full(8, 25), strength, 100, 1, 24)[1] == 3


def test_a_small_rest_joins_the_group_before_it():
    assert group(np.array([100] * 4 + [10]), np.zeros(5), 400, 2, 8).tolist() == [0, 5]


def test_a_valley_lies_between_unlike_neighbours():
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    depths = valley(vectors, 2)
    assert depths.argmax() == 2
    assert depths[2] == pytest.approx(0.5)
    assert depths[0] == 0


def test_valleys_do_not_depend_on_the_blocks_they_are_found_in(monkeypatch):
    vectors = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    whole = valley(vectors, 3)
    monkeypatch.setattr("hier.levels._BLOCK", 7)
    assert np.array_equal(valley(vectors, 3), whole)
