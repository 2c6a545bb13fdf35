"""The benchmark of the fidelity check: faults stand where they say, and it runs without data."""

import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import faults
import fidelity

TEXT = (
    "The town of Northam lies on the river Tarn. On May 3, 1999 the mayor, Odile Brask, opened "
    "a bridge of 120 metres there. It cost $5 million, which is 20 % of what three towns pay. "
    "People in Northam do not use it in June 2001. See www.northam.org/bridge for plan b_12."
)


def test_faults_stand_where_they_say_and_nowhere_in_the_text():
    kinds = set()
    for seed in range(20):
        for fault in faults.plant(TEXT, TEXT, random.Random(seed)):
            assert fault.summary[: fault.start] == TEXT[: fault.start]
            assert fault.summary[fault.end :] == TEXT[fault.was_end :]
            assert fault.summary != TEXT
            kinds.add(fault.kind)
            if fault.kind in ("name", "number", "year", "address"):
                assert fault.summary[fault.start : fault.end] not in TEXT
    assert kinds >= {"number", "day", "month", "year", "name", "unit", "address", "identifier"}
    assert {"number word", "dropped negation", "added negation"} <= kinds


def test_the_same_seed_gives_the_same_faults_and_rewordings():
    one, other = random.Random(5), random.Random(5)
    assert list(faults.plant(TEXT, TEXT, one)) == list(faults.plant(TEXT, TEXT, other))
    assert faults.reword(TEXT, one) == faults.reword(TEXT, other)


@pytest.mark.parametrize("seed", range(10))
def test_rewordings_of_a_faithful_text_raise_no_alarm(seed):
    case = fidelity.Case("tiny", "reworded", faults.reword(TEXT, random.Random(seed)), TEXT)
    counts, seen = fidelity.run([case], random.Random(seed))
    assert counts["tiny"].alarms["reworded"] == 0, seen
    assert counts["tiny"].claims["reworded"] > 8


def test_it_runs_without_data(tmp_path, capsys):
    out = tmp_path / "fidelity.json"
    code = fidelity.main(["--data", str(tmp_path / "none"), "--out", str(out)])
    result = json.loads(out.read_text("utf-8"))
    assert set(result) == {"environment", "found", "targets"}
    assert set(result["found"]) == {"python"}
    assert code == (not all(target["reached"] for target in result["targets"]))
    assert "milliseconds a check" in result["found"]["python"]
    assert "false alarms, python" in capsys.readouterr().out
