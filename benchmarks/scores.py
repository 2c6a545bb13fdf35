"""From scores to figures: macro means, intervals, what the baseline needs, and what went wrong.

All systems are set side by side over the same questions, one row a question. A mean is over a set's
questions, a macro mean over sets; differences and ratios are taken to the baseline that was given
the same embedder, on the same resampled documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import bootstrap
import contest
import data
import economy
import embedding
import environment
import measures
import numpy as np
import schedule

Figures = dict[str, Any]
COMPARED = ("EvidenceRecall", "AnswerRecall", "LiteralRecall", "ReferenceRecall")


@dataclass(frozen=True)
class Board:
    """Every system's values over the same questions.

    Attributes:
        outcomes: of the systems that ran, in their order.
        questions: set, document and id of each question.
        resamples: draws of the bootstrap.
    """

    outcomes: tuple[schedule.Outcome, ...]
    questions: tuple[tuple[str, str, str], ...]
    resamples: int = bootstrap.RESAMPLES

    @cached_property
    def drawn(self) -> bootstrap.Strata:
        """The resampled documents, the same for everything that is compared."""
        sets, documents, _ = zip(*self.questions, strict=True)
        return bootstrap.strata(sets, documents, self.resamples, environment.SEED)

    @cached_property
    def rows(self) -> list[dict[tuple[str, str, str], dict[str, float]]]:
        """By system, the values of each question."""
        return [
            {(s.dataset, s.doc_id, s.question): s.values for t in o.tallies for s in t.scores}
            for o in self.outcomes
        ]

    def values(self, measure: str) -> np.ndarray:
        """One measure of all systems (questions, systems); NaN where it does not apply."""
        nothing: dict[str, float] = {}
        return np.array(
            [
                [rows.get(question, nothing).get(measure, np.nan) for rows in self.rows]
                for question in self.questions
            ]
        ).reshape(len(self.questions), len(self.outcomes))


def summarise(
    outcomes: Sequence[schedule.Outcome],
    documents: Sequence[data.Document],
    budgets: Sequence[int],
    resamples: int = bootstrap.RESAMPLES,
) -> Figures:
    """All figures of a run, ready for JSON."""
    board = board_of(outcomes, documents, resamples)
    largest = sorted({b for o in board.outcomes for b in o.budgets})
    figures = {o.system.name: _facts(o) for o in board.outcomes}
    curves: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = {}
    for kind in measures.MEASURES:
        for budget in largest:
            values = board.values(repr(kind(budget)))
            if np.isfinite(values).any():
                means, replicates = bootstrap.macro(values, board.drawn)
                _enter(figures, repr(kind(budget)), means, replicates, board, values)
                if kind.__name__ in COMPARED:
                    curves.setdefault(kind.__name__, {})[budget] = means, replicates
    for kind_name, curve in curves.items():
        _compare(figures, kind_name, curve, board, budgets)
    return {
        "budgets": list(budgets),
        "resamples": resamples,
        "suite": _suite(documents),
        "systems": figures,
        "not_run": {o.system.name: o.missing for o in outcomes if o.missing is not None},
    }


def board_of(
    outcomes: Sequence[schedule.Outcome],
    documents: Sequence[data.Document],
    resamples: int = bootstrap.RESAMPLES,
) -> Board:
    """The systems that ran, over all questions of the suite."""
    questions = ((d.dataset, d.doc_id, q.id) for d in documents for q in d.questions)
    ran = tuple(o for o in outcomes if o.missing is None and o.tallies)
    return Board(ran, tuple(dict.fromkeys(questions)), resamples)


def _suite(documents: Sequence[data.Document]) -> Figures:
    """How many documents and questions of each set."""
    names: dict[str, set[str]] = {}
    counted: Figures = {}
    for document in documents:
        names.setdefault(document.dataset, set()).add(document.doc_id)
        held = counted.setdefault(document.dataset, {"documents": 0, "evidence": 0, "overview": 0})
        held["documents"] = len(names[document.dataset])
        for question in document.questions:
            held["evidence" if question.evidence else "overview"] += 1
    return counted


def _facts(outcome: schedule.Outcome) -> Figures:
    """What is known of a system beside its scores."""
    system, tallies = outcome.system, outcome.tallies
    return {
        "rule": system.rule,
        "package": system.package,
        "version": tallies[0].run.version,
        "embedder": schedule.embedder(system),
        "ours": system.package == "hier-context",
        "baseline": None,
        "model_tokens": _mean([t.model_tokens for t in tallies if not t.run.failure]),
        "overshoots": _overshoots(tallies),
        "disowned_spans": sum(t.disowned for t in tallies),
        "failures": [
            {"set": t.run.dataset, "document": t.run.doc_id, "message": t.run.failure}
            for t in tallies
            if t.run.failure is not None
        ],
        "macro": {},
        "sets": {},
    }


def _overshoots(tallies: Sequence[contest.Tally]) -> Figures:
    over = [
        value
        for tally in tallies
        for score in tally.scores
        for name, value in score.values.items()
        if name.startswith("Overshoot@") and value > 0
    ]
    return {"contexts": len(over), "most_tokens": max(over, default=0)}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _enter(
    figures: Figures,
    measure: str,
    means: np.ndarray,
    replicates: np.ndarray,
    board: Board,
    values: np.ndarray,
) -> None:
    """Enter a measure's macro mean with its interval, and the means of the sets."""
    low, high = bootstrap.interval(replicates)
    sets = np.array([name for name, _, _ in board.questions])
    for column, outcome in enumerate(board.outcomes):
        entry = figures[outcome.system.name]
        if not np.isfinite(means[column]):
            continue
        entry["macro"][measure] = [float(v[column]) for v in (means, low, high)]
        if not measure.partition("@")[0].endswith("Recall"):
            continue
        for name in dict.fromkeys(sets):
            own = values[sets == name, column]
            if np.isfinite(own).any():
                entry["sets"].setdefault(str(name), {})[measure] = float(np.nanmean(own))


