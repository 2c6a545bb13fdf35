"""The load of the server as it stands in `docs/http.md`."""

from collections.abc import Mapping
from typing import Any

_ROWS = {
    "distinct": "questions, no two the same",
    "repeated": "questions that were asked before",
    "health": "`/health`, which computes nothing",
    "two_processes": "the library alone, in two processes, no two questions the same",
}


def load(result: Mapping[str, Any]) -> str:
    """Return how many requests a second were answered, and how long they took."""
    lines = [
        f"A saved tree of {result['tokens']:,} tokens, contexts of {result['budget']:,}; "
        f"{result['workers']} workers on {result['environment']['cores']} cores, "
        f"{result['connections']} clients at once on the same machine:\n",
        "| | requests a second | half of them within | 99 of 100 within |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, words in _ROWS.items():
        row = result[name]
        lines.append(
            f"| {words} | {row['a_second']:,.0f} | {row['p50']:,.0f} ms | {row['p99']:,.0f} ms |"
        )
    lines.append(
        f"\nThe server's own loop takes {result['own_milliseconds']:.1f} ms of processor time for "
        f"a question that is new, {result['own_milliseconds_kept']:.1f} ms for one that was kept. "
        "The target of 200 new questions a second, 99 of 100 within 100 ms, is "
        f"{'reached' if result['distinct']['a_second'] >= 200 else 'missed'} on this machine: the "
        "library itself does no more (`benchmarks/serving.py`)."
    )
    return "\n".join(lines) + "\n"
