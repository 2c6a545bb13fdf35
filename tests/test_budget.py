"""Budgets: what is none is refused; an automatic one stops where more is not worth its price."""

import math

import environment
import numpy as np
import pytest

import hier
from hier.budget import CEILING, PRICES, read_budget, whole_number

QUERIES = ("How does the with statement call __enter__?", "What is a coroutine?", None)
count = environment.token_counter("o200k_base")


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:120_000])


def test_a_number_is_a_budget_without_a_price():
    assert read_budget(9000, 500) == (500, 0.0)
    assert read_budget(9000, np.int32(500)) == (500, 0.0)
    assert read_budget(9000, 500, price=2.0) == (500, 0.02)
    assert read_budget(9000, 500, price="thrifty") == (500, PRICES["thrifty"] / 100)


def test_an_automatic_budget_has_a_ceiling_and_a_price():
    assert read_budget(9000, "auto") == (CEILING, PRICES["balanced"] / 100)
    assert read_budget(9000, "auto", ceiling=300, price=0) == (300, 0.0)
    assert list(PRICES.values()) == sorted(PRICES.values()), "each word asks for more"


def test_a_ratio_is_rounded_down_to_at_least_one_token():
    assert read_budget(999, 2000, ratio=0.1) == (99, 0.0)
    assert read_budget(999, 2000, ratio=1) == (999, 0.0)
    assert read_budget(999, 2000, ratio=1e-6) == (1, 0.0)


@pytest.mark.parametrize(
    "budget", [0, -3, 1.0, 2.5, math.nan, None, True, "100", "Auto", [5], b"auto"]
)
def test_what_is_no_budget_is_refused_with_its_value(budget):
    with pytest.raises(
        hier.BudgetError, match=r"budget .*(raise the budget|pass 1 or more)"
    ) as told:
        whole_number(budget)
    assert repr(budget) in str(told.value)


@pytest.mark.parametrize("ceiling", [0, -1, 1.5, True, "1000"])
def test_what_is_no_ceiling_is_refused(ceiling):
    with pytest.raises(hier.BudgetError, match=r"raise the budget|pass 1 or more"):
        read_budget(9000, "auto", ceiling=ceiling)


@pytest.mark.parametrize("budget", [500, 2000])
def test_a_ceiling_goes_with_an_automatic_budget(budget):
    with pytest.raises(hier.BudgetError, match="ceiling 300 goes with budget='auto'"):
        read_budget(9000, budget, ceiling=300)


@pytest.mark.parametrize("ratio", [0, -0.5, 1.01, math.nan, math.inf])
def test_what_is_no_share_of_a_text_is_refused(ratio):
    with pytest.raises(hier.BudgetError, match=f"ratio {ratio} is not a share"):
        read_budget(9000, 2000, ratio=ratio)


@pytest.mark.parametrize("ratio", [True, "half", [0.5], 0.5j])
def test_a_ratio_must_be_a_number(ratio):
    with pytest.raises(hier.BudgetError, match=r"ratio .* is not a number"):
        read_budget(9000, 2000, ratio=ratio)


@pytest.mark.parametrize("budget", [500, "auto"])
def test_a_ratio_and_a_budget_contradict_each_other(budget):
    with pytest.raises(hier.BudgetError, match=rf"budget {budget!r} and ratio 0.5 are both given"):
        read_budget(9000, budget, ratio=0.5)


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (-1, "price -1 is below zero or not finite"),
        (math.nan, "price nan is below zero or not finite"),
        (math.inf, "price inf is below zero or not finite"),
        ("cheap", "price 'cheap' is unknown; pass 'thorough', 'balanced', 'thrifty' or a number"),
        (True, "price True is not a number"),
        ([1], r"price \[1\] is not a number"),
    ],
)
def test_what_is_no_price_is_refused(price, message):
    for budget in (500, "auto"):
        with pytest.raises(hier.BudgetError, match=message):
            read_budget(9000, budget, price=price)


