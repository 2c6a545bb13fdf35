"""Explanations and the doctor: the numbers are those of the contexts they speak of."""

import pytest

import hier
from hier import doctor
from hier.explain import explain


@pytest.fixture(scope="module")
def explanation(long_text):
    tree = hier.build(long_text)
    return tree, explain(tree, "How are modules imported?", 300)


def test_the_gain_of_more_tokens_is_the_difference_of_two_contexts(explanation):
    tree, report = explanation
    assert report.context == tree.compress("How are modules imported?", 300)
    gained = tree.compress("How are modules imported?", 800).coverage - report.context.coverage
    assert report.to_dict()["next"]["coverage"] == pytest.approx(gained)
    assert f"the next 500 tokens would add {gained:.1%} of the value:" in report.text


def test_what_is_announced_is_new(explanation):
    tree, report = explanation
    assert report.added
    for words in report.added:
        start = " ".join(words.rstrip("…").split())
        assert start not in " ".join(report.context.text.split())
        assert start in " ".join(tree.source.split())


def test_the_shadow_price_is_that_of_the_pick_not_made(explanation):
    _, report = explanation
    going = report.context.going
    assert 0 < going < max(pick.gain / pick.cost for pick in report.context.picks)
    assert f"the next token would add {going:.4%} of the value" in report.text


def test_picks_add_up_to_the_coverage(explanation):
    _, report = explanation
    assert sum(pick.gain for pick in report.context.picks) == pytest.approx(report.context.coverage)


def test_the_doctor_says_what_is_missing_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: "")
    lines = doctor.report()
    assert "torch not installed: pip install 'hier-context[neural]'" in lines
    assert "numpy MISSING: pip install hier-context" in lines
