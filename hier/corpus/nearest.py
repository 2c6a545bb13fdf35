"""A vector index of somebody else's in place of our own: it names passages, and no more.

What it names is weighed by the vectors that the corpus has itself, beside what BM25 names. So an
index that searches exactly gives the answers that the built-in one gives, and one that does not
can miss passages but never change what one is worth.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from hier.corpus.shard import View
from hier.corpus.where import Where
from hier.errors import InputError

Named = Mapping[str, Sequence[int]]
"""Passages by document, each by its number there."""


class PassageIndex(Protocol):
    """What finds the passages most like a question."""

    def nearest(
        self, vector: np.ndarray, k: int, views: Sequence[View], where: Where | None
    ) -> Named:
        """Return the k passages whose vectors have the largest product with a question's.

        It is the index's own to be up to date: ``views`` say what is asked.

        Args:
            vector: the question's unit vector, float32 (dimensions,).
            k: how many.
            views: what the corpus holds at this moment: documents (``rows``) and their
                ``passages``.
            where: which documents may be found; ``View.allowed`` reads it.
        """
        ...


def check_index(index: Any) -> Any:
    """Return an index, or None.

    Raises:
        InputError: it is none.
    """
    if index is not None and not callable(getattr(index, "nearest", None)):
        raise InputError(
            f"a {type(index).__name__} does not name passages; a LlamaIndex vector store does so "
            "in hier.integrations.llama_index.VectorStorePassages(store)"
        )
    return index
