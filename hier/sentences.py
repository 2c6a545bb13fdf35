"""Sentences: where they end, by one regular expression and a look at the word before.

A candidate is a mark that ends sentences, with the quotes and brackets that close behind it. In
scripts with spaces, white space must follow, and then something a sentence can begin with. A full
stop after an abbreviation, an initial or a list's number ends nothing.
"""

import re

# The first mark stands outside the alternatives, so that a search leaps from mark to mark; a run of
# marks is looked at from where it begins and never again: 20,000 dots cost 20,000 steps.
# A note's number may stand behind them: "It rained.[3] Then". What a Japanese quotation ends with
# ends no sentence that goes on with "と" or "って" (he said).
_CANDIDATE = re.compile(
    r"[.!?…。！？．｡؟۔।॥։።](?:"
    r"(?<=[.!?…])(?<![.!?…]{2})[.!?…]*+(?:[\"'”’»)\]]|\[\d{1,3}\])*+\s++(?=[^\sa-z,;:)\].!?…])"
    r"|(?<=[。！？．｡])(?<![。！？．｡]{2})[。！？．｡]*+"
    r"(?:[」』”’）】\"']++(?![とっ])|(?![」』”’）】\"']))\s*"
    r"|(?<=[؟۔।॥։።])[؟۔।॥։።]*[\"'”’»)\]]*\s*)"
)
_LONGEST_WORD = 24
_NEVER = frozenset(
    "mr mrs ms dr prof rev hon st sr messrs mme mlle gen col sgt capt lt cmdr maj gov sen rep pres "
    "e.g i.e cf vs viz al approx ca resp incl esp fig figs eq eqs ref refs vol vols no nos nr pp p "
    "ch chap sec sect art para ed eds op cit ibid dept univ mt ft tel ext est".split()
)
# These may end a sentence: they do when a word follows that usually begins one.
_SOMETIMES = frozenset(
    "inc ltd co corp bros jr etc jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu "
    "fri sat sun ave blvd rd dist hrs min sq a.m p.m u.s u.k u.n u.s.a e.u d.c ph.d m.d "
    "b.a m.a".split()
)
_ABBREVIATIONS = _NEVER | _SOMETIMES
_STARTERS = frozenset(
    "the a an this that these those he she it we they i you there here in on at as if when while "
    "after before since because although however but and so for by with from to what who why how "
    "where our his her its their my your no yes not one all some many most both each".split()
)
_NUMBERS = frozenset("no nos nr fig figs eq eqs vol vols pp p ch chap sec sect art para".split())


def sentence_ends(text: str) -> list[int]:
    """Return where sentences end in a text, white space behind them included, ascending."""
    return [
        match.end()
        for match in _CANDIDATE.finditer(text)
        if text[match.start()] not in ".!?…" or _ends(text, match.start(), match.end())
    ]


def _ends(text: str, stop: int, begin: int) -> bool:
    """Say whether the mark at ``stop`` ends a sentence, if the next starts at ``begin``."""
    if text[begin : begin + 1].islower():
        return False
    if text[stop] != "." or text[stop + 1 : stop + 2] in ".!?":
        return True
    low = max(0, stop - _LONGEST_WORD)
    words = text[low:stop].split()
    if not words or text[stop - 1].isspace():
        return True
    word = words[-1].lstrip("([{\"'“‘«")
    if len(word) == 1 and not word.isdigit():
        # "J. R. R. Tolkien", "B. cereus"; "a." numbers an item of a list.
        return not word.isalpha() or (word == "I" and _starts(text, begin))
    lower = word.lower()
    if lower in _NEVER:
        # "No." may be the word: then no number follows.
        return lower in _NUMBERS and lower == "no" and not text[begin : begin + 1].isdigit()
    if lower in _SOMETIMES or _is_dotted(word):
        return _starts(text, begin)
    if not word.replace(".", "").isdigit() or len(word) > 3 + 2 * word.count("."):
        return True
    # "1. One thing. 2. Another", "3.01. Fees": what stands where a sentence begins numbers it.
    begins = len(words) == 1 or (
        words[-2][-1] in ".!?" and words[-2][:-1].lower() not in _ABBREVIATIONS
    )
    return not (begins or "\n" in text[low:stop][-len(word) - 2 :])


def _is_dotted(word: str) -> bool:
    """Say whether a word is like "U.S" or "a.m": letters with stops between."""
    parts = word.split(".")
    return len(parts) > 1 and all(len(part) <= 2 and part.isalpha() for part in parts)


def _starts(text: str, begin: int) -> bool:
    """Say whether the word at ``begin`` usually begins a sentence."""
    following = text[begin : begin + _LONGEST_WORD].split(None, 1)
    return bool(following) and following[0].strip("\"'“‘(,").lower() in _STARTERS
