"""The arena: every system gets the same documents, questions, embedder and token budgets.

Each system runs in processes of its own, two at a time, and is charged for all the text that it
returns. What it answered is kept in run files, so a run that was stopped goes on where it was and
scoring again runs nothing. A system whose package is absent is "not run here"; one that raises, or
takes its process down, has failed on that document and the run goes on.

    python benchmarks/arena.py [--systems hier] [--sets squad,cuad] [--out -]

Exit code 1: a context is over its budget, or ours failed. 2: the data is missing or bad, or there
is no room to write.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import costs
import data
import embedding
import environment
import page
import planted
import report
import results
import runs
import schedule
import scores
from systems import ours, systems

# The options that decide what is measured; the others decide only how.
MATTERS = "suite sets documents questions systems embedder budgets build compress".split()
SUITES = ("evidence", "overview")
EVERY = "all"


class ChoiceError(Exception):
    """No system is of the name that was asked for."""


FAULTS = (data.DataError, runs.StorageError, schedule.ProcessError, ChoiceError)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    described = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = described.add_argument
    add("--data", help="folder of JSON-lines sets, or 'planted'; default HIER_DATA, ../shared/data")
    add("--suite", choices=(*SUITES, EVERY), default=EVERY, help="which questions")
    add("--sets", help="comma-separated names of sets; default: those of the suite")
    add("--documents", type=int, help="documents of each set, in place of the suite's number")
    add("--questions", type=int, help="questions of each document, in place of the suite's number")
    add("--systems", nargs="+", help="names of systems, or how they begin; default: all")
    add("--embedder", default=EVERY, help="static, all-MiniLM-L6-v2, or all")
    add("--budgets", type=_budgets, default=data.BUDGETS, help="comma-separated budgets")
    add("--build", type=_assignment, action="append", default=[], help="KEY=JSON for hier.build")
    add("--compress", type=_assignment, action="append", default=[], help="KEY=JSON for compress")
    add("--workers", type=int, default=2, help="processes; 1 runs everything in this one")
    add("--retry", action="store_true", help="run again what failed")
    add("--costs", action="store_true", help="measure speed and memory too, one at a time")
    add("--out", help="folder of results and charts; '-' writes none")
    return described


def _budgets(value: str) -> tuple[int, ...]:
    try:
        budgets = tuple(sorted({int(budget) for budget in value.split(",")}))
    except ValueError:
        budgets = (0,)
    if budgets[0] < 1:
        raise argparse.ArgumentTypeError(f"expected whole tokens such as 256,512, found {value!r}")
    return budgets


def _assignment(value: str) -> tuple[str, Any]:
    key, separator, text = value.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected KEY=JSON, found {value!r}")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, score, print, write."""
    options = parser().parse_args(arguments)
    try:
        documents, source = suite(options)
        chosen = select(systems(), options.systems, options.embedder)
        find = partial(ours.varied, build=dict(options.build), compress=dict(options.compress))
        chosen = [find(system.name) for system in chosen]
        budgets = options.budgets
        folder = embedding.cache_folder() / "runs"
        outcomes = schedule.run(
            chosen, documents, budgets, folder, options.workers, options.retry, find
        )
        summary = scores.summarise(outcomes, documents, budgets)
        print("\n".join(report.table(summary)))
        _write(options, source, outcomes, documents, summary, folder)
    except FAULTS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what was run is kept and the next run goes on from there", file=sys.stderr)
        return 130
    return 1 if any(map(_broken, summary["systems"].values())) else 0


def _broken(entry: dict[str, Any]) -> bool:
    """Whether a budget was overshot, or a document was too much for ours."""
    return bool(entry["overshoots"]["contexts"] or (entry["ours"] and entry["failures"]))


def suite(options: argparse.Namespace) -> tuple[list[data.Document], str]:
    """The documents that were asked for, and where they are from: a folder, or planted.

    Raises:
        DataError: the data is missing or bad.
    """
    folder = Path(options.data) if options.data else data.default_folder()
    if options.data is None and not folder.is_dir():
        print(f"no data in {folder}: measured on planted facts instead", file=sys.stderr)
    if options.data == planted.NAME or (options.data is None and not folder.is_dir()):
        return planted.suite(options.documents or 6, options.questions or 12), planted.NAME
    readers = {"evidence": data.evidence_suite, "overview": data.overview_suite}
    asked = {"documents": options.documents, "questions": options.questions}
    if options.sets:
        asked["sets"] = options.sets.split(",")
    given = {key: value for key, value in asked.items() if value is not None}
    wanted = SUITES if options.suite == EVERY else (options.suite,)
    found = [document for name in wanted for document in readers[name](folder, **given)]
    documents = [document for document in found if document.questions]
    if not documents:
        raise data.DataError(f"no question of the {options.suite} suite in {folder}")
    return documents, str(folder)


def select(every: Sequence[Any], names: Sequence[str] | None, embedder: str) -> list[Any]:
    """The systems that were asked for, by name or by how their names begin, and by embedder.

    A system that takes no embedder goes with every one.

    Raises:
        ChoiceError: a name, or the embedder, fits none.
    """
    short = embedder.rsplit("/", 1)[-1]
    known = sorted({e for s in every if (e := schedule.embedder(s))})
    if short not in (EVERY, *known):
        raise ChoiceError(f"no system takes embedder {embedder!r}; there are: {', '.join(known)}")
    fitting = [s for s in every if short == EVERY or schedule.embedder(s) in (None, short)]
    if names is None:
        return fitting
    chosen: dict[str, Any] = {}
    for name in names:
        exact = [s for s in fitting if s.name == name]
        found = exact or [s for s in fitting if s.name.lower().startswith(name.lower())]
        if not found:
            names_here = ", ".join(s.name for s in fitting)
            raise ChoiceError(f"no system is named {name!r}; there are: {names_here}")
        chosen |= {s.name: s for s in found}
    return list(chosen.values())


def _write(
    options: argparse.Namespace,
    source: str,
    outcomes: Sequence[schedule.Outcome],
    documents: Sequence[data.Document],
    summary: dict[str, Any],
    folder: Path,
) -> None:
    """Write result, charts and page; only a run of everything goes where the README reads."""
    settings = {key: value for key, value in vars(options).items() if key in MATTERS}
    whole = settings == {key: parser().get_default(key) for key in MATTERS}
    whole = whole and source == str(data.default_folder()) and options.costs
    if options.out == "-" or not (options.out or whole):
        return
    ran = [outcome.system for outcome in outcomes if outcome.missing is None]
    costed = {s.name: costs.of(s, folder, options.retry) for s in ran} if options.costs else {}
    result = results.describe(summary, outcomes, costed, settings | {"data": Path(source).name})
    board = scores.board_of(outcomes, documents)
    place = Path(options.out) if options.out else environment.RESULTS
    try:
        written = results.write(place, result, board, None if options.out else page.PAGE)
    except OSError as error:
        raise runs.storage_error(place, error) from error
    print(*(f"written: {path}" for path in written), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
