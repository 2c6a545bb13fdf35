"""The lexicon: the words of many documents, each analysed once, as long as a corpus is open."""

import threading
from collections.abc import Sequence

import numpy as np

from hier.retrieval.counts import runs
from hier.retrieval.index import Analysed, analyse
from hier.retrieval.static import load_static


class Lexicon:
    """Numbers words through, and keeps what follows from each.

    Threads may share one: the number of a word never changes.
    """

    def __init__(self) -> None:
        """Begin without words."""
        self._lock = threading.Lock()
        self._number: dict[str, int] = {}
        self._words: list[str] = []
        self._stem_number: dict[str, int] = {}
        self._stems: list[str] = []
        self._stem_of, self._norms = np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._offsets, self._pieces = np.zeros(1, np.int64), np.zeros(0, np.int32)

    def numbers(self, words: Sequence[str]) -> np.ndarray:
        """Return the number of each word, int64 (words,); new ones are analysed."""
        with self._lock:
            new = [word for word in words if word not in self._number]
            if new:
                self._learn(list(dict.fromkeys(new)))
            return np.fromiter(map(self._number.__getitem__, words), np.int64, len(words))

    def _learn(self, words: list[str]) -> None:
        (stems, stem_of, offsets, pieces, norms), _ = analyse(words, load_static())
        of_stem = np.array([self._stem(stem) for stem in stems], np.int64)
        self._stem_of = np.append(self._stem_of, of_stem[stem_of])
        self._norms = np.append(self._norms, norms)
        self._offsets = np.append(self._offsets, offsets[1:] + len(self._pieces))
        self._pieces = np.append(self._pieces, pieces)
        for word in words:
            self._number[word] = len(self._words)
            self._words.append(word)

    def _stem(self, stem: str) -> int:
        if stem not in self._stem_number:
            self._stem_number[stem] = len(self._stems)
            self._stems.append(stem)
        return self._stem_number[stem]

    def stems(self, numbers: np.ndarray) -> list[str]:
        """Return the distinct stems of some words, in alphabetical order."""
        with self._lock:
            return sorted({self._stems[stem] for stem in self._stem_of[numbers].tolist()})

    def analysed(self, numbers: np.ndarray) -> tuple[tuple[str, ...], Analysed]:
        """Return some words, and what ``analyse`` says of them.

        Args:
            numbers: of the words, int64 (words,).
        """
        with self._lock:
            stems, stem_of = first_seen(self._stem_of[numbers])
            lengths = self._offsets[numbers + 1] - self._offsets[numbers]
            found = (
                tuple(map(self._stems.__getitem__, stems.tolist())),
                stem_of.astype(np.int32),
                np.concatenate([[0], np.cumsum(lengths)]),
                self._pieces[runs(self._offsets[numbers], lengths)],
                self._norms[numbers],
            )
            return tuple(map(self._words.__getitem__, numbers.tolist())), found


def first_seen(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct numbers as they first appear, and which of them each is."""
    distinct, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return distinct[order], place[which]
