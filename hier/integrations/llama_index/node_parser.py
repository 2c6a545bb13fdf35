"""A node parser: the levels of a document's tree as nodes of LlamaIndex.

It takes the place of ``HierarchicalNodeParser``: the nodes of all levels in one list, the highest
first, each with its parent and its children, so that ``get_leaf_nodes``, ``get_root_nodes`` and
``AutoMergingRetriever`` work with them. Every node is a span of its document, cut where headings,
paragraphs and sentences end.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llama_index.core.bridge.pydantic import Field, field_validator
from llama_index.core.node_parser.interface import NodeParser
from llama_index.core.node_parser.node_utils import default_id_func
from llama_index.core.schema import (
    BaseNode,
    Document,
    NodeRelationship,
    ObjectType,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.utils import get_tqdm_iterable

from hier.build import build
from hier.document import Document as Source
from hier.errors import InputError
from hier.integrations.llama_index.nodes import stable_id, text_of
from hier.levels import targets
from hier.nodes import Node
from hier.tokens import DEFAULT_TOKENIZER, load_tokenizer
from hier.tree import Tree

_SIZES = zip(range(1, 4), targets(), strict=False)
_LEVELS = ", ".join(f"{level} of about {size} tokens" for level, size in _SIZES)
_OURS = ["hier_level", "hier_heading"]


class HierNodeParser(NodeParser):
    """Cuts documents into the nodes of their trees.

    ``start_char_idx`` and ``end_char_idx`` are exact: ``document.text[start:end] == node.text``.
    White space at the end of a node is left out; else the nodes of a level are all of the text.
    A node's id follows from the id of its document, its place, its words and these settings: give
    documents ids of their own (LlamaIndex draws new ones each time) and every process finds the
    same. Metadata ``hier_level`` and ``hier_heading`` are kept out of what models read.

    Raises:
        InputError: the levels are none, or the tokenizer has no name.
        TokenizerError: the tokenizer is unknown.
    """

    levels: tuple[int, ...] = Field(
        default=(1, 2, 3),
        description=f"Levels of the tree: 0 for leaves (sentences), {_LEVELS}, and so on.",
    )
    tokenizer: str = Field(default=DEFAULT_TOKENIZER, description="How tokens are counted.")

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex serialises."""
        return "HierNodeParser"

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> "HierNodeParser":
        """Return what ``to_dict`` told; a function of one's own for ids is passed again."""
        told = {name: value for name, value in data.items() if name != "id_func"}
        return super().from_dict(told, **kwargs)

    @field_validator("levels", mode="before")
    @classmethod
    def _check_levels(cls, levels: Any) -> tuple[int, ...]:
        fine = isinstance(levels, Sequence) and not isinstance(levels, str) and levels
        if not fine or any(type(level) is not int or level < 0 for level in levels):
            raise InputError(
                f"levels {levels!r} are none; pass whole numbers from 0: {_LEVELS}, such as (1, 3)"
            )
        return tuple(sorted(set(levels)))

    @field_validator("tokenizer", mode="before")
    @classmethod
    def _check_tokenizer(cls, tokenizer: Any) -> str:
        if not isinstance(tokenizer, str):
            raise InputError(  # the pipeline's cache would take two objects for the same
                f"a tokenizer of type {type(tokenizer).__name__} has no name to be kept by; pass "
                "the name of an encoding, or the path of a tokenizer.json"
            )
        load_tokenizer(tokenizer)
        return tokenizer

    def get_nodes_from_documents(
        self, documents: Sequence[Document], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        """Return the nodes of some documents, or of nodes that were cut before.

        Raises:
            InputError: one is no node, or holds a picture, sound or film.
        """
        for document in documents:
            text_of(document)
        return super().get_nodes_from_documents(documents, show_progress, **kwargs)

    async def aget_nodes_from_documents(
        self, documents: Sequence[Document], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        """Return the nodes of some documents, and do not block the event loop meanwhile."""
        return await asyncio.to_thread(
            self.get_nodes_from_documents, documents, show_progress, **kwargs
        )

    def _parse_nodes(
        self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        listed = get_tqdm_iterable(nodes, show_progress, "Parsing documents into nodes")
        return [made for document in listed for made in self._parse(document)]

    def _postprocess_parsed_nodes(
        self, nodes: list[BaseNode], parent_doc_map: Mapping[str, Document]
    ) -> list[BaseNode]:
        """Return the nodes as they are: the base class looks again for what is known."""
        return nodes

    def _parse(self, document: BaseNode) -> list[BaseNode]:
        """Return the nodes of one document, the highest level first."""
        text = text_of(document)
        if not text.strip():
            return []
        name = str(document.metadata.get("file_name") or document.node_id)
        tree = build(Source(text, name), tokenizer=self.tokenizer)
        source = document.source_node or document.as_related_node_info()  # hashes all of the text
        nodes: list[BaseNode] = []
        above: Sequence[_Made] = ()
        for cuts in _levels_of(tree, self.levels):
            row = [
                (cut, self._make(document, source, cut, len(nodes) + i))
                for i, cut in enumerate(cuts)
            ]
            if self.include_prev_next_rel:
                _link_neighbours([node for _, node in row])
            if above:
                _link_children(above, row)
            nodes += [node for _, node in row]
            above = row
        return nodes

    def _make(
        self, document: BaseNode, source: RelatedNodeInfo, cut: "_Cut", number: int
    ) -> TextNode:
        first = _first_character(document)
        if self.id_func is default_id_func:
            place = (cut.level, cut.start, cut.end, cut.text)
            id_ = stable_id(source.node_id, document.node_id, self.levels, self.tokenizer, *place)
        else:
            id_ = self.id_func(number, document)
        kept = document.metadata if self.include_metadata else {}
        return TextNode(
            id_=id_,
            text=cut.text,
            start_char_idx=None if first is None else first + cut.start,
            end_char_idx=None if first is None else first + cut.end,
            metadata={**kept, "hier_level": cut.level, "hier_heading": cut.heading},
            excluded_embed_metadata_keys=[*document.excluded_embed_metadata_keys, *_OURS],
            excluded_llm_metadata_keys=[*document.excluded_llm_metadata_keys, *_OURS],
            metadata_template=document.metadata_template,
            metadata_separator=document.metadata_separator,
            relationships={NodeRelationship.SOURCE: source},
        )


@dataclass(frozen=True)
class _Cut:
    """A node of a tree, as far as its words go."""

    level: int
    start: int
    end: int
    text: str
    heading: str


_Made = tuple[_Cut, TextNode]


def _levels_of(tree: Tree, wanted: Sequence[int]) -> list[list[_Cut]]:
    """Return the nodes of some levels, the highest first; the root's for those above it."""
    top, offsets = len(tree.levels) - 1, tree.nodes.offsets
    levels = sorted({min(level, top) for level in wanted}, reverse=True)
    rows = [[_cut(tree, node) for node in tree.nodes[slice(*offsets[n : n + 2])]] for n in levels]
    return [[cut for cut in row if cut.text] for row in rows]


def _cut(tree: Tree, node: Node) -> _Cut:
    text = tree.source[node.start : node.end].rstrip()
    return _Cut(node.level, node.start, node.start + len(text), text, node.heading)


def _info(node: TextNode) -> RelatedNodeInfo:
    return RelatedNodeInfo(node_id=node.node_id, node_type=ObjectType.TEXT, hash=node.hash)


def _link_neighbours(row: Sequence[TextNode]) -> None:
    for one, other in pairwise(row):
        one.relationships[NodeRelationship.NEXT] = _info(other)
        other.relationships[NodeRelationship.PREVIOUS] = _info(one)


def _link_children(parents: Sequence[_Made], children: Sequence[_Made]) -> None:
    """Link the nodes of two levels, both in the order of the text."""
    begins = [cut.start for cut, _ in parents]
    infos = [_info(parent) for _, parent in parents]
    families: dict[int, list[RelatedNodeInfo]] = {}
    for cut, child in children:
        number = bisect_right(begins, cut.start) - 1
        child.relationships[NodeRelationship.PARENT] = infos[number]
        families.setdefault(number, []).append(_info(child))
    for number, family in families.items():
        parents[number][1].relationships[NodeRelationship.CHILD] = list(family)


def _first_character(document: BaseNode) -> int | None:
    """Return where a node's words begin in its document; None where it does not say."""
    if document.source_node is None:
        return 0
    return getattr(document, "start_char_idx", None)
