"""LangChain's messages, compressed as a conversation: what came goes out, with shorter texts."""

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
)
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_host import Recorder

import hier
from hier.errors import BudgetError, InputError
from hier.integrations.langchain import compress_messages

QUESTION = "What does the with statement do when an exception is raised?"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
CACHED = {"cache_control": {"type": "ephemeral"}}


@pytest.fixture(scope="module")
def agent(long_text: str) -> list[BaseMessage]:
    """An agent's history, with all that LangChain hangs on its messages."""
    call = {"name": "look", "args": {"page": 3}, "id": "call-1", "type": "tool_call"}
    return [
        SystemMessage("You answer from the manual.", id="system"),
        HumanMessage(f"Here is a part of it.\n\n{long_text[:6_000]}", id="first", name="ann"),
        AIMessage(
            long_text[40_000:44_000],
            id="reply",
            response_metadata={"model_name": "some-model"},
            usage_metadata={"input_tokens": 9, "output_tokens": 5, "total_tokens": 14},
        ),
        HumanMessage("And what of exceptions?", id="second"),
        AIMessage("", id="calling", tool_calls=[call]),
        ToolMessage(long_text[20_000:28_000], tool_call_id="call-1", id="tool", artifact=[1]),
        HumanMessage(QUESTION, id="question"),
    ]


def rest(message: BaseMessage) -> dict[str, Any]:
    return {name: value for name, value in message if name != "content"}


@pytest.mark.parametrize("budget", [150, 600, 2000])
def test_it_is_the_plain_conversation_with_the_objects_that_came(
    agent: list[BaseMessage], budget: int
) -> None:
    shown = compress_messages(agent, budget=budget)
    plain = hier.compress_messages(convert_to_openai_messages(agent), budget)
    assert [message.content for message in shown] == [m["content"] for m in plain.messages]
    assert convert_to_openai_messages(shown) == plain.messages
    assert plain.tokens <= budget
    for message, index in zip(shown, plain.indices, strict=True):
        came = agent[index]
        assert type(message) is type(came)
        assert rest(message) == rest(came)
        assert (message is came) == (message.content == came.content)
    assert shown[-1] is agent[-1]
    assert shown[0] is agent[0]


def test_what_fits_is_what_came(agent: list[BaseMessage]) -> None:
    shown = compress_messages(agent, budget=100_000)
    assert all(message is came for message, came in zip(shown, agent, strict=True))


def test_blocks_keep_all_but_their_text(long_text: str) -> None:
    use = {"type": "tool_use", "id": "call-1", "name": "look", "input": {}}
    call = {"name": "look", "args": {}, "id": "call-1", "type": "tool_call"}
    pasted = {"type": "text", "text": long_text[:9_000], **CACHED}
    messages = [
        HumanMessage([pasted, IMAGE, "What of assert?"]),
        AIMessage([{"type": "text", "text": long_text[9_000:15_000]}, use], tool_calls=[call]),
        ToolMessage([{"type": "text", "text": long_text[20_000:28_000]}], tool_call_id="call-1"),
        HumanMessage(QUESTION),
    ]
    shown = compress_messages(messages, budget=700)
    assert [type(message) for message in shown] == [type(message) for message in messages]
    text, image, question = shown[0].content
    assert text == {**pasted, "text": text["text"]}
    assert len(text["text"]) < len(pasted["text"])
    assert (image, question) == (IMAGE, "What of assert?")
    assert shown[1].content[1] == use
    assert shown[1].tool_calls == messages[1].tool_calls
    assert len(shown[2].content[0]["text"]) < 8_000
    assert messages[0].content[0] is not text, "what was given is not changed"
    assert pasted["text"] == long_text[:9_000]


def test_a_step_between_a_prompt_and_a_model(agent: list[BaseMessage]) -> None:
    model = Recorder(prompts=[])
    prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{question}")])
    chain = prompt | compress_messages(budget=500) | model
    asked = {"history": agent[:-1], "question": QUESTION}
    assert chain.invoke(asked).content == "an answer"
    asyncio.run(chain.abatch([asked, asked]))
    wanted = compress_messages([*agent[:-1], HumanMessage(QUESTION)], budget=500)
    sent = [[(m.type, m.content) for m in messages] for messages in model.prompts]
    assert sent == [[(m.type, m.content) for m in wanted]] * 3
    again = hier.compress_messages(convert_to_openai_messages(model.prompts[0]), 500)
    assert (again.saved, again.changes) == (0, ())


def test_whatever_langchain_takes_for_messages(long_text: str) -> None:
    told = [("system", "Be brief."), {"role": "user", "content": long_text[:9_000]}]
    step = compress_messages(budget=300)
    shown = step.invoke([*told, ("ai", "I see."), QUESTION])
    assert [message.type for message in shown][-1] == "human"
    assert shown[-1].content == QUESTION
    assert sum(len(str(message.content)) for message in shown) < 3_000


def test_the_loop_goes_on_while_messages_are_compressed(agent: list[BaseMessage]) -> None:
    released = threading.Event()

    def slow(text: str) -> int:
        assert released.wait(20), "nothing else ran on the loop"
        return len(text.split())

    async def both() -> list[BaseMessage]:
        step = compress_messages(budget=300, tokenizer=slow)
        task = asyncio.create_task(step.ainvoke(agent))
        await asyncio.sleep(0.01)
        released.set()
        return await task

    assert asyncio.run(both())[-1] is agent[-1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("hello", "messages of type str are no conversation"),
        (HumanMessage("hello"), "messages of type HumanMessage are no conversation"),
        ([HumanMessage("hello"), 7], "these are no messages of LangChain"),
        ([{"text": "hello"}], "these are no messages of LangChain"),
        ([], "the list of messages is empty"),
        ([RemoveMessage(id="3")], r"message 0 \(RemoveMessage\) cannot be read"),
        ([ToolMessage("42", tool_call_id="7")], "answers the tool call '7'"),
        ([HumanMessage([{"type": "hologram"}])], "a part of type 'hologram'"),
        (
            [HumanMessage([{"type": "tool_result", "tool_use_id": "7", "content": "42"}])],
            r"message 0 \(HumanMessage\) cannot be read: .* pass a ToolMessage",
        ),
        (
            [HumanMessage([{"type": "tool_use", "id": "7", "name": "look", "input": {}}])],
            r"message 0 \(HumanMessage\) cannot be read",
        ),
    ],
)
def test_what_is_no_conversation_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        compress_messages(given, budget=50)
    assert "\n" not in str(raised.value)


def test_a_budget_that_cannot_be_kept_is_an_error(agent: list[BaseMessage]) -> None:
    with pytest.raises(BudgetError, match="budget 10 is below the least"):
        compress_messages(agent, budget=10)
    with pytest.raises(BudgetError, match="budget 0"):
        compress_messages(agent, budget=0)
