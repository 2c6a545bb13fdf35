"""Calls of a language model: what is sent, what comes back, and what it took.

These values are all that the engine knows of a model; ``language_model.py`` makes them of whatever
the user plugged in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Purpose = Literal["indexing", "selecting", "answering"]


@dataclass(frozen=True)
class Tool:
    """Something a model may call.

    Attributes:
        name: what it is called by.
        description: what it does, for the model.
        parameters: the JSON schema of each argument, by name; all are required.
    """

    name: str
    description: str
    parameters: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ToolCall:
    """A tool that a model asked for; the arguments are as it wrote them, not checked."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One message of a conversation.

    Attributes:
        role: who speaks.
        text: what is said; may be empty where tools are called.
        calls: tools that an assistant's message calls.
        call_id: for a tool's message, the call it answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class Reply:
    """What a model said.

    Attributes:
        text: its words, stripped.
        finish: ``"stop"`` (it was done), ``"length"`` (it was cut off) or ``"refused"`` (a filter).
        calls: tools it asks for.
    """

    text: str
    finish: Literal["stop", "length", "refused"] = "stop"
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True)
class Call:
    """One attempt of a call, for the ledger.

    Attributes:
        purpose: what it was made for.
        model: the model's name.
        input: tokens sent, cached ones among them.
        output: tokens received.
        cached: tokens sent that the server had at hand.
        seconds: how long it took.
        outcome: ``"reply"``, ``"cache"`` (read from the disk: nothing was sent; input and output
            are what it took when it was) or in a few words what went wrong, such as
            ``"rate limit"``.
        told: the server itself told the tokens; otherwise they were counted here.
    """

    purpose: Purpose
    model: str
    input: int = 0
    output: int = 0
    cached: int = 0
    seconds: float = 0.0
    outcome: str = "reply"
    told: bool = True


Record = Callable[[Call], None]


@dataclass(frozen=True)
class Written:
    """A summary that was written, or why none was.

    Attributes:
        text: the summary; empty where there is none.
        fault: what was wrong with the last reply, such as ``"refused"``; empty where nothing was.
        call: what the reply took; None where a model cannot tell.
    """

    text: str
    fault: str = ""
    call: Call | None = field(default=None, compare=False)
