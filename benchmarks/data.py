"""Documents with questions and gold evidence, read from JSON lines, and two suites made of them.

The suites are the yardstick of every quality figure in this repository, so what belongs to them is
decided here and nowhere else: which sets, how many documents, which questions. The file format is
described in ``benchmarks/README.md``; a set of your own is one more file in the folder.
"""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

EVIDENCE_SETS = (
    "squad",
    "squadshifts_wiki",
    "hotpotqa_pool",
    "hotpotqa_para_pool",
    "musique_pool",
    "2wiki_pool",
    "qmsum",
    "cuad",
    "contractnli",
    "covidqa",
    "fairytaleqa",
    "policyqa",
    "bamboo_paperqa",
    "loogle_sample",
    "pubmedqa_pool",
)
OVERVIEW_SETS = ("squality", "leval_sum", "qmsum")
# The sets whose answers are quoted from the text, so that finding the string says something.
ANSWER_SETS = (
    "squad",
    "squadshifts_wiki",
    "hotpotqa_pool",
    "hotpotqa_para_pool",
    "musique_pool",
    "2wiki_pool",
    "covidqa",
    "fairytaleqa",
)
# Sets made from one source: what is learned on one says something of the other.
FAMILIES = {
    "squad": "squad",
    "squadshifts_wiki": "squad",
    "hotpotqa_pool": "hotpotqa",
    "hotpotqa_para_pool": "hotpotqa",
}
BUDGETS = (256, 512, 1024, 2048)
LARGER = (4096, 8192)  # for the baseline too, so that what it needs can be read off its curve
TOKENIZER = "cl100k_base"

Span = tuple[int, int]


class DataError(Exception):
    """A data file is missing or not in the documented form; the message names file and line."""


@dataclass(frozen=True)
class Question:
    """One question about a document.

    Attributes:
        id: name of the question inside its set.
        question: what is asked.
        evidence: ``(start, end)`` character spans of the document that hold the answer, merged and
            sorted.
        references: reference summaries, for questions that ask for an overview.
        answers: ways to put the answer, each enough alone; none where the set does not quote them.
    """

    id: str
    question: str
    evidence: tuple[Span, ...]
    references: tuple[str, ...]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """One text and its questions."""

    dataset: str
    doc_id: str
    text: str
    questions: tuple[Question, ...]


def default_folder() -> Path:
    """The folder of data sets: ``HIER_DATA``, else ``../shared/data`` beside the repository."""
    named = os.environ.get("HIER_DATA")
    if named:
        return Path(named)
    return Path(__file__).resolve().parents[2] / "shared" / "data"


def family(name: str) -> str:
    """The family of a set: weights that judge it were made without any set of its family."""
    return FAMILIES.get(name, name)


def left_out_weights(name: str, embedder: str) -> Path:
    """Where the relevance weights stand that were made without a family of sets."""
    kind = "static" if embedder == "static" else "neural"
    return Path(__file__).parent / "weights" / kind / f"without_{name}.npz"


def with_questions(document: Document, questions: Sequence[Question]) -> Document:
    """The document with some of its questions."""
    return replace(document, questions=tuple(questions))


def find(folder: Path, name: str) -> Path:
    """The file of one set, ``NAME.jsonl.gz`` or ``NAME.jsonl``.

    Raises:
        DataError: there is no such file.
    """
    for suffix in (".jsonl.gz", ".jsonl"):
        path = folder / (name + suffix)
        if path.is_file():
            return path
    known = ", ".join(sorted(p.name.split(".")[0] for p in folder.glob("*.jsonl*"))) or "none"
    raise DataError(f"no {name}.jsonl.gz or {name}.jsonl in {folder}; sets there: {known}")


def read(path: Path) -> Iterator[Document]:
    """The documents of one JSON-lines file, plain or gzip, in file order.

    Raises:
        DataError: the file cannot be read, or a line is not in the documented form.
    """
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield _document(json.loads(line.decode("utf-8")), path)
    except KeyError as error:
        raise DataError(f"{path}, line {number}: missing field {error}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}, line {number}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}, after line {number}: {error}") from error


def _document(row: Any, path: Path) -> Document:
    if not isinstance(row, dict):
        raise TypeError(f"expected an object, found {type(row).__name__}")
    text = _string(row, "text")
    questions = _list(row, "questions")
    names = [str(q["id"]) for q in questions if isinstance(q, dict)]
    if len(set(names)) < len(names):
        raise ValueError("two questions of the document share an id")
    return Document(
        dataset=str(row.get("dataset", path.name.split(".")[0])),
        doc_id=str(row["doc_id"]),
        text=text,
        questions=tuple(_question(q, text) for q in questions),
    )


def _question(row: Any, text: str) -> Question:
    if not isinstance(row, dict):
        raise TypeError(f"a question must be an object, found {type(row).__name__}")
    name = str(row["id"])
    return Question(
        id=name,
        question=_string(row, "question"),
        evidence=merge(_span(s, len(text), name) for s in row.get("evidence") or ()),
        references=_strings(row, "references"),
        answers=_strings(row, "answers"),
    )


def _strings(row: dict[str, Any], field: str) -> tuple[str, ...]:
    values = row.get(field) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"field {field!r} must be a list of strings, found {values!r:.60}")
    return tuple(values)


def _string(row: dict[str, Any], field: str) -> str:
    value = row[field]
    if not isinstance(value, str):
        raise TypeError(f"field {field!r} must be a string, found {type(value).__name__}")
    return value


def _list(row: dict[str, Any], field: str) -> list[Any]:
    value = row[field]
    if not isinstance(value, list):
        raise TypeError(f"field {field!r} must be a list, found {type(value).__name__}")
    return value


def _span(value: Any, length: int, question: str) -> Span:
    try:
        start, end = value
        valid = isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= length
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            f"question {question}: evidence {value!r} is not [start, end] "
            f"inside a text of {length} characters"
        )
    return start, end


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The union of spans as sorted spans that do not touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def covered(evidence: Sequence[Span], spans: Sequence[Span]) -> float:
    """Share of the evidence's characters that lie inside the spans, 0 to 1."""
    kept = merge(spans)
    inside = sum(max(0, min(e, f) - max(s, t)) for s, e in evidence for t, f in kept)
    return inside / sum(end - start for start, end in evidence)


def evidence_suite(
    folder: Path, sets: Sequence[str] = EVIDENCE_SETS, documents: int = 6, questions: int = 12
) -> list[Document]:
    """Of each set the first documents; of their first questions, those that have evidence.

    A set of the fixed suite keeps its answers only where they are quoted from the text; in a set of
    your own, ``measures.AnswerRecall`` looks for each answer in the text first.
    """
    return [
        replace(
            d,
            dataset=name,
            questions=tuple(_quoted(q, name) for q in d.questions[:questions] if q.evidence),
        )
        for name in sets
        for d in _first(find(folder, name), documents)
    ]


def _quoted(question: Question, name: str) -> Question:
    free = name in EVIDENCE_SETS and name not in ANSWER_SETS
    return replace(question, answers=()) if free else question


def overview_suite(
    folder: Path, sets: Sequence[str] = OVERVIEW_SETS, documents: int = 12, questions: int = 4
) -> list[Document]:
    """Of each set the first documents; their first questions with references but no evidence."""
    return [
        replace(
            d,
            dataset=name,
            questions=tuple(q for q in d.questions if q.references and not q.evidence)[:questions],
        )
        for name in sets
        for d in _first(find(folder, name), documents)
    ]


def _first(path: Path, count: int) -> list[Document]:
    return list(islice(read(path), count))
