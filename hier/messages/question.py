"""The question: what the last user message asks, and which long text in it may be compressed.

A user pastes a document and asks about it, before it or behind it, in one message. What is short is
the question, and is kept whole. In a long text the question is what stands outside of its fences or
tags; without any, its first and its last paragraph (else line, else sentence), where they are
short. What lies between them may be compressed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from hier.messages.reading import Message, Part, texts_of
from hier.sentences import sentence_ends

LONG = 256  # tokens from which a text of the last user message may be compressed
_FAR = 4096  # characters in which a sentence at either end is looked for
EDGE = 128  # most tokens of a question before or behind it
_WEAK = 4  # words of a question that leans on the one before it
_FENCE = re.compile(
    r"^[ \t]*(?:```.*|~~~.*|\"{3}|'{3}|</?[A-Za-z][^<>\n]*>|-{3,}|={3,}|\*{3,})[ \t]*$",
    re.MULTILINE,
)
_BLANK = re.compile(r"\n[ \t\r]*\n")
_LINE = re.compile(r"\n")
_ASKS = re.compile(r"[?？؟]")

Spans = dict[Part, tuple[int, int]]


@dataclass(frozen=True)
class Question:
    """What a conversation asks last.

    Attributes:
        index: its message; -1 where no user says anything.
        queries: what is asked, in words; empty where nothing is.
        bodies: the characters of its message that may be compressed, by part of the content.
    """

    index: int
    queries: tuple[str, ...] = ()
    bodies: Spans = field(default_factory=dict)


def find_question(messages: Sequence[Message], count: Callable[[str], int]) -> Question:
    """Find the question that a conversation ends with.

    Args:
        messages: the conversation, as far as it goes.
        count: tokens of a text.
    """
    asking = [index for index, message in enumerate(messages) if message["role"] == "user"]
    if not asking:
        return Question(-1)
    queries, bodies = _read(messages[asking[-1]], count)
    if len(asking) > 1 and len(" ".join(queries).split()) <= _WEAK:
        queries += [one for one in _read(messages[asking[-2]], count)[0] if one not in queries]
    return Question(asking[-1], tuple(queries), bodies)


def _read(message: Message, count: Callable[[str], int]) -> tuple[list[str], Spans]:
    """Return what a message asks, and which parts of it are no question."""
    short: list[str] = []
    edges: list[str] = []
    bodies: Spans = {}
    for part, text in texts_of(message):
        if count(text) < LONG:
            short.append(text.strip())
            continue
        start, end = _body(text, count)
        bodies[part] = (start, end)
        edges += [text[:start].strip(), text[end:].strip()]
    said = [text for text in short or edges if text]
    asking = [text for text in said if _ASKS.search(text)]
    return asking or said, bodies


def _body(text: str, count: Callable[[str], int]) -> tuple[int, int]:
    """Return the characters of a long text that are between what is asked around it."""
    low = len(text) - len(text.lstrip())
    high = len(text.rstrip())
    fences = list(_FENCE.finditer(text))

    def fits(start: int, end: int) -> bool:
        return bool(text[start:end].strip()) and count(text[start:end].strip()) <= EDGE

    before = [fence.start() for fence in fences[:1] if fits(0, fence.start())]
    behind = [fence.end() for fence in fences[-1:] if fits(fence.end(), len(text))]
    inner = text[low:high]
    # What begins or ends with a fence asks on the other side of it.
    if not before and not (behind and inner.startswith(fences[0].group().strip())):
        before = [low + cut for cut in _first(_heads(inner), lambda cut: fits(0, low + cut))]
    if not behind and not (before and fences and inner.endswith(fences[-1].group().strip())):
        behind = [low + cut for cut in _first(_tails(inner), lambda cut: fits(low + cut, high))]
    start, end = max([low, *before]), min([high, *behind])
    if start >= end:
        return low, low
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def _first(cuts: Iterable[int], fits: Callable[[int], bool]) -> Iterable[int]:
    return islice(filter(fits, cuts), 1)


def _heads(text: str) -> Iterator[int]:
    """Yield where a question may end that a text begins with, the best place first."""
    for separator in (_BLANK, _LINE):
        if (found := separator.search(text)) is not None:
            yield found.end()
    yield from sentence_ends(text[:_FAR])[:1]


def _tails(text: str) -> Iterator[int]:
    """Yield where a question may begin that a text ends with, the best place first."""
    for separator in (_BLANK, _LINE):
        if cuts := [found.end() for found in separator.finditer(text)]:
            yield cuts[-1]
    begin = max(0, len(text) - _FAR)
    ends = [begin + end for end in sentence_ends(text[begin:]) if begin + end < len(text)]
    yield from ends[-1:]
