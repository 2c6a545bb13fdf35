"""The purse: one budget of tokens for every call of a conversation, sent and received.

What a call will take is counted before it is made, by the tree's tokenizer; a call that the rest of
the budget might not cover is not made. Where the server counts more than the tokenizer does, what
is left is reckoned from the server's numbers, and the next call is expected to differ as much.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from hier.errors import BudgetError
from hier.ledger import Ledger
from hier.summarizers.calls import Call, Message, Purpose, Record, Reply, Tool

MESSAGE = 8
"""Tokens that a message takes beside its text: its role, and the marks a server puts around it."""
PRIMING = 8
"""Tokens that a call takes beside its messages: the opening of the reply."""
_HEARD = ("reply", "cache", "empty", "refused")  # outcomes of a call that is not tried again


class Chat(Protocol):
    """A model that is asked; ``hier.summarizers.language_model.LanguageModel`` is one."""

    name: str | None
    window: int | None
    has_tools: bool

    def chat(
        self,
        messages: Sequence[Message],
        most: int,
        *,
        purpose: Purpose,
        record: Record,
        tools: Sequence[Tool] = (),
        on_text: Callable[[str], None] | None = None,
        again: int = 2,
    ) -> Reply:
        """Answer a conversation in ``most`` tokens; what it takes is recorded.

        A reply that is empty is asked for ``again`` so many times.
        """
        ...


class Purse:
    """A budget, and what is left of it.

    Args:
        budget: most tokens of all calls together.
        count: the tree's tokenizer.
        model: what is asked.
        ledger: where calls are written down.
        shared: another ledger that they are written down in too.
        sample: some of the text, by which the model's own way to count is compared with ours.
    """

    def __init__(
        self,
        budget: int,
        count: Callable[[str], int],
        model: Chat,
        ledger: Ledger,
        shared: Ledger | None = None,
        sample: str = "",
    ) -> None:
        """Begin with nothing spent."""
        self.budget, self.left, self.calls = budget, budget, 0
        self.ratio = 1.0  # tokens of the server for one of ours, as far as is known
        self.last_output = 0  # tokens of the last reply
        self.ledger, self.window = ledger, model.window
        if self.window is not None and sample and hasattr(model, "count"):
            # The model refuses what it counts as too long itself.
            self.window = int(self.window / max(1.0, model.count(sample) / max(count(sample), 1)))
        self._count, self._model, self._ledgers = count, model, [ledger]
        if shared is not None and shared is not ledger:
            self._ledgers.append(shared)

    @property
    def spent(self) -> int:
        """Tokens that were spent; more than the budget only if the model exceeded its limit."""
        return self.budget - self.left

    def price(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Return the tokens that a call's input is expected to take."""
        return self.scaled(count_messages(self._count, messages, tools))

    def scaled(self, tokens: int) -> int:
        """Return the server's tokens for some of ours."""
        return math.ceil(tokens * self.ratio)

    def room(self, price: int) -> int:
        """Return the most tokens that a call of that price may be answered in."""
        return (self.left if self.window is None else min(self.left, self.window)) - price

    def call(
        self,
        messages: Sequence[Message],
        most: int,
        purpose: Callable[[Reply], Purpose],
        tools: Sequence[Tool] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        """Make a call, and pay for it.

        Args:
            messages: the conversation.
            most: most tokens of the reply; with the price of the messages at most what is left.
            purpose: what the call turned out to be for.
            tools: what the model may call.
            on_text: takes the reply's text as it comes.

        Raises:
            ModelError: the model is unknown, unreachable or misbehaves.
        """
        counted = count_messages(self._count, messages, tools)
        made: list[Call] = []
        reply = None
        self.calls += 1

        def record(call: Call) -> None:
            made.append(call)
            lost = sum(one.input + one.output for one in made if one.outcome not in _HEARD)
            if call.outcome not in _HEARD and lost + self.scaled(counted) + most > self.left:
                raise BudgetError(
                    f"attempts without a reply took {lost} tokens, of the budget of {self.budget} "
                    f"{self.left - lost} are left, too few to try again; raise the budget"
                )

        try:
            reply = self._model.chat(
                messages, most, purpose="answering", record=record, tools=tools,
                on_text=on_text, again=0,
            )  # fmt: skip
        finally:  # what was sent is written down whatever becomes of it
            if reply is not None:
                last = made.pop() if made else Call("answering", self._model.name or "", told=False)
                made.append(self._read(replace(last, purpose=purpose(reply)), counted, reply))
                self.last_output = made[-1].output
            for call in made:
                self._pay(call, counted if call is made[-1] and reply is not None else 0)
        if self.last_output > most:
            self.note(f"the model wrote {self.last_output} tokens, it was allowed {most}")
        return reply

    def note(self, what: str) -> None:
        """Write a remark down."""
        for ledger in self._ledgers:
            ledger.note(what)

    def _read(self, call: Call, counted: int, reply: Reply) -> Call:
        """Return the call of a reply with our numbers where the server told none."""
        if call.told:
            self.ratio = max(self.ratio, call.input / counted)
            return call
        said = self._count(reply.text) + self._count(_written(reply.calls))
        return replace(call, input=counted, output=said)

    def _pay(self, call: Call, least: int) -> None:
        if call.outcome != "cache":
            self.left -= max(call.input, least) + call.output
        for ledger in self._ledgers:
            ledger.record(call)


def count_messages(
    count: Callable[[str], int], messages: Sequence[Message], tools: Sequence[Tool] = ()
) -> int:
    """Return the tokens of a call's input by a tokenizer."""
    texts = [message.text + _written(message.calls) for message in messages]
    schemas = ({"name": t.name, "about": t.description, "of": t.parameters} for t in tools)
    texts += [json.dumps(schema) for schema in schemas]
    return sum(count(text) + MESSAGE for text in texts) + PRIMING


def _written(calls: Sequence[Any]) -> str:
    """Return tool calls as they are sent."""
    return "".join(f"{c.name} {json.dumps(c.arguments, default=str)}" for c in calls)
