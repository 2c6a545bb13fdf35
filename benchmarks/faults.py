"""Faults for summaries, and rewordings that are none.

All of this is made by rules of its own, none of them those of the check that it measures, so that
both can be wrong in different places. A fault is planted only where it can be told: the number,
date or name that is put in stands nowhere in the text.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MONTHS = """January February March April May June July August September October November December
""".split()
_MONTH = "|".join(MONTHS)
_WORDS = "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty".split()
_VALUES = dict(zip(_WORDS, "2 3 4 5 6 7 8 9 10 11 12 15 20 30".split(), strict=True))
_NUMBER = re.compile(r"(?<![\w.,:/$€£-])\d{1,3}(?:(?:,\d{3})+|\d*)(?:\.\d+)?(?![\w/:-]|[.,]\d)")
_NUMBER_WORD = re.compile(rf"(?<!-)\b(?:{'|'.join(_WORDS)})\b(?!-)")
_YEAR = re.compile(r"(?<![\w.,:/-])(?:1[6-9]|20)\d\d(?![\w/:-]|[.,]\d)")
_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}}) (?P<m1>{_MONTH})|(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}}))\b"
    r"(?:,? (?P<y>\d{4}))?"
)
_MONTH_YEAR = re.compile(rf"\b(?P<m>{_MONTH}) (?P<y>\d{{4}})\b")
_SENTENCE = re.compile(r"(?<=[a-z0-9)\"][.!?])\s+(?=[A-Z])")
_CAPITAL = re.compile(r"\b[A-Z][a-z]{2,}\b")
_INSIDE = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b")
# Names to plant, of people, places and organisations; those of the last line are words as well.
NAMES = """
Anderson Bergman Castillo Dimitrov Eriksson Ferrari Gonzalez Hashimoto Ivanov Jankowski Kowalski
Lindberg Morales Nakamura Okonkwo Petrov Quintana Rodriguez Schneider Takahashi Ulrich Vasquez
Weber Yamamoto Zimmerman Browning Sanders Rogers Mohammed Douglas Fleming Stephenson McCarthy
Abigail Benjamin Charlotte Dominic Eleanor Frederick Giulia Henrietta Isabella Jonathan Katharina
Leonardo Margaret Nathaniel Octavia Patrick Rosalind Sebastian Theodora Vincent Winifred
Argentina Belgium Cambodia Denmark Ethiopia Finland Guatemala Hungary Indonesia Jamaica Kenya
Lithuania Morocco Nigeria Pakistan Romania Senegal Thailand Uruguay Vietnam Zimbabwe
Amsterdam Barcelona Chicago Dortmund Edinburgh Florence Geneva Helsinki Istanbul Johannesburg
Kathmandu Liverpool Melbourne Naples Oslo Prague Quebec Rotterdam Stockholm Toronto Utrecht Vienna
Microsoft Toyota Siemens Nestlé Volkswagen Unilever Samsung Pfizer Lufthansa Heineken
Brown Green Stone Hill Grant Bush Apple Shell Turkey Jordan Orange Banks
""".split()
_UNITS = {
    "%": " dollars", "percent": "kilograms", "per cent": "kilograms", "years": "months",
    "months": "weeks", "days": "years", "hours": "days", "minutes": "hours", "weeks": "days",
    "km": "miles", "miles": "metres", "kilometers": "miles", "meters": "feet", "feet": "inches",
    "kg": "tonnes", "mg": "litres", "ml": "mg", "dollars": "euros", "pounds": "euros",
    "acres": "miles", "bytes": "bits",
}  # fmt: skip
_UNIT = re.compile(
    r"(?<![\w.,])\d[\d,.]*( ?(?:%)|[ -](?:" + "|".join(u for u in _UNITS if u != "%") + r")\b)"
)
_CURRENCY = re.compile(r"[$€£](?=\d)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[\w./-]+\w|\b[\w.]+@[\w.]+\w")
_IDENTIFIER = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\d_])\w*[A-Za-z0-9][\w-]*\w\b")
_NEGATED = re.compile(r"\b(?:(?<=is|as|re|ot|ld|an|ll|do|es|id|ay|st|ve) not|(?<=\w)n't)\b")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|will|can|may|could|should|would|must)\b(?! not|n't)")


@dataclass(frozen=True)
class Fault:
    """A summary with one fault.

    Attributes:
        kind: what was made wrong.
        summary: the faulty summary.
        start: where the fault starts, in both summaries.
        end: where it ends in the faulty summary.
        was_end: where what it replaced ends in the clean one.
    """

    kind: str
    summary: str
    start: int
    end: int
    was_end: int


def sentences(text: str) -> list[str]:
    """The sentences of a passage, of 5 words or more, line breaks made spaces."""
    parts = _SENTENCE.split(" ".join(text.split()))
    return [part for part in parts if len(part.split()) >= 5]


# Rewordings that keep what a sentence says


def _spell(match: re.Match[str]) -> str:
    back = {value: word for word, value in _VALUES.items()}
    return back.get(match[0], match[0])


def _value(match: re.Match[str]) -> str:
    return _VALUES[match[0]]


_REWORDINGS: tuple[Callable[[str], str], ...] = (
    lambda s: re.sub(r"(\d) ?%", r"\1 percent", s),
    lambda s: re.sub(r"\b(\d+) (?:per cent|percent)\b", r"\1%", s),
    lambda s: re.sub(rf"(?<=[a-z] )(?:{'|'.join(_WORDS)})(?= [a-z]{{4}})", _value, s),
    lambda s: re.sub(r"(?<=[a-z] )(?:[2-9]|1[0-2])(?= [a-z]{4})", _spell, s),
    lambda s: re.sub(r"(?<![\d,])(\d{1,3}),(\d{3})(?![\d,])", r"\1\2", s),
    lambda s: re.sub(r"(?<![\d,])(\d{1,3}),000,000(?![\d,])", r"\1 million", s),
    lambda s: re.sub(r"\$(\d+(?:\.\d+)?) (million|billion)", r"\1 \2 dollars", s),
    lambda s: re.sub(rf"\b({_MONTH}) (\d{{1,2}}), (\d{{4}})", r"\2 \1 \3", s),
    lambda s: re.sub(rf"\b(\d{{1,2}}) ({_MONTH}) (\d{{4}})", r"\2 \1, \3", s),
    lambda s: re.sub(rf"\b(\d{{1,2}}) ({_MONTH})\b(?! \d)", r"the \1th of \2", s),
    lambda s: re.sub(r"\b(?!ca|wo|sha)([a-z]+)n't ", r"\1 not ", s),
    lambda s: s.replace("cannot ", "can not "),
    lambda s: re.sub(r" \([^()]*\)", "", s),
    lambda s: re.sub(
        r"^(?:However|Moreover|Also|Then|Thus|Therefore), (\w)", lambda m: m[1].upper(), s
    ),
    lambda s: re.sub(r", (?:which|who|where|while|although|because) [^,.]*(?=\.$)", "", s),
    lambda s: re.sub(r"\b(?:Mr|Mrs|Ms|Dr)\. (?=[A-Z])", "", s),
    lambda s: re.sub(r"(?<=[a-z] )[A-Z][a-z]+ ([A-Z][a-z]+)(?= (?:was|is|had|has)\b)", r"\1", s),
    lambda s: f"According to the text: {s}",
    lambda s: f"Additionally, the authors note this: {s}",
    lambda s: re.sub(r"\b([A-Z][a-z]{3,}) (?:was|is) ", r"\1's role: ", s, count=1),
    lambda s: s.rstrip(".") + ", the authors say.",
    lambda s: s.replace(" because ", " since ").replace(" but ", " yet ").replace(" also ", " "),
    lambda s: s.replace(" large ", " big ").replace(" began ", " started "),
)


def reword(sentence: str, random_: random.Random) -> str:
    """A sentence after four random changes, of those that change it, that keep what it says."""
    changes = list(_REWORDINGS)
    random_.shuffle(changes)
    changed = 0
    for change in changes:
        other = change(sentence)
        if other != sentence:
            sentence, changed = other, changed + 1
        if changed == 4:
            break
    return sentence


# Faults


def plant(summary: str, text: str, random_: random.Random) -> Iterator[Fault]:
    """Plant one fault of every kind that the summary has a place for."""
    lower = text.lower()
    makers = (
        _number, _number_word, _day, _month, _year, _name, _name_of_the_text, _unit,
        _dropped_negation, _added_negation, _identifier, _address,
    )  # fmt: skip
    for make in makers:
        found = make(summary, text, lower, random_)
        if found is not None:
            kind, start, end, new = found
            faulty = summary[:start] + new + summary[end:]
            yield Fault(kind, faulty, start, start + len(new), end)


Made = tuple[str, int, int, str] | None


def _pick(pattern: re.Pattern[str], summary: str, random_: random.Random) -> re.Match[str] | None:
    places = list(pattern.finditer(summary))
    return random_.choice(places) if places else None


def _stands(value: str, lower: str) -> bool:
    """Whether a number or word stands in a text in any of the plain spellings."""
    spellings = {value, value.replace(",", "")}
    if value.isdecimal() and len(value) > 3:
        spellings.add(f"{int(value):,}")
    spellings |= {word for word, number in _VALUES.items() if number == value}
    return any(re.search(rf"(?<![\w.,]){re.escape(s)}(?![\w])", lower) for s in spellings)


def _dated(summary: str, start: int, end: int) -> bool:
    return any(
        m.start() < end and start < m.end()
        for pattern in (_DATE, _MONTH_YEAR)
        for m in pattern.finditer(summary)
    )


def _number(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_NUMBER, summary, r)
    if match is None or _dated(summary, *match.span()) or _YEAR.fullmatch(match[0]):
        return None
    for _ in range(20):
        digits = list(match[0])
        places = [i for i, c in enumerate(digits) if c.isdecimal()]
        place = r.choice(places)
        first = place == places[0]
        digits[place] = r.choice([c for c in "123456789" if c != digits[place]])
        new = "".join(digits)
        if first and len(places) == 1 and r.random() < 0.5:
            new = str(r.randrange(11, 99))
        if new != match[0] and not _stands(new, lower):
            return "number", match.start(), match.end(), new
    return None


def _number_word(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_NUMBER_WORD, summary, r)
    fresh = [word for word in _WORDS if not _stands(_VALUES[word], lower)]
    if match is None or not fresh:
        return None
    return "number word", match.start(), match.end(), r.choice(fresh)


def _date(match: re.Match[str]) -> tuple[int, str, str]:
    return int(match["d1"] or match["d2"]), match["m1"] or match["m2"], match["y"] or ""


def _known_dates(text: str) -> set[tuple[int, str]]:
    return {_date(m)[:2] for m in _DATE.finditer(text)}


def _day(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_DATE, summary, r)
    if match is None:
        return None
    day, month, _ = _date(match)
    known = _known_dates(text)
    new = r.choice([d for d in range(1, 29) if d != day and (d, month) not in known])
    group = "d1" if match["d1"] else "d2"
    return "day", match.start(group), match.end(group), str(new)


def _month(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_DATE, summary, r)
    if match is None:
        match = _pick(_MONTH_YEAR, summary, r)
        if match is None:
            return None
        other = [m for m in MONTHS if f"{m} {match['y']}" not in text and m[:3] != match["m"][:3]]
        other = [m for m in other if not re.search(rf"{m}[^.]{{0,12}}{match['y']}", text)]
        return ("month", *match.span("m"), r.choice(other)) if other else None
    day, month, _ = _date(match)
    known = _known_dates(text)
    new = r.choice([m for m in MONTHS if m != month and (day, m) not in known])
    return ("month", *match.span("m1" if match["m1"] else "m2"), new)


def _year(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_YEAR, summary, r)
    if match is None:
        return None
    new = [str(int(match[0]) + step) for step in (-11, -7, -3, -1, 1, 2, 4, 9)]
    new = [year for year in new if year not in lower and f"-{year[2:]}" not in lower]
    return ("year", *match.span(), r.choice(new)) if new else None


def _names(summary: str, text: str, lower: str) -> list[re.Match[str]]:
    """The words of a summary that the text has inside sentences with a capital, never small."""
    inside = set(_INSIDE.findall(text))
    return [
        m
        for m in _CAPITAL.finditer(summary)
        if m[0] in inside and m[0] not in MONTHS and not re.search(rf"\b{m[0].lower()}\b", text)
    ]


def _name(summary: str, text: str, lower: str, r: random.Random) -> Made:
    places = _names(summary, text, lower)
    if not places:
        return None
    match = r.choice(places)
    for _ in range(20):
        new = r.choice(NAMES)
        if new[:4].lower() not in lower:
            return "name", match.start(), match.end(), new
    return None


def _name_of_the_text(summary: str, text: str, lower: str, r: random.Random) -> Made:
    places = _names(summary, text, lower)
    others = sorted({m[0] for m in _names(text, text, lower)} - {m[0] for m in places})
    if not places or not others:
        return None
    match = r.choice(places)
    return "name of the text", match.start(), match.end(), r.choice(others)


def _unit(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_CURRENCY, summary, r)
    if match is not None and r.random() < 0.5:
        new = r.choice([sign for sign in "$€£" if sign != match[0]])
        return None if new in text else ("unit", match.start(), match.end(), new)
    match = _pick(_UNIT, summary, r)
    if match is None:
        return None
    old = match[1].strip(" -")
    start = match.end(1) - len(old)
    new = _UNITS[old]
    value = match[0][: -len(match[1])]
    if re.search(rf"(?<![\d.,]){re.escape(value)}[ -]{new.strip()}", text):
        return None
    return "unit", start, match.end(1), new


def _dropped_negation(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_NEGATED, summary, r)
    if match is None:
        return None
    sentence = summary.find(".", match.end())
    end = sentence + 1 if sentence > 0 else len(summary)
    # What is left of the sentence is where the flag may stand.
    return "dropped negation", match.start(), end, summary[match.end() : end]


def _added_negation(summary: str, text: str, lower: str, r: random.Random) -> Made:
    match = _pick(_AUXILIARY, summary, r)
    return ("added negation", match.start(), match.end(), f"{match[0]} not") if match else None


def _identifier(summary: str, text: str, lower: str, r: random.Random) -> Made:
    return _changed("identifier", _pick(_IDENTIFIER, summary, r), lower, r)


def _address(summary: str, text: str, lower: str, r: random.Random) -> Made:
    return _changed("address", _pick(_ADDRESS, summary, r), lower, r)


def _changed(kind: str, match: re.Match[str] | None, lower: str, r: random.Random) -> Made:
    """A letter or digit of it replaced by another."""
    if match is None or re.fullmatch(r"\d+(?:st|nd|rd|th|s)", match[0]):
        return None
    place = r.choice([i for i, c in enumerate(match[0]) if c.isalnum()][len(match[0]) // 3 :])
    old = match[0][place]
    letters = "0123456789" if old.isdecimal() else "bdfgkmprtvz"
    new = match[0][:place] + r.choice([c for c in letters if c != old.lower()])
    new += match[0][place + 1 :]
    return None if new.lower() in lower else (kind, match.start(), match.end(), new)
