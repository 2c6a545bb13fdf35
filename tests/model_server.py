"""A server of language models on loopback: what the tests of models talk to.

It speaks the OpenAI protocol (``/v1/chat/completions``, ``/v1/models``) and Ollama's own
(``/api/chat``, ``/api/show``), counts its own calls and tokens (``/stats``), and answers in one of
three ways: by real inference over a model in a folder, by a script of replies, or by the first
sentences of the text it is given. Faults come in an order that follows from a seed alone.

Run as ``python model_server.py SETTINGS``, JSON of the fields of ``Settings``; the port is printed.
``POST /configure`` changes settings and starts counting afresh.
"""

import asyncio
import itertools
import json
import math
import re
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn
from model_replies import Answer, Inference, Settings, fault, spoil, written
from servers import tiny_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

REMARK = re.compile(r"(?:\\n)*\(Your last reply could not be used[^)]*\)")


class CutOff(Exception):  # noqa: N818 (it is not an error of the server's)
    """Ends a reply in the middle of its body."""


@dataclass
class Stats:
    """What the server saw since it was last configured."""

    calls: int = 0
    replies: int = 0
    repeated: int = 0
    input: int = 0
    output: int = 0
    lost_input: int = 0
    lost_output: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the figures."""
        apart = ("attempts", "answered", "requests")
        return {name: value for name, value in vars(self).items() if name not in apart}


class Server:
    """State and routes: every call goes through ``_call``, whichever protocol it came by."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.stats = settings, Stats()
        if settings.folder and not Path(settings.folder).exists():
            tiny_model(Path(settings.folder))  # here: torch is loaded once, and not in the tests
        self.inference = Inference(settings.folder) if settings.folder else None
        self.turn = itertools.count()
        self.numbers = itertools.count(1)
        routes = [
            ("/v1/chat/completions", self.openai, "POST"),
            ("/v1/models", self.models, "GET"),
            ("/api/chat", self.ollama, "POST"),
            ("/api/show", self.show, "POST"),
            ("/stats", self.told, "GET"),
            ("/requests", self.asked, "GET"),
            ("/configure", self.configure, "POST"),
        ]
        self.app = Starlette(routes=[Route(path, act, methods=[how]) for path, act, how in routes])

    async def told(self, request: Request) -> Response:
        """``/stats``."""
        return JSONResponse(self.stats.shown())

    async def asked(self, request: Request) -> Response:
        """``/requests``: the bodies of all calls, in order."""
        return JSONResponse(self.stats.requests)

    async def configure(self, request: Request) -> Response:
        """``/configure``."""
        self.settings = replace(self.settings, **await request.json())
        self.stats, self.turn = Stats(), itertools.count()
        return JSONResponse({})

    async def models(self, request: Request) -> Response:
        """``/v1/models``."""
        data = [{"id": name, "object": "model"} for name in self.settings.models]
        return JSONResponse({"object": "list", "data": data})

    async def show(self, request: Request) -> Response:
        """``/api/show``."""
        if (name := (await request.json())["model"]) not in self.settings.models:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        return JSONResponse({"model_info": {"test.context_length": self.settings.window}})

    async def openai(self, request: Request) -> Response:
        """``/v1/chat/completions``."""
        return await self._call(request, OpenAIProtocol())

    async def ollama(self, request: Request) -> Response:
        """``/api/chat``."""
        return await self._call(request, OllamaProtocol())

    async def _call(self, request: Request, protocol: "Protocol") -> Response:
        stats = self.stats
        stats.calls += 1
        stats.times.append(time.monotonic())
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        try:
            response = await self._answer(request, protocol)
        finally:
            stats.in_flight -= 1
        stats.statuses[response.status_code] += 1
        return response

    async def _answer(self, request: Request, protocol: "Protocol") -> Response:
        stats, settings, body = self.stats, self.settings, await request.json()
        stats.requests.append(body)
        given = request.headers.get("authorization", "")
        if settings.key and given != f"Bearer {settings.key}":
            return protocol.error(401, "Incorrect API key provided", "invalid_api_key")
        if body["model"] not in settings.models:
            about = f"The model '{body['model']}' does not exist"
            return protocol.error(404, about, "model_not_found")
        prompt = json.dumps([body["messages"], body.get("tools")], sort_keys=True)
        prompt = REMARK.sub("", prompt)  # asked again is asked the same
        wrong = fault(settings, prompt, stats.attempts[prompt])
        stats.attempts[prompt] += 1
        stats.repeated += prompt in stats.answered
        stats.faults.update([wrong] if wrong else [])
        most = protocol.most(body)
        if self.inference:
            answer = await asyncio.to_thread(self.inference.answer, body["messages"], most)
        else:
            answer = written(settings, body, most, next(self.turn))
        window = min(settings.window, self.inference.window if self.inference else math.inf)
        if answer.input + most > window:
            about = f"This model's maximum context length is {window} tokens"
            return protocol.error(400, about, "context_length_exceeded")
        await asyncio.sleep(settings.slow if wrong == "slow" else settings.delay)
        if wrong == "rate limit":
            headers = {"retry-after": str(settings.retry_after)}
            return protocol.error(429, "Rate limit reached", "rate_limit_exceeded", headers)
        if wrong == "error":
            return protocol.error(500, "The server had an error", "server_error")
        answer = spoil(answer, wrong, settings, most)
        if wrong in ("slow", "cut", "malformed"):
            stats.lost_input += answer.input
            stats.lost_output += answer.output
        else:
            stats.replies += 1
            stats.input += answer.input
            stats.output += answer.output
            stats.answered.add(prompt)
        number = next(self.numbers)
        if protocol.streams(body):
            return StreamingResponse(
                protocol.stream(body, answer, number, wrong), media_type="text/event-stream"
            )
        content = json.dumps(protocol.reply(body, answer, number)).encode()
        if wrong == "malformed":
            content = content[: len(content) // 2]
        headers = {"content-length": str(len(content) + 100)} if wrong == "cut" else None
        return Response(content, headers=headers, media_type="application/json")


class Protocol(ABC):
    """How calls and replies are written."""

    @abstractmethod
    def most(self, body: dict[str, Any]) -> int:
        """Return the most tokens of a reply."""

    @abstractmethod
    def streams(self, body: dict[str, Any]) -> bool:
        """Return whether a stream was asked for."""

    @abstractmethod
    def error(self, status: int, about: str, code: str, headers: Any = None) -> Response:
        """Return an error."""

    @abstractmethod
    def reply(self, body: dict[str, Any], answer: Answer, number: int) -> dict[str, Any]:
        """Return a reply at once."""

    @abstractmethod
    def lines(self, body: dict[str, Any], answer: Answer, number: int) -> list[str]:
        """Return the lines of a stream."""

    async def stream(
        self, body: dict[str, Any], answer: Answer, number: int, wrong: str
    ) -> AsyncIterator[str]:
        """Yield a reply in pieces."""
        lines = self.lines(body, answer, number)
        for place, line in enumerate(lines):
            if place == len(lines) // 2 and wrong == "malformed":
                yield line[: len(line) // 2] + "\n\n"
            if place == len(lines) // 2 and wrong == "cut":
                raise CutOff
            yield line
            await asyncio.sleep(0)


class OpenAIProtocol(Protocol):
    """``/v1/chat/completions``."""

    def most(self, body: dict[str, Any]) -> int:
        return body.get("max_tokens") or body.get("max_completion_tokens") or 16

    def streams(self, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    def error(self, status: int, about: str, code: str, headers: Any = None) -> Response:
        error = {"message": about, "type": "invalid_request_error", "param": None, "code": code}
        return JSONResponse({"error": error}, status, headers)

    def reply(self, body: dict[str, Any], answer: Answer, number: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.calls:
            message["tool_calls"] = self._calls(answer, number)
        return self._around(body, number) | {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": self._finish(answer)}],
            "usage": self._usage(answer),
        }

    def lines(self, body: dict[str, Any], answer: Answer, number: int) -> list[str]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in answer.pieces()]
        if answer.calls:
            calls = enumerate(self._calls(answer, number))
            deltas += [{"tool_calls": [{"index": i, **call}]} for i, call in calls]
        choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        choices.append({"index": 0, "delta": {}, "finish_reason": self._finish(answer)})
        chunks: list[dict[str, Any]] = [{"choices": [choice]} for choice in choices]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append({"choices": [], "usage": self._usage(answer)})
        around = self._around(body, number) | {"object": "chat.completion.chunk"}
        written = [json.dumps(around | chunk) for chunk in chunks]
        return [f"data: {line}\n\n" for line in [*written, "[DONE]"]]

    def _around(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        return {"id": f"chatcmpl-{number}", "created": 0, "model": body["model"]}

    def _finish(self, answer: Answer) -> str:
        return "tool_calls" if answer.calls and answer.finish == "stop" else answer.finish

    def _calls(self, answer: Answer, number: int) -> list[dict[str, Any]]:
        return [
            {"id": f"call-{number}-{i}", "type": "function", "function": call}
            for i, call in enumerate(answer.calls)
        ]

    def _usage(self, answer: Answer) -> dict[str, Any]:
        return {
            "prompt_tokens": answer.input,
            "completion_tokens": answer.output,
            "total_tokens": answer.input + answer.output,
            "prompt_tokens_details": {"cached_tokens": answer.cached},
        }


class OllamaProtocol(Protocol):
    """``/api/chat``."""

    def most(self, body: dict[str, Any]) -> int:
        return (body.get("options") or {}).get("num_predict") or 16

    def streams(self, body: dict[str, Any]) -> bool:
        return bool(body.get("stream", True))

    def error(self, status: int, about: str, code: str, headers: Any = None) -> Response:
        return JSONResponse({"error": about}, status, headers)

    def reply(self, body: dict[str, Any], answer: Answer, number: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.calls:
            message["tool_calls"] = [
                {"function": call | {"arguments": json.loads(call["arguments"])}}
                for call in answer.calls
            ]
        reason = {"content_filter": "stop"}.get(answer.finish, answer.finish)
        return self._around(body, message) | {
            "done": True,
            "done_reason": reason,
            "prompt_eval_count": answer.input,
            "eval_count": answer.output,
        }

    def lines(self, body: dict[str, Any], answer: Answer, number: int) -> list[str]:
        pieces: list[dict[str, Any]] = [
            self._around(body, {"role": "assistant", "content": piece}) | {"done": False}
            for piece in answer.pieces()
        ]
        last = self.reply(body, answer, number)
        last["message"]["content"] = ""
        return [json.dumps(piece) + "\n" for piece in [*pieces, last]]

    def _around(self, body: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": body["model"],
            "created_at": "2026-01-01T00:00:00Z",
            "message": message,
        }


def main() -> None:
    """Serve until stopped."""
    server = Server(Settings(**json.loads(sys.argv[1])))
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and every reply waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(server.app, log_level="critical", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
