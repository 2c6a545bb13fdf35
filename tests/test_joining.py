"""Texts that others found, compressed together: one budget, and every piece where it came from."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hier.errors import BudgetError, InputError, TokenizerError
from hier.integrations.joining import SEPARATOR, Part, compress_together
from hier.tokens import load_tokenizer

TOKENIZERS = {
    "o200k_base": "o200k_base",
    "characters": len,
    "words": lambda text: len(text.split()),
}
QUESTION = "Which kiln fires the blue bowl?"


def manual(maker: str, glaze: str, sentences: int = 12) -> str:
    """A text with headings of its own; every line of it names its maker."""
    lines = [f"{maker} fires bowl {number} with {glaze} glaze." for number in range(sentences)]
    half = sentences // 2
    return (
        f"# {maker} manual\n\n## {maker} kilns\n\n{' '.join(lines[:half])}\n\n"
        f"## {maker} glazes\n\n{' '.join(lines[half:])}\n"
    )


TEXTS = [
    manual("Anton", "blue"),
    "   \n",
    manual("Berta", "green"),
    "",
    manual("Clara", "blue", 30),
]


def check(parts: list[Part], texts: list[str], budget: int, tokenizer, separator: str) -> None:
    counter = load_tokenizer(tokenizer)
    assert counter.count(separator.join(part.text for part in parts)) <= budget or not parts
    assert [part.index for part in parts] == sorted({part.index for part in parts})
    for part in parts:
        assert part.tokens == counter.count(part.text)
        assert part.spans
        assert all(one.end <= other.start for one, other in pairwise(part.spans))
        place = 0
        for start, end in part.spans:
            place = part.text.index(texts[part.index][start:end], place) + end - start


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@pytest.mark.parametrize("separator", [SEPARATOR, "", "\n\n-----  source  -----\n\n"])
@pytest.mark.parametrize("budget", [1, 40, 150, 600, 3000])
def test_one_budget_holds_for_all_that_is_joined(budget: int, separator: str, tokenizer) -> None:
    parts = compress_together(TEXTS, QUESTION, budget, tokenizer=tokenizer, separator=separator)
    check(parts, TEXTS, budget, tokenizer, separator)


@settings(max_examples=25)
@given(
    texts=st.lists(st.text(max_size=120) | st.sampled_from(TEXTS), max_size=5),
    query=st.text(max_size=30),
    budget=st.integers(1, 400),
    separator=st.sampled_from([SEPARATOR, "", " | "]),
    tokenizer=st.sampled_from(list(TOKENIZERS.values())),
)
def test_whatever_was_found(texts, query, budget, separator, tokenizer) -> None:
    parts = compress_together(texts, query, budget, tokenizer=tokenizer, separator=separator)
    check(parts, texts, budget, tokenizer, separator)


def test_no_heading_stands_over_the_text_of_another() -> None:
    texts = [*TEXTS, "Bowl 3 without any heading is fired in the blue kiln. It is sold at once."]
    for budget in (60, 120, 240, 480):
        for part in compress_together(texts, QUESTION, budget):
            named = set(re.findall("Anton|Berta|Clara", part.text))
            assert named <= set(re.findall("Anton|Berta|Clara", texts[part.index]))


def test_a_fence_that_is_not_closed_ends_with_its_text() -> None:
    texts = ["Run this:\n\n```\nmake kiln", manual("Berta", "green")]
    parts = {part.index: part for part in compress_together(texts, "Berta kilns", 90)}
    assert "\n# Berta glazes\n" in parts[1].text, "its headings are none inside of code"


def test_what_fits_comes_back_as_it_is() -> None:
    parts = compress_together(TEXTS, QUESTION, 100_000)
    assert [(part.index, part.text) for part in parts] == [
        (index, TEXTS[index]) for index in (0, 2, 4)
    ]
    whole = load_tokenizer("o200k_base").count(SEPARATOR.join(part.text for part in parts))
    assert compress_together(TEXTS, QUESTION, whole) == parts
    assert compress_together(TEXTS, QUESTION, whole - 1) != parts


def test_the_text_with_the_answer_is_shown() -> None:
    texts = [manual(maker, "grey") for maker in ("Anton", "Berta", "Clara")]
    texts[1] += "\nThe cobalt lamp costs 417 crowns.\n"
    [part] = compress_together(texts, "What does the cobalt lamp cost?", 30)
    assert part.index == 1
    assert "417 crowns" in part.text
    assert part.relevance > 1


def test_texts_that_are_the_same_are_told_apart() -> None:
    twins = [manual("Anton", "blue"), manual("Anton", "blue")]
    both = compress_together(twins, QUESTION, 10_000)
    assert [part.index for part in both] == [0, 1]
    # Shown in part, nothing is paid for twice; each twin keeps characters of its own.
    twins[1] += "Its blue kiln stands in Delft.\n"
    some = compress_together(twins, "Where does the blue kiln stand?", 40)
    assert "Delft" in next(part.text for part in some if part.index == 1)
    check(some, twins, 40, "o200k_base", SEPARATOR)
    sentences = [line for part in some for line in re.findall(r"Anton fires bowl \d+", part.text)]
    assert len(sentences) == len(set(sentences))


def test_auto_spends_what_is_worth_it() -> None:
    parts = compress_together(TEXTS, QUESTION, "auto")
    check(parts, TEXTS, 4000, "o200k_base", SEPARATOR)
    assert (
        0
        < sum(part.tokens for part in parts)
        < sum(part.tokens for part in compress_together(TEXTS, QUESTION, 4000))
    )


def test_a_separator_that_fits_once_leaves_room_for_two_texts() -> None:
    parts = compress_together(TEXTS, QUESTION, 200, tokenizer=len, separator="-" * 60)
    check(parts, TEXTS, 200, len, "-" * 60)
    assert parts


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"budget": 0}, BudgetError, "budget 0 is below the least"),
        ({"budget": "many"}, BudgetError, "budget 'many' is not a whole number"),
        ({"query": 7}, InputError, "a query of type int is not text"),
        ({"tokenizer": "nobody's"}, TokenizerError, "unknown tokenizer"),
    ],
)
def test_what_is_wrong_is_said_although_it_would_fit(arguments, error, words) -> None:
    with pytest.raises(error, match=words):
        compress_together(**{"texts": ["Short."], "query": QUESTION} | arguments)
    assert compress_together([], QUESTION) == []
