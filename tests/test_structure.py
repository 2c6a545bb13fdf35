"""Structure: every leaf knows the headings it stands under, as a plain reading finds them."""

import random

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.blocks import BlockKind
from hier.segment import segment
from hier.structure import read_structure


def by_characters(starts, ends):
    return ends - starts


def read(text):
    segmentation = segment(text, by_characters)
    leaves = segmentation.leaves
    texts = [text[s:e] for s, e in zip(leaves.start.tolist(), leaves.end.tolist(), strict=True)]
    return segmentation, read_structure(segmentation), texts


def test_every_leaf_knows_the_headings_it_stands_under():
    _, structure, leaves = read("Start.\n\n# A\n\nIn a.\n\n## B\n\nIn b.\n\n# C\n\nIn c.\n")
    names = [leaf.strip("# \n") for leaf in leaves]
    under = {
        name: [names[leaf] for leaf in structure.paths[path]]
        for name, path in zip(names, structure.path_of, strict=True)
    }
    assert under == {
        "Start.": [], "A": [], "In a.": ["A"], "B": ["A"], "In b.": ["A", "B"],
        "C": [], "In c.": ["C"],
    }  # fmt: skip


def test_a_heading_ends_those_as_deep_as_itself_however_many_levels_were_skipped():
    _, structure, leaves = read("# A\n\n#### D\n\nOne.\n\n### C\n\nTwo.\n\n## B\n\nThree.\n")
    names = [leaf.strip("# \n") for leaf in leaves]
    paths = [[names[leaf] for leaf in structure.paths[path]] for path in structure.path_of]
    under = dict(zip(names, paths, strict=True))
    assert under["One."] == ["A", "D"]
    assert under["Two."] == ["A", "C"]
    assert under["Three."] == ["A", "B"]


def test_cuts_are_stronger_before_headings_and_the_more_the_higher_these_are():
    _, structure, leaves = read("# A\n\nOne. Two.\n\nThree.\n\n## B\n\nFour.\n")
    cut = dict(zip((leaf.strip("# \n") for leaf in leaves), structure.cut.tolist(), strict=True))
    assert cut["A"] > cut["B"] > cut["Three."] > cut["Two."] == 0


def test_a_heading_cut_in_two_opens_one_path_and_stands_under_none_of_itself():
    _, structure, leaves = read("x\n\n" + "A" * 115 + "\n" + "=" * 115 + "\n\nText.\n")
    assert len(leaves) == 4, "the title and its rule are too long for one leaf"
    assert (structure.opens >= 0).sum() == 1
    assert [structure.paths[path] for path in structure.path_of] == [(), (), (), (1,)]


def test_rows_stand_under_their_header_row_and_nothing_else_does():
    table = "| X | Y |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    _, structure, leaves = read(f"# A\n\n{table}\nAfter.\n\n## B\n\n{table}{table}# C\n\nEnd.\n")
    names = [leaf.strip("# \n").splitlines()[0] for leaf in leaves]
    assert [[names[leaf] for leaf in structure.paths[path]] for path in structure.path_of] == [
        [], ["A"], ["A", "| X | Y |"], ["A", "| X | Y |"], ["A"],
        ["A"], ["A", "B"], *[["A", "B", "| X | Y |"]] * 5, [], ["C"],
    ]  # fmt: skip


def test_a_table_of_one_row_has_no_header_row():
    _, structure, _ = read("# A\n\n| X | Y |\n|---|---|\n\nText.\n")
    assert (structure.opens >= 0).tolist() == [True, False, False]


def as_a_reader_would(segmentation):
    """The path of every leaf: looking back from it for each shallower heading in turn, then above
    it in its table.
    """
    blocks, leaves = segmentation.blocks, segmentation.leaves
    depth = [int(blocks.depth[block]) for block in leaves.block]
    first = [i == 0 or leaves.block[i] != leaves.block[i - 1] for i in range(len(depth))]
    headers = {int(leaves.block[leaf]): leaf for leaf in segmentation.headers.tolist()}
    paths = []
    for leaf in range(len(depth)):
        limit, path = depth[leaf] or 99, []
        for before in range(leaf - 1, -1, -1):
            if first[before] and 0 < depth[before] < limit:
                path.insert(0, before)
                limit = depth[before]
        header = headers.get(int(leaves.block[leaf]), leaf)
        paths.append((*path, *([header] if header < leaf else [])))
    return paths


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_paths_are_what_looking_back_finds(depths):
    text = "".join(f"{'#' * depth} Name {i}.\n\n" for i, depth in enumerate(depths))
    segmentation, structure, _ = read(text)
    assert [structure.paths[path] for path in structure.path_of] == as_a_reader_would(segmentation)


@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_hostile_texts_have_a_structure(kind):
    text = (hostile.TEXTS[kind](random.Random(3)) or "x")[:6000]
    segmentation, structure, leaves = read(text)
    assert [structure.paths[path] for path in structure.path_of] == as_a_reader_would(segmentation)
    opened = structure.opens[structure.opens >= 0]
    assert np.array_equal(opened, np.arange(1, len(structure.paths)))
    assert [structure.paths[path][-1] for path in opened] == np.flatnonzero(
        structure.opens >= 0
    ).tolist()
    kinds = structure.kind[structure.opens >= 0]
    assert np.isin(kinds, (BlockKind.HEADING, BlockKind.TABLE)).all()
    assert len(structure.cut) == len(structure.kind) == len(leaves)
