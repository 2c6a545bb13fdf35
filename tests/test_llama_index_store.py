"""Vector stores of LlamaIndex as the candidate index of a corpus: the built-in index's answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from documents import towns
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    VectorStoreQuery,
    VectorStoreQueryResult,
)
from llama_index.vector_stores.faiss import FaissVectorStore

import hier
from hier.corpus import library, search
from hier.document import Document
from hier.integrations.llama_index import HierRetriever, VectorStorePassages

QUESTIONS = ("Who repaired the mill?", "What has the code code-17?", "a chapel by the sea", None)


class Rows(BasePydanticVectorStore):
    """A store like FAISS: rows by number, searched by product or distance, none can be deleted."""

    stores_text: bool = False
    distance: bool = False
    rows: list[Any] = []  # noqa: RUF012 - pydantic copies it
    most: int = 10**9
    questions: int = 0

    @property
    def client(self) -> None:
        return None

    def add(self, nodes: Any, **_: Any) -> list[str]:
        first = len(self.rows)
        self.rows += [np.array(node.get_embedding(), np.float32) for node in nodes]
        return [str(number) for number in range(first, len(self.rows))]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        raise NotImplementedError("rows stay")

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        self.questions += 1
        if not self.rows:
            return VectorStoreQueryResult(similarities=[], ids=[])
        rows, asked = np.stack(self.rows), np.array(query.query_embedding, np.float32)
        scores = -np.linalg.norm(rows - asked, axis=1) if self.distance else rows @ asked
        best = np.argsort(-scores, kind="stable")[: min(query.similarity_top_k, self.most)]
        ids = [str(number) for number in best]
        return VectorStoreQueryResult(similarities=scores[best].tolist(), ids=ids)


class Whole(Rows):
    """One that gives back nodes, and no ids."""

    stores_text: bool = True
    nodes: list[BaseNode] = []  # noqa: RUF012

    def add(self, nodes: Any, **_: Any) -> list[str]:
        self.nodes += nodes
        super().add(nodes)
        return [node.node_id for node in nodes]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        ids = super().query(query).ids or []
        return VectorStoreQueryResult(nodes=[self.nodes[int(number)] for number in ids])


STORES: dict[str, Any] = {
    "cosine": SimpleVectorStore,
    "product": Rows,
    "distance": lambda: Rows(distance=True),
    "nodes": Whole,
    "faiss": lambda: FaissVectorStore(faiss_index=faiss.IndexFlatL2(257)),
}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few passages are named, so that which they are matters."""
    for module in (search, library):
        monkeypatch.setattr(module, "LISTED", 9)
        monkeypatch.setattr(module, "SPARE", 3)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "towns.hier"
    with hier.Corpus.create(path) as corpus:
        corpus.add(*towns(30)[:15], metadata={"year": 2023})
        corpus.add(*towns(30)[15:], metadata={"year": 2024})
    return path


def answers(corpus: hier.Corpus, **options: Any) -> list[Any]:
    return [corpus.compress(question, 120, **options).segments for question in QUESTIONS]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", STORES)
def test_a_store_that_is_exact_gives_the_built_in_answers(path: Path, kind: str) -> None:
    store = STORES[kind]()
    index = VectorStorePassages(store)
    with hier.Corpus.open(path) as built_in, hier.Corpus.open(path, index=index) as corpus:
        assert answers(corpus) == answers(built_in)
        for where in ({"year": 2024}, {"path": "*/town003.md"}):
            few, same = (
                each.compress(QUESTIONS[0], 120, where=where) for each in (corpus, built_in)
            )
            assert few == same


@pytest.mark.usefixtures("few")
def test_an_index_of_ones_own_is_one_method(path: Path) -> None:
    class Compared:
        """Compares a question with every passage."""

        def nearest(self, vector: Any, k: int, views: Any, where: Any) -> dict[str, list[int]]:
            scored = []
            for view in views:
                passages, allowed = view.passages, view.allowed(where)
                scores = passages.cosines(vector, np.arange(len(passages))).tolist()
                for number, row in enumerate(view.rows):
                    first, end = passages.first[number : number + 2].tolist()
                    if allowed is None or allowed[number]:
                        scored += [(-scores[i], row.id, i - first) for i in range(first, end)]
            named: dict[str, list[int]] = {}
            for _, name, passage in sorted(scored)[:k]:
                named.setdefault(name, []).append(passage)
            return named

    with hier.Corpus.open(path) as built_in, hier.Corpus.open(path, index=Compared()) as corpus:
        assert answers(corpus) == answers(built_in)
        assert answers(corpus, where={"path": "north/"}) == answers(
            built_in, where={"path": "north/"}
        )


@pytest.mark.usefixtures("few")
def test_the_store_is_what_names_passages(path: Path) -> None:
    class Backwards(Rows):
        """Names the passages least like a question."""

        def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
            query.query_embedding = [-number for number in query.query_embedding or ()]
            return super().query(query)

    with (
        hier.Corpus.open(path) as built_in,
        hier.Corpus.open(path, index=VectorStorePassages(Backwards())) as corpus,
    ):
        question = ["a church by the water"]  # BM25 finds no word of it
        one, other = (each._library.candidates(question, None) for each in (built_in, corpus))
        assert {hit[:2] for hit in one} != {hit[:2] for hit in other}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", STORES)
