"""Every system of the arena that can run here keeps what `systems.base` asks of it.

The first half is one suite over all of them: the budget is kept, spans stand in the text, the same
question has the same answer. The second half is about what adapters share.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import data
import embedding
import environment
import pytest
from hypothesis import given
from hypothesis import strategies as st
from systems import fill, headroom, lexrank, passages, plain, sentences, spans, systems, weights
from systems.base import Output, Unavailable

# What a competitor's package warns of is not this repository's to mend.
pytestmark = pytest.mark.filterwarnings("default")

BUDGETS = (1, 17, 256, 2048)
QUESTION = "How long is the notice period of the lighthouse keeper?"
_FILLER = (
    "The canteen of house {0} closes at {1} o'clock, except in March. Dr. Smith found it open "
    "anyway; nobody knows why! Is leave number {0} granted? It was, on 3.14 conditions.\n\n"
)
_KEEPER = "The lighthouse keeper has a notice period of three months.\n\n"
_PROSE = [_FILLER.format(number, number % 12 + 1) for number in range(46)]
TEXTS = {
    "prose": "# Rules\n\n" + "".join([*_PROSE[:29], _KEEPER, *_PROSE[29:]]),
    "no sentences": "lighthouse keeper notice period three months canteen " * 80,
    "one word": "lighthouse",
    "not ASCII": "灯台守は三か月前に通知する。閉まる！ Der Wärter kündigt. 🗼 Ça va?\n" * 15,
    "special tokens": "The keeper said <|endoftext|> and left.<|fim_prefix|> He is back.\n" * 40,
}
SYSTEMS = {system.name: system for system in systems()}
count = environment.token_counter(data.TOKENIZER)


def squeezed(text: str) -> str:
    """A text whose white space does not tell it from another."""
    return " ".join(text.split())


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Vectors are made anew and kept apart from those of benchmark runs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HIER_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        embedding.encoder.cache_clear()
        yield
    embedding.encoder.cache_clear()


def read(name: str, text: str) -> Any:
    """A reader of a text; skips what needs weights that cannot be had, and nothing else."""
    try:
        return SYSTEMS[name].read(TEXTS[text])
    except Unavailable as error:
        if type(SYSTEMS[name]).__module__ != "systems.weights":
            raise
        pytest.skip(str(error))


@cache
def answers(name: str, text: str) -> tuple[Output, ...]:
    return tuple(read(name, text).answer(QUESTION, BUDGETS))


each_answer = pytest.mark.parametrize("text", TEXTS)
each_system = pytest.mark.parametrize("name", SYSTEMS)


@each_system
@each_answer
def test_every_budget_has_an_output_within_it(name: str, text: str) -> None:
    outputs = answers(name, text)
    assert len(outputs) == len(BUDGETS)
    for budget, output in zip(BUDGETS, outputs, strict=True):
        assert count(output.text) <= budget


@each_system
@each_answer
def test_spans_stand_in_the_text_word_for_word(name: str, text: str) -> None:
    source = TEXTS[text]
    for output in answers(name, text):
        whole = squeezed(output.text)
        for start, end in output.spans:
            assert 0 <= start < end <= len(source)
            assert squeezed(source[start:end]) in whole


@each_system
@each_answer
def test_answers_are_the_same_again(name: str, text: str) -> None:
    again = read(name, text)
    again.answer("What of the canteen?", BUDGETS[-1:])
    assert tuple(again.answer(QUESTION, BUDGETS)) == answers(name, text)


@pytest.mark.parametrize("question", ["", "?!", "of the", "keeper \ud800"])
@pytest.mark.parametrize("make", [*plain.SYSTEMS, *passages.SYSTEMS, headroom.Headroom])
def test_odd_questions_are_answered(make: Any, question: str) -> None:
    reader = read(make().name, "prose")
    (output,) = reader.answer(question, [256])
    assert 128 < count(output.text) <= 256


@each_system
def test_a_system_says_how_it_is_held_to_a_budget(name: str) -> None:
    assert SYSTEMS[name].rule.strip()
    assert "\n" not in SYSTEMS[name].rule


@pytest.mark.parametrize("name", [make().name for make in passages.SYSTEMS])
def test_retrieval_finds_the_needle(name: str) -> None:
    start = TEXTS["prose"].index(_KEEPER)
    *_, output = answers(name, "prose")
    assert any(first <= start and start + len(_KEEPER) - 2 <= last for first, last in output.spans)


@pytest.mark.parametrize("make", weights.SYSTEMS)
def test_weights_that_are_absent_are_named(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    weights._compressor.cache_clear()
    with pytest.raises(Unavailable, match=make().model):
        make().read("A text.")


# What the adapters share.

text = st.text(st.sampled_from("ab .,!?\n\t é文🗼0\ud800'"), max_size=60)
part = text.map(str.strip).filter(bool)


@given(text, text, st.integers(0, 60))
def test_a_part_is_found_where_it_first_stands(source: str, wanted: str, after: int) -> None:
    span = spans.Finder(source).find(wanted, after)
    starts = [i for i in range(min(after, len(source)), len(source)) if not source[i].isspace()]
    first = next((i for i in starts if _begins(source[i:], squeezed(wanted))), None)
    if span is None:
        assert first is None or not wanted.strip()
    else:
        assert span[0] == first
        assert squeezed(source[span[0] : span[1]]) == squeezed(wanted)


def _begins(source: str, wanted: str) -> bool:
    return squeezed(source).startswith(wanted)


def test_parts_are_located_in_order_then_anywhere_then_piece_by_piece() -> None:
    source = "It rained. Then  it\nstopped. It rained. Nobody minded the weather."
    assert spans.locate(source, ["It rained.", "It rained."]) == ((0, 10), (29, 39))
    assert spans.locate(source, ["Nobody minded", "Then it stopped."]) == ((40, 53), (11, 28))
    altered = "Source: a file\nThen it stopped. Nobody minded the weather."
    assert spans.locate(source, [altered]) == ((11, 28), (40, 66))
    assert spans.locate(source, ["Somebody minded.", " "]) == ()


@given(st.lists(part, max_size=12), st.data(), st.integers(0, 80), st.booleans(), st.booleans())
def test_filling_keeps_the_budget(
    parts: list[str], drawn: st.DataObject, budget: int, skip: bool, in_order: bool
) -> None:
    order = drawn.draw(st.permutations(range(len(parts))))
    taken = fill.fill(parts, order, budget, skip=skip, in_order=in_order)
    assert count("\n".join(parts[i] for i in taken)) <= budget
    assert len(set(taken)) == len(taken)
    assert taken == (sorted(taken) if in_order else [i for i in order if i in taken])


@given(st.lists(part, max_size=12), st.data(), st.integers(0, 80))
def test_filling_is_greedy(parts: list[str], drawn: st.DataObject, budget: int) -> None:
    """By a count that is exact for parts, what is taken is what greed takes."""
    order = drawn.draw(st.permutations(range(len(parts))))
    skipping, stopping, stopped = [], [], False
    for index in order:
        if len("\n".join(parts[i] for i in [*skipping, index])) <= budget:
            skipping.append(index)
            stopping += [] if stopped else [index]
        else:
            stopped = True
    assert fill.fill(parts, order, budget, len) == sorted(skipping)
    assert fill.fill(parts, order, budget, len, skip=False, in_order=False) == stopping


@given(text, st.integers(0, 30))
def test_a_cut_is_a_beginning_or_an_end(source: str, budget: int) -> None:
    first, last = fill.cut(source, budget), fill.cut_end(source, budget)
    assert source.startswith(first)
    assert source.endswith(last)
    assert max(count(first), count(last)) <= budget
    if count(source) <= budget:
        assert first == last == source


def test_a_cut_of_a_long_text_is_full() -> None:
    long = TEXTS["prose"] * 20
    assert count(fill.cut(long, 500)) == count(fill.cut_end(long, 500)) == 500
    assert count(fill.cut(" " * 100_000, 3)) == 3


@given(text, st.integers(1, 30))
def test_passages_hold_everything_once(source: str, limit: int) -> None:
    found = sentences.passages(source, limit)
    assert "".join("".join(source[a:b].split()) for a, b in found) == "".join(source.split())
    assert all(first[1] <= second[0] for first, second in pairwise(found))


def test_passages_are_whole_sentences() -> None:
    source = TEXTS["prose"]
    ends = {end for _, end in sentences.sentences(source)}
    found = sentences.passages(source, 100)
    assert {end for _, end in found} <= ends
    assert all(50 < count(source[start:end]) <= 100 for start, end in found[1:-1])


def test_stride_takes_sentences_far_apart() -> None:
    lines = [f"Sentence {number} stands here." for number in range(1000)]
    output = plain.stride("\n".join(lines), 256)
    kept = [int(line.split()[1]) for line in output.text.splitlines()[:-1]]
    gaps = {second - first for first, second in pairwise(kept)}
    assert max(gaps) - min(gaps) <= 1
    assert kept[0] < max(gaps)
    assert kept[-1] > 1000 - 2 * max(gaps)


def test_lexrank_takes_what_sumy_takes() -> None:
    sumy = pytest.importorskip("sumy.summarizers.lex_rank")
    from sumy.nlp.stemmers import Stemmer
    from sumy.nlp.tokenizers import Tokenizer
    from sumy.parsers.plaintext import PlaintextParser
    from sumy.utils import get_stop_words

    topics = "rain snow wind hail rain rain snow fog rain sun".split()
    source = "\n\n".join(f"The {word} of day{i} is {word} again." for i, word in enumerate(topics))
    order = lexrank.LexRank().read(source).order
    summarizer = sumy.LexRankSummarizer(Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    document = PlaintextParser.from_string(source, Tokenizer("english")).document
    best = {str(sentence) for sentence in summarizer(document, 4)}
    lines = source.split("\n\n")
    assert {lines[i] for i in order[:4]} == best
    assert sorted(order) == list(range(len(lines)))


def test_lexrank_of_a_long_text_is_by_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sumy")
    monkeypatch.setattr(lexrank, "WINDOW", 16)
    reader = lexrank.LexRank().read(TEXTS["prose"])
    assert sorted(reader.order) == list(range(len(reader.spans)))
    turns = -(-len(reader.spans) // 16)
    assert sorted(index // 16 for index in reader.order[:turns]) == list(range(turns))


def test_headroom_is_credited_with_all_it_keeps() -> None:
    pytest.importorskip("headroom")
    _, _, output, _ = answers(headroom.Headroom().name, "prose")
    credited = sum(end - start for start, end in output.spans)
    assert credited == len(output.text.replace("\n", ""))


def test_words_kept_are_credited_where_they_stand() -> None:
    source = "The keeper left. The keeper came back."
    labels = "The0 keeper1 left0 .0 The1 keeper1 came0 back1 .1"
    words = [[pair[:-1], pair[-1]] for pair in labels.split()]
    found = weights._kept_words(source, words, "keeper The keeper back")
    assert [source[a:b] for a, b in found] == ["keeper", "The", "keeper", "back"]
    assert found[2] == (21, 27)


def test_vectors_are_kept_in_the_folder_named(tmp_path: Path) -> None:
    """The suite above leaves the cache of benchmark runs alone."""
    assert embedding.cache_folder() != Path(embedding.__file__).parent / "cache"
