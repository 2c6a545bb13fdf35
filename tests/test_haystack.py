"""The Haystack components in real pipelines: the budget holds in the prompt that is rendered."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when it is imported

from haystack import Document, Pipeline
from haystack.components.builders import PromptBuilder
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.core.errors import DeserializationError
from haystack.dataclasses import ByteStream
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.telemetry import _telemetry

import hier
from hier.errors import BudgetError, InputError, StoreError, TokenizerError
from hier.integrations.haystack import HierCompressor, HierRetriever
from hier.tokens import load_tokenizer

QUESTION = "What does the with statement do when an exception is raised?"
OURS = ["hier.integrations.haystack"]
TEMPLATE = "CONTEXT<<{{ documents | map(attribute='content') | join('\n\n') }}>>END {{ query }}"
count = load_tokenizer("o200k_base").count


@pytest.fixture(scope="module")
def documents(tree: hier.Tree) -> list[Document]:
    """Passages from all over a text; their meta would break any budget."""
    passages = [node for node in tree.nodes if node.level == 2][::9]
    return [
        Document(
            content=tree.source[node.start : node.end],
            meta={"page": "SECRET " * 99, "node": node.id},
            score=0.5,
        )
        for node in passages
    ]


@pytest.fixture(scope="module")
def tree_path(tree: hier.Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trees") / "topics.tree"
    tree.save(path)
    return path


@pytest.fixture(scope="module")
def corpus_path(long_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpora") / "corpus.hier"
    with hier.Corpus.create(path) as corpus:
        for year, place in ((2023, 0), (2024, 30_000)):
            text = long_text[place : place + 8_000]
            corpus.add(hier.Document(text, f"topics {year}"), metadata={"year": year})
    return path


def prompting(*components: tuple[str, Any]) -> Pipeline:
    """A pipeline of components that hand documents on, up to a prompt."""
    pipeline = Pipeline()
    prompt = PromptBuilder(template=TEMPLATE, required_variables="*")
    named = [*components, ("prompt", prompt)]
    for name, component in named:
        pipeline.add_component(name, component)
    for (before, _), (name, _) in pairwise(named):
        pipeline.connect(f"{before}.documents", f"{name}.documents")
    return pipeline


def rendered(pipeline: Pipeline, first: dict[str, Any], asynchronously: bool = False) -> str:
    """The context in the prompt of a pipeline that is asked the question."""
    asked = {name: {"query": QUESTION} for name in pipeline.graph.nodes}
    data = asked | {name: asked[name] | given for name, given in first.items()}
    done = asyncio.run(pipeline.run_async(data)) if asynchronously else pipeline.run(data)
    found = re.fullmatch(r"CONTEXT<<(.*)>>END .*", done["prompt"]["prompt"], re.DOTALL)
    assert found is not None
    return found[1]


def test_haystack_reports_to_nobody() -> None:
    assert _telemetry.telemetry is None


# The compressor


@pytest.mark.parametrize("budget", [50, 400])
@pytest.mark.parametrize("asynchronously", [False, True])
def test_the_prompt_has_what_was_found_within_one_budget(
    documents: list[Document], budget: int, asynchronously: bool
) -> None:
    pipeline = prompting(("compressor", HierCompressor(budget=budget)))
    text = rendered(pipeline, {"compressor": {"documents": documents}}, asynchronously)
    shown = HierCompressor(budget=budget).run(documents, QUESTION)["documents"]
    assert text == "\n\n".join(document.content for document in shown)
    assert 0 < count(text) <= budget
    assert "SECRET" not in text


def test_behind_a_retriever_that_is_not_ours(documents: list[Document]) -> None:
    store = InMemoryDocumentStore()
    store.write_documents(documents)
    retriever = InMemoryBM25Retriever(store, top_k=8)
    pipeline = prompting(("retriever", retriever), ("compressor", HierCompressor(budget=120)))
    assert 0 < count(rendered(pipeline, {})) <= 120


def test_a_template_that_joins_otherwise_keeps_the_budget(documents: list[Document]) -> None:
    compressor = HierCompressor(budget=150, separator="\n---\n")
    template = "{% for d in documents %}{{ d.content }}{% if not loop.last %}\n---\n{% endif %}"
    prompt = PromptBuilder(template + "{% endfor %}", required_variables="*")
    shown = compressor.run(documents, QUESTION)["documents"]
    assert len(shown) > 1
    assert count(prompt.run(documents=shown)["prompt"]) <= 150


def test_provenance_names_the_document_and_its_characters(documents: list[Document]) -> None:
    shown = HierCompressor().run(documents, QUESTION, budget=300)["documents"]
    assert len(shown) > 1
    for document in shown:
        told = document.meta["hier"]
        source = documents[told["index"]]
        assert (document.id, document.score, told["id"]) == (source.id, 0.5, source.id)
        assert document.meta == {**source.meta, "hier": told}
        assert told["tokens"] == count(document.content)
        for segment in told["segments"]:
            words = source.content[segment["start"] : segment["end"]]
            assert words.strip()
            assert words in document.content
    assert Document.from_dict(shown[0].to_dict()) == shown[0]
    assert "hier" not in documents[0].meta, "what was given is not changed"


def test_documents_of_the_same_text_keep_their_own_provenance() -> None:
    twins = [Document(content="The same."), Document(content="The same.")]
    assert twins[0].id == twins[1].id
    shown = HierCompressor().run(twins, "same?")["documents"]
    assert [document.meta["hier"]["index"] for document in shown] == [0, 1]


def test_documents_without_text_are_left_out() -> None:
    image = Document(blob=ByteStream(b"\x89PNG\0\xff", mime_type="image/png"))
    given = [Document(content=None), Document(content=""), image, Document(content="A text. " * 99)]
    for budget in (20, 2000):
        [shown] = HierCompressor(budget).run(given, "text?")["documents"]
        assert shown.meta["hier"]["index"] == 3
        assert HierCompressor(budget).run(given[:3], "text?") == {"documents": []}
    assert HierCompressor().run([], "text?") == {"documents": []}
    assert (
        rendered(prompting(("compressor", HierCompressor())), {"compressor": {"documents": []}})
        == ""
    )


def test_the_loop_goes_on_while_documents_are_compressed(documents: list[Document]) -> None:
    released = threading.Event()

    def slow(text: str) -> int:
        assert released.wait(20), "nothing else ran on the loop"
        return len(text.split())

    async def both() -> dict[str, list[Document]]:
        compressor = HierCompressor(budget=100, tokenizer=slow)
        task = asyncio.create_task(compressor.run_async(documents, QUESTION))
        await asyncio.sleep(0)
        released.set()
        return await task

    shown = asyncio.run(both())["documents"]
    assert 0 < sum(len(document.content.split()) for document in shown) <= 100


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a text", "documents of type str are no list"),
        (Document(content="one"), "documents of type Document are no list"),
        (None, "documents of type NoneType are no list"),
        ([Document(content="one"), "two"], "document 1 is of type str"),
        ([{"content": "one"}], "document 0 is of type dict"),
        ([hier.Document("one")], "document 0 is of type Document"),
    ],
)
def test_what_is_no_document_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        HierCompressor().run(given, "?")
    assert "pass a list of haystack.Document" in str(raised.value)


def test_settings_are_refused_when_they_are_given(documents: list[Document]) -> None:
    with pytest.raises(BudgetError, match="budget 0 is below the least"):
        HierCompressor(budget=0)
    with pytest.raises(TokenizerError, match="unknown tokenizer 'nobodys'"):
        HierCompressor(tokenizer="nobodys")
    with pytest.raises(BudgetError, match="budget -3 is below the least"):
        HierCompressor().run(documents, "?", budget=-3)
    with pytest.raises(InputError, match="a query of type int"):
        HierCompressor().run(documents, 7)


# The retriever


@pytest.mark.parametrize("asynchronously", [False, True])
@pytest.mark.parametrize("budget", [40, 300])
def test_the_prompt_has_the_context_of_a_saved_tree(
    tree: hier.Tree, tree_path: Path, budget: int, asynchronously: bool
) -> None:
    pipeline = prompting(("retriever", HierRetriever(source=str(tree_path), budget=budget)))
    text = rendered(pipeline, {}, asynchronously)
    assert text == tree.compress(QUESTION, budget).text
    assert 0 < count(text) <= budget


def test_a_corpus_is_asked_of_the_documents_that_are_meant(corpus_path: Path) -> None:
    retriever = HierRetriever(corpus_path, budget=200, where={"year": 2023})
    [meant] = retriever.run(QUESTION)["documents"]
    [other] = asyncio.run(retriever.run_async(QUESTION, where={"year": 2024}))["documents"]
    [less] = retriever.run(QUESTION, budget=50)["documents"]
    retriever.close()
    [again] = retriever.run(QUESTION)["documents"]
    retriever.close()
    assert (meant.meta["source"], other.meta["source"]) == ("topics 2023", "topics 2024")
    assert meant == again
    assert count(less.content) <= 50 < count(meant.content) <= 200
    with hier.Corpus.open(corpus_path) as corpus:
        assert meant.content == corpus.compress(QUESTION, 200, where={"year": 2023}).text
        for segment in meant.meta["hier"]["segments"]:
            text = corpus.document(segment["document_id"]).text
            assert text[segment["start"] : segment["end"]] in meant.content
        open_one = HierRetriever(corpus, budget=200, where={"year": 2023})
        assert open_one.run(QUESTION)["documents"] == [meant]
        open_one.close()
        assert len(corpus) == 2, "what is not ours stays open"
        corpus.compress(QUESTION)


def test_options_reach_the_engine(tree: hier.Tree) -> None:
    retriever = HierRetriever(tree, budget=300, options={"max_segments": 2, "gaps": False})
    [found] = retriever.run(QUESTION)["documents"]
    assert len(found.meta["hier"]["segments"]) == 2
    assert found.score == max(s.relevance for s in tree.compress(QUESTION, 300).segments)
    assert HierRetriever(tree, budget=1).run(QUESTION) == {"documents": []}


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"source": 7}, InputError, "a source of type int cannot be asked"),
        ({"where": {"year": 2024}}, InputError, "for a corpus, and this is one tree"),
        ({"options": {"maximum": 2}}, InputError, "options have no 'maximum'"),
        ({"options": ["gaps"]}, InputError, "options of type list are no mapping"),
        ({"source": "a.tree", "options": {"budget": 2}}, InputError, "options have no 'budget'"),
        ({"source": "a.tree", "budget": 0}, BudgetError, "budget 0 is below the least"),
    ],
)
def test_a_retriever_that_could_not_be_asked_is_not_made(
    tree: hier.Tree, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        HierRetriever(**{"source": tree} | settings)


def test_a_file_that_is_no_tree_is_said_when_the_pipeline_warms_up(tmp_path: Path) -> None:
    pipeline = prompting(("retriever", HierRetriever(source=str(tmp_path / "none.tree"))))
    with pytest.raises(StoreError, match=r"none\.tree"):
        pipeline.warm_up()
    (tmp_path / "none.tree").write_text("no tree")
    with pytest.raises(StoreError, match=r"none\.tree"):
        pipeline.warm_up()


# In a pipeline's file


def test_a_pipeline_comes_back_from_its_file(
    documents: list[Document], tree_path: Path, corpus_path: Path
) -> None:
    compressor = HierCompressor(budget=90, tokenizer="cl100k_base", separator="\n")
    pipeline = prompting(("compressor", compressor))
    again = Pipeline.loads(pipeline.dumps(), allowed_modules=OURS)
    assert again.to_dict() == pipeline.to_dict()
    first = {"compressor": {"documents": documents}}
    assert rendered(again, first) == rendered(pipeline, first)
    for settings in (
        {"source": tree_path, "budget": "auto", "options": {"max_segments": 3}},
        {"source": str(corpus_path), "budget": 70, "where": {"year": [2023, 2025]}},
    ):
        pipeline = prompting(("retriever", HierRetriever(**settings)))
        again = Pipeline.loads(pipeline.dumps(), allowed_modules=OURS)
        assert again.to_dict() == pipeline.to_dict()
        assert rendered(again, {}) == rendered(pipeline, {}) != ""
        pipeline.close()
        again.close()


def test_haystack_makes_only_what_is_allowed() -> None:
    with pytest.raises(DeserializationError, match=r"hier\.integrations\.haystack"):
        Pipeline.loads(prompting(("compressor", HierCompressor())).dumps())


def test_what_has_no_file_is_not_written_to_one(tree: hier.Tree) -> None:
    with pytest.raises(StoreError, match=r"an open Tree .* save it, and pass its path"):
        prompting(("retriever", HierRetriever(tree))).dumps()
    with pytest.raises(StoreError, match=r"a tokenizer of type function .* pass its name"):
        prompting(("compressor", HierCompressor(tokenizer=len_of_words))).dumps()


def len_of_words(text: str) -> int:
    return len(text.split())


# The page, and what is not installed


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    garden = "The garden is kept by the landlord and watered in summer. " * 20
    ending = "Either party may terminate with two months of notice."
    text = f"# Garden\n\n{garden}\n\n# Ending\n\n{ending}\n\n{garden}\n"
    Path("report.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("number", range(2))
def test_the_examples_of_the_page_run(
    number: int, repository: Path, report: None, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (repository / "docs" / "haystack.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    assert len(found[number].strip().splitlines()) <= 11
    exec(compile(found[number], "docs/haystack.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "terminate with two months" in shown
    assert shown.count("The garden") < 10


def test_without_haystack_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['haystack'] = None; import hier.integrations.haystack"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MissingExtraError: haystack-ai is needed" in done.stderr
    assert "pip install 'hier-context[haystack]'" in done.stderr
