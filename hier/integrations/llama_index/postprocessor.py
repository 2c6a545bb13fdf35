"""A postprocessor that compresses what another retriever found to one token budget.

It hands on one node. With one a node found, the tokens that the model receives would depend on what
a response synthesizer puts between nodes, which differs from mode to mode; so the nodes that words
are from stand in the metadata, with the characters of each, and not as nodes.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from llama_index.core.bridge.pydantic import Field, model_validator
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from hier.build import build
from hier.context import Context
from hier.errors import InputError
from hier.integrations.llama_index.nodes import context_nodes, question_of, text_of
from hier.integrations.retrieving import check_asking
from hier.tokens import DEFAULT_TOKENIZER, load_tokenizer

JOINT = "\n\n"  # between the texts of nodes


class HierPostprocessor(BaseNodePostprocessor):
    """Compresses what another retriever found to one token budget.

    The texts are read as one, in the order given; without a question the node is an overview of
    them. Its metadata: ``origins`` say for every piece which node it is from, and the characters of
    that node's text, and of its document where the node knows them; ``nodes`` say what else was
    known of each node that is shown.

    Headings are not repeated above pieces unless ``options`` say so: the last heading of one node
    would stand over the words of the next.

    Raises:
        BudgetError: the budget is none.
        TokenizerError: the tokenizer is unknown.
        InputError: there is no such option.
    """

    budget: Any = Field(default=2000, description="Most tokens of the text handed on, or 'auto'.")
    tokenizer: Any = Field(default=DEFAULT_TOKENIZER, description="How tokens are counted.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="More for Tree.compress: price, max_segments, order, ..."
    )

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex serialises."""
        return "HierPostprocessor"

    @model_validator(mode="after")
    def _check(self) -> "HierPostprocessor":
        check_asking(self.budget, None, self.options)
        load_tokenizer(self.tokenizer)
        return self

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Return everything as plain values.

        Raises:
            InputError: the tokenizer is an object, which cannot be found again.
        """
        if not isinstance(self.tokenizer, str):
            raise InputError(
                f"a tokenizer of type {type(self.tokenizer).__name__} has no name to be kept by; "
                "pass the name of an encoding, or the path of a tokenizer.json"
            )
        return super().to_dict(**kwargs)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        texts = [text_of(_scored(found).node) for found in nodes]
        joined = JOINT.join(texts)
        if not joined.strip():
            return []
        tree = build(joined, tokenizer=self.tokenizer)
        options = {"headings": False, **self.options}
        context = tree.compress(question_of(query_bundle), self.budget, **options)
        origins = list(_origins(context, nodes, texts))
        shown = {origin["node_id"] for origin in origins}
        told = {found.node.node_id: _told(found) for found in nodes if found.node.node_id in shown}
        return context_nodes(context, {"origins": origins, "nodes": told})

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._postprocess_nodes, nodes, query_bundle)


def _scored(found: Any) -> NodeWithScore:
    if not isinstance(found, NodeWithScore):
        raise InputError(
            f"a {type(found).__name__} was not retrieved; pass NodeWithScore(node=...), as "
            "retrievers return"
        )
    return found


def _told(found: NodeWithScore) -> dict[str, Any]:
    """Return what is known of a node beside its words."""
    node = found.node
    return {"ref_doc_id": node.ref_doc_id, "score": found.score, "metadata": dict(node.metadata)}


def _origins(
    context: Context, nodes: Sequence[NodeWithScore], texts: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield which characters of which node every segment is from, in the order of segments."""
    starts = list(accumulate((len(text) + len(JOINT) for text in texts), initial=0))
    for number, segment in enumerate(context.segments):
        for start, end in segment.sources or ((segment.start, segment.end),):
            for found, text, begin in zip(nodes, texts, starts, strict=False):
                low, high = max(start - begin, 0), min(end - begin, len(text))
                if low < high and not text[low:high].isspace():
                    yield {
                        "segment": number,
                        "kind": segment.kind,
                        "node_id": found.node.node_id,
                        "ref_doc_id": found.node.ref_doc_id,
                        "start": low,
                        "end": high,
                        **_in_document(found, low, high),
                    }


def _in_document(found: NodeWithScore, start: int, end: int) -> dict[str, int]:
    """Return the characters of the document, where a node knows its own."""
    first = getattr(found.node, "start_char_idx", None)
    if first is None or found.node.ref_doc_id is None:
        return {}
    return {"start_char_idx": first + start, "end_char_idx": first + end}
