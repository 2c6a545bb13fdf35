"""Fidelity: whether a summary says only what its text says.

Every number with its unit, date, time, identifier, address, proper name and negation of a summary
is looked up in the text that the summary stands for; what is not there was invented. A reader
cannot tell an invented figure from a true one, so a sentence that holds one is not shown. What a
careful writer may do raises no alarm: another spelling, a rounded number that says "about", a year
for its decade, an acronym for a name.

The lookup is by what is said, not by where: a name or number of the text in the wrong sentence is
found. Only for negations the sentences are compared, with those of the text that have most of their
words. A sentence that the text has word for word is not looked at. Work is linear in the text.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hier.summarizers import dates, units
from hier.summarizers.language import other_language
from hier.summarizers.literals import Found, find, plain
from hier.summarizers.names import Names, invented_names

__all__ = ["Claim", "Fidelity", "check", "other_language", "repair"]

Kind = Literal["number", "unit", "date", "time", "identifier", "address", "name", "negation"]
_WORTH_SHOWING = 1 / 3  # of a summary's words, at least, after repair


@dataclass(frozen=True)
class Claim:
    """Something exact that a summary says, and where.

    Attributes:
        kind: what it is; "unit" where the number is right and what it measures is not.
        text: how the summary writes it.
        start: where it starts in the summary, in characters.
        end: where it ends.
    """

    kind: Kind
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Fidelity:
    """How faithful a summary is to its text.

    Attributes:
        invented: what the summary says and the text does not, in order.
        missing: the literals of the text that the summary leaves out, sorted.
        kept: the share of the text's literals that the summary keeps, 0 to 1; 1 if it has none.
    """

    invented: tuple[Claim, ...]
    missing: tuple[str, ...]
    kept: float


def check(summary: str, text: str) -> Fidelity:
    """Look up in a text everything exact that its summary says.

    Args:
        summary: what a model wrote.
        text: all that the summary stands for.
    """
    source = _Source(text)
    said = list(find(summary))
    invented = sorted(set(_invented(summary, said, source)), key=lambda c: (c.start, c.end))
    missing = source.literals - {found.literal for found in said}
    kept = 1 - len(missing) / len(source.literals) if source.literals else 1.0
    return Fidelity(tuple(invented), tuple(sorted(missing)), kept)


def repair(summary: str, text: str) -> str:
    """Return a summary without the sentences that hold something invented.

    It is "" where less than a third of the summary's words are left: show another summary then.
    """
    invented = check(summary, text).invented
    if not invented:
        return summary
    sentences = list(_sentences(summary))
    kept = [
        summary[start:end].strip()
        for start, end in sentences
        if not any(claim.start < end and start < claim.end for claim in invented)
    ]
    repaired = " ".join(kept)
    if len(repaired.split()) < _WORTH_SHOWING * len(summary.split()):
        return ""
    return repaired


_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+(?=[^\sa-z])|[。！？]|\n\s*")
_STOPS = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[A-Za-z]\.[A-Za-z]|mr|mrs|ms|dr|prof|st|sr|jr|gen|col|sgt|capt|lt|gov|sen"
    r"|rep|rev|hon|vs|cf|e\.g|i\.e|no|nos|fig|figs|eq|vol|pp?|ch|sec|art|approx|ca|inc|ltd|co|corp"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\Z",
    re.I,
)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the sentences of a text are; one cut too often is looked at in two parts."""
    start = 0
    for match in _END.finditer(text):
        stop = match.start()
        if text[stop] == "." and _STOPS.search(text, max(start, stop - 8), stop):
            continue
        yield start, match.end()
        start = match.end()
    if start < len(text):
        yield start, len(text)


