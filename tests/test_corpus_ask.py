"""Asking a corpus: answers cite document and place, whatever a model looks for meanwhile."""

import functools
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_model import Scripted, calls, count, expand, search

import hier
from hier.asking.subject import CorpusSubject, subject_of
from hier.errors import BudgetError, InputError

FILLING = (
    "The meeting of {n} was opened at nine by the chair of group {n}. Its minutes were read and "
    "found to be in order. Group {n} thanked the caretaker, and nothing else was decided. "
)
HARBOUR = "The harbour of Brest was dredged in 1911 by Ada Kerjean."
KEELS = "Keels of Norwegian oak [7] were laid at Vannes until the war."


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("asked") / "minutes.hier"
    with hier.Corpus.create(path) as made:
        texts = {
            f"minutes/{n}.txt": "\n\n".join(FILLING.format(n=100 * n + i) for i in range(30))
            for n in range(12)
        }
        texts["harbour.md"] = f"# Harbour\n\n{texts['minutes/3.txt']}\n\n{HARBOUR}\n"
        texts["keels.md"] = f"# Keels\n\n{KEELS} {texts['minutes/4.txt']}"
        made.add(*(hier.Document(text, name) for name, text in texts.items()))
        yield made


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    """A question finds a few of the documents, so that other words find others."""
    monkeypatch.setattr("hier.corpus.library.LEAVES", 200)


def check(corpus, answer):
    """Every piece shown or cited is its document's own, and nothing was shown twice."""
    spans, read = [], functools.cache(corpus.document)
    for context in answer.contexts:
        for segment in context.segments:
            document = read(segment.document_id)
            assert document.text[segment.start : segment.end] == segment.text
            assert document.place(segment.start, segment.end) == segment.place
            spans.append((segment.document_id, segment.start, segment.end))
    spans.sort()
    assert all(one[0] < two[0] or one[2] <= two[1] for one, two in pairwise(spans))
    for cited in answer.citations:
        document = read(cited.document)
        assert document.text[cited.start : cited.end] == cited.text
        assert document.place(cited.start, cited.end) == cited.place
        assert cited.label in answer.text


def cite(*words):
    """An answer that cites the parts with some words, by the labels that the model is shown."""

    def reply(messages):
        text = messages[-1].text
        labels = [re.findall(r"^\[\w+\](?= )", text[: text.index(word)], re.M) for word in words]
        return f"So it is {''.join(found[-1] for found in labels)}."

    return reply


def node_of(document, lines):
    """The node of a whole document in an outline."""
    found = (re.match(rf" *(\d+), \d+: {document}( … Harbour)?$", line) for line in lines)
    return int(next(match[1] for match in found if match))


def test_an_answer_cites_document_and_place(corpus):
    answer = hier.ask(corpus, "Who dredged the harbour of Brest?", Scripted([cite("1911")]), 4000)
    check(corpus, answer)
    (cited,) = answer.citations
    assert (cited.document, cited.place) == ("harbour.md", "lines 59-63")
    assert answer.sources().startswith(f"{cited.label} harbour.md:{cited.start}-{cited.end}, line")
    assert answer.beside.whole_tokens > corpus.tokens
    assert answer.tokens <= 4000


def test_other_words_find_other_documents_and_what_was_shown_stays(corpus):
    question = "Who dredged the harbour of Brest?"
    subject = subject_of(corpus, question, None)
    assert "keels.md" not in {run.source.id for run in subject.found.runs}
    model = Scripted([search("Norwegian oak"), cite("1911", "Norwegian")])
    answer = hier.ask(corpus, question, model, 12_000, price=None)
    check(corpus, answer)
    assert [step.asked for step in answer.steps] == ["overview", "search"]
    assert {cited.document for cited in answer.citations} == {"harbour.md", "keels.md"}
    # The second document has [7] of its own: the labels that the last call showed are others.
    assert "[1] " in model.sent[0][0][-1].text
    assert "[s1] " in model.shown
    assert answer.unknown_citations == ()


