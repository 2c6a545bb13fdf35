"""What the conformance suite cannot know of LlamaIndex, RAPTOR and LangChain in the arena.

Each peer runs its own mechanism on a text that a reader can check: leaves do merge, clusters do
have summaries, repeats do go; and each is given the arena's embedder and nothing else.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import embedding
import environment
import numpy as np
import pytest
from systems import langchain, llama_index, raptor
from systems.base import Output

QUESTION = "How is the number seven made?"
WORDS = """harbour ledger gull orchard clock letter lamp door river stone bread winter garden horse
window candle bridge market soldier teacher mountain kettle ribbon violin anchor barrel""".split()


class Counted:
    """Vectors of words, quick and the same everywhere, and how many texts were asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Any) -> np.ndarray:
        self.texts += texts
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> np.ndarray:
        vector = np.full(64, 1e-3, np.float32)
        for word, times in Counter(text.lower().split()).items():
            vector += times * np.random.default_rng(list(word.encode())).normal(size=64)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture(scope="module")
def words() -> Iterator[Counted]:
    """The arena's embedder, replaced where the arena keeps it."""
    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "encoder", {embedding.MINILM: counted}.__getitem__)
        yield counted


@pytest.fixture(scope="module")
def story() -> str:
    """Sixty paragraphs of anything, and in one stretch all that is said of the number seven."""
    dice = random.Random(environment.SEED)
    paragraphs = [
        " ".join(f"The {' '.join(dice.choices(WORDS, k=6))} was there." for _ in range(10))
        for _ in range(60)
    ]
    paragraphs[10:16] = [f"The number seven is made in step {n} by hand. " * 9 for n in range(6)]
    return "\n\n".join(paragraph.strip() for paragraph in paragraphs)


def peers() -> list[Any]:
    return [make() for family in (llama_index, raptor, langchain) for make in family.SYSTEMS]


@pytest.fixture(scope="module")
def read(words: Counted, story: str) -> Callable[[Any], Any]:
    """Reads the story with a system, once: a tree by UMAP takes seconds."""
    return cache(lambda system: available(system).read(story))


@pytest.fixture(scope="module", params=peers(), ids=lambda system: system.name)
def system(request: pytest.FixtureRequest, words: Counted) -> Any:
    return available(request.param)


def available(system: Any) -> Any:
    system.read("A text.")  # an absent package fails here: the extras install every one
    return system


def shown(story: str, output: Output) -> list[str]:
    return [story[start:end] for start, end in output.spans]


def test_the_embedder_is_the_arenas(system: Any, words: Counted, read: Any) -> None:
    before = len(words.texts)
    read(system).answer(QUESTION, [256])
    assert QUESTION in words.texts[before:]
    assert len(set(words.texts[before:])) > 10


def test_the_text_is_the_sources_and_nothing_else(system: Any, read: Any, story: str) -> None:
    for output in read(system).answer(QUESTION, [60, 256, 1024]):
        left = output.text
        for part in sorted(shown(story, output), key=len, reverse=True):
            left = left.replace(part, "")
        assert not left.strip(), "metadata, a score or an ellipsis was written into the text"


def test_what_is_asked_for_comes_first(system: Any, read: Any) -> None:
    (output,) = read(system).answer(QUESTION, [500])
    assert "number seven is made" in output.text[:2000]


def test_a_budget_does_not_depend_on_the_others(system: Any, read: Any) -> None:
    together = [output.text for output in read(system).answer(QUESTION, [60, 256])]
    assert together == [read(system).answer(QUESTION, [budget])[0].text for budget in (60, 256)]


def test_read_again_it_says_the_same(system: Any, read: Any, story: str) -> None:
    first, second = (
        reader.answer(QUESTION, [512]) for reader in (read(system), system.read(story))
    )
    assert first == second


def test_leaves_are_merged_into_their_parent(read: Any, story: str) -> None:
    reader = read(llama_index.AutoMerging())
    leaf = max(environment.token_counter("cl100k_base")(p.text) for p in leaves(reader))
    (output,) = reader.answer(QUESTION, [1024])
    count = environment.token_counter("cl100k_base")
    assert max(count(part) for part in shown(story, output)) > 2 * leaf


def leaves(reader: Any) -> list[Any]:
    return [piece for name, piece in reader.pieces.items() if name.count("/") == 3]


def test_pieces_stand_where_their_offsets_say(read: Any, story: str) -> None:
    reader = read(llama_index.AutoMerging())
    assert len(leaves(reader)) > 20
    for piece in reader.pieces.values():
        assert piece.start is not None
        assert story.startswith(piece.text, piece.start)


def test_a_kept_sentence_brings_its_neighbours(words: Counted) -> None:
    text = "The lamp is green. Nobody minds. Seven is a number. It was late. The door is shut. Go."
    reader = available(llama_index.SentenceOptimizer()).read(text)
    (output,) = reader.answer("Seven is a number.", [200])
    assert output.text == "Nobody minds. Seven is a number. It was late."
    assert shown(text, output) == ["Nobody minds.", "Seven is a number.", "It was late."]


def test_a_sentence_that_is_cut_counts_as_far_as_it_stands(words: Counted) -> None:
    text = "The lamp is green. Nobody minds. Seven is a number. It was late. The door is shut. Go."
    reader = available(llama_index.SentenceOptimizer()).read(text)
    (output,) = reader.answer("Seven is a number.", [6])
    assert shown(text, output) == ["Nobody minds.", "Seven is a"]


def test_raptor_has_levels_of_summaries(read: Any, story: str) -> None:
    reader = read(raptor.Raptor())
    nodes = reader.retriever.index.docstore.docs.values()
    levels = Counter(node.metadata.get("level", "leaf") for node in nodes)
    assert set(levels) == {"leaf", 0, 1, 2}
    assert levels["leaf"] > levels[0] >= levels[2] > 0
    for node in nodes:
        for line in filter(None, node.text.split("\n")):
            assert line in story


def test_raptor_says_what_its_model_read(read: Any, story: str) -> None:
    reader = read(raptor.Raptor())
    (output,) = reader.answer(QUESTION, [256])
    # Every leaf is read at least once.
    assert output.model_tokens > environment.token_counter("cl100k_base")(story)


def test_raptor_leaves_the_random_state_as_it_was(read: Any) -> None:
    read(raptor.Raptor())
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    with raptor.repeatable(1):
        assert np.random.random() != expected
    assert np.random.random() == expected


def test_langchain_drops_what_repeats(words: Counted) -> None:
    paragraph = "The number seven is made by hand, slowly, and then it is painted. " * 4
    other = "Nobody had asked for the ledger, and the harbour froze early that year. " * 4
    text = "\n\n".join([paragraph.strip(), other.strip(), paragraph.strip()])
    (output,) = available(langchain.CompressorPipeline()).read(text).answer(QUESTION, [2000])
    assert output.text.count(paragraph.strip()) == 1
    assert output.text.index(paragraph.strip()) < output.text.index(other.strip())


@pytest.mark.parametrize("text", ["", " \n\t ", "a\ud800b", "\x00", "one"])
@pytest.mark.parametrize("question", ["", "what\udcff?"])
def test_odd_texts_and_questions(system: Any, words: Counted, text: str, question: str) -> None:
    (output,) = system.read(text).answer(question, [50])
    assert bool(output.text) == bool(text.strip())
    assert all(text[start:end] in output.text for start, end in output.spans)
