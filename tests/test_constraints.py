"""Constraints: each is kept, alone and together."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown import (
    OTHER,
    QUERIES,
    QUERY,
    WITH,
    all_shown,
    count,
    fits,
    is_shown,
    section,
    small_node,
    tokens_within,
    touches,
)

import hier
from hier.document import Span

# What must be shown.


@pytest.mark.parametrize("query", QUERIES)
def test_what_must_be_included_is_shown_by_span_heading_or_node(tree, query):
    layout = tree.layout()
    start, end = section(tree, "Coroutine function definition")
    node = small_node(tree, 3)
    leaf = tree.nodes[1000]
    context = tree.compress(
        query, 2500, must_include=[(start, end), node.id, Span(leaf.start + 1, leaf.end - 1)]
    )
    fits(tree, context)
    for span in ((start, end), (node.start, node.end), layout.leaf_span(1000)):
        assert all_shown(tree, context, *span)
    by_heading = tree.compress(query, 2500, must_include="coroutine  FUNCTION definition")
    assert all_shown(tree, by_heading, start, end)
    fits(tree, by_heading)


@pytest.mark.parametrize("seed", range(8))
def test_one_that_must_be_included_is_no_less_so_in_a_small_budget(tree, seed):
    node = small_node(tree, seed)
    for budget in (node.tokens + 60, 700):
        context = tree.compress(QUERY, budget, must_include=node.id)
        fits(tree, context)
        assert all_shown(tree, context, node.start, node.end)


def test_what_was_included_is_shown_again_from_its_segment(tree):
    segment = tree.compress(OTHER, 300).segments[0]
    context = tree.compress(QUERY, 800, must_include=(segment.start, segment.end))
    assert all_shown(tree, context, segment.start, segment.end)


def test_one_selector_need_not_be_a_list(chapters):
    node = chapters.nodes[2]
    one = chapters.compress("saw", 60, must_include=2)
    assert one == chapters.compress("saw", 60, must_include=[2])
    assert one == chapters.compress("saw", 60, must_include=np.int64(2))
    assert one == chapters.compress("saw", 60, must_include=(number for number in [2]))
    assert one == chapters.compress("saw", 60, must_include=Span(node.start, node.end))
    assert one == chapters.compress("saw", 60, must_include=(node.start, node.end))


def test_the_rest_of_the_budget_is_spent_as_ever(tree):
    node = small_node(tree, 5)
    context = tree.compress(QUERY, 1500, must_include=node.id)
    assert context.tokens > 1400
    assert "__enter__" in context.text


@pytest.mark.parametrize(
    "how", [{}, {"order": "relevance"}, {"nested": True}, {"price": "thrifty"}], ids=repr
)
def test_what_must_be_included_is_shown_or_refused_at_every_budget(how):
    """Even where it is planned at more than it has, or its order makes it longer."""
    text = "# Fees\n\nEvery franchise pays a sum.\n\n## Late fees\n\nA late sum costs interest.\n"
    tree = hier.build(text, tokenizer=lambda text: (len(text) + 5) // 6)
    spans = [(text.index(words), text.index(words) + 5) for words in ("# Fees", "Every", "A late")]
    refused = []
    for must in (spans[:1], spans[1:2], spans[2:], spans[1:], [spans[0], spans[2]]):
        for budget in range(1, 16):
            try:
                context = tree.compress("late interest", budget, must_include=must, **how)
            except hier.BudgetError as error:
                refused.append((budget, str(error)))
                continue
            assert context.tokens <= budget
            assert all(is_shown(context, start, end)[0] for start, end in must)
    assert refused
    assert all(f"the budget is {budget}; raise" in said for budget, said in refused)


# What may not be shown.


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_excluded_is_in_no_segment(tree, query):
    start, end = section(tree, WITH)
    spans = tree.compress(query, 600).segments[:3]
    excluded = [WITH, 1000, *((one.start, one.end) for one in spans)]
    context = tree.compress(query, 600, exclude=excluded)
    fits(tree, context)
    for span in ((start, end), *((one.start, one.end) for one in spans)):
        assert not any(touches(segment, *span) for segment in context.segments)
    assert context.tokens > 500, "the budget is used for what is left"


def test_a_whole_that_would_fit_is_shown_without_what_is_excluded(chapters):
    context = chapters.compress("saw", 5000, exclude="Fruit")
    assert "apple" not in context.text
    assert "rasp" in context.text
    assert context.text.count("hangs on the wall") == 10


# Shares of the budget.


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_part_gets_its_share(tree, query, share):
    start, end = section(tree, "Value comparisons")
    leaf = int(tree.leaf_tokens.max())
    has = count(tree.source[start:end])
    for budget in (400, 1000, 3000):
        context = tree.compress(query, budget, minimum={"Value comparisons": share})
        fits(tree, context)
        spent = tokens_within(tree, context, start, end)
        assert spent >= min(share * budget, has) - leaf


def test_several_parts_get_their_shares(tree):
    parts = {"Calls": 0.3, WITH: 0.3, "Value comparisons": 0.4}
    context = tree.compress(OTHER, 1500, minimum=parts)
    fits(tree, context)
    leaf = int(tree.leaf_tokens.max())
    for title, share in parts.items():
        start, end = section(tree, title)
        spent = tokens_within(tree, context, start, end)
        assert spent >= min(share * 1500, count(tree.source[start:end])) - leaf


def test_a_share_of_nothing_changes_nothing(tree):
    assert tree.compress(QUERY, 500, minimum={"Calls": 0.0}).text == tree.compress(QUERY, 500).text


# Few segments, words around them, and their order.


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("most", [1, 2, 5])
def test_there_are_never_more_segments_than_asked_for(tree, query, most):
    for budget in (60, 300, 1000, 4000):
        context = tree.compress(query, budget, max_segments=most)
        fits(tree, context)
        assert 1 <= len(context.segments) <= most


def test_few_segments_are_as_good_as_few_can_be(tree):
    few = tree.compress(QUERY, 1000, max_segments=3)
    assert few.tokens > 400
    assert few.coverage > tree.compress(QUERY, 200).coverage


@pytest.mark.parametrize("query", QUERIES)
def test_words_around_the_context_are_paid_for(tree, query):
    prefix, suffix = "Answer from this text only:\n\n", "\n\nQuestion: what is it?"
    for budget in (40, 300, 2000):
        context = tree.compress(query, budget, prefix=prefix, suffix=suffix)
        fits(tree, context, prefix, suffix)
        assert context.tokens > 0.85 * budget or budget == 40


def test_words_stand_around_a_whole_text_too(chapters):
    context = chapters.compress("saw", 1000, prefix="<<", suffix=">>")
    assert context.text == f"<<{chapters.source}>>"
    assert context.tokens == count(context.text)


@pytest.mark.parametrize("query", [QUERY, (QUERY, OTHER)])
def test_the_most_relevant_segment_stands_first_where_asked_for(tree, query):
    context = tree.compress(query, 1200, order="relevance")
    fits(tree, context)
    relevance = [segment.relevance for segment in context.segments]
    assert len(relevance) > 3
    assert relevance == sorted(relevance, reverse=True)
    assert relevance != sorted(relevance)
    starts = [segment.start for segment in context.segments]
    assert starts != sorted(starts)


def test_segments_stand_in_document_order_otherwise(tree):
    starts = [segment.start for segment in tree.compress(QUERY, 1200).segments]
    assert starts == sorted(starts)


# What is known already.


@pytest.mark.parametrize("query", QUERIES)
def test_three_turns_show_nothing_twice_and_cover_more_and_more(tree, query):
    contexts = []
    for _ in range(3):
        contexts.append(tree.compress(query, 300, seen=contexts))
        fits(tree, contexts[-1])
    spans = sorted((s.start, s.end) for context in contexts for s in context.segments)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    coverages = [context.coverage for context in contexts]
    assert coverages == sorted(coverages)
    assert coverages[0] < coverages[2]
    assert all(context.segments for context in contexts)


def test_a_context_alone_may_be_what_is_known(tree):
    first = tree.compress(QUERY, 300)
    assert tree.compress(QUERY, 300, seen=first) == tree.compress(QUERY, 300, seen=[first])
    assert tree.compress(QUERY, 300, seen=[]) == tree.compress(QUERY, 300)


def test_another_question_is_not_told_what_is_known(tree):
    first = tree.compress(QUERY, 600)
    second = tree.compress("What does __exit__ return?", 300, seen=first)
    fits(tree, second)
    for segment in second.segments:
        assert not any(touches(segment, s.start, s.end) for s in first.segments)


def test_when_everything_is_known_there_is_nothing_to_show(chapters):
    everything = chapters.compress("saw", 5000)
    assert everything.text == chapters.source
    nothing = chapters.compress("saw", 5000, seen=everything)
    assert (nothing.text, nothing.tokens, nothing.segments) == ("", 0, ())
    assert nothing.stop == "everything"
    assert nothing.coverage == pytest.approx(1)


def test_what_must_be_included_is_shown_even_where_it_is_known(chapters):
    first = chapters.compress("saw", 60, must_include=2)
    again = chapters.compress("saw", 60, must_include=2, seen=first)
    assert (
        chapters.source[slice(chapters.nodes[2].start, chapters.nodes[2].end)].strip() in again.text
    )


# All of it together.

COMBINED = st.fixed_dictionaries(
    {},
    optional={
        "must_include": st.lists(st.integers(0, 3), max_size=2),
        "exclude": st.lists(st.integers(4, 9), max_size=2),
        "minimum": st.dictionaries(
            st.sampled_from(["Calls", "Value comparisons"]), st.sampled_from([0.1, 0.2])
        ),
        "max_segments": st.integers(3, 6),
        "prefix": st.sampled_from(["Context: ", "[\n"]),
        "suffix": st.sampled_from(["\n]", " End."]),
        "order": st.sampled_from(["document", "relevance"]),
        "seen": st.lists(st.integers(0, 2), max_size=2),
        "price": st.sampled_from([1.0, "thrifty"]),
        "nested": st.booleans(),
        "headings": st.booleans(),
        "gaps": st.booleans(),
    },
)


@pytest.fixture(scope="module")
def known(tree):
    return [tree.compress(question, 300) for question in (QUERY, OTHER, None)]


@pytest.fixture(scope="module")
def parts(tree):
    """Where some sections are, and how many tokens they have."""
    spans = {title: section(tree, title) for title in ("Calls", "Value comparisons")}
    return {title: (*span, count(tree.source[slice(*span)])) for title, span in spans.items()}


@settings(max_examples=40)
@given(COMBINED, st.sampled_from(QUERIES), st.sampled_from([250, 700, 2000]))
def test_all_constraints_hold_together(tree, known, parts, asked, query, budget):
    nodes = [small_node(tree, seed, most=60) for seed in range(10)]
    must = [nodes[number] for number in asked.get("must_include", ())]
    excluded = [nodes[number] for number in asked.get("exclude", ())]
    seen = [known[number] for number in asked.get("seen", ())]
    named = {"must_include": [node.id for node in must], "exclude": [n.id for n in excluded]}
    context = tree.compress(query, budget, **asked | named | {"seen": seen})
    fits(tree, context, asked.get("prefix", ""), asked.get("suffix", ""))
    assert len(context.segments) <= asked.get("max_segments", len(context.segments))
    assert all(all_shown(tree, context, node.start, node.end) for node in must)
    for segment in context.segments:
        assert not any(touches(segment, node.start, node.end) for node in excluded)
    for told in (segment for one in seen for segment in one.segments):
        shown = is_shown(context, told.start, told.end)
        for node in must:
            shown[max(node.start - told.start, 0) : max(node.end - told.start, 0)] = False
        assert not shown.any(), "what is known is not shown again, unless it must be"
    if "max_segments" not in asked and not seen:
        for title, share in asked.get("minimum", {}).items():
            start, end, has = parts[title]
            spent = tokens_within(tree, context, start, end)
            assert spent >= min(share * budget, has) - int(tree.leaf_tokens.max())
