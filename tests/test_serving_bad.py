"""What should not be sent to the HTTP server: each has its status, and nothing is given away."""

import asyncio
import json
import socket
import threading
import time

import httpx
import pytest
from serving_process import Serving

from hier.serving.builds import Builds, FullError

KEY = "hier_" + "k" * 30
SLOW = 1_000
HOSTILE = "<script>alert(1)</script> \x1b[31mred\x1b[0m The notice period is two months.\n"
SECRET = "the words of a file that is not open"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "open" / "below").mkdir(parents=True)
    (folder / "open" / "fine.txt").write_text("A fine text, with some words in it.")
    (folder / "open" / ".hidden.txt").write_text(SECRET)
    (folder / "open" / "broken.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 9)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "open" / "link.txt").symlink_to(folder / "secret.txt")
    (folder / "open" / "below" / "up").symlink_to(folder)
    (folder / "data").mkdir()
    (folder / "data" / "outside.hier").symlink_to(folder / "secret.txt")
    (folder / "data" / "damaged.hier").write_bytes(b"\x89HIER\r\n\x1a" + bytes(100))
    return folder


@pytest.fixture(scope="module")
def served(place):
    with Serving(
        place / "log", "--data", place / "data", "--folder", place / "open", "--workers", 2,
        "--largest", 1, "--body-seconds", 3, "--header-seconds", 4, key=KEY,
    ) as server:  # fmt: skip
        yield server
        assert server.stop() == 0
    said = server.words().splitlines()
    known = ("serving at", "describe:", "compress:")  # the damaged file, which the operator is told
    assert [line for line in said if not line.startswith(known)] == []


@pytest.fixture(scope="module")
def made(served):
    """The id of a tree whose text is hostile."""
    return served.post("/v1/trees", {"text": HOSTILE * 20, "name": HOSTILE}).json()["id"]


def refused(response, status, place=None):
    """Check an error: its status and form, and that it gives nothing away."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"type", "message", "param", "code"}
    assert error["message"]
    for word in ("Traceback", "site-packages", ".py", SECRET, str(place or "/tmp/")):
        assert word not in response.text
    return error


# The body


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b'{"text": "\\ud800"}', b"[" * 100_000]
)
def test_what_is_no_json_is_told_so(served, raw):
    sent = served.client.post(
        "/v1/compress", content=raw, headers={"content-type": "application/json"}
    )
    assert refused(sent, 400)["code"] == "invalid"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": 7}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "Words.", "budget": "10"}, "budget"),
        ({"text": "Words.", "budget": True}, "budget"),
        ({"text": "Words.", "budget": 1.5}, "budget"),
        ({"text": "Words.", "budget": 0}, "budget"),
        ({"text": "Words.", "budget": 10**12}, "budget"),
        ({"text": "Words.", "query": {"$ne": 1}}, "query"),
        ({"text": "Words.", "price": -1}, "price"),
        ({"text": "Words.", "order": "random"}, "order"),
        ({"text": "Words.", "buget": 10}, "buget"),
        ({"text": "Words.", "must_include": [[1, 2]]}, "must_include"),
        ({"text": "Words.", "minimum": [{"part": 1, "share": 2}]}, "minimum"),
        ({"text": "Words.", "tokenizer": "/etc/passwd"}, "tokenizer"),
        ([1], "the request"),
    ],
)
def test_what_is_of_a_wrong_type_is_named(served, body, param):
    error = refused(served.post("/v1/compress", body), 422)
    assert error["code"] == "invalid"
    assert error["param"].split(".")[0] == param


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(served, raw):
    sent = served.client.post(
        "/v1/compress",
        content=f'{{"text": "Words.", "price": {raw}}}',
        headers={"content-type": "application/json"},
    )
    assert sent.status_code in (400, 422)
    refused(sent, sent.status_code)


@pytest.mark.parametrize(
    "asked",
    [
        {"must_include": ["No such heading"]},
        {"must_include": [{"start": 5, "end": 2}]},
        {"exclude": [10**9]},
        {"budget": "auto", "ratio": 0.5},
        {"ceiling": 5},
        {"minimum": [{"part": 0, "share": 0.7}, {"part": 1, "share": 0.7}]},
        {"seen": [{"start": 0, "end": 4, "kind": "verbatim", "node_id": 0, "text": "nope"}]},
    ],
)
def test_what_the_engine_refuses_is_told_in_its_words(served, made, asked):
    error = refused(served.post(f"/v1/trees/{made}/compress", asked), 422)
    assert error["code"] == "refused"


def test_a_body_that_is_not_declared_as_json_is_refused(served):
    sent = served.client.post("/v1/compress", content=b'{"text": "Words."}')
    refused(sent, 415)


def test_what_is_too_large_is_refused_before_it_is_read(served):
    refused(served.post("/v1/compress", {"text": "word " * 300_000}), 413)

    def pieces():
        for _ in range(40):
            yield b" " * 50_000

    sent = served.client.post(
        "/v1/compress", content=pieces(), headers={"content-type": "application/json"}
    )
    refused(sent, 413)


# Names


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "name",
    ["nothing", "..", "%2e%2e", "..%2Fsecret", "%2Fetc%2Fpasswd", "outside", "a.hier", "x" * 300,
     "%00", "secret.txt", "-a", "damaged%0A", "t\u00e9"],
)  # fmt: skip
def test_unknown_ids_are_not_found(served, place, name, method):
    for kind in ("trees", "corpora"):
        refused(served.client.request(method, f"/v1/{kind}/{name}"), 404, place)


def test_a_name_that_is_none_makes_no_corpus(served, place):
    for name in ("..%2Fevil", "a.b", "%2Ftmp%2Fevil", "x" * 65):
        refused(served.client.put(f"/v1/corpora/{name}", json={}), 404, place)
    assert not list(place.glob("**/*evil*"))


@pytest.mark.parametrize("node", ["99999999", "99999999999999999999999999", "-1", "x"])
def test_unknown_nodes_are_not_found(served, made, node):
    refused(served.client.get(f"/v1/trees/{made}/nodes/{node}"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "../../../../etc/passwd", "/etc/passwd", "%2e%2e/secret.txt",
        "below/../../secret.txt", "link.txt", "below/up/secret.txt", ".hidden.txt", "below",
        "missing.txt", "file:///etc/passwd", "http://127.0.0.1/x", "fine.txt\0", "..\\secret.txt",
    ],
)  # fmt: skip
def test_files_elsewhere_are_not_read(served, place, path):
    refused(served.post("/v1/trees", {"path": path}), 403, place)
    served.client.put("/v1/corpora/files", json={})
    sent = served.post("/v1/corpora/files/documents", {"documents": [{"path": path}]})
    assert refused(sent, 403, place)["param"] == "documents.0.path"


def test_a_file_that_cannot_be_read_is_told_without_its_place(served, place):
    refused(served.post("/v1/trees", {"path": "broken.pdf"}), 422, place)
    documents = [{"path": "broken.pdf"}, {"path": "fine.txt"}]
    told = served.post("/v1/corpora/files/documents", {"documents": documents})
    assert told.json()["added"] == ["fine.txt"]
    assert [one["name"] for one in told.json()["failed"]] == ["broken.pdf"]
    assert str(place) not in told.text


def test_a_damaged_file_gives_nothing_away(served, place):
    refused(served.client.get("/v1/trees/damaged"), 500, place)
    refused(served.post("/v1/trees/damaged/compress", {}), 500, place)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/trees/a/b/c", "/V1/holdings", "//etc/passwd"])
def test_other_paths_are_not_found(served, path):
    answered = served.client.get(path)
    assert answered.status_code == (200 if path == "/" else 404)


def test_other_methods_are_told_which_there_are(served):
    answered = served.client.patch("/v1/trees/a")
    refused(answered, 405)
    assert {"GET", "DELETE"} <= set(answered.headers["allow"].split(", "))


def test_questions_without_a_model_are_refused(served, made):
    error = refused(served.post(f"/v1/trees/{made}/ask", {"question": "Why?"}), 409)
    assert error["code"] == "no_model"


# Who asks


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {KEY}"},
     {"x-api-key": KEY[:-1]}, {"authorization": b"Bearer \xff"}],
)  # fmt: skip
def test_without_the_key_nothing_is_told(served, headers):
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        for path in ("/v1/holdings", "/openapi.json", "/metrics", "/", "/v1/trees/a"):
            refused(client.get(path, headers=headers), 401)
        assert client.get("/health").status_code == 200
        assert client.get("/v1/holdings", headers={"x-api-key": KEY}).status_code == 200


# What comes back


def test_hostile_words_come_back_as_json_only(served, made):
    for answered in (
        served.post(f"/v1/trees/{made}/compress", {"budget": 100}),
        served.client.get(f"/v1/trees/{made}"),
        served.client.get(f"/v1/trees/{made}/outline"),
        served.post(f"/v1/trees/{made}/compress", {"must_include": [HOSTILE[:400]]}),
    ):
        assert answered.headers["content-type"] == "application/json"
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert b"\x1b" not in answered.content
    assert "<script>" in json.dumps(served.client.get(f"/v1/trees/{made}").json())


# How it is sent


def raw(served, *pieces, wait=10.0):
    """Send bytes as they are; return what comes back until the other end closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=wait) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_a_request_whose_first_lines_never_end_is_closed(served):
    started = time.monotonic()
    assert raw(served, b"GET /health HTTP/1.1\r\nHost: a\r\nX: ") == b""
    assert time.monotonic() - started < 9
    endless = raw(served, b"GET /health HTTP/1.1\r\nX: " + b"a" * 70_000)
    assert endless.startswith(b"HTTP/1.1 431")
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /health HTTP/1.1\r\n")  # the next one is as slow
        assert connection.recv(65536) == b""


