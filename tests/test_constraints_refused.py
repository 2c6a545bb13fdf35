"""Constraints that are not kept: those that contradict each other or name nothing are refused."""

import pytest
from shown import QUERY, WITH

import hier
from hier.document import Span


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


def test_nothing_left_to_show_is_refused(chapters):
    with pytest.raises(hier.InputError, match="exclude leaves nothing of the text"):
        chapters.compress("saw", 30, exclude=[(0, len(chapters.source))])


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
def test_a_span_that_is_not_there_is_refused_with_both_ends(chapters, name, selector):
    start, end = selector
    with pytest.raises(
        hier.InputError,
        match=rf"{name} has the span {start} to {end}, the text has the characters 0 to \d+",
    ):
        chapters.compress("saw", 30, **{name: [selector]})


@pytest.mark.parametrize("node", [-1, 10**6])
def test_a_node_that_is_not_there_is_refused(chapters, node):
    with pytest.raises(hier.InputError, match=rf"no node {node}; node ids of this tree are 0 to"):
        chapters.compress("saw", 30, must_include=node)


@pytest.mark.parametrize(
    "selector", [1.5, None, True, b"Fruit", ("Fruit", "Tools", "Trees"), (1.0, 2.0), [1, 2], "", {}]
)
def test_what_is_no_selector_is_refused(chapters, selector):
    with pytest.raises(hier.InputError, match="pass node ids, headings or spans"):
        chapters.compress("saw", 30, must_include=[selector])


@pytest.mark.parametrize("selectors", [1.5, True, object()])
def test_what_are_no_selectors_are_refused(chapters, selectors):
    with pytest.raises(hier.InputError, match="pass node ids, headings or spans"):
        chapters.compress("saw", 30, exclude=selectors)


@pytest.mark.parametrize("minimum", [["Fruit"], "Fruit", 0.5, [("Fruit", 0.5)]])
def test_shares_must_be_a_mapping(chapters, minimum):
    with pytest.raises(hier.InputError, match=r"minimum .*pass \{selector: share"):
        chapters.compress("saw", 30, minimum=minimum)


@pytest.mark.parametrize("share", [float("nan"), -0.1, 1.1, float("inf"), "half", True, None])
def test_what_is_no_share_is_refused(chapters, share):
    with pytest.raises(hier.InputError, match=r"minimum share of 'Fruit' is .*; pass 0 to 1"):
        chapters.compress("saw", 30, minimum={"Fruit": share})


@pytest.mark.parametrize("order", ["random", "", None, 1])
def test_an_unknown_order_is_refused(chapters, order):
    with pytest.raises(hier.InputError, match="pass 'document' or 'relevance'"):
        chapters.compress("saw", 30, order=order)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3"])
def test_what_is_no_number_of_segments_is_refused(chapters, most):
    with pytest.raises(hier.InputError, match=r"max_segments .*pass 1 or more, or None"):
        chapters.compress("saw", 30, max_segments=most)


@pytest.mark.parametrize("words", [None, 5, b"words", ["words"]])
@pytest.mark.parametrize("name", ["prefix", "suffix"])
def test_words_around_must_be_text(chapters, name, words):
    with pytest.raises(hier.InputError, match=f"{name} of type .*pass a str"):
        chapters.compress("saw", 30, **{name: words})


def test_a_context_of_another_text_is_refused(tree, chapters):
    with pytest.raises(hier.InputError, match="seen has a context of another text"):
        tree.compress(QUERY, 300, seen=chapters.compress("saw", 50))


@pytest.mark.parametrize("seen", ["words", 5, [5], ["words"], [None]])
def test_what_is_no_context_cannot_be_known(chapters, seen):
    with pytest.raises(hier.InputError, match=r"seen .*pass contexts"):
        chapters.compress("saw", 50, seen=seen)
