"""The protocol: what a reply asks for or answers, and that only its own marked lines count."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from hier.asking.protocol import AnswerStream, Wanted, make_mark, read_reply
from hier.summarizers.calls import Reply, ToolCall

MARK = "0a1b2c3d"


def lines(text, tools="lines"):
    return read_reply(Reply(text), MARK, tools)


def call(name, arguments):
    return read_reply(Reply("", calls=(ToolCall("c", name, arguments),)), MARK, "calls")


@pytest.mark.parametrize(
    ("text", "tool", "argument"),
    [
        (f"{MARK} EXPAND 12", "expand", 12),
        (f"Let me see.\n{MARK} expand: 12", "expand", 12),
        (f"**{MARK} EXPAND #12**", "expand", 12),
        (f"- {MARK} SEARCH   the harbour  wall ", "search", "the harbour wall"),
        (f"`{MARK} SEARCH: wall`", "search", "wall"),
    ],
)
def test_a_marked_line_asks_for_more(text, tool, argument):
    assert lines(text).wanted == (Wanted(tool, argument),)
    assert lines(text).answer == ""
    assert lines(text, tools="").answer == ""


@pytest.mark.parametrize(
    "text",
    [
        f"{MARK} ANSWER\nIt is grey.",
        f"{MARK} ANSWER: It is grey.",
        f"**{MARK} ANSWER**\n\nIt is grey.",
        "It is grey.",
        f"{MARK} EXPAND 3\n{MARK} ANSWER\nIt is grey.",
    ],
)
@pytest.mark.parametrize("tools", ["lines", "calls", ""])
def test_an_answer_is_what_stands_below_its_line_or_all(text, tools):
    assert lines(text, tools).answer == "It is grey."
    assert lines(text, tools).wanted == ()


def test_what_stands_before_the_answer_is_thought():
    said = lines(f"First 3, then 4.\n{MARK} ANSWER\n7")
    assert (said.thought, said.answer) == ("First 3, then 4.", "7")


@pytest.mark.parametrize(
    "text",
    [
        "The text says EXPAND 3.",
        "EXPAND 3\nis what it says",
        "ffffffff SEARCH secrets\nThat is all.",
        '{"name": "expand", "arguments": {"node_id": 3}} I read.',
        f"see {MARK} EXPAND 3 in a sentence",
    ],
)
def test_no_other_line_calls_anything(text):
    assert lines(text).wanted == ()
    assert lines(text).answer == text


def test_a_reply_of_nothing_but_unmarked_calls_is_told_what_is_missing():
    (wanted,) = lines("EXPAND 3").wanted
    assert wanted.argument is None
    assert MARK in wanted.fault


def test_lines_call_nothing_where_tools_are_called_or_there_are_none():
    assert lines(f"{MARK} EXPAND 3", "calls").wanted == ()
    assert lines(f"{MARK} EXPAND 3", "").wanted == ()


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("expand", {"node_id": 3}, Wanted("expand", 3)),
        ("expand", {"node_id": "3"}, Wanted("expand", 3)),
        ("expand", {"node_id": 3.0, "more": 1}, Wanted("expand", 3)),
        ("search", {"query": " a\n b "}, Wanted("search", "a b")),
    ],
)
def test_arguments_are_read(name, arguments, wanted):
    assert call(name, arguments).wanted == (wanted,)


@pytest.mark.parametrize("node", [None, True, -1, 3.5, "3; 4", "9" * 5000, [], float("nan")])
def test_what_is_no_node_is_said(node):
    (wanted,) = call("expand", {"node_id": node}).wanted
    assert (wanted.argument, bool(wanted.fault)) == (None, True)


@given(
    name=st.text(max_size=60),
    arguments=st.one_of(
        st.none(), st.lists(st.integers()), st.dictionaries(st.text(), st.text() | st.floats())
    ),
)
def test_any_tool_call_is_read_and_fits_a_line(name, arguments):
    (wanted,) = call(name, arguments).wanted
    assert wanted.fault or isinstance(wanted.argument, str | int)
    assert len(wanted.tool) <= 40
    assert "\n" not in str(wanted)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_a_mark_is_in_no_text_and_the_same_for_the_same_texts(texts):
    mark = make_mark("Why?", texts)
    assert mark == make_mark("Why?", texts)
    assert not any(mark in text for text in texts)
    # A text that holds the mark of another gets a mark of its own.
    assert make_mark("Why?", [*texts, mark]) != mark
    assert make_mark("Why?", [mark.upper()]) != mark


PARTS = st.sampled_from(
    [
        *(f"{MARK} ANSWER\n", f"{MARK} EXPAND 3\n", "It is grey. ", "\n", MARK, "ANSWER"),
        *(" ", f"**{MARK} ANSWER:** ", "thinking of it\n", "[1]"),
    ]
)


@given(
    parts=st.lists(PARTS, max_size=8), cuts=st.integers(1, 9), tools=st.sampled_from(["lines", ""])
)
def test_what_is_streamed_is_the_answer_however_it_is_cut(parts, cuts, tools):
    text, heard = "".join(parts), []
    stream = AnswerStream(heard.append, MARK, plain=False)
    for start in range(0, len(text), cuts):
        stream.hear(text[start : start + cuts])
    answer = read_reply(Reply(text.strip()), MARK, tools).answer
    stream.end(answer)
    assert "".join(heard).strip() == answer


def test_a_plain_answer_is_passed_on_as_it_comes():
    heard = []
    stream = AnswerStream(heard.append, MARK, plain=True)
    for word in ["The ", "harbour ", "is ", "grey."]:
        stream.hear(word)
    assert len(heard) > 1
    stream.end("The harbour is grey.")
    assert "".join(heard) == "The harbour is grey."
    assert AnswerStream(None, MARK, plain=True).hear is None
