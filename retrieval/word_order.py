"""Word order: the words of leaves as they follow each other, found when a question comes by them.

The index counts words and forgets their order. A question that names neighbouring words wants the
order of a few hundred leaves; later ones want many of the same, so it is kept.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hier.retrieval.words import find_words

Texts = Callable[[np.ndarray], Sequence[str]]


class WordOrder:
    """The words of the leaves of one text, in their order; threads may share it."""

    def __init__(self) -> None:
        """Know none."""
        self._numbers: dict[str, int] = {}
        self._words: dict[int, np.ndarray] = {}
        self._finding = threading.Lock()

    def labelled(
        self, leaves: np.ndarray, texts: Texts, labels: Mapping[str, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the words of some leaves, one leaf after the other, as labels.

        Args:
            leaves: the leaves, int64 (leaves,).
            texts: gives the texts of leaves.
            labels: the label of a word, at least 0, where it has one.

        Returns:
            int64 (words,) each: which of the leaves a word is in, and its label, or -1.
        """
        wanted = leaves.tolist()
        missing = [leaf for leaf in wanted if leaf not in self._words]
        if missing:
            self._find(missing, texts(np.array(missing, np.int64)))
        found = [self._words[leaf] for leaf in wanted]
        rows = np.repeat(np.arange(len(found)), [len(words) for words in found])
        label_of = np.full(len(self._numbers), -1, np.int64)
        for word, label in labels.items():
            if (number := self._numbers.get(word)) is not None and number < len(label_of):
                label_of[number] = label
        words = np.concatenate(found) if found else np.zeros(0, np.int32)
        return rows, label_of[words]

    def _find(self, leaves: Sequence[int], texts: Sequence[str]) -> None:
        words = find_words("\n".join(texts))
        with self._finding:
            numbers = [self._numbers.setdefault(w, len(self._numbers)) for w in words.vocabulary]
            every = np.array(numbers, np.int32)[words.word]
            ends = np.cumsum([len(text) + 1 for text in texts])
            parts = np.split(every, np.searchsorted(words.start, ends[:-1]))
            self._words.update(zip(leaves, parts, strict=True))
