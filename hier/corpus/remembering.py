"""Remembering: what a document's earlier version had embedded is not embedded again.

Texts are told by what was given to the embedder, the headings above them included. A vector that is
taken over is the one that was made then; made anew it may differ in the last bit of 16, since a
model's sums depend a little on which texts it is given together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from hier.build import embedded_texts
from hier.corpus.packing import unpack
from hier.errors import StoreError
from hier.retrieval.embedders import NeuralEmbedder, load_embedder
from hier.tokens import load_tokenizer
from hier.tree import Tree


@dataclass(frozen=True)
class Remembering(NeuralEmbedder):
    """An embedder that has embedded some texts before.

    Attributes:
        known: their vectors.
    """

    known: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    def encode(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray:
        """Embed texts, those that are not known; as ``NeuralEmbedder.encode``."""
        new = [text for text in texts if text not in self.known]
        made = dict(zip(new, super().encode(new, progress), strict=True))
        rows = [made[text] if text in made else self.known[text] for text in texts]
        return np.stack(rows).astype(np.float32) if rows else super().encode([])


def remember(name: str, previous: bytes, tokenizer: Any) -> Remembering:
    """Return an embedder that knows the vectors of a document's earlier version.

    Args:
        name: of the embedder.
        previous: the tree of the earlier version, as it is kept; empty for none.
        tokenizer: of the tree.

    Raises:
        EmbedderError: as for ``load_embedder``.
    """
    loaded = _load(name)
    known: dict[str, np.ndarray] = {}
    if tree := _open(previous, tokenizer):
        vectors = [level.vectors for level in tree.levels[:2]]
        for texts, rows in zip(embedded_texts(tree), vectors, strict=False):
            known |= dict(zip(texts, rows, strict=True)) if rows is not None else {}
    return Remembering(loaded.name, loaded.model, known)


def _open(previous: bytes, tokenizer: Any) -> Tree | None:
    try:
        return unpack(previous).tree("", {}, load_tokenizer(tokenizer)) if previous else None
    except StoreError:  # it is damaged, and about to be replaced
        return None


@lru_cache(1)
def _load(name: str) -> NeuralEmbedder:
    return load_embedder(name)
