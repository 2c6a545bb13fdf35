"""A corpus asked: one budget over all documents, every piece traced to its own."""

import itertools

import numpy as np
import pytest
from documents import towns
from hypothesis import given, settings
from hypothesis import strategies as st

import hier
from hier.corpus.corpus import Corpus
from hier.corpus.placing import Run
from hier.document import Document

QUESTIONS = ["Who repaired the mill?", "What is the code of the town code-7?", "chapel", None]


@pytest.fixture(scope="module")
def documents():
    return towns(40)


@pytest.fixture(scope="module")
def corpus(documents, tmp_path_factory):
    made = Corpus.create(tmp_path_factory.mktemp("corpus") / "towns.hier")
    made.add(*documents[:20], metadata={"year": 2023, "kind": "town"})
    made.add(*documents[20:], metadata={"year": 2024, "kind": "town"})
    yield made
    made.close()


@given(
    st.sampled_from(QUESTIONS),
    st.integers(1, 900),
    st.booleans(),
    st.sampled_from(["document", "relevance"]),
)
@settings(max_examples=40)
def test_no_context_is_over_budget_and_every_piece_is_its_documents(
    corpus, documents, query, budget, plain, order
):
    context = corpus.compress(query, budget, headings=not plain, gaps=not plain, order=order)
    assert context.tokens == corpus.tokenizer.count(context.text) <= budget
    texts = {document.name: document.text for document in documents}
    for segment in context.segments:
        assert segment.kind == "verbatim"
        assert texts[segment.document_id][segment.start : segment.end] == segment.text
        line = texts[segment.document_id].count("\n", 0, segment.start) + 1
        assert segment.place.split()[1].split("-")[0] == str(line)
        node = corpus.tree(segment.document_id).nodes[segment.node_id]
        assert node.start <= segment.start <= segment.end <= node.end
        assert node.level == segment.level
    for pick in context.picks:
        assert pick.document_id in texts
    if order == "document":
        places = [(segment.document_id, segment.start) for segment in context.segments]
        assert places == sorted(places)


def test_a_fact_is_found_among_all_documents(corpus, documents):
    for number in range(0, 40, 7):
        context = corpus.compress(f"What has the code code-{number}?", 60)
        assert any(f"code-{number}." in segment.text for segment in context.segments)


def test_a_filter_keeps_others_out(corpus):
    context = corpus.compress("Who repaired the mill?", 400, where={"year": 2024, "path": "north/"})
    assert context.segments
    assert all(s.document_id.startswith("north/") for s in context.segments)
    assert all(int(s.document_id[-6:-3]) >= 20 for s in context.segments)
    some = corpus.compress("mill", 400, where={"year": range(2023, 2024)})
    assert all(int(s.document_id[-6:-3]) < 20 for s in some.segments)
    two = corpus.compress("mill", 400, where={"path": ["*3.md", "town000.md"]})
    assert all(s.document_id[-4] == "3" or "000" in s.document_id for s in two.segments)


@pytest.mark.parametrize(
    ("where", "match"),
    [
        ({"year": 1999}, "no document"),
        ({"path": "west/*"}, "no document"),
        ("north", "no mapping"),
        ({"path": 5}, "no pattern"),
    ],
)
def test_a_filter_that_lets_nothing_through_is_told(corpus, where, match):
    with pytest.raises(hier.InputError, match=match):
        corpus.compress("mill", 100, where=where)


def test_what_must_be_included_is(corpus, documents):
    name = documents[11].name
    span = (name, (0, 30))
    context = corpus.compress("Who repaired the mill?", 300, must_include=[span])
    assert any(s.document_id == name and s.start == 0 for s in context.segments)
    whole = corpus.compress("mill", 2000, must_include=name)
    shown = sum(s.end - s.start for s in whole.segments if s.document_id == name)
    assert shown >= len(documents[11].text.rstrip()) - 20
    with pytest.raises(hier.BudgetError, match="must_include"):
        corpus.compress("mill", 50, must_include=name)


def test_what_is_excluded_is_not_shown(corpus):
    first = corpus.compress("Who repaired the mill?", 200)
    out = sorted({segment.document_id for segment in first.segments})
    again = corpus.compress("Who repaired the mill?", 200, exclude=out)
    assert not {segment.document_id for segment in again.segments} & set(out)
    part = (first.segments[0].document_id, (first.segments[0].start, first.segments[0].end))
    less = corpus.compress("Who repaired the mill?", 200, exclude=[part])
    assert first.segments[0].text not in less.text


