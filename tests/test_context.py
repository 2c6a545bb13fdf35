"""The guarantees of a context: its budget, its spans, its order, its sameness everywhere."""

import dataclasses
import json
import random
import re
import subprocess
import sys

import environment
import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier

BLOCKS = (
    "# Heading\n\n", "## Deeper still\n", "CHAPTER ONE\n\n", "- an item, and another\n", "\n\n",
    "The cat sat on the mat. It was warm! Was it? ", "Alice: I never said so.\nBob: You did.\n",
    "| a | b |\n| 1 | 2 |\n| 3 | 4 |\n", "```\nx = f(1)\ny = 2\n```\n",
    "price 1,234.56 on 2024-01-02 ",
    "昔々、村がありました。", "كانت المدينة القديمة؟ ", "👩\u200d👩\u200d👧",
    "\x00", "\ud800", "\r\n", "<|endoftext|>",
    "a" * 700, " " * 50, "supercalifragilistic ",
    ". . . ",
    "e.g. Mr. Smith vs. Dr. No. ",
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=60).map("".join),
    st.text(min_size=1, max_size=400),
).filter(lambda text: not text.isspace())
QUERIES = st.one_of(
    st.none(),
    st.sampled_from(["the cat", "What did Alice say?", "1,234.56", "村", "x", "\ud800", " "]),
)
COUNTERS = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "superadditive": lambda text: len(text) + len(text) ** 2 // 1000,
    "never empty": lambda text: len(text) // 3 + 2,
}


def fits(source, context, budget, count):
    assert context.tokens == count(context.text) <= budget
    behind = 0
    rest = context.text
    for segment in context.segments:
        assert segment.kind == "verbatim"
        assert source[segment.start : segment.end] == segment.text
        assert segment.start >= behind
        behind = segment.end
        before, found, rest = rest.partition(segment.text)
        assert found, "segments stand in the text in document order"
        assert len(before) < 400, "nothing but headings and gap marks stands between segments"
    assert 0 <= context.coverage <= 1
    assert 0 <= context.optimality <= 1


@given(TEXTS, QUERIES, st.integers(1, 400), st.sampled_from(["o200k_base", "cl100k_base"]))
def test_no_context_is_over_its_budget(text, query, budget, tokenizer):
    encoding = environment.tiktoken_encoding(tokenizer)
    context = hier.build(text, tokenizer=tokenizer).compress(query, budget)
    fits(text, context, budget, lambda t: len(encoding.encode_ordinary(t)))


@given(TEXTS, QUERIES, st.integers(1, 2000), st.sampled_from(sorted(COUNTERS)), st.booleans())
def test_no_context_is_over_its_budget_by_anyones_count(text, query, budget, counter, plain):
    count = COUNTERS[counter]
    tree = hier.build(text, tokenizer=count)
    if count("") > budget:
        with pytest.raises(hier.BudgetError, match="raise the budget"):
            tree.compress(query, budget)
        return
    fits(text, tree.compress(query, budget, headings=plain, gaps=not plain), budget, count)


@pytest.mark.parametrize("kind", hostile.TEXTS)
def test_hostile_text_keeps_every_guarantee(kind):
    text = hostile.TEXTS[kind](random.Random(1))
    if not text or text.isspace():
        with pytest.raises(hier.InputError, match="empty or blank"):
            hier.build(text)
        return
    tree = hier.build(text)
    for budget in (1, 17, 300):
        for query in (None, "Which one is it?"):
            fits(text, tree.compress(query, budget), budget, tree.tokenizer.count)


def test_whole_text_is_shown_when_it_fits():
    text = "One. Two.\n\nThree.\n"
    context = hier.compress(text, "Two?", budget=50)
    assert context.text == text
    assert [(s.start, s.end) for s in context.segments] == [(0, len(text))]
    assert context.coverage == context.optimality == 1


def test_a_budget_too_small_for_anything_gives_an_empty_context():
    context = hier.compress("incomprehensibilities " * 50, "incomprehensibilities", budget=1)
    assert (context.text, context.tokens, context.segments) == ("", 0, ())


