"""Language models by name: ``"ollama/llama3.2"``, ``"openai/gpt-4o-mini"``, ``"anthropic/..."``.

A name says who serves the model and what it is called there; LlamaIndex makes the client.
"""

import os
from collections.abc import Callable
from typing import Any

from hier.errors import MissingExtraError, ModelError

DEFAULT_WINDOW = 8192
"""Tokens of a window where neither the user nor LlamaIndex knows better."""

_EXTRA = "hier-context[llm]"
# LlamaIndex's package allows clients later than it can use.
_ANTHROPIC = "llama-index-llms-anthropic' 'anthropic<1"
_OPENAI_URL = "https://api.openai.com/v1"
_OLLAMA_URL = "http://localhost:11434"


def load_model(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    window: int | None = None,
) -> Any:
    """Return the LlamaIndex ``LLM`` of a name; nothing is sent.

    Args:
        name: ``"openai/NAME"``, ``"ollama/NAME"`` or ``"anthropic/NAME"``. With ``base_url``,
            ``openai`` is any server that speaks its protocol, such as vLLM.
        base_url: where the server is; None: the provider's own, for Ollama this machine.
        api_key: the key; None: ``OPENAI_API_KEY`` or ``ANTHROPIC_API_KEY``.
        window: tokens that the model reads and writes together.

    Raises:
        ModelError: the provider is not known, or it wants a key and there is none.
        MissingExtraError: LlamaIndex's package for the provider is not installed.
    """
    provider, _, model = name.partition("/")
    load = _PROVIDERS.get(provider)
    if load is None or not model:
        known = ", ".join(f"{provider}/NAME" for provider in _PROVIDERS)
        raise ModelError(f"unknown model {name!r}; known are {known}")
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise ModelError(f"base_url {base_url!r} is no address; it begins with http:// or https://")
    return load(model, base_url, api_key, window)


def _openai(model: str, base_url: str | None, api_key: str | None, window: int | None) -> Any:
    try:
        from llama_index.llms.openai import OpenAI
        from llama_index.llms.openai_like import OpenAILike
    except ImportError as error:
        raise _missing("openai-like", "models that speak OpenAI's protocol", _EXTRA) from error
    key = api_key or os.environ.get("OPENAI_API_KEY")
    if base_url is None:
        key = _needed(key, "OpenAI", "OPENAI_API_KEY", ", or base_url for a server of your own")
        if window is None:
            llm = OpenAI(model=model, api_key=key, temperature=0.0)
            try:
                llm.metadata  # noqa: B018 (it raises for a model newer than LlamaIndex)
            except ValueError:
                pass
            else:
                return llm
    return OpenAILike(
        model=model,
        api_base=base_url or _OPENAI_URL,
        api_key=key or "none",  # the client wants one, a server of one's own mostly does not
        context_window=window or DEFAULT_WINDOW,
        is_chat_model=True,
        is_function_calling_model=True,
        temperature=0.0,
    )


def _ollama(model: str, base_url: str | None, api_key: str | None, window: int | None) -> Any:
    try:
        from llama_index.llms.ollama import Ollama
    except ImportError as error:
        raise _missing("ollama", "models of Ollama", _EXTRA) from error
    return Ollama(
        model=model,
        base_url=base_url or _OLLAMA_URL,
        temperature=0.0,
        # Also what Ollama keeps memory for: all that a model can read is often too much for it.
        context_window=window or DEFAULT_WINDOW,
        headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
    )


def _anthropic(model: str, base_url: str | None, api_key: str | None, window: int | None) -> Any:
    try:
        from llama_index.llms.anthropic import Anthropic
    except ImportError as error:
        raise _missing("anthropic", "models of Anthropic", _ANTHROPIC) from error
    key = _needed(
        api_key or os.environ.get("ANTHROPIC_API_KEY"), "Anthropic", "ANTHROPIC_API_KEY", ""
    )
    return Anthropic(model=model, base_url=base_url, api_key=key, temperature=0.0)


_PROVIDERS: dict[str, Callable[[str, str | None, str | None, int | None], Any]] = {
    "openai": _openai,
    "ollama": _ollama,
    "anthropic": _anthropic,
}


def _needed(key: str | None, provider: str, variable: str, more: str) -> str:
    if not key:
        raise ModelError(
            f"{provider} wants a key, and there is none; set {variable} or give api_key{more}"
        )
    return key


def _missing(package: str, purpose: str, install: str) -> MissingExtraError:
    return MissingExtraError(f"llama-index-llms-{package}", purpose, install)
