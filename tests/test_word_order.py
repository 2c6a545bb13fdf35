"""What a tree keeps from question to question changes no answer, whoever asks in which order."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hier
from hier.retrieval.static import load_static, unit
from hier.retrieval.word_order import WordOrder
from hier.retrieval.words import find_words

QUESTIONS = [
    "How does the with statement call __enter__ and __exit__?",
    "What is a generator function and how is it resumed?",
    "Which exceptions does an import statement raise?",
    "How are default parameter values of a function evaluated?",
]
TEXTS = ["One lamp, one LAMP.", "", "Café cafe — two\nlamps", "lamp one", "東京 lamp"]


def test_words_are_those_of_the_texts_in_their_order() -> None:
    order = WordOrder()
    labels = {"lamp": 7, "one": 0, "東": 3}
    for leaves in ([4, 0], [1], [0, 1, 2, 3, 4], []):
        rows, found = order.labelled(
            np.array(leaves, np.int64), lambda some: [TEXTS[leaf] for leaf in some], labels
        )
        said = []
        for row, leaf in enumerate(leaves):
            words = find_words(TEXTS[leaf])
            said += [(row, labels.get(words.vocabulary[word], -1)) for word in words.word]
        assert list(zip(rows.tolist(), found.tolist(), strict=True)) == said


def test_a_text_is_looked_at_once() -> None:
    order, asked = WordOrder(), []

    def texts(leaves: np.ndarray) -> list[str]:
        asked.extend(leaves.tolist())
        return [TEXTS[leaf] for leaf in leaves]

    for leaves in ([0, 2], [2, 3], [0, 2, 3]):
        order.labelled(np.array(leaves), texts, {})
    assert sorted(asked) == [0, 2, 3]


def test_vectors_are_the_same_whichever_leaves_were_asked_for_before(long_text: str) -> None:
    index = hier.build(long_text).index
    wanted = np.arange(0, len(index.leaves), 3)
    for some in (wanted[::5], wanted[1::2], wanted):
        expected = unit(index.leaf_vectors(some, load_static()))
        np.testing.assert_array_equal(index.unit_vectors(some), expected)


@pytest.mark.parametrize("budget", [200, 1500])
def test_threads_and_order_change_nothing(long_text: str, budget: int) -> None:
    alone = [hier.build(long_text).compress(question, budget) for question in QUESTIONS]
    shared = hier.build(long_text)
    with ThreadPoolExecutor(4) as threads:
        rounds = QUESTIONS[::-1] + QUESTIONS
        found = list(threads.map(lambda question: shared.compress(question, budget), rounds))
    assert found == alone[::-1] + alone
