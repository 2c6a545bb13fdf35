"""Proper names: which words of a summary are names, and whether a text has them.

A name is a word with a capital that no rule of grammar gave it: inside a sentence any such word
that is not an ordinary one, at the start of a sentence only a word that nobody writes small. Which
words are ordinary is a list (``scripts/find_ordinary_words.py``), and for what is not on it the
ending. A name is found in a text by its words, however the text spells them: "Smith" and "Dr.
Smith's", "WHO" and "World Health Organization", "Canadian" and "Canada". A first name and a surname
that the text has only with others are not found together.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from hier.retrieval.static import DATA
from hier.retrieval.words import normalise

_TITLES = frozenset(
    "mr mrs ms miss dr prof professor sir dame lord lady st saint rev reverend hon judge justice "
    "president senator governor captain capt general gen colonel col major maj sergeant sgt "
    "lieutenant lt king queen prince princess pope father brother sister uncle aunt".split()
)
_SMALL = frozenset(
    "of the de la le du da di del der den van von al el bin ibn y e and & for".split()
)
_NOT_NAMES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december i i'm i've i'd i'll the an in on at
    by to with from as or but not do does did would will can could should is are was were be
    been has have had he she it they we you this that these those there here what who whom
    whose which when where why how if so then than my your his her our their its no yes all
    some any each every also furthermore moreover nevertheless nonetheless meanwhile
    afterwards therefore however thus hence instead likewise otherwise besides additionally
    unfortunately""".split()
)
_PARTING = frozenset("and of for e y &".split())  # what stands at both their sides is two names
# Not on the list and yet ordinary: what is made of a word on it, and what only ends words of Latin.
_MADE = re.compile(
    r"(?:(?<=\w\w\w)(?:e?s|e?d|ing|ings|ers|ors|ly|ness|ments?|ists?|able|ible|less|ful|ships?"
    r"|like|wise|wards?|ish|hood|isms?|i[sz]e[sd]?|ally|y))\Z"
)
_LATIN = re.compile(
    r"\w{3}(?:[st]ions?|olog(?:y|ies|ists?|ical)|ivity|ously|ically|[ai]bility)\Z|\w{7}ly\Z"
)
_BEFORE_WORDS = re.compile(
    r"(?:un|re|non|over|under|out|mis|dis|pre|anti|inter|sub|multi)-?(?=\w{4})"
)
_WORD = re.compile(
    r"[^\W\d_]++(?:(?:['’.-]|(?<=[A-Z])&)(?=[^\W\d_])[^\W\d_]++)*+(?:(?<=[^\W\d_]\.[^\W\d_])\.)?"
)
_CAPITAL = re.compile(rf"(?<![^\W_])(?<![^\W\d_]['’.-])(?=[^\W\d_a-z]){_WORD.pattern}")
_CLOSE = frozenset([" ", "\n", " & ", "-", "_", ""])  # "T_V_" in transcripts
_BEFORE = re.compile(r"\W*\Z")
_BREAK = re.compile(r"[.!?…:;\n•*#|>\[({\"“‘«”’»)\]}—–-]|\.\.")
_POSSESSIVE = re.compile(r"['’][sS]?\Z")
# "Italy" and "Italian", "Mars" and "Martian": what is left of both when these are cut off.
_ENDINGS = re.compile(
    r"(?<=\w\w\w)(?:e?s|ies|ns|ians?|eans?|ans?|ese|ish|is?|i[ck]s?|ites?|y|ia|a|o|e|en|ey|land|ander"
    r"|landers?|men|man|ists?|ism|aine?|or|er|ers)\Z"
)
_IRREGULAR = [
    line.split()
    for line in """
france french frenchman
netherlands holland dutch
greece greek greeks
wales welsh
switzerland swiss
spain spanish spaniard spaniards
britain british uk gb kingdom england english briton britons
denmark danish danes dane
poland polish pole poles
norway norwegian norwegians norse
philippines filipino filipinos
portugal portuguese
usa us u.s america american americans states
ussr soviet soviets russia russian russians
mars martian martians
venus venusian venusians
earth terra terran terrans terrestrial
""".strip().splitlines()
]
_KIN: dict[str, list[str]] = defaultdict(list)
for _line in _IRREGULAR:
    for _word in _line:
        _KIN[_word] += _line


