"""Messages: the budget holds for every conversation, and all of it stays valid and in place."""

import copy
import json
import re

import pytest
from dialogues import SENTENCES, conversations, count, holds, texts, tokens_of, valid
from hypothesis import given, settings
from hypothesis import strategies as st

import hier
from hier.messages.choosing import MARK
from hier.messages.turns import requests

QUESTION = "What is the colour of the lamp in room 7?"
FACT = "The safe in the cellar opens with the number 5929."
REPORT = "\n\n".join(" ".join(SENTENCES[n : n + 6]) for n in range(0, 114, 6))


def user(content):
    return {"role": "user", "content": content}


def chat(*said):
    """A conversation of a user and a model, by turns."""
    roles = ["user", "assistant"] * len(said)
    return [{"role": role, "content": text} for role, text in zip(roles, said, strict=False)]


def called(result, name="call_1", arguments=None):
    """A call of a tool and its result."""
    function = {"name": "look", "arguments": json.dumps(arguments or {})}
    calls = [{"id": name, "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": name, "content": result},
    ]


# What holds of every conversation


@given(conversations(), st.integers(100, 3000), st.sampled_from([0.3, 0.8, 1.0]))
@settings(max_examples=15)
def test_the_budget_holds_and_all_stays_valid(messages, budget, low_water):
    came = copy.deepcopy(messages)
    try:
        result = hier.compress_messages(messages, budget, low_water=low_water)
    except hier.BudgetError as error:
        least = int(str(error).split("messages, ")[1].split()[0])
        assert budget < least
        holds(messages, hier.compress_messages(messages, least, low_water=low_water))
        return
    finally:
        assert messages == came
    holds(messages, result)
    if tokens_of(messages) <= budget:
        assert all(new is old for new, old in zip(result.messages, messages, strict=True))


@given(conversations(), st.integers(300, 1500), st.sampled_from([0.0, 0.5]))
@settings(max_examples=5)
def test_what_is_known_changes_nothing_but_the_time(messages, budget, refresh):
    previous = None
    for end in requests(messages):
        try:
            result = hier.compress_messages(messages[:end], budget, refresh=refresh)
        except hier.BudgetError:
            continue
        again = hier.compress_messages(messages[:end], budget, refresh=refresh, previous=previous)
        assert again == result
        if previous is not None and not refresh:
            new = messages[len(previous.known.messages) : end]
            if previous.tokens + tokens_of(new) - 3 <= budget:
                assert result.messages == previous.messages + new
        previous = result


# The same beginning


def test_a_long_conversation_seldom_begins_anew():
    said = []
    for number in range(60):
        said += [f"What about number {number}? {SENTENCES[number]}", SENTENCES[2 * number]]
    messages, budget, anew = chat(*said[:-1]), 500, 0
    sent, result, rarely = [], None, {"refresh": 0, "low_water": 0.6}
    for end in requests(messages):
        result = hier.compress_messages(messages[:end], budget, **rarely, previous=result)
        anew += result.messages[: len(sent)] != sent
        sent = result.messages
    assert result == hier.compress_messages(messages, budget, **rarely)
    total = tokens_of(messages)
    assert total > 4 * budget
    # Every time, two fifths of the room are left free; some of it for what is kept whole.
    assert 0 < anew <= total / (0.3 * budget) + 1


def test_what_was_sent_stays_when_a_new_result_is_long():
    budget = 1500
    messages = [user("Look at all the rooms. What is in room 3?"), *called(SENTENCES[3])]
    first = hier.compress_messages(messages, budget)
    assert first.messages == messages
    messages = messages + called(REPORT, "call_2")
    second = hier.compress_messages(messages, budget, previous=first)
    assert second.messages[: len(first.messages)] == first.messages
    assert [change.index for change in second.changes] == [4]
    assert SENTENCES[9].split(" and ")[0] in second.messages[-1]["content"]


def test_another_conversation_is_not_taken_for_the_same():
    first = hier.compress_messages([user(f"{REPORT}\n\n{QUESTION}")], 500)
    other = [user(f"{REPORT}\n\nWhich clock is white?")]
    assert hier.compress_messages(other, 500, previous=first) == hier.compress_messages(other, 500)
    again = hier.compress_messages(other, 300, previous=first)
    assert again == hier.compress_messages(other, 300)


