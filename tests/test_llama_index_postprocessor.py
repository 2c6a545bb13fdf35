"""The LlamaIndex postprocessor: one budget over what others retrieved, and where it is from."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_host import MODES, Recorder, count, engine
from llama_index.core import VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import (
    Document,
    ImageNode,
    MediaResource,
    Node,
    NodeWithScore,
    TextNode,
)

import hier
from hier.integrations.llama_index import HierEmbedding, HierPostprocessor

QUESTION = "What does the with statement do when an exception is raised?"


@pytest.fixture(scope="module")
def document(long_text: str) -> Document:
    return Document(id_="reference", text=long_text[:60_000], metadata={"file": "x" * 99})


@pytest.fixture(scope="module")
def retriever(document: Document) -> Any:
    """A retriever of LlamaIndex's own, over nodes of its own."""
    nodes = SentenceSplitter(chunk_size=200, chunk_overlap=40).get_nodes_from_documents([document])
    return VectorStoreIndex(nodes, embed_model=HierEmbedding()).as_retriever(similarity_top_k=12)


@pytest.mark.parametrize("mode", MODES)
def test_one_budget_is_kept_over_all_nodes(retriever: Any, mode: ResponseMode) -> None:
    for budget in (50, 400):
        model = Recorder(prompts=[])
        kept = [HierPostprocessor(budget=budget)]
        answer = engine(model, retriever, mode, node_postprocessors=kept).query(QUESTION)
        assert 0 < count(model.received) <= budget
        [node] = answer.source_nodes
        assert model.received.strip() == node.text.strip()
        assert "xxx" not in model.received
        told = node.metadata["nodes"]
        assert all(each["metadata"]["file"] == "x" * 99 for each in told.values())


def test_origins_name_the_node_and_the_characters(retriever: Any, document: Document) -> None:
    found = retriever.retrieve(QUESTION)
    texts = {each.node_id: each.text for each in found}
    [kept] = HierPostprocessor(budget=300).postprocess_nodes(found, query_str=QUESTION)
    origins = kept.metadata["origins"]
    shown = ""
    for origin in origins:
        text = texts[origin["node_id"]][origin["start"] : origin["end"]]
        assert text in kept.text
        assert document.text[origin["start_char_idx"] : origin["end_char_idx"]] == text
        assert origin["ref_doc_id"] == "reference"
        shown += text
    assert {origin["node_id"] for origin in origins} == set(kept.metadata["nodes"])
    left = kept.text.replace("…", "")
    assert len("".join(shown.split())) == len("".join(left.split())), "all of it has an origin"


SENTENCES = (
    "A plum ripens late.",
    "# Tools",
    "| a | b |",
    "```",
    "The hammer hangs on a wall.",
    "",
)


@given(
    st.lists(
        st.lists(st.sampled_from(SENTENCES), max_size=9).map("\n".join) | st.text(), max_size=5
    ),
    st.sampled_from(["Where is the hammer?", "plum", None]),
    st.integers(1, 60),
)
@settings(max_examples=60)
def test_any_nodes_keep_the_budget_and_their_origins(
    texts: list[str], question: str | None, budget: int
) -> None:
    nodes = [
        NodeWithScore(node=TextNode(id_=str(number), text=text))
        for number, text in enumerate(texts)
    ]
    for kept in HierPostprocessor(budget=budget).postprocess_nodes(nodes, query_str=question):
        assert 0 < count(kept.text) == kept.metadata["tokens"] <= budget
        for origin in kept.metadata["origins"]:
            part = texts[int(origin["node_id"])][origin["start"] : origin["end"]]
            assert part.strip() in kept.text
            assert part.strip()


def test_waiting_gives_the_same(retriever: Any) -> None:
    found, kept = retriever.retrieve(QUESTION), HierPostprocessor(budget=200)
    again = asyncio.run(kept.apostprocess_nodes(found, query_str=QUESTION))
    assert [each.text for each in again] == [
        each.text for each in kept.postprocess_nodes(found, query_str=QUESTION)
    ]


