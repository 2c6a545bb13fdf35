"""Edits: what a small edit of a long text costs in summaries of a model."""

import json
import random

import edits
import pytest

import hier

NAMES = "harbour lantern orchard glacier saddle cinnamon turbine meadow ledger falcon".split()


def made_up(paragraphs, headings=True):
    """A long text in which no paragraph is like another."""
    turn, parts = random.Random(7), []
    for number in range(paragraphs):
        if headings and number % 12 == 0:
            parts.append(f"## {turn.choice(NAMES).capitalize()} {number}")
        about = turn.sample(NAMES, 4)
        sentences = [
            f"The {turn.choice(about)} of {number} had {turn.randrange(9999)} {turn.choice(about)}s"
            f" and {turn.choice(about)} {turn.randrange(99)}."
            for _ in range(turn.randrange(3, 8))
        ]
        parts.append(" ".join(sentences))
    return "\n\n".join(parts) + "\n"


TEXT = made_up(120)


def test_an_edit_changes_what_it_says_and_nothing_else():
    made = edits.edits(TEXT, 60, seed=1)
    assert [edit.kind for edit in made[:6]] == list(edits.KINDS)
    for edit in made:
        after = edit.of(TEXT)
        assert after != TEXT
        assert after[: edit.start] == TEXT[: edit.start]
        assert after.endswith(TEXT[edit.end :])
        assert (edit.start == edit.end) == edit.kind.endswith("inserted")
        assert (edit.words == "") == edit.kind.endswith("deleted")
    assert edits.edits(TEXT, 60, seed=1) == made


def test_calls_are_those_that_a_cache_does_not_answer():
    cache, called = {}, []

    def write(text):
        if text not in cache:
            called.append(text)
            cache[text] = f"summary {len(cache)}"
        return cache[text]

    before = hier.build(TEXT, summarizer=write)
    assert len(called) == edits.calls([], edits.keys(before))
    for edit in edits.edits(TEXT, 6, seed=2):
        called.clear()
        after = hier.build(edit.of(TEXT), summarizer=write, previous=before)
        assert len(called) <= edits.calls(edits.keys(before), edits.keys(after))
        assert called


@pytest.mark.parametrize("headings", [True, False])
def test_an_edit_costs_at_most_one_call_more_than_the_depth(headings):
    found = edits.measure(made_up(200, headings), 12, seed=3)
    assert found["nodes"] > 40
    for way in ("kept", "in a row"):
        figures = edits.figures(found["edits"][way])
        assert figures["over_median"] <= 0
        assert figures["within_one_more"] >= edits.AIM


def test_the_command_writes_its_result(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(edits, "texts", lambda folder, characters: {"made up": TEXT})
    out = tmp_path / "edits.json"
    assert edits.main(["--edits", "6", "--out", str(out), "--data", str(tmp_path)]) == 0
    found = json.loads(out.read_text())
    assert found["reached"]
    assert found["all"]["kept"]["edits"] == 6
    assert "all, afresh" in capsys.readouterr().out


def test_without_data_what_every_python_carries_is_edited(monkeypatch):
    monkeypatch.setattr("stdlib_text.text", "x".__mul__)  # the whole library takes a while to read
    found = edits.texts(None, 9000)
    assert {name: len(text) for name, text in found.items()} == dict.fromkeys(found, 9000)
    assert "\n# " in found["reference"]
    assert "\n# " not in found["reference without headings"]
