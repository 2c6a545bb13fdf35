"""Does the context hold the evidence? Planted facts always; part of the suite where its data is."""

import re
import sys
from pathlib import Path

import pytest

import hier

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import contest  # noqa: E402
import data  # noqa: E402
import environment  # noqa: E402
import schedule  # noqa: E402
import scores  # noqa: E402
import stdlib_text  # noqa: E402
from systems.ours import Ours  # noqa: E402

PART = ("squad", "hotpotqa_para_pool", "contractnli", "covidqa")
FLOORS = {256: 0.72, 1024: 0.93}  # measured: .747 and .955

# Made up, so no other sentence of the text can answer; each asked in other words than it is told.
PLANTED = (
    ("The lighthouse at Varnholm was built by Odile Brask in 1874.", "Who built the lighthouse?"),
    ("Tamsin Okoro keeps eleven goats behind the observatory.", "How many goats are kept?"),
    ("The ferry to Skarra leaves from pier nine at dawn.", "Which pier is the ferry from?"),
    ("Doctor Pell prescribed willow bark for the captain's fever.", "What treated the fever?"),
    ("The winning pumpkin in Dellwater weighed 412 kilograms.", "How heavy was the pumpkin?"),
    ("Queen Isaura signed the treaty of Lom on a Tuesday.", "When was the treaty of Lom signed?"),
    (
        "The bakery on Quill Street sells rye bread with caraway.",
        "What bread does the bakery sell?",
    ),
    ("Professor Anders Vik discovered the comet in a photograph.", "Who discovered the comet?"),
    ("The village brass band rehearses in a disused cinema.", "Where does the band rehearse?"),
    ("A violin by Ferrante was sold in Trieste for 90,000 crowns.", "What did the violin cost?"),
    ("The mayor of Hollin Cross is allergic to strawberries.", "What is the mayor allergic to?"),
    ("Snow closed the mountain road to Teufen for six weeks.", "How long was the road closed?"),
)


def planted_document() -> data.Document:
    """The language reference, a fact hidden inside a paragraph of each twelfth of it."""
    text = stdlib_text.reference()
    questions = []
    for number, (fact, question) in enumerate(reversed(PLANTED)):
        twelfth = len(text) * (len(PLANTED) - 1 - number) // len(PLANTED)
        ends = re.compile(r"(?<=[a-z]\. )(?= ?[A-Z])").search(text, twelfth + 3000)
        assert ends is not None
        text = f"{text[: ends.start()]}{fact} {text[ends.start() :]}"
        questions.append((fact, question))
    return data.Document(
        dataset="planted",
        doc_id="reference",
        text=text,
        questions=tuple(
            data.Question(fact, question, ((text.index(fact), text.index(fact) + len(fact)),), ())
            for fact, question in questions
        ),
    )


@pytest.fixture(scope="module")
def planted() -> tuple[data.Document, contest.Tally]:
    document = planted_document()
    return document, contest.tally(contest.hold(Ours("hier"), document, (256,)), document, (256,))


def test_planted_facts_are_found_in_256_tokens(planted):
    _, tally = planted
    missed = [s.question for s in tally.scores if s.values["EvidenceRecall@256"] < 1]
    assert len(tally.scores) == 12
    assert len(missed) <= 1, missed


def test_planted_facts_keep_to_the_budget_by_another_count(planted):
    _, tally = planted
    assert tally.run.failure is None  # ours raises when it says another count than tiktoken's
    assert all(s.values["Overshoot@256"] == 0 for s in tally.scores)
    assert tally.disowned == 0


def test_a_question_about_the_reference_is_not_answered_with_planted_facts(planted):
    document, _ = planted
    context = hier.build(document.text).compress("How does the with statement work?", budget=256)
    found = [fact for fact, _ in PLANTED if fact in context.text]
    assert not found
    assert environment.token_counter("o200k_base")(context.text) <= 256


def test_macro_recall_on_a_part_of_the_suite(data_folder, tmp_path):
    if data_folder is None:
        pytest.skip(
            "no evaluation data: set HIER_DATA to the folder that benchmarks/README.md names"
        )
    documents = data.evidence_suite(data_folder, PART, documents=2, questions=4)
    outcomes = schedule.run([Ours("hier")], documents, (256, 1024), tmp_path, workers=1)
    summary = scores.summarise(outcomes, documents, (256, 1024), resamples=100)["systems"]["hier"]
    print(summary["macro"])
    assert summary["overshoots"]["contexts"] == summary["disowned_spans"] == 0
    assert summary["failures"] == []
    for budget, floor in FLOORS.items():
        assert summary["macro"][f"EvidenceRecall@{budget}"][0] >= floor, f"at {budget} tokens"
