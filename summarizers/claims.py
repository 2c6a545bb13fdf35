"""Claims: what a summary says exactly, each looked up in the text it stands for.

A claim is a number with its unit, a date, a time, an identifier, an address or a proper name. What
a careful writer may do is allowed: another spelling or unit, a rounded number that says "about", a
decade for its years, a surname, an acronym for a name. The lookup is by what is said, not by where:
a name or number that the text has elsewhere passes.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hier.summarizers import dates, units
from hier.summarizers.literals import Found, find, plain
from hier.summarizers.names import Names, find_names, is_ordinary

Kind = Literal["number", "unit", "date", "time", "identifier", "address", "name", "negation"]
Spans = list[tuple[int, int]]


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


_ENGLISH = frozenset("the of and to in is was for with that by from".split())
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()
_ORDINAL_OF = {word: str(number) for number, word in enumerate(_ORDINALS, 1)}
_TWO = frozenset("both pair couple double twice twin twins duo".split())
_RANGE = re.compile(r"(?<!\d)([12]\d)(\d\d)[-–/](\d\d)(?!\d)")
_PLAIN = re.compile(r"\d{1,300}(?:\.\d{1,300})?")
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)\b")
_SURROUNDED = re.compile(r"(?<!\w)__([a-z]{2,40})__(?!\w)")  # a name of Python, or emphasis
_DECADE = re.compile(r"(?:[12]\d)?(\d)0s")
_TABLE_SCALES = {"thousands": 3, "millions": 6, "billions": 9, "000s": 3}
_GOES_ON = re.compile(r"[^\W_]|[.,]\d|\s?%")
_GOES_ON_BEFORE = re.compile(r"[^\W_]\Z|\d[.,]\Z|[$€£¥-]\Z")
_JOINTS = re.compile(r"[\s._/-]+")
_HEDGED = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|some|circa|ca\.|c\.|~|≈|close to"
    r"|(?P<above>over|(?:more|greater|higher) than|at least|exceeding|above)"
    r"|(?P<below>under|(?:less|fewer|lower) than|up to|below)"
    r"|an estimated|estimated at|an average of)\s?[$€£¥]?\Z",
    re.I,
)


_VAGUE = re.compile(r"\b(?:several|few|many|some|couple(?: of)?|countless) \Z", re.I)


class Source:
    """What a text has to look claims up by; a part is made when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = plain(text)
        self.found = list(find(text))
        self.literals = {found.literal for found in self.found}

    @cached_property
    def names(self) -> Names:
        """Its words and names."""
        return Names(self.text)

    @cached_property
    def english(self) -> bool:
        """Whether it is in English, where only names have capitals."""
        words = re.findall(r"[a-z]+", self.text[:4000])
        return sum(word in _ENGLISH for word in words) > 0.1 * len(words)

    @cached_property
    def _dates(self) -> list[dates.Date]:
        return list(dates.dates(self.text))

    @cached_property
    def dates(self) -> dates.Dates:
        """Its dates."""
        return dates.Dates(self._dates, self.quantities.keys())

    @cached_property
    def quantities(self) -> dict[str, set[str]]:
        """The units of every number: "" for none, "date" in one, "th" where it only counts up."""
        numbers = [found for found in self.found if found.kind == "number"]
        measured: dict[str, set[str]] = defaultdict(set)
        inside = within([(date.start, date.end) for date in self._dates])
        for quantity in units.quantities(self.text, numbers):
            unit = quantity.unit
            if inside(quantity.start, quantity.start + 1):
                unit = "date"
            elif _ORDINAL.search(self.text, quantity.start, quantity.end):
                unit = "th"
            for value in quantity.values:
                measured[value].add(unit)
                if quantity.shared and not quantity.unit:
                    measured[value].add(quantity.shared)
        for found in self.found:
            if found.kind == "date":
                measured[found.literal].add("date")
        for word in _ORDINAL_OF.keys() & self.names.words:
            measured[_ORDINAL_OF[word]].add("th")
        if _TWO & self.names.words:
            measured["2"].add("th")
        for match in _RANGE.finditer(self.text):  # 2019-20
            measured[match[1] + match[3]].add("date")
        return dict(measured)

    @cached_property
    def written(self) -> set[str]:
        """The numbers that it writes in digits, but those that only count up: "3rd"."""
        numbers = (found for found in self.found if found.kind == "number")
        return {found.literal for found in numbers if self.text[found.end - 1].isdigit()}

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
        """Its numbers."""
        return [float(value) for value in self.quantities if _PLAIN.fullmatch(value)]

    @cached_property
    def scales(self) -> list[int]:
        """The powers of ten that the head of a table may multiply its numbers by."""
        lower = self.text.lower()
        return [zeros for word, zeros in _TABLE_SCALES.items() if f"in {word}" in lower]

    @cached_property
    def units(self) -> set[str]:
        """The units that it names anywhere."""
        return units.named(self.names.words, self.text)

    @cached_property
    def _flat(self) -> str:
        return " ".join(self.text.split())

    @cached_property
    def _flat_lower(self) -> str:
        return self._flat.lower()

    @cached_property
    def _joined(self) -> str:
        return _JOINTS.sub("", self.text.lower())

    def quotes(self, words: str) -> bool:
        """Say whether the text has these words as they stand, but for capitals."""
        return _stands(" ".join(words.lower().split()), self._flat_lower)

    def quotes_sentence(self, sentence: str) -> bool:
        """Say whether the text has a sentence, letter by letter."""
        return _stands(" ".join(plain(sentence).split()), self._flat)

    def joins(self, identifier: str) -> bool:
        """Say whether the text has an identifier, with anything or nothing between its parts."""
        bare = _JOINTS.sub("", identifier)
        return len(bare) > 2 and bare in self._joined


