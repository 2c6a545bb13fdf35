"""What a user may plug in as a language model, behind one coroutine: a request in, a reply out.

A LlamaIndex ``LLM`` is called by its own async client where it has one; what blocks, a plain
function or a model that runs here, is called in a thread.
"""

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol

from hier.errors import HierError, ModelError
from hier.summarizers.calls import Message, Reply, Tool
from hier.summarizers.flight import Threads, holdable


@dataclass(frozen=True)
class Heard:
    """A reply, and the tokens that the server told.

    Attributes:
        reply: what was said.
        usage: tokens sent, received, and those sent that the server had at hand; None where it
            did not tell.
    """

    reply: Reply
    usage: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        messages: the conversation.
        most: tokens that the reply may have.
        tools: what the model may call.
        on_text: gets the reply piece by piece; None to have it at once.
        timeout: seconds before the attempt is given up.
    """

    messages: Sequence[Message]
    most: int
    tools: Sequence[Tool] = ()
    on_text: Callable[[str], None] | None = None
    timeout: float = 60.0


class Line(Protocol):
    """An open line to a model, in one process."""

    async def ask(self, request: Request) -> Heard:
        """Send a request once."""
        ...

    async def close(self) -> None:
        """Close the connections that the line opened."""
        ...


class Adapter(Protocol):
    """What was plugged in.

    Attributes:
        name: what names the model in the cache; None where nothing does.
        label: what it is called in messages and in the ledger.
        window: tokens it reads and writes together; None if not known.
        has_tools: whether it takes tools natively.
        parameters: all that its replies depend on beside its name, as one word.
        url: where it is; may be empty.
        key: where its key is read from.
        own: whether exceptions that are no client's are the user's own.
    """

    name: str | None
    label: str
    window: int | None
    has_tools: bool
    parameters: str
    url: str
    key: str
    own: bool

    def open(self, in_flight: int) -> Line:
        """Return a line to it; called on the loop that it will be used on."""
        ...

    def mend(self, error: Exception, request: Request) -> HierError:
        """Return the error to raise for an exception that is no client's."""
        ...


def adapter_of(model: Any) -> Adapter:
    """Return the adapter of what a user plugged in.

    Raises:
        ModelError: it is nothing that can be called.
    """
    if isinstance(model, FunctionAdapter):
        return model
    core = sys.modules.get("llama_index.core.base.llms.base")
    if core is not None and isinstance(model, core.BaseLLM):
        from hier.summarizers.llama_index import LlamaIndexAdapter

        return LlamaIndexAdapter(model)
    if callable(model) and not isinstance(model, type):
        return FunctionAdapter(model)
    raise ModelError(
        f"{model!r} is no language model; give a LlamaIndex LLM, a function from a prompt to a "
        "reply, or load_model('PROVIDER/NAME')"
    )


class FunctionAdapter:
    """A function from a prompt to a reply, sync or async.

    Args:
        function: the function.
        called: what it is called in messages.
        error: the class of the errors that are its own.
        remedy: what it must do.
    """

    name: str | None = None
    window: int | None = None
    has_tools = False
    parameters = ""
    url = ""
    key = "its key"
    own = True

    def __init__(
        self,
        function: Callable[[str], Any],
        called: str = "the model",
        error: type[HierError] = ModelError,
        remedy: str = "it must return a text",
    ) -> None:
        self.function, self.called, self.error, self.remedy = function, called, error, remedy
        self.label = str(getattr(function, "__name__", type(function).__name__))

    def open(self, in_flight: int) -> Line:
        """Return a line to it."""
        return _FunctionLine(self, Threads(in_flight))

    def mend(self, error: Exception, request: Request) -> HierError:
        """Return the error to raise for an exception of the function."""
        size = len(prompt_of(request.messages))
        return self.error(
            f"{self.called} raised {type(error).__name__}: {error} on a text of {size} "
            f"characters; {self.remedy}"
        )

    @cached_property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine at once, without blocking."""
        call = getattr(self.function, "__call__", None)  # noqa: B004 (of an object's class)
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)


class _FunctionLine:
    def __init__(self, adapter: FunctionAdapter, threads: Threads) -> None:
        self.adapter, self.threads = adapter, threads

    async def ask(self, request: Request) -> Heard:
        adapter, prompt = self.adapter, prompt_of(request.messages)
        try:
            if adapter.is_async:
                text = await adapter.function(prompt)
            else:
                text = await self.threads.run(adapter.function, prompt)
                if inspect.isawaitable(text):  # a function that returns a coroutine
                    text = await text
        except (SystemExit, KeyboardInterrupt) as error:
            raise holdable(error) from error
        if not isinstance(text, str):
            raise adapter.error(
                f"{adapter.called} returned {type(text).__name__}; it must return a str"
            )
        if request.on_text is not None:
            request.on_text(text)
        return Heard(Reply(text.strip()))

    async def close(self) -> None:
        """Nothing is open."""


def prompt_of(messages: Sequence[Message]) -> str:
    """Return a conversation as one prompt; a single message is its text."""
    if any(message.role in ("assistant", "tool") for message in messages):
        said = (f"{message.role.capitalize()}: {message.text}" for message in messages)
        return "\n\n".join([*said, "Assistant:"])
    return "\n\n".join(message.text for message in messages)


def fingerprint(parameters: dict[str, Any]) -> str:
    """Return one short word for some parameters; nothing of them can be read in it."""
    written = json.dumps(parameters, sort_keys=True, default=repr)
    return sha256(written.encode()).hexdigest()[:12]
