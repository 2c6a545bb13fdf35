"""The inspector's data: that of a tree and its contexts, in a page, over HTTP and in a file."""

import base64
import hashlib
import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import hier
from hier.document import Document
from hier.explain import explain
from hier.inspector import data
from hier.inspector.export import export, told
from hier.inspector.page import PARTS, page, page_with
from hier.inspector.routes import MOST_BYTES, MOST_QUERY, in_threads, inspect_routes, is_page
from hier.relevance import weigh

QUESTION = "How does the with statement call __enter__ and __exit__?"
HOSTILE = (
    "# </script><script>alert(1)</script> & <!-- \u2028\u2029\n\n"
    "<img src=x onerror=alert(2)> \x1b]52;c;AAAA\x07 \x9b31m \u202egnp.exe \ud800 <!--<script>\n\n"
) + "The garden is kept by the landlord and watered in summer. " * 40


@pytest.fixture(scope="module")
def hostile():
    return hier.build(Document(HOSTILE, "</title><script>alert(3)</script>\x1b[2J"))


@pytest.fixture(scope="module")
def summarised(long_text):
    """A tree whose summaries a model wrote, so that contexts show summaries too."""
    return hier.build(long_text[:24_000], summarizer=lambda text: " ".join(text.split()[:14]))


def joined(view):
    segments = view["segments"]
    return "".join(map("".join, zip(segments["before"], segments["text"], strict=True)))


# The data


def test_the_map_is_the_tree(tree):
    shape = data.map_of(tree)
    assert json.loads(json.dumps(shape)) == shape
    assert sum(shape["leaf_tokens"]) == shape["tokens"] == tree.tokens
    offset = len(shape["leaf_start"])
    for level in shape["levels"]:
        for place in range(0, len(level["first_leaf"]), 7):
            node = tree.nodes[offset + place]
            assert shape["leaf_start"][level["first_leaf"][place]] == node.start
            assert shape["labels"][level["label"][place]] == tree.label(node)
        offset += len(level["first_leaf"])
    assert offset == len(tree.nodes)


@pytest.mark.parametrize("budget", [30, 300, 3000])
@pytest.mark.parametrize("query", [QUESTION, None, [QUESTION, "What is a generator?"]])
def test_a_view_is_a_context(tree, query, budget):
    view = data.view_of(tree, query, budget)
    found = explain(tree, query, budget)
    assert joined(view) == found.context.text
    assert [view[name] for name in ("tokens", "coverage", "optimality", "going", "stop")] == [
        found.context.tokens, found.context.coverage, found.context.optimality,
        found.context.going, found.context.stop,
    ]  # fmt: skip
    columns = view["segments"]
    for name in ("start", "end", "kind", "level", "node_id", "tokens", "place", "text"):
        assert columns[name] == [getattr(each, name) for each in found.context.segments]
    gained = found.larger.coverage - found.context.coverage
    assert view["next"]["coverage"] == pytest.approx(gained)
    known = {tuple(pick.span) for pick in found.context.picks}
    assert not known & {tuple(span) for span in view["next"]["spans"]}


def test_a_view_shows_summaries_and_whole_texts_in_their_places(summarised):
    kinds = set()
    for query in (QUESTION, None):
        for budget in (20, 300, 900, 100_000):
            view = data.view_of(summarised, query, budget)
            assert joined(view) == summarised.compress(query, budget).text
            kinds |= set(view["segments"]["kind"])
    assert kinds == {"verbatim", "summary"}


def test_relevance_is_that_of_the_leaves_and_its_mean_above(tree):
    levels = [
        np.frombuffer(base64.b64decode(each), np.uint8)
        for each in data.relevance_of(tree, QUESTION)
    ]
    assert [len(each) for each in levels] == [len(level.first_leaf) for level in tree.levels]
    density = np.exp(weigh(tree, QUESTION).density)
    assert levels[0].argmax() == density.argmax()
    assert levels[0].max() == 255
    order = np.argsort(density)
    assert (np.diff(levels[0][order].astype(int)) >= 0).all()
    for level in range(1, len(levels)):
        for place in range(0, len(levels[level]), 5):
            first, end = tree.nodes.leaves(level, place)
            mean = np.average(
                density[first:end], weights=np.maximum(tree.leaf_tokens[first:end], 1)
            )
            assert levels[level][place] == pytest.approx(255 * max(0, 1 + np.log(mean) / 9), abs=1)


def test_without_a_question_nothing_is_more_relevant(tree):
    assert data.relevance_of(tree, None) is None
    assert data.relevance_of(tree, "  ") is None
    assert "relevance" not in data.view_of(tree, QUESTION, 100, relevance=False)


