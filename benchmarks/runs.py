"""Run files: all that one system answered about one document, kept so that nothing is run twice.

A run is a gzip JSON-lines file: a first line that says what was run, then a line for each question
and budget. Its name holds a hash of the system's version, the text, the questions and the
budgets, so a file that is there is right. A file appears whole or not at all.
"""

import errno
import gzip
import json
import os
import re
import sqlite3
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import data
import versions

FORM = "1"  # of the file; a change makes every run anew


class StorageError(Exception):
    """A run could not be written; what was written before stays good."""


@dataclass(frozen=True)
class Line:
    """One answer.

    Attributes:
        question: id of the question.
        budget: tokens allowed.
        tokens: tokens of the text, by tiktoken.
        milliseconds: for the question, shared evenly among its budgets.
        model_tokens: tokens that a language model read and wrote for it.
        disowned: spans that the system named and that do not stand in its text.
        spans: the others.
        text: what a model would be given.
    """

    question: str
    budget: int
    tokens: int
    milliseconds: float
    model_tokens: int
    disowned: int
    spans: tuple[data.Span, ...]
    text: str


@dataclass(frozen=True)
class Run:
    """One system on one document; with a failure, and then no lines, where it raised."""

    system: str
    version: str
    dataset: str
    doc_id: str
    source_tokens: int
    build_seconds: float
    failure: str | None = None
    lines: tuple[Line, ...] = ()


def path(folder: Path, system: Any, document: data.Document, budgets: Sequence[int]) -> Path:
    """Where the run of a system on a document belongs."""
    questions = [(q.id, q.question) for q in document.questions]
    key = versions.digest(
        FORM, versions.of(system), document.text, json.dumps(questions), str(tuple(budgets))
    )
    name = f"{plain(document.dataset)}-{plain(document.doc_id)}-{key}.jsonl.gz"
    return folder / plain(system.name) / name


def plain(name: str) -> str:
    """A name as part of a file name."""
    return re.sub(r"\W+", "-", name).strip("-")[:40] or "x"


def load(file: Path) -> Run | None:
    """The run of a file; None when there is none, or a damaged one, to be run anew."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            head, *rest = (json.loads(line) for line in lines)
        return Run(**head, lines=tuple(_line(row) for row in rest))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        print(f"{file} is damaged and will be run anew: {error}", file=sys.stderr)
        return None


def _line(row: dict[str, Any]) -> Line:
    return Line(**row | {"spans": tuple((start, end) for start, end in row["spans"])})


def begin(file: Path) -> None:
    """Leave a mark that a run has begun, so that a process that dies tells on which document.

    Raises:
        StorageError: the mark cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _mark(file).touch()
    except OSError as error:
        raise storage_error(file, error) from error


def begun(files: Sequence[Path]) -> Path | None:
    """The run among these that was begun last and never saved; None when there is none."""
    marked = [file for file in files if _mark(file).exists()]
    return max(marked, key=lambda file: _mark(file).stat().st_mtime_ns, default=None)


def _mark(file: Path) -> Path:
    return file.with_name(file.name + ".begun")


def save(file: Path, run: Run) -> None:
    """Write the run, whole or not at all.

    Raises:
        StorageError: the file cannot be written; the message says what to do.
    """
    head = {field.name: getattr(run, field.name) for field in fields(run) if field.name != "lines"}
    rows = (json.dumps(row) + "\n" for row in (head, *map(asdict, run.lines)))
    write(file, gzip.compress("".join(rows).encode(), compresslevel=5, mtime=0))
    _mark(file).unlink(missing_ok=True)


def write(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        StorageError: it cannot be written; the message says what to do.
    """
    temporary = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_error(file, error) from error


def storage_error(file: Path | str, error: Exception) -> StorageError:
    """What to say when there is no room, or no permission, to write."""
    return StorageError(
        f"cannot write {file}: {error}; what was run is kept and the next run goes on from there: "
        "make room, or set HIER_BENCH_CACHE to another folder"
    )


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, says that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
