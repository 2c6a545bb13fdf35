"""Planted documents: the evidence is where it is said to be, and nowhere else."""

import re

import data
import planted
import pytest


@pytest.fixture(scope="module")
def documents():
    return planted.suite(documents=2)


def test_every_set_has_its_documents_and_questions(documents):
    assert [d.dataset for d in documents] == [name for name in planted.SETS for _ in range(2)]
    assert all(len(d.questions) == 12 for d in documents)
    names = [q.id for d in documents for q in d.questions]
    assert len(set(names)) == len(names)
    assert len({d.text for d in documents}) == len(documents)


def test_evidence_is_whole_sentences_that_stand_once(documents):
    for document in documents:
        for question in document.questions:
            for start, end in question.evidence:
                sentence = document.text[start:end]
                assert re.fullmatch(r"[A-Z][^.]*\.", sentence), sentence
                assert document.text.count(sentence) == 1
                assert document.text[start - 1].isspace()
                assert document.text[end].isspace()


def test_the_answer_is_in_the_evidence_and_not_in_the_question(documents):
    for document in documents:
        for question in document.questions:
            told = " ".join(document.text[s:e] for s, e in question.evidence)
            assert question.answers[0] in told
            assert question.answers[0] not in question.question


def test_two_hops_are_two_sentences_far_apart_more_often_than_not(documents):
    hops = [q for d in documents if d.dataset == "planted_hop" for q in d.questions]
    assert all(len(q.evidence) == 2 for q in hops)
    assert sum(q.evidence[1][0] - q.evidence[0][1] > 2000 for q in hops) > len(hops) * 0.7


def test_the_seed_decides(documents):
    assert planted.suite(documents=2) == documents
    assert planted.suite(documents=2, seed=1) != documents


def test_fewer_of_each_can_be_asked_for():
    short = planted.suite(documents=1, questions=3)
    assert [len(d.questions) for d in short] == [3, 3, 3]
    assert all(isinstance(d, data.Document) for d in short)
