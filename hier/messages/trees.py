"""Texts that were read: each once, as long as they are few enough to keep."""

import threading
from collections import OrderedDict

from hier.build import build
from hier.tokens import Tokenizer
from hier.tree import Tree

MOST = 4_000_000  # characters of the texts that are kept


class Trees:
    """The trees of texts; those last asked for are kept. Threads may share them.

    Args:
        tokenizer: how tokens are counted.
        most: characters of all texts that are kept.
    """

    def __init__(self, tokenizer: Tokenizer, most: int = MOST) -> None:
        self._tokenizer, self._most = tokenizer, most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Tree] = OrderedDict()
        self._characters = 0

    def read(self, text: str) -> Tree:
        """Return the tree of a text that is not blank."""
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        tree = build(text, tokenizer=self._tokenizer)
        with self._lock:
            if text not in self._kept:
                self._kept[text] = tree
                self._characters += len(text)
            while self._characters > self._most and len(self._kept) > 1:
                gone, _ = self._kept.popitem(last=False)
                self._characters -= len(gone)
        return tree
