"""What tests of stores share: texts, what a store holds, and what it answers."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hier.corpus.corpus import Corpus
from hier.corpus.packing import unpack

WORDS = (
    "river bridge stone winter council harvest engine copper violin garden market signal theory "
    "orbit protein tax ledger captain island thunder printer valley treaty lantern"
).split()
QUESTIONS = ("Who tuned the violin of copper?", "harvest tax of the council", None)


def prose(seed: int, sentences: int = 12) -> str:
    """Some paragraphs under two headings, other ones for each seed."""
    dice = random.Random(seed)
    lines = [
        " ".join(dice.choices(WORDS, k=8)).capitalize() + f" {dice.randrange(1000)}."
        for _ in range(sentences)
    ]
    half = sentences // 2
    return f"# Part {seed}\n\n{' '.join(lines[:half])}\n\n# Rest\n\n{' '.join(lines[half:])}\n"


def content(path: Path) -> tuple[list[Any], list[Any]]:
    """What a store holds: rows of documents, but for stamps, and rows of trees."""
    with closing(sqlite3.connect(path)) as file:
        documents = "SELECT id, hash, metadata, folder FROM documents ORDER BY id"
        trees = "SELECT * FROM trees ORDER BY hash"
        return file.execute(documents).fetchall(), file.execute(trees).fetchall()


def check_whole(path: Path) -> dict[str, bytes]:
    """Check that a store is sound and each document whole; return the trees by document."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        orphans = "SELECT count(*) FROM trees WHERE hash NOT IN (SELECT hash FROM documents)"
        assert file.execute(orphans).fetchone() == (0,)
        rows = file.execute("SELECT id, packed FROM documents JOIN trees USING (hash)").fetchall()
    for _, packed in rows:
        unpack(packed)
    return dict(rows)


def answers(corpus: Corpus, budget: int = 150) -> list[Any]:
    """What a corpus answers to some questions."""
    contexts = [corpus.compress(question, budget) for question in QUESTIONS]
    return [(context.text, context.segments) for context in contexts]


def scratch(path: Path, *folders: Path, **options: Any) -> Corpus:
    """Make a corpus of folders at once."""
    corpus = Corpus.create(path, **options)
    for folder in folders:
        corpus.sync(folder)
    return corpus
