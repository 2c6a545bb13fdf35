"""Rendering: a heading is shown once, above what stands under it, unless the text there says it."""

import random
import re

import numpy as np
import pytest

import hier
from hier.candidates import pose

TEXT = """# Fees

Every franchise pays. The sum is due monthly.

## Late fees

A late sum costs more. Interest is ten per cent.

### Waivers

The owner may waive them. Waivers are given in writing.

## Refunds

Nothing is paid back. Some taxes are an exception.

# Marks

Marks are licensed. The owner keeps them.

## Use

They stand on every invoice. Their colours are fixed.

### Abroad

Elsewhere other laws count. Ask a lawyer there.

#### Customs

Declare the marks. Keep the receipts.
"""


@pytest.fixture(scope="module")
def tree():
    return hier.build(TEXT, tokenizer=lambda text: len(re.findall(r"\w+|[^\w\s]", text)))


def leaf_of(tree, sentence):
    return int(np.searchsorted(tree.leaf_start, TEXT.index(sentence), "right")) - 1


def shown(tree, *sentences):
    layout = tree.layout()
    return layout.write(layout.pieces([leaf_of(tree, sentence) for sentence in sentences]))


def test_a_piece_stands_under_its_innermost_headings(tree):
    assert shown(tree, "The owner may") == (
        "# Fees > Late fees > Waivers\nThe owner may waive them."
    )
    assert shown(tree, "Interest is") == "# Fees > Late fees\nInterest is ten per cent."
    assert shown(tree, "The sum is") == "# Fees\nThe sum is due monthly."
    assert shown(tree, "Keep the") == "# Use > Abroad > Customs\nKeep the receipts."


def test_what_is_shown_of_a_path_is_not_shown_again(tree):
    assert shown(tree, "The sum is", "Interest is", "The owner may") == (
        "# Fees\nThe sum is due monthly.\n\n# Late fees\nInterest is ten per cent.\n\n"
        "# Waivers\nThe owner may waive them."
    )


def test_a_heading_that_is_shown_itself_needs_no_breadcrumb(tree):
    assert shown(tree, "## Use", "Their colours") == (
        "# Marks\n## Use\n…\nTheir colours are fixed."
    )


def test_a_heading_that_the_text_says_is_left_out(tree):
    assert shown(tree, "Waivers are given") == "# Fees > Late fees\nWaivers are given in writing."
    assert shown(tree, "Marks are licensed", "The owner keeps") == (
        "Marks are licensed. The owner keeps them."
    )


def test_every_piece_stands_under_its_heading_and_none_is_shown_twice(tree):
    layout, chosen = tree.layout(), random.Random(5)
    leaves = range(len(tree.leaf_start))
    for _ in range(300):
        picked = set(chosen.sample(leaves, chosen.randint(1, 12)))
        shown = {leaf for leaf in picked if tree.opens[leaf] >= 0}
        for piece in layout.pieces(picked):
            path = layout.paths[int(tree.index.path_of[piece.first_leaf])]
            said = TEXT[slice(*layout.leaf_span(piece.first_leaf))]
            crumb = piece.before.strip().removeprefix("# ").split(" > ")
            titles = [title for title in crumb if title not in ("", "…")]
            named = [leaf for leaf in path if layout.title(leaf) in titles]
            assert [layout.title(leaf) for leaf in named] == titles, "of this path, outermost first"
            assert shown.isdisjoint(named), "once"
            shown |= {*named, *(leaf for leaf in path if layout.title(leaf) in said)}
            assert not path or path[-1] in shown, "its own heading is there"


def priced(tree, leaves):
    own = np.arange(len(leaves))
    pairs = [(own, own, np.ones(len(own)))]
    return pose(tree, tree.layout(), np.array(leaves), (), np.ones(len(own)), pairs)


def test_what_leaves_cost_is_what_their_rendering_has(tree):
    """Apart from each other, leaves that are no headings cost what they have, or a little more."""
    layout, count = tree.layout(), tree.tokenizer.count
    alone = [leaf for leaf in range(0, len(tree.leaf_start), 2) if tree.opens[leaf] < 0]
    problem = priced(tree, alone)
    for number in range(1, len(alone) + 1):
        price = problem.price(range(number))
        exact = count(layout.write(layout.pieces(alone[:number])))
        assert exact <= price <= exact + 3 * number, "a gap mark that a breadcrumb stands for"


def test_neighbours_and_what_stands_under_a_heading_shown_cost_less(tree):
    problem = priced(tree, range(len(tree.leaf_start)))
    where = [leaf_of(tree, words) for words in ("Marks are", "The owner keeps", "They stand")]
    first, neighbour, other = where
    assert problem.price([first, neighbour]) < problem.price([first]) + problem.price([neighbour])
    heading = leaf_of(tree, "## Use")
    assert problem.price([heading, other]) < problem.price([heading]) + problem.price([other])


def test_any_choice_costs_about_what_its_rendering_has(tree):
    layout, count, chosen = tree.layout(), tree.tokenizer.count, random.Random(6)
    problem = priced(tree, range(len(tree.leaf_start)))
    for _ in range(300):
        picked = chosen.sample(range(len(problem)), chosen.randint(1, 12))
        exact = count(layout.write(layout.pieces(picked)))
        assert exact - 8 <= problem.price(picked) <= exact + 4 * len(picked)
