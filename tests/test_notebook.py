"""What notebooks show: all of a context, a tree that is drawn, and no text that is obeyed."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

import hier
from hier.context import Context, Segment
from hier.corpus.corpus import Corpus
from hier.document import Document

WORDS = "<script>alert(1)</script> <img src=x onerror=alert(2)> ' \" & <!-- \x1b[31m \u202e"


def words_of(html):
    return ET.fromstring(html).itertext()


@pytest.fixture(scope="module")
def hostile():
    text = f"# {WORDS}\n\n{WORDS}\n\n" + "The garden is watered daily. " * 60
    return hier.build(Document(text, WORDS))


def test_a_context_is_shown_whole_with_its_places(tree):
    context = tree.compress("How does the with statement call __enter__ and __exit__?", 400)
    html = context._repr_html_()
    shown = " ".join(words_of(html))
    assert context.used() in shown
    assert context.query in shown
    for word in context.text.split():
        assert word in shown
    for number, segment in enumerate(context.segments, 1):
        assert f"[{number}]" in shown
        assert f" {segment.place} · {segment.tokens:,} tokens" in shown


@pytest.mark.parametrize("query", ["garden", None])
def test_nothing_of_a_text_is_markup(hostile, query):
    context = hostile.compress(query, 120)
    for html in (context._repr_html_(), hostile._repr_html_()):
        names = {element.tag.rpartition("}")[2] for element in ET.fromstring(html).iter()}
        assert names <= {"div", "b", "span", "svg", "path", "text"}
        assert "<img" not in html
        assert not set("\x1b\u202e") & set(html)
    assert WORDS[:25] in "".join(words_of(hostile._repr_html_()))


def test_a_summary_is_told_from_the_text(tree):
    segment = Segment(0, 10, "summary", 2, 3, 0.0, 7, "In short.", (), "page 3", "lease.pdf")
    html = Context("In short.", 3, 10, (segment,), 0.5, 0.5)._repr_html_()
    assert "a summary" in html
    assert "dashed" in html
    assert "lease.pdf, page 3" in html
    assert "a summary" not in replace(tree.compress("with", 60))._repr_html_()


def test_a_context_of_a_corpus_names_its_documents(tmp_path, chapters):
    with Corpus.create(tmp_path / "c.hier") as corpus:
        corpus.add(
            Document(chapters.source, "fruit.md"), Document(chapters.source[90:], "tools.md")
        )
        context = corpus.compress("Where does the saw hang?", 60)
    shown = " ".join(words_of(context._repr_html_()))
    assert all(f"{segment.document_id}, {segment.place}" in shown for segment in context.segments)


def test_an_empty_context_is_shown_as_one():
    empty = Context("", 0, 3, (), 0.0, 1.0)
    assert empty.used() in " ".join(words_of(empty._repr_html_()))


def test_a_tree_is_drawn_in_its_levels(tree):
    html = tree._repr_html_()
    assert f"{tree.tokens:,} tokens, {len(tree.leaf_start):,} leaves" in html
    drawing = next(each for each in ET.fromstring(html).iter() if each.tag == "svg")
    _, _, width, height = map(float, drawing.get("viewBox").split())
    assert height == 24 * len(tree.levels)
    tops = set()
    for path in drawing.iter("path"):
        for box in path.get("d").split("M")[1:]:
            left, rest = box.split(" ")
            top, rest = rest.split("h", 1)
            right = float(left) + float(rest.split("v")[0])
            assert 0 <= float(left) < right <= width + 0.1
            tops.add(int(top))
    assert len(tops) == len(tree.levels)
    assert len(html) < 60_000


def test_a_large_tree_is_drawn_small(long_text):
    large = hier.build("\n\n".join(long_text for _ in range(3)))
    assert len(large._repr_html_()) < 60_000


def test_a_text_of_one_word_has_a_drawing():
    html = hier.build("word")._repr_html_()
    assert "1 tokens, 1 leaves" in html
    assert "<path" in html
