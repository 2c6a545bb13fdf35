"""Models between LlamaIndex and hier: our embedding there, their embeddings and LLMs here."""

import asyncio
from typing import Any

import numpy as np
import pytest
from llama_host import Recorder
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import TextNode

import hier
from hier.integrations.llama_index import HierEmbedding, HierRetriever
from hier.retrieval.static import load_static

TEXTS = [
    "A plum ripens late in the year.",
    "The hammer hangs on the wall of the shop.",
    "The treaty was signed in winter.",
]


def same(one: Any, other: Any) -> bool:
    return np.array_equal(np.array(one, np.float32), np.array(other, np.float32))


def test_vectors_are_those_of_the_static_embedder() -> None:
    embedding, expected = HierEmbedding(), load_static().encode(TEXTS)
    assert same(embedding.get_text_embedding_batch(TEXTS), expected)
    assert same([embedding.get_text_embedding(text) for text in TEXTS], expected)
    assert same([embedding.get_query_embedding(text) for text in TEXTS], expected)
    assert np.allclose(np.linalg.norm(expected, axis=1), 1)

    async def wait() -> list[Any]:
        return [
            await embedding.aget_text_embedding_batch(TEXTS),
            [await embedding.aget_text_embedding(text) for text in TEXTS],
            [await embedding.aget_query_embedding(text) for text in TEXTS],
        ]

    assert all(same(found, expected) for found in asyncio.run(wait()))


def test_it_finds_in_a_vector_index_and_is_kept() -> None:
    embedding = HierEmbedding.from_dict(HierEmbedding(embed_batch_size=7).to_dict())
    assert embedding.embed_batch_size == 7
    index = VectorStoreIndex([TextNode(text=text) for text in TEXTS], embed_model=embedding)
    retriever = index.as_retriever(similarity_top_k=1)
    for question, text in zip(("fruit trees", "tools", "peace"), TEXTS, strict=True):
        assert [found.text for found in retriever.retrieve(question)] == [text]


def test_texts_without_words_do_not_spoil_the_order() -> None:
    nodes = [TextNode(text=text) for text in ("---", *TEXTS, "…", "日本語")]
    index = VectorStoreIndex(nodes, embed_model=HierEmbedding())
    found = index.as_retriever(similarity_top_k=6).retrieve("a plum")
    assert found[0].text == TEXTS[0]
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert np.isfinite(np.array(scores, float)).all()
    assert np.isfinite([n.score for n in index.as_retriever().retrieve("???")]).all()


class Fruity(BaseEmbedding):
    """Knows fruits from tools; questions are told to it in another way than texts."""

    asked: list[str] = []  # noqa: RUF012 - pydantic copies it
    read: list[str] = []  # noqa: RUF012

    def _vector(self, text: str) -> list[float]:
        fruit, tool = (sum(text.count(word) for word in some) for some in (
            ("ripens", "orchard"), ("hangs", "workshop")
        ))  # fmt: skip
        return [float(fruit), float(tool), 0.1]

    def _get_text_embedding(self, text: str) -> list[float]:
        self.read.append(text)
        return self._vector(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        self.asked.append(query)
        return self._vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def test_an_embedding_of_theirs_is_an_embedder(chapters: hier.Tree) -> None:
    fruity = Fruity()
    tree = hier.build(chapters.source, embedder=fruity)
    fruit = tree.compress("orchard", 60)
    tool = tree.compress("workshop", 60)
    assert fruit.text.count("ripens") > fruit.text.count("hangs")
    assert tool.text.count("hangs") > tool.text.count("ripens")
    assert set(fruity.asked) == {"orchard", "workshop"}
    assert len(fruity.read) >= 20
    level = tree.levels[0].vectors
    assert level is not None
    assert np.allclose(np.linalg.norm(level.astype(np.float64), axis=1), 1, atol=1e-3)
    with pytest.raises(hier.StoreError):
        tree.save("fruit.hier")  # an object cannot be found again


def test_an_embedding_that_fails_is_told(chapters: hier.Tree) -> None:
    class Broken(MockEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            raise RuntimeError("no connection")

    with pytest.raises(hier.EmbedderError, match="no connection"):
        hier.build(chapters.source, embedder=Broken(embed_dim=3))
    with pytest.raises(hier.EmbedderError, match="make one first"):
        hier.build(chapters.source, embedder=MockEmbedding)
    with pytest.raises(hier.EmbedderError, match="BaseEmbedding"):
        hier.build(chapters.source, embedder=object())


def test_an_llm_of_theirs_writes_summaries(chapters: hier.Tree) -> None:
    model = Recorder(prompts=[])
    tree = hier.build(chapters.source, summarizer={"1+": model}, cache=False)
    assert model.prompts
    assert any("ripens" in prompt for prompt in model.prompts)
    assert tree.ledger.calls
    [found] = HierRetriever(tree, 100).retrieve("plum")
    assert "plum" in found.text
