"""Filling: messages whose texts are compressed to a target, counted as they will be sent.

What a message must keep stands in it as it came; its other texts share what is left. Short texts of
late are what a conversation lives on: the newest are kept whole, as far as there is room for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hier.messages.choosing import NOTHING, Choice, Shown, Spans, Text
from hier.messages.counting import MessageCounter
from hier.messages.question import Question
from hier.messages.reading import GUIDING, Message, Part, texts_of, with_texts
from hier.messages.trees import Trees
from hier.messages.turns import ages

SHORT = 128  # most tokens of a text that is kept whole for being new
NEAR = 16  # messages whose short texts are read as one


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


Cut = Mapping[tuple[int, Part], Spans]
"""Of texts that are not whole, by message and part: the characters that are shown."""


@dataclass(frozen=True)
class Filled:
    """Some messages as they are sent.

    Attributes:
        messages: the messages.
        tokens: of all of them.
        cut: what is shown of their texts that are not whole.
    """

    messages: tuple[Message, ...]
    tokens: int
    cut: Cut


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
        return self._filled(indices, dict.fromkeys(self._slots(indices), NOTHING))

    def short(self, indices: Sequence[int]) -> int:
        """Return the tokens of the short texts of some messages."""
        return sum(slot.tokens for slot in self._slots(indices) if slot.tokens <= SHORT)

    def fill(self, indices: Sequence[int], target: int, short: int) -> Filled:
        """Return messages whose texts are compressed.

        Args:
            indices: which messages.
            target: most tokens of all of them; what is bare may exceed it.
            short: most tokens of short texts that are kept whole, the newest.
        """
        slots = self._slots(indices)
        bare = self._filled(indices, dict.fromkeys(slots, NOTHING))
        kept = _newest(slots, short)
        rest = [slot for slot in slots if slot not in kept]
        least = self._filled(indices, dict.fromkeys(rest, NOTHING))
        if least.tokens > target:  # where texts are put together, some tokenizers find more
            return bare
        room = target - least.tokens + len(rest)
        choice = self._choice(rest, room) if rest else None
        while choice is not None and room > len(rest):
            found = self._filled(indices, dict(zip(rest, choice.within(room), strict=True)))
            if found.tokens <= target:
                return found
            room -= found.tokens - target
        return least

    def relevance(self, indices: Sequence[int], cut: Cut) -> float:
        """Return how much of all that is relevant to the question some messages show, 0 to 1.

        Args:
            indices: which messages are sent.
            cut: what they show of texts that are not whole.
        """
        slots, choice = self._all
        sent, shown = set(indices), []
        for slot in slots:
            spans = cut.get((slot.index, slot.part), ((slot.start, slot.end),))
            inside = [
                (max(start, slot.start) - slot.start, min(end, slot.end) - slot.start)
                for start, end in spans
            ]
            shown.append([span for span in inside if span[0] < span[1] and slot.index in sent])
        return 1.0 if choice is None else choice.relevance(shown)

    @cached_property
    def _all(self) -> tuple[list[Slot], Choice | None]:
        """All texts that may be compressed, to be compared."""
        slots = self._slots(range(len(self.came)))
        return slots, self._choice(slots, 1) if slots else None

    def _choice(self, slots: Sequence[Slot], room: int) -> Choice:
        texts = [text for group in _groups(slots) for text in self._read(group)]
        return Choice(texts, self.question.queries, self.trees.lexicon, room)

    def _read(self, group: Sequence[Slot]) -> list[Text]:
        """Read texts: as one where there are several, and they stand apart in it."""
        title = self._title(group[0])
        age = ages(self.came)[group[-1].index]
        members = tuple(slot.text for slot in group)
        if len(group) == 1:
            return [Text(self.trees.read(members[0]), members, (0,), title, age)]
        if (together := self.trees.read_together(members)) is not None:
            return [Text(together[0], members, together[1], title, age)]
        return [text for slot in group for text in self._read([slot])]

    def _slots(self, indices: Sequence[int]) -> list[Slot]:
        """Return the texts of some messages that may be compressed."""
        count = self.counter.tokenizer.count
        mark = count(NOTHING.text)
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

    def _filled(self, indices: Sequence[int], shown: Mapping[Slot, Shown]) -> Filled:
        """Return messages, some of their texts as they are shown, all others whole."""
        texts: dict[int, dict[Part, str]] = {}
        cut: dict[tuple[int, Part], Spans] = {}
        for slot, one in shown.items():
            whole = dict(texts_of(self.came[slot.index]))[slot.part]
            said = whole[: slot.start] + one.text + whole[slot.end :]
            if said == whole:
                continue
            texts.setdefault(slot.index, {})[slot.part] = said
            inside = ((slot.start + start, slot.start + end) for start, end in one.spans)
            around = ((0, slot.start), *inside, (slot.end, len(whole)))
            cut[slot.index, slot.part] = tuple(span for span in around if span[0] < span[1])
        messages = tuple(with_texts(self.came[i], texts.get(i, {})) for i in indices)
        return Filled(messages, sum(map(self.counter.message, messages)), cut)

    def _title(self, slot: Slot) -> str:
        message = self.came[slot.index]
        return f"{message.get('name') or message['role']} {slot.index}"


def _groups(slots: Sequence[Slot]) -> list[list[Slot]]:
    """Return texts that are read as one: a long one alone, short ones with those near them.

    Which these are depends on where they stand, so that they are the same from call to call.
    """
    groups: list[list[Slot]] = []
    for slot in slots:
        last = groups[-1][-1] if groups else None
        if (
            last is None
            or max(slot.tokens, last.tokens) > SHORT
            or slot.index // NEAR != last.index // NEAR
        ):
            groups.append([])
        groups[-1].append(slot)
    return groups


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
