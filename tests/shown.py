"""What a context shows of its text: questions about the reference topics, and counts made again."""

import random
from itertools import pairwise

import environment
import numpy as np

QUERY = "How does the with statement call __enter__ and __exit__?"
OTHER = "What is a generator function and how is it resumed?"
WITH = 'The "with" statement'
QUERIES = (QUERY, None, (QUERY, OTHER))
count = environment.token_counter("o200k_base")


def touches(segment, start, end):
    return segment.start < end and start < segment.end


def is_shown(context, start, end):
    """Say whether every character of a span that is no space is in a verbatim segment."""
    shown = np.zeros(end - start, bool)
    for segment in context.segments:
        if segment.kind == "verbatim":
            shown[max(segment.start - start, 0) : max(segment.end - start, 0)] = True
    return shown


def all_shown(tree, context, start, end):
    shown = is_shown(context, start, end)
    return all(known or tree.source[start + place].isspace() for place, known in enumerate(shown))


def section(tree, title):
    """The first and last character of everything under the first heading of that title."""
    layout = tree.layout()
    opening = next(leaf for leaf in np.flatnonzero(tree.opens >= 0) if layout.title(leaf) == title)
    under = [
        leaf
        for leaf in range(len(tree.leaf_start))
        if opening in tree.paths[int(tree.index.path_of[leaf])]
    ]
    return layout.leaf_span(int(opening))[0], layout.leaf_span(under[-1])[1]


def tokens_within(tree, context, start, end):
    """The tokens that a context shows of a span."""
    return sum(
        count(tree.source[max(segment.start, start) : min(segment.end, end)])
        for segment in context.segments
        if touches(segment, start, end)
    )


def small_node(tree, seed, most=200):
    chosen = random.Random(seed)
    while True:
        node = tree.nodes[chosen.randrange(len(tree.nodes))]
        if 5 < node.tokens <= most:
            return node


def fits(tree, context, prefix="", suffix=""):
    """Count again, and follow every segment through the text."""
    assert context.tokens == count(context.text) <= context.budget
    assert context.text.startswith(prefix)
    assert context.text.endswith(suffix)
    place = len(prefix)
    for segment in context.segments:
        assert segment.text == tree.source[segment.start : segment.end]
        found = context.text.find(segment.text, place)
        assert found >= 0, "segments stand in the text in their order"
        place = found + len(segment.text)
    spans = sorted((segment.start, segment.end) for segment in context.segments)
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), "nothing is shown twice"
    assert 0 <= context.coverage <= 1
    assert 0 <= context.optimality <= 1