# What is kept


@pytest.mark.parametrize(
    "content",
    [
        f"{QUESTION}\n\n{REPORT}",
        f"{REPORT}\n\n{QUESTION}",
        f"{REPORT}\n{QUESTION}",
        f"<document>\n{REPORT}\n</document>\n{QUESTION} Say\n\nthe colour.",
        f"{QUESTION}\n```\n{REPORT}\n```",
        f"{' '.join(SENTENCES)} {QUESTION}",
        [{"type": "text", "text": REPORT}, {"type": "text", "text": QUESTION}],
    ],
)
def test_the_question_is_kept_and_the_answer_found(content):
    result = hier.compress_messages([user(content)], 600)
    shown = "".join(texts(result.messages[0]))
    assert QUESTION in shown
    assert "The lamp in room 7 is green" in shown.replace(QUESTION, "")
    assert result.tokens > 0.8 * 600


def test_facts_are_found_wherever_they_were_said():
    hidden = f"{REPORT}\n\n{FACT}\n\n{REPORT}"
    for place in range(3):
        reports = [hidden if n == place else REPORT for n in range(3)]
        messages = [
            {"role": "system", "content": "Be brief."},
            user(f"Read this.\n\n{reports[0]}"),
            {"role": "assistant", "content": reports[1]},
            user("Look it up."),
            *called(reports[2]),
            {"role": "assistant", "content": "I did."},
            user("Which number opens the safe in the cellar?"),
        ]
        result = hier.compress_messages(messages, 700)
        assert any(FACT in text for message in result.messages for text in texts(message))


def test_a_question_that_leans_on_the_one_before_is_asked_with_it():
    messages = [*chat("Which number opens the safe?", "I do not know."), user("And now?")]
    messages[1:1] = called(f"{REPORT}\n\n{FACT}\n\n{REPORT}")
    result = hier.compress_messages(messages, 400)
    assert any(FACT in text for message in result.messages for text in texts(message))


def test_new_short_texts_are_kept_before_old_ones():
    messages = chat(*SENTENCES[:41])
    result = hier.compress_messages(messages, 400)
    shown = [message["content"] != MARK for message in result.messages]
    assert shown[-4:] == [True] * 4
    assert MARK in [message["content"] for message in result.messages[:-4]]


def test_the_oldest_turns_are_left_out_where_marks_are_too_much():
    messages = [{"role": "system", "content": "Be brief."}]
    for number in range(120):
        messages += [user(SENTENCES[number]), *called(SENTENCES[number], f"call_{number}")]
        messages += [{"role": "assistant", "content": "Yes."}]
    messages.append(user(QUESTION))
    result = hier.compress_messages(messages, 700)
    holds(messages, result)
    assert result.messages[0] is messages[0]
    assert result.indices[1] > 100
    assert result.messages[1]["role"] == "user"
    gone = [change for change in result.changes if not change.after]
    assert [change.index for change in gone] == list(range(1, result.indices[1]))


def test_rounds_of_one_turn_are_left_out_with_their_results():
    messages = [user("Find the safe.")]
    for number in range(60):
        messages += called(SENTENCES[number], f"call_{number}", {"place": SENTENCES[number]})
    result = hier.compress_messages(messages, 500)
    holds(messages, result)
    assert result.messages[0] is messages[0]
    assert result.messages[1]["role"] == "assistant"
    assert result.messages[-2:] == messages[-2:]
    valid(result.messages)


def test_a_budget_that_is_too_small_says_the_least():
    messages = [{"role": "system", "content": SENTENCES[0]}, user(f"{REPORT}\n\n{QUESTION}")]
    with pytest.raises(hier.BudgetError, match="raise the budget") as caught:
        hier.compress_messages(messages, 30)
    least = int(str(caught.value).split("messages, ")[1].split()[0])
    assert hier.compress_messages(messages, least).tokens == least
    with pytest.raises(hier.BudgetError):
        hier.compress_messages(messages, least - 1)


