"""Constraints: each is kept, alone and together, and what contradicts itself is refused."""

import random
from itertools import pairwise

import environment
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hier
from hier.document import Span

QUERY = "How does the with statement call __enter__ and __exit__?"
OTHER = "What is a generator function and how is it resumed?"
WITH = 'The "with" statement'
QUERIES = (QUERY, None, (QUERY, OTHER))
count = environment.token_counter("o200k_base")


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:120_000])


@pytest.fixture(scope="module")
def part():
    """A small text of two chapters, with nothing to choose between their sentences."""
    fruits = "apple pear plum cherry quince medlar fig lime lemon orange".split()
    tools = "hammer saw drill file plane chisel vice clamp level rasp".split()
    text = "# Fruit\n\n" + " ".join(f"The {word} ripens late in the year." for word in fruits)
    text += "\n\n# Tools\n\n" + " ".join(
        f"A {word} hangs on the wall of the shop." for word in tools
    )
    return hier.build(text + "\n")


def touches(segment, start, end):
    return segment.start < end and start < segment.end


def is_shown(context, start, end):
    """Say whether every character of a span that is no space is in a verbatim segment."""
    shown = np.zeros(end - start, bool)
    for segment in context.segments:
        if segment.kind == "verbatim":
            shown[max(segment.start - start, 0) : max(segment.end - start, 0)] = True
    return shown


def all_shown(tree, context, start, end):
    shown = is_shown(context, start, end)
    return all(known or tree.source[start + place].isspace() for place, known in enumerate(shown))


def section(tree, title):
    """The first and last character of everything under the first heading of that title."""
    layout = tree.layout()
    opening = next(leaf for leaf in np.flatnonzero(tree.opens >= 0) if layout.title(leaf) == title)
    under = [
        leaf
        for leaf in range(len(tree.leaf_start))
        if opening in tree.paths[int(tree.index.path_of[leaf])]
    ]
    return layout.leaf_span(int(opening))[0], layout.leaf_span(under[-1])[1]


def tokens_within(tree, context, start, end):
    """The tokens that a context shows of a span."""
    return sum(
        count(tree.source[max(segment.start, start) : min(segment.end, end)])
        for segment in context.segments
        if touches(segment, start, end)
    )


def small_node(tree, seed, most=200):
    chosen = random.Random(seed)
    while True:
        node = tree.nodes[chosen.randrange(len(tree.nodes))]
        if 5 < node.tokens <= most:
            return node


def fits(tree, context, prefix="", suffix=""):
    """Count again, and follow every segment through the text."""
    assert context.tokens == count(context.text) <= context.budget
    assert context.text.startswith(prefix)
    assert context.text.endswith(suffix)
    place = len(prefix)
    for segment in context.segments:
        assert segment.text == tree.source[segment.start : segment.end]
        found = context.text.find(segment.text, place)
        assert found >= 0, "segments stand in the text in their order"
        place = found + len(segment.text)
    spans = sorted((segment.start, segment.end) for segment in context.segments)
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), "nothing is shown twice"
    assert 0 <= context.coverage <= 1
    assert 0 <= context.optimality <= 1


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


def test_one_selector_need_not_be_a_list(part):
    node = part.nodes[2]
    one = part.compress("saw", 60, must_include=2)
    assert one == part.compress("saw", 60, must_include=[2])
    assert one == part.compress("saw", 60, must_include=np.int64(2))
    assert one == part.compress("saw", 60, must_include=(number for number in [2]))
    assert one == part.compress("saw", 60, must_include=Span(node.start, node.end))
    assert one == part.compress("saw", 60, must_include=(node.start, node.end))


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


def test_a_whole_that_would_fit_is_shown_without_what_is_excluded(part):
    context = part.compress("saw", 5000, exclude="Fruit")
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


def test_words_stand_around_a_whole_text_too(part):
    context = part.compress("saw", 1000, prefix="<<", suffix=">>")
    assert context.text == f"<<{part.source}>>"
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


# A share of the text.


def test_a_ratio_is_a_budget(tree, part):
    context = tree.compress(QUERY, ratio=0.01)
    assert context.budget == int(0.01 * tree.tokens)
    assert context == tree.compress(QUERY, int(0.01 * tree.tokens))
    assert part.compress("saw", ratio=1.0).tokens <= part.tokens
    assert part.compress("saw", ratio=1e-9).budget == 1


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


def test_when_everything_is_known_there_is_nothing_to_show(part):
    everything = part.compress("saw", 5000)
    assert everything.text == part.source
    nothing = part.compress("saw", 5000, seen=everything)
    assert (nothing.text, nothing.tokens, nothing.segments) == ("", 0, ())
    assert nothing.stop == "everything"
    assert nothing.coverage == pytest.approx(1)


