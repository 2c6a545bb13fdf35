"""Conversations that are remembered: the same comes out whatever was forgotten."""

import threading

import pytest
from dialogues import SENTENCES, tokens_of

import hier
from hier.messages.memory import Memory
from hier.messages.settings import Settings
from hier.messages.turns import requests

BUDGET = 400
SETTINGS = Settings(BUDGET, "o200k_base")


def talk(number, turns=4):
    """A conversation about a part of the sentences that no other is about."""
    messages = []
    for turn in range(turns):
        place = (7 * number + 3 * turn) % 100
        report = "\n\n".join(" ".join(SENTENCES[n : n + 5]) for n in range(place, place + 20, 5))
        asked = f"{report}\n\nWhat is in room {place // 3}?"
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": SENTENCES[place]})
    return messages[:-1]


@pytest.mark.parametrize("most", [0, 3000, 10**9])
def test_what_is_forgotten_changes_nothing(most):
    memory = Memory(SETTINGS, most)
    talks = [talk(number) for number in range(2)]
    for end in requests(talks[0]):
        for messages in talks:
            found = memory.compress(messages[:end])
            assert found == hier.compress_messages(messages[:end], BUDGET)
            assert found.tokens == tokens_of(found.messages) <= BUDGET
    assert memory.compress(talks[1]) == hier.compress_messages(talks[1], BUDGET)


def test_what_is_remembered_ends():
    memory = Memory(SETTINGS, most=12_000)
    for number in range(8):
        memory.compress(talk(number))
    assert 0 < memory.characters <= 12_000


def test_another_conversation_with_the_same_end_is_another():
    memory = Memory(SETTINGS)
    first, other = talk(0), talk(0)
    other[0] = {**other[0], "name": "Ada"}
    found = memory.compress(first), memory.compress(other)
    assert found[0].messages[0] != found[1].messages[0]
    assert found[1] == hier.compress_messages(other, BUDGET)


def test_threads_may_share_it():
    memory, found = Memory(SETTINGS), {}
    talks = [talk(number, 3) for number in range(4)]

    def ask(number):
        found[number] = [memory.compress(talks[number][:end]) for end in requests(talks[number])]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, results in found.items():
        assert results[-1] == hier.compress_messages(talks[number], BUDGET)
    assert len(found) == 4
