"""Segmentation: blocks, sentences and leaves partition the text and are what a reader would say."""

import itertools
import random

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syntok import segmenter

from hier.blocks import BlockKind, find_blocks
from hier.segment import segment
from hier.sentences import sentence_ends
from hier.structure import read_structure
from hier.tokens import load_tokenizer

TOKENIZER = load_tokenizer("o200k_base")


def blocks_of(text):
    blocks = find_blocks(text)
    spans = zip(blocks.start.tolist(), blocks.end.tolist(), strict=True)
    kinds = [BlockKind(kind).name for kind in blocks.kind.tolist()]
    return [(kind, text[s:e].strip()) for kind, (s, e) in zip(kinds, spans, strict=True)]


def headings_of(text):
    blocks = find_blocks(text)
    return [
        (int(depth), text[start:end].strip().splitlines()[0])
        for start, end, kind, depth in zip(
            blocks.start, blocks.end, blocks.kind, blocks.depth, strict=True
        )
        if kind == BlockKind.HEADING
    ]


def leaves_of(text, tokenizer=TOKENIZER, limit=120):
    leaves = segment(text, tokenizer.sizes(text), limit).leaves
    return [text[s:e] for s, e in zip(leaves.start.tolist(), leaves.end.tolist(), strict=True)]


def sentences_of(text):
    ends = [0, *(end for end in sentence_ends(text) if end < len(text)), len(text)]
    return [text[a:b].strip() for a, b in itertools.pairwise(ends)]


# Blocks


@given(st.text(alphabet="ab.:# -=|`>\t\n\r\f1\x85Ü", min_size=1, max_size=300))
def test_blocks_partition_the_text(text):
    blocks = find_blocks(text)
    assert blocks.start[0] == 0
    assert blocks.end[-1] == len(text)
    assert np.array_equal(blocks.start[1:], blocks.end[:-1])
    assert (blocks.start < blocks.end).all()
    assert ((blocks.depth > 0) == (blocks.kind == BlockKind.HEADING)).all()


def test_every_kind_of_block_is_read():
    text = (
        "# Title\n\nA paragraph of\ntwo lines.\n\n- one\n- two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```py\nx = 1\n\ny = 2\n```\n\n    indented = code(1)\n    more = code(2)\n"
    )
    assert [kind for kind, _ in blocks_of(text)] == [
        "HEADING", "PARAGRAPH", "LIST", "LIST", "TABLE", "CODE", "CODE",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\nText here.\n\n### Three\nMore.\n", [(1, "# One"), (3, "### Three")]),
        ("Title\n=====\n\nText.\n\nPart\n----\n\nMore.\n", [(1, "Title"), (2, "Part")]),
        ("Over\nText.\n\n=====\nBoth\n=====\n\nText.\n", [(1, "=====")]),
        (
            "1. Definitions\n\nText.\n\n1.2 Terms\n\nText.\n",
            [(2, "1. Definitions"), (3, "1.2 Terms")],
        ),
        ("CHAPTER IV\n\nText.\n", [(2, "CHAPTER IV")]),
        ("Article 5: Payment\n\nText.\n", [(2, "Article 5: Payment")]),
        ("GENERAL PROVISIONS\n\nText follows.\n", [(2, "GENERAL PROVISIONS")]),
        ("# One\r\n\r\nText here.\r\n", [(1, "# One")]),
    ],
)
def test_headings_are_found_with_their_depth(text, expected):
    assert headings_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1. Wash the apples.\n2. Peel the apples.\n3. Eat them.\n",
        "1. Apples\n2. Pears\n3. Plums\n",
        "NASA SAID SO.\n\nText.\n",
        "He read chapter 4 of the book\nand slept.\n",
        "a plain line without a stop\nanother plain line\n",
        "WORDS IN CAPITALS AT THE VERY END",
        "#hashtag is no heading\n",
        "2019 was the year in which it all happened to them.\n\nText.\n",
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


def test_a_colon_alone_makes_no_conversation():
    assert [kind for kind, _ in blocks_of("Note: this is it.\nNothing: more.\n")] == ["PARAGRAPH"]


def test_a_fence_that_is_never_closed_runs_to_the_end():
    assert [kind for kind, _ in blocks_of("Text.\n\n```\ncode\n\n# no heading\n")] == [
        "PARAGRAPH",
        "CODE",
    ]


# Sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith met Mr. Jones at 5 p.m. on Monday.", "They spoke."],
        ["J. R. R. Tolkien wrote it.", "It sold well."],
        ["The price rose by 3.5 percent to $1,200.50 in 2019.", "Then it fell."],
        ["See https://example.com/a.b?c=d.e for more.", "Or ask."],
        ['"Stop!" he cried.', "She did not."],
        ["He said: “It is over.”", "Nobody moved."],
        ["Wait... what?", "Yes."],
        ["Really?!", "Yes!"],
        ["See Fig. 3 and Eq. 4 in vol. 2.", "It shows the rest."],
        ["Apples, pears, etc. are fruit.", "So are plums."],
        ["The U.S. Senate voted.", "It passed."],
        ["It was in (cf. Miller et al. 2019) that it began.", "We agree."],
        ["昔々、村がありました。", "「誰もいない」と彼は言った！", "本当？"],
        ["كانت المدينة قديمة؟", "نعم"],
        ["यह एक घर है।", "वह बड़ा है।"],
    ],
)
def test_sentences_are_those_a_reader_sees(sentences):
    glue = "" if sentences[0][-1] in "。" else " "
    assert sentences_of(glue.join(sentences)) == sentences


def test_sentences_agree_with_syntok_on_real_prose():
    from pydoc_data import topics

    prose = " ".join(
        " ".join(paragraph.split())
        for topic in topics.topics.values()
        for paragraph in topic.split("\n\n")
        if paragraph[:1].isupper() and paragraph.rstrip().endswith(".") and '"' not in paragraph
    )
    ours = set(sentence_ends(prose))
    theirs = {
        sentence[0].offset for paragraph in segmenter.analyze(prose) for sentence in paragraph
    } - {0}
    precision, recall = len(ours & theirs) / len(ours), len(ours & theirs) / len(theirs)
    assert len(theirs) > 300
    assert 2 * precision * recall / (precision + recall) > 0.97


# Leaves


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
    ends = np.cumsum([len(leaf) for leaf in leaves])
    lengths = sizes(np.concatenate([[0], ends[:-1]]), ends)
    assert max(lengths) <= 120


@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_hostile_text_is_partitioned(kind):
    text = hostile.TEXTS[kind](random.Random(5)) or "x"
    assert "".join(leaves_of(text)) == text
    for leaf in leaves_of(text, load_tokenizer(len), limit=120):
        assert len(leaf) <= 120


def test_a_row_of_a_table_is_a_leaf():
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    assert leaves_of(text) == text.splitlines(keepends=True)


def test_no_leaf_is_an_indent():
    assert leaves_of("One.\n\n   Two.  Three.\n") == ["One.\n\n", "   Two.  ", "Three.\n"]


def test_a_heading_is_a_leaf():
    assert leaves_of("# Title\n\nOne. Two.\n") == ["# Title\n\n", "One. ", "Two.\n"]


def test_long_sentences_are_cut_at_clauses_then_words_then_characters():
    clauses = "the first part of it, " * 20
    assert all(leaf.endswith(", ") for leaf in leaves_of(clauses, load_tokenizer(len), 120))
    words = "word " * 100
    assert all(leaf.endswith("word ") for leaf in leaves_of(words, load_tokenizer(len), 120))
    letters = leaves_of("a" * 1000, load_tokenizer(len), 120)
    assert max(map(len, letters)) <= 120
    assert len(letters) < 20


def test_an_emoji_family_is_not_cut():
    family = "👩\u200d👩\u200d👧\u200d👦"
    for leaf in leaves_of(family * 50, load_tokenizer(len), 20):
        assert leaf.startswith("👩")
        assert not leaf.endswith("\u200d")


def test_a_stray_quote_is_no_leaf():
    assert leaves_of("He left. (*). And so on.") == ["He left. (*). ", "And so on."]


@pytest.mark.parametrize("text", ["." * 20_000, "a" * 20_000, " a" * 10_000])
def test_a_counter_is_called_a_bounded_number_of_times_a_leaf(text):
    calls = []

    def count(piece):
        calls.append(len(piece))
        return len(piece)

    tokenizer = load_tokenizer(count)
    leaves = leaves_of(text, tokenizer)
    assert len(calls) < 20 * len(leaves)
    assert sum(calls) < 100 * len(text)


# Structure


def test_every_leaf_knows_the_headings_it_stands_under():
    text = "Start.\n\n# A\n\nIn a.\n\n## B\n\nIn b.\n\n# C\n\nIn c.\n"
    structure = read_structure(segment(text, TOKENIZER.sizes(text), 120))
    leaves = leaves_of(text)
    titles = [[leaves[i].strip("# \n") for i in structure.paths[p]] for p in structure.path_of]
    under = dict(zip((leaf.strip("# \n") for leaf in leaves), titles, strict=True))
    assert under["Start."] == under["A"] == under["C"] == []
    assert under["In a."] == under["B"] == ["A"]
    assert under["In b."] == ["A", "B"]
    assert under["In c."] == ["C"]
    cut = dict(zip((leaf.strip("# \n") for leaf in leaves), structure.cut.tolist(), strict=True))
    assert cut["A"] > cut["B"] > cut["In b."] > 0
