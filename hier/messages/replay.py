"""Replay: the requests of a conversation one after another, each sent as the one before was.

Providers charge less for a prompt whose beginning they know, so what was sent once is sent again as
it was for as long as that can be. At each request one of three things happens:

1. It fits: nothing is changed.
2. What is new does not fit, but there is room for some of it: what is new is compressed, all else
   stays as it was sent.
3. There is no room left, or the question has moved on to what is not shown: everything is
   compressed anew, from the texts as they came, against the question of now, and down to a
   low-water mark, so that it does not happen again soon.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hier.errors import BudgetError
from hier.messages.counting import REPLY, MessageCounter
from hier.messages.filling import Cut, Filled, Filling
from hier.messages.question import find_question
from hier.messages.reading import Message
from hier.messages.settings import Settings
from hier.messages.trees import Trees
from hier.messages.turns import parts, requests

_LEAST = 8  # what is new is compressed alone if one in so many tokens of the room is left for it
_SHORT = 4  # short texts that are kept whole, the newest, take at most one in so many
_MARKS = 2  # what is left of old turns takes at most one in so many tokens of the room


@dataclass(frozen=True)
class Sent:
    """What a request sends of the messages that came.

    Attributes:
        messages: what is sent.
        indices: which of the messages that came each of them is, ascending.
        end: how many came.
        tokens: of what is sent, and of the opening of the reply.
        cut: what is shown of texts that are not whole.
        queries: what was asked when it was last decided what is shown.
    """

    messages: tuple[Message, ...] = ()
    indices: tuple[int, ...] = ()
    end: int = 0
    tokens: int = REPLY
    cut: Cut = field(default_factory=dict)
    queries: tuple[str, ...] = ()

    def then(self, indices: Sequence[int], filled: Filled, queries: tuple[str, ...]) -> "Sent":
        """Return what is sent with some messages behind it; the last is the last that came."""
        return Sent(
            (*self.messages, *filled.messages),
            (*self.indices, *indices),
            indices[-1] + 1,
            self.tokens + filled.tokens,
            {**self.cut, **filled.cut},
            queries,
        )

    @property
    def whole(self) -> bool:
        """Whether all that came is sent as it came."""
        return not self.cut and len(self.indices) == self.end


@dataclass(frozen=True)
class Replay:
    """Goes through the requests of a conversation.

    Attributes:
        came: the messages.
        sizes: the tokens of each.
        settings: how they are compressed.
        counter: counts messages.
        trees: texts that were read.
    """

    came: Sequence[Message]
    sizes: Sequence[int]
    settings: Settings
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
        new = range(sent.end, end)
        tokens = sum(self.sizes[sent.end : end])
        as_it_is = Filled(tuple(self.came[sent.end : end]), tokens, {})
        fits = sent.tokens + tokens <= self.settings.budget
        if fits and (sent.whole or not self.settings.refresh):
            return sent.then(new, as_it_is, sent.queries)
        question = find_question(self.came[:end], self.counter.tokenizer.count)
        if fits and question.queries == sent.queries:
            return sent.then(new, as_it_is, sent.queries)
        filling = Filling(self.came[:end], question, self.counter, self.trees)
        if fits:
            longer: Sent | None = sent.then(new, as_it_is, question.queries)
        else:
            longer = self._with_new(sent, filling)
        if longer is None:
            return self._anew(filling)
        asked_before = sent.whole or question.queries == sent.queries
        return (
            longer if asked_before or not self.settings.refresh else self._better(longer, filling)
        )

    def _better(self, longer: Sent, filling: Filling) -> Sent:
        """Return what is sent: all anew if what would be shows too little of what is relevant.

        Nothing can show more than all of it, so there is seldom need to look at both.
        """
        shown = filling.relevance(longer.indices, longer.cut)
        if shown >= self.settings.refresh:
            return longer
        anew = self._anew(filling)
        enough = shown >= self.settings.refresh * filling.relevance(anew.indices, anew.cut)
        return longer if enough else anew

    def _with_new(self, sent: Sent, filling: Filling) -> Sent | None:
        """Return what is sent if only what is new is compressed; None where there is no room."""
        new = range(sent.end, len(filling.came))
        bare = filling.bare(new).tokens
        left = self.settings.budget - sent.tokens - bare
        if left < 0:
            return None
        if sent.messages and (left < filling.short(new) or left < self._room(filling) // _LEAST):
            return None
        return sent.then(new, filling.fill(new, bare + left, left), filling.question.queries)

    def _room(self, filling: Filling) -> int:
        """Return the tokens of the budget that are left beside what must be kept.

        Raises:
            BudgetError: there are none.
        """
        came = filling.came
        old = {index for part in parts(came, filling.question.index) for index in part}
        kept = [index for index in range(len(came)) if index not in old]
        least = REPLY + filling.bare(kept).tokens
        if least > self.settings.budget:
            raise BudgetError(
                f"budget {self.settings.budget} is below the least for these messages, {least} "
                "tokens for what is kept whole: what guides the model, the question and the last "
                "calls of tools; raise the budget"
            )
        return self.settings.budget - least

    def _anew(self, filling: Filling) -> Sent:
        """Return what is sent if everything is compressed, down to the low-water mark.

        The oldest turns are left out while what all of them keep, marks and ids, is too much.
        """
        room, came = self._room(filling), filling.came
        wanted = int(self.settings.low_water * room)
        optional = parts(came, filling.question.index)
        sizes = [filling.bare(part).tokens for part in optional]
        held = sum(sizes)
        left_out: set[int] = set()
        for part, size in zip(optional, sizes, strict=True):
            if held <= wanted // _MARKS:
                break
            left_out.update(part)
            held -= size
        kept = [index for index in range(len(came)) if index not in left_out]
        target = self.settings.budget - room + wanted - REPLY
        filled = filling.fill(kept, target, wanted // _SHORT)
        return Sent().then(kept, filled, filling.question.queries)
