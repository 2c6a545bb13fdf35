"""Compressing in one call: every option comes to building or to compressing, or is refused."""

import inspect

import pytest

import hier

QUERY = "Which fruit ripens late?"


def words(text):
    return len(text.split())


@pytest.fixture
def text(chapters):
    return chapters.source


def test_no_option_could_be_meant_for_both():
    building = inspect.signature(hier.build).parameters
    compressing = inspect.signature(hier.Tree.compress).parameters
    assert building.keys().isdisjoint(compressing)
    assert {"tokenizer", "embedder", "summarizer", "relevance", "progress"} < building.keys()


@pytest.mark.parametrize(
    ("building", "compressing"),
    [
        ({}, {}),
        ({"tokenizer": words}, {}),
        ({"relevance": "plain"}, {"ratio": 0.3}),
        ({"tokenizer": words}, {"ratio": 0.5, "price": 20.0}),
        ({"tokenizer": words, "relevance": "plain"}, {"exclude": "Fruit", "headings": False}),
    ],
)
def test_one_call_is_both_calls(text, building, compressing):
    asked = building | compressing
    at_once = hier.compress(text, QUERY, **asked)
    assert at_once == hier.build(text, **building).compress(QUERY, **compressing)
    for name in asked:
        without = {other: asked[other] for other in asked if other != name}
        assert hier.compress(text, QUERY, **without) != at_once, f"{name} changes nothing"


def test_the_tokenizer_counts_what_the_budget_allows(text):
    context = hier.compress(text, query=QUERY, budget=30, tokenizer=words)
    assert words(context.text) == context.tokens <= 30
    assert (
        0 < hier.compress(text, query=QUERY, tokenizer=words, ratio=0.5).tokens <= (words(text) / 2)
    )


@pytest.mark.parametrize("unknown", ["rato", "tokeniser", "self"])
def test_an_unknown_option_is_named_before_anything_is_read(unknown):
    def summarise(text):
        raise AssertionError("nothing is built")

    with pytest.raises(TypeError, match=f"'{unknown}'"):
        hier.compress("# Title\n\n" + "Some words. " * 500, summarizer=summarise, **{unknown: 0.1})
