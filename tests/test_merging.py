"""Corpora that are joined and parted: the same as built at once, and whole or not there at all."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hier.corpus.corpus import Corpus
from hier.corpus.merging import merge, split
from hier.document import Document
from hier.errors import InputError, StoreError

LAMPS = [
    (f"d{n}", f"Lamp {n} stands in hall {n % 3}. It burns {word} oil.\n\nIts keeper is {word}.\n")
    for n, word in enumerate("green red blue black white grey brown pink gold".split())
]


def make(path: Path, numbers: list[int], **options: object) -> Path:
    with Corpus.create(path, **options) as corpus:
        for number in numbers:
            name, text = LAMPS[number]
            corpus.add(Document(text, name), metadata={"year": 2020 + number % 2})
    return path


def contents(path: Path) -> list[object]:
    with Corpus.open(path) as corpus:
        database = corpus.shards[0].database
        return [
            (row, database.packed([row.hash]), database.passages([row.hash]))
            for row in database.rows()
        ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole") / "whole.hier", list(range(9)))


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_parts_joined_are_the_whole(
    parts: list[int], whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    paths = []
    for part in sorted(set(parts)):
        names = [LAMPS[n][0] for n in range(9) if parts[n] == part]
        paths.append(folder / f"{part}.hier")
        assert split(whole, paths[-1], {"path": names}) == len(names)
    assert merge(reversed(paths), folder / "joined.hier") == 9
    assert contents(folder / "joined.hier") == contents(whole)
    for path in paths:
        shutil.copy(path, folder / "before")
        assert merge([path], folder / f"{path.name}.again") == len(contents(path))
        assert (folder / "before").read_bytes() == path.read_bytes()
    assert sorted(p.name for p in folder.glob(".*")) == []


def test_what_both_have_is_taken_once_if_it_is_the_same(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a.hier", [0, 1, 2]), make(tmp_path / "b.hier", [2, 3])
    assert merge([a, b], tmp_path / "c.hier") == 4
    with Corpus.open(b) as corpus:
        corpus.add(Document("Another text.\n", "d2"), metadata={"year": 2020})
    with pytest.raises(StoreError, match=r"'d2' is in .*a.hier and in .*b.hier, not the same text"):
        merge([a, b], tmp_path / "e.hier")
    with Corpus.open(b) as corpus:
        corpus.add(Document(LAMPS[2][1], "d2"), metadata={"year": 1999})
    with pytest.raises(StoreError, match=r"'d2' is in .*not with the same metadata.*hier remove"):
        merge([a, b], tmp_path / "e.hier")
    assert sorted(tmp_path.glob("*e.hier*")) == [tmp_path / "e.hier.lock"]


def test_what_was_read_otherwise_is_refused(tmp_path: Path) -> None:
    a = make(tmp_path / "a.hier", [0])
    b = make(tmp_path / "b.hier", [1], tokenizer="cl100k_base")
    with pytest.raises(StoreError, match=r"a.hier and .*b.hier were read in differ.*token"):
        merge([a, b], tmp_path / "c.hier")


def test_bad_input_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    a = make(tmp_path / "a.hier", [0, 1])
    (tmp_path / "no.hier").write_text("no corpus")
    cases = [
        (lambda out: merge([a, tmp_path / "gone.hier"], out), StoreError, "gone.hier does not"),
        (lambda out: merge([a, tmp_path / "no.hier"], out), StoreError, "no.hier is no corpus"),
        (lambda out: merge([], out), InputError, "no corpus to join"),
        (lambda out: split(a, out, {"year": 1999}), InputError, "lets no document"),
        (lambda out: split(a, out, {"path": 7}), InputError, "no pattern"),
        (lambda out: merge([a], a), StoreError, "a.hier is there already; choose another"),
    ]
    before = a.read_bytes()
    for act, error, said in cases:
        with pytest.raises(error, match=said):
            act(tmp_path / "out.hier")
        assert not (tmp_path / "out.hier").exists()
    assert a.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_a_part_that_can_only_be_read_is_joined(tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    a = make(tmp_path / "sealed" / "a.hier", [0, 1])
    for path in tmp_path.joinpath("sealed").iterdir():
        path.chmod(0o444)
    a.parent.chmod(0o555)
    try:
        assert merge([a], tmp_path / "out.hier") == 2
    finally:
        a.parent.chmod(0o755)


def test_a_merge_that_is_killed_leaves_nothing_under_its_name(tmp_path: Path) -> None:
    big = tmp_path / "big.hier"
    make(big, [0])
    with sqlite3.connect(big) as file:  # trees that take a while to copy
        file.executemany(
            "INSERT INTO trees SELECT randomblob(32), 1, 1, randomblob(1000000), x'' FROM trees "
            "LIMIT ?",
            [(1,)] * 100,
        )
        file.execute(
            "INSERT INTO documents (id, hash, metadata, folder, size, modified, inode) "
            "SELECT hex(hash), hash, '{}', '', 0, 0, 0 FROM trees "
            "WHERE length(passages) = 0"
        )
    file.close()
    code = f"from hier.corpus.merging import merge; merge([{str(big)!r}], {str(tmp_path / 'o')!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=tmp_path)
    while child.poll() is None and not list(tmp_path.glob(".o.*.part")):
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / "o").exists()
    assert merge([big], tmp_path / "o") == 101
