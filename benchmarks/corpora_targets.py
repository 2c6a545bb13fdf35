"""What corpora are to reach, beside what was measured, and how figures grow with their size."""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import numpy as np
from targets import Target

Figures = dict[str, Any]
LARGE = 10_000_000  # tokens of the corpus that most targets are about


def pace(row: Figures) -> float:
    """Tokens a second."""
    return float(row["tokens"] / row["seconds"])


def targets(result: Figures) -> list[Target]:
    """The issue's targets beside what was measured; those not measured in this run left out."""
    return [line for part in _TARGETS if part in result for line in _TARGETS[part](result[part])]


def _of_build(found: Figures) -> Iterator[Target]:
    slowest = min(found["rows"], key=pace)
    yield Target(
        f"built by one worker, documents of {slowest['length']:,}", 150, pace(slowest) / 1e3,
        "k/s", least=True,
    )  # fmt: skip
    yield Target("store / bytes of the text, worst length", 2.5, _largest(found["rows"]), "x")


def _largest(rows: Sequence[Figures]) -> float:
    return max(float(row["store_bytes"] / row["text_bytes"]) for row in rows)


def _of_workers(found: Figures) -> Iterator[Target]:
    yield Target("two workers / one", 1.8, found["speedup"], "x", least=True)


def _of_again(found: Figures) -> Iterator[Target]:
    files = f"{found['files']:,} files"
    yield Target(f"again, {files} unchanged", 1, median(found["unchanged_seconds"]), "s")
    yield Target(f"again, one of {files} changed", 2, median(found["changed_seconds"]), "s")


def _of_sizes(found: Figures) -> Iterator[Target]:
    rows = found["rows"]
    built = [row["built"] for row in rows]
    yield Target("store / bytes of the text, worst size", 2.5, _largest(built), "x")
    for row in rows:
        if abs(row["tokens"] / LARGE - 1) < 0.1:
            yield Target("compress at 10M tokens, median", 100, row["ms"]["median"], "ms")
            yield Target("open at 10M tokens", 1, row["open_seconds"], "s")
            yield Target("memory at 10M tokens, peak", 1000, row["peak_bytes"] / 1e6, "MB")


def _of_shards(found: Figures) -> Iterator[Target]:
    yield Target("answers of shards that are those of one", 1, float(found["same_answers"]), "",
                 least=True)  # fmt: skip


_TARGETS: dict[str, Callable[[Figures], Iterator[Target]]] = {
    "build": _of_build,
    "workers": _of_workers,
    "again": _of_again,
    "sizes": _of_sizes,
    "shards": _of_shards,
}


def growth(rows: Sequence[Figures], value: Callable[[Figures], float]) -> float:
    """Exponent of growth with the size of a corpus; 1 is linear, not a number for one size."""
    if len(rows) < 2:
        return math.nan
    tokens, values = zip(*((math.log(r["tokens"]), math.log(value(r))) for r in rows), strict=True)
    return float(np.polyfit(tokens, values, 1)[0])
