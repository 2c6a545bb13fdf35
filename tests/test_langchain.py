"""The LangChain adapters in real chains: the budget holds in what the model receives."""

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_host import Recorder
from pydantic import ValidationError

import hier
from hier.errors import BudgetError, InputError, TokenizerError
from hier.integrations.langchain import HierCompressor, HierRetriever, compress_text
from hier.tokens import load_tokenizer

QUESTION = "What does the with statement do when an exception is raised?"
PROMPT = ChatPromptTemplate.from_messages([("system", "CONTEXT<<{context}>>END"), ("human", "{q}")])
count = load_tokenizer("o200k_base").count


class Found(BaseRetriever):
    """What some vector store would find."""

    documents: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return self.documents


@pytest.fixture(scope="module")
def documents(tree: hier.Tree) -> list[Document]:
    """Passages from all over a text; their metadata would break any budget."""
    passages = [node for node in tree.nodes if node.level == 2][::9]
    return [
        Document(
            page_content=tree.source[node.start : node.end],
            metadata={"source": "SECRET " * 99, "node": node.id},
            id=f"node-{node.id}",
        )
        for node in passages
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, long_text: str) -> Any:
    path = tmp_path_factory.mktemp("corpus") / "corpus.hier"
    with hier.Corpus.create(path) as corpus:
        for year, place in ((2023, 0), (2024, 30_000)):
            text = long_text[place : place + 8_000]
            corpus.add(hier.Document(text, f"topics {year}"), metadata={"year": year})
        yield corpus


def received(model: Recorder) -> str:
    [[system, _]] = model.prompts
    assert isinstance(system.content, str)
    return system.content.removeprefix("CONTEXT<<").removesuffix(">>END")


def chain(model: Recorder, retriever: Any) -> Any:
    stuff = create_stuff_documents_chain(model, PROMPT)
    return {"context": retriever, "q": RunnablePassthrough()} | RunnablePassthrough.assign(
        answer=stuff
    )


# The compressor


@pytest.mark.parametrize("budget", [50, 400])
@pytest.mark.parametrize("asynchronously", [False, True])
def test_the_model_receives_what_was_found_within_one_budget(
    documents: list[Document], budget: int, asynchronously: bool
) -> None:
    model = Recorder(prompts=[])
    retriever = ContextualCompressionRetriever(
        base_compressor=HierCompressor(budget=budget), base_retriever=Found(documents=documents)
    )
    asked = chain(model, retriever)
    said = asyncio.run(asked.ainvoke(QUESTION)) if asynchronously else asked.invoke(QUESTION)
    text = received(model)
    assert said["answer"] == "an answer"
    assert text == "\n\n".join(document.page_content for document in said["context"])
    assert 0 < count(text) <= budget
    assert "SECRET" not in text
    assert sum(count(document.page_content) for document in documents) > budget


def test_provenance_names_the_document_and_its_characters(documents: list[Document]) -> None:
    compressed = HierCompressor(budget=300).compress_documents(documents, QUESTION)
    assert len(compressed) > 1
    for document in compressed:
        told = document.metadata["hier"]
        source = documents[told["index"]]
        assert (document.id, told["id"]) == (source.id, source.id)
        assert document.metadata == {**source.metadata, "hier": told}
        assert told["tokens"] == count(document.page_content)
        for segment in told["segments"]:
            words = source.page_content[segment["start"] : segment["end"]]
            assert words.strip()
            assert words in document.page_content
    assert "hier" not in documents[0].metadata, "what was given is not changed"


def test_documents_of_the_same_text_keep_their_own_provenance() -> None:
    twins = [Document(page_content="The same.", metadata={"page": page}) for page in (1, 2)]
    shown = HierCompressor().compress_documents(twins, "same?")
    assert [(d.metadata["page"], d.metadata["hier"]["index"]) for d in shown] == [(1, 0), (2, 1)]


def test_nothing_found_stays_nothing() -> None:
    compressor = HierCompressor()
    assert compressor.compress_documents([], "?") == []
    assert compressor.compress_documents([Document(page_content=" \n")], "?") == []
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=Found(documents=[])
    )
    assert retriever.invoke("?") == []


def test_the_loop_goes_on_while_documents_are_compressed(documents: list[Document]) -> None:
    released = threading.Event()

    def slow(text: str) -> int:
        assert released.wait(20), "nothing else ran on the loop"
        return len(text.split())

    async def both() -> list[Document]:
        compressor = HierCompressor(budget=100, tokenizer=slow)
        task = asyncio.create_task(compressor.acompress_documents(documents, QUESTION))
        await asyncio.sleep(0)
        released.set()
        return await task

    words = [document.page_content.split() for document in asyncio.run(both())]
    assert 0 < sum(map(len, words)) <= 100


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a text", "documents of type str are no list"),
        (Document(page_content="one"), "documents of type Document are no list"),
        ({"page_content": "one"}, "documents of type dict are no list"),
        (None, "documents of type NoneType are no list"),
        ([Document(page_content="one"), "two"], "document 1 is of type str"),
        ([{"page_content": "one"}], "document 0 is of type dict"),
        ([hier.Document("one")], "document 0 is of type Document"),
    ],
)
def test_what_is_no_document_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        HierCompressor().compress_documents(given, "?")
    assert "pass a list of langchain_core.documents.Document" in str(raised.value)


def test_settings_are_refused_when_they_are_given() -> None:
    with pytest.raises(BudgetError, match="budget 0 is below the least"):
        HierCompressor(budget=0)
    with pytest.raises(TokenizerError, match="unknown tokenizer 'nobodys'"):
        HierCompressor(tokenizer="nobodys")
    with pytest.raises(ValidationError, match="buget"):
        HierCompressor(buget=100)
    with pytest.raises(ValidationError, match="frozen"):
        HierCompressor().budget = 5