class _Source:
    """What a text has to look claims up by, each part made when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = plain(text)
        self.found = list(find(text))
        self.literals = {found.literal for found in self.found}

    @cached_property
    def sentences(self) -> list[str]:
        return [_same(self.text[start:end]) for start, end in _sentences(self.text)]

    @cached_property
    def verbatim(self) -> set[str]:
        return set(self.sentences)

    @cached_property
    def names(self) -> Names:
        return Names(self.text)

    @cached_property
    def english(self) -> bool:
        words = re.findall(r"[a-z]+", self.text[:4000])
        return sum(word in _ENGLISH for word in words) > 0.1 * len(words)

    @cached_property
    def dates(self) -> set[dates.Date]:
        return {date._replace(start=0, end=0) for date in dates.dates(self.text)}

    @cached_property
    def quantities(self) -> dict[str, set[str]]:
        """The units of every number."""
        numbers = [found for found in self.found if found.kind == "number"]
        measured: dict[str, set[str]] = defaultdict(set)
        for quantity in units.quantities(self.text, numbers):
            for value in quantity.values:
                measured[value].add(quantity.unit)
                if quantity.shared and not quantity.unit:
                    measured[value].add(quantity.shared)
        for found in self.found:
            if found.kind == "date":
                measured[found.literal].add("")
        for value in _ORDINALS & self.names.words:
            measured[_VALUES[value]].add("")
        for match in _RANGE.finditer(self.text):  # 2019-20
            measured[match[1][:2] + match[2]].add("")
        return measured

    @cached_property
    def amounts(self) -> set[tuple[str, float]]:
        """The quantities in basic units."""
        return {
            amount
            for value, measures in self.quantities.items()
            for unit in measures
            if (amount := units.basic(value, unit))
        }

    @cached_property
    def values(self) -> list[float]:
        return [float(value) for value in self.quantities if _PLAIN.fullmatch(value)]

    @cached_property
    def scales(self) -> list[int]:
        """The powers of ten that the head of a table may multiply its numbers by."""
        return [_TABLE_SCALES[word] for word in _TABLE_SCALES if f"in {word}" in self.text.lower()]

    @cached_property
    def named_units(self) -> set[str]:
        return units.named(self.names.words, self.text)

    @cached_property
    def joined(self) -> str:
        """The text in lower case without what may join the parts of an identifier."""
        return _JOINTS.sub("", self.text.lower())


_ENGLISH = frozenset("the of and to in is was for with that by from".split())
_ORDINAL_WORDS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh
twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
""".split()
_VALUES = {word: str(number) for number, word in enumerate(_ORDINAL_WORDS, 1)}
_VALUES |= {"twice": "2", "both": "2", "pair": "2", "couple": "2", "double": "2", "dozen": "12"}
_VALUES |= {"twins": "2", "two-thirds": "3", "triple": "3", "thrice": "3", "trio": "3"}
_VALUES |= {"half": "50", "hundreds": "100", "thousands": "1000", "single": "1", "once": "1"}
_ORDINALS = _VALUES.keys()
_RANGE = re.compile(r"(?<!\d)([12]\d\d\d)[-–/](\d\d)(?!\d)")
_PLAIN = re.compile(r"\d{1,300}(?:\.\d{1,300})?")
_TABLE_SCALES = {"thousands": 3, "millions": 6, "billions": 9, "000s": 3}
_JOINTS = re.compile(r"[\s._/-]+")
_HEDGED = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|some|over|under|circa|ca\.|c\.|~|≈"
    r"|(?:more|less|fewer|greater|higher|lower|larger) than|at least|close to|just|up to|exceeding"
    r"|an estimated|estimated at|an average of)\s?[$€£¥]?\Z",
    re.I,
)


def _same(sentence: str) -> str:
    return " ".join(sentence.split())


