"""Language models: calls over real connections to a server process, counted by both sides.

What the server counted is the oracle of what the calls say; faults come in a seeded order.
"""

import asyncio
import threading
import time

import pytest
from talks import EXPAND, Talk, chat, conversation, ollama, openai, plain

import hier
from hier.summarizers.calls import Message
from hier.summarizers.language_model import LanguageModel


async def waiting(prompt: str) -> str:
    await asyncio.sleep(0.001)
    return prompt[-20:]


def custom():
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    class Custom(CustomLLM):
        @property
        def metadata(self):
            return LLMMetadata(context_window=4096, model_name="custom")

        def complete(self, prompt, formatted=False, **more):
            time.sleep(0.05)
            return CompletionResponse(text=prompt[-20:])

        def stream_complete(self, prompt, formatted=False, **more):
            yield self.complete(prompt)

    return Custom()


@pytest.fixture(params=["openai", "ollama", "sync", "async", "lambda of async", "custom"])
def model(request, model_server):
    """Everything that may be plugged in."""
    return {
        "openai": lambda: openai(model_server),
        "ollama": lambda: ollama(model_server),
        "sync": lambda: LanguageModel(plain),
        "async": lambda: LanguageModel(waiting),
        "lambda of async": lambda: LanguageModel(lambda prompt: waiting(prompt)),
        "custom": lambda: LanguageModel(custom()),
    }[request.param]()


def test_each_conversation_has_its_own_reply_and_call(model):
    talk = Talk(model)
    assert sorted(talk.replies) == list(range(20))
    assert len(talk.calls) == 20
    assert {call.outcome for call in talk.calls} == {"reply"}
    assert all(call.input > 0 and call.output > 0 and call.seconds > 0 for call in talk.calls)
    alone = model.chat(conversation(7), 60, purpose="indexing", record=talk.calls.append)
    assert alone.text == talk.replies[7]


def test_a_stream_is_the_text_in_pieces(model):
    pieces = []
    reply = chat(model, on_text=pieces.append)
    assert "".join(pieces).strip() == reply.text


def test_callbacks_run_one_at_a_time_where_the_caller_waits(model):
    threads, inside = set(), []

    def look(*arguments):
        threads.add(threading.current_thread())
        inside.append(1)
        assert len(inside) == 1
        time.sleep(0.0005)
        inside.pop()
        return ""

    model.chat_all(
        [conversation(i) for i in range(20)],
        60, purpose="indexing", record=look, fault=look, done=look,
    )  # fmt: skip
    assert threads == {threading.current_thread()}


def test_it_works_where_a_loop_runs_already(model):
    async def notebook():
        return chat(model).text

    assert asyncio.run(notebook()) == chat(model).text


@pytest.mark.parametrize("make", [openai, ollama])
def test_tokens_are_those_that_the_server_counted(make, model_server):
    model_server.configure(cached=5)
    talk = Talk(make(model_server))
    chat(make(model_server), talk.calls.append, on_text=lambda text: None)
    stats = model_server.stats()
    assert all(call.told for call in talk.calls)
    assert (talk.told("input"), talk.told("output")) == (stats["input"], stats["output"])
    assert talk.told("cached") == (21 * 5 if make is openai else 0)
    assert len(talk.calls) == stats["calls"]


def test_replies_of_real_inference_are_counted_alike(real_model_server):
    real_model_server.configure()
    model = openai(real_model_server, in_flight=4)
    talk = Talk(model, 6)
    pieces = []
    short = model.chat(
        conversation(1), 5, purpose="indexing", record=talk.calls.append, on_text=pieces.append
    )
    assert short.finish == "length"
    assert "".join(pieces).strip() == short.text
    assert len(set(talk.replies.values())) > 1
    stats = real_model_server.stats()
    assert (talk.told("input"), talk.told("output")) == (stats["input"], stats["output"])
    long = (Message("user", "lamp " * 3000),)
    with pytest.raises(hier.ModelError, match="window"):
        model.chat(long, 60, purpose="indexing", record=talk.calls.append)


@pytest.mark.parametrize("make", [openai, ollama])
def test_never_more_in_flight_than_the_bound(make, model_server):
    model_server.configure(delay=0.01)
    Talk(make(model_server, in_flight=5), 40)
    assert model_server.stats()["most_in_flight"] == 5


@pytest.mark.parametrize("kind", [plain, custom])
def test_blocking_models_run_side_by_side_within_the_bound(kind):
    inside, most = [], []

    def counted(prompt):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return "words"

    if kind is custom:
        llm = custom()
        object.__setattr__(llm, "messages_to_prompt", lambda messages: counted(""))
        model = LanguageModel(llm, in_flight=4)
    else:
        model = LanguageModel(counted, in_flight=4)
    Talk(model, 24)
    assert max(most) == 4


@pytest.mark.parametrize("function", ["sync", "async"])
def test_five_hundred_short_calls_take_little_longer_than_they_must(function):
    def sync(prompt):
        time.sleep(0.05)
        return "words"

    async def quick(prompt):
        await asyncio.sleep(0.05)
        return "words"

    model = LanguageModel(sync if function == "sync" else quick, in_flight=16)
    ideal = 0.05 * -(-500 // 16)
    # What else the machine does is not asked about: one try of three has to do.
    assert any(Talk(model, 500).seconds <= 1.3 * ideal for _ in range(3))


# Tools


@pytest.mark.parametrize("make", [openai, ollama])
@pytest.mark.parametrize("streams", [False, True])
def test_tools_are_asked_for_and_answered(make, streams, model_server):
    two = [{"name": "expand", "arguments": {"node_id": i}} for i in (3, 4)]
    model_server.configure(replies=[{"text": "", "calls": two}, "Done."])
    model, more = make(model_server), {"on_text": lambda text: None} if streams else {}
    assert model.has_tools
    asked = chat(model, tools=[EXPAND], **more)
    assert [(call.name, call.arguments) for call in asked.calls] == [
        ("expand", {"node_id": 3}),
        ("expand", {"node_id": 4}),
    ]
    messages = [*conversation(), Message("assistant", asked.text, asked.calls)]
    messages += [Message("tool", f"node {call.arguments}", (), call.id) for call in asked.calls]
    last = model.chat(
        messages, 60, purpose="answering", record=lambda call: None, tools=[EXPAND], **more
    )
    assert (last.text, last.calls) == ("Done.", ())
    first, second = model_server.requests()
    (tool,) = first["tools"]
    assert tool["function"]["name"] == "expand"
    assert tool["function"]["parameters"]["required"] == ["node_id"]
    *_, calling, one, other = second["messages"]
    assert len(calling["tool_calls"]) == 2
    assert [one["role"], other["role"]] == ["tool", "tool"]
    if make is openai:
        assert [one["tool_call_id"], other["tool_call_id"]] == [
            c["id"] for c in calling["tool_calls"]
        ]


@pytest.mark.parametrize("arguments", ["{broken", "[1, 2]", "3", "", "null"])
def test_arguments_that_cannot_be_read_are_none(arguments, model_server):
    model_server.configure(replies=[{"calls": [{"name": "expand", "arguments": arguments}]}])
    (call,) = chat(openai(model_server), tools=[EXPAND]).calls
    assert (call.name, call.arguments) == ("expand", {})
