"""Summaries on disk, so that none is paid for twice: one SQLite file, safe under several processes.

A summary is found by what it depends on: the writer (model, prompt version, parameters) and the
text it was made from. Each is written when it arrives, so that a build that was killed goes on
where it was, and a text that changed in one place asks for that place alone. That a model gave no
summary of use, asked again and again, is kept too.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from hier.errors import StoreError
from hier.summarizers.calls import Call, Written

_SCHEMA = """CREATE TABLE IF NOT EXISTS summaries (
    key BLOB PRIMARY KEY, text BLOB NOT NULL, fault TEXT NOT NULL, call TEXT
)"""
_BUSY_SECONDS = 60.0
_ASKED = 500  # keys looked up in one statement


def default_path() -> Path:
    """Return where summaries are kept: in the folder HIER_CACHE names, else the user's cache."""
    if folder := os.environ.get("HIER_CACHE"):
        return Path(folder) / "summaries.sqlite"
    from platformdirs import user_cache_path

    return user_cache_path("hier", appauthor=False) / "summaries.sqlite"


def key(identity: str, text: str) -> bytes:
    """Return what a summary is found by: a digest of its writer and of the text it is made from."""
    parts = json.dumps([identity, text])  # ASCII, lone surrogates escaped
    return hashlib.sha256(parts.encode("ascii")).digest()


class Cache:
    """Summaries by key.

    Args:
        path: the file; made, with its folder, when it is not there.

    Raises:
        StoreError: it is no such file, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self.path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Replies arrive on another thread than the one that looks them up, never both at once.
            self._file = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            with self._file:
                self._file.execute(_SCHEMA)

    def __enter__(self) -> "Cache":
        """Return the open cache."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Written]:
        """Return those summaries that are kept, by their keys."""
        found: dict[bytes, Written] = {}
        with self._explained():
            for start in range(0, len(keys), _ASKED):
                some = keys[start : start + _ASKED]
                marks = ",".join("?" * len(some))
                rows = self._file.execute(
                    f"SELECT key, text, fault, call FROM summaries WHERE key IN ({marks})", some
                )
                with closing(rows):
                    for name, text, fault, call in rows:
                        took = Call(**json.loads(call)) if call else None
                        found[name] = Written(text.decode("utf-8", "surrogatepass"), fault, took)
        return found

    def put(self, key: bytes, summary: Written) -> None:
        """Keep a summary: on disk when this returns."""
        text = summary.text.encode("utf-8", "surrogatepass")
        call = json.dumps(asdict(summary.call)) if summary.call else None
        with self._explained(), self._file:
            self._file.execute(
                "INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?)",
                (key, text, summary.fault, call),
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            remedy = "delete it, or name another: cache=Path(...), HIER_CACHE=FOLDER"
            if self._is_shared():
                remedy = "free some space, or check its permissions, and run the same again"
            raise StoreError(
                f"the cache of summaries {self.path} cannot be used: {error}; {remedy}"
            ) from error

    def _is_shared(self) -> bool:
        """Say whether the file is of an application that keeps more in it than summaries."""
        try:
            return bool(self._file.execute("PRAGMA application_id").fetchone()[0])
        except (AttributeError, sqlite3.Error):  # it was never opened
            return False
