"""What a context is worth: small values, each of which scores one context and prints as its name.

``EvidenceRecall(512)`` is the measure, ``EvidenceRecall@512`` its name in every table and file, and
``.of(case)`` its value for one context, or None where it does not apply: a question without
evidence has no evidence recall. Means over questions, documents and sets are made in ``scores.py``.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean
from typing import Any

import data

_FUNCTION_WORDS = """
a about above after again against all also am an and any are as at be because been before
being below between both but by can cannot could did do does doing down during each either
else few for from further get had has have having he her here hers herself him himself his how
i if in into is it its itself just may me might more most must my myself no nor not of off on
once only or other our ours ourselves out over own s same shall she should so some such t than
that the their theirs them themselves then there these they this those through to too under
until up upon us very was we were what when where which while who whom whose why will with
would you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
_YES_OR_NO = {"yes", "no", "true", "false"}
# A word, a number or an identifier with what may stand inside it: 3.14, 12:30, F-16, snake_case.
_LITERAL = re.compile(r"\w+(?:[.,:/@&'’-]\w+)*")
_POSSESSIVE = ("'s", "’s")


@dataclass(frozen=True)
class Case:
    """One context, beside what it should hold.

    Attributes:
        document: the whole text.
        question: what was asked, with its evidence, answers or references.
        budget: tokens allowed.
        text: the context, all of it.
        spans: the characters of the document that stand in it word for word.
        tokens: tokens of the text.
        source_tokens: tokens of the document.
    """

    document: data.Document
    question: data.Question
    budget: int
    text: str
    spans: tuple[data.Span, ...]
    tokens: int
    source_tokens: int


@dataclass(frozen=True, repr=False)
class Measure(ABC):
    """A measure at a budget of tokens."""

    budget: int

    def __repr__(self) -> str:
        """Its name, such as ``EvidenceRecall@512``."""
        return f"{type(self).__name__}@{self.budget}"

    @abstractmethod
    def of(self, case: Case) -> float | None:
        """Value for one context of this budget; None where the measure does not apply."""


class EvidenceRecall(Measure):
    """Share of the evidence's characters inside the context's verbatim spans."""

    def of(self, case: Case) -> float | None:
        """Value from 0 to 1; None without evidence."""
        if not case.question.evidence:
            return None
        return data.covered(case.question.evidence, case.spans)


class AnswerRecall(Measure):
    """Whether an answer stands in the context: case, punctuation and articles aside."""

    def of(self, case: Case) -> float | None:
        """Value 0 or 1; None where no answer is quoted from the document, or it is yes or no."""
        answers = [normalised(answer) for answer in case.question.answers]
        source = _normalised_document(case.document.text)
        quoted = [a for a in answers if a.strip() and a.strip() not in _YES_OR_NO and a in source]
        if not quoted:
            return None
        text = normalised(case.text)
        return float(any(answer in text for answer in quoted))


class LiteralRecall(Measure):
    """Share of the evidence's distinct numbers, dates, names and identifiers in the context."""

    def of(self, case: Case) -> float | None:
        """Value from 0 to 1; None where the evidence has no literal."""
        wanted = _literals(case.document.text, case.question.evidence)
        if not wanted:
            return None
        found = {_bare(match[0]) for match in _LITERAL.finditer(case.text)}
        return len(wanted & found) / len(wanted)


class ReferenceRecall(Measure):
    """Share of a reference's distinct content words that occur in the context."""

    def of(self, case: Case) -> float | None:
        """Mean over references, 0 to 1; None without references."""
        references = _references(case)
        if not references:
            return None
        return fmean(content_word_recall(r, case.text) for r in references)


class Rouge1Recall(Measure):
    """Share of a reference's words in the context, counted with repeats (Lin 2004)."""

    def of(self, case: Case) -> float | None:
        """Mean over references, 0 to 1; None without references."""
        return _rouge("rouge1", case)