def test_what_must_be_included_is_shown_even_where_it_is_known(part):
    first = part.compress("saw", 60, must_include=2)
    again = part.compress("saw", 60, must_include=2, seen=first)
    assert part.source[slice(part.nodes[2].start, part.nodes[2].end)].strip() in again.text


def test_a_context_of_another_text_is_refused(tree, part):
    with pytest.raises(hier.InputError, match="seen has a context of another text"):
        tree.compress(QUERY, 300, seen=part.compress("saw", 50))


@pytest.mark.parametrize("seen", ["words", 5, [5], ["words"], [None]])
def test_what_is_no_context_cannot_be_known(part, seen):
    with pytest.raises(hier.InputError, match=r"seen .*pass contexts"):
        part.compress("saw", 50, seen=seen)


# Several questions.


def test_every_question_is_answered(tree):
    questions = (QUERY, "How do I make a class iterable?")
    context = tree.compress(questions, 800)
    fits(tree, context)
    assert context.query == questions
    assert "__enter__" in context.text
    assert "__iter__" in context.text


def test_one_question_in_a_list_is_that_question(tree):
    plain = tree.compress(QUERY, 400)
    assert tree.compress([QUERY], 400) == plain
    assert tree.compress((QUERY,), 400) == plain
    assert tree.compress((one for one in [QUERY]), 400) == plain
    assert tree.compress(["", QUERY, "  ", None], 400) == plain


def test_blank_questions_ask_for_an_overview(tree):
    plain = tree.compress(None, 400)
    for blank in ("", "  ", [], ["", None, "\n"]):
        assert tree.compress(blank, 400) == plain


def test_the_same_question_twice_is_one_question(tree):
    assert tree.compress([QUERY, QUERY], 400).text == tree.compress(QUERY, 400).text


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


# More budget.

LADDER = [int(60 * 1.1**step) for step in range(44)]


@pytest.mark.parametrize("query", QUERIES[:2])
def test_more_budget_never_covers_less(tree, query):
    coverages = [tree.compress(query, budget).coverage for budget in LADDER]
    assert all(more >= less - 1e-9 for less, more in pairwise(coverages))


def test_more_budget_of_any_size_never_covers_less(tree):
    chosen = random.Random(17)
    budgets = sorted(chosen.randint(1, 6000) for _ in range(30))
    coverages = [tree.compress((QUERY, OTHER), budget).coverage for budget in budgets]
    assert all(more >= less - 1e-9 for less, more in pairwise(coverages))


@pytest.mark.parametrize("query", QUERIES)
def test_a_nested_context_holds_those_of_less_budget(tree, query):
    shown: set[int] = set()
    coverage = 0.0
    for budget in LADDER[::3]:
        context = tree.compress(query, budget, nested=True)
        fits(tree, context)
        now = {place for s in context.segments for place in range(s.start, s.end)}
        assert shown <= now
        assert context.coverage >= coverage - 1e-9
        shown, coverage = now, context.coverage


def test_irrelevant_text_behind_does_not_push_out_what_is_relevant(long_text):
    source = long_text[:60_000]
    weeds = " ".join(f"Dandelions and {n} nettles grew by the pond in June." for n in range(200))
    alone = hier.build(source).compress(QUERY, 500)
    beside = hier.build(f"{source}\n\n{weeds}\n").compress(QUERY, 500)
    assert "Dandelions" not in beside.text
    shown = {place for s in beside.segments for place in range(s.start, s.end)}
    expected = {place for s in alone.segments for place in range(s.start, s.end)}
    assert len(shown & expected) > 0.8 * len(expected)


# What contradicts itself.


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"must_include": WITH, "budget": 100}, r"must_include has \d+ tokens.* budget is 100"),
        ({"minimum": {WITH: 0.6, "Calls": 0.5}}, r"shares add up to 110%, the budget is 100%"),
        (
            {"must_include": WITH, "minimum": {"Value comparisons": 0.8}, "budget": 1500},
            r"have \d+ tokens and the minimum shares ask for 1200 more, the budget is 1500",
        ),
        (
            {"must_include": [10, 400, 900], "max_segments": 2},
            "must_include is 3 segments, max_segments is 2",
        ),
        (
            {"prefix": "one two three", "suffix": " four five six", "budget": 5},
            r"prefix and suffix has 6 tokens.* budget is 5",
        ),
        ({"prefix": "word " * 30, "budget": 20}, r"prefix has \d+ tokens.* budget is 20"),
        ({"ratio": 0.5, "budget": 300}, r"budget 300 and ratio 0.5 are both given"),
        ({"ratio": 0.5, "budget": "auto"}, r"budget 'auto' and ratio 0.5 are both given"),
        ({"ceiling": 100}, "ceiling 100 goes with budget='auto'"),
    ],
)
def test_limits_that_contradict_each_other_are_refused_with_both_numbers(tree, asked, message):
    with pytest.raises(hier.BudgetError, match=message):
        tree.compress(QUERY, **asked)


