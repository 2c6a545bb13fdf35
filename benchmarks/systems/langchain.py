"""LangChain: a document compressor pipeline that splits, drops what repeats, keeps what is alike.

The pipeline and the chunk size are those of LangChain's own guide to contextual compression. Its
compressor sees a document and a question at once and splits anew for every question; only the
vectors of its chunks are made ahead.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import embedding

from systems.base import Output, Unavailable
from systems.pieces import piece, readable, show, visible
from systems.spans import Finder

_CHARACTERS = 300  # of a chunk, in the guide


@dataclass(frozen=True)
class CompressorPipeline:
    """``RecursiveCharacterTextSplitter``, ``EmbeddingsRedundantFilter``, ``EmbeddingsFilter``."""

    name: str = "LangChain EmbeddingsFilter"
    rule: str = "k is all; chunks in its order of similarity, cut at the budget"
    package: str | None = "langchain-classic"
    embedder: str | None = embedding.MINILM

    def read(self, text: str) -> "_Compressing":
        """Make the pipeline and embed the chunks that it will cut."""
        made = pipeline(max(1, len(text)))
        embed_model().embed_documents(made.transformers[0].split_text(readable(text)))
        return _Compressing(text, made, Finder(readable(text)))


@dataclass(frozen=True)
class _Compressing:
    text: str
    pipeline: Any
    finder: Finder

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Compress the document once, without a limit."""
        if not self.text.strip():  # the filters raise on no chunks
            return [Output("", ()) for _ in budgets]
        from langchain_core.documents import Document

        document = Document(page_content=readable(self.text))
        kept = self.pipeline.compress_documents([document], readable(question))
        pieces = [
            piece(self.text, chunk.page_content, chunk.metadata["start_index"], self.finder)
            for chunk in kept
        ]
        return [show(visible(pieces, budget)) for budget in budgets]


def pipeline(k: int) -> Any:
    """The pipeline that keeps at most k chunks."""
    with _importing():
        from langchain_classic.retrievers import document_compressors
        from langchain_community.document_transformers import EmbeddingsRedundantFilter
        from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = embed_model()
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=_CHARACTERS, chunk_overlap=0, add_start_index=True
    )
    return document_compressors.DocumentCompressorPipeline(
        transformers=[
            splitter,
            EmbeddingsRedundantFilter(embeddings=embeddings),
            document_compressors.EmbeddingsFilter(embeddings=embeddings, k=k),
        ]
    )


@contextmanager
def _importing() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # It says at import that it is being sunset; the filters live nowhere else yet.
            warnings.filterwarnings("ignore", "`langchain-community` is being", DeprecationWarning)
            yield
    except ModuleNotFoundError as error:
        raise Unavailable(
            "pip install 'langchain-classic>=1,<2' 'langchain-community>=0.4,<0.5' "
            "'langchain-text-splitters>=1,<2'"
        ) from error


@cache
def embed_model() -> Any:
    """The arena's embedder, as LangChain takes one."""
    from langchain_core.embeddings import Embeddings

    class Shared(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embedding.encoder(embedding.MINILM).encode(texts).tolist() if texts else []

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    return Shared()


SYSTEMS = (CompressorPipeline,)
