"""Leaves: they partition the text, keep to their limit and are cut where it hurts least."""

import random

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.blocks import BlockKind
from hier.segment import segment
from hier.tokens import load_tokenizer

TOKENIZER = load_tokenizer("o200k_base")
CHARACTERS = load_tokenizer(len)


def leaves_of(text, tokenizer=TOKENIZER, limit=120):
    leaves = segment(text, tokenizer.sizes(text), limit).leaves
    return [text[s:e] for s, e in zip(leaves.start.tolist(), leaves.end.tolist(), strict=True)]


def too_long(segmentation, sizes, limit=120):
    """Which leaves are longer than may be: a row of a table may have four times as much."""
    leaves, kind = segmentation.leaves, segmentation.blocks.kind
    limits = np.where(kind[segmentation.leaves.block] == BlockKind.TABLE, 4 * limit, limit)
    return sizes(leaves.start, leaves.end) > limits


@given(
    st.lists(
        st.sampled_from(
            [*"Word. |\n\n|# H\n\n|é|猫。|- i\n| ".split("|"), "a" * 300, "| x | y |\n"]
        ),
        min_size=1,
        max_size=40,
    ).map("".join)
)
def test_leaves_partition_the_text_within_their_limit(text):
    leaves = leaves_of(text)
    assert "".join(leaves) == text
    assert all(leaves)
    sizes = TOKENIZER.sizes(text)
    assert not too_long(segment(text, sizes), sizes).any()


@given(st.text(min_size=1, max_size=400), st.integers(1, 40))
def test_any_text_is_partitioned_within_any_limit(text, limit):
    leaves = leaves_of(text, CHARACTERS, limit)
    assert "".join(leaves) == text
    assert all(leaves)
    sizes = CHARACTERS.sizes(text)
    assert not too_long(segment(text, sizes, limit), sizes, limit).any()


# Counts that grow with the text; "compressed" may find less of a text larger than more of it.
@pytest.mark.parametrize("counter", ["o200k_base", "cl100k_base", "characters", "words", "bytes"])
@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_hostile_text_is_partitioned_within_the_limit(kind, counter):
    text = (hostile.TEXTS[kind](random.Random(5)) or "x")[:6000]
    sizes = load_tokenizer(hostile.COUNTERS[counter]()[0]).sizes(text)
    segmentation = segment(text, sizes, 120)
    leaves = segmentation.leaves
    assert leaves.start[0] == 0
    assert leaves.end[-1] == len(text)
    assert np.array_equal(leaves.start[1:], leaves.end[:-1])
    assert (leaves.start < leaves.end).all()
    long = too_long(segmentation, sizes)
    assert (leaves.end - leaves.start == 1)[long].all()
    again = segment(text, sizes, 120).leaves
    assert np.array_equal(leaves.start, again.start)


@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_every_leaf_lies_in_its_block(kind):
    text = (hostile.TEXTS[kind](random.Random(6)) or "x")[:6000]
    segmentation = segment(text, CHARACTERS.sizes(text), 120)
    blocks, leaves = segmentation.blocks, segmentation.leaves
    assert (blocks.start[leaves.block] <= leaves.start).all()
    assert (leaves.end <= blocks.end[leaves.block]).all()


def test_a_row_of_a_table_is_a_leaf():
    header, *rows = "| a | b |\n|---|---|", "| 1 | 2 |", "| 3 | 4 |"
    assert leaves_of("\n".join([header, *rows, ""])) == [f"{row}\n" for row in (header, *rows)]


def test_a_row_is_whole_up_to_four_times_the_limit():
    row = f"| {'x ' * 230}|\n"
    assert leaves_of(f"| a |\n|---|\n{row}", CHARACTERS) == ["| a |\n|---|\n", row]
    long = f"| {'x ' * 250}|\n"
    assert len(leaves_of(f"| a |\n|---|\n{long}", CHARACTERS)) == 3


