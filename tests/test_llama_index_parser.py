"""The LlamaIndex node parser: spans that are exact, families that are whole, ids that stay."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from documents import towns
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter, get_leaf_nodes, get_root_nodes
from llama_index.core.node_parser.relational.hierarchical import get_child_nodes, get_deeper_nodes
from llama_index.core.retrievers import AutoMergingRetriever
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageDocument,
    MetadataMode,
    NodeRelationship,
    TextNode,
)
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores import SimpleVectorStore

import hier
from hier.integrations.llama_index import HierEmbedding, HierNodeParser


@pytest.fixture(scope="module")
def document(long_text: str) -> Document:
    return Document(
        id_="reference",
        text=long_text[:30_000],
        metadata={"file_name": "topics.txt", "secret": 7},
        excluded_llm_metadata_keys=["secret"],
    )


@pytest.fixture(scope="module")
def nodes(document: Document) -> list[BaseNode]:
    return HierNodeParser().get_nodes_from_documents([document])


def of_level(nodes: list[Any], level: int) -> list[Any]:
    return [node for node in nodes if node.metadata["hier_level"] == level]


def check_spans(text: str, nodes: list[Any]) -> None:
    """Every node is its characters, and the nodes of a level are the whole text."""
    for level in {node.metadata["hier_level"] for node in nodes}:
        place = 0
        for node in of_level(nodes, level):
            assert text[node.start_char_idx : node.end_char_idx] == node.text != ""
            assert not text[place : node.start_char_idx].strip()
            place = node.end_char_idx
        assert not text[place:].strip()


@given(st.text(), st.sets(st.integers(0, 5), min_size=1))
@settings(max_examples=40)
def test_any_text_is_cut_into_all_of_its_words(text: str, levels: set[int]) -> None:
    parser = HierNodeParser(levels=tuple(levels))
    nodes = parser.get_nodes_from_documents([Document(id_="a", text=text)])
    assert bool(nodes) == bool(text.strip())
    check_spans(text, nodes)
    assert len({node.node_id for node in nodes}) == len(nodes)


def test_levels_are_families(document: Document, nodes: list[Any]) -> None:
    check_spans(document.text, nodes)
    assert [level for level in (3, 2, 1) for _ in of_level(nodes, level)] == [
        node.metadata["hier_level"] for node in nodes
    ]
    known = {node.node_id: node for node in nodes}
    for node in nodes:
        assert node.ref_doc_id == "reference"
        family = [known[child.node_id] for child in node.child_nodes or ()]
        assert bool(family) == (node.metadata["hier_level"] > 1)
        if family:
            assert family[0].start_char_idx == node.start_char_idx
            assert family[-1].end_char_idx == node.end_char_idx
        for child in family:
            assert child.parent_node.node_id == node.node_id
            assert child.parent_node.hash == node.hash
            assert child.metadata["hier_level"] == node.metadata["hier_level"] - 1
    for level in (1, 2, 3):
        row = of_level(nodes, level)
        assert row[0].prev_node is row[-1].next_node is None
        for one, other in pairwise(row):
            assert one.next_node.node_id == other.node_id
            assert other.prev_node.node_id == one.node_id


def test_the_functions_for_hierarchies_take_them(nodes: list[BaseNode]) -> None:
    assert get_leaf_nodes(nodes) == of_level(nodes, 1)
    assert get_root_nodes(nodes) == of_level(nodes, 3)
    assert get_deeper_nodes(nodes, 1) == of_level(nodes, 2)
    assert get_child_nodes(of_level(nodes, 2), nodes) == of_level(nodes, 1)


def test_levels_that_are_passed_over_leave_grandparents(document: Document) -> None:
    nodes = HierNodeParser(levels=(3, 1)).get_nodes_from_documents([document])
    parents = {node.node_id: node for node in of_level(nodes, 3)}
    for node in of_level(nodes, 1):
        parent = parents[node.parent_node.node_id]
        assert parent.start_char_idx <= node.start_char_idx < node.end_char_idx
        assert node.end_char_idx <= parent.end_char_idx
    single = HierNodeParser(levels=(2,), include_prev_next_rel=False)
    for node in single.get_nodes_from_documents([document]):
        assert set(node.relationships) == {NodeRelationship.SOURCE}


def test_metadata_of_ours_are_in_no_text_and_the_documents_stay(
    nodes: list[Any], document: Document
) -> None:
    for node in nodes:
        assert node.metadata["file_name"] == "topics.txt"
        for mode in (MetadataMode.LLM, MetadataMode.EMBED):
            assert "hier_" not in node.get_content(metadata_mode=mode)
            assert "file_name: topics.txt" in node.get_content(metadata_mode=mode)
        assert "secret" not in node.get_content(metadata_mode=MetadataMode.LLM)
    headings = {node.metadata["hier_heading"] for node in nodes} - {""}
    assert headings
    assert all(heading in " ".join(document.text.split()) for heading in headings)
    bare = HierNodeParser(include_metadata=False)
    [node, *_] = bare.get_nodes_from_documents([Document(text="A plum.", metadata={"a": 1})])
    assert set(node.metadata) == {"hier_level", "hier_heading"}


def test_ids_are_the_same_in_every_process(
    nodes: list[Any], document: Document, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from llama_index.core.schema import Document\n"
        "from hier.integrations.llama_index import HierNodeParser\n"
        "document = Document(id_='reference', text=sys.stdin.buffer.read().decode())\n"
        "print(*[n.node_id for n in HierNodeParser().get_nodes_from_documents([document])])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=document.text.encode(),
        env={**os.environ, "PYTHONHASHSEED": "7"},
        cwd=tmp_path,  # not where the folder of the sources would be found first
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().split() == [node.node_id for node in nodes]


def test_ids_tell_documents_texts_and_settings_apart(nodes: list[Any], document: Document) -> None:
    def ids(parser: HierNodeParser, id_: str, text: str) -> set[str]:
        made = parser.get_nodes_from_documents([Document(id_=id_, text=text)])
        return {node.node_id for node in made}

    known = {node.node_id for node in nodes}
    assert len(known) == len(nodes)
    assert ids(HierNodeParser(), "reference", document.text) == known
    assert not ids(HierNodeParser(), "copy", document.text) & known
    assert not ids(HierNodeParser(levels=(1, 2)), "reference", document.text) & known
    changed = document.text + "\n\nOne more paragraph stands at the end of it."
    assert 0 < len(ids(HierNodeParser(), "reference", changed) & known) < len(known)
    own = HierNodeParser(id_func=lambda number, of: f"{of.node_id}-{number}")
    assert ids(own, "b", "A plum. " * 9) == {"b-0"}


def test_pieces_of_a_document_are_placed_in_it(document: Document) -> None:
    pieces = SentenceSplitter(chunk_size=2000, chunk_overlap=0).get_nodes_from_documents([document])
    nodes = HierNodeParser(levels=(1,)).get_nodes_from_documents(pieces)
    assert len(pieces) > 1
    for node in nodes:
        assert node.ref_doc_id == "reference"
        assert document.text[node.start_char_idx : node.end_char_idx] == node.text
    lost = TextNode(text="A plum.", relationships=pieces[0].relationships)
    [node] = HierNodeParser().get_nodes_from_documents([lost])
    assert node.start_char_idx is node.end_char_idx is None


def test_waiting_gives_the_same(nodes: list[BaseNode], document: Document) -> None:
    again = asyncio.run(HierNodeParser().acall([document]))
    assert [node.to_dict() for node in again] == [node.to_dict() for node in nodes]
    pipeline = IngestionPipeline(transformations=[HierNodeParser()])
    again = asyncio.run(pipeline.arun(documents=[document]))
    assert [node.to_dict() for node in again] == [node.to_dict() for node in nodes]


def test_it_is_kept_and_comes_back_the_same(document: Document) -> None:
    parser = HierNodeParser(levels=(2, 1), tokenizer="cl100k_base")
    again = HierNodeParser.from_dict(json.loads(parser.to_json()))
    assert again.levels == (1, 2)
    assert again.to_dict() == parser.to_dict()
    assert pickle.loads(pickle.dumps(parser)).to_dict() == parser.to_dict()  # noqa: S301 - workers
    assert [node.to_dict() for node in again([document])] == [
        node.to_dict() for node in parser([document])
    ]


def documents(number: int) -> list[Document]:
    return [Document(id_=town.name, text=town.text) for town in towns(number)]


def test_a_pipeline_renews_what_changed(tmp_path: Path) -> None:
    store, kept = SimpleVectorStore(), SimpleDocumentStore()
    pipeline = IngestionPipeline(
        transformations=[HierNodeParser(levels=(1, 2)), HierEmbedding()],
        docstore=kept,
        vector_store=store,
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
    )
    first = pipeline.run(documents=documents(4))
    assert set(store.data.embedding_dict) == {node.node_id for node in first}
    assert pipeline.run(documents=documents(4)) == []
    some = documents(4)[:3]
    some[0].text_resource.text += "\n\nThe harbour was dredged last year."
    second = pipeline.run(documents=some)
    assert {node.ref_doc_id for node in second} == {some[0].node_id}
    gone = documents(4)[3].node_id
    held = set(store.data.text_id_to_ref_doc_id.values())
    assert held == {document.node_id for document in some} == held - {gone}
    assert {
        id_ for id_, of in store.data.text_id_to_ref_doc_id.items() if of == some[0].node_id
    } == {node.node_id for node in second}
    assert second[-1].text.endswith("dredged last year.")


def test_the_cache_of_a_pipeline_gives_back_the_same_nodes(tmp_path: Path) -> None:
    first = IngestionPipeline(transformations=[HierNodeParser()])
    made = first.run(documents=documents(2))
    first.persist(str(tmp_path))
    second = IngestionPipeline(transformations=[HierNodeParser()])
    second.load(str(tmp_path))
    assert [n.to_dict() for n in second.run(documents=documents(2))] == [n.to_dict() for n in made]
    other = IngestionPipeline(transformations=[HierNodeParser(levels=(0,))], cache=second.cache)
    assert {node.metadata["hier_level"] for node in other.run(documents=documents(2))} == {0}


def test_the_auto_merging_retriever_merges_them(document: Document, nodes: list[BaseNode]) -> None:
    storage = StorageContext.from_defaults()
    storage.docstore.add_documents(nodes)
    index = VectorStoreIndex(
        get_leaf_nodes(nodes), storage_context=storage, embed_model=HierEmbedding()
    )
    retriever = AutoMergingRetriever(index.as_retriever(similarity_top_k=12), storage)
    found = [each.node for each in retriever.retrieve("How is a generator function resumed?")]
    assert any(node.metadata["hier_level"] > 1 for node in found), "some were merged"
    for node in found:
        assert document.text[node.start_char_idx : node.end_char_idx] == node.text


@pytest.mark.parametrize(
    "settings",
    [{"levels": ()}, {"levels": 2}, {"levels": (-1,)}, {"levels": ("1",)}, {"levels": "12"},
     {"tokenizer": len}, {"tokenizer": None}],
)  # fmt: skip
def test_bad_settings_are_told_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(hier.InputError, match="pass"):
        HierNodeParser(**settings)


@pytest.mark.parametrize("wrong", ["a text", ImageDocument(image=b"a picture"), None])
def test_what_is_no_text_is_told(wrong: Any) -> None:
    with pytest.raises(hier.InputError):
        HierNodeParser().get_nodes_from_documents([Document(text="A plum."), wrong])
    with pytest.raises(hier.InputError):
        asyncio.run(HierNodeParser().aget_nodes_from_documents([wrong]))
