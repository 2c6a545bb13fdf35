"""Models by name: the right client with the right settings, or an error that says what to do."""

import importlib.util

import pytest

import hier
from hier.summarizers.calls import Message
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import DEFAULT_WINDOW, load_model


def ask(llm) -> str:
    said = [Message("user", "One lamp. Two lamps. Three lamps.")]
    return LanguageModel(llm).chat(said, 40, purpose="answering", record=lambda call: None).text


@pytest.mark.parametrize("window", [None, 2000])
def test_a_server_that_speaks_openais_protocol(window, model_server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    llm = load_model("openai/test-model", base_url=model_server.url, window=window)
    model = LanguageModel(llm)
    assert (model.name, model.window) == ("test-model", window or DEFAULT_WINDOW)
    assert model.has_tools
    assert ask(llm) == "One lamp. Two lamps."


def test_the_key_is_read_from_the_environment(model_server, monkeypatch):
    model_server.configure(key="from the environment")
    monkeypatch.setenv("OPENAI_API_KEY", "from the environment")
    assert ask(load_model("openai/test-model", base_url=model_server.url))
    with pytest.raises(hier.ModelError, match="refused the key"):
        ask(load_model("openai/test-model", base_url=model_server.url, api_key="given"))


@pytest.mark.parametrize("window", [None, 2000])
def test_ollama_keeps_memory_for_the_window(window, model_server):
    llm = load_model("ollama/test-model", base_url=model_server.base, window=window)
    assert ask(llm) == "One lamp. Two lamps."
    (request,) = model_server.requests()
    options = {"temperature": 0.0, "num_ctx": window or DEFAULT_WINDOW, "num_predict": 40}
    assert request["options"] == options


def test_an_ollama_model_may_tell_its_window_itself(model_server):
    from llama_index.llms.ollama import Ollama

    model_server.configure(window=5000)
    llm = Ollama(model="test-model", base_url=model_server.base)
    assert LanguageModel(llm).window == 5000
    other = Ollama(model="other-model", base_url=model_server.base)
    with pytest.raises(hier.ModelError, match=r"other-model at http.* is not there"):
        LanguageModel(other)
    for mine in (llm, other):
        mine.client._client.close()


def test_openai_itself(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    model = LanguageModel(load_model("openai/gpt-4o-mini"))
    assert (model.name, model.window, model.has_tools) == ("gpt-4o-mini", 128_000, True)
    assert LanguageModel(load_model("openai/gpt-4o-mini", window=4000)).window == 4000
    newer = LanguageModel(load_model("openai/gpt-of-next-year"))
    assert (newer.name, newer.window) == ("gpt-of-next-year", DEFAULT_WINDOW)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "openai/", "", "other/model", "/model"])
def test_an_unknown_provider_lists_those_known(name):
    known = "known are openai/NAME, ollama/NAME, anthropic/NAME"
    with pytest.raises(hier.ModelError, match=f"unknown model '{name}'; {known}"):
        load_model(name)


def test_no_key_says_where_it_is_read_from(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(hier.ModelError, match="set OPENAI_API_KEY or give api_key, or base_url"):
        load_model("openai/gpt-4o-mini")


def test_an_address_that_is_none():
    with pytest.raises(hier.ModelError, match="base_url 'localhost:11434' is no address"):
        load_model("ollama/llama3.2", base_url="localhost:11434")


@pytest.mark.skipif(
    importlib.util.find_spec("llama_index.llms.anthropic") is not None, reason="it is installed"
)
def test_a_missing_package_is_an_error_with_the_remedy():
    with pytest.raises(hier.MissingExtraError, match="pip install 'llama-index-llms-anthropic'"):
        load_model("anthropic/claude-sonnet-4-0", api_key="a key")