class Rouge2Recall(Measure):
    """Share of a reference's pairs of words in the context, counted with repeats (Lin 2004)."""

    def of(self, case: Case) -> float | None:
        """Mean over references, 0 to 1; None without references."""
        return _rouge("rouge2", case)


class BudgetUsed(Measure):
    """Tokens of the context, as a share of the budget; above 1 is over it."""

    def of(self, case: Case) -> float | None:
        """Value from 0 up."""
        return case.tokens / self.budget


class TokensSaved(Measure):
    """Share of the document's tokens that a model need not read."""

    def of(self, case: Case) -> float | None:
        """Value up to 1; None for an empty document."""
        return 1 - case.tokens / case.source_tokens if case.source_tokens else None


class Overshoot(Measure):
    """Tokens over the budget."""

    def of(self, case: Case) -> float | None:
        """Whole tokens, 0 when the budget was kept."""
        return float(max(0, case.tokens - self.budget))


MEASURES: tuple[type[Measure], ...] = (
    EvidenceRecall,
    AnswerRecall,
    LiteralRecall,
    ReferenceRecall,
    Rouge1Recall,
    Rouge2Recall,
    BudgetUsed,
    TokensSaved,
    Overshoot,
)
# What counts, as 0, for a context that a system failed to make.
RECALLS = tuple(m for m in MEASURES if m.__name__.endswith("Recall"))


def values(case: Case, kinds: Sequence[type[Measure]] = MEASURES) -> dict[str, float]:
    """Every measure that applies to a context, by name."""
    made = ((measure, measure.of(case)) for measure in (kind(case.budget) for kind in kinds))
    return {repr(measure): value for measure, value in made if value is not None}


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, as the rouge-score package tokenises."""
    return re.findall(r"[a-z0-9]+", text.lower())


def content_word_recall(reference: str, text: str) -> float:
    """Share of the reference's distinct content words that occur in the text."""
    wanted = set(words(reference)) - FUNCTION_WORDS
    return len(wanted & set(words(text))) / len(wanted) if wanted else 0.0


def normalised(text: str) -> str:
    """Words in lower case between single spaces, articles left out; a space at either end."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = (word for word in re.findall(r"\w+", plain) if word not in ("a", "an", "the"))
    return f" {' '.join(kept)} "


@lru_cache(maxsize=4)
def _normalised_document(text: str) -> str:
    return normalised(text)


@lru_cache(maxsize=64)
def _literals(text: str, evidence: tuple[data.Span, ...]) -> frozenset[str]:
    return frozenset(word for start, end in evidence for word in literals(text, start, end))


def literals(text: str, start: int, end: int) -> Iterator[str]:
    """The numbers, dates, names and identifiers of a span of a text.

    That is every word with a digit, an underscore or a capital after a small letter, and every
    capitalised word that does not open a sentence, a line or a quotation.
    """
    for match in _LITERAL.finditer(text, start, end):
        word = _bare(match[0])
        odd = any(c.isdigit() or c == "_" for c in word) or re.search(r"[a-z][A-Z]", word)
        named = len(word) > 1 and word[0].isupper() and not _opens(text, match.start())
        if odd or named:
            yield word


def _bare(word: str) -> str:
    return word[:-2] if word.endswith(_POSSESSIVE) else word


def _opens(text: str, start: int) -> bool:
    """Whether a sentence, a line or a quotation begins here."""
    before = text[max(0, start - 20) : start].rstrip(" \t")
    return not before or before[-1] in ".!?:;\n\r\"“”‘'([*•-–—|#>"


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2"], use_stemmer=False)


@lru_cache(maxsize=16)
def _rouge_recalls(reference: str, text: str) -> dict[str, float]:
    return {kind: score.recall for kind, score in _scorer().score(reference, text).items()}


def _rouge(kind: str, case: Case) -> float | None:
    references = _references(case)
    return fmean(_rouge_recalls(r, case.text)[kind] for r in references) if references else None


def _references(case: Case) -> tuple[str, ...]:
    """References of an overview: a question with evidence is judged by that."""
    return () if case.question.evidence else case.question.references
