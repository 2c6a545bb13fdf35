"""Summaries: whole sentences chosen to cover, bounded at every level; those a model writes."""

import itertools
import re

import numpy as np
import pytest

import hier
from hier.compose import Composer, Request
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
        tokens = tree.leaf_tokens[choice.sentences]
        sizes = np.add.reduceat(tokens, choice.offsets[:-1])
        largest = np.maximum.reduceat(tokens, choice.offsets[:-1])
        # A single leaf may have more: 120, or a row of a table 480.
        assert (sizes <= np.maximum(SUMMARY_TOKENS, largest)).all(), level
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


FACTS = (
    "The bridge over the Tamar, which had been talked about by the town for as long as anyone "
    "there could remember, and which had cost three mayors their office, was opened in 1859.",
    "The tunnel under the Mersey has 4300 lamps along its walls.",
    "The dam at Rhayader holds 27 million tons of water in spring.",
)
ASKED = "When was the bridge over the Tamar opened?"


def keeps(text):
    return (
        "In short, the bridge over the Tamar was opened in 1859." if FACTS[0] in text else "Visits."
    )


def drops(text):
    return re.sub("in 1859", "at last", keeps(text))


@pytest.fixture(scope="module")
def sights():
    """Three chapters of a fact each, and of much that is no answer."""
    towns = "York Bath Leeds Ely Wells Truro Derby Ripon Oxford Durham Exeter Lincoln".split()
    visits = "\n\n".join(
        f"Visitors from {town} came on foot, by coach or by boat. Some took pictures of what they "
        f"saw. Others wrote letters home to {town}, and waited for an answer."
        for town in towns
    )
    return "\n\n".join(f"# Part {part}\n\n{fact}\n\n{visits}" for part, fact in enumerate(FACTS))


def test_a_summary_that_drops_a_number_covers_what_has_it_less(sights):
    covers = []
    for model in (keeps, drops):
        tree = hier.build(sights, summarizer=model)
        plan = Composer(tree, Request(ASKED, 30)).plan
        leaf = int(np.searchsorted(tree.leaf_start, sights.index(FACTS[0]), "right")) - 1
        summaries = range(len(plan.leaves), len(plan.problem))
        covers.append(plan.problem.covered(summaries)[plan.places(np.array([leaf]))].item())
    assert covers[0] > 0.1
    assert covers[1] < covers[0] / 2


def test_a_summary_stands_for_a_long_sentence_only_where_it_keeps_the_number(sights):
    kept, dropped = (
        hier.build(sights, summarizer=model).compress(ASKED, 30) for model in (keeps, drops)
    )
    assert [segment.kind for segment in kept.segments][:1] == ["summary"]
    assert "in 1859" in kept.text
    assert "at last" not in dropped.text
    assert kept.coverage > dropped.coverage


def test_a_summary_is_not_shown_beside_what_says_all_of_it(sights):
    tree = hier.build(sights, summarizer=keeps)
    for budget in (60, 80, 120, 300):
        context = tree.compress(ASKED, budget)
        assert FACTS[0] in context.text
        assert {segment.kind for segment in context.segments} == {"verbatim"}


@pytest.mark.parametrize("query", [None, "What does the assert statement do?"])
def test_every_summary_shown_says_what_nothing_beside_it_does(long_text, query):
    tree = hier.build(long_text[:40_000], summarizer=first_words)
    shown = 0
    for budget in (60, 150, 400, 1000, 2500):
        composer = Composer(tree, Request(query, budget))
        chosen = composer.fill(budget).allocation.chosen
        for summary in (i for i in chosen if i >= len(composer.plan.leaves)):
            shown += 1
            others = [i for i in chosen if i != summary]
            assert composer.plan.problem.value(others) < composer.plan.problem.value(chosen)
    assert shown or query


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