def _stands(wanted: str, text: str) -> bool:
    """Say whether a string stands in a text, and not as a part of a word or number."""
    place = text.find(wanted) if wanted else -1
    for _ in range(8):  # a string that stands nowhere whole is not looked for for ever
        if place < 0:
            return False
        end = place + len(wanted)
        if not (_GOES_ON.match(text, end) and wanted[-1].isalnum()) and not _GOES_ON_BEFORE.search(
            text, max(0, place - 2), place
        ):
            return True
        place = text.find(wanted, place + 1)
    return False


def within(spans: Spans) -> Callable[[int, int], bool]:
    """Return a function that says whether a span meets one of these, which do not overlap."""
    spans = sorted(set(spans))
    starts = [start for start, _ in spans]

    def meets(start: int, end: int) -> bool:
        last = bisect_right(starts, end - 1) - 1
        return last >= 0 and spans[last][1] > start

    return meets


def claims(summary: str, said: list[Found], source: Source) -> Iterator[tuple[Claim, bool]]:
    """Yield what a summary says, and whether the text says it."""
    summary = plain(summary)

    def verdict(kind: Kind, start: int, end: int, told: bool) -> tuple[Claim, bool]:
        text = summary[start:end]
        return Claim(kind, text, start, end), told or (kind != "number" and source.quotes(text))

    readings: dict[tuple[int, int], list[dates.Date]] = defaultdict(list)
    for date in dates.dates(summary):
        readings[date.start, date.end].append(date)
    dated = within(list(readings))
    for (start, end), read in readings.items():
        each = any if re.fullmatch(r"[\d/.-]+", summary[start:end]) else all
        yield verdict("date", start, end, each(source.dates.tell_of(date) for date in read))
    numbers = [found for found in said if found.kind == "number"]
    for quantity in units.quantities(summary, numbers):
        start, end = quantity.start, quantity.end
        if not dated(start, start + 1):
            wrong = _wrong(quantity, summary, source)
            yield verdict(wrong or "number", start, end, wrong is None)
    for found in said:
        start, end = found.start, found.end
        if found.kind not in ("number", "negation") and not dated(start, start + 1):
            yield verdict(found.kind, start, end, _is_told(found, summary, source))
    for match in _SURROUNDED.finditer(summary):
        told = match[1] in source.names.words or is_ordinary(match[1])
        yield verdict("identifier", *match.span(), told)
    exact = within([(f.start, f.end) for f in said if f.kind in ("identifier", "address")])
    for start, end, told in find_names(summary, source.names, english=source.english):
        if not exact(start, end):
            yield verdict("name", start, end, told)


