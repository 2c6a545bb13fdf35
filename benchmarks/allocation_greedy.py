"""The allocation beside the simple greedy and beside nested choices, on the real suites.

The **simple greedy** takes the best gain a token at the prices of the moment, passes over what does
not fit, and tries nothing else. A **nested** choice ends at the first pick that does not fit, so
that a larger budget's holds a smaller one's (``Tree.curve``). All three fill the same plan, and all
are rendered, counted and planned again by the same code (`hier/compose.py`).
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import bootstrap
import data
import measures
import numpy as np
import planted
from systems import named

from hier.allocate import Allocation
from hier.compose import Composer, Request
from hier.problem import Problem
from hier.tree import Tree

BUDGETS = (128, 256, 512, 1024, 2048)
RULES = ("allocate", "greedy", "nested")
RECALLS = {"evidence": measures.EvidenceRecall, "overview": measures.ReferenceRecall}


def greedy(problem: Problem, budget: int) -> Allocation:
    """Choose the best gain a token first; what does not fit is passed over."""
    covered = np.zeros(len(problem.weights))
    open_to = np.ones(len(problem), bool)
    picks: list[tuple[int, float, int]] = []
    spent, going = 0, 0.0
    while True:
        gains = problem.gains(problem.weights, covered)
        prices = _prices(problem, [i for i, _, _ in picks])
        ratios = np.where(open_to, gains / np.maximum(prices, 1), 0)
        if not (ratios > 0).any():
            break
        best = int(np.argmax(ratios))
        open_to[best] = False
        if spent + prices[best] > budget:
            going = going or float(ratios[best])
            continue
        picks.append((best, float(gains[best]), int(prices[best])))
        spent += int(prices[best])
        part = slice(*problem.cover.offsets[best : best + 2])
        held = problem.cover.members[part]
        covered[held] = np.maximum(covered[held], problem.fidelity[part])
        open_to[problem.rivals.get(best, [])] = False
    chosen, taken, paid = zip(*picks, strict=True) if picks else ((), (), ())
    return Allocation(chosen, taken, paid, going)


def _prices(problem: Problem, chosen: Sequence[int]) -> np.ndarray:
    """Return what each candidate adds to the price of a choice, int64 (candidates,)."""
    shown = np.zeros(len(problem) + 1, bool)  # the last is for no neighbour
    shown[list(chosen)] = True
    mark = np.append(problem.apart, 0)
    prices = problem.size + np.where(shown[problem.left], 0, problem.apart)
    prices -= np.where(shown[problem.right], mark[problem.right], 0)
    lined = np.zeros(len(problem.heading_price), bool)
    lined[problem.under.members[shown[problem.under.rows]]] = True
    own = np.flatnonzero(problem.heading >= 0)
    itself = np.zeros_like(lined)
    itself[problem.heading[own[shown[own]]]] = True
    spared = problem.heading[own]
    prices[own] -= np.where((lined & ~itself)[spared], problem.heading_price[spared], 0)
    lines = np.where(lined | itself, 0, problem.heading_price)[problem.under.members]
    prices += np.bincount(problem.under.rows, lines, len(problem)).astype(np.int64)
    return prices


class _Greedy(Composer):
    """A composer that chooses by the simple greedy."""

    def _choose(self, planned: int) -> Allocation:
        return greedy(self._problem, planned)


@dataclass(frozen=True)
class Asked:
    """A question, and what each rule's contexts are worth.

    Attributes:
        suite: ``"evidence"`` or ``"overview"``.
        dataset: the set of its document.
        doc_id: the document.
        recalls: by rule, one a budget; NaN where the whole text fits.
        values: by rule, share of the value of everything there is; NaN likewise.
        certificates: of the allocation, one a budget; NaN likewise.
    """

    suite: str
    dataset: str
    doc_id: str
    recalls: dict[str, list[float]]
    values: dict[str, list[float]]
    certificates: list[float]


def suites(
    folder: Path, documents: int | None = None, questions: int | None = None
) -> list[tuple[str, data.Document]]:
    """The documents of both suites, fewer if asked for; where there is no data, planted facts."""
    if not folder.is_dir():
        found = planted.suite(documents or 6, questions or 12)
        return [("evidence", document) for document in found]
    given = {"documents": documents, "questions": questions}
    sizes = {key: value for key, value in given.items() if value is not None}
    readers = {"evidence": data.evidence_suite, "overview": data.overview_suite}
    return [
        (suite, document)
        for suite, read in readers.items()
        for document in read(folder, **sizes)
        if document.questions
    ]


def ask(member: tuple[str, data.Document], budgets: Sequence[int]) -> list[Asked]:
    """Answer all questions of a document by each rule."""
    suite, document = member
    tree = named("hier").for_set(document.dataset).read(document.text).tree
    return [_ask(suite, document, question, tree, budgets) for question in document.questions]


def _ask(
    suite: str,
    document: data.Document,
    question: data.Question,
    tree: Tree,
    budgets: Sequence[int],
) -> Asked:
    nothing = [float("nan")] * len(budgets)
    recalls, values = ({rule: list(nothing) for rule in RULES} for _ in range(2))
    certificates = list(nothing)
    for place, budget in enumerate(budgets):
        composers = _composers(tree, question.question, budget)
        if composers["allocate"].whole():
            continue
        for rule, composer in composers.items():
            context = composer.context(composer.fill(budget))
            if context.tokens > budget:
                raise ValueError(f"{rule}: {context.tokens} tokens for a budget of {budget}")
            spans = tuple((s.start, s.end) for s in context.segments if s.kind == "verbatim")
            told = (context.text, spans, context.tokens, tree.tokens)
            case = measures.Case(document, question, budget, *told)
            recalls[rule][place] = RECALLS[suite](budget).of(case) or 0.0
            values[rule][place] = context.coverage
            if rule == "allocate":
                certificates[place] = context.optimality
    return Asked(suite, document.dataset, document.doc_id, recalls, values, certificates)


def _composers(tree: Tree, query: str, budget: int) -> dict[str, Composer]:
    """A composer a rule, all of one plan."""
    request = Request(query, budget)
    ours, simple = Composer(tree, request), _Greedy(tree, request)
    nested = Composer(tree, Request(query, budget, nested=True))
    if not ours.whole():
        simple.plan = nested.plan = ours.plan
    return {"allocate": ours, "greedy": simple, "nested": nested}


def measure(
    members: Sequence[tuple[str, data.Document]],
    budgets: Sequence[int] = BUDGETS,
    workers: int = 2,
    seed: int = 0,
) -> dict[str, Any]:
    """Answer every question by each rule at each budget, and sum up by suite."""
    work = partial(ask, budgets=budgets)
    if workers < 2:
        asked = [one for member in members for one in work(member)]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            asked = [one for found in pool.map(work, members) for one in found]
    found = dict.fromkeys(one.suite for one in asked)
    return {
        "budgets": list(budgets),
        "suites": {
            suite: summary([one for one in asked if one.suite == suite], budgets, seed)
            for suite in found
        },
    }


def summary(asked: Sequence[Asked], budgets: Sequence[int], seed: int = 0) -> dict[str, Any]:
    """Means over sets, and differences with the 95% interval of `bootstrap.py`, one a budget."""
    drawn = bootstrap.strata([a.dataset for a in asked], [a.doc_id for a in asked], seed=seed)

    def cells(values: np.ndarray) -> list[list[float]]:
        """Mean, lower and upper end of the interval, for each budget."""
        means, replicates = bootstrap.macro(values, drawn)
        return np.stack([means, *bootstrap.interval(replicates)], axis=1).tolist()

    recalls = {rule: np.array([a.recalls[rule] for a in asked]) for rule in RULES}
    values = {rule: np.array([a.values[rule] for a in asked]) for rule in RULES}
    certificates = np.array([a.certificates for a in asked])
    figures: dict[str, Any] = {
        "questions": np.isfinite(certificates).sum(0).tolist(),
        "certificate": np.nanquantile(certificates, [0.5, 0.05], axis=0).T.tolist(),
    }
    for rule in RULES:
        figures[rule] = {"recall": cells(recalls[rule]), "value": cells(values[rule])}
    for rule in RULES[1:]:
        held = np.maximum(values["allocate"], 1e-12)
        figures[f"allocate over {rule}"] = {
            "recall": cells(recalls["allocate"] - recalls[rule]),
            "value": cells((values["allocate"] - values[rule]) / held),
        }
    return figures
