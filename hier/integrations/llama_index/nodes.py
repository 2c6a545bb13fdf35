"""Nodes and questions of LlamaIndex: what is read of them, and a context as a node.

LlamaIndex writes a node's metadata in front of its text, for the model and for the embedding; every
key of ours is kept out of both, so that the model receives the tokens that were counted.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.schema import (
    BaseNode,
    ImageNode,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from hier.context import Context, Segment
from hier.errors import InputError

_NAMESPACE = uuid.UUID("6d1f3b52-5d0c-5c36-9a5e-0f6f2f9a7d11")


def stable_id(*parts: object) -> str:
    """Return an id that follows from some values alone; a UUID, since some stores take no other."""
    told = repr(parts).encode("utf-8", "backslashreplace").decode()
    return str(uuid.uuid5(_NAMESPACE, told))


def text_of(node: Any) -> str:
    """Return the words of a node, without its metadata.

    Raises:
        InputError: it is no node, or holds a picture, sound or film.
    """
    if not isinstance(node, BaseNode):
        raise InputError(
            f"a {type(node).__name__} is no node of LlamaIndex; pass a Document or a TextNode"
        )
    media: tuple[Any, ...] = ()
    if isinstance(node, ImageNode):
        media = (node.image, node.image_path, node.image_url)
    elif isinstance(node, Node):
        media = (node.image_resource, node.audio_resource, node.video_resource)
    if any(media) or not isinstance(node, Node | TextNode):
        raise InputError(
            f"node {node.node_id} is a {type(node).__name__}, of which the words alone can be "
            "read; take pictures, sound and film out before, and add them behind"
        )
    return node.get_content(metadata_mode=MetadataMode.NONE)


def question_of(bundle: QueryBundle | None) -> str | list[str] | None:
    """Return what is asked: the texts to embed where they are given, else the question.

    Raises:
        InputError: a picture is all that is asked.
    """
    if bundle is None:
        return None
    if bundle.custom_embedding_strs:
        return list(bundle.custom_embedding_strs)
    if not bundle.query_str and bundle.image_path:
        raise InputError(f"the question is the picture {bundle.image_path}; ask with words")
    return bundle.query_str


def context_nodes(context: Context, about: Mapping[str, Any]) -> list[NodeWithScore]:
    """Return a context as one node, or none where it is empty.

    Args:
        context: what to show.
        about: metadata beside those of the context; of ``documents`` one that is alone is the
            node's source.
    """
    if not context.text:
        return []
    metadata = {
        **about,
        "segments": [_place(segment) for segment in context.segments],
        "tokens": context.tokens,
        "budget": context.budget,
        "coverage": context.coverage,
        "optimality": context.optimality,
    }
    node = TextNode(
        id_=stable_id(context.text, metadata),
        text=context.text,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=list(metadata),
        text_template="{content}",
        relationships=_source(about.get("documents", ())),
    )
    best = max((segment.relevance for segment in context.segments), default=0.0)
    return [NodeWithScore(node=node, score=best)]


def _source(documents: Sequence[str]) -> dict[NodeRelationship, Any]:
    if len(documents) != 1:
        return {}
    return {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=documents[0])}


def _place(segment: Segment) -> dict[str, Any]:
    """Return where a segment is from, as plain values."""
    return {
        "document_id": segment.document_id,
        "start": segment.start,
        "end": segment.end,
        "place": segment.place,
        "kind": segment.kind,
        "node_id": segment.node_id,
        "level": segment.level,
        "relevance": segment.relevance,
        "sources": [list(span) for span in segment.sources],
    }
