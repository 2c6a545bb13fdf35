"""What judges the allocator is judged too: the exact solver, the simple greedy, the command."""

import json
import sys
from itertools import chain, combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import allocation  # noqa: E402
import allocation_charts  # noqa: E402
import allocation_exact  # noqa: E402
import allocation_greedy  # noqa: E402
import allocation_time  # noqa: E402
import data  # noqa: E402
import optimum  # noqa: E402
import stdlib_text  # noqa: E402

from hier.problem import Groups, Problem  # noqa: E402

NOWHERE = Path("no such folder")


def tiny(seed: int) -> Problem:
    """Six candidates with overlaps, runs, two headings, one of them a candidate, and rivals."""
    rng = np.random.default_rng(seed)
    fidelity = np.eye(6) + (rng.random((6, 6)) < 0.2) * rng.random((6, 6)) * (1 - np.eye(6))
    rows, targets = np.nonzero(fidelity)
    return Problem(
        weights=rng.random(6),
        cover=Groups(np.searchsorted(rows, np.arange(7)), targets),
        fidelity=fidelity[rows, targets].astype(np.float32),
        size=rng.integers(1, 9, 6),
        apart=np.full(6, 2),
        left=np.array([-1, 0, 1, -1, 3, -1]),
        under=Groups.of([[], [0], [0, 1], [1], [1], []]),
        heading_price=rng.integers(1, 6, 2),
        heading=np.array([0, -1, -1, -1, -1, -1]),
        rivals={4: [5], 5: [4]},
    )


