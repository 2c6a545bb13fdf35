"""Dates: a day with its month and its year, in whatever order they are written.

The parts of a date may all stand in a text and the date not: "3 May 1998 and 5 June 1999" tells of
no third of June. A part that is not written may be any. "03/05/1999" is read both ways; both days
of "3 to 5 May" are in May, and both months of "May and June 1999" in that year.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

_MONTHS = """january february march april may june july august september october november december
""".split()
_MONTH_OF = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh
twenty-eighth twenty-ninth thirtieth thirty-first""".split()
_DAY_OF = {name: number for number, name in enumerate(_ORDINALS, 1)}

_MONTH = (
    rf"(?:(?:{'|'.join(_MONTHS)})(?![^\W_])"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)(?![^\W_])\.?)"
)
_ORDINAL = rf"(?:{'|'.join(reversed(_ORDINALS))})(?![^\W_])"
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?![\w%]|[.,]\d)|{_ORDINAL})"
_JOIN = r"(?:\s?(?:,|-|–|—|&|/)\s?(?:and\s|the\s)?|\s(?:to|and|or|until|through)\s(?:the\s)?)"
_DAYS = rf"{_DAY}(?:{_JOIN}{_DAY}){{0,5}}"
_YEAR = r"(?:,|\sof|\sin)?[\s-]{{1,2}}(?P<{}>\d{{4}})(?!\d)"
# Most words are none of these, and that is quick to see.
_PREFIX = (
    r"(?:\d|jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec"
    r"|fir|sec|thi|fou|fif|six|sev|eig|nin|ten|ele|twe)"
)
_DATE = re.compile(
    rf"""(?<![\w.,/-])(?={_PREFIX})(?:
    (?P<iso>(?P<y0>\d{{4}})[-/.](?P<m0>\d{{1,2}})[-/.](?P<d0>\d{{1,2}}))(?!\w)
    |(?P<slashed>(?P<a>\d{{1,2}})(?P<bar>[-/.])(?P<b>\d{{1,2}})(?P=bar)(?P<c>\d{{4}}|\d\d))(?![\w/-])
    |(?P<days1>{_DAYS})(?:\s(?:day\s)?(?:of\s)?|-)(?P<m1>{_MONTH})(?:{_YEAR.format("y1")})?
    |(?P<m2>{_MONTH})
        (?:[\s-](?:the\s)?(?P<days2>{_DAYS})(?:{_YEAR.format("y2")})?|{_YEAR.format("y3")})?+
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_PART = re.compile(rf"\d{{1,2}}|{_ORDINAL}", re.I)
_BETWEEN = re.compile(rf"{_JOIN}", re.I)


class Date(NamedTuple):
    """A date where it stands; 0 for a part that is not written.

    Attributes:
        day: 1 to 31.
        month: 1 to 12.
        year: four digits, or the last two.
        start: where it starts.
        end: where it ends.
    """

    day: int
    month: int
    year: int
    start: int
    end: int


def dates(text: str) -> Iterator[Date]:
    """Yield the dates of a text that name a month; one that can be read two ways is two."""
    before: list[Date] = []  # months without a year that the next date may give one
    for match in _DATE.finditer(text):
        found = list(_read(match))
        if before and not (
            found and _BETWEEN.fullmatch(text, before[-1].end, min(found[0].start, len(text)))
        ):
            yield from before
            before = []
        if before and found[0].year:
            yield from (date._replace(year=found[0].year) for date in before)
            before = []
        if found and not found[0].year:
            before += found
        else:
            yield from found
    yield from before


def _read(match: re.Match[str]) -> Iterator[Date]:
    """The dates that a match is: several days of a month, or two readings of 03/05/1999."""
    span = match.span()
    if match["iso"]:
        yield from _valid(int(match["d0"]), int(match["m0"]), int(match["y0"]), span)
    elif match["slashed"]:
        a, b, c = int(match["a"]), int(match["b"]), int(match["c"])
        yield from _valid(a, b, c, span)
        if a != b:
            yield from _valid(b, a, c, span)
    else:
        name = match["m1"] or match["m2"]
        year = int(match["y1"] or match["y2"] or match["y3"] or 0)
        days = match["days1"] or match["days2"] or ""
        # "may" and "march" are verbs, "second" is a time.
        if name.lower() in ("may", "march", "mar") and name.islower() and not (days and year):
            return
        if not days and not year and ((len(name) == 3 and name != "May") or name.islower()):
            return
        month = _MONTH_OF[name[:3].lower()]
        for part in _PART.findall(days) or ["0"]:
            day = int(part) if part.isdecimal() else _DAY_OF[part.lower()]
            if day <= 31:
                yield Date(day, month, year, *span)


def _valid(day: int, month: int, year: int, span: tuple[int, int]) -> Iterator[Date]:
    if 1 <= day <= 31 and 1 <= month <= 12:
        yield Date(day, month, year, *span)


class Dates:
    """The dates of a text, to be asked whether it tells of one.

    Args:
        dates: its dates.
        numbers: its numbers, for the years and days that stand apart from their month.
    """

    def __init__(self, dates: Iterable[Date], numbers: Collection[str]) -> None:
        self._numbers = numbers
        self._of_month: dict[int, set[tuple[int, int]]] = defaultdict(set)
        for date in dates:
            self._of_month[date.month].add((date.day, date.year))

    def tell_of(self, date: Date) -> bool:
        """Say whether the text has a date, what either leaves out being any."""
        return any(
            (not date.day or day == date.day or (not day and str(date.day) in self._numbers))
            and (
                not date.year
                or _is_year(date.year, year)
                or (not year and str(date.year) in self._numbers)
            )
            for day, year in self._of_month.get(date.month, ())
        )


def _is_year(year: int, other: int) -> bool:
    short = 0 < min(year, other) < 100  # 99 for 1999
    return year == other or (short and year % 100 == other % 100)