def test_what_is_included_and_excluded_is_refused_with_its_place(tree):
    node = tree.nodes[100]
    with pytest.raises(
        hier.InputError,
        match=f"characters {node.start} to {node.end} are in must_include and in exclude",
    ):
        tree.compress(QUERY, 300, must_include=100, exclude=[(node.start, node.end + 500)])


def test_nothing_left_to_show_is_refused(part):
    with pytest.raises(hier.InputError, match="exclude leaves nothing of the text"):
        part.compress("saw", 30, exclude=[(0, len(part.source))])


def test_an_unknown_heading_is_refused_with_those_that_are_close(tree):
    with pytest.raises(hier.InputError, match=r"wiht.* not there; .*with.*; pass"):
        tree.compress(QUERY, 300, must_include='The "wiht" statement')
    with pytest.raises(hier.InputError, match="the text has none"):
        hier.build("No headings here at all. " * 30).compress("x", 20, exclude="Fruit")


@pytest.mark.parametrize("name", ["must_include", "exclude"])
@pytest.mark.parametrize(
    "selector",
    [(-5, 10), (10, 10), (20, 10), (0, 10**9), Span(5, 2)],
    ids=["before", "empty", "reversed", "behind", "reversed span"],
)
def test_a_span_that_is_not_there_is_refused_with_both_ends(part, name, selector):
    start, end = selector
    with pytest.raises(
        hier.InputError,
        match=rf"{name} has the span {start} to {end}, the text has the characters 0 to \d+",
    ):
        part.compress("saw", 30, **{name: [selector]})


@pytest.mark.parametrize("node", [-1, 10**6])
def test_a_node_that_is_not_there_is_refused(part, node):
    with pytest.raises(hier.InputError, match=rf"no node {node}; node ids of this tree are 0 to"):
        part.compress("saw", 30, must_include=node)


@pytest.mark.parametrize(
    "selector", [1.5, None, True, b"Fruit", ("Fruit", "Tools", "Trees"), (1.0, 2.0), [1, 2], "", {}]
)
def test_what_is_no_selector_is_refused(part, selector):
    with pytest.raises(hier.InputError, match="pass node ids, headings or spans"):
        part.compress("saw", 30, must_include=[selector])


@pytest.mark.parametrize("selectors", [1.5, True, object()])
def test_what_are_no_selectors_are_refused(part, selectors):
    with pytest.raises(hier.InputError, match="pass node ids, headings or spans"):
        part.compress("saw", 30, exclude=selectors)


@pytest.mark.parametrize("minimum", [["Fruit"], "Fruit", 0.5, [("Fruit", 0.5)]])
def test_shares_must_be_a_mapping(part, minimum):
    with pytest.raises(hier.InputError, match=r"minimum .*pass \{selector: share"):
        part.compress("saw", 30, minimum=minimum)


@pytest.mark.parametrize("share", [float("nan"), -0.1, 1.1, float("inf"), "half", True, None])
def test_what_is_no_share_is_refused(part, share):
    with pytest.raises(hier.InputError, match=r"minimum share of 'Fruit' is .*; pass 0 to 1"):
        part.compress("saw", 30, minimum={"Fruit": share})


@pytest.mark.parametrize("order", ["random", "", None, 1])
def test_an_unknown_order_is_refused(part, order):
    with pytest.raises(hier.InputError, match="pass 'document' or 'relevance'"):
        part.compress("saw", 30, order=order)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3"])
def test_what_is_no_number_of_segments_is_refused(part, most):
    with pytest.raises(hier.InputError, match=r"max_segments .*pass 1 or more, or None"):
        part.compress("saw", 30, max_segments=most)


@pytest.mark.parametrize("words", [None, 5, b"words", ["words"]])
@pytest.mark.parametrize("name", ["prefix", "suffix"])
def test_words_around_must_be_text(part, name, words):
    with pytest.raises(hier.InputError, match=f"{name} of type .*pass a str"):
        part.compress("saw", 30, **{name: words})
