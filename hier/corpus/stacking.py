"""Stacking: the levels and summaries of many trees as those of one.

A lower tree's root stands for itself on the levels above it; above the highest come the documents,
and one node over all.
"""

from collections.abc import Sequence

import numpy as np

from hier.corpus.placing import Placed
from hier.retrieval.relevance import Level
from hier.summarizers.extractive import Choice

_SHORTEST = 1e-9  # a length that is as good as none, and can be divided by


def stack_levels(placed: Sequence[Placed]) -> tuple[Level, ...]:
    """Stack the levels of the documents: a lower tree's root stands for itself above it."""
    height = max(each.run.source.levels for each in placed)
    levels = [_level(placed, number) for number in range(height)]
    titles = np.unique([each.title for each in placed])
    for first_leaf in (titles, np.zeros(1, np.int64)):
        below = levels[-1]
        if len(first_leaf) < len(below.first_leaf):
            words = np.add.reduceat(below.words, np.searchsorted(below.first_leaf, first_leaf))
            # A document's own root has its length; what is above all is like nothing.
            norms = np.add.reduceat(below.norms, np.searchsorted(below.first_leaf, first_leaf))
            levels.append(Level(first_leaf, norms, words))
    return tuple(levels)


def _nodes(each: Placed, number: int) -> tuple[int, int]:
    """Return which nodes of a level of its document a run has."""
    first_leaf = each.run.source.level(number, "first_leaf")
    low = int(np.searchsorted(first_leaf, each.run.first, "right")) - 1
    return low, int(np.searchsorted(first_leaf, each.run.end))


def _level(placed: Sequence[Placed], number: int) -> Level:
    first_leaf, norms, words, vectors = [], [], [], []
    for each in placed:
        low, high = _nodes(each, number)
        source = each.run.source
        first = np.maximum(source.level(number, "first_leaf")[low:high] + each.shift, each.leaf)
        if number:
            first[0] -= each.before
        else:
            first = np.append(np.arange(each.leaf - each.before, each.leaf), first)
        before = np.zeros(0 if number else each.before, np.float32)
        first_leaf.append(first)
        norms += [before + _SHORTEST, source.level(number, "norms")[low:high]]
        words += [before, source.level(number, "words")[low:high]]
        if f"level{number}.vectors" in source.packed.arrays:
            own = source.level(number, "vectors")[low:high]
            vectors += [np.zeros((len(before), own.shape[1]), own.dtype), own]
    return Level(
        np.concatenate(first_leaf),
        np.concatenate(norms),
        np.concatenate(words),
        np.concatenate(vectors) if len(vectors) == 2 * len(placed) else None,
    )


def stack_summaries(
    placed: Sequence[Placed], first_leaves: Sequence[np.ndarray]
) -> tuple[Choice, ...]:
    """Stack the extractive summaries; above the documents it is those of all."""
    summaries: list[Choice] = []
    height = max(each.run.source.levels for each in placed)
    for number in range(1, len(first_leaves)):
        if number >= height:
            nodes = np.searchsorted(first_leaves[number - 1], first_leaves[number])
            below = summaries[-1] if summaries else _every(len(first_leaves[0]))
            offsets = np.append(below.offsets[nodes], below.offsets[-1])
            summaries.append(Choice(offsets, below.sentences))
            continue
        lengths, sentences = [], []
        for each in placed:
            offsets, chosen = _choice(each, number)
            lengths.append(np.diff(offsets))
            sentences.append(chosen)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        summaries.append(Choice(offsets, np.concatenate(sentences)))
    return tuple(summaries)


def _every(n_leaves: int) -> Choice:
    return Choice(np.arange(n_leaves + 1), np.arange(n_leaves))


def _choice(each: Placed, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the summaries of a run's nodes of a level, as far as they are in the run."""
    source, (low, high) = each.run.source, _nodes(each, number)
    top = min(number, source.levels - 1) - 1
    if top < 0:  # a single leaf is its own summary, on every level
        return np.array([0, 1]), np.array([each.leaf])
    offsets = source.packed.arrays[f"summary{top}.offsets"][low : high + 1]
    sentences = source.packed.arrays[f"summary{top}.sentences"][offsets[0] : offsets[-1]]
    inside = (sentences >= each.run.first) & (sentences < each.run.end)
    kept = np.concatenate([[0], np.cumsum(inside)])
    return kept[offsets - offsets[0]], sentences[inside] + each.shift


def stack_texts(placed: Sequence[Placed], first_leaves: Sequence[np.ndarray]) -> dict[int, str]:
    """Return what models wrote of nodes that are there as a whole, by their joined numbers."""
    begins = np.concatenate([[0], np.cumsum([len(first) for first in first_leaves])])
    texts: dict[int, str] = {}
    for each in placed:
        written = each.run.source.packed.facts["summary_texts"]
        if not written:
            continue
        place = 0
        for number in range(each.run.source.levels):
            own = each.run.source.level(number, "first_leaf")
            ends = np.append(own[1:], len(each.run.source.leaf_start) - 1)
            for node, (first, end) in enumerate(zip(own.tolist(), ends.tolist(), strict=True)):
                text = written.get(str(place + node))
                if text and each.run.first <= first and end <= each.run.end:
                    leaf = first + each.shift - (each.before if first == each.run.first else 0)
                    at = int(np.searchsorted(first_leaves[number], leaf))
                    texts[int(begins[number]) + at] = text
            place += len(own)
    return texts