@cache
def _ordinary_words() -> frozenset[str]:
    return frozenset((DATA / "ordinary_words.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1 << 16)
def is_ordinary(word: str) -> bool:
    """Say whether a lower-case word is one that English writes small."""
    words = _ordinary_words()
    if len(word) < 2 or word in words or word in _NOT_NAMES or _LATIN.search(word):
        return True
    root = _BEFORE_WORDS.sub("", word, count=1)
    if root in words:
        return True
    stem = _MADE.sub("", root)
    if stem == root:
        return False
    undoubled = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem
    y = stem[:-1] + "y" if stem.endswith("i") else stem  # "happiness"
    return len(stem) > 3 and not words.isdisjoint({stem, stem + "e", y, undoubled})


@lru_cache(maxsize=1 << 16)
def bare(word: str) -> str:
    """Return a word in lower case, without accents and without what a possessive adds."""
    return normalise(_POSSESSIVE.sub("", word)).strip(".'’-")


class _Token(NamedTuple):
    start: int
    end: int
    word: str  # as written
    plain: str  # bare
    gap: str  # what stands before it, since the last word with a capital


def _tokens(text: str) -> Iterator[_Token]:
    """The words of a text that start with a capital."""
    last = 0
    for match in _CAPITAL.finditer(text):
        word = match[0]
        if word[0].isupper():
            start, end = match.span()
            yield _Token(start, end, word, bare(word), text[max(last, start - 20) : start])
            last = end


def _runs(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Words that stand together, with at most small words of names between them."""
    run: list[_Token] = []
    for token in tokens:
        gap = token.gap
        if run and gap not in _CLOSE and not (gap == ". " and _abbreviates(run[-1])):
            small = gap.split()
            if len(gap) > 12 or not small or not _SMALL.issuperset(small) or "\n\n" in gap:
                yield run
                run = []
            else:
                parting = [word for word in small if word in _PARTING]
                token = token._replace(gap=parting[0] if parting else " ")
        run.append(token)
    if run:
        yield run


def _abbreviates(token: _Token) -> bool:
    return token.plain in _TITLES or len(token.plain) == 1 or "." in token.word


class Names:
    """What a text has to find names by.

    Attributes:
        words: its words, bare, parts of joined ones too.
    """

    def __init__(self, text: str) -> None:
        tokens = list(_tokens(text))
        written = set(_WORD.findall(text))
        self.words = set(map(bare, written))
        for word in written:
            if "-" in word or "." in word:
                self.words.update(_parts(bare(word)))
        self._stems: set[str] | None = None
        self._initials: set[str] = set()
        self._capital = {token.plain for token in tokens}
        self._acronyms = {t.plain.replace(".", "") for t in tokens if _is_acronym(t.word)}
        self._beside: dict[str, set[str]] = defaultdict(set)
        self._right: set[str] = set()
        self._left: set[str] = set()
        for run in _runs(tokens):
            self._read(run)
        self._read_lists(tokens)

    def _read(self, run: list[_Token]) -> None:
        letters = "".join(token.plain[:1] for token in run)
        for size in range(2, min(len(letters), 8) + 1):
            self._initials.update(letters[i : i + size] for i in range(len(letters) - size + 1))
        for i, one in enumerate(run):
            for other in run[i + 1 : i + 4]:
                if other.gap in _PARTING:
                    break
                if not (_dropped(one) or _dropped(other)):
                    self._beside[one.plain].add(other.plain)
                    self._right.add(one.plain)
                    self._left.add(other.plain)

    def _read_lists(self, tokens: Sequence[_Token]) -> None:
        """Names that a list holds apart: "Smith, John" and "John and Mary Smith"."""
        for one, other in pairwise(tokens):
            if other.gap == ", ":
                self._beside[other.plain].add(one.plain)
        for one, other, last in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if other.gap in (" and ", " or ") and last.gap == " ":
                self._beside[one.plain].add(last.plain)

    def has(self, word: str, written: str) -> bool:
        """Say whether a bare word of a name is a word of the text, in any spelling."""
        if _is_acronym(written):
            letters = word.replace(".", "")
            if letters in self._acronyms or letters in self._initials:
                return True
            if letters.endswith("s") and letters[:-1] in self._acronyms | self._initials:
                return True
            if is_ordinary(letters) and self._acronyms:
                return any(kin in self.words for kin in _KIN.get(word, ()))
        if not self.words.isdisjoint({word, word + "s", word.removesuffix("s")}) or any(
            kin in self.words for kin in _KIN.get(word, ())
        ):
            return True
        if "-" in word or "." in word:
            parts = [p for p in _parts(word) if len(p) > 1]
            return bool(parts) and all(self.has(p, p.capitalize()) for p in parts)
        if self._stems is None:
            self._stems = {_stem(w) for w in self._capital}
        return _stem(word) in self._stems

    def has_acronym(self, *initials: str) -> bool:
        """Say whether the text has any of these for a name that the summary writes out."""
        return any(len(i) > 1 and i in self._acronyms for i in initials)

    def together(self, one: str, other: str) -> bool:
        """Say whether two parts of a name may be of one: neither is found with others only."""
        if one in self._beside and other in self._beside[one]:
            return True
        return not (one in self._right and other in self._left)


def _is_acronym(word: str) -> bool:
    return sum(map(str.isupper, word)) >= 2 and not any(c.islower() for c in word.rstrip("s'’"))


def _dropped(token: _Token) -> bool:
    """Whether a part of a name tells nobody apart."""
    return len(token.plain) < 2 or token.plain in _TITLES


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return _ENDINGS.sub("", word)


def _parts(word: str) -> list[str]:
    return [part for part in re.split(r"[-.'’]", word) if part]


def find_names(summary: str, text: Names, *, english: bool) -> Iterator[tuple[int, int, bool]]:
    """Yield the names of a summary, with whether the text has them; else what it does not have."""
    for run in _runs(_tokens(summary)):
        before = summary[max(0, run[0].start - 12) : run[0].start]
        gap = _BEFORE.search(before)
        begins = not gap or gap[0] == summary[: run[0].start] or bool(_BREAK.search(gap[0]))
        named = [t for t in _named(run, begins, english) if summary[t.end : t.end + 1] != "$"]
        if named:
            wrong = _wrong(run, named, text)
            first, last = (wrong or named)[0], (wrong or named)[-1]
            yield first.start, last.end, not wrong


def _named(run: list[_Token], first: bool, english: bool) -> Iterator[_Token]:
    """The words of a run that are of a name and tell it apart."""
    for i, token in enumerate(run):
        if _dropped(token) or token.plain in _NOT_NAMES:
            continue
        if _is_acronym(token.word):
            yield token
        elif i == 0 and first:
            if not is_ordinary(token.plain) and (english or len(run) > 1):
                yield token
        elif not _LATIN.search(token.plain) or not english:
            yield token


def _wrong(run: list[_Token], named: list[_Token], text: Names) -> list[_Token]:
    """The words of a name that the text does not have, or not together."""
    if _spelled(run, text):
        return []
    parts: list[list[_Token]] = []  # "the European Union and the United States" are two
    for token in run:
        if token.gap in _PARTING or not parts:
            parts.append([])
        parts[-1].append(token)
    out = {t.start for part in parts if len(parts) > 1 and _spelled(part, text) for t in part}
    wrong = [t for t in named if t.start not in out and not text.has(t.plain, t.word)]
    if wrong:
        return wrong
    told_apart = {token.start for token in named}
    for one, other in pairwise(run):
        both = one.start in told_apart and other.start in told_apart and other.gap == " "
        if both and not text.together(one.plain, other.plain):
            return [one, other]
    return []


def _spelled(run: list[_Token], text: Names) -> bool:
    """Say whether the text has the acronym of a name, one more word before or behind it or not."""
    letters = "".join(token.plain[:1] for token in run)
    return text.has_acronym(letters, letters[1:], letters[:-1])
