"""LlamaIndex's ``LLM`` objects as language models: OpenAI's and what speaks like it, Ollama's, ...

The user's object is never changed: a copy is, so that it does not retry by itself (there is one
policy, in ``flight.py``), is as deterministic as it can be, and has connections of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms import LLM
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.tools.types import ToolMetadata

from hier.errors import HierError, ModelError
from hier.summarizers.adapters import Heard, Line, Request, fingerprint
from hier.summarizers.calls import Message, Reply, Tool, ToolCall
from hier.summarizers.failures import explain, read_failure
from hier.summarizers.flight import Threads

_LIMITS = ("max_tokens", "max_new_tokens")  # fields for the most tokens of a reply
_LIMIT_KEYS = (*_LIMITS, "max_completion_tokens", "num_predict", "temperature")
_SHAPING = ("thinking", "reasoning_effort", "top_p", "top_k", "seed", "api_version")
_OLLAMA = "Ollama_llm"
_KEYS = (("OpenAI", "OPENAI_API_KEY"), ("Anthropic", "ANTHROPIC_API_KEY"))
_STOPPED = {
    **dict.fromkeys(("length", "max_tokens", "MAX_TOKENS"), "length"),
    **dict.fromkeys(("content_filter", "refusal", "SAFETY"), "refused"),
}
_USAGE = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("prompt_eval_count", "eval_count"),
    ("prompt_token_count", "candidates_token_count"),
)


class LlamaIndexAdapter:
    """An ``LLM`` of LlamaIndex.

    Args:
        llm: the user's object.

    Raises:
        ModelError: its metadata cannot be read.
    """

    own = False

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        kind = type(llm)
        self.url = str(_first(llm, "api_base", "base_url") or "")
        classes = [parent.__name__ for parent in kind.__mro__]
        self.key = next((key for part, key in _KEYS if any(part in c for c in classes)), "its key")
        self.label = str(_first(llm, "model", "model_name") or kind.__name__)
        try:
            metadata = llm.metadata
        except Exception as error:
            failure = read_failure(error)
            about = explain(failure, self.label, self.url, self.key, None)
            raise ModelError(about) from error
        known = metadata.model_name not in ("", "unknown")
        self.name: str | None = metadata.model_name if known else None
        self.label = self.name or self.label
        self.window: int | None = metadata.context_window
        self.has_tools = metadata.is_function_calling_model and hasattr(llm, "achat_with_tools")
        more = _first(llm, "additional_kwargs") or {}
        self.kept = {name: value for name, value in more.items() if name not in _LIMIT_KEYS}
        temperature = getattr(llm, "temperature", None)
        # Some models take no other temperature than 1, and LlamaIndex sets it for those it knows.
        self._fixed = {
            "temperature": 1.0 if temperature == 1.0 else 0.0,
            "additional_kwargs": self.kept,
        }
        shaping = {name: getattr(llm, name, None) for name in _SHAPING}
        self.parameters = fingerprint({"class": classes[0], **self._fixed, **shaping})

    def open(self, in_flight: int) -> Line:
        """Return a line to it."""
        return _LlamaIndexLine(self, in_flight)

    def mend(self, error: Exception, request: Request) -> HierError:
        """Return the error to raise for an exception that is no client's."""
        said = " ".join(str(error).split())[:300]
        return ModelError(f"{self.label} raised {type(error).__name__}: {said}; mend the LLM")

    def copied(self, timeout: float) -> Any:
        """Return a copy to call, with clients of its own."""
        fields = type(self.llm).model_fields
        wanted = {
            **self._fixed,
            **dict.fromkeys(("max_retries", "num_retries"), 0),
            **dict.fromkeys(("timeout", "request_timeout"), timeout),
            "reuse_client": True,
            "context_window": self.window,
        }
        copy: Any = self.llm.model_copy(update={n: v for n, v in wanted.items() if n in fields})
        # Made here and not by each call's copy of the copy, so that all calls share connections.
        private = getattr(copy, "__pydantic_private__", None) or {}
        client: Any = private.get("_aclient")
        if client is None and hasattr(copy, "_get_aclient"):
            private["_aclient"] = copy._get_aclient()
        elif hasattr(client, "copy"):
            private["_aclient"] = client.copy(max_retries=0, timeout=timeout, **_fresh(client))
        if "_async_client" in private:  # Ollama's
            private["_async_client"] = None
            private["_async_client"] = copy.async_client
        return copy


def _fresh(client: Any) -> dict[str, Any]:
    """Return connections in place of a client's, unless the user made those.

    Its own belong to the event loop that used them first.
    """
    made = type(client._client)
    return {"http_client": made()} if made.__name__ == "AsyncHttpxClientWrapper" else {}


