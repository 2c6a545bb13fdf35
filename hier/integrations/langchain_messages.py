"""LangChain's messages compressed as a conversation: what came goes out, with shorter texts.

The engine reads messages in OpenAI's form. What is handed back are the objects that came, with
their ids, metadata and blocks; of one that was compressed a copy, with other texts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, overload

from langchain_core.messages import (
    BaseMessage,
    MessageLikeRepresentation,
    convert_to_messages,
    convert_to_openai_messages,
)
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableLambda

from hier.errors import InputError

Conversation = Sequence[MessageLikeRepresentation] | PromptValue


@overload
def compress_messages(
    messages: None = None, *, budget: int = ..., **options: Any
) -> Runnable[Conversation, list[BaseMessage]]: ...


@overload
def compress_messages(
    messages: Conversation, *, budget: int = ..., **options: Any
) -> list[BaseMessage]: ...


def compress_messages(
    messages: Conversation | None = None, *, budget: int = 2000, **options: Any
) -> list[BaseMessage] | Runnable[Conversation, list[BaseMessage]]:
    """Compress a conversation against the question that it ends with; see ``docs/messages.md``.

    Args:
        messages: whatever LangChain takes as messages; none for a step that takes them.
        budget: the most tokens of all messages, as ``hier.compress_messages`` counts them.
        options: further arguments of ``hier.compress_messages``, such as ``tokenizer``.

    Returns:
        The messages that came; those that were compressed are copies with other contents.

    Raises:
        BudgetError: what must be kept is more than the budget.
        InputError: they are no messages, or hold what cannot be counted.
    """

    def compress(given: Conversation) -> list[BaseMessage]:
        return _compress(given, budget, options)

    async def acompress(given: Conversation) -> list[BaseMessage]:
        return await asyncio.to_thread(compress, given)

    if messages is None:
        return RunnableLambda(compress, acompress, name="compress_messages")
    return compress(messages)


def _compress(given: Any, budget: int, options: Mapping[str, Any]) -> list[BaseMessage]:
    import hier

    came = _read(given)
    told, blocks = [], []
    for number, message in enumerate(came):
        wanted, held = _as_openai(number, message)
        told.append(wanted)
        blocks.append(held)
    found = hier.compress_messages(told, budget, **options)
    return [
        _with_content(came[index], blocks[index], told[index]["content"], sent["content"])
        for index, sent in zip(found.indices, found.messages, strict=True)
    ]


def _read(given: Any) -> list[BaseMessage]:
    if isinstance(given, str | bytes | Mapping | BaseMessage):
        raise InputError(
            f"messages of type {type(given).__name__} are no conversation; pass a list of them"
        )
    try:
        return convert_to_messages(given)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"these are no messages of LangChain ({_line(error)}); pass a list of BaseMessage"
        ) from error


def _as_openai(number: int, message: BaseMessage) -> tuple[dict[str, Any], list[int]]:
    """Return a message in OpenAI's form, and which block each part of its content is.

    Raises:
        InputError: OpenAI's form has no room for it.
    """
    try:
        if isinstance(message.content, str):
            return convert_to_openai_messages(message), []
        told = convert_to_openai_messages(message.model_copy(update={"content": ""}))
        told["content"], held = [], []
        for place, block in enumerate(message.content):
            if isinstance(block, dict) and block.get("type") == "tool_result":
                raise ValueError("a result of a tool is a message of its own: pass a ToolMessage")
            alone = message.model_copy(update={"content": [block]})
            parts = convert_to_openai_messages(alone, text_format="block")["content"]
            told["content"] += parts
            held += [place] * len(parts)
    except (AttributeError, KeyError, ValueError) as error:  # what the conversion raises
        raise InputError(
            f"message {number} ({type(message).__name__}) cannot be read: {_line(error)}"
        ) from error
    return told, held


def _with_content(
    message: BaseMessage, blocks: Sequence[int], before: Any, after: Any
) -> BaseMessage:
    """Return a message with another content; itself where it is its own."""
    if after == before:
        return message
    if isinstance(message.content, str):
        return message.model_copy(update={"content": after})
    content: list[str | dict[str, Any]] = list(message.content)
    for place, old, new in zip(blocks, before, after, strict=True):
        if old != new:
            block = content[place]
            content[place] = new["text"] if isinstance(block, str) else {**block, **new}
    return message.model_copy(update={"content": content})


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
