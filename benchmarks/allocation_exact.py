"""Allocation and certificate beside the exact optimum of small problems, made up and real.

Half of the problems are random (`optimum.py`); half are what the engine plans for a real text: a
document of the suites cut to its first leaves, one of its questions or none, any budget from a few
tokens to most of the text. Each has a number that gives it again:
``allocation_exact.case("real", 17)``.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import data
import numpy as np
import optimum
import stdlib_text
from systems import named

from hier.allocate import allocate
from hier.certificate import upper_bound
from hier.compose import Composer, Request
from hier.problem import Problem

LEAST_BUDGET, MOST_SHARE = 30, 0.8  # budgets: tokens, and share of the text
LEAVES = 20, 60  # of a real text
UNASKED = 0.25  # share of the real problems without a question
LEAF_CHARACTERS = 600  # a leaf has fewer, nearly always
ROUNDING = 1e-6  # of the solver, relative
SHOWN = 10  # worst cases kept


@dataclass(frozen=True)
class Case:
    """A problem and a budget.

    Attributes:
        kind: ``"random"`` or ``"real"``.
        number: which of its kind.
        family: the family of a random problem, the data set of a real one.
        budget: most tokens.
        problem: candidates and targets.
    """

    kind: str
    number: int
    family: str
    budget: int
    problem: Problem


@dataclass(frozen=True)
class Solved:
    """What came of a case.

    Attributes:
        kind: as the case's.
        number: as the case's.
        family: as the case's.
        budget: as the case's.
        candidates: how many there were.
        optimality: value of the allocation, of the largest there is.
        certificate: what the allocation can say of that itself: its value, of the upper bound.
        broken: whether a choice is worth more than the upper bound.
    """

    kind: str
    number: int
    family: str
    budget: int
    candidates: int
    optimality: float
    certificate: float
    broken: bool


def case(kind: str, number: int, folder: Path | None = None) -> Case:
    """Return a case by its kind and number; real ones from a folder of data sets."""
    if kind == "random":
        family, problem = optimum.random_problem(number)
        tokens = int(problem.size.sum())
        return Case(
            kind, number, family, _budget(np.random.default_rng([1, number]), tokens), problem
        )
    return _real(number, data.default_folder() if folder is None else folder)


def _budget(rng: np.random.Generator, tokens: int) -> int:
    most = max(MOST_SHARE * tokens, LEAST_BUDGET + 1)
    return int(np.exp(rng.uniform(np.log(LEAST_BUDGET), np.log(most))))


def _real(number: int, folder: Path) -> Case:
    rng = np.random.default_rng([2, number])
    documents = texts(folder)
    document = documents[number % len(documents)]
    read = named("hier").for_set(document.dataset).read
    wanted = int(rng.integers(*LEAVES, endpoint=True))
    text = document.text[: wanted * LEAF_CHARACTERS]
    tree = read(text).tree
    if wanted < len(tree.leaf_tokens):
        tree = read(text[: tree.layout().leaf_span(wanted - 1)[1]]).tree
    questions = document.questions
    asked = rng.random() >= UNASKED and questions
    query = questions[int(rng.integers(len(questions)))].question if asked else None
    budget = _budget(rng, tree.tokens)
    problem = Composer(tree, Request(query, budget)).plan.problem
    return Case("real", number, document.dataset, budget, problem)


@cache
def texts(folder: Path) -> list[data.Document]:
    """The documents of both suites; where there is no data, what Python's own help says."""
    if folder.is_dir():
        return [*data.evidence_suite(folder), *data.overview_suite(folder)]
    asked = tuple(data.Question(str(n), q, (), ()) for n, q in enumerate(stdlib_text.QUESTIONS))
    long = [name for name in sorted(topics) if len(topics[name]) > LEAVES[0] * LEAF_CHARACTERS / 4]
    return [data.Document("python help", name, topics[name], asked) for name in long]


def solve(named_case: tuple[str, int], folder: Path) -> Solved:
    """Allocate, bound, and find the optimum.

    Raises:
        SolverError: the optimum is worth less than the allocation.
    """
    asked = case(*named_case, folder)
    problem, budget = asked.problem, asked.budget
    value = allocate(problem, budget).value
    bound = upper_bound(problem, budget, value)
    best, _ = optimum.exact(problem, budget)
    if value > best * (1 + ROUNDING):
        raise optimum.SolverError(f"{named_case}: {value} is allocated, {best} is the optimum")
    return Solved(
        asked.kind,
        asked.number,
        asked.family,
        budget,
        len(problem),
        optimality=min(1.0, value / best) if best > 0 else 1.0,
        certificate=value / bound if bound > 0 else 1.0,
        broken=bound < best * (1 - ROUNDING),
    )


def measure(problems: int, folder: Path, workers: int = 2) -> dict[str, Any]:
    """Solve so many problems, half of them random and half real, and sum up."""
    names = [(kind, number) for kind in ("random", "real") for number in range(problems // 2)]
    work = partial(solve, folder=folder)
    if workers < 2:
        return summary([work(name) for name in names])
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_quiet) as pool:
        return summary(list(pool.map(work, names, chunksize=10)))


def _quiet() -> None:
    """Leave out what the solver prints past Python, a line of its own innards now and then."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def summary(solved: Sequence[Solved]) -> dict[str, Any]:
    """Figures of all problems, of each kind and of each family; and the worst cases."""
    groups: dict[str, list[Solved]] = {"all": list(solved)}
    for one in solved:
        groups.setdefault(one.kind, []).append(one)
    families: dict[str, list[Solved]] = {}
    for one in solved:
        families.setdefault(one.family, []).append(one)
    worst = {
        name: [asdict(one) for one in sorted(solved, key=lambda s: getattr(s, name))[:SHOWN]]
        for name in ("optimality", "certificate")
    }
    return {
        "problems": len(solved),
        "groups": {name: _figures(members) for name, members in groups.items()},
        "families": {name: _figures(members) for name, members in families.items()},
        "worst": worst,
        "broken": [asdict(one) for one in solved if one.broken],
        "histograms": {
            name: {kind: _shares(groups.get(kind, []), name) for kind in ("random", "real")}
            for name in ("optimality", "certificate")
        },
    }


def _figures(solved: Sequence[Solved]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "problems": len(solved),
        "candidates": float(np.median([one.candidates for one in solved])),
        "optimal": float(np.mean([one.optimality >= 1 - ROUNDING for one in solved])),
        "proved": float(np.mean([one.certificate >= 1 - ROUNDING for one in solved])),
        "broken": sum(one.broken for one in solved),
    }
    for name in ("optimality", "certificate"):
        values = np.array([getattr(one, name) for one in solved])
        low, middle = np.quantile(values, [0.05, 0.5]).tolist()
        figures[name] = {"median": middle, "low": low, "worst": float(values.min())}
    return figures


def _shares(solved: Sequence[Solved], name: str) -> list[float]:
    """Return the share of the problems in each hundredth below 1, and at 1 itself."""
    values = np.array([getattr(one, name) for one in solved])
    places = np.where(values >= 1 - ROUNDING, 100, np.minimum(100 * values, 99)).astype(np.int64)
    counts = np.bincount(places, minlength=101)
    shares: list[float] = (counts / max(len(solved), 1)).tolist()
    return shares
