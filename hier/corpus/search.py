"""Search: the passages of a corpus where an answer may stand, and so its candidate documents.

The nearest passages by vector and the best by BM25 are looked at; each counts for its cosine and
its BM25 score together, weighted as in relevance (``retrieval/relevance.py``). A second round also
asks with the rare words of the first one's best passages (RM3; Lavrenko and Croft, 2001): where a
question is answered in two steps, they name the second.

Parts of a corpus are searched apart and put together: what is found is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hier.corpus.passages import Passages, Statistics, Terms
from hier.retrieval.index import stem_words
from hier.retrieval.relevance import DEFAULT
from hier.retrieval.words import find_words

LISTED = 500  # passages that each of the two measures may name
WHOLE = 1000  # leaves of a document that is looked at as a whole
SPARE = 16  # more that are asked for: an index rounds in its own way


@dataclass(frozen=True)
class Asked:
    """A question as a corpus is searched with it.

    Attributes:
        terms: its stems, and how much each counts.
        vector: its unit vector, float32 (dimensions,); None to go by words alone.
        named: the passages of each document that another index names; None to look for them here.
    """

    terms: Terms
    vector: np.ndarray | None
    named: Mapping[str, Sequence[int]] | None = None


class Hit(NamedTuple):
    """A passage that was found.

    Attributes:
        document: its document.
        passage: its number there.
        cosine: with the question.
        lexical: its share of BM25.
        first: the first leaf of what is to be looked at: the document, or of a long one a chapter.
        end: the leaf behind the last.
    """

    document: str
    passage: int
    cosine: float
    lexical: float
    first: int
    end: int

    @property
    def score(self) -> float:
        """What it counts for."""
        return DEFAULT.dense * self.cosine + DEFAULT.lexical * self.lexical


def terms_of(text: str) -> Terms:
    """Return the stems of a text, in order of appearance, and how often it has each."""
    words = find_words(text)
    stems = stem_words(words.vocabulary)
    terms: Terms = {}
    for word in words.word.tolist():
        terms[stems[word]] = terms.get(stems[word], 0) + 1
    return terms


def find(
    passages: Passages,
    documents: Sequence[str],
    asked: Asked,
    known: Statistics,
    allowed: np.ndarray | None = None,
) -> list[Hit]:
    """Return the hits in one part of a corpus.

    Args:
        passages: the part's index.
        documents: the names of its documents.
        asked: the question.
        known: statistics of the whole corpus for its stems.
        allowed: which documents may be found, bool (documents,); None for all.
    """
    if not len(passages):
        return []
    mask = None if allowed is None else passages.mask(allowed)
    lexical = passages.lexical(asked.terms, known)
    if mask is not None:
        lexical[~mask] = 0
    some = _best(lexical)
    if asked.vector is not None:
        if asked.named is None:
            near = np.sort(passages.nearest(asked.vector, LISTED + SPARE, mask))
        else:
            near = _numbers(passages, documents, asked.named)
        order = np.argsort(-passages.cosines(asked.vector, near), kind="stable")
        some = np.union1d(some, near[order[:LISTED]])
        cosines = passages.cosines(asked.vector, some)
    else:
        cosines = np.zeros(len(some))
    document = np.searchsorted(passages.first, some, "right") - 1
    first, end = _parts(passages, some, document)
    numbers = (some - passages.first[document], cosines, lexical[some], first, end)
    rows = zip(document.tolist(), *(array.tolist() for array in numbers), strict=True)
    return [Hit(documents[number], *rest) for number, *rest in rows]


def _numbers(
    passages: Passages, documents: Sequence[str], named: Mapping[str, Sequence[int]]
) -> np.ndarray:
    """Return the numbers of passages that are named by document, int64, ascending."""
    first = passages.first.tolist()
    own = [
        first[number] + passage
        for number, name in enumerate(documents)
        for passage in named.get(name, ())
    ]
    return np.array(sorted(own), np.int64)


def _parts(
    passages: Passages, some: np.ndarray, document: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is to be looked at around some passages: leaves of their documents, int64 each.

    It is all of a short document, and the passage's chapter of a long one.
    """
    before = passages.leaves_before
    begin, stop = passages.first[document], passages.first[document + 1]
    short = before[stop] - before[begin] <= WHOLE
    low = np.where(short, begin, passages.chapter_bounds[0][some])
    high = np.where(short, stop, passages.chapter_bounds[1][some])
    return before[low] - before[begin], before[high] - before[begin]


def _best(scores: np.ndarray) -> np.ndarray:
    """Return the passages with the best scores above 0, of equal ones the first."""
    k = min(LISTED, len(scores))
    edge = max(float(np.partition(scores, len(scores) - k)[len(scores) - k]), 1e-300)
    above, equal = np.flatnonzero(scores > edge), np.flatnonzero(scores == edge)
    return np.sort(np.append(above, equal[: k - len(above)]))


def merge(parts: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Put the hits of all parts together, the best first: those that one search would give."""
    hits = [hit for part in parts for hit in part]

    def best(measure: int) -> list[Hit]:
        ordered = sorted(hits, key=lambda hit: (-float(hit[measure]), hit[:2]))
        return [hit for hit in ordered[:LISTED] if measure == 2 or hit.lexical > 0]

    listed = {*best(2), *best(3)}
    return sorted(listed, key=lambda hit: (-hit.score, hit[:2]))