class _LlamaIndexLine:
    """One copy of the ``LLM``, whose clients all calls share."""

    def __init__(self, adapter: LlamaIndexAdapter, in_flight: int) -> None:
        self.adapter, self.threads = adapter, Threads(in_flight)
        self.blocks = isinstance(adapter.llm, CustomLLM)  # its async methods call the sync ones
        self.copy: Any = None
        fields = type(adapter.llm).model_fields
        self.limit = next((name for name in _LIMITS if name in fields), None)
        self.is_ollama = adapter.llm.class_name() == _OLLAMA
        modules = [parent.__module__ for parent in type(adapter.llm).__mro__]
        self.is_openai = "llama_index.llms.openai.base" in modules

    async def ask(self, request: Request) -> Heard:
        """Send a request once."""
        llm = self._limited(request)
        messages = [_message(message) for message in request.messages]
        if self.blocks:
            response = await self.threads.run(llm.chat, messages)
            if request.on_text is not None:
                request.on_text(response.message.content or "")
        elif request.on_text is None:
            response = await self._whole(llm, messages, request.tools)
        else:
            return await self._piecewise(llm, messages, request, request.on_text)
        return _heard(llm, response, [response.raw], request.tools)

    async def close(self) -> None:
        """Close the connections, unless they are the user's."""
        private = getattr(self.copy, "__pydantic_private__", None) or {}
        self.copy = None
        theirs = getattr(self.adapter.llm, "__pydantic_private__", None) or {}
        if theirs.get("_async_http_client") is not None:
            return
        client = private.get("_aclient") or private.get("_async_client")
        for holder in (client, getattr(client, "_client", None)):
            shut = getattr(holder, "aclose", None) or getattr(holder, "close", None)
            if shut is not None:
                await shut()
                return

    def _limited(self, request: Request) -> Any:
        """Return the copy, with the most tokens of this reply; clients are shared."""
        if self.copy is None:
            self.copy = self.adapter.copied(request.timeout)
        if self.is_ollama:
            more = {**self.adapter.kept, "num_predict": request.most}
            return self.copy.model_copy(update={"additional_kwargs": more})
        return self.copy.model_copy(update={self.limit: request.most} if self.limit else {})

    async def _whole(self, llm: Any, messages: list[ChatMessage], tools: Sequence[Tool]) -> Any:
        if not tools:
            return await llm.achat(messages)
        return await llm.achat_with_tools(
            [_tool(tool) for tool in tools], chat_history=messages, allow_parallel_tool_calls=True
        )

    async def _piecewise(
        self,
        llm: Any,
        messages: list[ChatMessage],
        request: Request,
        on_text: Callable[[str], None],
    ) -> Heard:
        options: dict[str, Any] = (
            {"stream_options": {"include_usage": True}} if self.is_openai else {}
        )
        if request.tools:
            stream = await llm.astream_chat_with_tools(
                [_tool(tool) for tool in request.tools],
                chat_history=messages,
                allow_parallel_tool_calls=True,
                **options,
            )
        else:
            stream = await llm.astream_chat(messages, **options)
        last, raws = None, []
        async with aclosing(stream):
            async for last in stream:
                raws.append(last.raw)
                if last.delta:
                    on_text(last.delta)
        if last is None:
            raise ValueError("the stream ended before it began")
        return _heard(llm, last, raws, request.tools)


def _heard(llm: Any, last: ChatResponse, raws: Sequence[Any], tools: Sequence[Tool]) -> Heard:
    """Return what was heard: the last response has all the text, any may tell end and tokens."""
    calls = tuple(_calls(llm, last)) if tools else ()
    finish: Any = next(filter(None, map(_finish, reversed(raws))), "stop")
    usage = next(filter(None, map(_usage, reversed(raws))), None)
    return Heard(Reply((last.message.content or "").strip(), finish, calls), usage)


def _first(thing: Any, *names: str) -> Any:
    return next((value for name in names if (value := getattr(thing, name, None))), None)


def _get(thing: Any, name: str) -> Any:
    """Return a part of a response, which may be an object or a dict."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _message(message: Message) -> ChatMessage:
    blocks: list[Any] = [TextBlock(text=message.text)] if message.text or not message.calls else []
    blocks += [
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        for call in message.calls
    ]
    more = {"tool_call_id": message.call_id} if message.role == "tool" else {}
    return ChatMessage(role=MessageRole(message.role), blocks=blocks, additional_kwargs=more)


class _Metadata(ToolMetadata):
    """A tool whose arguments are given as a JSON schema, not as a pydantic class."""

    def __init__(self, tool: Tool) -> None:
        super().__init__(description=tool.description, name=tool.name)
        self._parameters = tool.parameters

    def get_parameters_dict(self) -> dict[str, Any]:
        """Return the JSON schema."""
        properties = {name: dict(schema) for name, schema in self._parameters.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _tool(tool: Tool) -> Any:
    return SimpleNamespace(metadata=_Metadata(tool))  # all that LlamaIndex reads of a tool


def _calls(llm: Any, response: ChatResponse) -> Iterator[ToolCall]:
    """Yield the tools that were asked for; arguments that cannot be read are none."""
    try:
        found = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    except (ValueError, TypeError, AttributeError, KeyError):
        for block in response.message.blocks:
            if isinstance(block, ToolCallBlock):
                yield ToolCall(block.tool_call_id or block.tool_name, block.tool_name, {})
        return
    for call in found:
        arguments = call.tool_kwargs if isinstance(call.tool_kwargs, dict) else {}
        yield ToolCall(call.tool_id or call.tool_name, call.tool_name, dict(arguments))


def _finish(raw: Any) -> str:
    """Return how a reply ended; empty where it is not said."""
    choices = _get(raw, "choices")
    choice = choices[0] if choices else None
    if _get(_get(choice, "message"), "refusal"):
        return "refused"
    said = _get(choice, "finish_reason") or _get(raw, "stop_reason") or _get(raw, "done_reason")
    return _STOPPED.get(said, "stop") if isinstance(said, str) else ""


def _usage(raw: Any) -> tuple[int, int, int] | None:
    """Return the tokens sent, received and at hand that a response tells."""
    usage = _get(raw, "usage") or _get(raw, "usage_metadata") or raw
    for sent_name, received_name in _USAGE:
        sent, received = _get(usage, sent_name), _get(usage, received_name)
        if isinstance(sent, int) and isinstance(received, int):
            break
    else:
        return None
    read = _get(usage, "cache_read_input_tokens")
    if isinstance(read, int):  # Anthropic's, which are not among its input tokens
        stored = _get(usage, "cache_creation_input_tokens")
        return sent + read + (stored if isinstance(stored, int) else 0), received, read
    cached = _get(_get(usage, "prompt_tokens_details"), "cached_tokens")
    return sent, received, cached if isinstance(cached, int) else 0
