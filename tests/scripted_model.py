"""A model that says what a script says: for tests of what is asked, without a server."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import environment

from hier.summarizers.calls import Call, Message, Reply, Tool, ToolCall

count = environment.token_counter("o200k_base")
QUESTION = "How does the with statement call __enter__ and __exit__?"


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> Reply:
    """A reply that calls tools."""
    return Reply(text, calls=tuple(ToolCall(f"c{i}", *one) for i, one in enumerate(wanted)))


@dataclass
class Scripted:
    """Says its replies in turn, the last one for ever; cut off where a real model would be.

    Attributes:
        replies: texts, replies, or functions from the messages to either.
        has_tools: it takes tools.
        window: as of ``LanguageModel``.
        ratio: how many of its tokens one of ours is; it tells them, unless it is 0.
        sent: the messages, limit and number of tools of each call.
    """

    replies: Sequence[Any] = ("The answer.",)
    has_tools: bool = True
    window: int | None = None
    ratio: float = 0.0
    name: str | None = "scripted"
    sent: list[tuple[list[Message], int, int]] = field(default_factory=list)

    def chat(
        self,
        messages: Sequence[Message],
        most: int,
        *,
        purpose: str,
        record: Callable[[Call], None],
        tools: Iterable[Tool] = (),
        on_text: Callable[[str], None] | None = None,
        again: int = 2,
    ) -> Reply:
        tools = list(tools)
        self.sent.append((list(messages), most, len(tools)))
        reply = self.replies[min(len(self.sent), len(self.replies)) - 1]
        reply = reply(messages) if callable(reply) else reply
        reply = Reply(reply) if isinstance(reply, str) else reply
        if not tools:
            reply = Reply(reply.text, reply.finish)
        text, finish = cut(reply.text.strip(), most, reply.finish, self.ratio or 1.0)
        reply = Reply(text, finish, reply.calls if finish == "stop" else ())
        if on_text is not None:
            for start in range(0, len(reply.text), 7):
                on_text(reply.text[start : start + 7])
        if self.ratio:
            sent = sum(count(message.text) + 4 for message in messages)
            said = (int(count(reply.text) * self.ratio), int(sent * self.ratio))
            record(Call("answering", "scripted", said[1], said[0]))
        else:
            record(Call("answering", "scripted", told=False))
        return reply

    @property
    def shown(self) -> str:
        """The last thing that was sent to it."""
        return self.sent[-1][0][-1].text


def cut(text: str, most: int, finish: Any, ratio: float) -> tuple[str, Any]:
    """As much of a text as a limit allows, by whole words."""
    if count(text) * ratio <= most:
        return text, finish
    words = text.split(" ")
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if count(" ".join(words[:middle])) * ratio <= most else (low, middle - 1)
        )
    return " ".join(words[:low]).strip(), "length"


def search(words: str) -> Reply:
    """A reply that searches."""
    return calls(("search", {"query": words}))


def expand(node: Any) -> Reply:
    """A reply that asks for a node."""
    return calls(("expand", {"node_id": node}))
