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
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from hier.retrieval.static import DATA
from hier.retrieval.words import normalise

_TITLES = frozenset(
    "mr mrs ms miss dr prof professor sir dame lord lady st saint rev reverend hon judge justice "
    "president senator governor captain capt general gen colonel col major maj sergeant sgt "
    "lieutenant lt king queen prince princess pope father brother sister uncle aunt".split()
)
_SMALL = frozenset("of the de la le du da di del der den van von al el bin ibn y e and & for".split())
_ORDINARY_ENDINGS = re.compile(
    r"(?:ly|ings?|[a-z]{3}ed|[st]ions?|ments?|ness|[a-z]{3}ists?|[ai]bl[ey]|ous|ive|ful|less|it(?:y|ies)"
    r"|[ae]nces?|isms?|i[sz](?:e|es|ing|ers?)|log(?:y|ies|ists?)|graphy|ical|ships?|[a-z]{4}ers"
    r"|holders?|makers?|workers?|wards?|wise|like|hood)\Z"
)
_WORD = re.compile(
    r"[^\W\d_]++(?:(?:['’.-]|(?<=[A-Z])&)(?=[^\W\d_])[^\W\d_]++)*+(?:(?<=[^\W\d_]\.[^\W\d_])\.)?"
)
_BREAK = re.compile(r"[.!?…:;\n•*#|>\[({\"“‘«”’»)\]}—–-]|\.\.")
_POSSESSIVE = re.compile(r"['’][sS]?\Z")
# "Italy" and "Italian", "Mars" and "Martian": what is left of both when these are cut off.
_ENDINGS = re.compile(
    r"(?<=\w\w\w)(?:e?s|ns|ians?|eans?|ans?|ese|ish|is?|i[ck]s?|ites?|y|ia|a|o|e|en|ey|land|ander"
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


class Name(NamedTuple):
    """Words that are one name, with their places: (start, end, bare lower-case word)."""

    words: tuple[tuple[int, int, str], ...]


@cache
def _ordinary_words() -> frozenset[str]:
    return frozenset((DATA / "ordinary_words.txt").read_text(encoding="utf-8").split())


@cache
def is_ordinary(word: str) -> bool:
    """Say whether a lower-case word is one that English writes small."""
    if len(word) < 2 or word in _ordinary_words():
        return True
    if _ORDINARY_ENDINGS.search(word):
        return True
    return word.endswith("s") and word[:-1] in _ordinary_words()


def bare(word: str) -> str:
    """Return a word in lower case, without accents and without what a possessive adds."""
    return normalise(_POSSESSIVE.sub("", word)).strip(".'’-")


class _Token(NamedTuple):
    start: int
    end: int
    word: str  # as written
    plain: str  # bare
    gap: str  # what stands before it, since the last word


def _tokens(text: str) -> list[_Token]:
    """The words of a text that start with a capital or may join two that do."""
    tokens, last = [], 0
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = match[0]
        tokens.append(_Token(start, end, word, bare(word), text[last:start][-8:]))
        last = end
    return tokens


def _runs(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Capitalised words that stand together, small words of names between them left out."""
    run: list[_Token] = []
    small = 0
    for token in tokens:
        close = token.gap in (" ", "\n", ". ", " & ") or (token.gap == "" and run)
        if token.gap == ". " and run and not _abbreviates(run[-1]):
            close = False
        if run and not (close and small < 3):
            yield run
            run, small = [], 0
        if token.word[0].isupper():
            run.append(token)
            small = 0
        elif run:
            if token.plain in _SMALL:
                small += 1
            else:
                yield run
                run, small = [], 0
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
        tokens = _tokens(text)
        self.words = {token.plain for token in tokens}
        self.words.update(p for w in list(self.words) if "-" in w or "." in w for p in _parts(w))
        self._stems: set[str] | None = None
        self._initials: set[str] = set()
        self._capital = {t.plain for t in tokens if t.word[0].isupper()}
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
        named = [t.plain for t in run if not _dropped(t)]
        for i, one in enumerate(named):
            for other in named[i + 1 : i + 4]:
                self._beside[one].add(other)
                self._right.add(one)
                self._left.add(other)

    def _read_lists(self, tokens: list[_Token]) -> None:
        """Names that a list holds apart: "Smith, John" and "John and Mary Smith"."""
        for i in range(len(tokens) - 1):
            one, other = tokens[i], tokens[i + 1]
            if not one.word[0].isupper():
                continue
            if other.gap == ", " and other.word[0].isupper():
                self._beside[other.plain].add(one.plain)
            if other.plain in ("and", "or") and i + 3 < len(tokens):
                self._beside[one.plain].add(tokens[i + 3].plain)

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
        if word in self.words or any(kin in self.words for kin in _KIN.get(word, ())):
            return True
        if "-" in word or "." in word:
            parts = [p for p in _parts(word) if len(p) > 1]
            return bool(parts) and all(self.has(p, p.capitalize()) for p in parts)
        if self._stems is None:
            self._stems = {_stem(w) for w in self._capital}
        return _stem(word) in self._stems

    def spells_out(self, letters: str) -> bool:
        """Say whether the text has these initials for a name that the summary writes out."""
        return letters in self._acronyms

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


@cache
def _stem(word: str) -> str:
    return _ENDINGS.sub("", word)


def _parts(word: str) -> list[str]:
    return [part for part in re.split(r"[-.'’]", word) if part]


def invented_names(summary: str, text: Names, *, english: bool) -> Iterator[tuple[int, int]]:
    """Yield where the summary has a name, or part of one, that the text does not have."""
    for run in _runs(_tokens(summary)):
        yield from _check(run, text, english)


def _check(run: list[_Token], text: Names, english: bool) -> Iterator[tuple[int, int]]:
    first = _BREAK.search(run[0].gap) or not run[0].gap.strip() and run[0].start == 0
    named = []
    for i, token in enumerate(run):
        if _dropped(token) or token.word in ("I", "I'm", "I've", "I'd", "I'll"):
            continue
        acronym = _is_acronym(token.word)
        if not acronym and is_ordinary(token.plain):
            continue
        if i == 0 and first and not english and not acronym and len(run) == 1:
            continue
        named.append(token)
    letters = "".join(token.plain[:1] for token in run)
    if len(letters) > 1 and any(
        text.spells_out(letters[i:]) for i in range(len(letters) - 1)
    ):
        return
    bad = {token for token in named if not text.has(token.plain, token.word)}
    for one, other in zip(run, run[1:]):
        if one in named and other in named and not {one, other} & bad:
            if other.gap == " " and not text.together(one.plain, other.plain):
                bad |= {one, other}
    if bad:
        yield min(t.start for t in bad), max(t.end for t in bad)
