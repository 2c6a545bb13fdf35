"""The MCP server as its clients see it: the SDK's own client, over both transports."""

import json
import os
import re
import time
from functools import partial
from pathlib import Path

import anyio
import jsonschema
import pytest
from agents import HIER, Agent, connected, over_http, over_stdio, post, serving

import hier
from hier.serving.access import hash_of
from hier.serving.folders import Folders
from hier.serving.mcp import resources
from hier.serving.mcp import server as protocol
from hier.serving.mcp.server import make_server
from hier.serving.mcp.service import Service
from hier.tokens import load_tokenizer

count = load_tokenizer("o200k_base").count
KEY = "hier_a-key-that-only-the-tests-have"
QUESTION = "Who may terminate, and how long before?"
LEASE = (
    "# Lease\n\nThis lease is made between two parties in the year 2020.\n\n"
    "## Ending\n\nEither party may terminate with two months of notice.\n\n## Garden\n\n"
    + " ".join(f"In week {week} the landlord waters bed {week % 7}." for week in range(60))
)
TOOLS = {"compress", "outline", "expand", "search", "add_document", "stats"}


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    (folder / "2024").mkdir()
    (folder / "lease.md").write_text(LEASE, encoding="utf-8")
    (folder / "2024/prices.csv").write_text("month,rent\nMay,900\nJune,950\n", encoding="utf-8")
    cars = "A car is parked behind the house. It is blue, and has four wheels. "
    (folder / "notes.txt").write_text(cars * 40, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "deep").mkdir()
    (folder / "deep/letter.html").write_text("<h1>Letter</h1><p>The roof leaks.</p>")
    return folder


@pytest.fixture(scope="module")
def stdio(papers, inbox, tmp_path_factory):
    log = tmp_path_factory.mktemp("stdio") / "log"
    with over_stdio(papers, "--folder", inbox, log=log) as agent:
        yield agent


@pytest.fixture(scope="module")
def url(papers, inbox, tmp_path_factory):
    """A server that needs a key."""
    home = tmp_path_factory.mktemp("http")
    (home / "keys").write_text(f"sha256:{hash_of(KEY)} of the tests\n")
    with serving(papers, "--folder", inbox, "--keys", home / "keys", log=home / "log") as url:
        yield url


@pytest.fixture(scope="module")
def http(url):
    """A client that speaks with the handshake of older protocols."""
    with over_http(url, KEY, "legacy") as agent:
        yield agent


@pytest.fixture(params=["stdio", "http"])
def agent(request) -> Agent:
    return request.getfixturevalue(request.param)


@pytest.fixture
def corpus(tmp_path):
    with hier.Corpus.create(tmp_path / "papers.hier") as corpus:
        yield corpus


@pytest.fixture
def service(corpus, tmp_path):
    return Service(corpus, Folders([tmp_path]))


@pytest.fixture
def beside(service):
    """A server in this process."""
    with connected(make_server(service)) as agent:
        yield agent


# What a client is told.


def test_the_eras_of_the_protocol_are_both_spoken(stdio, http):
    assert stdio.client.protocol_version > "2026"
    assert http.client.protocol_version < "2026"
    for agent in (stdio, http):
        assert agent.client.server_info.name == "hier"
        assert "compress" in agent.client.instructions
        assert agent.client.server_capabilities.resources.list_changed


def test_every_tool_says_what_it_takes_and_gives(agent):
    tools = agent.portal.call(agent.client.list_tools).tools
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.title
        assert len(tool.description) > 80
        assert tool.annotations.read_only_hint == (tool.name != "add_document")
        assert not tool.annotations.open_world_hint
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in each for each in tool.input_schema["properties"].values())


def test_only_who_has_a_key_is_answered(url):
    for refused in (None, "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer"):
        status, said = post(url, Authorization=refused)
        assert status == 401
        assert KEY not in said
        assert "serverInfo" not in said
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X_API_Key": KEY}):
        status, said = post(url, **headers)
        assert status == 200
        assert "serverInfo" in said


# Contexts.


