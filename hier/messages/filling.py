"""Filling: messages whose texts are compressed to a target, counted as they will be sent.

What a message must keep stands in it as it came; its other texts share what is left. Short texts of
late are what a conversation lives on: the newest are kept whole, as long as they take no more than
a quarter of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hier.messages.choosing import MARK, Choice, Text
from hier.messages.counting import MessageCounter
from hier.messages.question import Question
from hier.messages.reading import GUIDING, Message, Part, texts_of, with_texts
from hier.messages.trees import Trees
from hier.messages.turns import ages

SHORT = 128  # most tokens of a text that is kept whole for being new
SHORT_SHARE = 4  # all of them take at most one in so many tokens of the room


@dataclass(frozen=True)
class Slot:
    """A text that may be compressed: some characters of a message.

    Attributes:
        index: the message.
        part: which part of its content; None where the content is a text.
        start: the first character.
        end: the character behind the last.
        text: the characters.
        tokens: of the text.
    """

    index: int
    part: Part
    start: int
    end: int
    text: str
    tokens: int


@dataclass(frozen=True)
class Filled:
    """Some messages as they are sent, and their tokens."""

    messages: tuple[Message, ...]
    tokens: int


@dataclass(frozen=True)
class Filling:
    """The messages of a conversation, with a question.

    Attributes:
        came: the messages, as far as the request goes.
        question: what they ask.
        counter: counts messages.
        trees: texts that were read.
    """

    came: Sequence[Message]
    question: Question
    counter: MessageCounter
    trees: Trees

    def bare(self, indices: Sequence[int]) -> Filled:
        """Return messages all of whose texts are marks."""
        slots = self._slots(indices)
        return self._filled(indices, dict.fromkeys(slots, MARK))

    def fill(self, indices: Sequence[int], target: int) -> Filled:
        """Return messages whose texts are compressed.

        Args:
            indices: which messages.
            target: most tokens of all of them; what is bare may exceed it.
        """
        slots = self._slots(indices)
        best = self._filled(indices, dict.fromkeys(slots, MARK))
        kept = _newest(slots, (target - best.tokens) // SHORT_SHARE)
        rest = [slot for slot in slots if slot not in kept]
        whole = {slot: slot.text for slot in kept}
        least = self._filled(indices, whole | dict.fromkeys(rest, MARK))
        if least.tokens > target:  # a tokenizer may count less for a mark than for none
            return best
        room = target - least.tokens + len(rest)
        if not rest:
            return least
        age = ages(self.came)
        texts = [
            Text(self.trees.read(slot.text), self._title(slot), age[slot.index]) for slot in rest
        ]
        choice = Choice(texts, self.question.queries, max(room, 1))
        while room > len(rest):
            shown = dict(zip(rest, choice.within(room), strict=True))
            found = self._filled(indices, whole | shown)
            if found.tokens <= target:
                return found
            room -= found.tokens - target  # the edges of texts may have tokens of their own
        return least

    def _slots(self, indices: Sequence[int]) -> list[Slot]:
        """Return the texts of some messages that may be compressed."""
        count = self.counter.tokenizer.count
        mark = count(MARK)
        slots = []
        for index in indices:
            message = self.came[index]
            if message["role"] in GUIDING:
                continue
            for part, text in texts_of(message):
                start, end = 0, len(text)
                if index == self.question.index:
                    start, end = self.question.bodies.get(part, (0, 0))
                body = text[start:end]
                if not body.isspace() and (tokens := count(body)) > mark:
                    slots.append(Slot(index, part, start, end, body, tokens))
        return slots

    def _filled(self, indices: Sequence[int], shown: Mapping[Slot, str]) -> Filled:
        """Return messages with their texts as they are shown."""
        texts: dict[int, dict[Part, str]] = {}
        for slot, said in shown.items():
            whole = dict(texts_of(self.came[slot.index]))[slot.part]
            texts.setdefault(slot.index, {})[slot.part] = (
                whole[: slot.start] + said + whole[slot.end :]
            )
        messages = tuple(with_texts(self.came[i], texts.get(i, {})) for i in indices)
        return Filled(messages, sum(map(self.counter.message, messages)))

    def _title(self, slot: Slot) -> str:
        message = self.came[slot.index]
        return f"{message.get('name') or message['role']} {slot.index}"


def _newest(slots: Sequence[Slot], most: int) -> set[Slot]:
    """Return the short texts that are kept whole for being new."""
    found: set[Slot] = set()
    for slot in reversed(slots):
        if slot.tokens > SHORT:
            continue
        most -= slot.tokens
        if most < 0:
            break
        found.add(slot)
    return found
