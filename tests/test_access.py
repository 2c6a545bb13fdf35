"""Keys, hosts and limits of servers, asked as ASGI applications."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hier import cli
from hier.errors import InputError
from hier.serving.access import Guard, Keys, check_bind, hash_of, is_loopback, new_key, problem
from hier.serving.limits import BodyLimit, ConcurrencyLimit, Limits, TimeLimit

KEY = "a-key-of-twenty-chars"
App = Callable[..., Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came."""
    body = (await receive()).get("body", b"")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def ask(
    app: Any, headers: dict[str, str] | None = None, pieces: Any = (b"",), path: str = "/x"
) -> tuple[int, bytes, dict[bytes, bytes]]:
    """Send one request in pieces, and return status, body and headers; status 0 is no answer."""
    told = {"host": "127.0.0.1:80", **(headers or {})}
    scope = {
        "type": "http", "path": path, "method": "POST",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in told.items()],
    }  # fmt: skip
    waiting, answers = list(pieces), []

    async def receive() -> dict[str, Any]:
        piece = waiting.pop(0) if waiting else None
        if piece is None:
            return {"type": "http.disconnect"}
        if isinstance(piece, float):
            await asyncio.sleep(piece)
            piece = b""
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await app(scope, receive, send)
    if not answers:
        return 0, b"", {}
    body = b"".join(each.get("body", b"") for each in answers)
    return answers[0]["status"], body, dict(answers[0]["headers"])


def status(app: Any, headers: dict[str, str] | None = None, **request: Any) -> int:
    return asyncio.run(ask(app, headers, **request))[0]


def test_a_key_admits_and_nothing_else_does() -> None:
    app = Guard(echo, Keys([hash_of(KEY), hash_of(new_key())]), public="/health".__eq__)
    assert status(app, {"authorization": f"Bearer {KEY}"}) == 200
    assert status(app, {"authorization": f"bearer   {KEY}"}) == 200
    assert status(app, {"x-api-key": KEY}) == 200
    assert status(app, {}, path="/health") == 200
    for headers in (
        {}, {"x-api-key": ""}, {"x-api-key": KEY[:-1]}, {"x-api-key": KEY + "x"},
        {"authorization": KEY}, {"authorization": f"Basic {KEY}"}, {"x-api-key": hash_of(KEY)},
        {"x-api-key": "\xff\xfe"}, {"x-hier-key": KEY},
    ):  # fmt: skip
        code, body, told = asyncio.run(ask(app, headers))
        assert code == 401, headers
        assert told[b"www-authenticate"] == b"Bearer"
        assert json.loads(body)["error"]["type"] == "authentication_error"
        assert KEY.encode() not in body


def test_a_proxy_has_a_header_of_its_own() -> None:
    app = Guard(echo, Keys([hash_of(KEY)]), header="X-Hier-Key", bearer=False)
    assert status(app, {"x-hier-key": KEY, "authorization": "Bearer theirs"}) == 200
    assert status(app, {"authorization": f"Bearer {KEY}"}) == 401


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1:80", "", "[::2]", "127.0.0.1.evil.com"])
def test_without_a_key_another_name_is_refused(host: str) -> None:
    code, body, _ = asyncio.run(ask(Guard(echo, Keys()), {"host": host}))
    assert code == 403
    assert b"is not this machine" in body


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "file://"])
def test_without_a_key_a_page_from_elsewhere_is_refused(origin: str) -> None:
    assert status(Guard(echo, Keys()), {"origin": origin}) == 403


@pytest.mark.parametrize(
    "host", ["localhost:8", "127.0.0.1", "[::1]:8000", "LOCALHOST", "127.9.9.9"]
)
def test_without_a_key_this_machine_may_ask(host: str) -> None:
    assert status(Guard(echo, Keys()), {"host": host, "origin": f"http://{host}"}) == 200


def test_other_machines_need_a_key() -> None:
    keyed = Keys([hash_of(KEY)])
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", ""):
        assert not is_loopback(host)
        with pytest.raises(InputError, match="hier key FILE"):
            check_bind(host, Keys())
        check_bind(host, keyed)
    for host in ("127.0.0.1", "::1", "localhost"):
        check_bind(host, Keys())


def test_a_key_is_made_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, made = tmp_path / "keys.txt", []
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            cli.main(["key", str(file), "--note", "for the wiki"])
        assert not ended.value.code
        made.append(capsys.readouterr().out.strip())
    assert file.stat().st_mode & 0o077 == 0
    assert not any(key in file.read_text() for key in made)
    keys = Keys.read(file, plain=KEY)
    assert all(keys.admits(key) for key in (*made, KEY))
    assert not keys.admits(made[0][:-1])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "has no key"),
        ("# none\n", "has no key"),
        ("secret\n", "line 1"),
        ("sha256:zz\n", "line 1"),
    ],
)
def test_a_file_of_keys_is_read_strictly(tmp_path: Path, lines: str, said: str) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(lines)
    with pytest.raises(InputError, match=said) as refused:
        Keys.read(file)
    assert "secret" not in str(refused.value)


def test_a_missing_file_and_a_short_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Keys.read(tmp_path / "none")
    with pytest.raises(InputError, match="can be guessed"):
        Keys.read(plain="short")


def test_a_body_is_read_as_far_as_it_may_be() -> None:
    app = BodyLimit(echo, Limits(body=10, body_seconds=0.2))
    assert asyncio.run(ask(app, pieces=[b"12345", b"67890"]))[:2] == (200, b"1234567890")
    assert status(app, pieces=[b"12345", b"678901"]) == 413
    assert status(app, {"content-length": "11"}) == 413
    assert status(app, pieces=[b"1", 5.0, b"2"]) == 408
    assert status(app, pieces=[b"1", None, b"2"]) == 0, "a client that hung up"


def test_what_takes_too_long_is_ended_and_what_has_begun_may_go_on() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(5)

    async def begun(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.3)
        await send({"type": "http.response.body", "body": b"all"})

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise TimeoutError("its own")

    limits = Limits(seconds=0.1)
    assert status(TimeLimit(slow, limits)) == 504
    assert asyncio.run(ask(TimeLimit(begun, limits)))[:2] == (200, b"all")
    with pytest.raises(TimeoutError, match="its own"):
        status(TimeLimit(broken, limits))


def test_some_run_some_wait_and_the_rest_is_turned_away() -> None:
    at_once, most = 0, 0

    async def work(scope: Any, receive: Any, send: Any) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1
        await problem(200, "done")(scope, receive, send)

    async def many() -> list[Any]:
        app = ConcurrencyLimit(work, Limits(at_once=2, waiting=3), frozenset({"/health"}))
        asked = [ask(app) for _ in range(9)] + [ask(app, path="/health")]
        return await asyncio.gather(*asked)

    answers = asyncio.run(many())
    assert sorted(code for code, _, _ in answers) == [200] * 6 + [503] * 4
    assert answers[-1][0] == 200, "health never waits"
    assert most == 3
    assert all(told[b"retry-after"] == b"1" for code, _, told in answers if code == 503)
