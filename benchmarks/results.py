"""Result files of the arena: the figures, the values of every question, the charts, the page."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import curves
import data
import environment
import measures
import numpy as np
import page
import schedule
import scores

FIGURES, RECORDS, PAGE = "arena.json", "arena-records.jsonl.gz", "benchmarks.md"
KEPT = (*measures.RECALLS, measures.BudgetUsed)


def write(
    folder: Path, result: dict[str, Any], board: scores.Board, page_at: Path | None = None
) -> list[Path]:
    """Write all that a run left, from the figures to the page.

    Args:
        folder: where to.
        result: the figures.
        board: the values of every question.
        page_at: the page's own place; left out, it lies with the rest.
    """
    environment.write(folder / FIGURES, result)
    lines = "".join(json.dumps(line) + "\n" for line in records(board, result["budgets"]))
    (folder / RECORDS).write_bytes(gzip.compress(lines.encode(), mtime=0))
    stored = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    return [folder / FIGURES, folder / RECORDS, *publish(stored, folder, page_at)]


def publish(stored: dict[str, Any], folder: Path, page_at: Path | None = None) -> list[Path]:
    """Draw the charts and write the page of a stored result."""
    drawn = curves.draw(stored, folder)
    at = page_at or folder / PAGE
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(page.page(stored, drawn, at.parent), encoding="utf-8")
    return [*drawn, at]


def records(board: scores.Board, budgets: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A line that names the systems and budgets, then a line a question.

    Of each measure that applies to a question, its line has a row a system of a value a budget.
    """
    yield {"systems": [o.system.name for o in board.outcomes], "budgets": list(budgets)}
    values = {
        kind.__name__: np.stack([board.values(repr(kind(budget))) for budget in budgets], axis=-1)
        for kind in KEPT
    }
    for row, (dataset, document, question) in enumerate(board.questions):
        yield {"set": dataset, "document": document, "question": question} | {
            name: [[_rounded(v) for v in system] for system in table[row]]
            for name, table in values.items()
            if np.isfinite(table[row]).any()
        }


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def describe(
    summary: dict[str, Any],
    outcomes: Sequence[schedule.Outcome],
    costs: dict[str, Any],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """The figures of a run with where and how they were measured."""
    packages = sorted({o.system.package for o in outcomes if o.system.package})
    return {
        "environment": environment.describe(packages=packages),
        "settings": settings | {"tokenizer": data.TOKENIZER},
        **summary,
        "costs": costs,
    }


def main() -> None:
    """Draw and write again from the stored result."""
    path = environment.RESULTS / FIGURES
    stored = json.loads(path.read_text(encoding="utf-8"))
    print(*publish(stored, environment.RESULTS, page.PAGE), sep="\n")


if __name__ == "__main__":
    main()