def test_the_outline_names_documents_and_a_branch_can_be_opened(corpus):
    def open_firm(messages):
        lines = messages[-1].text.splitlines()
        return expand(node_of("harbour.md", lines))

    model = Scripted([open_firm, cite("1911")])
    answer = hier.ask(corpus, "Who dredged the harbour of Brest?", model, 12_000)
    check(corpus, answer)
    assert answer.steps[1].asked == "expand"
    assert {s.document_id for s in answer.contexts[1].segments} <= {"harbour.md"}


def test_of_several_calls_in_a_reply_nodes_are_those_of_the_outline_it_saw(corpus):
    wanted = []

    def both(messages):
        lines = messages[-1].text.splitlines()
        wanted.append(node_of("harbour.md", lines))
        return calls(("search", {"query": "Norwegian oak"}), ("expand", {"node_id": wanted[0]}))

    answer = hier.ask(
        corpus, "Who dredged the harbour of Brest?", Scripted([both, "No."]), 14_000, price=None
    )
    check(corpus, answer)
    shown = dict(zip([step.asked for step in answer.steps], answer.contexts, strict=True))
    assert {s.document_id for s in shown["expand"].segments} <= {"harbour.md"}
    assert "keels.md" in {s.document_id for s in shown["search"].segments}


def test_only_the_documents_that_are_meant_are_shown(corpus):
    only = {"path": "minutes/*"}
    model = Scripted([search("Norwegian oak"), "It is not said."])
    answer = hier.ask(corpus, "Who dredged the harbour?", model, 12_000, where=only, price=None)
    check(corpus, answer)
    assert all(
        segment.document_id.startswith("minutes/")
        for context in answer.contexts
        for segment in context.segments
    )
    with pytest.raises(InputError, match="no document has path=novels"):
        hier.ask(corpus, "Who?", model, 12_000, where={"path": "novels"})


SAID = st.one_of(
    st.sampled_from(["Norwegian oak", "minutes of 307", "caretaker", "harbour"]).map(search),
    st.integers(0, 400).map(expand),
    st.sampled_from(["Yes [1][s2].", ""]),
)


@settings(max_examples=6)
@given(script=st.lists(SAID, min_size=1, max_size=5), budget=st.integers(300, 5000))
def test_no_conversation_exceeds_its_budget(corpus, script, budget):
    model = Scripted(script)
    try:
        answer = hier.ask(corpus, "Who dredged the harbour?", model, budget, price=None)
    except BudgetError:
        assert len(model.sent) <= 1
        return
    check(corpus, answer)
    spent = 0
    for messages, most, _ in model.sent:
        sent = sum(count(message.text) for message in messages)
        assert sent + most <= budget - spent
        spent += sent
    assert answer.tokens <= budget


def test_an_estimate_knows_the_size_of_the_whole_corpus(corpus):
    guess = hier.estimate(corpus, "Who dredged the harbour?")
    assert guess.whole - guess.prompt >= corpus.tokens
    assert guess.context < guess.whole
    with pytest.raises(BudgetError, match=f"{guess.least} tokens"):
        hier.ask(corpus, "Who dredged the harbour?", Scripted(), guess.least - 1)
    answer = hier.ask(corpus, "Who dredged the harbour?", Scripted(), guess.least)
    assert answer.contexts[0].segments


def test_a_filter_is_no_option_of_a_single_text():
    with pytest.raises(InputError, match="where chooses documents of a corpus"):
        hier.ask(hier.build("One text."), "What?", Scripted(), 900, where={"year": 2024})


def test_a_piece_is_found_again_in_every_wider_text(corpus):
    subject = subject_of(corpus, "Who dredged the harbour of Brest?", None)
    assert isinstance(subject, CorpusSubject)
    context = subject.tree.compress("Who dredged the harbour of Brest?", 600)
    told = subject.told(context)
    for words in ("Norwegian oak", "minutes of 1107"):
        subject = subject.widened(words)
        (context,) = subject.seen([told])
        for segment in context.segments:
            assert subject.tree.source[segment.start : segment.end] == segment.text
        again = subject.told(context)
        assert [(s.document_id, s.start, s.end) for s in again.segments] == [
            (s.document_id, s.start, s.end) for s in told.segments
        ]
