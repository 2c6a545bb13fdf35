"""Packed trees and entries come back as they were; damaged ones are told."""

import numpy as np
import pytest
from documents import towns
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.corpus.entries import pack_entry, unpack_entry
from hier.corpus.packing import pack, unpack
from hier.corpus.passages import enter
from hier.document import Document
from hier.flat import arrays_of, facts_of
from hier.places import Places

TEXTS = [
    "One.",
    "a \ud800 lone surrogate\r\nand, a tab\there.",
    "# A\n\nSome words. More words here.\n\n## B\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    * 9,
    "日本語の文章です。もう一つの文です。\n\n" * 40,
    towns(1)[0].text,
]


def assert_same(one: hier.Tree, other: hier.Tree) -> None:
    """Check that two trees are the same, but for what writing them took."""
    assert {**facts_of(one), "ledger": None} == {**facts_of(other), "ledger": None}
    mine, theirs = arrays_of(one), arrays_of(other)
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        assert array.dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@pytest.mark.parametrize("text", TEXTS)
def test_a_tree_comes_back_array_for_array(text):
    tree = hier.build(Document(text, "a name", metadata={"year": 2024}))
    back = unpack(pack(tree)).tree("a name", {"year": 2024}, tree.tokenizer)
    assert_same(tree, back)
    assert back.compress("words", 40) == tree.compress("words", 40)


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_tree_comes_back(text):
    tree = hier.build(text)
    assert_same(tree, unpack(pack(tree)).tree("", {}, tree.tokenizer))


def test_places_and_what_models_wrote_come_back():
    text = "First page. It is short.\n\n" * 40
    places = Places.counted("page", np.arange(0, len(text), 100))
    tree = hier.build(
        Document(text, places=places), summarizer=lambda text: "Short pages.", cache=False
    )
    assert tree.summary_texts
    assert_same(tree, unpack(pack(tree)).tree("", {}, tree.tokenizer))


def test_the_bytes_do_not_depend_on_the_name():
    one, other = (hier.build(Document(TEXTS[2], name)) for name in ("a", "b"))
    assert pack(one) == pack(other)


def test_a_long_text_takes_no_more_than_its_own_bytes():
    text = "\n".join(town.text for town in towns(200))
    tree = hier.build(text)
    assert len(pack(tree)) < len(text.encode())
    assert len(pack(tree)) + len(pack_entry(enter(tree))) < 2 * len(text.encode())


@pytest.mark.parametrize("text", TEXTS)
def test_an_entry_comes_back(text):
    entry = enter(hier.build(text))
    back = unpack_entry(pack_entry(entry))
    assert back.stems == entry.stems
    for name in ("words", "leaves", "chapter", "vectors"):
        np.testing.assert_array_equal(getattr(back, name), getattr(entry, name))
    for name in ("offsets", "words", "counts"):
        np.testing.assert_array_equal(getattr(back.held, name), getattr(entry.held, name))


@pytest.mark.parametrize("read", [unpack, unpack_entry])
def test_what_is_damaged_is_told(read):
    tree = hier.build(TEXTS[2])
    raw = pack(tree) if read is unpack else pack_entry(enter(tree))
    places = range(0, len(raw), max(1, len(raw) // 97))
    changed = [raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :] for place in places]
    for bad in (b"", b"abc", raw[: len(raw) // 2], raw[:-1], *changed):
        with pytest.raises(hier.StoreError, match="damaged"):
            read(bad)
