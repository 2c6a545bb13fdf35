"""Replay: the requests of a conversation one after another, each sent as the one before was.

Providers charge less for a prompt whose beginning they know, so what was sent once is sent again as
it was for as long as that can be. At each request one of three things happens:

1. It fits: nothing is changed.
2. What is new does not fit, but there is room for some of it: what is new is compressed, all else
   stays as it was sent.
3. There is no room left: everything is compressed anew, from the texts as they came, against the
   question of now, and down to a low-water mark, so that it does not happen again soon.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hier.errors import BudgetError
from hier.messages.counting import REPLY, MessageCounter
from hier.messages.filling import Filling
from hier.messages.question import find_question
from hier.messages.reading import Message
from hier.messages.trees import Trees
from hier.messages.turns import parts, requests

_LEAST = 8  # what is new is compressed alone if one in so many tokens of the room is left for it
_AHEAD = 2  # and takes one in so many of those that are left: others are to come
_MARKS = 2  # what is left of old turns takes at most one in so many tokens of the room


@dataclass(frozen=True)
class Sent:
    """What a request sends of the messages that came.

    Attributes:
        messages: what is sent.
        indices: which of the messages that came each of them is, ascending.
        end: how many came.
        tokens: of what is sent, and of the opening of the reply.
    """

    messages: tuple[Message, ...] = ()
    indices: tuple[int, ...] = ()
    end: int = 0
    tokens: int = REPLY


@dataclass(frozen=True)
class Replay:
    """Goes through the requests of a conversation.

    Attributes:
        came: the messages.
        sizes: the tokens of each.
        budget: most tokens of each request.
        low_water: share of the room that is used when everything is compressed anew.
        counter: counts messages.
        trees: texts that were read.
    """

    came: Sequence[Message]
    sizes: Sequence[int]
    budget: int
    low_water: float
    counter: MessageCounter
    trees: Trees

    def run(self, sent: Sent) -> Sent:
        """Return what the last request sends, after one that is known.

        Raises:
            BudgetError: what it must keep is too much.
        """
        ends = [end for end in requests(self.came) if end > sent.end]
        for end in ends[:-1]:
            try:
                sent = self._request(sent, end)
            except BudgetError:  # it was refused, so nothing was sent that could stay as it was
                continue
        return self._request(sent, ends[-1]) if ends else sent

    def _request(self, sent: Sent, end: int) -> Sent:
        """Return what a request sends, after the one before it."""
        tokens = sent.tokens + sum(self.sizes[sent.end : end])
        if tokens <= self.budget:
            new = self.came[sent.end : end]
            indices = (*sent.indices, *range(sent.end, end))
            return Sent((*sent.messages, *new), indices, end, tokens)
        came = self.came[:end]
        question = find_question(came, self.counter.tokenizer.count)
        filling = Filling(came, question, self.counter, self.trees)
        optional = parts(came, question.index)
        old = {index for part in optional for index in part}
        least = REPLY + filling.bare([i for i in range(end) if i not in old]).tokens
        if least > self.budget:
            raise BudgetError(
                f"budget {self.budget} is below the least for these messages, {least} tokens for "
                "what is kept whole: what guides the model, the question and the last calls of "
                "tools; raise the budget"
            )
        room = self.budget - least
        return self._with_new(sent, filling, room) or self._anew(filling, optional, room)

    def _with_new(self, sent: Sent, filling: Filling, room: int) -> Sent | None:
        """Return what is sent if only what is new is compressed; None if there is no room for it.

        Args:
            sent: what was sent before; if that is nothing, what is new has all the room.
            filling: the messages.
            room: tokens beside what must be kept.
        """
        new = range(sent.end, len(filling.came))
        bare = filling.bare(new).tokens
        left = self.budget - sent.tokens - bare
        if sent.messages:
            left //= _AHEAD
        if left < (room // _LEAST if sent.messages else 0):
            return None
        filled = filling.fill(new, bare + left)
        return Sent(
            (*sent.messages, *filled.messages),
            (*sent.indices, *new),
            len(filling.came),
            sent.tokens + filled.tokens,
        )

    def _anew(self, filling: Filling, optional: Sequence[Sequence[int]], room: int) -> Sent:
        """Return what is sent if everything is compressed, down to the low-water mark.

        The oldest turns are left out while what all of them keep, marks and ids, is too much.

        Args:
            filling: the messages.
            optional: messages that can be left out together, oldest first.
            room: tokens beside what must be kept.
        """
        wanted = int(self.low_water * room)
        sizes = [filling.bare(part).tokens for part in optional]
        held = sum(sizes)
        left_out: set[int] = set()
        for part, size in zip(optional, sizes, strict=True):
            if held <= wanted // _MARKS:
                break
            left_out.update(part)
            held -= size
        kept = [index for index in range(len(filling.came)) if index not in left_out]
        target = self.budget - room + wanted - REPLY
        filled = filling.fill(kept, target)
        return Sent(filled.messages, tuple(kept), len(filling.came), REPLY + filled.tokens)
