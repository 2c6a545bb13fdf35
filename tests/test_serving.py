"""The HTTP server answers what the engine answers, keeps what it accepted, and stops in order."""

import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from serving_process import Serving
from shown import OTHER, QUERY, WITH

import hier
from hier.serving.application import endpoints
from hier.serving.metrics import Meters


def plain(value):
    """A value as JSON has it."""
    return json.loads(json.dumps(value))


@pytest.fixture(scope="module")
def place(tmp_path_factory, tree, long_text):
    """A saved tree, a folder of files, a folder for data."""
    folder = tmp_path_factory.mktemp("serving")
    tree.save(folder / "topics.hier")
    (folder / "open").mkdir()
    (folder / "open" / "part.md").write_text(long_text[:30_000], encoding="utf-8")
    (folder / "loose text.txt").write_text(long_text[30_000:40_000], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(place, shared_model_server):
    with Serving(
        place / "log",
        *(place / "topics.hier", place / "loose text.txt", "--data", place / "data"),
        *("--folder", place / "open", "--workers", 2),
        *("--model", "openai/test-model", "--base-url", shared_model_server.url),
    ) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.words()


def events(response):
    return [json.loads(line) for line in response.text.splitlines()]


# What the engine says, the server says


@pytest.mark.parametrize(
    "asked",
    [
        {"query": QUERY, "budget": 300},
        {"query": [QUERY, OTHER], "budget": 1000, "order": "relevance"},
        {"budget": 500},
        {"query": QUERY, "budget": "auto", "ceiling": 900, "price": "thrifty"},
        {"query": QUERY, "ratio": 0.02, "headings": False, "gaps": False},
        {"query": QUERY, "budget": 700, "nested": True, "max_segments": 3, "prefix": "Read:\n"},
    ],
)
def test_a_context_is_that_of_the_engine(served, tree, asked):
    answered = served.post("/v1/trees/topics/compress", asked)
    assert answered.status_code == 200
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.json() == plain(tree.compress(**asked).to_dict())


def test_parts_and_what_was_seen_are_read_as_the_engine_reads_them(served, tree):
    node = tree.nodes[len(tree.leaf_start) + 3]
    first = served.post("/v1/trees/topics/compress", {"query": QUERY, "budget": 400}).json()
    asked = {
        "query": QUERY,
        "budget": 1500,
        "must_include": [node.id, WITH],
        "exclude": [{"start": 0, "end": 500}],
        "minimum": [{"part": node.id, "share": 0.1}],
        "seen": first["segments"],
    }
    answered = served.post("/v1/trees/topics/compress", asked)
    own = tree.compress(
        QUERY, 1500, must_include=[node.id, WITH], exclude=[(0, 500)], minimum={node.id: 0.1},
        seen=tree.compress(QUERY, 400),
    )  # fmt: skip
    assert answered.json() == plain(own.to_dict())


def test_curve_branch_outline_and_node_are_those_of_the_engine(served, tree):
    path = "/v1/trees/topics"
    points = served.post(f"{path}/curve", {"query": QUERY, "budgets": [100, 1000]}).json()
    own = [{"tokens": at, "value": value} for at, value in tree.curve(QUERY, [100, 1000])]
    assert points == plain({"points": own})
    root = tree.root
    child = root.children[1]
    asked = {"node_id": child, "budget": 200, "query": QUERY}
    answered = served.post(f"{path}/expand", asked).json()
    assert answered == plain(tree.expand(child, 200, QUERY).to_dict())
    assert served.client.get(f"{path}/outline?depth=2").json() == {"text": tree.outline(2)}
    node = served.client.get(f"{path}/nodes/{child}").json()
    assert (node["start"], node["end"]) == (tree.nodes[child].start, tree.nodes[child].end)
    assert node["children"] == list(tree.nodes[child].children)
    assert node["summary"] == tree.summary(child)[0]
    facts = served.client.get(path).json()
    assert (facts["tokens"], facts["nodes"]) == (tree.tokens, len(tree.nodes))


def test_one_call_reads_and_compresses(served, long_text):
    text = long_text[:8_000]
    answered = served.post("/v1/compress", {"text": text, "query": QUERY, "budget": 200})
    assert answered.json() == plain(hier.compress(text, QUERY, 200).to_dict())


def test_what_is_asked_again_is_the_same_and_is_not_worked_out_again(served):
    asked = {"query": "Which exceptions does a finally clause see?", "budget": 250}
    first = served.post("/v1/trees/topics/compress", asked)
    before = served.metric("hier_answers_total", kept="yes")
    again = served.post("/v1/trees/topics/compress", {"budget": 250, **asked, "headings": True})
    assert again.content == first.content
    assert served.metric("hier_answers_total", kept="yes") == before + 1


def test_what_was_saved_is_counted(served, tree):
    before = [served.metric(f"hier_{what}_tokens_total") for what in ("source", "context", "saved")]
    answered = served.post("/v1/trees/topics/compress", {"query": OTHER, "budget": 150}).json()
    after = [served.metric(f"hier_{what}_tokens_total") for what in ("source", "context", "saved")]
    grown = [new - old for new, old in zip(after, before, strict=True)]
    assert grown == [tree.tokens, answered["tokens"], tree.tokens - answered["tokens"]]
    route = "/v1/trees/{id}/compress"
    assert served.metric("hier_requests_total", method="POST", route=route, status="200") >= 1


# What is made is kept


def test_a_text_is_read_once_and_kept(served, place, long_text):
    asked = {"text": long_text[50_000:60_000], "name": "the middle"}
    made = served.post("/v1/trees", asked)
    again = served.post("/v1/trees", asked)
    assert (made.status_code, again.status_code) == (201, 200)
    facts = made.json()
    assert facts == again.json()
    kept = hier.load(place / "data" / f"{facts['id']}.hier")
    assert kept.source == asked["text"]
    own = served.post(f"/v1/trees/{facts['id']}/compress", {"query": QUERY, "budget": 200}).json()
    assert own == plain(hier.build(asked["text"]).compress(QUERY, 200).to_dict())
    assert facts["id"] in [one["id"] for one in held(served)]
    other = served.post("/v1/trees", asked | {"tokenizer": "cl100k_base"}).json()
    assert other["id"] != facts["id"]
    for each in (facts, other):
        assert served.client.delete(f"/v1/trees/{each['id']}").status_code == 204
        assert served.client.get(f"/v1/trees/{each['id']}").status_code == 404
    assert not list((place / "data").glob("t*"))


def held(served):
    found, after = [], ""
    while True:
        page = served.client.get("/v1/holdings", params={"limit": 2, "after": after}).json()
        found += page["holdings"]
        if not page["more"]:
            return found
        after = found[-1]["id"]


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/event-stream"])
def test_progress_is_told_and_the_result_comes_last(served, kind):
    asked = {"path": "part.md", "name": kind}
    made = served.post("/v1/trees", asked, headers={"accept": kind})
    assert made.headers["content-type"].partition(";")[0] == kind
    if kind == "application/x-ndjson":
        told = [(one["event"], one[one["event"]]) for one in events(made)]
    else:
        blocks = [block.splitlines() for block in made.text.strip().split("\n\n")]
        told = [
            (name[len("event: ") :], json.loads(data[len("data: ") :])) for name, data in blocks
        ]
    names = [name for name, _ in told]
    assert names[0] == "accepted"
    assert names[-1] == "result"
    assert [value["what"] for name, value in told if name == "progress"][-1] == "saving"
    assert told[-1][1]["id"] == told[0][1]["id"]
    assert served.client.get(f"/v1/trees/{told[0][1]['id']}").json() == told[-1][1]


def test_what_was_named_at_start_is_asked_and_not_changed(served):
    named = {one["id"]: one for one in held(served) if not one["writable"]}
    assert set(named) == {"topics", "loose-text"}
    answered = served.post("/v1/trees/loose-text/compress", {"budget": 100})
    assert 0 < answered.json()["tokens"] <= 100
    assert served.client.delete("/v1/trees/loose-text").status_code == 403


# Corpora


def test_a_corpus_is_made_filled_asked_and_deleted(served, place, long_text):
    path, file = "/v1/corpora/papers", place / "data" / "papers.hier"
    assert served.client.put(path, json={}).status_code == 201
    assert served.client.put(path, json={}).status_code == 200
    assert served.client.put(path, json={"tokenizer": "cl100k_base"}).status_code == 409
    texts = {f"{n}.md": long_text[n * 9_000 : (n + 1) * 9_000] for n in range(3)}
    documents = [
        {"name": name, "text": text, "metadata": {"year": 2020 + n}}
        for n, (name, text) in enumerate(texts.items())
    ]
    files = [{"path": "part.md", "name": "sub/part.md"}, {"name": "blank", "text": "x"}]
    added = served.post(f"{path}/documents", {"documents": documents + files}).json()
    assert {"0.md", "1.md", "2.md", "sub/part.md"} <= set(added["added"])
    listed = served.client.get(f"{path}/documents", params={"limit": 2}).json()
    assert [one["name"] for one in listed["documents"]] == ["0.md", "1.md"]
    assert listed["more"]
    asked = {"query": QUERY, "budget": 600, "where": {"year": [2020, 2021]}}
    answered = served.post(f"{path}/compress", asked).json()
    with hier.Corpus.open(file) as corpus:
        assert answered == plain(corpus.compress(**asked).to_dict())
    assert {one["document_id"] for one in answered["segments"]} <= {"0.md", "1.md"}
    must = {"budget": 800, "must_include": [{"document": "2.md", "start": 10, "end": 90}]}
    shown = served.post(f"{path}/compress", must).json()["segments"]
    assert any(one["document_id"] == "2.md" and one["start"] <= 10 for one in shown)
    assert served.client.delete(f"{path}/documents/sub/part.md").status_code == 204
    assert served.client.delete(f"{path}/documents/sub/part.md").status_code == 404
    everything = served.post(f"{path}/compress", {"query": QUERY, "budget": 600}).json()
    assert "sub/part.md" not in {one["document_id"] for one in everything["segments"]}
    assert served.client.delete(path).status_code == 204
    assert served.client.get(path).status_code == 404
    assert not file.exists()


def test_an_answer_of_a_corpus_is_never_that_of_before_a_change(served, long_text):
    path = "/v1/corpora/changing"
    served.client.put(path, json={})
    for number in range(4):
        text = f"The answer is {number}.\n\n{long_text[:3000]}"
        served.post(f"{path}/documents", {"documents": [{"name": "a.md", "text": text}]})
        shown = served.post(f"{path}/compress", {"query": "What is the answer?", "budget": 200})
        assert f"The answer is {number}." in shown.json()["text"]
    served.client.delete(path)


def test_the_example_of_the_page_runs(served, repository, tmp_path, monkeypatch, capsys):
    page = (repository / "docs" / "http.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    text = "# Ending\n\nEither party may terminate with two months of notice.\n\n"
    Path("report.txt").write_text(text + "The garden is watered in summer. " * 300)
    names = {}
    exec(compile(example.replace("http://127.0.0.1:8080", served.url), "http.md", "exec"), names)
    names["server"].close()
    assert "Either party may terminate" in capsys.readouterr().out


def test_the_page_names_what_there_is(repository):
    page = (repository / "docs" / "http.md").read_text(encoding="utf-8")
    known = [each.path for each in endpoints(keys=False) if each.path != "/"]
    for path in known:
        last = re.sub(r"\{\w+(:\w+)?\}", "", path).rstrip("/").rpartition("/")[2]
        assert f"/{last}" in page, path
    for meter in Meters().registry.collect():
        assert meter.name in page, meter.name


# Models


def test_a_model_answers_with_citations(served, model_server):
    asked = {"question": QUERY, "mode": "once", "budget": 6000}
    answered = served.post("/v1/trees/topics/ask", asked)
    assert answered.status_code == 200, answered.text
    assert answered.json()["text"]
    assert answered.json()["tokens"] <= 6000
    streamed = served.post(
        "/v1/trees/topics/ask", asked, headers={"accept": "application/x-ndjson"}
    )
    told = events(streamed)
    assert told[-1]["event"] == "result"
    assert told[-1]["result"]["text"] == answered.json()["text"]
    assert "".join(one["text"] for one in told[:-1]).strip() == answered.json()["text"].strip()


def test_a_client_that_leaves_ends_the_call_to_the_model(served, model_server):
    lost = served.metric("hier_workers_lost")
    model_server.configure(delay=20)
    client = sent(served, "/v1/trees/topics/ask", {"question": OTHER, "mode": "once"})
    until(model_server.requests)  # it was asked
    client.close()
    until(lambda: served.metric("hier_workers_lost") == lost + 1)


def sent(served, path, body):
    """Send a request, and do not wait for the answer."""
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", served.port))
    client.sendall(head.encode() + raw)
    return client


# Workers


def until(there, seconds=40):
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_that_dies_takes_one_request_with_it(served, long_text):
    answers = []
    body = {"text": long_text * 3, "query": QUERY, "budget": 100}
    until(lambda: at_rest(served))
    asking = threading.Thread(target=lambda: answers.append(served.post("/v1/compress", body)))
    before = {worker: busy(worker) for worker in served.workers()}
    asking.start()
    until(lambda: any(busy(worker) > before.get(worker, 1e9) + 5 for worker in served.workers()))
    (hit,) = [w for w in served.workers() if busy(w) > before.get(w, 1e9) + 5]
    os.kill(hit, signal.SIGKILL)
    others = [served.post("/v1/trees/topics/compress", {"budget": 90 + n}) for n in range(5)]
    asking.join()
    assert [one.status_code for one in others] == [200] * 5
    assert answers[0].status_code == 500
    assert "log" in answers[0].json()["error"]["message"]
    until(lambda: served.metric("hier_workers") == 2)


def test_who_has_left_the_queue_is_not_worked_for(served, long_text):
    def answered(status):
        told = {"method": "POST", "route": "/v1/compress", "status": status}
        return served.metric("hier_requests_total", **told)

    before = answered("200"), answered("499")
    asked = {"text": long_text, "budget": 50}
    clients = [sent(served, "/v1/compress", asked) for _ in range(8)]
    until(lambda: served.metric("hier_requests_in_flight") == 9)
    for client in clients:
        client.close()
    until(lambda: served.metric("hier_requests_in_flight") == 1)
    assert answered("200") - before[0] <= 2
    assert answered("499") - before[1] >= 6


def at_rest(served):
    """Say whether no worker computes; one that starts does."""
    before = [busy(worker) for worker in served.workers()]
    time.sleep(0.5)
    return before == [busy(worker) for worker in served.workers()]


def busy(process):
    """Processor time of a process so far, in hundredths of a second."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(told[11]) + int(told[12])


def test_what_takes_too_long_is_given_up_and_the_worker_freed(place, long_text):
    options = ("--workers", 1, "--seconds", 2, "--at-once", 2)
    with Serving(place / "short", place / "topics.hier", *options) as server:
        late = server.post("/v1/compress", {"text": long_text * 30, "query": QUERY})
        assert late.status_code == 504
        assert late.json()["error"]["type"] == "server_error"
        until(lambda: server.post("/v1/trees/topics/compress", {"budget": 9}).status_code == 200)
        assert server.metric("hier_workers_lost") >= 1
        assert server.stop() == 0


# The end


def test_what_was_accepted_is_finished_and_what_was_kept_survives_a_kill(place, long_text):
    data = place / "survives"
    with Serving(place / "stopping", "--data", data, "--workers", 1, "--grace", 60) as server:
        finished(server, long_text)
    with Serving(place / "killed", "--data", data, "--workers", 1, wait=False) as again:
        assert len(held(again)) == 2
        again.stop(signal.SIGKILL)
    assert {hier.load(path).document.name for path in data.glob("*.hier")} == {"accepted", "left"}


def finished(server, long_text):
    """Have two texts read by a server, and stop it meanwhile."""
    answers = []
    asked = {"text": long_text * 3, "name": "accepted"}
    asking = threading.Thread(target=lambda: answers.append(server.post("/v1/trees", asked)))
    asking.start()
    until(lambda: server.metric("hier_builds_in_flight") == 1)
    with pytest.raises(httpx.ReadTimeout):  # another, who does not wait for it
        server.post("/v1/trees", {"text": long_text[:9_000], "name": "left"}, timeout=0.3)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.client.get("/ready").json()["status"] == "stopping")
    refused = server.post("/v1/compress", {"text": "Too late."})
    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert server.client.get("/health").status_code == 200
    asking.join()
    assert answers[0].status_code == 201
    assert server.process.wait(60) == 0
