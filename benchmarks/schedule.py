"""Who runs when: every system over the documents, in processes of its own, two at a time.

A share of a system's documents is one task in a fresh process, so a system that leaks or takes the
process down harms no other. The document it died on is recorded as failed, and the rest of the
share is run in another process. With one worker everything runs in this process instead.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import contest
import data
import runs
from systems import named
from systems.base import Unavailable

BASELINE = "DOS RAG"  # how the names of the systems begin that others are measured against


class ProcessError(Exception):
    """A process could not even begin its work."""


@dataclass(frozen=True)
class Outcome:
    """A system's run over the suite.

    Attributes:
        system: the system.
        budgets: tokens allowed.
        tallies: one a document, in the suite's order.
        missing: why it was not run here; None when it was.
    """

    system: Any
    budgets: tuple[int, ...]
    tallies: tuple[contest.Tally, ...] = ()
    missing: str | None = None


def is_baseline(system: Any) -> bool:
    """Whether others are measured against this system."""
    return bool(system.name.startswith(BASELINE))


def embedder(system: Any) -> str | None:
    """Short name of a system's embedder; None for one without any."""
    own: str | None = getattr(system, "embedder", None)
    return None if own is None else own.rsplit("/", 1)[-1]


def run(
    systems: Sequence[Any],
    documents: Sequence[data.Document],
    budgets: Sequence[int],
    folder: Path,
    workers: int = 2,
    retry: bool = False,
    find: Callable[[str], Any] = named,
) -> list[Outcome]:
    """Run every system, or read what is kept of it; outcomes in the order of the systems.

    Args:
        systems: who competes.
        documents: what is read, and asked about.
        budgets: tokens allowed.
        folder: of the run files.
        workers: processes; with 1, everything runs in this one.
        retry: run again what failed.
        find: makes a system by its name in another process.

    Raises:
        StorageError: a run could not be kept. What was kept before stays.
        ProcessError: a process ended before it had begun anything.
    """
    apart = find if workers > 1 else None
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        jobs = [
            (system, own, _submit(pool, _Task(system, own, folder, retry, apart), documents))
            for system in systems
            for own in [_budgets(system, budgets)]
        ]
        return [_outcome(system, own, shares) for system, own, shares in jobs]
    finally:
        pool.shutdown(cancel_futures=True)


def _budgets(system: Any, budgets: Sequence[int]) -> tuple[int, ...]:
    larger = (b for b in data.LARGER if b > max(budgets)) if is_baseline(system) else ()
    return (*budgets, *larger)


@dataclass(frozen=True)
class _Task:
    """How a share of documents is run; with ``find``, in a process of its own."""

    system: Any
    budgets: tuple[int, ...]
    folder: Path
    retry: bool
    find: Callable[[str], Any] | None

    def __call__(self, documents: Sequence[data.Document]) -> list[contest.Tally]:
        """Run a share."""
        asked = (documents, self.budgets, self.folder)
        if self.find is None:
            return contest.play(self.system, *asked, self.retry)
        play = partial(contest.play_named, self.find, self.system.name)
        retry = self.retry
        while True:
            try:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                    return process.submit(play, *asked, retry).result()
            except BrokenProcessPool:
                self._record_death(documents)
                retry = False

    def _record_death(self, documents: Sequence[data.Document]) -> None:
        """Put a process's end down to the document that it had begun.

        Raises:
            ProcessError: it had begun none.
        """
        variants = [contest.for_set(self.system, document.dataset) for document in documents]
        files = [
            runs.path(self.folder, variant, document, self.budgets)
            for variant, document in zip(variants, documents, strict=True)
        ]
        last = runs.begun(files)
        if last is None:
            raise ProcessError(f"the process for {self.system.name} ended before it began")
        number = files.index(last)
        failure = "ProcessDied: the process ended while it worked on this document"
        runs.save(last, contest.failed(variants[number], documents[number], failure))


def _submit(
    pool: ThreadPoolExecutor, task: _Task, documents: Sequence[data.Document]
) -> list[tuple[list[int], Future[list[contest.Tally]]]]:
    """Hand out a system's documents in two shares of about the same work, longest first."""
    fit = [i for i, d in enumerate(documents) if _asked(task.system, d)]
    order = sorted(fit, key=lambda i: -len(documents[i].text))
    shares = [share for share in (order[::2], order[1::2]) if share]
    return [(share, pool.submit(task, [documents[i] for i in share])) for share in shares]


def _asked(system: Any, document: data.Document) -> bool:
    """A system that does not see the question is asked for overviews only."""
    return getattr(system, "asks", True) or not any(q.evidence for q in document.questions)


def _outcome(
    system: Any,
    budgets: tuple[int, ...],
    shares: Iterable[tuple[list[int], Future[list[contest.Tally]]]],
) -> Outcome:
    tallies: dict[int, contest.Tally] = {}
    try:
        for share, job in shares:
            tallies |= dict(zip(share, job.result(), strict=True))
    except Unavailable as error:
        print(f"{system.name}: not run here: {error}", file=sys.stderr)
        return Outcome(system, budgets, missing=str(error))
    failures = sum(t.run.failure is not None for t in tallies.values())
    print(f"{system.name}: {len(tallies)} documents, {failures} failed", file=sys.stderr)
    return Outcome(system, budgets, tuple(tallies[i] for i in sorted(tallies)))