def test_a_context_is_the_one_that_the_library_gives(agent, papers, corpus):
    corpus.sync(papers)
    for options in ({"query": QUESTION, "budget": 60}, {"budget": 80}):
        mine = corpus.compress(options.get("query"), options["budget"])
        found = agent.call("compress", **options)
        (said,) = found.content
        value = found.structured_content
        assert said.text == value["text"] == mine.text
        assert value["tokens"] == mine.tokens == count(mine.text)
        assert value["optimality"] <= mine.optimality
        assert value["coverage"] == pytest.approx(mine.coverage, abs=1e-4)
        assert [piece["relevance"] for piece in value["segments"]] == [
            round(segment.relevance, 2) for segment in mine.segments
        ]


@pytest.mark.parametrize(("query", "budget"), [(QUESTION, 25), (" ", 150), (None, "auto")])
def test_what_the_model_receives_keeps_to_the_budget(agent, query, budget):
    found = agent.call("compress", query=query, budget=budget)
    assert not found.is_error, found.content
    (said,) = found.content
    value = found.structured_content
    assert count(said.text) == value["tokens"] <= value["budget"]
    assert value["budget"] == (4000 if budget == "auto" else budget)


def test_every_piece_is_where_it_says(agent):
    value = agent.value("compress", query=QUESTION, budget=120)
    assert {piece["document"] for piece in value["segments"]} >= {"lease.md"}
    for piece in value["segments"]:
        text = agent.read(resources.uri_of(piece["document"]))
        assert piece["kind"] == "verbatim"
        assert text[piece["start"] : piece["end"]] in value["text"]
        node = agent.read(resources.uri_of(piece["document"], piece["node_id"]))
        assert text[piece["start"] : piece["end"]] in node
        assert piece["place"]
        assert "text" not in piece, "what a client may show the model is paid for once"


def test_one_document_or_some_are_asked_and_parts_are_kept_or_left_out(agent):
    def documents(**options):
        value = agent.value("compress", budget=200, **options)
        return {piece["document"] for piece in value["segments"]}, value["text"]

    assert documents(query=QUESTION, document="notes.txt")[0] == {"notes.txt"}
    assert documents(query=QUESTION, where={"path": "2024/*"})[0] == {"2024/prices.csv"}
    assert documents(query=QUESTION, where={"type": ["csv"]})[0] == {"2024/prices.csv"}
    assert "lease.md" not in documents(query=QUESTION, exclude=["lease.md"])[0]
    assert "2024/prices.csv" in documents(query="cars", must_include=["2024/prices.csv"])[0]
    kept = documents(query="weeks", document="lease.md", must_include=["Ending"])[1]
    assert "two months of notice" in kept


def test_a_node_is_opened_within_its_budget(agent):
    outline = agent.value("outline", document="lease.md", depth=10)
    text = agent.read(resources.uri_of("lease.md"))
    assert outline["nodes"][0]["tokens"] == pytest.approx(count(text), abs=8)
    node = next(each for each in outline["nodes"] if "Garden" in each["label"])
    whole = agent.read(resources.uri_of("lease.md", node["node_id"]))
    for budget, query in ((50, "week 33"), (node["tokens"] + 20, None)):
        value = agent.value(
            "expand", document="lease.md", node_id=node["node_id"], budget=budget, query=query
        )
        assert count(value["text"]) <= budget
        for piece in value["segments"]:
            assert piece["document"] == "lease.md"
            assert text[piece["start"] : piece["end"]] in whole
    assert whole.strip() in value["text"]


# Finding.


def test_places_are_found_best_first(agent):
    results = agent.value("search", query="terminate with notice", limit=4)["results"]
    assert "two months of notice" in results[0]["excerpt"]
    assert results[0]["document"] == "lease.md"
    assert [each["score"] for each in results] == sorted(
        (each["score"] for each in results), reverse=True
    )
    assert 1 <= len(results) <= 4
    for each in results:
        text = agent.read(resources.uri_of(each["document"]))
        words = " ".join(text[each["start"] : each["end"]].split())
        assert words.startswith(each["excerpt"].removesuffix("…"))
    (said,) = agent.call("search", query="terminate with notice", limit=4).content
    assert f"[node {results[0]['node_id']}]" in said.text


def test_documents_are_listed_and_one_is_outlined(agent, papers):
    listed = agent.value("outline", where={"path": ["*.md", "*.csv", "notes.txt"]})
    names = [each["document"] for each in listed["documents"]]
    assert names == ["2024/prices.csv", "lease.md", "notes.txt"]
    assert listed["left"] == 0
    few = agent.call("outline", limit=1)
    assert few.structured_content["left"] >= 2
    assert "more" in few.content[0].text
    (said,) = agent.call("outline", document="lease.md", depth=1).content
    with_library = hier.build(Path(papers / "lease.md")).outline(1)
    assert said.text == with_library