def test_without_a_question_it_is_an_overview(retriever: Any) -> None:
    found = retriever.retrieve(QUESTION)
    [kept] = HierPostprocessor(budget=200).postprocess_nodes(found)
    joined = "\n\n".join(each.text for each in found)
    assert kept.text == hier.compress(joined, None, 200, headings=False).text


def test_a_heading_of_one_node_does_not_stand_over_another() -> None:
    fruit = "# Fruit\n\n" + "The plum ripens late in the year. " * 30
    tools = "The hammer hangs on the wall of the shop. " * 30
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in (fruit, tools)]
    [kept] = HierPostprocessor(budget=20).postprocess_nodes(nodes, query_str="hammer")
    assert "hammer" in kept.text
    assert "Fruit" not in kept.text
    shown = HierPostprocessor(budget=20, options={"headings": True})
    assert "Fruit" in shown.postprocess_nodes(nodes, query_str="plum")[0].text


def test_it_is_kept_and_comes_back_the_same(retriever: Any) -> None:
    kept = HierPostprocessor(
        budget=150, tokenizer="cl100k_base", options={"max_segments": 3, "gaps": False}
    )
    told = json.loads(kept.to_json())
    assert told["class_name"] == "HierPostprocessor"
    again = HierPostprocessor.from_dict(told)
    assert again.to_dict() == kept.to_dict()
    found = retriever.retrieve(QUESTION)
    [one] = again.postprocess_nodes(found, query_str=QUESTION)
    assert one.text == kept.postprocess_nodes(found, query_str=QUESTION)[0].text
    assert len(one.metadata["segments"]) <= 3
    assert "…" not in one.text


def test_a_tokenizer_object_counts_and_cannot_be_kept() -> None:
    nodes = [NodeWithScore(node=TextNode(text="A plum ripens late in the year. " * 99))]
    words = HierPostprocessor(budget=40, tokenizer=lambda text: len(text.split()))
    [kept] = words.postprocess_nodes(nodes, query_str="plum")
    assert 0 < len(kept.text.split()) == kept.metadata["tokens"] <= 40
    with pytest.raises(hier.InputError, match="name of an encoding"):
        words.to_dict()


def test_nothing_found_stays_nothing() -> None:
    assert HierPostprocessor().postprocess_nodes([], query_str="?") == []
    blank = [NodeWithScore(node=TextNode(text=text)) for text in ("  \n", "")]
    assert HierPostprocessor().postprocess_nodes(blank, query_str="?") == []
    some = [*blank, NodeWithScore(node=TextNode(text="A plum."))]
    [kept] = HierPostprocessor().postprocess_nodes(some, query_str="?")
    assert kept.text.strip() == "A plum."
    assert [origin["node_id"] for origin in kept.metadata["origins"]] == [some[-1].node_id]


def test_a_node_of_text_parts_is_read() -> None:
    node = Node(text_resource=MediaResource(text="A plum ripens. A fig as well."))
    [kept] = HierPostprocessor(budget=50).postprocess_nodes([NodeWithScore(node=node)])
    assert kept.text == "A plum ripens. A fig as well."


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (TextNode(text="not scored"), "NodeWithScore"),
        ("a text", "NodeWithScore"),
        (NodeWithScore(node=ImageNode(text="a tower", image_path="tower.png")), "pictures"),
        (NodeWithScore(node=Node(image_resource=MediaResource(path="tower.png"))), "pictures"),
    ],
)
def test_what_is_no_text_is_told(wrong: Any, remedy: str) -> None:
    fine = NodeWithScore(node=TextNode(text="A plum."))
    with pytest.raises(hier.InputError, match=remedy):
        HierPostprocessor().postprocess_nodes([fine, wrong], query_str="?")


def test_bad_settings_are_told_at_once() -> None:
    for budget in (0, True, 2.5, "many"):
        with pytest.raises(hier.BudgetError):
            HierPostprocessor(budget=budget)
    with pytest.raises(hier.TokenizerError, match="nope"):
        HierPostprocessor(tokenizer="nope")
    with pytest.raises(hier.InputError, match="max_segment"):
        HierPostprocessor(options={"max_segment": 3})