def test_parts_that_are_no_text_are_untouched_and_counted():
    file = {"type": "file", "file": {"file_id": "file-1"}}
    large = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    messages = [user([{"type": "text", "text": 2 * REPORT}, large, file])]
    messages += [*chat("", "Yes.")[1:], user(QUESTION)]
    result = hier.compress_messages(messages, 5000, part_tokens=500)
    assert result.messages[0]["content"][1:] == [large, file]
    assert result.tokens > 1445 + 500
    with pytest.raises(hier.InputError, match="part_tokens"):
        hier.compress_messages(messages, 5000)


def test_other_tokenizers_count():
    messages = [*chat(REPORT, "Yes."), user(QUESTION)]
    result = hier.compress_messages(messages, 900, tokenizer=len)
    written = sum(3 + len(m["role"]) + len(m["content"]) for m in result.messages)
    assert result.tokens == 3 + written <= 900


# Bad input


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ("hello", "list"),
        (b"hello", "list"),
        (None, "list"),
        ({"role": "user", "content": "x"}, "list"),
        ([], "empty"),
        (["hello"], "message 0"),
        ([user("x"), None], "message 1"),
        ([{"content": "x"}], "role"),
        ([{"role": "wizard", "content": "x"}], "wizard"),
        ([{"role": ["user"], "content": "x"}], "role"),
        ([{"role": "user"}], "content"),
        ([user(None)], "content"),
        ([user(b"x")], "bytes"),
        ([user(7)], "int"),
        ([user(["x"])], "part 0"),
        ([user([{"text": "x"}])], "part 0"),
        ([user([{"type": "text"}])], "part 0"),
        ([user([{"type": "text", "text": b"x"}])], "part 0"),
        ([{**user("x"), "name": 7}], "name"),
        ([{**user("x"), "extra": {1, 2}}], "extra"),
        ([user("x"), {"role": "tool", "content": "x"}], "tool_call_id"),
        ([user("x"), {"role": "tool", "tool_call_id": "a", "content": "x"}], "'a'"),
        ([{"role": "system", "content": None}], "content"),
        ([{"role": "assistant", "content": "x", "tool_calls": "a"}], "tool_calls"),
        ([{"role": "assistant", "content": "x", "tool_calls": ["a"]}], "id"),
        ([{**user("x"), "tool_calls": [{"id": "a"}]}], "tool_calls"),
    ],
)
def test_what_is_no_conversation_is_refused(messages, said):
    with pytest.raises(hier.InputError, match=said):
        hier.compress_messages(messages)


@pytest.mark.parametrize("budget", [0, -1, 1.5, "2000", "auto", None, True])
def test_what_is_no_budget_is_refused(budget):
    with pytest.raises(hier.BudgetError):
        hier.compress_messages([user("x")], budget)


@pytest.mark.parametrize(
    "options",
    [
        {"low_water": 0},
        {"low_water": 1.1},
        {"refresh": -0.1},
        {"low_water": "half"},
        {"part_tokens": -1},
        {"part_tokens": 1.5},
        {"previous": "before"},
    ],
)
def test_what_is_no_option_is_refused(options):
    with pytest.raises(hier.InputError, match=next(iter(options))):
        hier.compress_messages([user("x")], 100, **options)


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(hier.TokenizerError):
        hier.compress_messages([user("x")], 100, tokenizer="nobody's")


def test_odd_texts_go_through():
    messages = [user(""), user(" \n"), user("\ud800" * 50), user("[…]"), user(QUESTION)]
    assert hier.compress_messages(messages, 500).messages == messages
    holds(messages[3:], hier.compress_messages(messages[3:], 500))
    odd = [user("\ud800x " * 400), user("." * 3000), user(QUESTION)]
    result = hier.compress_messages(odd, 200)
    assert result.tokens <= 200
    assert result.messages[-1] is odd[-1]
    assert count(result.messages[-1]["content"]) > 0


# The page


def test_the_example_of_the_page_runs(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report = f"# Ending\n\nEither party may terminate with two months of notice.\n\n{REPORT}"
    report += "\n\nThe garden is watered by the landlord."
    (tmp_path / "report.txt").write_text(report, encoding="utf-8")
    page = (repository / "docs/messages.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(compile(example, "docs/messages.md", "exec"), {})
    out = capsys.readouterr().out
    assert "Either party may terminate with two months of notice." in out
    assert "watered by the landlord" in out
