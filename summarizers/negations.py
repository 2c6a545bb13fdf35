"""Negations: whether a summary denies what its text affirms, or the other way round.

Nothing in a word says what "not" denies, so sentences are compared. A sentence of the summary is
laid beside those of the text that have most of its words; where they are clearly about the same,
and one denies a word that the other has without a denial, the negation was added or dropped. Where
no sentence of the text is close, nothing is said.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d[\d.,]*\d|\d|[.;:,!?()\"“”—–]")
_LETTERS = re.compile(r"[^\W\d_]+|\d[\d.,]*\d|\d")
_ENDING = re.compile(r"(?<=\w\w\w)(?:ing|ed|es|s|e|ly)\Z")
_DENIES = frozenset("not no never none neither nor without cannot nothing nobody nowhere".split())
# Deny as well, in other words: what they stand before is not flagged as affirmed.
_LIKE = frozenset(
    """hardly scarcely barely rarely seldom lack lacks lacked lacking fail fails failed failing
    unable refuse refuses refused deny denies denied denying avoid avoids avoided prevent prevents
    prevented except unless instead impossible absent absence refusal failure stop stopped stops
    prohibited prohibits forbidden forbids ban banned few little""".split()
)
_EMPTY = frozenset(
    "the a an of to in on at by for with from and or but as is are was were be been being has have "
    "had do does did it its he she they them his her their this that these those which who whom "
    "will would can could may might must should shall than then there if so such into about also "
    "i we you my our your me us him what when where how why any some all each other more most "
    "authors say text according overall additionally".split()
)
_SHARED = (
    0.6  # of the words of a sentence, at least, that another has for both to be about the same
)
_LEAST = 3
_REACH = 2  # words behind a negation that it may deny
_MOST = 400  # sentences of a text that a word may be in and still tell them apart


Place = tuple[int, int]
# The stems of a sentence, those denied with where the denial is, and where all stand.
_Sentence = tuple[set[str], dict[str, Place | None], dict[str, Place]]


class Denials:
    """The sentences of a text: their words, and which of these are denied."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._sentences = sentences
        self._of: dict[str, list[int]] = defaultdict(list)
        for number, sentence in enumerate(sentences):
            for stem in {_stem(word) for word in _LETTERS.findall(sentence)}:
                self._of[stem].append(number)

    def wrong(self, sentence: str) -> Iterator[Place]:
        """Yield where a sentence denies what the text affirms, or affirms what it denies."""
        words, denied, places = _read(sentence)
        if len(words) < _LEAST:
            return
        shared: Counter[int] = Counter()
        for word in words:
            numbers = self._of.get(word, [])
            if len(numbers) <= _MOST:
                shared.update(numbers)
        near = [
            _read(self._sentences[number])
            for number, count in islice(shared.most_common(), 3)
            if count >= max(_LEAST, _SHARED * len(words))
        ]
        if not near:
            return
        affirmed, denials, _ = near[0]
        for word, place in denied.items():
            apart = not denials and not any(word in other for _, other, _ in near)
            if place and apart and word in affirmed:
                yield place
                return
        for word in denials:
            if denied or word not in words or word[0].isdecimal():
                continue
            if all(word in other or word not in stems for stems, other, _ in near):
                yield places[word]
                return


def _read(sentence: str) -> _Sentence:
    """Read a sentence; a denial by other words than "not" and its like has no place."""
    words: set[str] = set()
    denied: dict[str, Place | None] = {}
    places: dict[str, Place] = {}
    denial: Place | None = None
    left = 0
    for match in _WORD.finditer(sentence):
        word = match[0].lower().replace("’", "'")
        if not word[0].isalnum():
            if word in ".;:":
                left = 0
            continue
        if word in _DENIES or word.endswith("n't"):
            denial, left = match.span(), _REACH
            continue
        if word in _LIKE:
            denial, left = None, _REACH
            continue
        stem = _stem(match[0])
        if not stem:
            continue
        words.add(stem)
        places.setdefault(stem, match.span())
        if left:
            denied.setdefault(stem, denial)
            left -= 1
    return words, denied, places


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """Return what a word shares with its other forms; "" for words that are in any sentence."""
    word = word.lower().partition("'")[0].partition("’")[0]
    return "" if word in _EMPTY else _ENDING.sub("", word)[:8]
