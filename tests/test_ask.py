"""Asking: one budget for everything, always an end, and what was shown is what is cited."""

import functools
import json
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from scripted_model import QUESTION, Scripted, calls, count, expand, search

import hier
from hier.asking.ask import ask
from hier.asking.estimate import estimate
from hier.asking.protocol import make_mark
from hier.errors import BudgetError, InputError
from hier.ledger import Ledger
from hier.summarizers.calls import Reply


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:60_000])


@functools.cache
def small_tree():
    """A tree that is no fixture: Hypothesis would print all of it for a failing example."""
    from pydoc_data import topics

    return hier.build("\n\n".join(topics.topics.values())[:12_000])


@pytest.fixture(scope="module")
def small():
    return small_tree()


@pytest.fixture(scope="module")
def short():
    return hier.build(
        "The harbour was built in 1911. The mole is 300 metres long.\n\nIt is grey.\n"
    )


# One budget

CALLS = (
    ("expand", {"node_id": 2}),
    ("expand", {"node_id": 10**9}),
    ("expand", {"node_id": None}),
    ("expand", {}),
    ("search", {"query": "generator " * 200}),
    ("search", {"query": "the yield expression"}),
    ("search", {"words": 1}),
    ("delete", {"everything": True}),
)
LINES = ("EXPAND 3", "EXPAND 99999999", "SEARCH yield", "SEARCH", "ANSWER", "ANSWER a b c")
TEXTS = ("", "Yes [1].", "No [2][999]. " * 900, "let me look " * 40)


def marked(words):
    """A reply of one line with the mark, read off what was sent, and words behind it."""
    return lambda messages: f"{messages[0].text.split('</', 1)[-1][:8]} {words}"


# What a model may say, likely and not: a few calls, a marked line, or a text.
SAID = st.one_of(
    st.tuples(st.lists(st.integers(0, len(CALLS) - 1), min_size=1, max_size=6)),
    st.tuples(st.sampled_from(LINES), st.booleans()),
    st.tuples(st.integers(0, len(TEXTS) - 1), st.sampled_from(["stop", "length", "refused"])),
)


def spoken(said):
    """A reply, made of its short description."""
    if isinstance(said[0], list):
        return calls(*(CALLS[number] for number in said[0]), text=TEXTS[len(said[0]) % 4])
    if isinstance(said[0], str):
        return marked(said[0] + "\nyes" * 3000 * said[1])
    return Reply(TEXTS[said[0]].strip(), said[1])


@settings(max_examples=60)
@given(
    script=st.lists(SAID, min_size=1, max_size=7),
    budget=st.integers(250, 5_000),
    steps=st.integers(1, 7),
    has_tools=st.booleans(),
    mode=st.sampled_from(["auto", "auto", "once", "steps"]),
    reasoning=st.sampled_from([None, None, 64, 700, "estimate", "search"]),
    price=st.sampled_from(["balanced", None]),
    ratio=st.sampled_from([0.0, 0.7, 1.0]),
    window=st.sampled_from([None, 1500]),
)
def test_no_conversation_exceeds_its_budget_or_its_steps(
    script, budget, steps, has_tools, mode, reasoning, price, ratio, window
):
    model = Scripted([spoken(said) for said in script], has_tools, window, ratio)
    small, heard, ledger = small_tree(), [], Ledger()
    options = {"mode": mode, "reasoning": reasoning, "steps": steps, "price": price}
    try:
        answer = ask(small, QUESTION, model, budget, ledger=ledger, on_text=heard.append, **options)
    except (BudgetError, InputError):
        assert len(model.sent) <= 1
        answer = None
    assert ledger.total().tokens <= budget
    assert len(model.sent) <= steps
    spent = 0
    for messages, most, _ in model.sent:
        sent = sum(count(message.text) for message in messages)
        assert most >= 1
        assert sent + most <= min(budget - spent, window or budget)
        spent += sent
    if answer is None:
        return
    assert answer.tokens <= budget
    assert answer.ledger.total() == ledger.total()
    assert answer.ledger.total().calls == len(model.sent)
    assert "".join(heard).strip() == answer.text
    assert bool(answer.text) or answer.stop in ("budget", "empty", "refused")
    assert json.loads(json.dumps(answer.to_dict()))["text"] == answer.text
    for cited in answer.citations:
        assert cited.kind == "verbatim"
        assert small.source[cited.start : cited.end] == cited.text