def _invented(summary: str, said: Sequence[Found], source: _Source) -> Iterator[Claim]:
    """Yield what a summary says and the text does not."""
    summary = plain(summary)
    own = [
        (start, end)
        for start, end in _sentences(summary)
        if _same(summary[start:end]) not in source.verbatim
    ]
    if not own:
        return

    def claim(kind: Kind, start: int, end: int) -> Claim:
        return Claim(kind, summary[start:end], start, end)

    def in_own(start: int, end: int) -> bool:
        return any(start < e and s < end for s, e in own)

    dated: list[tuple[int, int]] = []
    numbers = source.quantities.keys()
    readings: dict[tuple[int, int], list[dates.Date]] = defaultdict(list)
    for date in dates.dates(summary):
        readings[date.start, date.end].append(date)
    for (start, end), read in readings.items():
        dated.append((start, end))
        each = all if _several(summary[start:end]) else any
        if in_own(start, end) and not each(
            dates.told(date, source.dates, numbers) for date in read
        ):
            yield claim("date", start, end)
    for quantity in units.quantities(summary, [f for f in said if f.kind == "number"]):
        start, end = quantity.start, quantity.end
        if in_own(start, end) and not any(s <= start < e for s, e in dated):
            kind = _wrong(quantity, summary, source)
            if kind:
                yield claim(kind, start, end)
    for found in said:
        start, end = found.start, found.end
        if found.kind not in ("number", "negation") and in_own(start, end):
            if not any(s <= start < e for s, e in dated) and not _is_told(found, summary, source):
                yield claim(found.kind, start, end)
    for start, end in invented_names(summary, source.names, english=source.english):
        if in_own(start, end):
            yield claim("name", start, end)


def _several(date: str) -> bool:
    """Whether a date is of several days, not one that can be read two ways."""
    return not re.fullmatch(r"[\d/.-]+", date)


def _wrong(quantity: units.Quantity, summary: str, source: _Source) -> Kind | None:
    """Return what is wrong with a number of a summary, None for nothing."""
    value, unit = quantity.values[0], quantity.unit
    measured: set[str] | None = None
    for reading in quantity.values:
        measured = measured or source.quantities.get(reading)
    if measured is None and any(
        value.endswith("0" * zeros) and source.quantities.get(value[:-zeros]) is not None
        for zeros in source.scales
    ):
        return None
    amount = units.basic(value, unit)
    if amount and amount in source.amounts:
        return None
    if measured is None:
        return None if _derived(quantity, summary, source) else "number"
    if not unit or unit in measured:
        return None
    if "" in measured and (unit not in units.MARKED or unit in source.named_units):
        return None
    return "unit"


def _derived(quantity: units.Quantity, summary: str, source: _Source) -> bool:
    """Say whether a number may be made of those of the text: rounded, or the decade of a year."""
    value = quantity.values[0]
    if value == "1":
        return True
    if re.fullmatch(r"[12]\d\d0s", value):
        return any(
            len(other) == 4 and other.isdecimal() and other[:3] == value[:3]
            for other in source.quantities
        ) or value[2:] in source.text
    if not _PLAIN.fullmatch(value):
        return False
    if _HEDGED.search(summary, max(0, quantity.start - 20), quantity.start):
        number = float(value)
        whole, _, fraction = value.partition(".")
        unit = 10.0 ** -len(fraction) if fraction else 10.0 ** (len(whole) - len(whole.rstrip("0")))
        return any(abs(other - number) <= unit for other in source.values)
    return False


def _is_told(found: Found, summary: str, source: _Source) -> bool:
    """Say whether the text has a literal that is no number."""
    literal = found.literal
    if literal in source.literals:
        return True
    if found.kind == "time":
        hour, _, rest = literal.partition(":")
        other = f"{(int(hour) + 12) % 24}:{rest}"
        return other in source.literals or (
            rest == "00" and {hour, str(int(hour) % 12 or 12)} & source.literals != set()
        )
    if found.kind == "identifier" and literal.isalpha():
        return literal.removesuffix("s") in source.names.words or source.names.has(
            literal, summary[found.start : found.end]
        )
    bare = _JOINTS.sub("", literal)
    return len(bare) > 2 and bare in source.joined