def test_a_body_that_comes_too_slowly_is_refused(served):
    head = (
        f"POST /v1/compress HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    assert b" 408 " in raw(served, head.encode()).partition(b"\r\n")[0]


def test_a_client_that_takes_nothing_is_let_go(served, made):
    """It asks on and on and reads nothing: its connection ends, and no memory is held for it."""
    ask = f"GET /openapi.json HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\n\r\n".encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", served.port))
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            go_on(connection, ask * 10)
    assert served.client.get("/ready").status_code == 200


def go_on(connection, sent):
    """Send something again and again."""
    for _ in range(2_000):
        connection.sendall(sent)
        time.sleep(0.01)


def test_a_length_that_is_no_number_of_bytes_is_refused(served):
    for length in ("9" * 5_000, "-1", "x"):
        head = (
            f"POST /v1/compress HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        status = raw(served, head.encode()).split(b" ")[1]
        assert status in (b"400", b"413")


def test_what_is_no_http_is_refused(served):
    assert raw(served, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_clients_that_hang_up_leave_nothing_behind(served, made):
    body = json.dumps({"text": "A text of words. " * 3_000, "query": "words"}).encode()
    head = (
        f"POST /v1/compress HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    for cut in (10, len(head), len(head) + 100, len(head) + len(body)):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", served.port)) as connection:
                connection.sendall((head + body)[:cut])
    assert served.post(f"/v1/trees/{made}/compress", {"budget": 40}).status_code == 200
    deadline = time.monotonic() + 30
    while served.metric("hier_requests_in_flight") > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert served.metric("hier_requests_in_flight") == 1  # the one that asks


def test_a_thousand_slow_clients_hold_up_nobody(served, made):
    """Each sends its request a byte a second; all the while others are answered."""
    request = b"POST /v1/compress HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    closed = []

    async def slow():
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            for place in range(len(request)):
                writer.write(request[place : place + 1])
                await writer.drain()
                await asyncio.sleep(1)
        except OSError:
            pass
        finally:
            closed.append(await reader.read() if not reader.at_eof() else b"")
            writer.close()

    async def crowd():
        await asyncio.gather(*(slow() for _ in range(SLOW)), return_exceptions=True)

    crowding = threading.Thread(target=asyncio.run, args=(crowd(),), daemon=True)
    crowding.start()
    time.sleep(1.5)
    taken = []
    for number in range(20):
        started = time.monotonic()
        asked = {"query": f"What is the notice period, {number}?", "budget": 60}
        assert served.post(f"/v1/trees/{made}/compress", asked).status_code == 200
        taken.append(time.monotonic() - started)
    assert sorted(taken)[10] < 1
    crowding.join(60)
    assert not crowding.is_alive(), "all of them were closed"
    assert served.client.get("/ready").status_code == 200


def test_more_than_can_wait_are_turned_away(place):
    options = ("--workers", 1, "--at-once", 1, "--waiting", 2, "--connections", 50)
    with Serving(place / "busy", *options) as server:
        turned_away(server)
        assert server.stop() == 0


def turned_away(server):
    """Ask eight things at once of a server that does one, and lets two wait."""
    text = "A text of many words that takes a while to read. " * 4_000
    statuses = []

    def ask(number):
        answered = server.post("/v1/compress", {"text": f"{number} {text}", "budget": 20})
        statuses.append((answered.status_code, answered.headers.get("retry-after")))

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert {status for status, _ in statuses} == {200, 503}
    assert sum(status == 200 for status, _ in statuses) == 3
    assert all(retry for status, retry in statuses if status == 503)
    assert server.client.get("/health").status_code == 200


def test_builds_are_bounded_and_joined():
    async def try_it():
        builds, end = Builds(most=1), asyncio.Event()

        async def begin(_):
            return await end.wait()

        first = builds.start("a", begin)
        assert builds.start("a", begin) is first
        with pytest.raises(FullError):
            builds.start("b", begin)
        end.set()
        assert await first.result()
        await asyncio.sleep(0)
        assert len(builds) == 0

    asyncio.run(try_it())


# How it is started


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.hier",), "missing.hier"),
        (("--host", "0.0.0.0"), "API key"),
        (("--folder", "nowhere"), "nowhere"),
        (("--keys", "nowhere"), "nowhere"),
        (("--data", "/proc/data"), "/proc/data"),
    ],
)
def test_a_server_that_cannot_be_as_asked_does_not_start(run, arguments, words, monkeypatch):
    monkeypatch.delenv("HIER_API_KEY", raising=False)
    status, _, said = run("serve", "--port", 0, *arguments)
    assert status == 1
    assert said.startswith("hier: error: ")
    assert words in said


def test_a_text_that_cannot_be_read_ends_the_start(place, run):
    status, _, said = run("serve", "--port", 0, "--workers", 1, place / "open" / "broken.pdf")
    assert status == 1
    assert "broken.pdf" in said