# Adding.

NAMES = ["a b.txt", "50%.txt", "in/a/folder.md", "é€漢.md", "%2F", "?x=1#y", "C:\\x", "[1]", ".."]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_kinds_come_back_as_they_are(stdio, name):
    text = f"The {name} document is about walruses number {len(name)}."
    added = stdio.value("add_document", text=text, name=name, metadata={"animal": "walrus"})
    assert added["document"] == name
    listed = [each for page in stdio.pages() for each in page]
    (uri,) = [each.uri for each in listed if each.name == name]
    assert stdio.read(uri) == text
    assert stdio.read(f"{uri}/node/0") == text
    found = stdio.value("search", query="walruses", where={"animal": "walrus"}, limit=50)
    assert name in {each["document"] for each in found["results"]}
    value = stdio.value("compress", document=name, budget=100)
    assert {piece["document"] for piece in value["segments"]} == {name}


def test_what_became_of_a_document_is_said(agent):
    before = agent.value("stats")["documents"]
    first = agent.value("add_document", text="The key is under the mat.", name="key")
    again = agent.value("add_document", text="The key is under the mat.", name="key")
    other = agent.call("add_document", text="The key is in the pot.", name="key")
    flags = [
        (each["replaced"], each["unchanged"]) for each in (first, again, other.structured_content)
    ]
    assert flags == [(False, False), (False, True), (True, False)]
    assert other.content[0].text.startswith("replaced: key")
    assert agent.read(resources.uri_of("key")) == "The key is in the pot."
    assert agent.value("stats")["documents"] == before + 1 == first["documents"]


def test_a_file_of_an_open_folder_is_added_under_its_path(agent, inbox):
    added = agent.value("add_document", path="deep/letter.html")
    assert added["document"] == "deep/letter.html"
    assert "<h1>" not in agent.read(resources.uri_of("deep/letter.html"))
    whole = agent.value("add_document", path=str(inbox / "deep/letter.html"), name="roof")
    assert whole["document"] == "roof"
    assert "leaks" in agent.value("compress", query="roof", document="roof")["text"]


def test_clients_hear_that_the_list_changed(stdio, http):
    async def listening(client, change):
        async with client.listen(resources_list_changed=True) as heard:
            await change()
            with anyio.fail_after(20):
                return type(await anext(aiter(heard))).__name__

    async def change():
        await stdio.client.call_tool("add_document", {"text": "Some news.", "name": "news"})

    heard = stdio.portal.call(listening, stdio.client, change)
    assert heard == "ResourcesListChanged"
    before = len(http.heard)
    http.value("add_document", text="Some news.", name="news")
    http.value("add_document", text="Some news.", name="news")  # no change: nothing to hear
    deadline = time.monotonic() + 20
    while len(http.heard) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert http.heard[before:] == ["notifications/resources/list_changed"]


def test_what_was_saved_adds_up(beside, corpus):
    corpus.add(hier.Document(LEASE, "lease.md"), hier.Document("A car is blue.", "car"))
    assert beside.value("stats")["saved"] == 0
    one = beside.value("compress", query=QUESTION, budget=50)
    other = beside.value("compress", query=QUESTION, budget=60, document="lease.md")
    beside.refusal("compress", budget=0)
    stats = beside.value("stats")
    assert stats["questions"] == 2
    assert stats["tokens_given"] == one["tokens"] + other["tokens"]
    lease = corpus.tree("lease.md").tokens
    assert stats["tokens_of_sources"] == corpus.tokens + lease
    spared = 1 - stats["tokens_given"] / stats["tokens_of_sources"]
    assert stats["saved"] == pytest.approx(spared, abs=1e-4)
    assert (stats["documents"], stats["tokens"]) == (2, corpus.tokens)
    assert (stats["tokenizer"], stats["version"]) == ("o200k_base", hier.__version__)


# Many at once.


