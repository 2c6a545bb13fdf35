"""The load test asks what it says it asks, and judges what it finds."""

import json
import shutil

import pytest
import serving


def test_no_two_questions_are_the_same(long_text):
    asked = serving.questions(long_text)
    assert len(asked) >= serving.DISTINCT == 40_000
    assert len(set(asked)) == len(asked)
    assert asked == serving.questions(long_text)


def test_what_is_missed_is_said():
    part = {"a_second": 250.0, "p99": 50.0, "errors": 0}
    found = {
        "distinct": part, "repeated": part, "health": part, "own_milliseconds": 0.4,
        "own_milliseconds_kept": 0.2, "wrong": 0,
    }  # fmt: skip
    assert all(line.reached for line in serving.targets(found))
    for bad in (
        {"distinct": part | {"a_second": 199.0}},
        {"distinct": part | {"p99": 101.0}},
        {"health": part | {"errors": 1}},
        {"wrong": 1},
        {"own_milliseconds": 1.1},
    ):
        assert sum(not line.reached for line in serving.targets(found | bad)) == 1


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_short_load(tree, long_text, tmp_path):
    path = tmp_path / "text.hier"
    tree.save(path)
    bodies = [
        json.dumps({"query": one, "budget": 100}).encode() for one in serving.questions(long_text)
    ]
    load = serving.Load(seconds=1, connections=2)
    with serving.served(path, tmp_path) as (url, process):
        assert serving.ask(url, bodies[-1])["tokens"] <= 100
        each = load.run(tmp_path, url, bodies)
        health = load.run(tmp_path, url)
        assert serving.processor_seconds(process) > 0
    assert (each["errors"], health["errors"]) == (0, 0)
    assert 0 < each["p50"] <= each["p99"] <= each["most"]
    assert health["a_second"] > each["a_second"] > 1