def test_a_node_has_its_summary_and_its_text(tree):
    for node_id in (0, len(tree.nodes) // 2, len(tree.nodes) - 1):
        node = data.node_of(tree, node_id)
        summary, spans = tree.summary(node_id)
        assert node["summary"] == summary
        assert node["sources"] == [list(span) for span in spans]
        assert tree.source[node["start"] : node["end"]].startswith(node["text"])
        assert node["cut"] is (len(node["text"]) < node["end"] - node["start"])
    assert node["cut"]
    assert len(node["text"]) == data.NODE_CHARACTERS
    with pytest.raises(hier.InputError, match="no node"):
        data.node_of(tree, len(tree.nodes))


def test_the_curve_begins_with_nothing_and_rises(tree):
    points = data.curve_of(tree, QUESTION)
    assert points[-1][0] <= data.most_budget(tree)
    assert all(one[0] < other[0] for one, other in pairwise(points))
    assert all(one[1] <= other[1] for one, other in pairwise(points))
    known = dict(map(tuple, tree.curve(QUESTION)))
    assert all(
        value == pytest.approx(known[tokens], abs=1e-5) for tokens, value in points if tokens
    )


@pytest.mark.parametrize("budget", [50, 333, 70_000])
def test_a_ladder_has_ones_own_budget_on_it(tree, budget):
    rungs = data.ladder(tree, budget)
    assert budget in rungs
    assert rungs == sorted(set(rungs))
    assert rungs[0] == data.LEAST_BUDGET


# The file


def test_a_file_holds_all_that_a_server_would_say(summarised):
    held = told(summarised, [QUESTION], 60)
    assert "".join(held["texts"]) == summarised.source
    assert held["map"] == data.map_of(summarised)
    for question in held["questions"]:
        for budget, view in zip(held["budgets"], question["views"], strict=True):
            segments = view["segments"]
            texts = [
                summarised.source[start:end] if text is None else text
                for start, end, text in zip(
                    segments["start"], segments["end"], segments["text"], strict=True
                )
            ]
            found = "".join(map("".join, zip(segments["before"], texts, strict=True)))
            assert found == summarised.compress(question["query"], budget).text


def test_nothing_in_a_document_ends_the_data_or_runs(hostile, tmp_path):
    path = tmp_path / "page.html"
    export(hostile, path, ["</script><img src=x onerror=alert(4)>"], 100)
    written = path.read_bytes()
    assert written.isascii() or b"\xe2\x80\xa8" not in written
    text = written.decode()
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert not set("<>&\x1b\u2028\u2029\u202e") & set(block[1])
    assert block[1].isascii()
    held = json.loads(block[1])
    assert "".join(held["texts"]) == HOSTILE.replace("\ud800", "\ufffd")
    assert text.count("<script") == 1 + len(PARTS) - 1
    assert "alert(" not in text.replace(block[1], "")


def test_the_policies_name_every_script_and_nothing_else():
    text = page_with({})
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for inside in (*scripts, *styles):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256-") == len(scripts) + len(styles) == len(PARTS)
    for both in (text, page()):
        assert not re.search(r"<[^>]+\s(?:on\w+|style)\s*=", both.split("<style>")[0])
        assert "http://" not in both.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in both


def test_a_file_is_the_old_one_or_the_new(chapters, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("the old one")
    with pytest.raises(hier.BudgetError):
        export(chapters, path, ["fruit"], 0)
    assert path.read_text() == "the old one"
    export(chapters, path, ["fruit"], 60)
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("name", [".", "none/page.html", "/dev/null"])
def test_what_is_no_place_for_a_file_is_refused(chapters, tmp_path, name):
    with pytest.raises(hier.InputError, match="cannot be written: "):
        export(chapters, tmp_path / name)


# The routes


@pytest.fixture(scope="module")
def client(tree, hostile):
    held = {"tree": tree, "hostile": hostile}
    with TestClient(Starlette(routes=inspect_routes(in_threads(held.__getitem__)))) as client:
        yield client


def test_the_routes_answer_with_the_data(client, tree):
    assert client.get("/inspect/tree/map").json() == data.map_of(tree)
    asked = {"query": QUESTION, "budget": 200}
    assert client.post("/inspect/tree/view", json=asked).json() == data.view_of(tree, QUESTION, 200)
    short = client.post("/inspect/tree/view", json={**asked, "relevance": False}).json()
    assert "relevance" not in short
    assert client.get("/inspect/tree/node/3").json() == data.node_of(tree, 3)
    points = client.get("/inspect/tree/curve", params={"query": QUESTION}).json()["points"]
    assert points == data.curve_of(tree, QUESTION)
    overview = client.post("/inspect/tree/view", json={"query": None, "budget": 90}).json()
    assert joined(overview) == tree.compress(None, 90).text


def test_the_page_and_its_parts_are_served_with_a_policy(client):
    moved = client.get("/inspect/tree", follow_redirects=False)
    assert moved.status_code == 308
    shown = client.get("/inspect/tree")
    assert str(shown.url).endswith("/inspect/tree/")
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for part in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', shown.text):
        answer = client.get(f"/inspect/tree/{part}")
        assert answer.status_code == 200
        assert is_page(f"/inspect/tree/{part}")
    assert len(re.findall("assets/", shown.text)) == len(PARTS)
    assert client.get("/inspect/tree/assets/page.py").status_code == 404
    assert client.get("/inspect/tree/assets/..%2f..%2fdata.py").status_code == 404


@pytest.mark.parametrize("path", ["map", "node/1", "curve", "view"])
def test_what_says_something_of_a_document_is_no_part_of_the_page(path):
    assert not is_page(f"/inspect/tree/{path}")
    assert is_page("/inspect/tree/")


@pytest.mark.parametrize("path", ["map", "node/1", "curve"])
def test_an_unknown_tree_is_not_found(client, path):
    answer = client.get(f"/inspect/other/{path}")
    assert answer.status_code == 404
    assert "'other'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("node", ["99999999", "-1", "x", "1.5", "9" * 30])
def test_an_unknown_node_is_not_found(client, node):
    answer = client.get(f"/inspect/tree/node/{node}")
    assert answer.status_code == 404
    assert "no node" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"3", b'"x"', b"\xff", b"[" * 5000,
        b'{"query": "x"}', b'{"query": "x", "budget": 0}', b'{"query": "x", "budget": -5}',
        b'{"query": "x", "budget": 1e3}', b'{"query": "x", "budget": true}',
        b'{"query": "x", "budget": "9"}', b'{"query": "x", "budget": 16001}',
        b'{"query": "x", "budget": ' + b"9" * 5000 + b"}", b'{"query": 5, "budget": 9}',
        b'{"query": ["x", 5], "budget": 9}', b'{"query": {"a": 1}, "budget": 9}',
        b'{"query": "x", "budget": 9, "more": 1}', b'{"query": "x", "budget": 9, "relevance": 1}',
        json.dumps({"query": "x" * 9000, "budget": 9}).encode(),
        json.dumps({"query": ["x"] * 17, "budget": 9}).encode(),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)  # fmt: skip
def test_a_bad_request_is_told_what_is_wrong(client, body):
    answer = client.post("/inspect/tree/view", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_large_request_is_refused(client):
    body = json.dumps({"query": "x" * MOST_BYTES, "budget": 9})
    assert client.post("/inspect/tree/view", content=body).status_code == 413


def test_a_hostile_document_is_sent_as_ascii(client):
    for path in ("map", "node/0", "curve"):
        assert client.get(f"/inspect/hostile/{path}").content.isascii()
    asked = json.dumps({"query": "\ud800 garden", "budget": 300})
    answer = client.post("/inspect/hostile/view", content=asked)
    assert answer.status_code == 200
    assert answer.content.isascii()


# The documentation


def blocks(repository, language):
    page = (repository / "docs" / "inspector.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page_run(repository, tmp_path, monkeypatch, run, chapters):
    monkeypatch.chdir(tmp_path)
    text = "# Ending\n\nEither party may terminate with two months of notice.\n\n" + chapters.source
    Path("report.txt").write_text(text * 9, "utf-8")
    (example,) = blocks(repository, "python")
    names = {}
    exec(compile(example, "docs/inspector.md", "exec"), names)
    assert "may terminate" in names["context"].text
    assert "may terminate" in names["shown"]
    assert '"query":"Who may terminate?"' in Path("inspector.html").read_text("utf-8")
    (commands,) = blocks(repository, "sh")
    for command in commands.splitlines():
        status, out, err = run(*shlex.split(command.split("#")[0])[1:])
        assert status == 0
        assert ("inspector.html" in err) is ("--html" in command)
        assert ("may terminate" in out) or "--html" in command


def test_the_page_names_the_limits_that_hold(repository):
    page = (repository / "docs" / "inspector.md").read_text("utf-8")
    assert f"{data.LEAST_BUDGET} to {data.MOST_BUDGET:,}" in page.replace("\n", " ")
    assert f"above {data.MOST_BUDGET:,}" in page
    assert f"above {MOST_QUERY:,} characters" in page
    assert f"above {MOST_BYTES // 1024} KiB" in page