def test_documents_that_change_are_renewed(tmp_path: Path, kind: str) -> None:
    path, store = tmp_path / "towns.hier", STORES[kind]()
    built_in = hier.Corpus.create(path)
    built_in.add(*towns(12))
    corpus = hier.Corpus.open(path, index=VectorStorePassages(store))
    assert answers(corpus) == answers(built_in)
    new = Document("# Ferry\n\nThe ferry of Zoar was sold in 1901.\n", towns(12)[3].name)
    built_in.add(new)
    built_in.remove(towns(12)[5].name)
    built_in.add(towns(13)[12])
    assert answers(corpus) == answers(built_in)
    found = corpus.compress("Was the ferry sold?", 60)
    assert new.name in {segment.document_id for segment in found.segments}
    built_in.add(towns(12)[3])  # as it was
    assert answers(corpus) == answers(built_in)
    if kind == "cosine":
        passages = sum(len(view.passages) for view in built_in.moments.views)
        assert len(store.data.embedding_dict) == passages, "nothing that is gone is left"
    built_in.close()
    corpus.close()


@pytest.mark.usefixtures("few")
def test_shards_are_one_corpus_to_a_store(tmp_path: Path) -> None:
    paths = [tmp_path / "a.hier", tmp_path / "b.hier"]
    for number, path in enumerate(paths):
        with hier.Corpus.create(path) as corpus:
            corpus.add(*towns(20)[number::2])
    index = VectorStorePassages(SimpleVectorStore())
    with hier.Corpus.open(paths) as built_in, hier.Corpus.open(paths, index=index) as corpus:
        assert answers(corpus) == answers(built_in)


@pytest.mark.usefixtures("few")
def test_a_store_that_lasts_is_filled_once(path: Path, tmp_path: Path) -> None:
    kept, store = tmp_path / "vectors.json", SimpleVectorStore()
    with hier.Corpus.open(path, index=VectorStorePassages(store, kept)) as corpus:
        expected = answers(corpus)
    store.persist(str(tmp_path / "store.json"))

    class Closed(SimpleVectorStore):
        def add(self, nodes: Any, **_: Any) -> list[str]:
            raise AssertionError("it has everything")

    again = Closed.from_persist_path(str(tmp_path / "store.json"))
    with hier.Corpus.open(path, index=VectorStorePassages(again, kept)) as corpus:
        assert answers(corpus) == expected
    rows = Rows()
    with hier.Corpus.open(path, index=VectorStorePassages(rows, tmp_path / "rows.json")) as corpus:
        assert answers(corpus) == expected
    filled = len(rows.rows)
    with hier.Corpus.open(path, index=VectorStorePassages(rows, tmp_path / "rows.json")) as corpus:
        assert answers(corpus) == expected
    assert len(rows.rows) == filled


@pytest.mark.usefixtures("few")
def test_a_store_that_was_filled_twice_gives_the_same(path: Path) -> None:
    rows = Rows()
    for _ in range(2):
        with hier.Corpus.open(path, index=VectorStorePassages(rows)) as corpus:
            found = answers(corpus)
    with hier.Corpus.open(path) as built_in:
        assert found == answers(built_in)


@pytest.mark.usefixtures("few")
def test_a_store_that_was_emptied_or_names_too_few_is_told(path: Path, tmp_path: Path) -> None:
    store = SimpleVectorStore()
    with hier.Corpus.open(path, index=VectorStorePassages(store)) as corpus:
        answers(corpus)
        store.clear()
        with pytest.raises(hier.StoreError, match=r"names 0 of the 12 passages.*empty it"):
            corpus.compress(QUESTIONS[0], 100)
    with (
        hier.Corpus.open(path, index=VectorStorePassages(Rows(most=5))) as corpus,
        pytest.raises(hier.StoreError, match="names 5 of the 12 passages"),
    ):
        corpus.compress(QUESTIONS[0], 100)


def test_what_a_store_raises_is_told(path: Path) -> None:
    class Broken(Rows):
        def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
            raise RuntimeError("no connection\nto nowhere")

    with (
        hier.Corpus.open(path, index=VectorStorePassages(Broken())) as corpus,
        pytest.raises(hier.StoreError, match=r"Broken cannot be asked: no connection to nowhere;"),
    ):
        corpus.compress(QUESTIONS[0], 100)


def test_what_is_no_index_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(hier.InputError, match=r"VectorStorePassages\(store\)"):
        hier.Corpus.open(path, index=SimpleVectorStore())
    for wrong in (None, "store", SimpleVectorStore):
        with pytest.raises(hier.InputError, match="SimpleVectorStore"):
            VectorStorePassages(wrong)  # type: ignore[arg-type]
    kept = tmp_path / "kept.json"
    for text in ("", "{}", "[]", json.dumps({"format": 99, "documents": [], "ids": {}})):
        kept.write_text(text)
        with pytest.raises(hier.StoreError, match=r"kept\.json.*delete it"):
            VectorStorePassages(SimpleVectorStore(), kept)


def test_an_empty_corpus_says_so(tmp_path: Path) -> None:
    hier.Corpus.create(tmp_path / "empty.hier").close()
    index = VectorStorePassages(SimpleVectorStore())
    with (
        hier.Corpus.open(tmp_path / "empty.hier", index=index) as corpus,
        pytest.raises(hier.InputError, match="no documents"),
    ):
        corpus.compress("mill", 100)


@pytest.mark.usefixtures("few")
def test_many_ask_at_once(path: Path) -> None:
    with (
        hier.Corpus.open(path) as built_in,
        hier.Corpus.open(path, index=VectorStorePassages(Rows())) as corpus,
    ):
        retriever = HierRetriever(corpus, 60)
        questions = [f"What has the code code-{number}?" for number in range(12)]

        async def ask() -> list[Any]:
            return await asyncio.gather(*map(retriever.aretrieve, questions))

        for question, [found] in zip(questions, asyncio.run(ask()), strict=True):
            assert found.text == built_in.compress(question, 60).text
