"""Summaries: whole sentences chosen to cover, bounded at every level; those a model writes."""

import itertools

import numpy as np
import pytest

import hier
from hier.summarizers.extractive import SUMMARY_TOKENS, Choice, choose


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text)


def test_every_node_has_a_summary_made_of_its_own_sentences(tree):
    for node in tree.nodes[:: max(1, len(tree.nodes) // 400)]:
        text, spans = tree.summary(node.id)
        assert spans
        assert text == " ".join(tree.source[start:end].strip() for start, end in spans)
        assert all(node.start <= start < end <= node.end for start, end in spans)
        assert list(spans) == sorted(set(spans))


def test_summaries_do_not_grow_with_their_level(tree):
    for level, choice in enumerate(tree.summaries, 1):
        sizes = np.add.reduceat(tree.leaf_tokens[choice.sentences], choice.offsets[:-1])
        assert sizes.max() <= SUMMARY_TOKENS + 20, level  # a single leaf may have 120
        assert np.diff(choice.offsets).min() >= 1


def test_a_summary_is_made_from_its_childrens(tree):
    for level in range(1, len(tree.summaries)):
        assert set(tree.summaries[level].sentences) <= set(tree.summaries[level - 1].sentences)


def test_redundant_sentences_are_left_out():
    vectors = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    nodes = Choice(np.array([0, 3]), np.arange(3))
    chosen = choose(vectors, np.full(3, 40), np.ones(3, np.float32), nodes, limit=80)
    assert chosen.sentences.tolist() == [0, 2]


def test_what_stands_badly_alone_is_passed_over():
    vectors = np.ones((2, 2), np.float32)
    worth = np.array([0.05, 1.0], np.float32)
    chosen = choose(
        vectors, np.full(2, 20), worth, Choice(np.array([0, 2]), np.arange(2)), limit=20
    )
    assert chosen.sentences.tolist() == [1]


def test_a_node_of_nothing_but_long_or_wordless_sentences_still_has_a_summary():
    vectors = np.zeros((4, 2), np.float32)
    nodes = Choice(np.array([0, 2, 4]), np.arange(4))
    chosen = choose(vectors, np.array([500, 500, 3, 3]), np.ones(4, np.float32), nodes)
    assert chosen.offsets.tolist() == [0, 1, 2]


def test_an_overview_is_of_whole_sentences_from_all_over(tree):
    context = tree.compress(budget=500)
    assert 450 < context.tokens <= 500
    thirds = {3 * segment.start // len(tree.source) for segment in context.segments}
    assert thirds == {0, 1, 2}
    ends = [segment.text.rstrip("\"'”)*")[-1] for segment in context.segments]
    assert sum(end in ".!?" for end in ends) > 0.7 * len(ends)


def test_an_overview_speaks_of_what_the_text_speaks_of():
    filler = "The committee met again on a {} day and adjourned without result. "
    days = "rainy sunny foggy windy humid frosty mild stormy cloudy dry".split()
    text = "".join(
        filler.format(days[i % 10]) + f"Salmon number {i} swam up the river to spawn in gravel.\n\n"
        for i in range(60)
    )
    assert "river to spawn" in hier.compress(text, budget=60).text


def first_words(text):
    return "Summary: " + " ".join(text.split()[:12])


def test_a_models_summaries_compete_and_know_their_sources(long_text):
    tree = hier.build(long_text[:80_000], summarizer=first_words)
    context = tree.compress(budget=600)
    summaries = [segment for segment in context.segments if segment.kind == "summary"]
    assert summaries
    assert context.tokens <= 600
    for segment in summaries:
        node = tree.nodes[segment.node_id]
        assert (segment.start, segment.end, segment.level) == (node.start, node.end, node.level)
        assert segment.text == tree.summary(node.id)[0]
        assert segment.text in context.text
        assert segment.sources
        assert all(node.start <= s < e <= node.end for s, e in segment.sources)
    for one, other in itertools.pairwise(summaries):
        assert one.end <= other.start, "no summary stands beside one above or under it"


def test_a_model_is_asked_level_by_level_and_never_for_more_than_its_children(long_text):
    asked = []

    def model(text):
        asked.append(text)
        return first_words(text)

    source = long_text[:30_000]
    told = []
    tree = hier.build(source, summarizer=model, progress=lambda *report: told.append(report))
    sections = len(tree.levels[2].first_leaf)
    assert all(text in source for text in asked[:sections])
    assert all(text.startswith("Summary: ") for text in asked[sections:])
    assert told[-1] == ("summarising", len(asked), len(asked))


@pytest.mark.parametrize(
    ("summarizer", "message"),
    [
        ("abstract", "unknown summarizer 'abstract'; known is 'extractive'"),
        (lambda text: None, "returned NoneType"),
        (lambda text: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_bad_summarizer_is_an_error_with_the_remedy(summarizer, message):
    with pytest.raises(hier.SummarizerError, match=message):
        hier.build("Some words. And more of them.", summarizer=summarizer)


def test_empty_summaries_are_never_shown():
    text = "A word or two about nothing much at all. " * 200
    context = hier.build(text, summarizer=lambda text: " ").compress(budget=200)
    assert {segment.kind for segment in context.segments} == {"verbatim"}