@pytest.mark.parametrize("budget", [0, -5, 1.5, "100", None, True])
def test_what_is_no_budget_is_refused_with_the_remedy(budget):
    with pytest.raises(hier.BudgetError, match=r"budget .*(raise the budget|pass 1 or more)"):
        hier.build("Some text.").compress("some", budget)


@pytest.mark.parametrize("query", [5, b"some", ["some", 5], {"some": 1}.items(), object()])
def test_a_query_must_be_text(query):
    with pytest.raises(hier.InputError, match="pass a str, several, or None"):
        hier.build("Some text.").compress(query, 100)


def test_the_answer_is_in_the_context(long_text):
    tree = hier.build(long_text)
    context = tree.compress("How do I make a class iterable?", 300)
    assert "__iter__" in context.text
    assert context.tokens > 250
    assert context.optimality > 0.5


def test_near_duplicates_are_not_paid_for_twice():
    fact = "The reactor was shut down on 4 May because of a leak in the cooling loop. "
    filler = [
        f"Paragraph {i} speaks of gardens, rivers and the weather of month {i}.\n\n"
        for i in range(40)
    ]
    text = "".join(f + fact * (i % 10 == 0) + "\n\n" for i, f in enumerate(filler))
    context = hier.compress(text, "Why was the reactor shut down?", budget=60)
    assert context.text.count("cooling loop") == 1


def test_more_budget_is_used(long_text):
    tree = hier.build(long_text)
    coverages = [coverage for _, coverage in tree.curve("How are classes made?", [100, 400, 1600])]
    assert coverages == sorted(coverages)
    for budget in (256, 1024, 4096):
        for query in ("How are classes made?", None):
            assert tree.compress(query, budget).tokens > 0.93 * budget


@pytest.mark.parametrize(
    "scrap", ["pear plum {}", "{}", "# Plum {}"], ids=["words", "numbers", "#"]
)
def test_a_text_of_scraps_alone_still_fills_the_budget(scrap):
    tree = hier.build("\n\n".join(scrap.format(number) for number in range(2000)))
    assert tree.compress("Which plum is 77?", 300).tokens > 270


def test_headings_and_gap_marks_are_optional():
    text = (
        "# Alpha\n\n"
        + "Cats purr a lot at night. " * 30
        + "\n\n# Beta\n\n"
        + "Dogs bark at cars. " * 30
    )
    tree = hier.build(text)
    rich = tree.compress("purr bark", 60)
    plain = tree.compress("purr bark", 60, headings=False, gaps=False)
    assert re.search("^# (Alpha|Beta)$", rich.text, re.M)
    assert "…" not in plain.text
    assert not re.search("^# ", plain.text, re.M) or all(
        s.text[0] == "#" for s in plain.segments[:1]
    )


def test_everything_in_a_context_is_json(long_text):
    context = hier.build(long_text).compress("lambda", 200)
    plain = json.loads(json.dumps(context.to_dict()))
    assert plain["text"] == context.text == str(context)
    assert len(plain["segments"]) == len(context.segments)
    assert set(plain) == {field.name for field in dataclasses.fields(context)}


def test_explanation_names_every_pick(long_text):
    context = hier.build(long_text).compress("lambda", 200)
    lines = context.explain().splitlines()
    assert lines[0] == "query: lambda"
    assert len(lines) == 2 + len(context.picks)
    assert "terms: lambda" in lines[2]


def test_same_bytes_in_any_process(long_text, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(long_text, encoding="utf-8")
    code = (
        "import hier, pathlib, hashlib, sys\n"
        "tree = hier.build(pathlib.Path(sys.argv[1]))\n"
        "for q in ('How do I raise?', 'What is a class?', None):\n"
        "    for b in (100, 400, 3000):\n"
        "        print(hashlib.sha256(str(tree.compress(q, b).to_dict()).encode()).hexdigest())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env={"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads}, cwd=tmp_path,
            capture_output=True, text=True, check=True,
        ).stdout
        for seed, threads in (("1", "1"), ("2", "2"))
    }  # fmt: skip
    assert len(outputs) == 1
