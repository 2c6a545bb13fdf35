"""Units: what the numbers of a text measure.

A unit is one of a closed list, in its one spelling: "kilometres" and "km" are "km". A number that
stands with another shares its unit: both numbers of "5 to 10 %" are per cent, both amounts of "$5
or 6 million" are dollars, and the first may be five million. Amounts that are the same time, mass
or length in two units are equal: "two years" and "24 months".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hier.summarizers.literals import Found

# One spelling, the others, and where it is exact how many of a basic unit it is; units of one kind
# stand together.
_TABLE = """
%: percent, per cent, pct, percentage point, percentage points, percent points, percentage
$: dollar, dollars, usd, bucks
€: euro, euros, eur
£: pound, pounds, gbp, lb, lbs, pounds sterling
¥: yen, jpy
rupee: rupees, inr, rs
ruble: rubles, rouble, roubles
franc: francs, chf
yuan: rmb, cny
peso: pesos
krone: kroner, krona, kronor, sek, nok, dkk
cent: cents

mm: millimeter, millimeters, millimetre, millimetres = 0.001 metre
cm: centimeter, centimeters, centimetre, centimetres = 0.01 metre
m: meter, meters, metre, metres = 1 metre
km: kilometer, kilometers, kilometre, kilometres, kms = 1000 metre
inch: inches = 1 inch
foot: feet, ft = 12 inch
yard: yards, yd, yds = 36 inch
mile: miles, mi
light year: light years

mg: milligram, milligrams = 0.001 gram
g: gram, grams = 1 gram
kg: kilogram, kilograms, kilo, kilos, kgs = 1000 gram
ton: tons, tonne, tonnes
ounce: ounces, oz

ml: milliliter, milliliters, millilitre, millilitres = 0.001 litre
l: liter, liters, litre, litres = 1 litre
gallon: gallons
barrel: barrels, bbl

acre: acres
hectare: hectares, ha

ms: millisecond, milliseconds = 0.001 second
second: seconds, sec, secs, s = 1 second
minute: minutes, min, mins = 60 second
hour: hours, hr, hrs, h = 3600 second
day: days = 86400 second
week: weeks = 604800 second
month: months = 1 month
quarter: quarters
year: years, yr, yrs = 12 month
decade: decades = 120 month
century: centuries = 1200 month

°c: ℃, degrees celsius, degrees c, degrees centigrade, °celsius
°f: ℉, degrees fahrenheit, degrees f
degree: degrees, °

bit: bits
byte: bytes
kb: kilobyte, kilobytes, kib
mb: megabyte, megabytes, mib
gb: gigabyte, gigabytes, gib
tb: terabyte, terabytes, tib

hz: hertz
khz: kilohertz
mhz: megahertz
ghz: gigahertz

watt: watts
kw: kilowatt, kilowatts
mw: megawatt, megawatts
gw: gigawatt, gigawatts
kwh: kilowatt hour, kilowatt hours
volt: volts

mph: miles per hour, miles an hour
km/h: kph, kmh, kilometers per hour, kilometres per hour, kilometers an hour

