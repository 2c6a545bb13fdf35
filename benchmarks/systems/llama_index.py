"""LlamaIndex: leaves merged into their parents, and chunks shortened to their best sentences.

Both run the package's own classes with their own defaults over an in-memory vector index; only the
embedder is the arena's. Documents carry no metadata, so nothing stands in front of a node's text,
and nodes are named by their place, so that ties fall the same way on every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import embedding

from systems.base import Output, Span, Unavailable
from systems.fill import cut
from systems.pieces import JOINT, Piece, piece, readable, show, size, visible
from systems.spans import Finder


@dataclass(frozen=True)
class AutoMerging:
    """``HierarchicalNodeParser`` (2048, 512, 128) and ``AutoMergingRetriever``."""

    name: str = "LlamaIndex AutoMerging"
    rule: str = (
        "similarity_top_k is the largest whose merged nodes fit together; behind them the next "
        "leaves, by score, cut at the budget"
    )
    package: str | None = "llama-index-core"
    embedder: str | None = embedding.MINILM

    def read(self, text: str) -> "_Merging":
        """Parse the hierarchy and embed its leaves."""
        llama_index = core()
        from llama_index.core.node_parser import HierarchicalNodeParser, get_leaf_nodes

        parser = HierarchicalNodeParser.from_defaults()
        for splitter in parser.node_parser_map.values():
            splitter.id_func = place
        nodes = parser.get_nodes_from_documents([document(text)])
        storage = llama_index.StorageContext.from_defaults()
        storage.docstore.add_documents(nodes)
        leaves = get_leaf_nodes(nodes)
        index = llama_index.VectorStoreIndex(
            leaves, storage_context=storage, embed_model=embed_model()
        )
        return _Merging(pieces(text, nodes), index, storage, len(leaves))


@dataclass(frozen=True)
class _Merging:
    pieces: dict[str, Piece]
    index: Any
    storage: Any
    leaves: int

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Merge ever more leaves, until they overflow the largest budget."""
        query = asked(question)
        found = self.index.as_retriever(similarity_top_k=max(1, self.leaves)).retrieve(query)
        merged: list[list[Piece]] = [[]]
        while len(merged) <= len(found) and size(merged[-1]) <= max(budgets):
            merged.append(self._merge(query, found[: len(merged)]))
        leaves = [self.pieces[leaf.node.node_id] for leaf in found]
        outputs = []
        for budget in budgets:
            k = max(k for k, nodes in enumerate(merged) if size(nodes) <= budget)
            outputs.append(show(visible([*merged[k], *leaves[k:]], budget)))
        return outputs

    def _merge(self, query: str, leaves: Sequence[Any]) -> list[Piece]:
        from llama_index.core.retrievers import AutoMergingRetriever

        retriever = AutoMergingRetriever(_Found(leaves), self.storage)
        return [self.pieces[node.node.node_id] for node in retriever.retrieve(query)]


@dataclass(frozen=True)
class _Found:
    """The first nodes of an answer that was retrieved once: a retriever of fewer."""

    nodes: Sequence[Any]

    def retrieve(self, _: Any) -> list[Any]:
        return list(self.nodes)


@dataclass(frozen=True)
class SentenceOptimizer:
    """``SentenceEmbeddingOptimizer`` behind a vector index of default chunks (1024, 200).

    Tried as well, and worth less: percentile cutoffs of 0.5 and 0.1, and for the 1, 2 or 4 best
    chunks the largest cutoff that fits. A kept sentence brings its neighbours, as by default.
    """

    name: str = "LlamaIndex SentenceEmbeddingOptimizer"
    rule: str = "as many chunks as fill the budget, each at percentile_cutoff=0.25, then cut"
    package: str | None = "llama-index-core"
    embedder: str | None = embedding.MINILM

    def read(self, text: str) -> "_Optimizing":
        """Cut into chunks and embed them."""
        llama_index = core()
        from llama_index.core.node_parser import SentenceSplitter

        chunks = SentenceSplitter(id_func=place).get_nodes_from_documents([document(text)])
        index = llama_index.VectorStoreIndex(chunks, embed_model=embed_model())
        return _Optimizing(pieces(text, chunks), index)