def test_a_tree_refuses_them_too(tree):
    for asked in ({"budget": "automatic"}, {"price": "cheap"}, {"ratio": 2}, {"ceiling": 5}):
        with pytest.raises(hier.BudgetError):
            tree.compress("x", **asked)


@pytest.mark.parametrize("query", QUERIES)
def test_an_automatic_context_is_within_its_ceiling(tree, query):
    for ceiling in (30, 200, 1000):
        for price in (0, 0.5, *PRICES):
            context = tree.compress(query, budget="auto", ceiling=ceiling, price=price)
            assert context.tokens == count(context.text) <= ceiling == context.budget


@pytest.mark.parametrize("query", QUERIES)
def test_a_higher_price_never_takes_more_tokens(tree, query):
    asked = [0, 0.1, 0.5, 2, 5, 15, 60, 500, 1e6]
    contexts = [tree.compress(query, "auto", ceiling=1500, price=price) for price in asked]
    tokens = [context.tokens for context in contexts]
    assert tokens == sorted(tokens, reverse=True)
    assert tokens[0] > 1300
    assert tokens[-1] == 0
    coverages = [context.coverage for context in contexts]
    assert coverages == sorted(coverages, reverse=True)


@pytest.mark.parametrize("query", QUERIES)
def test_why_no_more_is_shown_is_told_truly(tree, query):
    for budget, price in ((200, None), (1000, 2), (1000, 15), (1000, 1e5), (4000, 0.01)):
        context = tree.compress(query, budget, price=price)
        worth = (price or 0) / 100 / 1000
        if context.stop == "price":
            assert context.going < worth
            assert context.tokens < budget
        elif context.stop == "budget":
            assert context.going >= worth
            assert context.tokens > 0.8 * budget
            assert tree.compress(query, 2 * budget, price=price).coverage > context.coverage
        else:
            assert context.going == 0


def test_nothing_is_left_of_a_text_shown_whole(tree):
    small = hier.build("One thing. Two things. Three things.")
    for settings in ({}, {"price": 0.001}, {"headings": False}):
        context = small.compress("two", 100, **settings)
        assert (context.stop, context.going) == ("everything", 0)
        assert context.coverage == pytest.approx(1)


def test_few_segments_are_not_everything(tree):
    context = tree.compress(QUERIES[0], 4000, max_segments=1)
    assert context.coverage < 0.9
    assert context.stop != "everything"


@pytest.mark.parametrize("query", QUERIES)
def test_every_pick_of_a_priced_context_pays_on_the_whole(tree, query):
    context = tree.compress(query, 3000, price=5)
    for last in range(len(context.picks)):
        rest = context.picks[last:]
        assert sum(p.gain for p in rest) >= 0.05 / 1000 * sum(p.cost for p in rest) - 1e-9


@pytest.mark.parametrize("query", QUERIES)
def test_the_next_token_is_worth_less_in_a_larger_budget(tree, query):
    going = [tree.compress(query, budget, nested=True).going for budget in (100, 400, 1600, 6000)]
    assert all(value > 0 for value in going)
    assert going[0] > going[-1]
    plain = [tree.compress(query, budget).going for budget in (100, 400, 1600, 6000)]
    assert plain[0] > plain[-1]


def test_no_price_and_a_price_of_zero_are_the_same(tree):
    for query in QUERIES:
        assert tree.compress(query, 700, price=0) == tree.compress(query, 700)
        assert tree.compress(query, "auto", ceiling=700, price=0) == tree.compress(query, 700)


def test_an_automatic_budget_takes_more_where_more_is_asked(tree):
    one = tree.compress("What does __enter__ return?", "auto")
    several = tree.compress(
        [
            "What does __enter__ return?",
            "How are comparisons chained?",
            "What is a coroutine?",
            "Which literals are there?",
        ],
        "auto",
    )
    assert several.tokens > one.tokens > 0
