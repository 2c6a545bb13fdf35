"""Reading messages: what a conversation must be, and where its texts stand.

A message is a mapping in the form of OpenAI's chat API. Its content is a text, or parts of which
some are texts; whatever else it holds is nobody's business here, and goes through as it came.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hier.errors import InputError

Message = Mapping[str, Any]
Part = int | None
"""Which part of a message's content a text is; None where the content is the text."""

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
GUIDING = ("system", "developer")  # said once, for all turns
TEXT_PARTS = ("text", "input_text", "output_text")


def check_messages(messages: Any) -> list[Message]:
    """Return the messages of a conversation, as they are.

    Raises:
        InputError: they are none; it names the first message that is wrong, and how.
    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
        raise InputError(
            f"messages of type {type(messages).__name__} are no list; pass dicts such as "
            '{"role": "user", "content": "..."}'
        )
    if not messages:
        raise InputError("the list of messages is empty; pass at least one")
    called: set[str] = set()
    for index, message in enumerate(messages):
        _check_message(index, message)
        called.update(_call_ids(index, message))
        if message["role"] == "tool" and message["tool_call_id"] not in called:
            raise InputError(
                f"message {index} answers the tool call {message['tool_call_id']!r}, which no "
                "assistant message before it makes; send that message too"
            )
    return list(messages)


def texts_of(message: Message) -> Iterator[tuple[Part, str]]:
    """Yield the texts of a message, and which part of its content each is."""
    content = message.get("content")
    if isinstance(content, str):
        yield None, content
    elif content is not None:
        for number, part in enumerate(content):
            if part["type"] in TEXT_PARTS:
                yield number, part["text"]


def with_texts(message: Message, texts: Mapping[Part, str]) -> Message:
    """Return a message with other texts; itself where they are its own."""
    if all(texts.get(part, text) == text for part, text in texts_of(message)):
        return message
    if isinstance(message["content"], str):
        return {**message, "content": texts[None]}
    parts = [
        {**part, "text": texts[number]} if number in texts else part
        for number, part in enumerate(message["content"])
    ]
    return {**message, "content": parts}


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, Mapping):
        raise InputError(f"message {index} is of type {type(message).__name__}; pass a dict")
    role = message.get("role")
    if role not in ROLES:
        raise InputError(f"message {index} has the role {role!r}; roles are {', '.join(ROLES)}")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise InputError(
            f"message {index} is a tool's and has no tool_call_id; name the call that it answers"
        )
    if not isinstance(message.get("name"), str | None):
        raise InputError(f"message {index} has a name that is no text; pass a str, or none")
    _check_content(index, message)


def _check_content(index: int, message: Message) -> None:
    content = message.get("content")
    if content is None:
        if message["role"] == "assistant":  # it called tools, refused, or said nothing
            return
        raise InputError(
            f"message {index} ({message['role']}) has no content; pass a text, or parts"
        )
    if isinstance(content, str):
        return
    if not isinstance(content, list | tuple):
        raise InputError(
            f"message {index} has content of type {type(content).__name__}; pass a text, or a "
            "list of parts"
        )
    for number, part in enumerate(content):
        if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
            raise InputError(
                f"part {number} of message {index} is no part; pass a dict such as "
                '{"type": "text", "text": "..."}'
            )
        if part["type"] in TEXT_PARTS and not isinstance(part.get("text"), str):
            raise InputError(f"part {number} of message {index} has no text; pass a str")


def _call_ids(index: int, message: Message) -> Iterator[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return
    if message["role"] != "assistant" or not isinstance(calls, list | tuple):
        raise InputError(
            f"message {index} has tool_calls that are no list of an assistant's calls; pass them "
            "as the model made them"
        )
    for call in calls:
        if not isinstance(call, Mapping) or not isinstance(call.get("id"), str):
            raise InputError(
                f"message {index} has a tool call without an id; pass the calls as the model made "
                "them"
            )
        yield call["id"]