@dataclass(frozen=True)
class _Optimizing:
    pieces: dict[str, Piece]
    index: Any

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Shorten the best chunks once, then cut what is left of them."""
        from llama_index.core.postprocessor import SentenceEmbeddingOptimizer

        query = asked(question)
        # A full chunk leaves a quarter of its 1024 tokens or more, the last of a text often less.
        retriever = self.index.as_retriever(similarity_top_k=2 + max(budgets) // 128)
        found = retriever.retrieve(query)
        sentences = [sentence for chunk in found for sentence in self._sentences(chunk.node)]
        optimizer = SentenceEmbeddingOptimizer(embed_model=embed_model(), percentile_cutoff=0.25)
        # It writes into the nodes that it is given.
        copies = [chunk.model_copy(deep=True) for chunk in found]
        shortened = optimizer.postprocess_nodes(copies, query_str=query)
        whole = JOINT.join(chunk.node.get_content() for chunk in shortened)
        texts = [cut(whole, budget) for budget in budgets]
        return [Output(text, _standing(text, sentences)) for text in texts]

    def _sentences(self, chunk: Any) -> list[Piece]:
        """The sentences of a chunk, cut as the optimizer cuts them."""
        from llama_index.core.utils import globals_helper

        whole = self.pieces[chunk.node_id]
        return [
            Piece(whole.text[first:last], None if whole.start is None else whole.start + first)
            for first, last in globals_helper.punkt_tokenizer.span_tokenize(chunk.text)
        ]


def _standing(text: str, sentences: Sequence[Piece]) -> tuple[Span, ...]:
    """Where the sentences stand that a text holds, and the one that it breaks off in."""
    found = []
    for sentence in sentences:
        shown = sentence.text if sentence.text in text else _broken_off(text, sentence.text)
        if sentence.start is not None and shown:
            found.append((sentence.start, sentence.start + len(shown)))
    return tuple(found)


def _broken_off(text: str, sentence: str) -> str:
    """The longest beginning of a sentence that a text ends with."""
    lengths = range(len(sentence), 0, -1)
    return next((sentence[:n] for n in lengths if text.endswith(sentence[:n])), "")


# --- what every LlamaIndex system needs ---


def core() -> Any:
    """The package itself, or word that it is absent."""
    try:
        import llama_index.core
    except ModuleNotFoundError as error:
        raise Unavailable("pip install 'llama-index-core>=0.12,<0.15'") from error
    return llama_index.core


@cache
def embed_model() -> Any:
    """The arena's embedder, as LlamaIndex takes one."""
    core()
    from llama_index.core.embeddings import BaseEmbedding

    class Shared(BaseEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return embedding.encoder(self.model_name).encode(texts).tolist() if texts else []

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return Shared(model_name=embedding.MINILM)


def document(text: str) -> Any:
    """A text as LlamaIndex reads it."""
    return core().Document(text=readable(text), id_="text")


def asked(question: str) -> str:
    """A question as LlamaIndex takes one: it embeds any text but the empty one."""
    return readable(question) or " "


def place(number: int, parent: Any) -> str:
    """A node's identity: its number under its parent's."""
    return f"{parent.node_id}/{number:06}"


def pieces(text: str, nodes: Sequence[Any]) -> dict[str, Piece]:
    """The nodes of a document by identity, parents before children, as pieces of its text.

    A node's own offsets count from its parent's beginning, so they are added up.
    """
    finder = Finder(readable(text))
    known: dict[str, Piece] = {}
    for node in nodes:
        base = 0 if node.parent_node is None else known[node.parent_node.node_id].start
        start = None if None in (base, node.start_char_idx) else base + node.start_char_idx
        known[node.node_id] = piece(text, node.text, start, finder)
    return known


SYSTEMS = (AutoMerging, SentenceOptimizer)
