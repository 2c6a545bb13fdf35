"""Confidence intervals by the paired bootstrap, stratified by data set and clustered by document.

Questions about one document rise and fall together. So within each set documents are drawn with
replacement, and within each drawn document its questions (the two-stage bootstrap of Davison and
Hinkley 1997, section 3.8; with few documents a set it errs on the wide side). A set's mean is over
the questions drawn, the macro mean over sets. Every system is judged on the same draws, so a
difference between two systems is a paired one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Strata:
    """How often each question is drawn.

    Attributes:
        rows: for each set, the numbers of its questions.
        draws: for each set, how often each of them was drawn (resamples, questions), float32.
    """

    rows: tuple[np.ndarray, ...]
    draws: tuple[np.ndarray, ...]


def strata(
    sets: Sequence[str], documents: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> Strata:
    """Draw documents within sets, and questions within documents.

    Args:
        sets: the set of each question.
        documents: the document of each question; the same name in two sets is two documents.
        resamples: number of draws.
        seed: of the random generator.
    """
    random = np.random.default_rng(seed)
    members: dict[str, dict[str, list[int]]] = {}
    for row, (name, document) in enumerate(zip(sets, documents, strict=True)):
        members.setdefault(name, {}).setdefault(document, []).append(row)
    rows = tuple(np.concatenate([*held.values()]) for held in members.values())
    draws = tuple(
        _drawn([len(questions) for questions in held.values()], resamples, random)
        for held in members.values()
    )
    return Strata(rows, draws)


def _drawn(sizes: list[int], resamples: int, random: np.random.Generator) -> np.ndarray:
    """How often each question of a set's documents is drawn (resamples, questions)."""
    times = random.multinomial(len(sizes), [1 / len(sizes)] * len(sizes), resamples)
    drawn = [
        random.multinomial(times[:, number] * size, [1 / size] * size)
        for number, size in enumerate(sizes)
    ]
    return np.concatenate(drawn, axis=1).astype(np.float32)


def macro(values: np.ndarray, drawn: Strata) -> tuple[np.ndarray, np.ndarray]:
    """Macro means over sets, as measured and as resampled.

    Args:
        values: one row a question, one column a system; NaN where a measure does not apply. A set
            in which a column has no value is left out of that column's macro mean.
        drawn: the questions drawn.

    Returns:
        Means (columns,) and resampled means (resamples, columns); NaN for an empty column.
    """
    estimates, replicates = [], []
    for rows, counts in zip(drawn.rows, drawn.draws, strict=True):
        held = np.isfinite(values[rows])
        known = np.where(held, values[rows], 0)
        estimates.append(_ratio(known.sum(0), held.sum(0)))
        replicates.append(_ratio(counts @ known, counts @ held))
    return _mean(np.stack(estimates)), _mean(np.stack(replicates))


def interval(replicates: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper percentile of resampled values (resamples, columns); NaN for an empty one."""
    outside = (1 - level) / 2
    bounds = np.full((2, replicates.shape[1]), np.nan)
    held = np.isfinite(replicates).any(0)
    if held.any():
        bounds[:, held] = np.nanquantile(replicates[:, held], [outside, 1 - outside], axis=0)
    return bounds[0], bounds[1]


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is a number."""
    held = np.isfinite(values)
    return _ratio(np.where(held, values, 0).sum(0), held.sum(0))
