"""The LlamaIndex retriever in a real query engine: the budget holds in what the model receives."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from documents import towns
from llama_host import MODES, TEMPLATE, Recorder, count, engine
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import MetadataMode, QueryBundle, TextNode

import hier
from hier.integrations.llama_index import HierRetriever

QUESTION = "What does the with statement do when an exception is raised?"
MILL = "Who repaired the mill?"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with hier.Corpus.create(tmp_path_factory.mktemp("towns") / "towns.hier") as made:
        made.add(*towns(12), metadata={"year": 2024})
        yield made


@pytest.fixture(params=["tree", "corpus"])
def asked(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """What is asked, and a question for it."""
    asked = request.getfixturevalue(request.param)
    return asked, {"tree": QUESTION, "corpus": MILL}[request.param]


@pytest.mark.parametrize("mode", MODES)
def test_the_model_receives_the_context_and_nothing_else(
    asked: tuple[Any, str], mode: ResponseMode
) -> None:
    source, question = asked
    for budget in (40, 300):
        model = Recorder(prompts=[])
        answer = engine(model, HierRetriever(source, budget), mode).query(question)
        assert model.received.strip() == source.compress(question, budget).text.strip()
        assert 0 < count(model.received) <= budget
        [node] = answer.source_nodes
        assert node.metadata["segments"]
        assert node.metadata["tokens"] <= node.metadata["budget"] == budget


def test_an_engine_that_waits_receives_the_same(asked: tuple[Any, str]) -> None:
    source, question = asked
    model = Recorder(prompts=[])
    asyncio.run(engine(model, HierRetriever(source, 200), ResponseMode.COMPACT).aquery(question))
    assert model.received.strip() == source.compress(question, 200).text.strip()


def test_a_chat_engine_receives_the_context(tree: hier.Tree) -> None:
    model = Recorder(prompts=[])
    chat = ContextChatEngine.from_defaults(
        retriever=HierRetriever(tree, 100),
        memory=ChatMemoryBuffer.from_defaults(token_limit=1000),  # the default's opens a database
        llm=model,
        context_template=TEMPLATE,
    )
    chat.chat(QUESTION)
    assert model.received == tree.compress(QUESTION, 100).text


def test_a_node_goes_through_a_store_of_documents(asked: tuple[Any, str]) -> None:
    source, question = asked
    [found] = HierRetriever(source, 200).retrieve(question)
    again = TextNode.from_dict(json.loads(found.node.to_json()))
    assert again == found.node
    assert again.hash == found.node.hash


def test_no_metadata_are_written_into_any_text(asked: tuple[Any, str]) -> None:
    source, question = asked
    [found] = HierRetriever(source, 200).retrieve(question)
    assert set(found.metadata) == set(found.node.excluded_llm_metadata_keys)
    assert set(found.metadata) == set(found.node.excluded_embed_metadata_keys)
    for mode in MetadataMode:
        assert found.node.get_content(metadata_mode=mode) == found.text


def test_metadata_name_documents_and_places(corpus: hier.Corpus) -> None:
    [found] = HierRetriever(corpus, 300).retrieve(MILL)
    shown = set()
    for segment in found.metadata["segments"]:
        document = corpus.document(segment["document_id"])
        assert document.text[segment["start"] : segment["end"]] in found.text
        assert document.place(segment["start"], segment["end"]) == segment["place"] != ""
        shown.add(segment["document_id"])
    assert set(found.metadata["documents"]) == shown
    assert len(shown) > 1
    [one] = HierRetriever(corpus, 300, where={"path": "*/town003.md"}).retrieve(MILL)
    assert one.metadata["documents"] == ["north/town003.md"]
    assert one.node.ref_doc_id == "north/town003.md"


def test_options_are_passed_on(tree: hier.Tree, corpus: hier.Corpus) -> None:
    retriever = HierRetriever(tree, max_segments=2, gaps=False, prefix="Read this:\n")
    expected = tree.compress(QUESTION, max_segments=2, gaps=False, prefix="Read this:\n")
    assert [found.text for found in retriever.retrieve(QUESTION)] == [expected.text]
    north = HierRetriever(corpus, 200, where={"path": "north/"}, headings=False)
    expected = corpus.compress(MILL, 200, where={"path": "north/"}, headings=False)
    assert [found.text for found in north.retrieve(MILL)] == [expected.text]


def test_texts_to_embed_are_what_is_asked(tree: hier.Tree) -> None:
    bundle = QueryBundle("?", custom_embedding_strs=[QUESTION, "generators"])
    [found] = HierRetriever(tree, 300).retrieve(bundle)
    assert found.text == tree.compress([QUESTION, "generators"], 300).text
    [overview] = HierRetriever(tree, 300).retrieve("")
    assert overview.text == tree.compress(None, 300).text


def test_the_same_answer_has_the_same_id(corpus: hier.Corpus) -> None:
    ids = [HierRetriever(corpus, 200).retrieve(MILL)[0].node_id for _ in range(2)]
    assert len(set(ids)) == 1
    assert HierRetriever(corpus, 90).retrieve(MILL)[0].node_id not in ids


def test_nothing_that_fits_is_no_node(tree: hier.Tree) -> None:
    assert HierRetriever(tree, 1).retrieve(QUESTION) == []


@pytest.mark.parametrize("wrong", [None, "a text", Path("papers.hier"), [1], hier.Tree])
def test_what_cannot_be_asked_is_told(wrong: Any) -> None:
    with pytest.raises(hier.InputError, match=r"hier\.build.*hier\.load.*Corpus\.open"):
        HierRetriever(wrong)


def test_what_cannot_be_kept_to_is_told_at_once(tree: hier.Tree, corpus: hier.Corpus) -> None:
    with pytest.raises(hier.BudgetError):
        HierRetriever(tree, 0)
    with pytest.raises(hier.InputError, match="max_segment"):
        HierRetriever(tree, max_segment=3)
    with pytest.raises(hier.InputError, match="where"):
        HierRetriever(tree, where={"year": 2024})
    with pytest.raises(hier.InputError, match="no mapping"):
        HierRetriever(corpus, where="year")  # type: ignore[arg-type]
    with pytest.raises(hier.InputError, match="with words"):
        HierRetriever(tree).retrieve(QueryBundle("", image_path="picture.png"))


class Halting:
    """Counts tokens, and waits while it does so once it is told to."""

    def __init__(self) -> None:
        self.wait: Any = lambda: None

    def __call__(self, text: str) -> int:
        self.wait()
        return len(text.split())


def test_the_event_loop_goes_on_while_a_question_is_answered(chapters: hier.Tree) -> None:
    counter = Halting()
    retriever = HierRetriever(hier.build(chapters.source, tokenizer=counter), 20)
    goes_on = threading.Event()
    counter.wait = lambda: goes_on.wait(60) or pytest.fail("the event loop was blocked")

    async def ask() -> list[Any]:
        asking = asyncio.ensure_future(retriever.aretrieve("When does a plum ripen?"))
        await asyncio.sleep(0.05)
        goes_on.set()  # by the loop, and not before
        return await asking

    [found] = asyncio.run(ask())
    assert "plum" in found.text


def test_questions_are_answered_side_by_side(chapters: hier.Tree) -> None:
    counter = Halting()
    retriever = HierRetriever(hier.build(chapters.source, tokenizer=counter), 20)
    everybody = threading.Barrier(3)
    met = threading.local()

    def meet() -> None:
        if not hasattr(met, "once"):
            met.once = everybody.wait(60)

    counter.wait = meet

    async def ask() -> list[Any]:
        fruits = ("plum", "quince", "fig")
        return await asyncio.gather(*(retriever.aretrieve(f"a {fruit}?") for fruit in fruits))

    plum, quince, fig = (found[0].text for found in asyncio.run(ask()))
    assert "plum" in plum
    assert "quince" in quince
    assert "fig" in fig


def test_many_ask_a_corpus_while_it_is_written_to(tmp_path: Path) -> None:
    with hier.Corpus.create(tmp_path / "towns.hier") as corpus:
        corpus.add(*towns(8))
        retriever = HierRetriever(corpus, 60)
        questions = [f"What has the code code-{number}?" for number in range(8)] * 3

        async def ask() -> list[Any]:
            writing = asyncio.to_thread(lambda: [corpus.add(town) for town in towns(12)[8:]])
            asking = [retriever.aretrieve(question) for question in questions]
            return (await asyncio.gather(writing, *asking))[1:]

        for question, [found] in zip(questions, asyncio.run(ask()), strict=True):
            code = question.split()[-1].rstrip("?")
            assert f"{code}." in found.text
            assert count(found.text) <= 60
        assert len(corpus) == 12
        [found] = retriever.retrieve("What has the code code-11?")
        assert "code-11." in found.text
