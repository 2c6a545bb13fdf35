"""Opened: the trees and corpora that a worker has open, the least recently asked closed first."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hier

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.tree import Tree

KEPT_TOKENS = 4_000_000
"""Most tokens of texts that stay open, beside the one that is asked."""

Stamp = tuple[int, ...]


class Opened:
    """Keeps trees and corpora open from one question to the next.

    Args:
        most: tokens of texts that are kept.
    """

    def __init__(self, most: int = KEPT_TOKENS) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[Stamp, Any, int]] = OrderedDict()

    def tree(self, path: str, stamp: Stamp) -> "Tree":
        """Return the saved tree at a path.

        Args:
            path: the file.
            stamp: tells one version of the file from the next.

        Raises:
            StoreError: it cannot be read.
        """
        tree: Tree = self._get(path, stamp, hier.load)
        return tree

    def corpus(self, path: str, stamp: Stamp) -> "Corpus":
        """Return the corpus at a path; it sees by itself what others write.

        Args:
            path: the file.
            stamp: tells a file from one that takes its place.

        Raises:
            StoreError: it cannot be read.
        """
        corpus: Corpus = self._get(path, stamp, hier.Corpus.open)
        return corpus

    def forget(self, path: str) -> None:
        """Close what is open at a path."""
        if (kept := self._kept.pop(path, None)) is not None and isinstance(kept[1], hier.Corpus):
            kept[1].close()

    def _get(self, path: str, stamp: Stamp, open_it: Callable[[Path], Any]) -> Any:
        kept = self._kept.get(path)
        if kept is None or kept[0] != stamp:
            self.forget(path)
            found = open_it(Path(path))
            self._kept[path] = kept = (stamp, found, found.tokens)
            self._make_room()
        self._kept.move_to_end(path)
        return kept[1]

    def _make_room(self) -> None:
        total = sum(tokens for _, _, tokens in self._kept.values())
        while total > self._most and len(self._kept) > 1:
            path, (_, _, tokens) = next(iter(self._kept.items()))
            total -= tokens
            self.forget(path)
