"""Fidelity: whether a summary says only what its text says.

Every number with its unit, date, time, identifier, address, proper name and negation of a summary
is looked up in the text that the summary stands for; what is not there was invented. A reader
cannot tell an invented figure from a true one, so a sentence that holds one is not shown. What a
careful writer may do raises no alarm: another spelling, a rounded number that says "about", a year
for its decade, an acronym for a name.

The lookup is by what is said, not by where: a name or number that the text has elsewhere
passes. Only for negations are sentences compared, with those of the text that have most of their
words. A sentence that the text has word for word is not looked at. Work is linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hier.summarizers.claims import Claim, Source, claims, within
from hier.summarizers.language import other_language
from hier.summarizers.literals import find
from hier.summarizers.negations import Denials

__all__ = ["Claim", "Fidelity", "check", "other_language", "repair"]

_WORTH_SHOWING = 1 / 3  # of a summary's words, at least, after repair


@dataclass(frozen=True)
class Fidelity:
    """How faithful a summary is to its text.

    Attributes:
        invented: what the summary says and the text does not, in order.
        said: how many exact things the summary says, invented or not.
        literals: the literals of the text.
        missing: the literals of the text that the summary leaves out, sorted.
        kept: the share of the text's literals that the summary keeps, 0 to 1; 1 if it has none.
    """

    invented: tuple[Claim, ...]
    said: int
    literals: frozenset[str]
    missing: tuple[str, ...]
    kept: float


def check(summary: str, text: str) -> Fidelity:
    """Look up in a text everything exact that its summary says.

    Args:
        summary: what a model wrote.
        text: all that the summary stands for.
    """
    source = Source(text)
    literals = list(find(summary))
    said = dict(claims(summary, literals, source))
    own = [
        (start, end)
        for start, end in _sentences(summary)
        if not source.quotes_sentence(summary[start:end])
    ]
    is_own = within(own)
    false = [c for c, told in said.items() if not told and is_own(c.start, c.end)]
    if own:
        denials = Denials([text[start:end] for start, end in _sentences(text)])
        for start, end in own:
            for s, e in denials.wrong(summary[start:end]):
                word = summary[start + s : start + e]
                false.append(Claim("negation", word, start + s, start + e))
    false.sort(key=lambda claim: (claim.start, claim.end))
    missing = source.literals - {found.literal for found in literals}
    kept = 1 - len(missing) / len(source.literals) if source.literals else 1.0
    told = frozenset(source.literals)
    return Fidelity(tuple(false), len(said), told, tuple(sorted(missing)), kept)


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


_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+(?=[^\sa-z])|[。！？]|\n\s*\n\s*")
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
