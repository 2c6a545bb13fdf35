"""Blocks: every text is partitioned, and what is read is what a person would call it."""

import random

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.blocks import BlockKind, find_blocks


def blocks_of(text):
    blocks = find_blocks(text)
    spans = zip(blocks.start.tolist(), blocks.end.tolist(), strict=True)
    kinds = [BlockKind(kind).name for kind in blocks.kind.tolist()]
    return [(kind, text[s:e].strip()) for kind, (s, e) in zip(kinds, spans, strict=True)]


def kinds_of(text):
    return [kind for kind, _ in blocks_of(text)]


def headings_of(text):
    blocks = find_blocks(text)
    return [
        (int(depth), text[start:end].strip("\ufeff\f\r\n ").splitlines()[0])
        for start, end, kind, depth in zip(
            blocks.start, blocks.end, blocks.kind, blocks.depth, strict=True
        )
        if kind == BlockKind.HEADING
    ]


def assert_partition(text):
    blocks = find_blocks(text)
    assert blocks.start[0] == 0
    assert blocks.end[-1] == len(text)
    assert np.array_equal(blocks.start[1:], blocks.end[:-1])
    assert (blocks.start < blocks.end).all()
    assert ((blocks.depth > 0) == (blocks.kind == BlockKind.HEADING)).all()


@given(st.text(alphabet="ab.:# -=|`>\t\n\r\f1\x85Ü\ufeff", min_size=1, max_size=300))
def test_blocks_partition_the_text(text):
    assert_partition(text)


@given(st.lists(st.sampled_from(
    ["# H", "a b.", "1. Item", "2.1 Terms", "CHAPTER I", "=====", "| a | b |", "|---|---|", "```",
     "~~~", "    x = f(1)", "A: yes", "B: no", "- i", "a\tb", "ALL CAPS", "", "", "\f", "> q"]
), min_size=1, max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))  # fmt: skip
def test_lines_in_any_order_are_partitioned_alike_under_every_line_end(lines, end):
    text = end.join(lines) or "x"
    assert_partition(text)
    assert kinds_of(text) == kinds_of(text.replace(end, "\n"))


@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_hostile_texts_are_partitioned(kind):
    for seed in range(3):
        assert_partition(hostile.TEXTS[kind](random.Random(seed)) or "x")


def test_every_kind_of_block_is_read():
    text = (
        "# Title\n\nA paragraph of\ntwo lines.\n\n- one\n- two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```py\nx = 1\n\ny = 2\n```\n\n    indented = code(1)\n    more = code(2)\n"
    )
    assert kinds_of(text) == ["HEADING", "PARAGRAPH", "LIST", "LIST", "TABLE", "CODE", "CODE"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\nText here.\n\n### Three\nMore.\n", [(1, "# One"), (3, "### Three")]),
        ("Text.\n###### Six\nMore.\n", [(6, "###### Six")]),
        ("Title\n=====\n\nText.\n\nPart\n----\n\nMore.\n", [(1, "Title"), (2, "Part")]),
        ("Deep\n~~~~\n\nText.\n\nDeeper\n^^^^^^\n\nText.\n", [(3, "Deep"), (4, "Deeper")]),
        ("Over\nText.\n\n=====\nBoth\n=====\n\nText.\n", [(1, "=====")]),
        (
            "1. Definitions\n\nText.\n\n1.2 Terms\n\nText.\n",
            [(2, "1. Definitions"), (3, "1.2 Terms")],
        ),
        ("4.3.2 Duties of the Board\n\nText.\n", [(4, "4.3.2 Duties of the Board")]),
        ("CHAPTER IV\n\nText.\n", [(2, "CHAPTER IV")]),
        ("Chapter 4\n\nIt rained.\n", [(2, "Chapter 4")]),
        ("Act I\nScene 2\n\nEnter a ghost.\n", [(1, "Act I"), (3, "Scene 2")]),
        ("Article 5: Payment\n\nText.\n", [(2, "Article 5: Payment")]),
        ("§ 4 Payment\n\nText.\n", [(3, "§ 4 Payment")]),
        ("Appendix A: Data\n\nText.\n", [(2, "Appendix A: Data")]),
        ("GENERAL PROVISIONS\n\nText follows.\n", [(2, "GENERAL PROVISIONS")]),
        ("# One\r\n\r\nText here.\r\n", [(1, "# One")]),
        ("Title\r\n=====\r\nText.\r\n", [(1, "Title")]),
        ("\ufeff# One\n\nText behind a byte-order mark.\n", [(1, "# One")]),
        ("The end.\n\fCHAPTER V\n\nA new page.\n", [(2, "CHAPTER V")]),
    ],
)
def test_headings_are_found_with_their_depth(text, expected):
    assert headings_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1. Wash the apples.\n2. Peel the apples.\n3. Eat them.\n",
        "1. Apples\n2. Pears\n3. Plums\n",
        "1. Apples\n\n2. Pears\n\n3. Plums\n",
        "NASA SAID SO.\n\nText.\n",
        "USA\n\nText.\n",
        "He read chapter 4 of the book\nand slept.\n",
        "Chapter 4 of the book says so\n\nMore.\n",
        "Article 5\nof the treaty says so.\n",
        "a plain line without a stop\nanother plain line\n",
        "It was in the year\n1999. Then he left.\n",
        "Signed by the parties to section\n5. It came into force at once.\n",
        "WORDS IN CAPITALS AT THE VERY END",
        "#hashtag is no heading\n",
        "####### Seven is one too many\n\nText.\n",
        "Text.\n\n-----\n\nMore behind a rule.\n",
        "2019 was the year in which it all happened to them.\n\nText.\n",
        "3.14 is about pi\n\nText.\n",
        "```\n# a comment\n```\n",
    ],
)
def test_what_is_no_heading_is_not_taken_for_one(text):
    assert headings_of(text) == []


