"""Each measure against a slower way to the same number, and where it must not apply."""

import math
from collections import Counter
from dataclasses import replace

import data
import economy
import measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

TEXT = (
    "Leave. The notice period is 3.5 months, says Ms Odile Brask. In March the F-16 of "
    "hier_context cost 1,200 crowns."
)
SPAN = (7, len(TEXT))


def case(text="", *, evidence=(), answers=(), references=(), spans=(), budget=256, tokens=100):
    question = data.Question("q", "How long?", tuple(evidence), tuple(references), tuple(answers))
    document = data.Document("tiny", "d", TEXT, (question,))
    return measures.Case(document, question, budget, text, tuple(spans), tokens, 400)


@pytest.mark.parametrize("kind", [*measures.MEASURES, economy.TokenEconomy])
def test_a_measure_prints_as_its_name_and_is_a_value(kind):
    assert repr(kind(512)) == f"{kind.__name__}@512"
    assert kind(512) == kind(512) != kind(256)
    assert len({kind(512), kind(512)}) == 1


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6),
)
def test_evidence_recall_is_the_share_of_characters(gold, kept):
    gold, kept = ([(s, s + n) for s, n in spans] for spans in (gold, kept))
    wanted, found = ({c for s, e in spans for c in range(s, e)} for spans in (gold, kept))
    value = measures.EvidenceRecall(256).of(case(evidence=data.merge(gold), spans=kept))
    assert value == pytest.approx(len(wanted & found) / len(wanted))


@pytest.mark.parametrize(
    ("answers", "text", "value"),
    [
        (["3.5 months"], "a notice of 3,5 Months!", 1),
        (["the notice period"], "Notice-period: none", 1),  # articles and punctuation aside
        (["notice"], "noticeable", 0),  # whole words only
        (["four months", "March"], "it was in march", 1),  # one that is quoted is enough
        (["four months"], "four months", None),  # not quoted from the document
        (["Yes"], "yes", None),
        (["?!"], "?!", None),
        ([], "anything", None),
    ],
)
def test_answer_recall(answers, text, value):
    assert measures.AnswerRecall(256).of(case(text, answers=answers)) == value


def test_the_literals_of_a_text():
    found = list(measures.literals(TEXT, *SPAN))
    assert found == ["3.5", "Ms", "Odile", "Brask", "March", "F-16", "hier_context", "1,200"]
    assert list(measures.literals("Rain. Then Lom's mayor ran.", 0, 27)) == ["Lom"]


def test_literal_recall_is_of_whole_words():
    recall = measures.LiteralRecall(256).of
    assert recall(case("Brask paid 1,200 in March 13.5", evidence=[SPAN])) == 3 / 8
    assert recall(case(TEXT, evidence=[SPAN])) == 1
    assert recall(case(TEXT, evidence=[(7, 17)])) is None  # "The notice" has no literal
    assert recall(case(TEXT)) is None


def test_reference_recall_by_hand():
    references, text = ["The red fox ran. The fox hid."], "A fox: the red one! Ran the fox home?"
    asked = case(text, references=references)
    assert measures.ReferenceRecall(256).of(asked) == 3 / 4  # red, fox, ran; not hid
    assert measures.Rouge1Recall(256).of(asked) == 6 / 7
    assert measures.Rouge2Recall(256).of(asked) == 3 / 6  # the red, ran the, the fox
    assert measures.ReferenceRecall(256).of(case(text)) is None


@given(st.lists(st.text("ab c", max_size=30), min_size=1, max_size=3), st.text("ab c", max_size=40))
def test_rouge_is_the_clipped_count_of_ngrams(references, text):
    def ngrams(words, n):
        return Counter(zip(*(words[i:] for i in range(n)), strict=False))

    def recall(reference, n):
        wanted, found = ngrams(reference.split(), n), ngrams(text.split(), n)
        return (wanted & found).total() / wanted.total() if wanted else 0.0

    asked = case(text, references=references)
    for n, kind in ((1, measures.Rouge1Recall), (2, measures.Rouge2Recall)):
        mean = sum(recall(r, n) for r in references) / len(references)
        assert kind(256).of(asked) == pytest.approx(mean)


def test_what_is_spent():
    spent = measures.values(case(tokens=300))
    assert spent == {
        "BudgetUsed@256": 300 / 256,
        "TokensSaved@256": 1 - 300 / 400,
        "Overshoot@256": 44,
    }
    assert measures.Overshoot(256).of(case(tokens=256)) == 0
    assert measures.TokensSaved(256).of(replace(case(), source_tokens=0)) is None


class TestTokenEconomy:
    budgets, recalls = (256, 512, 1024), (0.2, 0.4, 0.8)

    @pytest.mark.parametrize(
        ("recall", "value", "sign"),
        [
            (0.2, 1.0, "="),
            (0.4, 2.0, "="),
            (0.6, 2 * math.sqrt(2), "="),  # half way up is half way in the logarithm
            (0.8, 4.0, "="),
            (0.81, 4.0, ">="),
            (0.1, 1.0, "<="),
        ],
    )
    def test_is_read_off_the_curve(self, recall, value, sign):
        found = economy.TokenEconomy(256).of(recall, self.budgets, self.recalls)
        assert (found.value, found.sign) == (pytest.approx(value), sign)

    def test_a_bound_prints_as_one(self):
        assert str(economy.Economy(4.0, ">=")) == ">= 4.00"
        assert str(economy.Economy(2.345)) == "2.35"

    @given(
        st.lists(st.floats(0, 1), min_size=2, max_size=6),
        st.lists(st.floats(0, 1), min_size=2, max_size=2),
    )
    def test_more_recall_never_costs_the_baseline_less(self, recalls, ours):
        budgets = [256 * 2**i for i in range(len(recalls))]
        low, high = (
            economy.TokenEconomy(256).of(recall, budgets, recalls) for recall in sorted(ours)
        )
        assert low.value <= high.value + 1e-9
        assert budgets[0] / 256 <= low.value <= budgets[-1] / 256
