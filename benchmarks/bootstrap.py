"""Confidence intervals by the paired cluster bootstrap, stratified by data set.

Questions about one document rise and fall together, so documents are what is resampled: within
each set, as many as it has, with replacement, each with all its questions (Davison and Hinkley
1997, section 3.8; Field and Welsh 2007). A set's mean is over the questions drawn, the macro mean
over sets. Every system is judged on the same draws, so a difference between two is a paired one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Strata:
    """How often each document is drawn.

    Attributes:
        sets: for each set, the rows (questions) of each of its documents.
        draws: for each set, counts (resamples, documents).
    """

    sets: tuple[tuple[np.ndarray, ...], ...]
    draws: tuple[np.ndarray, ...]


def strata(
    sets: Sequence[str], documents: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> Strata:
    """Draw documents within sets.

    Args:
        sets: the set of each question.
        documents: the document of each question; the same name in two sets is two documents.
        resamples: number of draws.
        seed: of the random generator.
    """
    random = np.random.default_rng(seed)
    rows: dict[str, dict[str, list[int]]] = {}
    for row, (name, document) in enumerate(zip(sets, documents, strict=True)):
        rows.setdefault(name, {}).setdefault(document, []).append(row)
    made = tuple(tuple(np.array(r) for r in members.values()) for members in rows.values())
    draws = tuple(
        random.multinomial(len(members), [1 / len(members)] * len(members), resamples)
        for members in made
    )
    return Strata(made, draws)


def macro(values: np.ndarray, drawn: Strata) -> tuple[np.ndarray, np.ndarray]:
    """Macro means over sets, as measured and as resampled.

    Args:
        values: one row a question, one column a system; NaN where a measure does not apply. A set
            in which a column has no value is left out of that column's macro mean.
        drawn: the documents drawn.

    Returns:
        Means (columns,) and resampled means (resamples, columns); NaN for an empty column.
    """
    estimates, replicates = [], []
    for members, counts in zip(drawn.sets, drawn.draws, strict=True):
        held = np.stack([np.isfinite(values[rows]).sum(0) for rows in members])
        sums = np.stack([np.nansum(values[rows], axis=0) for rows in members])
        estimates.append(_ratio(sums.sum(0), held.sum(0)))
        replicates.append(_ratio(counts @ sums, counts @ held))
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
