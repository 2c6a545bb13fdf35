"""Feedback: what the best passages say, asked as if it had been in the question.

They stand for what is looked for (pseudo-relevance feedback; RM3, Lavrenko and Croft, 2001): the
words that they share and the question lacks name what a second step of the answer stands under.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from hier.corpus.join import Source
from hier.corpus.lexicon import Lexicon
from hier.corpus.passages import Terms
from hier.corpus.search import Asked, Hit

BELIEVED = 6  # passages that are believed
ADDED = 20  # of their words, those that are asked with
_EVERY = 3  # one hit in so many is of the second search
_SHARPNESS = 10.0  # how fast belief falls with the score


def widen(
    asked: Asked, best: Sequence[Hit], sources: Mapping[str, Source], lexicon: Lexicon
) -> Terms:
    """Return what the best passages ask for beside the question.

    Args:
        asked: the question.
        best: its best hits.
        sources: their documents.
        lexicon: which numbered the words of these.
    """
    weights: dict[str, float] = {}
    top = best[0].score if best else 0.0
    for hit in best:
        trust = float(np.exp(_SHARPNESS * (hit.score - top)))
        for stem in lexicon.stems(sources[hit.document].passage_words(hit.passage)):
            if stem not in asked.terms:
                weights[stem] = weights.get(stem, 0.0) + trust
    return weights


def interleave(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """Return the hits of two searches, of which every third is of the second."""
    hits = list(first)
    for place, hit in enumerate(second):
        hits.insert((place + 1) * _EVERY - 1, hit)
    return hits
