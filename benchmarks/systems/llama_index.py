"""LlamaIndex: leaves merged into their parents, and chunks shortened to their best sentences.

Both run the package's own classes with their own defaults over an in-memory vector index; only the
embedder is the arena's. Documents carry no metadata, so nothing stands in front of a node's text,
and nodes are named by their place, so that ties fall the same way on every run.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import embedding

from systems.base import Output, Span, Unavailable
from systems.fill import cut, fill, tokens
from systems.spans import Finder

JOINT = "\n\n"  # what LlamaIndex's compact synthesizer puts between nodes
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Piece:
    """A node's text, and where in the source it stands; None where it does not."""

    text: str
    start: int | None


@dataclass(frozen=True)
class AutoMerging:
    """``HierarchicalNodeParser`` (2048, 512, 128) and ``AutoMergingRetriever``."""

    name: str = "LlamaIndex AutoMerging"
    rule: str = (
        "similarity_top_k is the largest whose merged nodes fit together; what room is left goes "
        "to nodes of the next, by score, that fit; if none does, the best is cut"
    )
    package: str | None = "llama-index-core"

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
        query = readable(question)
        found = self.index.as_retriever(similarity_top_k=max(1, self.leaves)).retrieve(query)
        merged: list[list[Piece]] = []
        for k in range(1, len(found) + 1):
            merged.append(self._merge(query, found[:k]))
            if _size(merged[-1]) > max(budgets):
                break
        return [self._fit(merged, budget) for budget in budgets]

    def _merge(self, query: str, leaves: Sequence[Any]) -> list[Piece]:
        from llama_index.core.retrievers import AutoMergingRetriever

        retriever = AutoMergingRetriever(_Found(leaves), self.storage)
        return [self.pieces[node.node.node_id] for node in retriever.retrieve(query)]

    def _fit(self, merged: Sequence[list[Piece]], budget: int) -> Output:
        whole = [step for step in merged if _size(step) <= budget]
        first = whole[-1] if whole else []
        over = next((step for step in merged if _size(step) > budget), [])
        # What is of the next step only, behind what this one holds
        more = [piece for piece in over if piece not in first]
        return take([*first, *more], budget)


@dataclass(frozen=True)
class _Found:
    """The first nodes of an answer that was retrieved once: a retriever of fewer."""

    nodes: Sequence[Any]

    def retrieve(self, _: Any) -> list[Any]:
        return list(self.nodes)


def _size(found: Sequence[Piece]) -> int:
    return tokens(JOINT.join(piece.text for piece in found))


def take(found: Sequence[Piece], budget: int) -> Output:
    """Pieces in the order given while they fit, skipping those that do not; else the first, cut."""
    parts = [piece.text for piece in found]
    taken = [found[i] for i in fill(parts, range(len(parts)), budget, tokens, JOINT)]
    if found and not taken:
        taken = [Piece(cut(found[0].text, budget), found[0].start)]
    return Output(
        text=JOINT.join(piece.text for piece in taken),
        spans=tuple(
            (piece.start, piece.start + len(piece.text))
            for piece in taken
            if piece.start is not None and piece.text
        ),
    )


@dataclass(frozen=True)
class SentenceOptimizer:
    """``SentenceEmbeddingOptimizer`` behind a vector index of default chunks (1024, 200)."""

    name: str = "LlamaIndex SentenceEmbeddingOptimizer"
    rule: str = (
        "of the similarity_top_k=2 chunks, the largest percentile_cutoff that fits; where a "
        "sentence of each is too much, cut at the budget"
    )
    package: str | None = "llama-index-core"
    top_k: int = 2  # LlamaIndex's default

    def read(self, text: str) -> "_Optimizing":
        """Cut into chunks and embed them."""
        llama_index = core()
        from llama_index.core.node_parser import SentenceSplitter

        chunks = SentenceSplitter(id_func=place).get_nodes_from_documents([document(text)])
        index = llama_index.VectorStoreIndex(chunks, embed_model=embed_model())
        return _Optimizing(pieces(text, chunks), index, self.top_k)


