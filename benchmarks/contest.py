"""One system before one document: reading, answering, counting, and what the answers are worth.

Nothing that a system says of itself is believed. Its text is counted by tiktoken, a span counts
only if those characters stand in the text (white space aside), and a system that raises is
recorded with what it said and counted as having found nothing.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import data
import environment
import measures
import runs
import versions
from systems.base import Output, Unavailable


@dataclass(frozen=True)
class Score:
    """What a question's contexts are worth, by measure, such as ``EvidenceRecall@512``."""

    dataset: str
    doc_id: str
    question: str
    values: dict[str, float]


@dataclass(frozen=True)
class Tally:
    """A system on one document, scored: what leaves the process that ran it."""

    run: runs.Run
    scores: tuple[Score, ...]
    model_tokens: float
    disowned: int


def hold(system: Any, document: data.Document, budgets: Sequence[int]) -> runs.Run:
    """Let a system read the document and answer all its questions at all budgets.

    Raises:
        Unavailable: the system's package or weights are not here.
        StorageError: there is no room left for what it keeps.
    """
    count = environment.token_counter(data.TOKENIZER)
    seconds, failure, lines = 0.0, None, []
    try:
        began = time.perf_counter()
        reader = system.read(document.text)
        seconds = time.perf_counter() - began
        for question in document.questions:
            lines.extend(_answers(reader, document.text, question, budgets))
    except Unavailable:
        raise
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error}; install {system.package or 'it'}") from error
    except (Exception, SystemExit) as error:  # whatever a competitor raises is its failure
        if runs.is_full(error):
            raise runs.storage_error(f"what {system.name} keeps", error) from error
        failure, lines = f"{type(error).__name__}: {error}"[:500], []
    return failed(system, document, failure, seconds, count(document.text), tuple(lines))


def failed(
    system: Any,
    document: data.Document,
    failure: str | None,
    seconds: float = 0.0,
    source_tokens: int | None = None,
    lines: tuple[runs.Line, ...] = (),
) -> runs.Run:
    """The record of a system on a document."""
    if source_tokens is None:
        source_tokens = environment.token_counter(data.TOKENIZER)(document.text)
    return runs.Run(
        system=system.name,
        version=versions.of(system),
        dataset=document.dataset,
        doc_id=document.doc_id,
        source_tokens=source_tokens,
        build_seconds=seconds,
        failure=failure,
        lines=lines,
    )


def _answers(
    reader: Any, text: str, question: data.Question, budgets: Sequence[int]
) -> list[runs.Line]:
    began = time.perf_counter()
    outputs = reader.answer(question.question, budgets)
    milliseconds = 1000 * (time.perf_counter() - began) / len(budgets)
    if len(outputs) != len(budgets):
        raise ValueError(f"{len(outputs)} outputs for {len(budgets)} budgets")
    return [
        _line(text, question, budget, output, milliseconds)
        for budget, output in zip(budgets, outputs, strict=True)
    ]


def _line(
    text: str, question: data.Question, budget: int, output: Output, milliseconds: float
) -> runs.Line:
    true = standing(text, output)
    return runs.Line(
        question=question.id,
        budget=budget,
        tokens=environment.token_counter(data.TOKENIZER)(output.text),
        milliseconds=milliseconds,
        model_tokens=output.model_tokens,
        disowned=len(output.spans) - len(true),
        spans=true,
        text=output.text,
    )


def standing(text: str, output: Output) -> tuple[data.Span, ...]:
    """The spans of an output whose characters do stand in its text, white space aside."""
    packed = _packed(output.text)
    return tuple(
        (start, end)
        for start, end in output.spans
        if 0 <= start <= end <= len(text) and _packed(text[start:end]) in packed
    )


def _packed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def tally(run: runs.Run, document: data.Document, budgets: Sequence[int]) -> Tally:
    """Score a run. A document that a system failed on counts as nothing found in it."""
    found = {(line.question, line.budget): line for line in run.lines}
    scores = []
    for question in document.questions:
        values: dict[str, float] = {}
        for budget in budgets:
            line = found.get((question.id, budget))
            case = _case(document, question, budget, line, run.source_tokens)
            values |= measures.values(case, measures.MEASURES if line else measures.RECALLS)
        scores.append(Score(document.dataset, document.doc_id, question.id, values))
    return Tally(
        run=replace(run, lines=()),
        scores=tuple(scores),
        model_tokens=sum(line.model_tokens for line in run.lines) / max(1, len(run.lines)),
        disowned=sum(line.disowned for line in run.lines),
    )


def _case(
    document: data.Document,
    question: data.Question,
    budget: int,
    line: runs.Line | None,
    source_tokens: int,
) -> measures.Case:
    text, spans, tokens = (line.text, line.spans, line.tokens) if line else ("", (), 0)
    return measures.Case(document, question, budget, text, spans, tokens, source_tokens)


def play(
    system: Any,
    documents: Sequence[data.Document],
    budgets: Sequence[int],
    folder: Path,
    retry: bool = False,
) -> list[Tally]:
    """A system on some documents, from its run files where they are, run and kept where not.

    Args:
        system: the system.
        documents: what it reads, and is asked about.
        budgets: tokens allowed.
        folder: of the run files.
        retry: run again what failed.

    Raises:
        Unavailable: the system's package or weights are not here.
        StorageError: a run could not be kept.
    """
    tallies = []
    for document in documents:
        variant = for_set(system, document.dataset)
        file = runs.path(folder, variant, document, budgets)
        run = runs.load(file)
        if run is None or (retry and run.failure):
            runs.begin(file)
            run = hold(variant, document, budgets)
            runs.save(file, run)
        tallies.append(tally(run, document, budgets))
    return tallies


def play_named(find: Callable[[str], Any], name: str, *arguments: Any) -> list[Tally]:
    """`play` in another process: the system is found there, since not every one can be sent."""
    return play(find(name), *arguments)


def for_set(system: Any, dataset: str) -> Any:
    """The variant of a system for a data set, where it has such."""
    choose = getattr(system, "for_set", None)
    return choose(dataset) if choose else system