# The retriever


@pytest.mark.parametrize("budget", [40, 300, 2000])
def test_the_model_receives_the_context_of_a_tree(tree: hier.Tree, budget: int) -> None:
    model = Recorder(prompts=[])
    chain(model, HierRetriever(source=tree, budget=budget)).invoke(QUESTION)
    assert received(model) == tree.compress(QUESTION, budget).text
    assert 0 < count(received(model)) <= budget


def test_a_corpus_is_asked_of_the_documents_that_are_meant(corpus: hier.Corpus) -> None:
    retriever = HierRetriever(source=corpus, budget=200, where={"year": 2023})
    [meant] = retriever.invoke(QUESTION)
    assert meant.metadata["source"] == "topics 2023"
    for segment in meant.metadata["hier"]["segments"]:
        text = corpus.document(segment["document_id"]).text
        assert text[segment["start"] : segment["end"]] in meant.page_content
    [other] = asyncio.run(retriever.ainvoke(QUESTION, where={"year": 2024}))
    assert other.metadata["source"] == "topics 2024"
    assert other.page_content == corpus.compress(QUESTION, 200, where={"year": 2024}).text
    with pytest.raises(InputError, match="no document has year=1999"):
        retriever.invoke(QUESTION, where={"year": 1999})


def test_many_ask_one_corpus_at_once(corpus: hier.Corpus) -> None:
    retriever = HierRetriever(source=corpus, budget=120)
    questions = [QUESTION, "How are names bound?", "What is a slice?"] * 3
    assert asyncio.run(retriever.abatch(questions)) == [retriever.invoke(q) for q in questions]


def test_options_reach_the_engine(tree: hier.Tree) -> None:
    options = {"max_segments": 2, "gaps": False}
    [found] = HierRetriever(source=tree, budget=300, options=options).invoke(QUESTION)
    assert len(found.metadata["hier"]["segments"]) == 2
    assert found.page_content == tree.compress(QUESTION, 300, **options).text


def test_nothing_that_fits_is_no_document(tree: hier.Tree) -> None:
    assert HierRetriever(source=tree, budget=1).invoke(QUESTION) == []


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"source": "tree.hier"}, InputError, "a source of type str cannot be asked"),
        ({"where": {"year": 2024}}, InputError, "for a corpus, and this is one tree"),
        ({"options": {"maximum": 2}}, InputError, "options have no 'maximum'"),
        ({"options": {"budget": 2}}, InputError, "options have no 'budget'"),
        ({"options": {"price": "free"}}, BudgetError, "price 'free' is unknown"),
        ({"budget": 0}, BudgetError, "budget 0 is below the least"),
        ({"budget": "all"}, BudgetError, "budget 'all' is not a whole number"),
        ({"budgets": 9}, ValidationError, "budgets"),
    ],
)
def test_a_retriever_that_could_not_be_asked_is_not_made(
    tree: hier.Tree, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        HierRetriever(**{"source": tree} | settings)


# The step


def test_a_step_between_a_retriever_and_a_prompt(documents: list[Document]) -> None:
    prompt = ChatPromptTemplate.from_template("CONTEXT<<{context}>>END {question}")
    found = {"context": Found(documents=documents), "question": RunnablePassthrough()}
    model = Recorder(prompts=[])
    asked = found | compress_text(90) | prompt | model
    questions = [QUESTION, "How are names bound?"]
    asked.batch(questions)
    sent = [str(prompt[0].content) for prompt in model.prompts]
    texts = [re.fullmatch(r"CONTEXT<<(.*)>>END (.*)", one, re.DOTALL).groups() for one in sent]
    assert sorted(question for _, question in texts) == sorted(questions)
    assert all(0 < count(text) <= 90 for text, _ in texts)
    model.prompts.clear()
    asyncio.run(asked.abatch(questions))
    assert sorted(sent) == sorted(str(prompt[0].content) for prompt in model.prompts)


def test_a_step_takes_texts_and_other_names(tree: hier.Tree) -> None:
    text = tree.source[:9_000]
    step = compress_text(80, question="input", context="docs")
    done = step.invoke({"input": QUESTION, "docs": text, "else": 7})
    assert done["else"] == 7
    assert done["input"] == QUESTION
    assert 0 < count(done["docs"]) <= 80
    assert step.invoke({"input": QUESTION, "docs": ""})["docs"] == ""
    overview = (RunnableLambda(str.strip) | compress_text(80)).invoke(text)
    assert 0 < count(overview) <= 80
    assert overview != done["docs"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (7, "compress_text was given an object of type int"),
        ({"question": "?"}, "compress_text was given a mapping with 'question'"),
        ({"question": "?", "context": ["text"]}, "document 0 is of type str"),
        ({"question": ["?", 7], "context": "text"}, "a query of type int is not text"),
    ],
)
def test_a_step_says_what_it_wants(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compress_text().invoke(given)


# The page, and what is not installed


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    garden = "The garden is kept by the landlord and watered in summer. " * 20
    ending = "Either party may terminate with two months of notice."
    text = f"# Garden\n\n{garden}\n\n# Ending\n\n{ending}\n\n{garden}\n"
    Path("report.txt").write_text(text, encoding="utf-8")


def examples(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_the_page_run(
    number: int, repository: Path, report: None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = examples(repository / "docs" / "langchain.md")
    assert len(found) == 3
    assert len(found[number].strip().splitlines()) <= 11
    exec(compile(found[number], "docs/langchain.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "terminate with two months" in shown
    assert shown.count("The garden") < 10


def test_without_langchain_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['langchain_core'] = None; import hier.integrations.langchain"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MissingExtraError: langchain-core is needed" in done.stderr
    assert "pip install 'hier-context[langchain]'" in done.stderr
