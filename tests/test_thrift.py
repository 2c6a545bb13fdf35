"""What stopping saves is counted right, and what knowing where to stop would save beside it."""

import json

import allocation_page
import environment
import pytest
import thrift

PROSE = "The canteen closes at two and opens again at five, but never on a holiday. "
FACT = "The notice period of a gardener is three months."


def asked(dataset, recalls, tokens=None):
    """A question answered: these recalls at the fixed budgets, half of the last at each price."""
    fixed = zip(thrift.FIXED, tokens or thrift.FIXED, recalls, strict=True)
    found = [(dataset, "fixed", float(b), t, r) for b, t, r in fixed]
    found += [(dataset, "price", p, 1000, recalls[-1] / 2) for p in thrift.PRICES]
    return [*found, thrift.known(found)]


@pytest.mark.parametrize(
    ("recalls", "ends"),
    [
        ((0.0, 0.0, 0.2, 0.2, 0.5, 1.0), 2048),
        ((0.1, 1.0, 1.0, 1.0, 1.0, 1.0), 512),
        ((0.0, 0.7, 0.4, 0.6, 0.6, 0.6), 512),  # more than the ceiling keeps, and then less
        ((0.0, 0.3, 0.3, 0.0, 0.0, 0.0), 256),  # nothing to lose
    ],
)
def test_evidence_ends_at_the_smallest_budget_that_keeps_what_the_ceiling_keeps(recalls, ends):
    used = [budget - 3 for budget in thrift.FIXED]
    *_, found = asked("squad", recalls, used)
    assert found == ("squad", "known", 2048.0, ends - 3, recalls[thrift.FIXED.index(ends)])


def test_what_knowing_saves_is_a_mean_of_sets():
    found = thrift.summarise(
        [
            *asked("cuad", (0.5, 0.5, 0.5, 0.5, 0.5, 0.5)),  # ends at 256
            *asked("squad", (0.0, 0.0, 0.0, 1.0, 1.0, 1.0)),  # at 1024
            *asked("squad", (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),  # at 2048
        ]
    )
    assert found["questions"] == 3
    known = found["rows"][-1]
    assert known["kind"] == "known"
    assert known["tokens"] == (256 + (1024 + 2048) / 2) / 2
    assert known["saved"] == 1 - known["tokens"] / 2048
    assert known["lost"] == 0
    assert len(found["rows"]) == len(thrift.FIXED) + len(thrift.PRICES) + 1
    section = allocation_page.thrift({"found": {"static": found}})
    row = "| where each question's evidence ends, were it known | 896 | 75.0% | 56% | 0.0% |"
    assert section.split("\n\n")[0].endswith(row)


def test_the_command_writes_what_is_stored_and_what_knowing_saves(tmp_path, capsys):
    text = PROSE * 120 + FACT + " " + PROSE * 120
    start = text.index(FACT)
    question = {"id": "q", "question": "How long is a gardener's notice period?"}
    question["evidence"] = [[start, start + len(FACT)]]
    line = {"dataset": "squad", "doc_id": "d", "text": text, "questions": [question]}
    (tmp_path / "squad.jsonl").write_text(json.dumps(line), encoding="utf-8")
    out = tmp_path / "thrift.json"
    options = ["--data", str(tmp_path), "--sets", "squad", "--embedders", "static"]
    code = thrift.main([*options, "--out", str(out)])
    result = json.loads(out.read_text(encoding="utf-8"))
    rows = {(row["kind"], row["number"]): row for row in result["found"]["static"]["rows"]}
    assert rows["fixed", 2048]["recall"] == 1
    assert rows["known", 2048] == rows["fixed", 256] | {"kind": "known", "number": 2048}
    stored = json.loads((environment.RESULTS / "thrift.json").read_text(encoding="utf-8"))
    assert set(result) == set(stored)
    assert [set(row) for row in result["targets"]] == [set(row) for row in stored["targets"]][:2]
    assert code == int(not all(row["reached"] for row in result["targets"]))
    assert "lost by balanced, static" in capsys.readouterr().out


def test_no_data_ends_with_code_2(tmp_path, capsys):
    assert thrift.main(["--data", str(tmp_path), "--out", "-"]) == 2
    assert "no squad.jsonl" in capsys.readouterr().err
