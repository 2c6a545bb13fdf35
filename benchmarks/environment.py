"""Where a figure was measured: commit, versions, processor, seed, date; and a count of our own.

Every result file opens with `describe()`, so that no number is written without its circumstances.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
PACKAGES = (
    "hier-context",
    "numpy",
    "scipy",
    "tiktoken",
    "tokenizers",
    "faiss-cpu",
    "PyStemmer",
    "llama-index-core",
    "sentence-transformers",
    "torch",
)
SEED = 20_261_124


def describe(seed: int = SEED, packages: Sequence[str] = ()) -> dict[str, Any]:
    """The circumstances of a measurement, ready for JSON; more packages can be named."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "-uno", "--", ".", ":!benchmarks/results")),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "packages": {name: found for name in (*PACKAGES, *packages) if (found := _version(name))},
        "seed": seed,
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def token_counter(encoding: str) -> Callable[[str], int]:
    """A count by tiktoken alone, independent of the engine's own; works without a network.

    Args:
        encoding: a tiktoken encoding that llama-index-core carries, such as ``"cl100k_base"``.
    """
    encode = tiktoken_encoding(encoding).encode_ordinary
    return lambda text: len(encode(text))


@cache
def tiktoken_encoding(encoding: str) -> Any:
    """The tiktoken encoding, its table read from the folder that llama-index-core carries."""
    spec = importlib.util.find_spec("llama_index.core")
    if spec is not None and spec.origin:
        tables = Path(spec.origin).parent / "_static" / "tiktoken_cache"
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tables))
    import tiktoken

    return tiktoken.get_encoding(encoding)


def write(path: Path, result: dict[str, Any]) -> None:
    """Write one result file, keys in the order given, floats rounded for people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(result), indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
