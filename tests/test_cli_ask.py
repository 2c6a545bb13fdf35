"""``hier ask``: an answer, its sources and its bill, through the real command and a real server."""

import json
import re

import pytest

import hier

QUESTION = "How does the with statement call __exit__?"


@pytest.fixture(scope="module")
def saved(long_text, tmp_path_factory):
    path = tmp_path_factory.mktemp("trees") / "python.hier"
    hier.build(long_text[:60_000]).save(path)
    return path


@pytest.fixture(autouse=True)
def no_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HIER_CONFIG", str(tmp_path / "config.toml"))


@pytest.fixture
def server(model_server):
    return model_server.configure(window=100_000, replies=["It is called last [s1]."])


def named(server, *more):
    return "-q", QUESTION, "--model", "openai/test-model", "--base-url", server.url, *more


def test_the_answer_goes_to_stdout_and_its_sources_and_bill_to_stderr(run, server, saved):
    status, out, err = run("ask", saved, *named(server, "--prices", "1,4"))
    assert (status, out) == (0, "It is called last [s1].\n")
    stats = server.stats()
    assert re.search(r"^\[s1\] the text:\d+-\d+, lines? [\d-]+: ", err, re.MULTILINE)
    assert re.search(r"^with +[\d,]+ tokens in 1 call, money", err, re.MULTILINE)
    assert "the whole document" in err
    total = next(line.split() for line in err.splitlines() if line.startswith("total"))
    sent, received = int(total[3].replace(",", "")), int(total[5].replace(",", ""))
    assert (sent, received) == (stats["input"], stats["output"])
    assert f"money: {(sent + 4 * received) / 1e6:.4f}" in err


def test_the_model_may_ask_for_more(run, server, saved):
    call = {"name": "search", "arguments": {"query": "__exit__ method"}}
    server.configure(window=100_000, replies=[{"calls": [call]}, "After the block [s2]."])
    status, out, err = run("ask", saved, *named(server))
    assert (status, out) == (0, "After the block [s2].\n")
    assert server.stats()["calls"] == 2
    assert "selecting" in err
    assert "answering" in err


def test_once_is_one_call_without_tools(run, server, saved):
    assert run("ask", saved, *named(server, "--once"))[0] == 0
    (body,) = server.requests()
    assert "tools" not in body


def test_streamed_it_is_the_same_answer(run, server, saved):
    status, out, _ = run("ask", saved, *named(server, "--stream"))
    assert (status, out) == (0, "It is called last [s1].\n")
    assert server.requests()[0]["stream"] is True


def test_json_has_all_of_it(run, server, saved, tmp_path):
    book = tmp_path / "ledger.json"
    status, out, _ = run("ask", saved, *named(server, "--json", "--ledger", book))
    told = json.loads(out)
    assert status == 0
    assert told["text"] == "It is called last [s1]."
    (cited,) = told["citations"]
    source = hier.load(saved).source
    assert source[cited["start"] : cited["end"]] == cited["text"]
    stats = server.stats()
    assert told["ledger"]["total"]["input"] == stats["input"]
    assert json.loads(book.read_text())["total"]["output"] == stats["output"]
    assert told["tokens"] <= told["budget"]


def test_an_estimate_sends_nothing_unless_the_model_is_to_estimate(run, server, saved):
    status, out, _ = run("ask", saved, *named(server, "--estimate"))
    assert status == 0
    assert "are worth their price" in out
    assert server.stats()["calls"] == 0
    server.configure(replies=["[[240]]"])
    status, out, _ = run("ask", saved, *named(server, "--estimate", "--reasoning", "estimate"))
    assert "240 tokens, by the model's own estimate" in out
    assert server.stats()["calls"] == 1


def test_a_text_is_asked_as_a_tree_is(run, server, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("# Ending\n\nEither party may terminate with two months of notice.\n")
    server.configure(replies=["Either party [1]."])
    status, out, err = run("ask", path, *named(server))
    assert (status, out) == (0, "Either party [1].\n")
    assert f"[1] {path}:0-" in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--model", "openai/other"], 1, "is not there (status 404)"),
        (["--model", "nobody/model"], 1, "unknown model 'nobody/model'"),
        (["-b", "12"], 2, "budget"),
        (["-b", "auto"], 2, "is not a whole number"),
        (["--reasoning", "deeply"], 1, "deeply"),
        (["-q", " "], 1, "question is empty or blank"),
        (["--steps", "0"], 2, "--steps"),
    ],
)
def test_what_cannot_be_is_one_line(run, server, saved, arguments, status, message):
    given = run("ask", saved, *named(server, *arguments))
    assert given[:2] == (status, "")
    assert message in given[2].splitlines()[-1]
