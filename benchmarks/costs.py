"""What a system costs: tokens read a second, milliseconds a question, peak memory.

One text, one process a system, one system at a time, and no vector kept from before, so that who
ran first pays no more than who ran last. A small text is read and asked about before the clock
starts, which loads models and tables. Memory is the process's highest resident memory over what it
held before the system was made: libraries and models count, since a user needs them too.

    python benchmarks/costs.py "NAME OF A SYSTEM"
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import data
import environment
import runs
import stdlib_text
import versions
from systems import named
from systems.base import Unavailable

CHARACTERS, WARM_UP, BUDGET = 80_000, 4_000, 1024
LONGEST = 1800  # seconds for all of it
QUESTIONS = stdlib_text.QUESTIONS[1:11]


def measure(make: Callable[[], Any]) -> dict[str, float]:
    """The costs of a system in this process, which should be a fresh one."""
    text = stdlib_text.reference()[: CHARACTERS + WARM_UP]
    tokens = environment.token_counter(data.TOKENIZER)(text[WARM_UP:])
    before = _peak_bytes()
    system = make()
    system.read(text[:WARM_UP]).answer(stdlib_text.QUESTIONS[0], (BUDGET,))
    began = time.perf_counter()
    reader = system.read(text[WARM_UP:])
    seconds = time.perf_counter() - began
    milliseconds = []
    for question in QUESTIONS:
        began = time.perf_counter()
        reader.answer(question, (BUDGET,))
        milliseconds.append(1000 * (time.perf_counter() - began))
    return {
        "tokens": tokens,
        "build_seconds": seconds,
        "build_tokens_per_second": tokens / seconds,
        "query_milliseconds": median(milliseconds),
        "peak_megabytes": (_peak_bytes() - before) / 1e6,
    }


def _peak_bytes() -> int:
    """Highest resident memory of this process so far.

    Linux hands a process's ``ru_maxrss`` on to those it starts, so its own figure is read instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else 1024 * highest


def of(system: Any, folder: Path, retry: bool = False) -> dict[str, Any]:
    """The costs of a system, measured in a process of its own or kept from an earlier run.

    Returns:
        The figures, or under ``"failure"`` what the system said instead.

    Raises:
        StorageError: the figures could not be kept.
    """
    key = versions.digest(versions.of(system), environment.processor(), str(CHARACTERS))
    file = folder / runs.plain(system.name) / f"costs-{key}.json"
    if file.exists() and not retry:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, __file__, system.name],
                env=os.environ | {"HIER_BENCH_CACHE": empty},
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            return {"failure": f"took more than {LONGEST} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failure": said[-1][:300]}
    runs.write(file, done.stdout.splitlines()[-1].encode())
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Measure the system that the command line names; print one line of JSON."""
    name = sys.argv[1]
    try:
        print(json.dumps(measure(lambda: named(name))))
    except (KeyError, Unavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
