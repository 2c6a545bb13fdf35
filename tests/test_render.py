"""Rendering: a heading is shown once, above what stands under it, unless the text there says it."""

import random
import re

import numpy as np
import pytest

import hier
from hier.render import Pricer

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


def test_what_a_leaf_costs_is_what_it_adds(tree):
    """Chosen in document order and apart from each other, prices add up to the rendering's."""
    layout, count = tree.layout(), tree.tokenizer.count
    alone = [leaf for leaf in range(0, len(tree.leaf_start), 2) if tree.opens[leaf] < 0]
    for number in range(1, len(alone) + 1):
        pricer = Pricer(layout, tree.leaf_tokens, count)
        total = 0
        for leaf in alone[:number]:
            total += pricer.leaf(leaf)
            pricer.show(leaf)
        exact = count(layout.write(layout.pieces(alone[:number])))
        assert exact <= total <= exact + 3 * number, "a gap mark that a breadcrumb stands for"
