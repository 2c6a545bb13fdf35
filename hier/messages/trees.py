"""Texts that were read: each once, as long as they are few enough to keep."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hier.build import build
from hier.corpus.lexicon import Lexicon
from hier.corpus.packing import Packed
from hier.flat import arrays_of, facts_of
from hier.relevance import LEARNED
from hier.tokens import Tokenizer
from hier.tree import Tree

MOST = 4_000_000  # characters of the texts that are kept
JOINT = "\n\n"  # between short texts that are read as one


@dataclass(frozen=True)
class Read:
    """A text that was read, ready to be joined with others.

    Attributes:
        tree: the text.
        packed: its arrays.
        words: the lexicon's number of each of its words, int64 (words,).
    """

    tree: Tree
    packed: Packed
    words: np.ndarray


class Trees:
    """The trees of texts; those last asked for are kept. Threads may share them.

    Args:
        tokenizer: how tokens are counted.
        most: characters of all texts that are kept.
        relevance: how a question is weighed, as for ``hier.build``.

    Attributes:
        lexicon: numbers the words of the texts.
        words: how many it may know: those of all texts that were read.
    """

    def __init__(
        self, tokenizer: Tokenizer, most: int = MOST, relevance: str | Path = LEARNED
    ) -> None:
        self.lexicon, self.words = Lexicon(), 0
        self._tokenizer, self._most, self._relevance = tokenizer, most, relevance
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Read] = OrderedDict()
        self._characters = 0

    def read(self, text: str) -> Read:
        """Return the tree of a text that is not blank."""
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        tree = build(text, tokenizer=self._tokenizer, relevance=self._relevance)
        packed = Packed(facts_of(tree), arrays_of(tree))
        read = Read(tree, packed, self.lexicon.numbers(packed.vocabulary))
        with self._lock:
            if text not in self._kept:
                self._kept[text] = read
                self._characters += len(text)
                self.words += len(packed.vocabulary)
            while self._characters > self._most and len(self._kept) > 1:
                gone, _ = self._kept.popitem(last=False)
                self._characters -= len(gone)
        return read

    def read_together(self, texts: Sequence[str]) -> tuple[Read, tuple[int, ...]] | None:
        """Return one tree of several texts, and where each begins in it.

        None where they would not stand apart in it: a heading or a table of one reaches over
        others, or a leaf does.
        """
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + len(text) + len(JOINT))
        read = self.read(JOINT.join(texts))
        apart = bool(np.isin(starts, read.tree.leaf_start).all())
        return (read, tuple(starts)) if apart and not (read.tree.opens >= 0).any() else None
