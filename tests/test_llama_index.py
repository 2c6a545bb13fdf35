"""The LlamaIndex adapters in a real query engine: the budget holds in what the model receives."""

import asyncio
from typing import Any

import pytest
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

import hier
from hier.integrations.llama_index import HierPostprocessor, HierRetriever
from hier.tokens import load_tokenizer

QUESTION = "What does the with statement do when an exception is raised?"
TEMPLATE = PromptTemplate("CONTEXT<<{context_str}>>END {query_str}")


class Recorder(CustomLLM):
    """A model that remembers what it was sent."""

    prompts: list[str]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=100_000, num_output=100)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.prompts.append(prompt)
        return CompletionResponse(text="an answer")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        yield self.complete(prompt)


@pytest.fixture(scope="module")
def tree(long_text: str) -> hier.Tree:
    return hier.build(long_text)


def engine(model: Recorder, retriever: Any, mode: ResponseMode, **options: Any) -> Any:
    synthesizer = get_response_synthesizer(
        llm=model, response_mode=mode, text_qa_template=TEMPLATE, summary_template=TEMPLATE
    )
    return RetrieverQueryEngine(retriever, response_synthesizer=synthesizer, **options)


def received(model: Recorder) -> str:
    assert len(model.prompts) == 1
    prompt = model.prompts[0]
    return prompt[prompt.index("CONTEXT<<") + 9 : prompt.rindex(">>END")]


@pytest.mark.parametrize("budget", [40, 300, 2000])
@pytest.mark.parametrize(
    "mode", [ResponseMode.COMPACT, ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE]
)
def test_the_model_receives_the_context_and_nothing_else(
    tree: hier.Tree, mode: ResponseMode, budget: int
) -> None:
    model = Recorder(prompts=[])
    engine(model, HierRetriever(tree, budget), mode).query(QUESTION)
    text = received(model)
    assert text.strip() == tree.compress(QUESTION, budget).text.strip()
    assert 0 < load_tokenizer("o200k_base").count(text) <= budget


def test_asynchronous_retrieval_gives_the_same(tree: hier.Tree) -> None:
    retriever = HierRetriever(tree, 200)
    found = asyncio.run(retriever.aretrieve(QUESTION))
    assert [n.text for n in found] == [n.text for n in retriever.retrieve(QUESTION)]


def scattered(tree: hier.Tree) -> list[NodeWithScore]:
    passages = [node for node in tree.nodes if node.level == 2][::9]
    return [
        NodeWithScore(node=TextNode(text=tree.source[p.start : p.end], metadata={"page": "x" * 99}))
        for p in passages
    ]


@pytest.mark.parametrize("budget", [50, 400])
def test_the_postprocessor_keeps_one_budget_over_all_nodes(tree: hier.Tree, budget: int) -> None:
    class Found(HierRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return scattered(tree)

    model = Recorder(prompts=[])
    postprocessor = HierPostprocessor(budget=budget)
    engine(model, Found(tree), ResponseMode.COMPACT, node_postprocessors=[postprocessor]).query(
        QUESTION
    )
    assert 0 < load_tokenizer("o200k_base").count(received(model)) <= budget


def test_origins_name_the_node_and_its_characters(tree: hier.Tree) -> None:
    nodes = scattered(tree)
    texts = {found.node.node_id: found.node.text for found in nodes}
    postprocessor = HierPostprocessor(budget=300)
    [found] = postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert found.metadata["origins"]
    for origin in found.metadata["origins"]:
        assert texts[origin["node_id"]][origin["start"] : origin["end"]].strip() in found.text
    again = asyncio.run(postprocessor.apostprocess_nodes(nodes, query_str=QUESTION))
    assert [n.text for n in again] == [found.text]


def test_nothing_found_stays_nothing() -> None:
    assert HierPostprocessor().postprocess_nodes([], query_str="?") == []
    blank = NodeWithScore(node=TextNode(text="  \n"))
    assert HierPostprocessor().postprocess_nodes([blank], query_str="?") == []
