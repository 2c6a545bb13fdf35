"""The proxy with the real OpenAI client: what is too long is compressed, all else goes through."""

import asyncio
import json
import re
import signal
import threading
import time
from itertools import pairwise

import httpx
import openai
import pytest
from dialogues import SENTENCES, tokens_of
from proxies import ProxyServer

QUESTION = "What is the colour of the lamp in room 7?"
REPORT = "\n\n".join(" ".join(SENTENCES[n : n + 6]) for n in range(0, 114, 6))
LONG = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": f"{REPORT}\n\n{QUESTION}"},
]
SHORT = [{"role": "user", "content": QUESTION}]
BUDGET = 600
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


@pytest.fixture(scope="module")
def proxy(shared_model_server):
    with ProxyServer(shared_model_server.url, budget=BUDGET) as proxy:
        yield proxy


@pytest.fixture
def server(model_server, proxy):
    return model_server.configure(key="the client's", window=100_000)


@pytest.fixture
def client(server, proxy):
    with openai.OpenAI(base_url=proxy.url, api_key="the client's", max_retries=0) as client:
        yield client


def ask(client, messages, **options):
    return client.chat.completions.create(model="test-model", messages=messages, **options)


def test_what_is_short_comes_as_it_was_sent(client, server):
    raw = ask(client.with_raw_response, SHORT, temperature=0.5, extra_body={"own": [1.0, None]})
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-hier-tokens-before"] == raw.headers["x-hier-tokens-after"]
    (body,) = server.requests()
    assert body == {
        "model": "test-model",
        "messages": SHORT,
        "temperature": 0.5,
        "own": [1.0, None],
    }


def test_what_is_long_is_compressed_against_the_question(client, server):
    raw = ask(client.with_raw_response, LONG, temperature=0.5)
    assert raw.parse().choices[0].message.content
    (body,) = server.requests()
    assert body["temperature"] == 0.5
    assert body["messages"][0] == LONG[0]
    shown = body["messages"][1]["content"]
    assert shown.endswith(QUESTION)
    assert "The lamp in room 7 is green" in shown
    assert int(raw.headers["x-hier-tokens-before"]) == tokens_of(LONG)
    assert int(raw.headers["x-hier-tokens-after"]) == tokens_of(body["messages"]) <= BUDGET


def test_replies_are_streamed(client, server):
    server.configure(key="the client's", window=100_000, replies=["One two three four."])
    pieces = [
        chunk.choices[0].delta.content
        for chunk in ask(client, LONG, stream=True)
        if chunk.choices and chunk.choices[0].delta.content
    ]
    assert "".join(pieces) == "One two three four."
    assert len(pieces) > 1
    assert tokens_of(server.requests()[0]["messages"]) <= BUDGET


def test_an_asynchronous_client_asks_many_at_once(server, proxy):
    async def all_of_them():
        async with openai.AsyncOpenAI(
            base_url=proxy.url, api_key="the client's", max_retries=0
        ) as client:
            asked = [ask(client, messages) for messages in [SHORT, LONG] * 4]
            return await asyncio.gather(*asked)

    assert all(reply.choices[0].message.content for reply in asyncio.run(all_of_them()))
    sizes = sorted(tokens_of(body["messages"]) for body in server.requests())
    assert sizes[:4] == [tokens_of(SHORT)] * 4
    assert 0.8 * BUDGET < sizes[4] <= sizes[-1] <= BUDGET


def test_a_model_that_calls_tools_gets_its_results(client, server):
    calls = [{"name": "look", "arguments": {"room": 7}}]
    server.configure(
        key="the client's",
        window=100_000,
        replies=[{"calls": calls, "finish": "tool_calls"}, "Yes"],
    )
    messages = [*SHORT]
    reply = ask(client, messages, tools=TOOLS).choices[0].message
    messages.append(reply.model_dump(exclude_none=True))
    made = reply.tool_calls[0].id
    messages.append({"role": "tool", "tool_call_id": made, "content": REPORT})
    assert ask(client, messages, tools=TOOLS).choices[0].message.content == "Yes"
    first, second = server.requests()
    assert second["tools"] == first["tools"] == TOOLS
    assert second["messages"][:2] == messages[:2]
    assert second["messages"][2]["tool_call_id"] == made
    assert "The lamp in room 7 is green" in second["messages"][2]["content"]
    assert tokens_of(second["messages"]) <= BUDGET


def test_a_conversation_begins_as_it_was_sent(client, server):
    messages = [*LONG]
    for number in range(5):
        messages.append({"role": "assistant", "content": SENTENCES[number]})
        messages.append({"role": "user", "content": f"Thank you. {QUESTION}"})
        ask(client, messages)
    sent = [body["messages"] for body in server.requests()]
    same = [later[: len(one)] == one for one, later in pairwise(sent)]
    assert same.count(False) <= 1
    assert sent[-1][1]["content"] != LONG[1]["content"]


