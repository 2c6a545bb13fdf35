"""Curves: value against tokens, ascending, and the same as contexts of those budgets have."""

from itertools import pairwise

import numpy as np
import pytest

import hier

QUERIES = (
    "How does the with statement call __enter__?",
    ("What is a coroutine?", "How are comparisons chained?"),
    None,
)
BUDGETS = (1, 40, 100, 333, 1000, 2000, 3500)


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:120_000])


def ascends(values):
    return all(one <= other for one, other in pairwise(values))


@pytest.mark.parametrize("query", QUERIES)
def test_a_curve_ascends_in_tokens_and_value(tree, query):
    points = tree.curve(query, BUDGETS)
    assert len(points) == len(BUDGETS)
    assert all(tokens <= budget for (tokens, _), budget in zip(points, BUDGETS, strict=True))
    assert ascends([tokens for tokens, _ in points])
    assert ascends([value for _, value in points])
    assert 0 <= points[0][1] <= points[-1][1] <= 1 + 1e-6


@pytest.mark.parametrize("query", QUERIES)
def test_a_curve_is_that_of_the_largest_budgets_nested_contexts(tree, query):
    """One plan serves all budgets: the points are those of contexts planned with as much."""
    tokens, value = tree.curve(query, BUDGETS)[-1]
    context = tree.compress(query, BUDGETS[-1], nested=True)
    assert (tokens, value) == (context.tokens, pytest.approx(context.coverage))


@pytest.mark.parametrize("query", QUERIES)
def test_a_curve_is_that_of_nested_contexts(tree, query):
    for budget, (tokens, value) in zip(BUDGETS, tree.curve(query, BUDGETS), strict=True):
        context = tree.compress(query, budget, nested=True)
        assert tokens == context.tokens
        assert value == pytest.approx(context.coverage, abs=1e-6)


def test_the_order_and_number_of_budgets_change_no_point(tree):
    query = QUERIES[0]
    points = tree.curve(query, BUDGETS)
    assert tree.curve(query, BUDGETS[::-1]) == points[::-1]
    assert tree.curve(query, [BUDGETS[3], BUDGETS[3], BUDGETS[-1]])[:2] == [points[3]] * 2
    assert tree.curve(query, []) == []


@pytest.mark.parametrize("query", QUERIES)
def test_a_whole_curve_has_a_point_a_pick_and_ends_with_everything(tree, query):
    points = tree.curve(query)
    tokens, values = (list(column) for column in zip(*points, strict=True))
    assert len(points) > 100
    assert ascends(tokens)
    assert all(one < other for one, other in pairwise(values))
    assert values[-1] == pytest.approx(1, abs=0.01) or (query is None and values[-1] > 0.7)
    assert tokens[-1] <= 1.3 * tree.tokens


def test_a_whole_curve_bends_down(tree):
    """Its first half of tokens is worth far more than the second."""
    tokens, values = (np.array(column) for column in zip(*tree.curve(QUERIES[0]), strict=True))
    assert np.interp(tokens[-1] / 10, tokens, values) > 0.5


def test_the_curve_of_a_text_of_one_sentence_is_a_point():
    points = hier.build("A single sentence.").curve("sentence")
    assert [value for _, value in points] == [pytest.approx(1)]


@pytest.mark.parametrize("budgets", [[0], [100, -1], [1.5], [True], ["auto"], [None]])
def test_a_curve_of_no_budgets_is_refused(tree, budgets):
    with pytest.raises(hier.BudgetError, match=r"raise the budget|pass 1 or more"):
        tree.curve(QUERIES[0], budgets)