def test_turns_of_a_conversation_are_blocks():
    text = "Alice: Hello there.\nHow are you?\nBob: Fine.\nAlice: Good.\nBob: Bye.\n"
    assert blocks_of(text)[:2] == [
        ("TURN", "Alice: Hello there.\nHow are you?"),
        ("TURN", "Bob: Fine."),
    ]
    stamped = "".join(f"[00:1{i}] {name}: Yes.\n" for i, name in enumerate(["Ana Lima", "Bo"] * 2))
    assert kinds_of(stamped) == ["TURN"] * 4


def test_a_colon_alone_makes_no_conversation():
    assert kinds_of("Note: this is it.\nNothing: more.\n") == ["PARAGRAPH"]


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_a_fence_ends_at_its_own_kind_or_at_the_end(fence):
    inside = f"{fence}py\n\n# no heading\n''' ~~ ``\n"
    assert kinds_of(f"Text.\n{inside}{fence}\nText.\n") == ["PARAGRAPH", "CODE", "PARAGRAPH"]
    assert kinds_of(f"Text.\n\n{inside}") == ["PARAGRAPH", "CODE"]


def test_code_within_a_line_opens_no_fence():
    assert kinds_of("```x``` is code.\n\n# Next\n\nText.\n") == [
        "PARAGRAPH",
        "HEADING",
        "PARAGRAPH",
    ]


def test_an_indented_quotation_is_no_code():
    assert kinds_of("He said:\n\n    It is a far, far better thing\n    that I do.\n") == [
        "PARAGRAPH",
        "PARAGRAPH",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a | b\n--|--:\n1 | 2",
        "a\tb\tc\n1\t2\t3",
        "+---+---+\n| a | b |\n+---+---+",
    ],
)
def test_tables_are_told_from_the_text_around_them(rows):
    text = f"Before.\n\n{rows}\n\nBehind.\n"
    assert blocks_of(text) == [("PARAGRAPH", "Before."), ("TABLE", rows), ("PARAGRAPH", "Behind.")]


def test_a_bar_in_prose_makes_no_table():
    assert kinds_of("Either a | b\nor c | d.\n") == ["PARAGRAPH"]


def test_a_list_may_begin_behind_a_sentence_but_not_inside_one():
    assert kinds_of("We need:\n1. eggs\n2. milk\n") == ["PARAGRAPH", "LIST", "LIST"]
    assert kinds_of("We need (see\nb) above) some milk\nand eggs.\n") == ["PARAGRAPH"]


@pytest.mark.parametrize("text", ["word", "\n\n", " \n\nword", "just some words\nand no more"])
def test_text_without_structure_is_one_paragraph(text):
    assert blocks_of(text) == [("PARAGRAPH", text.strip())]
