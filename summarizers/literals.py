"""Literals: what a text says exactly, and how much of it a summary keeps.

A number, a date, an identifier, an address or a negation is right or wrong; what replaces it is
another statement, however alike the two read. The share of them that a summary keeps says how far
it may stand for the text. Two spellings are one literal where a careful writer would change one
into the other: "1,234.50" and "1234.5", "two million" and "$2m", "don't" and "never". Units,
currencies, signs and per cent are dropped on both sides.

Work is linear in the text: a pattern starts where a token starts and gives nothing long back. None
crosses a blank line, so the literals of two paragraphs are those of one and those of the other.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

_REMEMBERED = 1 << 14  # texts: the questions of one tree meet the same leaves
_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ZEROS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_NUMBERS = {word: str(number) for number, word in enumerate(_ONES + _TEENS, 1)}
for _place, _ten in enumerate(_TENS, 2):
    _NUMBERS[_ten] = f"{_place}0"
    _NUMBERS |= {f"{_ten}-{one}": f"{_place}{_NUMBERS[one]}" for one in _ONES}
_NUMBERS |= {word: "1" + "0" * zeros for word, zeros in _ZEROS.items()}
_ZEROS |= {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "tn": 12}

_NEGATIONS = "not no never none neither nor without cannot nothing nobody nowhere".split()
_EXCEPTIONS = "except excepting exception exceptions excluding unless".split()
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = """january february march april may june july august september october november december
""".split()
_SHORT_MONTHS = {month[:3]: month for month in _MONTHS} | {"sept": "september"}
_WORDS = dict.fromkeys(_NEGATIONS, "not") | dict.fromkeys(_EXCEPTIONS, "except")
_WORDS |= {name: name for name in _DAYS + _MONTHS} | _SHORT_MONTHS | _NUMBERS

# Words that are literals only where this matches: not in "No. 5", "not only", "one of", "it may".
_DATED = re.compile(
    r"\w+\.?\s\d|(?:(?<=\d\s)|(?<=\d(?:st|nd|rd|th)\s)|(?<=\d(?:st|nd|rd|th)\sof\s))\w", re.I
)
_MEANT = dict.fromkeys(["march", *_SHORT_MONTHS], _DATED) | {
    "no": re.compile(r"..(?!\.\s?\d)"),
    "not": re.compile(r"...(?!\s(?:only|just|merely)\b)", re.I),
    "one": re.compile(
        r"(?<!\bno[\s-])(?<!any\s)(?<!some\s)(?<!every\s)(?<!each\s)(?<!the\s)(?<!this\s)"
        r"(?<!that\s)(?<!which\s)(?<!another\s)...(?!'|\s(?:of|another|day|can|could|may|might"
        r"|must|should|would|will|has|had|is|was|who)\b)",
        re.I,
    ),
}

_BEGINNINGS = "|".join(sorted({word[:2] for word in _WORDS}))
_TOKEN = re.compile(
    # What stands between tokens is passed over at once, and words that begin like no literal.
    rf"[\s,;()]*+(?:(?!{_BEGINNINGS})[a-z]++(?=[\s,;()])[\s,;()]++)*+"
    r"""(?:
    # A letter or a Roman numeral is a literal only as the name of a part.
    (?P<label>(?=[A-Z])(?i:section|article|chapter|appendix|annex|schedule|exhibit|clause|part)
        \s(?P<name>[IVXLC]++|[A-Z])(?!\w))
    # Most tokens: a word that nothing is joined to.
    |(?P<word>[^\W\d_]++(?:'[^\W\d_]++)?+(?![\w@]|[-+./][\w@]|://))
    |(?P<url>(?i:(?:https?|ftp)://|www\.)[^\s<>()\[\]{}"`\x80-\U0010ffff]++)
    # Only where a run starts, or a long run would be read again from each of its parts.
    |(?P<mail>(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++)
    |(?P<date>(?P<year>\d{4})[-/](?P<month>0?[1-9]|1[0-2])[-/](?P<day>0?[1-9]|[12]\d|3[01])
        (?:T(?=\d)|(?![A-Za-z0-9_])))
    |(?P<clock>(?P<hour>[01]?\d|2[0-3])(?=:[0-5]\d(?!\d)|\s?[aApP]\.?[mM]\b)
        (?::(?P<minutes>[0-5]\d(?::[0-5]\d(?!\d))?+))?+(?:\s?(?P<half>[aApP])\.?[mM]\b)?+)
    |(?P<number>
        (?:(?P<money>[$€£¥]\s?)|(?P<prefix>(?i:(?:mid|pre|post)-|(?:fig|no|vol|pp?|sec)\.|v)))?+
        (?P<digits>(?:\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3}(?!\d)){1,8}+|\d++|(?<![\w.])\.\d++)
            (?:\.\d++)*+(?:/\d++)*+(?:\([A-Za-z0-9]{1,4}\)){0,4}+)
        # "5m" is five metres, "$5m" and "5M" are five million.
        (?:(?:(?P<scale>(?(money)[kmb]|k)|[KMB]|[bmt]n)|st|nd|rd|th|[mk]?g|[ckm]?m|ms|h|hrs?|min
            |[KMGT]i?B|[kMG]?Hz|[kM]?Wh?|V|°?[CF]|mph|lbs?|oz|ft|in|px|pt|x|bps)
            (?![A-Za-z0-9_]))?+
        (?![A-Za-z0-9_]|-[A-Z]))
    |(?P<joined>\w++(?:[-./']\w++)*+)
    |.|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_SCALE = re.compile(r"[\s-](hundred|thousand|million|billion|trillion|[bmt]n)\b", re.I)
_IDENTIFIER = re.compile(r"[0-9_]|[a-z][A-Z]|[A-Z]{2}[a-z]{2}|\w\w\.[a-z]{2}")
_PART = re.compile(
    rf"(?:{'|'.join(_TENS)})-(?:{'|'.join(_ONES)})(?![a-z])|[a-z]+(?:'[a-z]+)?", re.I | re.A
)
_DIGITS = re.compile(r"\d+(?:\.\d+)*")
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")
_GROUPING = re.compile(r"[,\u00a0\u2009\u202f]")
_LEADING_ZEROS = re.compile(r"(?<![\w.])0+(?=\d)")
# "Section 3.10" is not "Section 3.1", as "$3.10" is "$3.1".
_LABELLED = re.compile(
    r"(?:§|\b(?:sections?|sec\.|articles?|chapter|clauses?|paragraph|version|release))\s?\Z", re.I
)

_DATES = frozenset(_DAYS + _MONTHS)
Kind = Literal["number", "date", "time", "identifier", "address", "negation"]


class Found(NamedTuple):
    """A literal where it stands.

    Attributes:
        literal: its one spelling.
        kind: what it is; a date's year and day are numbers unless it is written as 2024-03-05.
        start: where it starts, in characters.
        end: where it ends, with the words that multiply it: "two million".
    """

    literal: str
    kind: Kind
    start: int
    end: int


@lru_cache(maxsize=_REMEMBERED)
def literals(text: str) -> frozenset[str]:
    """Return the distinct literals of a text, normalised.

    They are numbers, amounts, dates by their parts, times, identifiers, addresses, references,
    and whether anything is negated ("not") or excepted ("except").
    """
    return frozenset(found.literal for found in find(text))


def share_kept(wanted: frozenset[str], found: frozenset[str]) -> float:
    """Return the share of a text's literals that are among a summary's; 1 if it has none."""
    return len(wanted & found) / len(wanted) if wanted else 1.0


def plain(text: str) -> str:
    """Return a text of the same length with ASCII apostrophes and digits."""
    if text.isascii():
        return text
    text = text.replace("’", "'").replace("ʼ", "'")
    return _FOREIGN_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def find(text: str) -> Iterator[Found]:
    """Yield the literals of a text in the order they stand, repeated ones too."""
    text = plain(text)
    done = 0  # where the last literal ended: "two hundred thousand" is one
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is None or match.start(kind) < done:
            continue
        token = match[kind]
        if kind == "word":
            if token.islower() and token.isalpha() and token not in _WORDS:
                continue  # most are
            start = match.start(kind)
            literal, done = _word(text, start, token)
            if literal:
                yield Found(literal, _kind(literal), start, done)
        elif kind == "number":
            zeros, done = _ZEROS[match["scale"].lower()] if match["scale"] else 0, match.end()
            if not zeros:
                zeros, done = _zeros(text, done)
            start = match.start(kind)
            exact = match["prefix"] or _LABELLED.search(text, max(0, start - 12), start)
            yield Found(_number(match["digits"], zeros, exact=bool(exact)), "number", start, done)
        elif kind == "joined":
            for found in _joined(text, match.start(kind), token):
                yield found
                done = found.end
        elif kind == "date":
            for part in ("year", "month", "day"):
                literal = match[part].lstrip("0") if part != "year" else match[part]
                literal = _MONTHS[int(literal) - 1] if part == "month" else literal
                yield Found(literal, "date", *match.span(part))
        elif kind == "clock":
            hour = int(match["hour"])
            if match["half"]:
                hour = hour % 12 + 12 * (match["half"] in "pP")
            yield Found(f"{hour}:{match['minutes'] or '00'}", "time", *match.span(kind))
        elif kind == "label":
            yield Found(match["name"].lower(), "identifier", *match.span("name"))
        else:
            bare = token.lower().rpartition("://")[2].removeprefix("www.").rstrip(".,;:!?'*_/")
            if bare:
                yield Found(bare, "address", *match.span(kind))


def _kind(literal: str) -> Kind:
    """What a word is that is a literal."""
    if literal in ("not", "except"):
        return "negation"
    if literal in _DATES:
        return "date"
    return "number" if literal.isdecimal() else "identifier"


def _word(text: str, start: int, word: str) -> tuple[str, int]:
    """Return the literal that a word is, or "", and where it ends."""
    lower = word.lower()
    end = start + len(word)
    if lower.endswith("n't"):
        return "not", end
    lower = lower.partition("'")[0]
    literal = _WORDS.get(lower, "")
    if not literal:
        return (lower if not word[1:].islower() and _IDENTIFIER.search(word) else ""), end
    if lower in _MEANT and not _MEANT[lower].match(text, start):
        return "", end
    if lower in _NUMBERS:
        zeros, end = _zeros(text, end)
        literal += "0" * zeros
    return literal, end


def _joined(text: str, start: int, run: str) -> Iterator[Found]:
    """The literals of a run of letters and digits and what may join them."""
    end = start + len(run)
    if not run.isascii():  # a script without spaces: only numbers stand out
        for digits in _DIGITS.finditer(run):
            yield Found(_number(digits[0], 0), "number", start + digits.start(), end)
        return
    bare = run.partition("'")[0].strip("_")
    if _IDENTIFIER.search(bare):
        yield Found(bare.lower(), "identifier", start, end)
        return
    done = start
    for part in _PART.finditer(text, start, end):
        if part.start() >= done:
            literal, done = _word(text, part.start(), part[0])
            if literal:
                yield Found(literal, _kind(literal), part.start(), done)


def _number(digits: str, zeros: int, *, exact: bool = False) -> str:
    """Return a number's one spelling, times a power of ten; an exact one keeps its last zeros."""
    digits = _GROUPING.sub("", digits)
    whole, _, fraction = digits.partition(".")
    if not f"0{whole}{fraction}".isdecimal():  # a version, a fraction, a reference: 4(b)
        return _LEADING_ZEROS.sub("", digits.lower())
    whole = (whole + fraction[:zeros].ljust(zeros, "0")).lstrip("0") or "0"
    fraction = fraction[zeros:] if exact else fraction[zeros:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _zeros(text: str, end: int) -> tuple[int, int]:
    """Return how many zeros the words after a number stand for, and where they end."""
    zeros = 0
    while match := _SCALE.match(text, end):
        zeros += _ZEROS.get(match[1].lower(), 0)
        end = match.end()
    return zeros, end
