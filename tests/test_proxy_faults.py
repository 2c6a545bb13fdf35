"""The proxy and what goes wrong: bytes go through as they are, and nothing hangs or leaks."""

import asyncio
import json
import socket
import threading
from http.client import HTTPConnection

import httpx
import pytest
from dialogues import SENTENCES
from proxies import ProxyServer, Upstream, answer

import hier
from hier.messages.settings import Settings
from hier.serving.access import hash_of
from hier.serving.limits import Limits
from hier.serving.proxy import Proxy
from hier.serving.proxy_bodies import PROTOCOLS, protocol_of, rewrite
from hier.serving.proxy_forward import read_upstream, sent_on, target

QUESTION = "What is the colour of the lamp in room 7?"
REPORT = "\n\n".join(" ".join(SENTENCES[n : n + 6]) for n in range(0, 114, 6))
KEY = "hier_0123456789abcdef"


@pytest.fixture(scope="module")
def upstream():
    with Upstream(answer()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def proxy(upstream):
    with ProxyServer(upstream.url) as proxy:
        yield proxy


def chunk(body):
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


# What goes through


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_all_methods_and_paths_go_through(method, upstream, proxy):
    given = [
        ("authorization", "Bearer x"),
        ("x-own", "1"),
        ("x-own", "2"),
        ("connection", "x-gone"),
    ]
    body = b"\x00\xffany bytes" if method in ("PUT", "PATCH", "POST") else b""
    reply = b"\xffbytes"
    day = "Thu, 01 Jan 1970 00:00:00 GMT"
    headers = [
        f"date: {day}",
        "set-cookie: a=1",
        "set-cookie: b=2",
        "x-said: yes",
        "keep-alive: timeout=5",
    ]
    upstream.says(answer(reply, "207 Multi-Status", headers))
    path = "/v1/files/a%2Fb%20c?x=1&y=%2F"
    got = httpx.request(
        method, proxy.base + path, content=body or None, headers=[*given, ("x-gone", "1")]
    )
    head, _, received = upstream.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == f"{method} {path} HTTP/1.1".encode()
    assert received == body
    names = [line.split(b":")[0].lower() for line in lines[1:]]
    assert [line for line in lines if line.startswith(b"x-own")] == [b"x-own: 1", b"x-own: 2"]
    assert b"authorization: Bearer x" in lines
    assert b"x-gone" not in names
    assert names.count(b"host") == 1
    assert f"host: {upstream.url[7:-3]}".encode() in lines
    assert got.status_code == 207
    assert got.content == reply
    assert got.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert got.headers["x-said"] == "yes"
    assert got.headers.get_list("date") == [day]
    assert "keep-alive" not in got.headers


def test_a_stream_comes_byte_for_byte_as_it_is_said(upstream, proxy):
    first, second = b'data: {"a": 1}\r\n\r', b"\ndata: [DONE]\n\n\xff"
    go_on = threading.Event()

    def script(connection):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n" + chunk(first)
        )
        assert go_on.wait(20)
        connection.sendall(chunk(second) + b"0\r\n\r\n")

    upstream.says(script)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi."}]}
    with httpx.stream("POST", f"{proxy.url}/chat/completions", json=body) as reply:
        pieces = reply.iter_raw()
        assert next(pieces) == first
        go_on.set()
        assert b"".join(pieces) == second
    assert reply.headers["content-type"] == "text/event-stream"


def test_packed_answers_stay_packed(upstream, proxy):
    packed = b"\x1f\x8bnot really"
    upstream.says(answer(packed, headers=["content-encoding: gzip"]))
    wanted = {"accept-encoding": "zstd"}
    with httpx.stream("GET", f"{proxy.url}/models", headers=wanted) as reply:
        assert b"".join(reply.iter_raw()) == packed
        assert reply.headers["content-encoding"] == "gzip"
    assert b"accept-encoding: zstd" in upstream.requests[0].lower()


# What goes wrong


def test_a_server_that_is_not_there_is_said_so():
    with Upstream(answer()) as gone:
        url = gone.url
    with ProxyServer(url) as proxy:
        reply = httpx.get(f"{proxy.url}/models")
        assert reply.status_code == 502
        assert "cannot be reached" in reply.json()["error"]["message"]


def test_a_server_that_hangs_up_is_said_so(upstream, proxy):
    upstream.says(lambda connection: None)
    assert httpx.get(f"{proxy.url}/models").status_code == 502


def test_an_answer_that_is_cut_off_is_cut_off(upstream, proxy):
    def script(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    upstream.says(script)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{proxy.url}/models")


def test_a_server_that_says_nothing_is_given_up():
    waiting = threading.Event()
    with (
        Upstream(lambda connection: waiting.wait(20)) as upstream,
        ProxyServer(upstream.url, "--seconds", "0.3") as proxy,
    ):
        reply = httpx.get(f"{proxy.url}/models", timeout=20)
        waiting.set()
    assert reply.status_code == 504


@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_hangs_up_ends_the_call_behind(begun, upstream, proxy):
    left = []

    def script(connection):
        if begun:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"a")
            )
        connection.settimeout(20)
        left.append(connection.recv(1))

    upstream.says(script)
    body = {"messages": [{"role": "user", "content": "Hi."}]}
    with httpx.Client(timeout=1.0) as client:
        if begun:
            with client.stream("POST", f"{proxy.url}/chat/completions", json=body) as reply:
                assert next(reply.iter_raw()) == b"a"
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{proxy.url}/chat/completions", json=body)
    assert upstream.ended.wait(20)
    assert left == [b""]
    assert httpx.get(f"{proxy.base}/hier/stats").json()["in_flight"] == 0