db: decibel, decibels
"""
_SPELLED: dict[str, str] = {}
_SIZES: dict[str, tuple[str, float]] = {}
_KINDS: dict[str, int] = {}
for _kind, _group in enumerate(_TABLE.strip().split("\n\n")):
    for _line in _group.splitlines():
        _unit, _, _rest = _line.partition(": ")
        _rest, _, _size = _rest.partition(" = ")
        _SPELLED |= dict.fromkeys([_unit, *_rest.split(", ")], _unit)
        _KINDS[_unit] = _kind
        if _size:
            _SIZES[_unit] = _size.split()[1], float(_size.split()[0])

_SEVERAL = "|".join(sorted((s.replace(" ", "[ -]") for s in _SPELLED if " " in s), reverse=True))
_BEHIND = re.compile(
    rf"[\s-]?(?:(?:square|cubic)[ -])?({_SEVERAL}|[%$€£¥℃℉]|°[CF]?|[^\W\d_]{{1,12}}(?:/h)?)"
    r"(?![^\W_])",
    re.I,
)
_SIGNS = {"$": "$", "€": "€", "£": "£", "¥": "¥", "₹": "rupee", "₽": "ruble"}
_BEFORE = re.compile(r"(?:[$€£¥₹₽]|\b(?:USD|EUR|GBP|CHF|JPY|INR|RMB|CNY|Rs\.?))\s?\Z")
_ATTACHED = re.compile(r"\d(?P<unit>[^\W\d_°]{1,4}|°[CF]?)\Z")
_BETWEEN = re.compile(
    r"\s?(?:,|/|-|–|—|×|,?\s?(?:to|and|or|by|x|through|until|versus|vs\.?|than))?\s?", re.I
)
_SCALE = re.compile(r"(?:[\d\s-])(hundred|thousand|million|billion|trillion|[kmbKMB]|[bmt]n)\Z")
_ZEROS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12} | {
    "k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "tn": 12,
}  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """A number and what it measures.

    Attributes:
        values: the number, and that times ten to what multiplies the number it stands with.
        unit: the unit at it, "" for none.
        shared: the unit of the numbers it stands with, "" for none.
        start: where the number starts, a sign of currency included.
        end: where the number ends, or the unit behind it.
    """

    values: tuple[str, ...]
    unit: str
    shared: str
    start: int
    end: int


def quantities(text: str, numbers: Sequence[Found]) -> list[Quantity]:
    """Return the numbers of a text, in order, with their units."""
    found: list[Quantity] = []
    scales: list[int] = []
    for number in numbers:
        unit, start, end, zeros = _read(text, number)
        found.append(Quantity((number.literal,), unit, "", start, end))
        scales.append(zeros)
    for i in range(len(found) - 2, -1, -1):
        one, other = found[i], found[i + 1]
        if not _BETWEEN.fullmatch(text, one.end, min(other.start, one.end + 16)):
            continue
        if other.start > one.end + 16:
            continue
        values = one.values
        if scales[i + 1] and not scales[i] and (not one.unit or other.unit in ("", one.unit)):
            values += (values[0] + "0" * scales[i + 1],) if values[0].isdecimal() else ()
            scales[i] = scales[i + 1]
        found[i] = replace(one, values=values, shared=other.unit or other.shared)
        if one.unit and not other.unit and not other.shared:
            found[i + 1] = replace(other, shared=one.unit)
    return found


def _read(text: str, number: Found) -> tuple[str, int, int, int]:
    """Return a number's unit, where the two start and end, and the zeros that multiply it."""
    start, end = number.start, number.end
    scale = _SCALE.search(text, max(start - 1, end - 12), end)
    signed = _SIGNS.get(text[start], "")
    if not signed and (before := _BEFORE.search(text, max(0, start - 4), start)):
        sign = before[0].strip().lower().rstrip(".")
        signed, start = _SIGNS.get(sign) or _SPELLED[sign], before.start()
    zeros = _ZEROS[scale[1].lower()] if scale else 0
    attached = _ATTACHED.search(text, start, end)
    if attached and attached["unit"].lower() in _SPELLED and (attached["unit"] == "m" or not zeros):
        unit = _SPELLED[attached["unit"].lower()]
        if not signed:
            return unit, start, end, 0
    if signed:
        return signed, start, end, zeros
    behind = _BEHIND.match(text, end)
    if behind and (unit := _unit_of(behind[1])):
        return unit, start, behind.end(), zeros
    return "", start, end, zeros


def _unit_of(word: str) -> str:
    """Return the unit that a word behind a number is, or "": "5 M" and "3 a" are none."""
    lower = word.lower().replace("-", " ")
    return _SPELLED.get(lower, "") if len(word) > 1 or word in "%$€£¥℃℉°hgml" else ""


def basic(value: str, unit: str) -> tuple[str, float] | None:
    """Return an amount in its basic unit, or None where it has none."""
    if unit not in _SIZES or not value.replace(".", "", 1).isdecimal():
        return None
    dimension, size = _SIZES[unit]
    return dimension, round(float(value[:30]) * size, 6)


def alike(unit: str, other: str) -> bool:
    """Say whether two units measure the same: a number with one of them has not the other."""
    return _KINDS.get(unit, -1) == _KINDS.get(other, -2)


def named(words: set[str], text: str) -> set[str]:
    """Return the units that a text names or signs anywhere, as the head of a table does.

    Args:
        words: the words of the text in lower case.
        text: the text.
    """
    units = {_SPELLED[word] for word in words & _SPELLED.keys()}
    return units | {sign for sign in "%$€£¥" if sign in text}