def test_calls_at_once_answer_as_calls_one_by_one(agent):
    calls = [
        ("compress", {"query": f"What happens in week {week}?", "budget": 40, "where": {"path": p}})
        for week, p in enumerate(["lease.md", "notes.txt", "2024/*"] * 2)
    ]
    alone = [agent.call(name, **arguments).structured_content for name, arguments in calls]
    adds = [("add_document", {"text": f"Fact {n}.", "name": f"fact {n}"}) for n in range(6)]
    mixed = [call for pair in zip(calls, adds, strict=True) for call in pair]
    results = agent.together(*mixed)
    assert not any(result.is_error for result in results)
    assert [result.structured_content["text"] for result in results[::2]] == [
        each["text"] for each in alone
    ]


def test_a_long_call_holds_up_no_other_and_tells_of_itself(beside, long_text, monkeypatch):
    monkeypatch.setattr(protocol, "_BEAT", 0.02)
    ended, beats = [], []

    async def beat(progress, total, message):
        beats.append(progress)

    async def call(tool, /, **arguments):
        await beside.client.call_tool(tool, arguments, progress_callback=beat)
        ended.append(tool)

    async def both():
        async with anyio.create_task_group() as group:
            group.start_soon(partial(call, "add_document", text=long_text, name="long"))
            await anyio.sleep(0.05)
            await beside.client.call_tool("stats")
            ended.append("stats")

    beside.portal.call(both)
    assert ended == ["stats", "add_document"]
    assert len(beats) >= 2
    assert beats == sorted(beats)


def test_many_that_wait_to_write_hold_up_nobody_who_reads(beside, service):
    async def add(number):
        arguments = {"text": f"Text {number}.", "name": f"{number}"}
        added = await beside.client.call_tool("add_document", arguments)
        assert added.structured_content["document"] == str(number)

    async def all_at_once():
        async with anyio.create_task_group() as group:
            for number in range(9):
                group.start_soon(add, number)
            try:
                with anyio.fail_after(20):
                    stats = await beside.client.call_tool("stats")
            finally:
                service._adding.release()
        return stats.structured_content["documents"]

    service._adding.acquire()
    assert beside.portal.call(all_at_once) == 0
    assert beside.value("stats")["documents"] == 9


def test_who_stops_waiting_leaves_a_server_that_goes_on(stdio):
    async def leave():
        with anyio.move_on_after(0.01):
            await stdio.client.call_tool("compress", {"query": QUESTION, "budget": 500})

    for _ in range(5):
        stdio.portal.call(leave)
    assert "notice" in stdio.value("compress", query=QUESTION, budget=60)["text"]


# Resources.


def test_documents_are_listed_page_by_page(beside, corpus, monkeypatch):
    monkeypatch.setattr(resources, "PAGE", 3)
    corpus.add(*(hier.Document(f"Text {number}.", f"b{number}") for number in range(7)))
    pages = beside.pages()
    first = next(pages)
    corpus.add(hier.Document("It came late.", "a"), hier.Document("It came late too.", "b33"))
    names = [[each.name for each in page] for page in [first, *pages]]
    assert names == [["b0", "b1", "b2"], ["b3", "b33", "b4"], ["b5", "b6"]]


def test_the_templates_are_those_of_the_resources(agent):
    templates = agent.portal.call(agent.client.list_resource_templates).resource_templates
    assert [each.uri_template for each in templates] == [
        "hier://document/{name}",
        "hier://document/{name}/node/{id}",
    ]
    (lease,) = [each for page in agent.pages() for each in page if each.name == "lease.md"]
    assert templates[0].uri_template.format(name=lease.name) == lease.uri
    assert "tokens" in lease.description


# The page.


def test_the_example_of_the_page_runs(repository, papers, tmp_path, monkeypatch, capsys):
    page = (repository / "docs/mcp.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (host,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    command = json.loads(host)["mcpServers"]["hier"]
    assert (command["command"], command["args"][0]) == ("hier", "mcp")
    monkeypatch.chdir(papers)
    started = f'#!/bin/sh\nPYTHONPATH="{os.environ.get("PYTHONPATH", "")}" exec {HIER} "$@"\n'
    (tmp_path / "hier").write_text(started)
    (tmp_path / "hier").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    exec(compile(example, "docs/mcp.md", "exec"), {})
    assert "two months of notice" in capsys.readouterr().out


def test_the_page_names_every_tool(repository):
    page = (repository / "docs/mcp.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE)) == TOOLS
