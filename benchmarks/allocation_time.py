"""Milliseconds of allocation alone: all that ``Tree.compress`` does but weighing the leaves.

Relevance is clocked inside, wherever the engine calls it, and taken off. Every length is read in a
process of its own.
"""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import stdlib_text

LENGTHS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
BUDGET = 2000
TURNS = 3


def measure(lengths: Sequence[int] = LENGTHS) -> list[dict[str, Any]]:
    """Time each length, one after another."""
    rows = []
    for length in lengths:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            rows.append(process.submit(pace, length).result())
    return rows


def pace(tokens: int) -> dict[str, Any]:
    """Ask a text of about so many tokens every question, three times; medians and tails."""
    import hier

    tree = hier.build(stdlib_text.text(round(tokens * stdlib_text.CHARACTERS_A_TOKEN)))
    clock = _Clock()
    clock.wrap("hier.relevance", "weigh")
    tree.compress("A question nobody asked yet", budget=BUDGET)
    whole, alone = [], []
    for question in stdlib_text.QUESTIONS * TURNS:
        clock.seconds = 0.0
        began = time.perf_counter()
        tree.compress(question, budget=BUDGET)
        seconds = time.perf_counter() - began
        if not clock.seconds:
            raise RuntimeError("relevance was not clocked: it is called by another name")
        whole.append(1000 * seconds)
        alone.append(1000 * (seconds - clock.seconds))
    return {
        "tokens": tree.tokens,
        "contexts": len(alone),
        "compress_ms": _middle_and_tail(whole),
        "allocation_ms": _middle_and_tail(alone),
    }


def _middle_and_tail(values: Sequence[float]) -> dict[str, float]:
    middle, tail = np.quantile(values, [0.5, 0.95]).tolist()
    return {"median": middle, "p95": tail}


class _Clock:
    """Seconds spent inside a function of the engine."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, module: str, name: str) -> None:
        """Clock a function wherever the engine has it by its name."""
        function = getattr(sys.modules[module], name)

        def clocked(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.perf_counter() - began

        for found in list(sys.modules.values()):
            if getattr(found, "__name__", "").split(".")[0] == "hier" and (
                vars(found).get(name) is function
            ):
                setattr(found, name, clocked)
