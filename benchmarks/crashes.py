"""A process that writes a corpus is killed at random moments; what it leaves must be whole.

A folder is edited and brought up to date again and again by a process that is killed (SIGKILL): at
any moment, and on purpose while it makes the store, gives back space or writes the index. After
each kill the store must open and be sound (``PRAGMA integrity_check``), each document in it be what
a build of its file gives, byte for byte, and none be missing that was finished before; and the run
that is let be must end with what a build from scratch gives.

    python benchmarks/crashes.py [--moments 200] [--files 60]
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environment

WORDS = (
    "river bridge stone winter council harvest engine copper violin garden market signal theory "
    "orbit protein tax ledger captain island thunder printer valley treaty lantern"
).split()
AIMED = ("create", "compact", "index")
KILLS = 5  # in a row, before a run is let be
_ANEW = 0.15  # how often the store is made anew
_AIM_SECONDS = 0.02  # after the beginning of what is aimed at


def text(seed: int) -> str:
    """Return a small document, another one for each seed."""
    dice = random.Random(seed)
    sentence = "{} {}.".format
    lines = [
        sentence(" ".join(dice.choices(WORDS, k=9)).capitalize(), dice.randrange(1000))
        for _ in range(dice.randrange(6, 30))
    ]
    return f"# Part {seed}\n\n" + "\n\n".join(lines) + "\n"


def bring_up(folder: Path, store: Path, marks: Path) -> None:
    """Bring a store up to date, and say what is being done: the process that is killed."""
    from hier.corpus import corpus, database, index_file, shard

    log = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def marked(mark: str, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            os.write(log, f"{mark}\n".encode())
            found = function(*arguments)
            os.write(log, b"sync\n")
            return found

        return call

    database._create = marked("create", database._create)
    database.Database.compact = marked("compact", database.Database.compact)  # type: ignore[method-assign]
    shard.keep_index = marked("index", index_file.keep_index)
    with corpus.Corpus.create(store) as opened:
        os.write(log, b"sync\n")
        opened.sync(folder)
    os.write(log, b"done\n")


def serve() -> None:
    """Fork a process for each line of three paths, and say how it ended."""
    from hier.corpus import corpus  # noqa: F401
    from hier.corpus.building import Recipe, build_document
    from hier.document import Document

    os.environ["OMP_NUM_THREADS"] = "1"
    build_document(Document(text(0), "warm.md"), b"", Recipe("o200k_base"))  # all is loaded
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                bring_up(*map(Path, json.loads(line)))
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)
        sys.stdin.readline()  # until then it is not waited for: its number stays its own
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class Victims:
    """Processes that write a store, each killed at a moment or let be."""

    def __init__(self, store: Path) -> None:
        """Start what forks them."""
        self.store, self.marks = store, store.with_name("marks")
        self.server = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say()

    def _say(self) -> str:
        assert self.server.stdout is not None
        if not (line := self.server.stdout.readline()):
            raise RuntimeError("the process that forks the others has ended")
        return line.strip()

    def run(self, folder: Path, seconds: float | None = None, aim: str = "") -> str:
        """Run one; return what it was doing when it was killed, "done" where it was not.

        Args:
            folder: what it brings the store up to date with.
            seconds: when it is killed: so long after its beginning, or after that of ``aim``.
            aim: what it must be about to do.
        """
        assert self.server.stdin is not None
        self.marks.unlink(missing_ok=True)
        line = json.dumps([str(folder), str(self.store), str(self.marks)])
        print(line, file=self.server.stdin, flush=True)
        child = int(self._say())
        if seconds is not None:
            self._wait(aim)
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        print("wait", file=self.server.stdin, flush=True)
        status = int(self._say())
        if status not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the writer ended with {status}")
        return "done" if status == 0 else (self._marks() or ["start"])[-1]

    def _marks(self) -> list[str]:
        return self.marks.read_text().split() if self.marks.exists() else []

    def _wait(self, aim: str) -> None:
        end = time.monotonic() + 60
        while aim and aim not in (marks := self._marks()) and "done" not in marks:
            if time.monotonic() > end:
                raise RuntimeError(f"nothing of {aim} after 60 s")
            time.sleep(0.0005)

    def close(self) -> None:
        """End what forks them."""
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait()
        assert self.server.stdout is not None
        self.server.stdout.close()


@contextmanager
def victims(store: Path) -> Iterator[Victims]:
    """Yield what runs writers of a store."""
    opened = Victims(store)
    try:
        yield opened
    finally:
        opened.close()


@dataclass
class Watch:
    """A folder that is edited, and what a store must have of it."""

    folder: Path
    store: Path
    files: int
    dice: random.Random
    faults: list[str] = field(default_factory=list)
    finished: dict[str, bytes] = field(default_factory=dict)
    ever: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)

    def edit(self) -> None:
        """Change the folder: many files go (so that space is given back), or come and change."""
        from hier.corpus.building import Recipe, build_document, hash_file
        from hier.files.reading import read_bytes

        paths = sorted(self.folder.glob("*.md"))
        if len(paths) > self.files * 0.8:
            for path in self.dice.sample(paths, len(paths) // 2):
                path.unlink()
        else:
            changed = self.dice.sample(paths, len(paths) // 4)
            fresh = [
                self.folder / f"d{self.dice.randrange(10**6)}.md"
                for _ in range(self.files - len(paths))
            ]
            for path in [*changed, *fresh]:
                path.write_text(text(self.dice.randrange(self.files * 2)))
        self.finished = {}
        for path in self.folder.glob("*.md"):
            raw = path.read_bytes()
            found = hash_file(raw, path.name, "utf-8")
            if found not in self.ever:
                built = build_document(
                    read_bytes(raw, path.name), found, Recipe("o200k_base", cache=False)
                )
                self.ever[found] = (built.tokens, built.leaves, built.packed, built.passages)

    def wanted(self) -> dict[str, bytes]:
        """Return what the trees of the files are found by."""
        from hier.corpus.building import hash_file

        return {
            path.name: hash_file(path.read_bytes(), path.name, "utf-8")
            for path in self.folder.glob("*.md")
        }

    def look(self) -> None:
        """Check what a killed writer left."""
        if not self.store.exists():
            if self.finished:
                self.faults.append("the store is gone")
            return
        from hier.corpus.corpus import Corpus

        with Corpus.open(self.store) as corpus:
            rows = {row.id: row.hash for row in corpus.documents}
        wanted = self.wanted()
        with closing(sqlite3.connect(self.store)) as file:
            sound = file.execute("PRAGMA integrity_check").fetchone()[0]
            trees = {each[0]: each[1:] for each in file.execute("SELECT * FROM trees")}
        if sound != "ok":
            self.faults.append(f"integrity_check: {sound}")
        for found, tree in trees.items():
            if self.ever.get(found) != tree:
                self.faults.append("a document is not what a build gives")
        if set(rows.values()) != trees.keys():
            self.faults.append("a tree is missing, or of no document")
        now = {name: found for name, found in rows.items() if wanted.get(name) == found}
        if not self.finished.items() <= now.items():
            self.faults.append("a finished document was lost")
        self.finished = now

    def look_at_the_end(self) -> None:
        """Check what a writer left that was let be: what a build from scratch gives."""
        self.look()
        if self.finished != self.wanted():
            self.faults.append("a run that ended has not all of the folder, or more")
        if not self.indexed():
            self.faults.append("the index is stale after a run that ended")
        if left := [p.name for p in self.store.parent.glob(".*.part*")]:
            self.faults.append(f"{left} was left behind")

    def indexed(self) -> bool:
        """Say whether the index beside the store is of what it holds."""
        from hier.corpus.database import Database
        from hier.corpus.index_file import open_index

        database = Database(self.store)
        _, changed = open_index(self.store, database, database.rows())
        database.close()
        return not changed


def run(
    place: Path, moments: int, files: int, seed: int, kills: int = KILLS
) -> tuple[dict[str, Any], list[str]]:
    """Kill writers.

    Args:
        place: an empty folder.
        moments: how many are killed.
        files: about how many the folder has.
        seed: of the edits and the moments.
        kills: in a row, before a run is let be.

    Returns:
        How many were killed doing what, and what was wrong.
    """
    folder, store = place / "folder", place / "c.hier"
    folder.mkdir()
    watch = Watch(folder, store, files, random.Random(seed))
    killed: Counter[str] = Counter()
    ended = 0
    with victims(store) as writers:
        longest = 1.0
        while killed.total() < moments:
            if watch.dice.random() < _ANEW:
                for path in place.glob("c.hier*"):
                    path.unlink()
            watch.edit()
            for _ in range(min(kills, moments - killed.total())):
                aim = watch.dice.choice(["", "", *AIMED[0 if not store.exists() else 1 :]])
                doing = writers.run(
                    folder, watch.dice.uniform(0, _AIM_SECONDS if aim else longest), aim
                )
                if doing != "done":
                    killed[doing] += 1
                watch.look()
            started = time.monotonic()
            writers.run(folder)
            longest = max(0.2, time.monotonic() - started)
            ended += 1
            watch.look_at_the_end()
    return {"killed": dict(sorted(killed.items())), "ended": ended}, watch.faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, print, write the result file; 1 if anything was lost."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--moments", type=int, default=200, help="how many writers are killed")
    add("--files", type=int, default=60, help="about how many files the folder has")
    add("--serve", action="store_true", help=argparse.SUPPRESS)
    add("--out", type=Path, default=environment.RESULTS / "crashes.json", help="'-' writes none")
    options = described.parse_args(arguments)
    if options.serve:
        serve()
        return 0
    with tempfile.TemporaryDirectory() as place:
        found, faults = run(Path(place), options.moments, options.files, environment.SEED)
    found |= {"files": options.files, "faults": dict(Counter(faults))}
    print(json.dumps(found, indent=2))
    if str(options.out) != "-":
        environment.write(options.out, {"environment": environment.describe()} | found)
        print("written:", options.out)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