def test_what_is_too_large_or_packed_or_leads_elsewhere_is_refused():
    with Upstream(answer()) as upstream, ProxyServer(upstream.url, "--largest", "1") as proxy:
        assert httpx.post(f"{proxy.url}/x", content=b"x" * 2**21).status_code == 413
        packed = {"content-encoding": "gzip"}
        reply = httpx.post(f"{proxy.url}/chat/completions", content=b"x", headers=packed)
        assert reply.status_code == 400
        assert "packed as gzip" in reply.json()["error"]["message"]
        for path in ("/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%5cadmin"):
            connection = HTTPConnection(proxy.base.removeprefix("http://"))
            connection.request("GET", path)
            assert connection.getresponse().status == 400
            connection.close()
    assert upstream.requests == []


def test_too_many_at_once_are_turned_away():
    go_on = threading.Event()

    def script(connection):
        assert go_on.wait(20)
        answer()(connection)

    options = ("--at-once", "1", "--waiting", "0")
    with Upstream(script) as upstream, ProxyServer(upstream.url, *options) as proxy:
        first = []
        asking = threading.Thread(target=lambda: first.append(httpx.get(f"{proxy.url}/models")))
        asking.start()
        while not upstream.requests:
            asking.join(0.02)
        reply = httpx.get(f"{proxy.url}/models")
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "1"
        assert httpx.get(f"{proxy.base}/hier/health").status_code == 200
        go_on.set()
        asking.join(20)
    assert first[0].status_code == 200


def test_slow_clients_hold_nothing_up(upstream):
    upstream.says(answer())
    options = ("--header-seconds", "1", "--body-seconds", "1", "--at-once", "4")
    with ProxyServer(upstream.url, *options) as proxy:
        address = ("127.0.0.1", int(proxy.base.split(":")[-1]))
        slow = [socket.create_connection(address) for _ in range(100)]
        for number, client in enumerate(slow):
            head = (
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n"
            )
            client.sendall(head if number % 2 else head + b"\r\n{")
        assert httpx.get(f"{proxy.url}/models").status_code == 200
        said = [client.makefile("rb").read()[:12] for client in slow]
        for client in slow:
            client.close()
    assert said == [b"HTTP/1.1 408", b""] * 50
    assert len(upstream.requests) == 1


def test_others_are_answered_while_one_is_compressed(upstream, proxy):
    upstream.says(answer())
    long = "\n\n".join(f"{n}. {SENTENCES[n % 120]}" for n in range(8_000))
    body = {"messages": [{"role": "user", "content": f"{long}\n\n{QUESTION}"}]}
    done = []

    def ask():
        done.append(httpx.post(f"{proxy.url}/chat/completions", json=body, timeout=120))

    asking = threading.Thread(target=ask)
    asking.start()
    others = 0
    while asking.is_alive():
        assert httpx.get(f"{proxy.base}/hier/health", timeout=20).status_code == 200
        others += not done
        asking.join(0.05)
    assert others > 2
    assert done[0].status_code == 200
    assert int(done[0].headers["x-hier-tokens-after"]) <= 600


# Who may ask


def test_a_key_of_its_own_is_needed_and_goes_no_further(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"sha256:{hash_of(KEY)} mine\n")
    with Upstream(answer()) as upstream, ProxyServer(upstream.url, "--keys", str(keys)) as proxy:
        theirs = {"authorization": f"Bearer {KEY}"}
        assert httpx.get(f"{proxy.url}/models").status_code == 401
        assert httpx.get(f"{proxy.url}/models", headers=theirs).status_code == 401
        assert httpx.get(f"{proxy.base}/hier/stats").status_code == 401
        assert httpx.get(f"{proxy.base}/hier/health").status_code == 200
        assert upstream.requests == []
        mine = {"authorization": "Bearer theirs", "x-hier-key": KEY}
        assert httpx.get(f"{proxy.url}/models", headers=mine).status_code == 200
    assert b"authorization: Bearer theirs" in upstream.requests[0]
    assert KEY.encode() not in upstream.requests[0]


