"""Fidelity of a tree: what became of each summary that a model wrote, and what it keeps."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

Outcome = Literal["written", "repaired", "replaced"]


@dataclass(frozen=True)
class SummaryCheck:
    """What was found when a model's summary was held against the text it covers.

    Attributes:
        node_id: the node.
        level: its level.
        outcome: ``"written"`` (shown as the model wrote it), ``"repaired"`` (without the sentences
            that say what the text does not) or ``"replaced"`` (by the extractive summary).
        kept: share of the text's numbers, dates and other literals that the summary shown keeps.
        invented: what the model wrote that the text does not say.
        fault: why the model gave no summary at all, such as ``"refused"``; empty where it did.
    """

    node_id: int
    level: int
    outcome: Outcome
    kept: float
    invented: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class TreeFidelity:
    """The checks of all summaries that models wrote, by node.

    Attributes:
        checks: one a summary, lower levels first.
    """

    checks: tuple[SummaryCheck, ...] = ()

    def outcomes(self, level: int | None = None) -> dict[Outcome, int]:
        """Return how many summaries were written, repaired and replaced, at one level or at all."""
        found: dict[Outcome, int] = {"written": 0, "repaired": 0, "replaced": 0}
        for check in self._of(level):
            found[check.outcome] += 1
        return found

    def kept(self, level: int | None = None) -> float:
        """Return the mean share of literals that a summary keeps; 1 where there is no summary."""
        shares = [check.kept for check in self._of(level)]
        return float(np.mean(shares)) if shares else 1.0

    @property
    def invented(self) -> int:
        """How much was invented, all in all."""
        return sum(len(check.invented) for check in self.checks)

    def _of(self, level: int | None) -> Iterable[SummaryCheck]:
        return (check for check in self.checks if level in (None, check.level))

    def table(self) -> str:
        """Return one line a level, and the total."""
        if not self.checks:
            return "no model wrote a summary: all of them are whole sentences of the text"
        lines = [f"{'level':8}{'written':>9}{'repaired':>10}{'replaced':>10}{'kept':>8}"]
        for level in (*sorted({check.level for check in self.checks}), None):
            found = self.outcomes(level)
            name = "all" if level is None else str(level)
            lines.append(
                f"{name:8}{found['written']:>9,}{found['repaired']:>10,}{found['replaced']:>10,}"
                f"{self.kept(level):>8.0%}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return {"outcomes": self.outcomes(), "kept": self.kept(), **asdict(self)}