def test_errors_of_the_server_are_the_client_s(client, server, proxy):
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="another", messages=SHORT)
    with (
        openai.OpenAI(base_url=proxy.url, api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="Incorrect API key"),
    ):
        ask(stranger, SHORT)
    server.configure(
        key="the client's", faults=["rate limit"], share=1.0, retry_after=7, window=100_000
    )
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, SHORT)
    assert caught.value.response.headers["retry-after"] == "7"
    assert [model.id for model in client.models.list()] == ["test-model"]


def test_what_cannot_be_compressed_is_refused_in_the_client_s_terms(client, server):
    question = [{"role": "user", "content": "why? " * 200}, *SHORT]
    guide = {"role": "system", "content": REPORT}
    with pytest.raises(openai.BadRequestError, match="the least for these messages") as caught:
        ask(client, [guide, *question])
    assert caught.value.code == "context_length_exceeded"
    assert str(tokens_of([guide, *SHORT])) in str(caught.value)
    with pytest.raises(openai.BadRequestError, match="role"):
        ask(client, [{"content": "x"}])
    with pytest.raises(openai.BadRequestError, match="which no assistant message"):
        ask(client, [{"role": "tool", "tool_call_id": "a", "content": "x"}])
    assert server.requests() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'"x"', b'{"a": NaN}', b"\xff", b"[" * 100_000, b'{"messages": "x"}'],
)
def test_what_is_no_request_is_refused(body, server, proxy):
    reply = httpx.post(f"{proxy.url}/chat/completions", content=body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert server.requests() == []


def test_savings_are_counted(client, server, proxy):
    before = httpx.get(f"{proxy.base}/hier/stats").json()
    raw = ask(client.with_raw_response, LONG)
    ask(client, SHORT)
    with pytest.raises(openai.BadRequestError):
        ask(client, [])
    now = httpx.get(f"{proxy.base}/hier/stats").json()
    more = {name: now[name] - before[name] for name in now}
    saved = [int(raw.headers[f"x-hier-tokens-{when}"]) for when in ("before", "after")]
    assert more["requests"] == 3
    assert more["compressed"] == more["refused"] == 1
    assert more["read"] == 2
    assert more["tokens_saved"] == saved[0] - saved[1]
    metrics = httpx.get(f"{proxy.base}/hier/metrics").text
    assert f"hier_proxy_tokens_saved_total {now['tokens_saved']}\n" in metrics
    assert "# TYPE hier_proxy_in_flight gauge\nhier_proxy_in_flight 0\n" in metrics
    assert httpx.get(f"{proxy.base}/hier/health").json() == {"status": "ok"}


def test_a_stop_finishes_what_was_accepted(model_server):
    model_server.configure(delay=1.0, window=100_000, replies=["To the end."])
    with ProxyServer(model_server.url) as proxy:
        replies = []

        def call():
            with openai.OpenAI(base_url=proxy.url, api_key="x", max_retries=0) as client:
                replies.append(ask(client, LONG).choices[0].message.content)

        calling = threading.Thread(target=call)
        calling.start()
        while not model_server.stats()["in_flight"]:
            time.sleep(0.02)
        proxy.process.send_signal(signal.SIGTERM)
        calling.join(20)
        assert replies == ["To the end."]
        assert proxy.process.wait(20) == 0
        assert proxy.process.stderr.read() == ""


def test_bodies_are_json_that_was_sent(server, proxy):
    odd = {"role": "user", "content": f"é {REPORT}\n\n{QUESTION}"}
    body = json.dumps({"model": "test-model", "messages": [odd], "seed": 2**60, "x": 0.1})
    key = {"authorization": "Bearer the client's", "content-type": "application/json"}
    reply = httpx.post(f"{proxy.url}/chat/completions", content=body, headers=key)
    assert reply.status_code == 200
    (got,) = server.requests()
    assert (got["seed"], got["x"]) == (2**60, 0.1)
    assert tokens_of(got["messages"]) <= BUDGET


def test_the_examples_of_the_page_run(repository, server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    server.configure(window=100_000)
    ending = "Either party may terminate with two months of notice."
    (tmp_path / "report.txt").write_text(f"{REPORT}\n\n{ending}\n\n{REPORT}", encoding="utf-8")
    page = (repository / "docs/proxy.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^hier proxy --upstream (\S+) --budget (\d+)$", page, re.MULTILINE)
    examples = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    with ProxyServer(server.url, budget=command[1]) as proxy:
        for example in examples:
            example = example.replace("http://127.0.0.1:8020/v1", proxy.url)
            exec(compile(example, "docs/proxy.md", "exec"), {})
    before, after = map(int, capsys.readouterr().out.split()[:2])
    assert after <= 400 < before
    assert ending in server.requests()[0]["messages"][0]["content"]
