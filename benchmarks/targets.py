"""What a measurement was to reach, beside what it did: printed, stored, and an exit code.

A script that has targets makes a `Target` of each, ends with code 1 when one is missed, and writes
all of them into its result file.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """One line of a table of targets.

    Attributes:
        name: what is measured.
        limit: what was to be reached.
        figure: what was measured.
        unit: of both.
        least: whether the limit is a least; otherwise it is a most.
    """

    name: str
    limit: float
    figure: float
    unit: str = ""
    least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the figure keeps to the limit."""
        keeps = operator.ge if self.least else operator.le
        return bool(keeps(self.figure, self.limit))

    def __str__(self) -> str:
        """The line as printed."""
        sign, verdict = "≤≥"[self.least], "reached" if self.reached else "MISSED"
        return f"{self.name:<60}{sign}{self.limit:>7g}{self.figure:>10.4g} {self.unit:<8}{verdict}"

    def row(self, *more: str) -> dict[str, Any]:
        """The line as a result file has it; a file may have more of its attributes."""
        told = {name: getattr(self, name) for name in more}
        return {
            "name": self.name,
            "limit": self.limit,
            "measured": self.figure,
            **told,
            "reached": self.reached,
        }


def exit_code(lines: Iterable[Target]) -> int:
    """The exit code of a script: 1 when a target is missed."""
    return 0 if all(line.reached for line in lines) else 1
