"""Reasoning budgets: what a strategy grants, and that the search takes the cheapest same answer."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_model import Scripted, count

import hier
from hier.asking.ask import ask
from hier.asking.estimate import estimate
from hier.asking.protocol import make_mark
from hier.asking.reasoning import DEFAULT, LEAST, read_estimate, same, think
from hier.ledger import Ledger

QUESTION = "How does the with statement call __enter__ and __exit__?"


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:30_000])


@pytest.fixture(scope="module")
def mark(tree):
    return make_mark(QUESTION, [tree.source])


@given(
    reasoning=st.sampled_from([None, "estimate", "search"]) | st.integers(LEAST, 5000),
    budget=st.integers(100, 100_000),
    told=st.integers(1, 100_000),
)
def test_a_strategy_keeps_room_within_the_budget(reasoning, budget, told):
    thinking = think(reasoning, budget, told)
    assert LEAST <= thinking.kept <= max(LEAST, budget // 2)
    assert thinking.kept <= thinking.most
    assert thinking.told is None or LEAST <= thinking.told <= thinking.most
    assert thinking.reserve >= thinking.kept
    while thinking.tries > 1:
        smaller = thinking.halved()
        assert smaller.told < thinking.told or smaller.told == LEAST
        thinking = smaller


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("[[120]]", 120),
        ("Budget: [[ 1,200 ]]", 1200),
        ("about 90 tokens, or [[80]]", 80),
        ("about 90", 90),
        ("[[0]]", None),
        ("many", None),
        ("", None),
    ],
)
def test_estimates_are_read(text, number):
    assert read_estimate(text) == number


def test_answers_are_the_same_but_for_case_marks_and_articles():
    assert same("The harbour, in 1911.", "harbour in 1911")
    assert not same("in 1911", "in 1912")


def test_a_number_is_told_and_is_the_limit(tree, mark):
    model = Scripted([f"It calls both.\n{mark} ANSWER\nBoth [1]."])
    answer = ask(tree, QUESTION, model, 4000, mode="once", reasoning=150)
    assert (answer.text, answer.thought) == ("Both [1].", "It calls both.")
    assert "use less than 150 tokens" in model.shown
    assert model.sent[0][1] == 150


def test_the_models_own_estimate_is_told_and_is_in_the_ledger(tree, mark):
    model = Scripted(["[[80]]", f"{mark} ANSWER\nBoth [1]."])
    answer = ask(tree, QUESTION, model, 4000, mode="once", reasoning="estimate")
    assert "use less than 80 tokens" in model.shown
    assert model.sent[1][1] == 120
    assert (answer.estimate.reasoning, answer.estimate.asked) == (80, True)
    assert [call.purpose for call in answer.ledger.calls] == ["selecting", "answering"]
    silent = Scripted(["who knows", "Both [1]."])
    answer = ask(tree, QUESTION, silent, 4000, mode="once", reasoning="estimate")
    assert (answer.estimate.reasoning, answer.estimate.asked) == (DEFAULT, False)
    assert any(str(DEFAULT) in note for note in answer.ledger.notes)


def test_an_estimate_alone_asks_the_model_once(tree):
    ledger, model = Ledger(), Scripted(["[[77]]"])
    found = estimate(tree, QUESTION, model, ledger=ledger)
    assert (found.reasoning, found.asked, len(model.sent)) == (77, True, 1)
    assert ledger.total("selecting").calls == 1
    assert QUESTION in model.shown
    assert tree.source[:200] not in model.shown


def thinking(mark, words, answer="Both [1]."):
    """A model that thinks in as many words as it is told, or in more."""

    def reply(messages):
        told = int(re.search(r"use less than (\d+)", messages[-1].text)[1])
        said = answer(told) if callable(answer) else answer
        return f"{'so ' * words(told)}\n{mark} ANSWER\n{said}"

    return reply


def test_the_search_halves_while_the_answer_stays_and_tokens_fall(tree, mark):
    model = Scripted([thinking(mark, lambda told: told // 2)])
    heard = []
    answer = ask(tree, QUESTION, model, 5000, mode="once", reasoning="search", on_text=heard.append)
    told = [int(re.search(r"than (\d+)", sent[0][-1].text)[1]) for sent in model.sent]
    assert told == [told[0], told[0] // 2, told[0] // 4]
    assert answer.thought.count("so") == told[2] // 2
    assert heard == ["Both [1]."]
    assert answer.tokens <= 5000
    assert len(answer.ledger.calls) == 3


def test_the_search_keeps_the_last_answer_that_was_the_same(tree, mark):
    model = Scripted(
        [thinking(mark, lambda told: told // 2, lambda told: "Both." if told > 150 else "None.")]
    )
    answer = ask(tree, QUESTION, model, 5000, mode="once", reasoning="search")
    assert answer.text == "Both."
    assert len(model.sent) == 3
    assert count(answer.thought) < 150


def test_the_search_ends_where_fewer_tokens_told_take_no_fewer(tree, mark):
    model = Scripted([thinking(mark, lambda told: 40)])
    answer = ask(tree, QUESTION, model, 5000, mode="once", reasoning="search")
    assert len(model.sent) == 2
    assert answer.text == "Both [1]."


def test_thoughts_without_an_answer_are_followed_by_one(tree):
    model = Scripted(["so " * 2000, "Both [1]."])
    answer = ask(tree, QUESTION, model, 5000, mode="once", reasoning=100)
    assert answer.text == "Both [1]."
    assert "use less than" not in model.shown
    assert any("no answer behind its thoughts" in note for note in answer.ledger.notes)
