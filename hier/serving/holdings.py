"""Holdings: the texts and corpora that can be asked, by id: those named at start, and a folder's.

The folder is the truth: what is in it is there, and what is not is not, whoever wrote or removed
it. Files are written by renaming, so that what is there is whole.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from hier.corpus.header import is_corpus
from hier.errors import InputError
from hier.serving.replies import Held
from hier.serving.requests import ID
from hier.store import is_tree

Kind = Literal["tree", "corpus"]

_ENDING = ".hier"
_ID = re.compile(ID)
_SETTLED_NS = 2_000_000_000  # a file written just now may be written again without a trace
_LEFT_SECONDS = 3600.0


class NotHeldError(InputError, LookupError):
    """There is nothing of that id."""


@dataclass(frozen=True)
class Holding:
    """A text or a corpus.

    Attributes:
        id: what it is asked by.
        kind: which of the two.
        path: its file.
        name: what it is called; empty to ask the file.
        writable: whether it is of the folder.
        stamp: tells this version of it from every other: the file's number, times and sizes.
        settled: whether it is so long since it was written that the stamp can be relied on.
    """

    id: str
    kind: Kind
    path: Path
    name: str
    writable: bool
    stamp: tuple[int, ...]
    settled: bool

    @property
    def held(self) -> Held:
        """What is told of it in a list."""
        return Held(
            id=self.id, kind=self.kind, name=self.name, bytes=self.stamp[2], writable=self.writable
        )


class Holdings:
    """Finds holdings.

    Args:
        folder: the folder of those that were made here.
        scratch: a folder for what is not kept when the server ends.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch = folder, scratch
        self._named: dict[str, tuple[Path, str]] = {}
        self._kinds: dict[Path, tuple[tuple[int, ...], Kind | None]] = {}
        self.clear_away()

    def clear_away(self) -> None:
        """Remove what writers that were killed had begun, an hour or longer ago."""
        for left in self.folder.glob(f".*{_ENDING}.*.part"):
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink(missing_ok=True)

    def name(self, path: Path, file: Path | None = None) -> str:
        """Take a file among those that are asked, and never written, under an id made of its name.

        Args:
            path: the file as it is known.
            file: where it lies, if elsewhere.
        """
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_")[:60] or "text"
        found, number = stem, 1
        while found in self._named:
            number += 1
            found = f"{stem}-{number}"
        self._named[found] = (path if file is None else file, path.name)
        return found

    def path_of(self, holding: str) -> Path:
        """Return where the file of an id is in the folder, or will be.

        Raises:
            NotHeldError: it is no id.
        """
        if not _ID.fullmatch(holding):
            raise NotHeldError("this is no id; ids are of letters, digits, - and _, 64 at most")
        return self.folder / f"{holding}{_ENDING}"

    def find(self, holding: str, kind: Kind | None = None) -> Holding:
        """Return what has an id.

        Raises:
            NotHeldError: nothing has, or it is of another kind.
        """
        found = self._look(holding) if _ID.fullmatch(holding) else None
        if found is None or kind not in (None, found.kind):
            what = {"tree": "text", "corpus": "corpus", None: "text or corpus"}[kind]
            raise NotHeldError(f"there is no {what} of that id; GET /v1/holdings lists them")
        return found

    def all(self, after: str = "", limit: int | None = None) -> list[Holding]:
        """Return holdings in the order of their ids.

        Args:
            after: the id behind which to begin.
            limit: how many at most.
        """
        ids = sorted({*self._named, *self._in_folder()})
        looked = (self._look(each) for each in ids if each > after)
        return list(islice((found for found in looked if found is not None), limit))

    def _in_folder(self) -> Iterator[str]:
        with os.scandir(self.folder) as entries:
            for entry in entries:
                name = entry.name.removesuffix(_ENDING)
                if name != entry.name and _ID.fullmatch(name):
                    yield name

    def _look(self, holding: str) -> Holding | None:
        named = self._named.get(holding)
        path = self.path_of(holding) if named is None else named[0]
        try:
            facts = path.stat(follow_symlinks=named is not None)
        except OSError:
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        stamp: tuple[int, ...] = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
        kind = self._kind(path, stamp)
        if kind is None:
            return None
        if kind == "corpus":
            stamp += _journal(path)
        settled = time.time_ns() - max(stamp[1], stamp[3] if stamp[3:] else 0) > _SETTLED_NS
        name = "" if named is None else named[1]
        return Holding(holding, kind, path, name, named is None, stamp, settled)

    def _kind(self, path: Path, stamp: tuple[int, ...]) -> Kind | None:
        known = self._kinds.get(path)
        if known is None or known[0] != stamp:
            kind: Kind | None = "tree" if is_tree(path) else "corpus" if is_corpus(path) else None
            if len(self._kinds) > 100_000:
                self._kinds.clear()
            self._kinds[path] = known = (stamp, kind)
        return known[1]


def _journal(path: Path) -> tuple[int, ...]:
    """Return what tells that a corpus was written to, where its file is not yet."""
    try:
        facts = path.with_name(f"{path.name}-wal").stat()
    except OSError:
        return (0, 0)
    return (facts.st_mtime_ns, facts.st_size)