def test_a_part_of_the_budget_is_kept_for_a_document(corpus, documents):
    name = documents[31].name
    context = corpus.compress("Who repaired the mill?", 300, minimum={name: 0.4})
    assert sum(s.tokens for s in context.segments if s.document_id == name) >= 0.4 * 300 - 40


def test_what_was_seen_is_not_shown_again(corpus):
    first = corpus.compress("Who repaired the mill?", 200)
    more = corpus.compress("Who repaired the mill?", 200, seen=first)
    known = {(s.document_id, n) for s in first.segments for n in range(s.start, s.end)}
    assert more.segments
    assert not known & {(s.document_id, n) for s in more.segments for n in range(s.start, s.end)}


@pytest.mark.parametrize(
    "options",
    [
        {"must_include": [3]}, {"exclude": [("nobody", (0, 3))]}, {"must_include": "no such part"},
        {"exclude": 4}, {"minimum": {("nobody", (0, 1)): 0.5}}, {"seen": "text"},
    ],
)  # fmt: skip
def test_selectors_that_name_nothing_are_refused(corpus, options):
    with pytest.raises(hier.InputError):
        corpus.compress("mill", 100, **options)


def test_several_questions_share_the_budget(corpus):
    both = corpus.compress(["What has the code code-3?", "What has the code code-22?"], 120)
    assert "code-3." in both.text
    assert "code-22." in both.text


def test_budgets_in_other_words(corpus):
    assert corpus.compress("mill", ratio=0.01).budget == int(0.01 * corpus.tokens)
    assert corpus.compress("mill", "auto").tokens <= 4000
    with pytest.raises(hier.BudgetError):
        corpus.compress("mill", 0)


def test_the_tree_of_a_document_is_what_it_would_be_alone(corpus, documents):
    for document in documents[::9]:
        alone, here = hier.build(document), corpus.tree(document.name)
        assert here.compress("Who repaired the mill?", 100) == alone.compress(
            "Who repaired the mill?", 100
        )
    with pytest.raises(hier.InputError, match="no document"):
        corpus.tree("elsewhere.md")


def test_what_is_named_and_counted(corpus, documents):
    assert len(corpus) == len(documents)
    assert [row.id for row in corpus.documents] == sorted(document.name for document in documents)
    assert documents[0].name in corpus
    assert "elsewhere.md" not in corpus
    assert corpus.tokens == sum(row.tokens for row in corpus.documents)


def test_long_documents_are_looked_at_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr("hier.corpus.search.WHOLE", 50)
    monkeypatch.setattr("hier.corpus.library.LEAVES", 1000)
    looked: list[list[Run]] = []
    from hier.corpus import library as module

    join = module.join
    monkeypatch.setattr(
        module, "join", lambda runs, *rest: looked.append(runs) or join(runs, *rest)
    )
    long = "\n\n".join(
        f"## Part {n}\n\n" + f"In part {n} the topic{n} is told at some length. " * 40
        for n in range(60)
    )
    with Corpus.create(tmp_path / "c.hier") as corpus:
        corpus.add(Document(long, "long.md"), *towns(3))
        context = corpus.compress("What is told of topic41?", 200)
    assert "topic41" in context.text
    runs = [run for run in looked[0] if run.source.id == "long.md"]
    assert sum(run.end - run.first for run in runs) < len(runs[0].source.leaf_start) - 1
    for one, other in itertools.pairwise(runs):
        assert one.end < other.first
    for segment in context.segments:
        if segment.document_id == "long.md":
            assert long[segment.start : segment.end] == segment.text


def test_an_empty_corpus_has_nothing_to_show(tmp_path):
    with Corpus.create(tmp_path / "c.hier") as corpus:
        assert len(corpus) == 0
        with pytest.raises(hier.InputError, match="no document"):
            corpus.compress("mill", 100)


def test_summaries_that_models_wrote_are_shown_and_traced(tmp_path):
    with Corpus.create(
        tmp_path / "c.hier", summarizer=lambda text: f"Told: {text.split('.')[0]}."
    ) as corpus:
        corpus.add(*towns(6))
        shown = [
            segment
            for budget in (40, 80, 160, 320)
            for segment in corpus.compress(None, budget).segments
            if segment.kind == "summary"
        ]
        for segment in shown:
            tree = corpus.tree(segment.document_id)
            assert tree.summary(segment.node_id)[0] == segment.text
            assert np.diff(segment.sources[0])[0] > 0
        assert shown
