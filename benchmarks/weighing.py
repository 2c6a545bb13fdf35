"""What weighing leaves costs, seen from outside: of every call how many leaves it scored, and time.

The engine is watched wherever it has `hier.relevance.weigh`, and given back as it was.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Weighed:
    """One call: leaves of the tree, those of them that were scored, and milliseconds."""

    leaves: int
    scored: int
    milliseconds: float


@contextmanager
def watched() -> Iterator[list[Weighed]]:
    """Give a list that every call of ``weigh`` is added to, while it is watched."""
    from hier import plan  # which calls it for every question
    from hier.relevance import weigh

    if plan.weigh is not weigh:
        raise RuntimeError("weigh is watched already")
    seen: list[Weighed] = []

    def clocked(tree: Any, *given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        found = weigh(tree, *given, **named)
        milliseconds = 1000 * (time.perf_counter() - began)
        seen.append(Weighed(len(tree.leaf_start), len(found.opened), milliseconds))
        return found

    places = [
        module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "hier" and vars(module).get("weigh") is weigh
    ]
    for module in places:
        module.weigh = clocked  # type: ignore[attr-defined]
    try:
        yield seen
    finally:
        for module in places:
            module.weigh = weigh  # type: ignore[attr-defined]
