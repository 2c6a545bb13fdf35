"""Sources: documents of a corpus, unpacked as far as a question needs them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hier.corpus.packing import Packed
from hier.document import Document
from hier.flat import places_of
from hier.retrieval.counts import Counts


@dataclass(frozen=True)
class Source:
    """A document ready to be joined.

    Attributes:
        id: its name in the corpus.
        packed: its tree.
        words: the lexicon's number of each of its words, int64 (words,).
    """

    id: str
    packed: Packed
    words: np.ndarray

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return self.packed.text

    @cached_property
    def document(self) -> Document:
        """Its text, and where that stands in its file."""
        return Document(self.text, self.id, places_of(self.packed.facts, self.packed.arrays))

    def smallest(self, start: int, end: int) -> tuple[int, int]:
        """Return level and id of the lowest node that holds some characters."""
        first, last = (
            np.searchsorted(self.packed.arrays["leaf_start"], [start, end - 1], "right") - 1
        )
        before = 0
        for number in range(self.levels):
            first_leaf = self.level(number, "first_leaf")
            low, high = np.searchsorted(first_leaf, [first, last], "right") - 1
            if low == high:
                return number, before + int(low)
            before += len(first_leaf)
        raise IndexError(f"characters {start} to {end} are not in {self.id}")

    @cached_property
    def leaf_start(self) -> np.ndarray:
        """Where each leaf begins, and where the last ends, int64 (leaves + 1,)."""
        return np.append(self.packed.arrays["leaf_start"], len(self.text))

    def level(self, number: int, name: str) -> np.ndarray:
        """Return an array of a level; above its root that of its root."""
        return self.packed.arrays[f"level{min(number, self.levels - 1)}.{name}"]

    @property
    def levels(self) -> int:
        """How many levels its tree has."""
        return int(self.packed.facts["levels"])

    @cached_property
    def leaf_words(self) -> Counts:
        """The words of its leaves, by their numbers in the document."""
        return self._counts("leaf")

    @cached_property
    def path_words(self) -> Counts:
        """The words of its heading paths."""
        return self._counts("path")

    def path(self, number: int) -> np.ndarray:
        """Return the leaves of a heading path."""
        arrays = self.packed.arrays
        first, end = arrays["path_offsets"][number : number + 2]
        leaves: np.ndarray = arrays["path_leaves"][first:end]
        return leaves

    def _counts(self, name: str) -> Counts:
        arrays = self.packed.arrays
        return Counts(*(arrays[f"{name}_words.{part}"] for part in ("offsets", "words", "counts")))
