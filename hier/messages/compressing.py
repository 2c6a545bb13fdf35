"""Compressing messages: a conversation within a budget, its beginning the same from call to call.

What was sent before is found by going through the requests that led to this one (``replay.py``),
each of which depends only on what stood before it: the function remembers nothing, and gives the
same for the same conversation. ``previous`` spares going through them again.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hier.errors import InputError
from hier.messages.counting import REPLY, MessageCounter
from hier.messages.reading import Message, check_messages
from hier.messages.replay import Replay, Sent
from hier.messages.settings import LOW_WATER, REFRESH, Settings
from hier.messages.trees import Trees
from hier.tokens import DEFAULT_TOKENIZER, load_tokenizer


@dataclass(frozen=True)
class Change:
    """A message that was compressed or left out.

    Attributes:
        index: which of the messages that came.
        before: its tokens as it came.
        after: its tokens now; 0 where it was left out.
    """

    index: int
    before: int
    after: int


@dataclass(frozen=True)
class Messages:
    """A conversation of at most ``budget`` tokens.

    Attributes:
        messages: what to send, dicts in OpenAI's form; those that are not changed are the objects
            that came.
        tokens: what they count, by the rule of ``hier.messages.counting``, with 3 for the reply.
        budget: the most tokens allowed.
        before: tokens of the messages that came.
        indices: which of the messages that came each of ``messages`` is, ascending.
        changes: which were compressed or left out, in their order.
        known: what a next call need not find again; see ``previous`` of ``compress_messages``.
    """

    messages: list[dict[str, Any]]
    tokens: int
    budget: int
    before: int
    indices: tuple[int, ...]
    changes: tuple[Change, ...]
    known: "Known" = field(repr=False, compare=False)

    @property
    def saved(self) -> int:
        """The tokens that are not sent."""
        return self.before - self.tokens


@dataclass(frozen=True)
class Known:
    """What is known of the beginning of a conversation.

    Attributes:
        messages: the messages that came.
        settings: how they were compressed.
        sent: what was sent of them.
        trees: texts that were read; None for none.
    """

    messages: tuple[Message, ...]
    settings: Settings
    sent: Sent = field(default_factory=Sent)
    trees: Trees | None = None


def compress_messages(
    messages: Sequence[Mapping[str, Any]],
    budget: int = 2000,
    *,
    tokenizer: Any = DEFAULT_TOKENIZER,
    low_water: float = LOW_WATER,
    refresh: float = REFRESH,
    part_tokens: int | None = None,
    previous: Messages | None = None,
) -> Messages:
    """Compress a conversation against the question that it ends with.

    System and developer messages and the question are kept word for word, and so are the calls of
    tools. Long texts of the last user message, results of tools and what was said before share what
    is left of the budget. No message changes its place, its role or its ids; one of which nothing
    is shown says ``[…]``. Where even that is too much, the oldest turns are left out whole.

    Args:
        messages: the conversation, dicts in the form of OpenAI's chat API; not changed.
        budget: the most tokens of what is sent, 3 for each message and 3 for the reply included.
        tokenizer: as for ``hier.build``.
        low_water: how much of the room beside what must be kept is used when everything is
            compressed anew, above 0 and up to 1: less leaves the beginning the same for longer.
        refresh: how little what was sent may show for a new question, as a share of what would be
            shown anew, 0 to 1, before everything is compressed anew for its sake; 0 leaves the
            beginning the same whatever is asked.
        part_tokens: tokens of each part of a content that is neither text nor image; None refuses
            such parts. An image is 1,445 tokens, one of low detail 85.
        previous: what this function returned for an earlier request of the same conversation: the
            same comes out, sooner.

    Raises:
        InputError: the messages are no conversation, or an argument is not what it must be.
        BudgetError: what must be kept is more than the budget.
        TokenizerError: the tokenizer is unknown or misbehaves.
    """
    settings = Settings(budget, tokenizer, low_water, refresh, part_tokens)
    came = check_messages(messages)
    known = _known(previous, came, settings)
    return compress_known(came, settings, known or Known((), settings))


def compress_known(came: Sequence[Message], settings: Settings, known: Known) -> Messages:
    """Compress a conversation whose beginning is known.

    Args:
        came: the conversation, checked.
        settings: how it is compressed.
        known: what was sent of its beginning, with the same settings.
    """
    plain = load_tokenizer(settings.tokenizer)
    counted = replace(plain, count=functools.cache(plain.count))  # the same texts in each request
    counter = MessageCounter(counted, settings.part_tokens)
    sizes = [counter.message(message) for message in came]
    trees = known.trees or Trees(plain)
    sent = Replay(came, sizes, settings, counter, trees).run(known.sent)
    after = dict(zip(sent.indices, map(counter.message, sent.messages), strict=True))
    changes = tuple(
        Change(index, size, after.get(index, 0))
        for index, size in enumerate(sizes)
        if index not in after or after[index] != size
    )
    return Messages(
        messages=list(sent.messages),  # type: ignore[arg-type]
        tokens=sent.tokens,
        budget=settings.budget,
        before=REPLY + sum(sizes),
        indices=sent.indices,
        changes=changes,
        known=Known(tuple(came), settings, sent, trees),
    )


def _known(previous: Any, came: Sequence[Message], settings: Settings) -> Known | None:
    """Return what is known of the beginning of a conversation; None if nothing is."""
    if previous is None:
        return None
    if not isinstance(previous, Messages):
        raise InputError(
            f"previous of type {type(previous).__name__} is no result; pass what "
            "compress_messages returned"
        )
    known = previous.known
    if known.settings != settings:
        return None
    if list(known.messages) == list(came[: len(known.messages)]):
        return known
    return replace(known, messages=(), sent=Sent())
