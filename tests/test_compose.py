"""Composition: several questions, shares of the text, and what more budget gives."""

import random
from itertools import pairwise

import pytest
from shown import OTHER, QUERIES, QUERY, fits

import hier
from hier.compose import Composer, Request

# Several questions.


def test_every_question_is_answered(tree):
    questions = (QUERY, "How do I make a class iterable?")
    context = tree.compress(questions, 800)
    fits(tree, context)
    assert context.query == questions
    assert "__enter__" in context.text
    assert "__iter__" in context.text


def test_one_question_in_a_list_is_that_question(tree):
    plain = tree.compress(QUERY, 400)
    assert tree.compress([QUERY], 400) == plain
    assert tree.compress((QUERY,), 400) == plain
    assert tree.compress((one for one in [QUERY]), 400) == plain
    assert tree.compress(["", QUERY, "  ", None], 400) == plain


def test_blank_questions_ask_for_an_overview(tree):
    plain = tree.compress(None, 400)
    for blank in ("", "  ", [], ["", None, "\n"]):
        assert tree.compress(blank, 400) == plain


def test_the_same_question_twice_is_one_question(tree):
    assert tree.compress([QUERY, QUERY], 400).text == tree.compress(QUERY, 400).text


# A share of the text.


def test_a_ratio_is_a_budget(tree, chapters):
    context = tree.compress(QUERY, ratio=0.01)
    assert context.budget == int(0.01 * tree.tokens)
    assert context == tree.compress(QUERY, int(0.01 * tree.tokens))
    assert chapters.compress("saw", ratio=1.0).tokens <= chapters.tokens
    assert chapters.compress("saw", ratio=1e-9).budget == 1


# More budget.

LADDER = [int(60 * 1.1**step) for step in range(44)]


@pytest.mark.parametrize("query", QUERIES[:2])
def test_more_budget_never_covers_less(tree, query):
    coverages = [tree.compress(query, budget).coverage for budget in LADDER]
    assert all(more >= less - 1e-9 for less, more in pairwise(coverages))


def test_more_budget_of_any_size_never_covers_less(tree):
    chosen = random.Random(17)
    budgets = sorted(chosen.randint(1, 6000) for _ in range(30))
    coverages = [tree.compress((QUERY, OTHER), budget).coverage for budget in budgets]
    assert all(more >= less - 1e-9 for less, more in pairwise(coverages))


@pytest.mark.parametrize("query", QUERIES)
def test_a_nested_context_holds_those_of_less_budget(tree, query):
    shown: set[int] = set()
    coverage = 0.0
    for budget in LADDER[::3]:
        context = tree.compress(query, budget, nested=True)
        fits(tree, context)
        now = {place for s in context.segments for place in range(s.start, s.end)}
        assert shown <= now
        assert context.coverage >= coverage - 1e-9
        shown, coverage = now, context.coverage


def test_irrelevant_text_behind_does_not_push_out_what_is_relevant(long_text):
    source = long_text[:60_000]
    weeds = " ".join(f"Dandelions and {n} nettles grew by the pond in June." for n in range(200))
    alone = hier.build(source).compress(QUERY, 500)
    beside = hier.build(f"{source}\n\n{weeds}\n").compress(QUERY, 500)
    assert "Dandelions" not in beside.text
    shown = {place for s in beside.segments for place in range(s.start, s.end)}
    expected = {place for s in alone.segments for place in range(s.start, s.end)}
    assert len(shown & expected) > 0.8 * len(expected)


def test_what_is_said_a_thousand_times_is_compared_a_few_times():
    text = "The pump was inspected. " * 1500 + "\n\n# End\n\nThe valve broke in 1931."
    composer = Composer(hier.build(text), Request("Was the pump inspected?", 500))
    said = [text[slice(*composer.layout.leaf_span(leaf))].strip() for leaf in composer.plan.leaves]
    assert said.count("The pump was inspected.") == 8
    assert composer.plan.problem.weights.sum() == pytest.approx(composer.plan.total)
    context = composer.context(composer.fill(500))
    assert context.text.count("The pump was inspected.") == 1
    assert context.coverage == pytest.approx(1)
    assert context.optimality == pytest.approx(1)
