"""One embedder for every system, and no text embedded twice.

All systems that take an embedder are given the same one, so that what is compared is what they do
with it. Vectors are kept in an SQLite file by the hash of their text: systems that cut a document
alike share the work, and a run that was stopped goes on where it was.
"""

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

STATIC, MINILM = "static", "sentence-transformers/all-MiniLM-L6-v2"


class Encoder(Protocol):
    """Texts in, unit vectors out."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 (texts, dimensions)."""
        ...


@cache
def encoder(name: str) -> Encoder:
    """The embedder of a name: ``"static"``, or a neural one as ``hier.build`` takes it."""
    if name == STATIC:
        from hier.retrieval.static import load_static

        return load_static()
    return Kept(name, cache_folder() / f"{name.rsplit('/', 1)[-1]}.sqlite")


def cache_folder() -> Path:
    """Where vectors and run files are kept: ``HIER_BENCH_CACHE``, else ``benchmarks/cache``."""
    named = os.environ.get("HIER_BENCH_CACHE")
    folder = Path(named) if named else Path(__file__).parent / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Kept:
    """A neural embedder whose vectors are kept on disk; safe under several processes.

    Args:
        name: the model, loaded only when a text has no vector yet.
        path: the SQLite file.
    """

    def __init__(self, name: str, path: Path) -> None:
        """Open the file."""
        self.name, self.path = name, path
        self._model: Any = None
        self._store = sqlite3.connect(path, timeout=600, isolation_level=None)
        self._store.execute("PRAGMA journal_mode=WAL")
        self._store.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)"
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 (texts, dimensions)."""
        keys = [hashlib.sha256(t.encode("utf-8", "surrogatepass")).digest() for t in texts]
        found = {key: vector for key in set(keys) if (vector := self._look_up(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            vectors = np.asarray(self._load().encode(list(missing.values())), np.float32)
            made = dict(zip(missing, vectors, strict=True))
            rows = [(key, vector.tobytes()) for key, vector in made.items()]
            self._store.execute("BEGIN IMMEDIATE")
            self._store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._store.execute("COMMIT")
            found |= made
        return np.stack([found[key] for key in keys])

    def _look_up(self, key: bytes) -> np.ndarray | None:
        row = self._store.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)

    def _load(self) -> Any:
        if self._model is None:
            from hier.retrieval.embedders import load_embedder

            self._model = load_embedder(self.name)
        return self._model