def test_web_pages_may_not_ask_without_a_key(upstream, proxy):
    upstream.says(answer())
    page = {"origin": "https://example.org"}
    assert httpx.get(f"{proxy.url}/models", headers=page).status_code == 403
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--host", "0.0.0.0"], 1, "no API key is set"),
        (["--host", "nowhere.invalid"], 1, "no API key is set"),
        (["-b", "0"], 2, "below the least"),
        (["-b", "many"], 2, "not a whole number"),
        (["--tokenizer", "nobody's"], 1, "unknown tokenizer"),
        (["--low-water", "2"], 1, "low_water"),
        (["--keys", "nowhere"], 1, "cannot be read"),
        (["--upstream", "ftp://example.org"], 1, "no address of a server"),
        (["--upstream", "api.openai.com"], 1, "no address of a server"),
    ],
)
def test_wrong_options_are_said(options, status, said, run):
    ended, out, err = run("proxy", "--upstream", "http://127.0.0.1:9/v1", "--port", "0", *options)
    assert (ended, out) == (status, "")
    assert said in err


def test_a_port_that_is_taken_is_said_so(upstream, run):
    taken = upstream.url.split(":")[-1].removesuffix("/v1")
    ended, out, err = run("proxy", "--upstream", "http://127.0.0.1:9/v1", "--port", taken)
    assert (ended, out) == (1, "")
    assert f"nothing can listen at 127.0.0.1, port {taken}" in err


def test_websockets_are_closed():
    async def ask():
        said = []
        app = Proxy("http://127.0.0.1:9/v1", Settings(100, "o200k_base"), Limits())

        async def send(message):
            said.append(message)

        await app({"type": "websocket", "path": "/v1/realtime"}, None, send)
        return said

    (said,) = asyncio.run(ask())
    assert said["type"] == "websocket.close"


# Addresses and headers


@pytest.mark.parametrize(
    ("upstream", "path", "where"),
    [
        ("http://a", "/v1/x", "http://a/v1/x"),
        ("http://a/v1", "/v1/x", "http://a/v1/x"),
        ("http://a/v1/", "/v1", "http://a/v1"),
        ("https://a/api/v1", "/v1/x?y=1", "https://a/api/v1/x?y=1"),
        ("http://a/v1", "/v10/x", "http://a/v1/v10/x"),
        ("http://a", "//b/x", "http://a//b/x"),
    ],
)
def test_paths_are_below_the_server_s(upstream, path, where):
    raw, _, query = path.encode().partition(b"?")
    assert str(target(read_upstream(upstream), raw, query)) == where
    assert target(read_upstream(upstream), raw, query).host == "a"


def test_headers_between_neighbours_are_dropped():
    given = [(b"Connection", b"close, X-A"), (b"x-a", b"1"), (b"x-b", b"2"), (b"TE", b"trailers")]
    assert sent_on(given, (b"x-c",)) == [(b"x-b", b"2")]


# Bodies of other protocols


def compress(messages):
    return hier.compress_messages(messages, 400)


def rewritten(path, body):
    found = rewrite(json.dumps(body).encode(), protocol_of(path), compress)
    return None if found is None else (json.loads(found.content), found)


def test_items_of_responses_are_compressed_in_their_places():
    call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}", "id": "f"}
    thought = {"type": "reasoning", "id": "r1", "summary": []}
    result = {"type": "function_call_output", "call_id": "c1", "output": REPORT}
    asked = {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]}
    body = {"model": "m", "instructions": "Be brief.", "input": [asked, thought, call, result]}
    sent, found = rewritten("/v1/responses", body)
    assert sent["input"][:3] == body["input"][:3]
    assert {**sent["input"][3], "output": REPORT} == result
    assert "The lamp in room 7 is green" in sent["input"][3]["output"]
    assert (sent["model"], sent["instructions"]) == ("m", "Be brief.")
    assert found.after <= 400 < found.before
    sent, _ = rewritten("/v1/responses", {"input": f"{REPORT}\n\n{QUESTION}"})
    assert sent["input"].endswith(QUESTION)
    assert len(sent["input"]) < len(REPORT)
    messages = [{"type": "message", "role": "user", "content": f"{REPORT}\n\n{QUESTION}"}]
    sent, _ = rewritten("/v1/responses", {"input": messages})
    assert sent["input"][0]["type"] == "message"
    with pytest.raises(hier.InputError, match="item 0"):
        rewritten("/v1/responses", {"input": [7]})


def test_prompts_of_completions_are_compressed():
    sent, found = rewritten("/v1/completions", {"prompt": f"{REPORT}\n\n{QUESTION}", "n": 1})
    assert sent["prompt"].endswith(QUESTION)
    assert sent["n"] == 1
    assert found.after <= 400
    for prompt in (["a", "b"], [1, 2], None, ""):
        assert rewritten("/v1/completions", {"prompt": prompt}) is None


def test_what_holds_no_conversation_is_left_alone():
    assert protocol_of("/v1/embeddings") is None
    assert protocol_of("/v1/chat/completions/") is PROTOCOLS["/chat/completions"]
    assert rewritten("/v1/chat/completions", {"model": "m"}) is None
    odd = [{"role": "user", "content": f"\ud800 {REPORT}\n\n{QUESTION}"}]
    sent, _ = rewritten("/v1/chat/completions", {"messages": odd})
    assert sent["messages"][0]["content"].endswith(QUESTION)
    short = b'{"messages":  [{"role":"user","content":"Hi."}], "x": 1.0}'
    assert rewrite(short, protocol_of("/chat/completions"), compress).content is short
