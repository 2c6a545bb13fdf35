"""Reports of an arena result: a table for the terminal, a page for the docs."""

from collections.abc import Iterator
from typing import Any

Figures = dict[str, Any]
TITLES = {
    "EvidenceRecall": "evidence recall",
    "AnswerRecall": "answer recall",
    "LiteralRecall": "literal recall",
    "ReferenceRecall": "reference recall (content words)",
    "Rouge1Recall": "reference recall (ROUGE-1)",
    "Rouge2Recall": "reference recall (ROUGE-2)",
    "BudgetUsed": "budget used",
}


def table(summary: Figures) -> Iterator[str]:
    """The macro means of every system as lines of text, and what went wrong."""
    budgets, systems = summary["budgets"], summary["systems"]
    for kind, title in TITLES.items():
        rows = {
            name: [entry["macro"].get(f"{kind}@{budget}") for budget in budgets]
            for name, entry in systems.items()
        }
        if any(cell for cells in rows.values() for cell in cells):
            yield f"{title:<40}" + "".join(f"{budget:>9}" for budget in budgets)
            for name, cells in rows.items():
                if any(cells):
                    yield f"  {name:<38}" + "".join(
                        f"{cell[0]:9.4f}" if cell else f"{'–':>9}" for cell in cells
                    )
    yield from troubles(summary)


def troubles(summary: Figures) -> Iterator[str]:
    """Contexts over budget, failures, and what was not run, one a line."""
    for name, entry in summary["systems"].items():
        over = entry["overshoots"]
        if over["contexts"]:
            yield f"{name}: {over['contexts']} contexts over budget, by up to {over['most_tokens']}"
        if entry["disowned_spans"]:
            yield f"{name}: {entry['disowned_spans']} spans that its text does not hold"
        for failure in entry["failures"]:
            yield f"{name}: failed on {failure['set']}/{failure['document']}: {failure['message']}"
    for name, message in summary["not_run"].items():
        yield f"{name}: not run here: {message}"
