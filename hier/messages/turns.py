"""Turns: where requests were sent in a conversation, and what of it can be left out together.

Every assistant message is the reply to a request, and what stands before it is what was sent; so a
conversation tells of itself which requests led to it.
"""

from collections.abc import Sequence

from hier.messages.reading import GUIDING, Message


def requests(messages: Sequence[Message]) -> list[int]:
    """Return how many messages each request sent, ascending; the last sends all of them."""
    ends = [
        index
        for index in range(1, len(messages))
        if messages[index]["role"] == "assistant" and messages[index - 1]["role"] != "assistant"
    ]
    return [*ends, len(messages)]


def ages(messages: Sequence[Message]) -> list[int]:
    """Return for each message how many replies came behind it; 0 for what is new."""
    found, age = [], 0
    for message in reversed(messages):
        age += message["role"] == "assistant"
        found.append(age)
    return found[::-1]


def parts(messages: Sequence[Message], question: int) -> list[list[int]]:
    """Return what can be left out of a conversation and leave it valid, oldest first.

    That is a turn, from what a user says to what is said before the next; and in the turn of the
    question a round: calls of tools with their results. What guides the model, the question and
    the last round stay.

    Args:
        messages: the conversation.
        question: the message that asks; -1 for none.
    """
    found: list[list[int]] = []
    for index, message in enumerate(messages):
        role = message["role"]
        if role in GUIDING or index == question:
            continue
        opens = role == "user" if index < question else _begins_round(messages, index)
        crosses = bool(found) and found[-1][-1] < question < index
        if opens or not found or crosses:
            found.append([])
        found[-1].append(index)
        while role == "tool" and len(found) > 1 and not _called(messages, found[-1], message):
            found[-2:] = [found[-2] + found[-1]]
    last_stays = bool(found) and found[-1][-1] > question
    return found[:-1] if last_stays else found


def _begins_round(messages: Sequence[Message], index: int) -> bool:
    """Say whether an assistant speaks, and did not just before."""
    before = messages[index - 1]["role"] if index else ""
    return messages[index]["role"] == "assistant" and before != "assistant"


def _called(messages: Sequence[Message], indices: Sequence[int], result: Message) -> bool:
    """Say whether the call that a result answers is in one of some messages."""
    calls = [call for index in indices for call in messages[index].get("tool_calls") or ()]
    return any(call["id"] == result["tool_call_id"] for call in calls)