@dataclass(frozen=True)
class _Optimizing:
    pieces: dict[str, Piece]
    index: Any
    top_k: int

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Retrieve once, then shorten to each budget."""
        query = readable(question)
        found = self.index.as_retriever(similarity_top_k=self.top_k).retrieve(query)
        sentences = [self._sentences(chunk.node) for chunk in found]
        return [self._fit(query, found, sentences, budget) for budget in budgets]

    def _fit(
        self, query: str, found: Sequence[Any], sentences: Sequence[list[Piece]], budget: int
    ) -> Output:
        # Below a whole sentence of the shortest chunk, the package takes all of that chunk.
        least = 1 / min(map(len, sentences), default=1)
        shares = {n / len(of_one) for of_one in sentences for n in range(1, len(of_one) + 1)}
        cutoffs = sorted(share for share in shares if share >= least)

        @cache
        def shortened(cutoff: float) -> str:
            return JOINT.join(_shortened(query, found, cutoff))

        fitting = bisect_right(cutoffs, budget, key=lambda cutoff: tokens(shortened(cutoff)))
        text = shortened(cutoffs[max(0, fitting - 1)]) if cutoffs else ""
        kept = cut(text, budget)
        return Output(kept, _standing(kept, [piece for of_one in sentences for piece in of_one]))

    def _sentences(self, chunk: Any) -> list[Piece]:
        """The sentences of a chunk as the package cuts them."""
        from llama_index.core.utils import globals_helper

        start = self.pieces[chunk.node_id].start
        return [
            Piece(chunk.text[first:last], None if start is None else start + first)
            for first, last in globals_helper.punkt_tokenizer.span_tokenize(chunk.text)
        ]


def _shortened(query: str, found: Sequence[Any], cutoff: float) -> list[str]:
    """What the package leaves of each chunk; it writes into chunks, so it is given copies."""
    from llama_index.core.postprocessor import SentenceEmbeddingOptimizer

    # A share is a quotient: without a little more, 49 * (1 / 49) is less than 1.
    optimizer = SentenceEmbeddingOptimizer(
        embed_model=embed_model(), percentile_cutoff=cutoff + 1e-9
    )
    chunks = [chunk.model_copy(deep=True) for chunk in found]
    return [
        chunk.node.get_content() for chunk in optimizer.postprocess_nodes(chunks, query_str=query)
    ]


def _standing(text: str, sentences: Sequence[Piece]) -> tuple[Span, ...]:
    """Where the sentences stand that a text holds, and the one that it breaks off in."""
    found = []
    for piece in sentences:
        length = len(piece.text) if piece.text in text else _broken_off(text, piece.text)
        if piece.start is not None and length:
            found.append((piece.start, piece.start + length))
    return tuple(found)


def _broken_off(text: str, sentence: str) -> int:
    """Characters of the longest beginning of a sentence that a text ends with."""
    return next((n for n in range(len(sentence), 0, -1) if text.endswith(sentence[:n])), 0)


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


def readable(text: str) -> str:
    """The text with lone surrogates, which LlamaIndex cannot hash, as U+FFFD: offsets stay."""
    return _SURROGATE.sub("\ufffd", text)


def place(number: int, parent: Any) -> str:
    """A node's identity: its number under its parent's."""
    return f"{parent.node_id}/{number:06}"


def pieces(text: str, nodes: Sequence[Any]) -> dict[str, Piece]:
    """The nodes of a document by identity, parents before children, as pieces of its text.

    A node's own offsets count from its parent's beginning, so they are added up.
    """
    clean, finder = readable(text), Finder(readable(text))
    known: dict[str, Piece] = {}
    for node in nodes:
        parent = node.parent_node and known[node.parent_node.node_id].start
        start = None
        if node.start_char_idx is not None and (node.parent_node is None or parent is not None):
            start = node.start_char_idx + (parent or 0)
        if start is None or not clean.startswith(node.text, start):
            span = finder.find(node.text, start or 0) or finder.find(node.text)
            start = span and span[0]
        shown = node.text if start is None else text[start : start + len(node.text)]
        known[node.node_id] = Piece(shown, start)
    return known


SYSTEMS = (AutoMerging, SentenceOptimizer)
