"""Bodies of requests: where OpenAI's protocols keep what a model is to read, and back again.

Each protocol is read as a conversation, which is compressed, and written back in its own form. All
else in a body goes through untouched, and so does a body whose conversation fits.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hier.errors import InputError
from hier.messages.compressing import Messages
from hier.messages.reading import Message

Body = dict[str, Any]
_CALL, _RESULT = "function_call", "function_call_output"


@dataclass(frozen=True)
class Rewritten:
    """A body as it is sent on.

    Attributes:
        content: its bytes.
        before: tokens of its conversation as it came.
        after: tokens of its conversation now.
    """

    content: bytes
    before: int
    after: int


@dataclass(frozen=True)
class Protocol:
    """How a body holds a conversation.

    Attributes:
        read: returns its messages; None where it holds none that can be compressed.
        write: returns a body with the messages that are sent; their places are given.
    """

    read: Callable[[Body], Sequence[Message] | None]
    write: Callable[[Body, Messages], Body]


def protocol_of(path: str) -> Protocol | None:
    """Return how requests to a path hold a conversation; None where they hold none."""
    ends = [protocol for end, protocol in PROTOCOLS.items() if path.rstrip("/").endswith(end)]
    return ends[0] if ends else None


def rewrite(
    content: bytes, protocol: Protocol, compress: Callable[[Any], Messages]
) -> Rewritten | None:
    """Return a body whose conversation is compressed; None where it holds none.

    Raises:
        InputError: the body is not JSON, or what it holds is no conversation.
        BudgetError: what must be kept is more than the budget.
    """
    body = _parse(content)
    messages = protocol.read(body)
    if messages is None:
        return None
    found = compress(messages)
    if not found.changes:
        return Rewritten(content, found.before, found.tokens)
    written = json.dumps(protocol.write(body, found), separators=(",", ":"))
    return Rewritten(written.encode("ascii"), found.before, found.tokens)


def _parse(content: bytes) -> Body:
    try:
        body = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        said = str(error) or "it is nested too deeply"
        raise InputError(f"the body of the request is not JSON: {said}; send an object") from error
    if not isinstance(body, dict):
        raise InputError(f"the body of the request is a {type(body).__name__}; send an object")
    return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no value of JSON")


# Chat completions: the conversation is there as it is.


def _read_chat(body: Body) -> Sequence[Message] | None:
    return body.get("messages")


def _write_chat(body: Body, sent: Messages) -> Body:
    return {**body, "messages": sent.messages}


# Completions: the prompt is a question.


def _read_prompt(body: Body) -> Sequence[Message] | None:
    prompt = body.get("prompt")
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) and prompt else None


def _write_prompt(body: Body, sent: Messages) -> Body:
    return {**body, "prompt": sent.messages[0]["content"]}


# Responses: items, of which some are messages, and instructions before them.


def _read_items(body: Body) -> Sequence[Message] | None:
    given = body.get("input")
    if isinstance(given, str) and given:
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        return None
    instructions = body.get("instructions")
    guide = [{"role": "system", "content": instructions}] if isinstance(instructions, str) else []
    return guide + [_as_message(index, item) for index, item in enumerate(given)]


def _as_message(index: int, item: Any) -> Message:
    """Return an item as a message; what is neither said, called nor a result is kept as it is."""
    if not isinstance(item, dict):
        raise InputError(
            f"item {index} of the input is of type {type(item).__name__}; send objects"
        )
    kind = item.get("type", "message")
    if kind == "message":
        return {name: value for name, value in item.items() if name in ("role", "content")}
    if kind == _CALL:
        call = {**item, "id": item.get("call_id")}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == _RESULT:
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    return {"role": "assistant", "content": None, "reasoning_content": item}


def _write_items(body: Body, sent: Messages) -> Body:
    guided = isinstance(body.get("instructions"), str)
    given = body["input"]
    if isinstance(given, str):
        return {**body, "input": sent.messages[-1]["content"]}
    items = []
    for index, message in zip(sent.indices, sent.messages, strict=True):
        if index < guided:
            continue
        item = given[index - guided]
        kind = item.get("type", "message")
        field = {"message": "content", _RESULT: "output"}.get(kind)
        items.append({**item, field: message["content"]} if field else item)
    return {**body, "input": items}


PROTOCOLS = {
    "/chat/completions": Protocol(_read_chat, _write_chat),
    "/completions": Protocol(_read_prompt, _write_prompt),
    "/responses": Protocol(_read_items, _write_items),
}