def every_choice(problem: Problem) -> list[tuple[int, ...]]:
    """All choices in which no two are rivals."""
    places = range(len(problem))
    choices = chain.from_iterable(combinations(places, n) for n in range(len(problem) + 1))
    return [
        choice
        for choice in choices
        if not any(other in problem.rivals.get(one, ()) for one in choice for other in choice)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_exact_solver_finds_the_best_of_all_choices(seed):
    problem = tiny(seed)
    for budget in (0, 5, 12, 20):
        fitting = [c for c in every_choice(problem) if problem.price(c) <= budget]
        value, chosen = optimum.exact(problem, budget)
        assert value == pytest.approx(max(map(problem.value, fitting)), abs=1e-6)
        assert tuple(chosen) in fitting


def test_random_problems_come_in_families_and_again():
    for seed, family in enumerate(optimum.FAMILIES):
        name, problem = optimum.random_problem(seed)
        again = optimum.random_problem(seed)[1]
        assert name == family
        assert np.array_equal(problem.size, again.size)
        assert problem.weights.sum() == pytest.approx(1)
    of = {name: optimum.random_problem(seed)[1] for seed, name in enumerate(optimum.FAMILIES)}
    assert len(of["modular"].cover.members) == len(of["modular"])
    assert len(of["overlapping"].cover.members) > len(of["overlapping"])
    assert (of["neighbours"].left >= 0).any()
    assert len(of["headings"].heading_price) > 0
    assert len(of["summaries"].rivals) > 0


@pytest.mark.parametrize("seed", range(14))
def test_the_simple_greedy_keeps_to_the_budget_and_counts_right(seed):
    _, problem = optimum.random_problem(seed)
    for budget in (0, 40, 200, 10_000):
        found = allocation_greedy.greedy(problem, budget)
        assert sum(found.prices) == problem.price(found.chosen) <= budget
        assert found.value == pytest.approx(problem.value(found.chosen), abs=1e-5)
        for one in found.chosen:
            assert not set(problem.rivals.get(one, ())) & set(found.chosen)


def test_the_simple_greedy_passes_over_what_does_not_fit():
    problem = Problem(
        weights=np.array([3.0, 9.0, 1.0]),
        cover=Groups.of([[0], [1], [2]]),
        fidelity=np.ones(3, np.float32),
        size=np.array([1, 9, 5]),
        apart=np.zeros(3, np.int64),
        left=np.full(3, -1),
        under=Groups.of([[], [], []]),
        heading_price=np.zeros(0, np.int64),
        heading=np.full(3, -1),
    )
    found = allocation_greedy.greedy(problem, 9)
    assert (found.chosen, found.prices, found.going) == ((0, 2), (1, 5), 1.0)


def test_three_rules_fill_one_plan():
    document = allocation_exact.texts(NOWHERE)[0]
    question = data.Question("q", "What does an assignment bind?", ((100, 300),), ())
    document = data.with_questions(document, [question])
    found = allocation_greedy.measure([("evidence", document)], (128, 256), workers=1)
    figures = found["suites"]["evidence"]
    for rule in allocation_greedy.RULES:
        assert all(0 <= cell[0] <= 1 for kind in figures[rule].values() for cell in kind)
    assert figures["allocate over nested"]["value"][0][0] >= 0


def test_real_problems_come_again_and_need_no_data():
    one, again = (allocation_exact.case("real", 3, NOWHERE) for _ in range(2))
    assert one.family == "python help"
    assert one.budget == again.budget
    assert np.array_equal(one.problem.weights, again.problem.weights)
    assert len(one.problem) <= allocation_exact.LEAVES[1]


def test_the_worst_is_named():
    solved = [
        allocation_exact.Solved("random", n, "modular", 50, 9, optimality, 0.9 * optimality, n == 2)
        for n, optimality in enumerate((1.0, 0.7, 0.985))
    ]
    found = allocation_exact.summary(solved)
    assert found["groups"]["all"]["optimality"] == {
        "median": 0.985,
        "low": pytest.approx(0.7285),
        "worst": 0.7,
    }
    assert [one["number"] for one in found["worst"]["optimality"]] == [1, 2, 0]
    assert [one["number"] for one in found["broken"]] == [2]
    shares = found["histograms"]["optimality"]["random"]
    assert [place for place, share in enumerate(shares) if share] == [70, 98, 100]
    lines = {line.name: line.reached for line in allocation.targets({"exact": found})}
    assert lines["value / exact optimum, median"]
    assert not lines["value / exact optimum, worst"]
    assert not lines["upper bounds below the exact optimum"]


def test_relevance_is_clocked_and_given_back(monkeypatch):
    import hier.plan
    import hier.relevance

    for module in (hier.plan, hier.relevance):  # put back what is wrapped here
        monkeypatch.setattr(module, "weigh", module.weigh)
    monkeypatch.setattr(allocation_time, "TURNS", 1)
    monkeypatch.setattr(
        stdlib_text, "text", lambda characters: stdlib_text.reference()[:characters]
    )
    row = allocation_time.pace(5_000)
    assert row["contexts"] == 20
    assert 0 < row["allocation_ms"]["median"] < row["compress_ms"]["median"]


def test_the_command_keeps_the_parts_that_are_not_run_again(tmp_path, capsys):
    out = tmp_path / "allocation.json"
    earlier = {"budget": 2000, "lengths": [], "seconds": 1.0}
    out.write_text(json.dumps({"time": earlier, "exact": {"problems": 1}}), encoding="utf-8")
    few = ["--parts", "exact", "--problems", "14", "--workers", "1", "--data", str(NOWHERE)]
    code = allocation.main([*few, "--out", str(out)])
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["time"] == earlier
    assert result["exact"]["problems"] == 14
    assert len(result["exact"]["commit"]) == 40
    keys = {"name", "least", "limit", "measured", "unit", "reached"}
    assert all(set(row) == keys for row in result["targets"])
    assert code == int(not all(row["reached"] for row in result["targets"]))
    assert "value / exact optimum, median" in capsys.readouterr().out


def test_charts_are_the_same_for_the_same_result(tmp_path):
    cells = {"recall": [[0.01, 0.0, 0.02]] * 2, "value": [[0.02, 0.01, 0.03]] * 2}
    time = {"median": 2.0, "p95": 3.0}
    solved = [allocation_exact.Solved("real", n, "squad", 50, 9, 1.0, 0.9, False) for n in range(3)]
    result = {
        "environment": {"commit": "0" * 40, "processor": "Some & processor"},
        "exact": allocation_exact.summary(solved),
        "greedy": {
            "budgets": [128, 256],
            "suites": {"evidence": {"allocate over nested": cells}},
        },
        "time": {
            "budget": 2000,
            "lengths": [
                {"tokens": n, "allocation_ms": time, "compress_ms": time} for n in (10**5, 10**6)
            ],
        },
    }
    first = [path.read_bytes() for path in allocation_charts.draw(result, tmp_path)]
    again = [path.read_bytes() for path in allocation_charts.draw(result, tmp_path)]
    assert first == again
    assert len(first) == 3
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in first)
