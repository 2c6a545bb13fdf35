"""One measurement in one fresh process, printed as a line of JSON; `speed.py` starts these.

A process of its own keeps one figure from warming or fattening the next. Not meant to be read by
people: run ``speed.py``.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environment
import stdlib_text

WARM_UP = 20_000  # characters built before the clock starts: loads tables, compiles expressions
BUDGET = 2000


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of some work, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def pace(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds to encode once and to build, best of some turns; milliseconds of 20 compressions."""
    import hier

    text = options.path.read_text(encoding="utf-8")
    encoding = environment.tiktoken_encoding("o200k_base")
    hier.build(text[:WARM_UP]).compress(stdlib_text.QUESTIONS[0], budget=BUDGET)
    tokens = len(encoding.encode_ordinary(text))
    encode, build = [], []
    for _ in range(max(2, min(7, 2_000_000 // tokens))):
        tree = None  # the old tree goes before the new one comes
        seconds, _ = clocked(lambda: len(encoding.encode_ordinary(text)))
        encode.append(seconds)
        seconds, tree = clocked(lambda: hier.build(text))
        build.append(seconds)
    assert tree is not None
    tree.compress("A question nobody asked yet", budget=BUDGET)
    compress = []
    for question in stdlib_text.QUESTIONS:
        seconds, _ = clocked(lambda q=question: tree.compress(q, budget=BUDGET))
        compress.append(1000 * seconds)
    overview, _ = clocked(lambda: tree.compress(budget=BUDGET))
    measured = {
        "tokens": tokens,
        "characters": len(text),
        "turns": len(build),
        "encode_seconds": min(encode),
        "build_seconds": min(build),
        "ratio": min(build) / min(encode),
        "compress_ms": sorted(compress),
        "overview_ms": 1000 * overview,
    }
    if options.save:
        measured["save_seconds"], _ = clocked(lambda: tree.save(options.save))
        measured["file_bytes"] = sum(
            p.stat().st_size for p in (options.save, *options.save.rglob("*")) if p.is_file()
        )
    return measured


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Bytes of resident memory per source token: at the peak of a build, and with the tree kept.

    The baseline is taken after a small build, so the tables that every process loads once are not
    charged to the text, and before the text is read, so the text itself is. The tree's figure is
    what is still resident after a collection, which includes what the allocator keeps.
    """
    import hier

    tokens = options.tokens
    hier.build(stdlib_text.QUESTIONS[0] * 200)
    gc.collect()
    baseline = resident("VmRSS")
    text = options.path.read_text(encoding="utf-8")
    tree = hier.build(text)
    peak = resident("VmHWM")
    del text
    gc.collect()
    kept = resident("VmRSS")
    assert tree is not None
    return {
        "tokens": tokens,
        "baseline_bytes": baseline,
        "peak_bytes_per_token": (peak - baseline) / tokens,
        "tree_bytes_per_token": (kept - baseline) / tokens,
    }


def resident(field: str) -> int:
    """Resident memory of this process, now (VmRSS) or at its highest (VmHWM), in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        raise SystemExit("memory is measured on Linux only: there is no /proc/self/status here")
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"/proc/self/status has no {field}")


def load(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from a saved tree to a usable one, and to the first answer."""
    import hier

    seconds, tree = clocked(lambda: hier.load(options.path))
    first, _ = clocked(lambda: tree.compress(stdlib_text.QUESTIONS[0], budget=BUDGET))
    return {"load_seconds": seconds, "first_compress_seconds": first}


def bare_import(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of ``import hier``."""
    del options
    for name in [name for name in sys.modules if name.split(".")[0] in ("hier", "numpy")]:
        raise SystemExit(f"{name} is imported already: the figure would flatter")
    began = time.perf_counter()
    import hier  # noqa: F401

    return {"import_seconds": time.perf_counter() - began}


PROBES = {"pace": pace, "memory": memory, "load": load, "import": bare_import}


def main() -> None:
    """Run the probe that the command line names."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    described.add_argument("probe", choices=PROBES)
    described.add_argument("path", type=Path, nargs="?")
    described.add_argument("--tokens", type=int)
    described.add_argument("--save", type=Path)
    options = described.parse_args()
    print(json.dumps(PROBES[options.probe](options)))


if __name__ == "__main__":
    main()