def _wrong(quantity: units.Quantity, summary: str, source: Source) -> Kind | None:
    """Return what is wrong with a number of a summary, None for nothing."""
    value, unit = quantity.values[0], quantity.unit
    if not unit and not source.written.isdisjoint(quantity.values):
        return None  # as most are: nothing else of the text needs to be read
    measured = next(
        (source.quantities[v] for v in quantity.values if v in source.quantities), set()
    )
    ordinal = _ORDINAL.search(summary, quantity.start, quantity.end)
    spelled = summary[quantity.start].isalpha()
    if measured == {"th"} and not (ordinal or (spelled and value == "2")):
        measured = set()
    if not measured:
        return None if _derived(quantity, summary, source) else "number"
    if not unit or ordinal or unit in measured or units.basic(value, unit) in source.amounts:
        return None
    if any(units.alike(unit, other) for other in measured):
        return "unit"
    bare = "" in measured or (measured == {"date"} and unit == "year")
    return None if bare and unit in source.units else "unit"


def _derived(quantity: units.Quantity, summary: str, source: Source) -> bool:
    """Say whether a number may be made of those of the text."""
    value, unit = quantity.values[0], quantity.unit
    if units.basic(value, unit) in source.amounts and unit:
        return True
    before = summary[max(0, quantity.start - 20) : quantity.start]
    if summary[quantity.start].isalpha() and (value == "1" or _VAGUE.search(before)):
        return True
    if unit == "century":  # the 20th has the years from 1900
        century = f"{int(value) - 1:02}" if value.isdecimal() and len(value) < 3 else "-"
        return any(len(year) in (4, 5) and year.startswith(century) for year in source.literals)
    if any(_divided(value, zeros) in source.quantities for zeros in source.scales):
        return True
    if not _PLAIN.fullmatch(value):
        return False
    hedge = _HEDGED.search(before)
    if not hedge:
        return False
    whole, _, fraction = value.partition(".")
    step = 10.0 ** -len(fraction) if fraction else 10.0 ** (len(whole) - len(whole.rstrip("0")))
    above = 0.0 if hedge["below"] else step * (0.99 if hedge["above"] else 0.5)
    below = 0.0 if hedge["above"] else step * (0.99 if hedge["below"] else 0.5)
    return any(-below <= other - float(value) <= above for other in source.values)


def _divided(value: str, zeros: int) -> str:
    """Return a whole number divided by a power of ten."""
    whole, fraction = value[:-zeros] or "0", value[-zeros:].rjust(zeros, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _is_told(found: Found, summary: str, source: Source) -> bool:
    """Say whether the text has a literal that is no number."""
    literal = found.literal
    if literal in source.literals:
        return True
    if found.kind == "time":
        hour, _, rest = literal.partition(":")
        other = f"{(int(hour) + 12) % 24}:{rest}"
        return other in source.literals or (
            rest == "00" and not source.literals.isdisjoint({hour, str(int(hour) % 12 or 12)})
        )
    if decade := _DECADE.fullmatch(literal):
        century = literal[:2] if len(literal) == 5 else ""
        return f"{decade[1]}0s" in source.literals or any(
            len(value) == 4 and value[2] == decade[1] and value.startswith(century)
            for value in source.quantities
        )
    if found.kind == "identifier" and literal.isalpha():
        return source.names.has(literal, summary[found.start : found.end])
    return source.joins(literal)