def _compare(
    figures: Figures,
    kind: str,
    curve: dict[int, tuple[np.ndarray, np.ndarray]],
    board: Board,
    budgets: Sequence[int],
) -> None:
    """Set every system beside the baseline of its embedder."""
    for column, outcome in enumerate(board.outcomes):
        base = baseline(board.outcomes, outcome)
        if base is None:
            continue
        entry = figures[outcome.system.name]
        entry["baseline"] = board.outcomes[base].system.name
        against = entry.setdefault("against", {})
        for budget in budgets:
            means, replicates = curve[budget]
            if not np.isfinite(means[[column, base]]).all():
                continue
            against[f"{kind}@{budget}"] = _beside(means, replicates, column, base)
            if kind == "EvidenceRecall":
                measure = economy.TokenEconomy(budget)
                against[repr(measure)] = _economy(measure, curve, column, base, board)


def baseline(outcomes: Sequence[schedule.Outcome], outcome: schedule.Outcome) -> int | None:
    """Number of the baseline with the same embedder, or the static one for a system without any.

    None for a baseline, and where none ran.
    """
    if schedule.is_baseline(outcome.system):
        return None
    wanted = schedule.embedder(outcome.system) or embedding.STATIC
    for number, other in enumerate(outcomes):
        if schedule.is_baseline(other.system) and schedule.embedder(other.system) == wanted:
            return number
    return None


def _beside(means: np.ndarray, replicates: np.ndarray, column: int, base: int) -> Figures:
    found: Figures = {}
    ours, theirs = replicates[:, column], replicates[:, base]
    pairs = (("difference", np.subtract), ("ratio", np.divide))
    for name, compare in pairs:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(compare(means[column], means[base]))
            (low,), (high,) = bootstrap.interval(compare(ours, theirs)[:, None])
        kept = [value, float(low), float(high)]
        found[name] = kept if np.isfinite(kept).all() else None
    return found


def _economy(
    measure: economy.TokenEconomy,
    curve: dict[int, tuple[np.ndarray, np.ndarray]],
    column: int,
    base: int,
    board: Board,
) -> Figures:
    """Token economy with its interval; a bound stays one in the interval."""
    tried = board.outcomes[base].budgets
    recalls = np.stack([curve[budget][0][base] for budget in tried])
    resampled = np.stack([curve[budget][1][:, base] for budget in tried], axis=1)
    ours, ours_resampled = curve[measure.budget][0][column], curve[measure.budget][1][:, column]
    found = measure.of(ours, tried, recalls)
    drawn = [
        measure.of(recall, tried, row)
        for recall, row in zip(ours_resampled, resampled, strict=True)
    ]
    drawn.sort(key=lambda e: e.value)
    low, high = (drawn[round(share * (len(drawn) - 1))] for share in (0.025, 0.975))
    return {"value": found.value, "sign": found.sign, "low": str(low), "high": str(high)}
