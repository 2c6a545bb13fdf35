"""LlamaIndex: a retriever over a tree, and a postprocessor for what others retrieved.

Both hand over one node that holds the rendered context, so that nothing a response synthesizer puts
between nodes can break the budget. LlamaIndex writes a node's metadata in front of its text; every
key is kept out of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import Field
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from hier.build import build
from hier.context import Context
from hier.tokens import DEFAULT_TOKENIZER
from hier.tree import Tree

JOINT = "\n\n"  # between the texts of retrieved nodes


class HierRetriever(BaseRetriever):
    """Answers queries with one node: a tree's context within a token budget.

    Args:
        tree: the text, built.
        budget: most tokens of the node's text, by the tree's tokenizer.
        options: passed on to ``BaseRetriever``, such as ``callback_manager``.
    """

    def __init__(self, tree: Tree, budget: int = 2000, **options: Any) -> None:
        super().__init__(**options)
        self.tree, self.budget = tree, budget

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        context = self.tree.compress(query_bundle.query_str, self.budget)
        return _as_nodes(context, {"source": self.tree.document.name})

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class HierPostprocessor(BaseNodePostprocessor):
    """Compresses what another retriever found to one token budget.

    The texts are read as one, in the order given, and answered with one node. Its metadata says for
    every segment which node it came from, and the characters of that node's text.
    """

    budget: int = Field(default=2000, description="Most tokens of the text handed on.")
    tokenizer: Any = Field(default=DEFAULT_TOKENIZER, description="How tokens are counted.")

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex serialises."""
        return "HierPostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        texts = [found.node.get_content(metadata_mode=MetadataMode.NONE) for found in nodes]
        joined = JOINT.join(texts)
        if not joined.strip():
            return []
        tree = build(joined, tokenizer=self.tokenizer)
        query = None if query_bundle is None else query_bundle.query_str
        context = tree.compress(query, self.budget)
        ids = [found.node.node_id for found in nodes]
        return _as_nodes(context, {"origins": _origins(context, ids, texts)})

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._postprocess_nodes, nodes, query_bundle)


def _as_nodes(context: Context, metadata: dict[str, Any]) -> list[NodeWithScore]:
    """Return a context as one node, or none if it is empty."""
    if not context.text:
        return []
    spans = [
        {"start": s.start, "end": s.end, "kind": s.kind, "node_id": s.node_id, "level": s.level}
        for s in context.segments
    ]
    metadata = {**metadata, "segments": spans, "tokens": context.tokens, "budget": context.budget}
    node = TextNode(
        text=context.text,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=list(metadata),
        text_template="{content}",
    )
    best = max((segment.relevance for segment in context.segments), default=0.0)
    return [NodeWithScore(node=node, score=best)]


def _origins(context: Context, ids: Sequence[str], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return which characters of which node every verbatim segment shows."""
    origins, start = [], 0
    for node_id, text in zip(ids, texts, strict=True):
        end = start + len(text)
        for segment in context.segments:
            low, high = max(segment.start, start), min(segment.end, end)
            if segment.kind == "verbatim" and low < high:
                origins.append({"node_id": node_id, "start": low - start, "end": high - start})
        start = end + len(JOINT)
    return origins