QUESTIONS = (QUESTION, "What?", "Which statement may follow an else, and what is then bound?")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("price", ["balanced", None, 90])
def test_the_least_budget_shows_something_and_one_less_is_refused(small, question, price):
    least = estimate(small, question).least
    for budget in (least, least + 1, least + 57, 2 * least):
        answer = ask(small, question, Scripted(), budget, price=price)
        assert answer.text == "The answer."
        assert answer.contexts[0].segments
    for budget in (1, 100, least - 1):
        model = Scripted()
        with pytest.raises(BudgetError, match=f"budget {budget} is below .*{least} tokens"):
            ask(small, question, model, budget, price=price)
        assert not model.sent


def test_a_window_too_small_is_refused_before_anything_is_sent(tree):
    model = Scripted(window=100)
    with pytest.raises(BudgetError, match="window of 100 tokens"):
        ask(tree, QUESTION, model, 8000)
    assert not model.sent


def test_what_the_server_counts_more_is_what_is_left(tree):
    model = Scripted([search(f"part {n}") for n in range(9)], ratio=1.8)
    answer = ask(tree, QUESTION, model, 9000, steps=9)
    told = answer.ledger.total().tokens
    assert told <= answer.tokens <= 9000
    assert len(model.sent) > 1
    sent = sum(count(m.text) for messages, _, _ in model.sent for m in messages)
    assert told > 1.7 * sent


# Coarse to fine


def test_the_model_asks_and_what_it_asks_for_is_shown(tree):
    node = next(n for n in tree.nodes if n.level == 3)
    model = Scripted([expand(node.id), search("yield expression"), "Found [1]."])
    answer = ask(tree, QUESTION, model, 20_000)
    overview, opened, found = answer.steps
    assert (overview.asked, opened.asked, opened.argument) == ("overview", "expand", node.id)
    assert (found.asked, found.argument, answer.stop) == ("search", "yield expression", "answered")
    for context, step in zip(answer.contexts, answer.steps, strict=True):
        assert bool(context.segments) == (step.numbers is not None)
        for segment in context.segments:
            assert segment.text.strip()[:40] in model.shown
    assert all(node.start <= s.start < s.end <= node.end for s in answer.contexts[1].segments)
    assert f"{node.id}, {node.tokens}: " in model.shown
    purposes = [call.purpose for call in answer.ledger.calls]
    assert purposes == ["selecting", "selecting", "answering"]


def test_nothing_is_shown_twice(tree):
    script = [search(QUESTION), search(QUESTION), expand(tree.root.id), "Done."]
    answer = ask(tree, QUESTION, Scripted(script), 16_000, price=None)
    spans = sorted((s.start, s.end) for context in answer.contexts for s in context.segments)
    assert len(spans) > 10
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("has_tools", [True, False])
def test_an_endless_loop_ends_with_an_answer(tree, has_tools):
    mark = make_mark(QUESTION, [tree.source])

    def again(messages):
        if "Answer the question now" in messages[-1].text:
            return "At last [1]."
        return search("more of it") if has_tools else f"{mark} SEARCH more of it"

    model = Scripted([again], has_tools)
    answer = ask(tree, QUESTION, model, 20_000, steps=5, price=None)
    assert (answer.text, len(model.sent) <= 5) == ("At last [1].", True)
    assert answer.stop in ("steps", "price", "budget")
    assert model.sent[-1][2] == 0


def test_it_stops_where_nothing_more_is_worth_its_price(tree):
    model = Scripted([lambda sent: search("wombat") if "Outline" in sent[-1].text else "No."])
    answer = ask(tree, QUESTION, model, 20_000, steps=20, price=60)
    assert answer.stop == "price"
    assert len(model.sent) < 20


def test_a_short_text_is_sent_whole_in_one_call(short):
    model = Scripted(["It is 300 metres long [1]."])
    answer = ask(short, "How long is the mole?", model, 2000)
    assert [step.asked for step in answer.steps] == ["whole"]
    assert "The mole is 300 metres long." in model.shown
    assert len(model.sent) == 1


def test_once_is_one_context_and_one_answer(tree):
    model = Scripted([search("yield")])
    answer = ask(tree, QUESTION, Scripted(["Yes [1]."]), 4000, mode="once")
    assert (len(answer.contexts), answer.stop, len(answer.ledger.calls)) == (1, "answered", 1)
    answer = ask(tree, QUESTION, model, 4000, mode="once")
    assert {tools for _, _, tools in model.sent} == {0}
    assert answer.stop == "empty"


def test_auto_does_not_loop_where_two_calls_cannot_be_paid(tree):
    small, large = Scripted(), Scripted()
    ask(tree, QUESTION, small, 900)
    ask(tree, QUESTION, large, 8000)
    assert (small.sent[0][2], large.sent[0][2]) == (0, 2)
    with pytest.raises(BudgetError, match="mode='once'"):
        ask(tree, QUESTION, Scripted(), 900, mode="steps")
