"""The static embedder of hier as an embedding of LlamaIndex: no model to run, nothing to fetch."""

import asyncio

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field

from hier.retrieval.static import load_static


class HierEmbedding(BaseEmbedding):
    """Unit vectors of 256 dimensions: those of ``hier.build(text, embedder="static")``.

    A text without a word that the table knows has no vector. It gets the last axis, which is unlike
    nearly all texts: LlamaIndex divides by lengths, and a length of 0 would spoil the order of all.
    """

    model_name: str = Field(default="hier-static", description="The name of the vectors.")

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex serialises."""
        return "HierEmbedding"

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors = load_static().encode(texts)
        vectors[~vectors.any(axis=1), -1] = 1
        rows: list[list[float]] = vectors.astype(np.float64).tolist()
        return rows

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, query)
