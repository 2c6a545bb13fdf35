"""Builds with language models over a real server: faults, kills, edits, the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import models
import pytest

import hier
from hier.ledger import Ledger
from hier.options import read_models
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import load_model

IN_FLIGHT = 16
WITHIN = ["rate limit", "error", "cut", "malformed", "long", "empty", "refusal", "length"]


@pytest.fixture(scope="module")
def source():
    return models.prose(180, seed=5)


@pytest.fixture(scope="module")
def long_source():
    """A text of about 1,000 passages."""
    return models.prose(1000, seed=5)


def model(server, **options):
    llm = load_model("openai/test-model", base_url=server.url)
    return LanguageModel(llm, in_flight=IN_FLIGHT, **options)


def test_what_the_ledger_says_is_what_the_server_counted(model_server, source):
    tree = hier.build(source, summarizer=model(model_server), cache=False)
    total, stats = tree.ledger.total("indexing"), model_server.stats()
    assert stats["calls"] == total.calls > 30
    assert (stats["input"], stats["output"]) == (total.input, total.output)
    assert total.counted == 0  # the server told all of it
    assert stats["most_in_flight"] <= IN_FLIGHT
    assert set(tree.fidelity().outcomes()) == {"written", "repaired", "replaced"}
    assert len(tree.summary_texts) > 0.9 * len(tree.checks)


def test_a_server_at_its_worst_gives_the_same_tree(model_server, source):
    quiet = hier.build(source, summarizer=model(model_server), cache=False)
    model_server.configure(faults=[*WITHIN, "slow", "language"], share=0.6, slow=3.0, seed=7)
    ledger = Ledger()
    tree = hier.build(
        source, summarizer=model(model_server, timeout=1.0), ledger=ledger, cache=False
    )
    assert tree.summary_texts == quiet.summary_texts
    assert tree.checks == quiet.checks
    faults = ledger.faults()
    assert sum(faults.values()) == ledger.total().failed > 20
    assert {"rate limit", "timeout", "refused", "cut off", "empty"} <= faults.keys()
    assert "tried again" in ledger.table()


def test_a_build_that_was_killed_repeats_no_more_than_was_in_flight(model_server, source, tmp_path):
    text, cache = tmp_path / "text.txt", tmp_path / "cache.sqlite"
    text.write_text(source, encoding="utf-8")
    model_server.configure(delay=0.2)
    arguments = (str(text), str(cache), model_server.url, str(IN_FLIGHT))
    command = [sys.executable, "-c", models.BUILD, *arguments]
    first = subprocess.Popen(command, cwd=tmp_path)
    while model_server.stats()["replies"] < 20:
        assert first.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(0.5)  # what was in flight is answered, to nobody
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    stats = model_server.stats()
    assert stats["repeated"] <= IN_FLIGHT
    again = hier.build(text, summarizer=model(model_server), cache=cache)
    assert again.ledger.total().calls == 0
    assert model_server.stats()["calls"] == stats["calls"]


def test_an_edit_asks_for_its_path_alone(model_server, long_source, tmp_path):
    cache = tmp_path / "cache.sqlite"
    hier.build(long_source, summarizer=model(model_server), cache=cache)
    model_server.configure()
    place = long_source.index("\n\n", len(long_source) // 2) + 2
    new = "A paragraph that was not there before, of 1999.\n\n"
    edited = f"{long_source[:place]}{new}{long_source[place:]}"
    tree = hier.build(edited, summarizer=model(model_server), cache=cache)
    assert 1 <= model_server.stats()["calls"] <= len(tree.levels) + 1


class TestCommandLine:
    @pytest.fixture
    def text(self, tmp_path, source):
        path = tmp_path / "report.txt"
        path.write_text(source, encoding="utf-8")
        return path

    @pytest.fixture(autouse=True)
    def cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIER_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HIER_CONFIG", str(tmp_path / "none.toml"))

    def named(self, server):
        return "--summarizer", "openai/test-model", "--base-url", server.url

    def test_build_says_what_it_really_used(self, run, model_server, text, tmp_path):
        tree = tmp_path / "report.hier"
        status, out, err = run(
            "build", text, "-o", tree, *self.named(model_server), "--prices", "1,4"
        )
        assert (status, out) == (0, "")
        stats = model_server.stats()
        row = next(line.split() for line in err.splitlines() if line.startswith("indexing"))
        assert [int(n.replace(",", "")) for n in row[1:6]] == [
            stats["calls"], 0, stats["input"], 0, stats["output"],
        ]  # fmt: skip
        money = (stats["input"] + 4 * stats["output"]) / 1e6
        assert f"money: {money:.4f}" in err
        assert "written" in err
        assert hier.load(tree).ledger.total().input == stats["input"]
        # Nothing is paid for twice.
        model_server.configure()
        status, out, err = run("build", text, "-o", tree, *self.named(model_server), "--json")
        assert model_server.stats()["calls"] == 0
        told = json.loads(out)
        assert told["ledger"]["total"]["saved"] == stats["calls"]
        assert sum(told["fidelity"]["outcomes"].values()) == told["ledger"]["total"]["saved"]

    def test_a_dry_run_sends_nothing(self, run, model_server, text):
        arguments = ("build", text, "--dry-run", *self.named(model_server), "--prices", "1,4")
        status, out, _ = run(*arguments)
        assert status == 0
        assert model_server.stats()["calls"] == 0
        assert "calls for" in out
        assert "money" in out
        guess = json.loads(run(*arguments, "--json")[1])
        tree = hier.build(text, summarizer=model(model_server), cache=False)
        total = tree.ledger.total()
        assert guess["calls"] == total.calls
        assert 0.5 < guess["input"] / total.input < 2  # the server counts words

    def test_levels_are_given_to_different_summarizers(self, run, model_server, text, tmp_path):
        tree = tmp_path / "report.hier"
        spec = "extractive:1,2 openai/test-model:3+"
        status, _, _ = run(
            "build", text, "-o", tree, "--summarizer", spec, "--base-url", model_server.url
        )
        assert status == 0
        loaded = hier.load(tree)
        assert {loaded.nodes[i].level for i in loaded.summary_texts} == set(
            range(3, len(loaded.levels))
        )

    def test_settings_come_from_a_file(self, run, model_server, text, tmp_path):
        config = tmp_path / "config.toml"
        config.write_text(
            f'[models."openai/test-model"]\nbase_url = "{model_server.url}"\n'
            "in_flight = 3\nprices = { input = 2.0, output = 6.0 }\n"
        )
        status, _, err = run(
            "build", text, "-o", tmp_path / "t.hier", "--summarizer", "openai/test-model",
            "--config", config,
        )  # fmt: skip
        assert status == 0
        stats = model_server.stats()
        assert 1 < stats["most_in_flight"] <= 3
        money = (2 * stats["input"] + 6 * stats["output"]) / 1e6
        assert f"money: {money:.4f}" in err
        # What is typed goes before it, and leaves the rest.
        _, out, _ = run(
            "build", text, "--dry-run", "--json", "--summarizer", "openai/test-model",
            "--config", config, "--joules", "0.3:our own card", "--in-flight", "2",
        )  # fmt: skip
        assert json.loads(out)["money"] == 0 == json.loads(out)["calls"]  # all of it is kept
        both = read_models(joules="0.3:our own card", config=config).of("openai/test-model")
        assert both.prices == hier.Prices(2.0, 6.0, joules=0.3, source="our own card")
        assert both.in_flight == 3

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--summarizer", "openai/other-model"], "is not there (status 404)"),
            (["--summarizer", "openai/test-model", "--window", "300"], "window"),
            (["--summarizer", "nobody/model"], "unknown model 'nobody/model'; known are"),
            (["--summarizer", "abstract"], "unknown summarizer 'abstract'"),
            (["--summarizer", "extractive:0"], "levels '0' cannot be read"),
            (["--summarizer", "extractive:2,2-3 openai/test-model:3+"], "level 3 has two"),
            (["--summarizer", "openai/test-model", "--prices", "cheap"], "cannot be read"),
            (["--summarizer", "openai/test-model", "--joules", "0.3"], "need their source"),
        ],
    )
    def test_what_cannot_be_is_one_line(
        self, run, model_server, text, tmp_path, arguments, message
    ):
        tree = tmp_path / "report.hier"
        base = () if "nobody" in arguments[1] else ("--base-url", model_server.url)
        status, out, err = run("build", text, "-o", tree, *arguments, *base)
        assert (status, out) == (1, "")
        last = err.splitlines()[-1]
        assert last.startswith("hier: error: ")
        assert message in last
        assert not tree.exists()

    def test_no_key_and_no_server_are_told_apart(self, run, text, tmp_path, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        tree = tmp_path / "report.hier"
        _, _, err = run("build", text, "-o", tree, "--summarizer", "openai/gpt-4o-mini")
        assert "set OPENAI_API_KEY" in err
        nowhere = ("--base-url", "http://127.0.0.1:9/v1")
        status, _, err = run("build", text, "-o", tree, "--summarizer", "openai/m", *nowhere)
        assert status == 1
        assert "cannot be reached" in err

    def test_a_window_too_small_for_the_prompt_says_so(self, run, model_server, text, tmp_path):
        status, _, err = run(
            "build", text, "-o", tmp_path / "t.hier", *self.named(model_server), "--window", "200"
        )
        assert status == 1
        assert "is too small" in err

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ("models = 3", "cannot be used"),
            ("[models.x]\nbase_url = 3", "base_url = 3 is no str"),
            ("[models.x]\nwinow = 3", "a model has base_url, window"),
            ("[model.x]\nwindow = 3", "it has model; known is models"),
            ("[models.x]\nprices = { input = -1 }", "not a number of 0 or more"),
            ("[models", "cannot be read"),
        ],
    )
    def test_settings_that_are_none_are_refused(self, run, text, tmp_path, settings, message):
        config = tmp_path / "config.toml"
        config.write_text(settings)
        status, _, err = run("build", text, "--dry-run", "--config", config)
        assert status == 1
        assert message in err
        assert "config.toml" in err