def test_no_leaf_is_an_indent():
    assert leaves_of("One.\n\n   Two.  Three.\n") == ["One.\n\n", "   Two.  ", "Three.\n"]


def test_a_heading_is_a_leaf():
    assert leaves_of("# Title\n\nOne. Two.\n") == ["# Title\n\n", "One. ", "Two.\n"]


def test_lines_of_code_stay_together_up_to_sixty_tokens():
    lines = [f"x{i:02} = f({i:02})\n" for i in range(12)]
    assert leaves_of("```\n" + "".join(lines) + "```\n", CHARACTERS) == [
        "```\n" + "".join(lines[:4]), "".join(lines[4:9]), "".join(lines[9:]) + "```\n",
    ]  # fmt: skip


def test_long_sentences_are_cut_at_clauses_then_words_then_marks_then_characters():
    clauses = "the first part of it, " * 20
    assert all(leaf.endswith(", ") for leaf in leaves_of(clauses, CHARACTERS))
    words = "word " * 100
    assert all(leaf.endswith("word ") for leaf in leaves_of(words, CHARACTERS))
    marks = '{"a":1,"b":2},' * 50
    assert all(leaf[-1] in ",:}" for leaf in leaves_of(marks, CHARACTERS))
    letters = leaves_of("a" * 1000, CHARACTERS)
    assert max(map(len, letters)) <= 120
    assert len(letters) < 20
    chinese = "这是一个很长的句子，" * 50
    assert all(leaf.endswith("，") for leaf in leaves_of(chinese, CHARACTERS))


@pytest.mark.parametrize("limit", range(64, 84))
def test_numbers_times_and_addresses_are_not_cut(limit):
    text = "we paid $1,234,567.89 at 12:30:45 to http://a.example:80/x;y?z=(1) or so " * 10
    whole = set(text.split())
    for leaf in leaves_of(text, CHARACTERS, limit):
        assert set(leaf.split()) <= whole


@pytest.mark.parametrize("limit", range(20, 40))
def test_white_space_belongs_to_the_leaf_before_it(limit):
    for leaf in leaves_of("some,  words  -  with   wide\n gaps; " * 20, CHARACTERS, limit):
        assert not leaf[0].isspace() or leaf.startswith(" gaps")


PICTURES = {
    "family": "👩\u200d👩\u200d👧\u200d👦",
    "colour of skin": "👨🏿\u200d🚀",
    "rainbow": "🏳\ufe0f\u200d🌈",
    "flag": "🇧🇷",
    "flag of a region": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "key": "1\ufe0f\u20e3",
    "marks": "e\u0301\u0327\u0323",
    "Hindi": "कि",
    "Korean": "\u1112\u1161\u11ab",
    "variant": "葛\U000e0100",
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("limit", [20, 21, 22, 23])
def test_what_is_seen_as_one_character_is_not_cut(name, limit):
    picture = PICTURES[name]
    leaves = leaves_of(picture * 60, CHARACTERS, limit)
    assert len(leaves) > 4
    assert all(len(leaf) % len(picture) == 0 for leaf in leaves)


def test_marks_without_end_are_cut_all_the_same():
    leaves = leaves_of("a" + "\u0301" * 500, CHARACTERS)
    assert max(map(len, leaves)) <= 120


def test_a_stray_quote_is_no_leaf():
    assert leaves_of("He left. (*). And so on.") == ["He left. (*). ", "And so on."]


@pytest.mark.parametrize(
    "text",
    [
        "." * 20_000,
        "a" * 20_000,
        " a" * 10_000,
        "！" * 20_000 + "」と",
        "🇧🇷" * 10_000,
        "()" * 10_000,
    ],
)
def test_a_counter_is_called_a_bounded_number_of_times_a_leaf(text):
    calls = []

    def count(piece):
        calls.append(len(piece))
        return len(piece)

    leaves = leaves_of(text, load_tokenizer(count))
    assert len(calls) < 12 * len(leaves)  # measured: 8
    assert sum(calls) < 12 * 120 * len(leaves) + 4 * len(text)
