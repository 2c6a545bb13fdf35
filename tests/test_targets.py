"""Targets: which side of a limit is reached, and that stored targets follow from stored figures."""

import json
from dataclasses import replace

import allocation
import environment
import pytest
import speed
import thrift
from targets import Target, exit_code

MADE = {
    "speed": speed.targets,
    "allocation": allocation.targets,
    "thrift": lambda result: thrift.targets(result["found"]),
}
MORE = {"speed": ("unit",), "allocation": ("least", "unit"), "thrift": ()}


@pytest.mark.parametrize(
    ("figure", "most", "least"), [(0.9, True, False), (1.0, True, True), (1.1, False, True)]
)
def test_a_limit_is_a_most_unless_it_is_a_least(figure, most, least):
    line = Target("time", 1.0, figure, "s")
    other = replace(line, least=True)
    assert (line.reached, other.reached) == (most, least)
    assert exit_code([line, other]) == int(not (most and least))
    assert ("MISSED" in str(line)) is not most
    assert "≤" in str(line)
    assert "≥" in str(other)


@pytest.mark.parametrize("name", MADE)
def test_stored_targets_are_those_of_the_stored_figures(name):
    result = json.loads((environment.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    made = [line.row(*MORE[name]) for line in MADE[name](result)]
    measured = [pytest.approx(row.pop("measured"), rel=1e-3) for row in made]
    assert [row.pop("measured") for row in result["targets"]] == measured
    assert result["targets"] == made
