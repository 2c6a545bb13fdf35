"""Documents built by many workers: the same as by one, whoever dies."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import deadly
import psutil
import pytest
from house import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from hier.corpus.building import Recipe, Task
from hier.corpus.corpus import Corpus
from hier.corpus.database import UNKNOWN
from hier.corpus.spread import (
    BATCH_BYTES,
    BATCH_FILES,
    Batches,
    batched,
    run_executor,
    spread,
)
from hier.corpus.workers import run_workers
from hier.errors import InputError, StoreError, TokenizerError


def given_up(number: int, why: str) -> list[str]:
    return [f"{number}: {why}"]


def kept(path: Path) -> list[object]:
    """All that a store holds of its documents, but for what tells how young their files were."""
    with Corpus.open(path, tokenizer=deadly.count) as corpus:
        database = corpus.shards[0].database
        rows = database.rows()
        hashes = sorted({row.hash for row in rows})
        packed, passages = database.packed(hashes), database.passages(hashes)
        return [(replace(row, stamp=UNKNOWN), packed[row.hash], passages[row.hash]) for row in rows]


def write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve files, one of them no text."""
    made = tmp_path_factory.mktemp("many") / "folder"
    write(made, {f"{n}.txt": f"The lamp {n} is green. " * (40 * n + 1) for n in range(11)})
    (made / "broken.txt").write_bytes(b"\xff\xfe\x00")
    return made


@pytest.fixture(scope="module")
def by_one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What a corpus of the folder holds that was built by this process."""
    path = tmp_path_factory.mktemp("one") / "one.hier"
    with Corpus.create(path, tokenizer=deadly.count) as corpus:
        assert list(corpus.sync(folder).failed) == ["broken.txt"]
    return kept(path)


def executors() -> dict[str, Callable[[], Executor]]:
    return {
        "threads": lambda: ThreadPoolExecutor(2),
        "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    }


@pytest.mark.parametrize("kind", ["workers", *executors()])
def test_the_result_does_not_depend_on_who_builds(
    kind: str, folder: Path, by_one: list[object], tmp_path: Path
) -> None:
    path = tmp_path / "many.hier"
    with Corpus.create(path, tokenizer=deadly.count) as corpus:
        if kind == "workers":
            report = corpus.sync(folder, workers=2)
        else:
            with executors()[kind]() as executor:
                report = corpus.sync(folder, executor=executor)
    assert list(report.failed) == ["broken.txt"]
    assert kept(path) == by_one


def test_who_dies_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    texts = {f"{n}.txt": f"The lamp {n} is green.\n" for n in range(5)}
    texts["once.txt"] = f"This {deadly.ONCE} in {tmp_path / 'mark'}\n"
    texts["always.txt"] = f"This {deadly.ALWAYS}, whoever reads it.\n"
    folder = write(tmp_path / "folder", texts)
    with Corpus.create(tmp_path / "c.hier", tokenizer=deadly.count) as corpus:
        report = corpus.sync(folder, workers=2)
        assert (tmp_path / "mark").exists()
        assert report.added == tuple(sorted(texts.keys() - {"always.txt"}))
        assert list(report.failed) == ["always.txt"]
        assert "worker died (exit code 3), twice; build it alone" in report.failed["always.txt"]
        write(folder, {"always.txt": "It was mended.\n"})
        assert corpus.sync(folder, workers=2).added == ("always.txt",)


def test_a_broken_executor_is_said_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", {"a.txt": "A green lamp.\n"})
    with Corpus.create(tmp_path / "c.hier", tokenizer=deadly.count) as corpus:
        corpus.sync(folder)
        write(folder, {"b.txt": f"This {deadly.ALWAYS}.\n", "c.txt": "A red lamp.\n"})
        with (
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
            pytest.raises(StoreError, match=r"executor can do no more.*workers=N"),
        ):
            corpus.sync(folder, executor=pool)
        assert [row.id for row in corpus.documents] == ["a.txt"]
        assert corpus.sync(folder, workers=1 + 1).added == ("c.txt",)


@pytest.mark.parametrize("workers", [1, 3])
def test_pieces_are_lost_alone(workers: int) -> None:
    batches = [range(0, 5), range(10, 15), range(20, 22)]
    waiting: Batches[int, list[object]] = Batches(batches, given_up)
    found = list(run_workers(waiting, deadly.double, deadly.nothing, workers))
    lost = [f for result in found for f in result if isinstance(f, str)]
    assert lost == ["13: its worker died (SIGKILL)"]
    doubled = [f for result in found for f in result if isinstance(f, int)]
    assert sorted(doubled) == sorted(2 * n for batch in batches for n in batch if n != 13)


def test_what_an_executor_raises_is_lost_alone() -> None:
    waiting: Batches[int, list[object]] = Batches([range(10, 20), range(30, 33)], given_up)
    with ThreadPoolExecutor(3) as pool:
        found = [f for result in run_executor(waiting, deadly.doubled, pool) for f in result]
    said = "17: its worker failed (ZeroDivisionError: 17 is too much)"
    numbers = [2 * n for n in (*range(10, 20), *range(30, 33)) if n != 17]
    assert sorted(found, key=str) == sorted([said, *numbers], key=str)


class Counting(Executor):
    """Runs in a thread, and knows the most that it was ever given at a time."""

    def __init__(self) -> None:
        self.pool, self.lock, self.given, self.most = ThreadPoolExecutor(1), threading.Lock(), 0, 0

    def submit(self, call: Callable, /, *arguments: object, **named: object) -> Future:
        with self.lock:
            self.given += 1
            self.most = max(self.most, self.given)
        future = self.pool.submit(call, *arguments, **named)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future) -> None:
        with self.lock:
            self.given -= 1


def test_only_so_many_batches_are_under_way() -> None:
    executor = Counting()
    waiting: Batches[int, list[object]] = Batches([[n] for n in range(100, 160)], given_up)
    found = run_executor(waiting, deadly.doubled, executor, under_way=4)
    assert sum(1 for _ in found) == 60
    assert 1 < executor.most <= 4


def test_an_executor_that_was_shut_down_is_said() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    waiting: Batches[int, list[object]] = Batches([[1]], given_up)
    with pytest.raises(StoreError, match="executor can do no more"):
        list(run_executor(waiting, deadly.doubled, pool))


@given(st.lists(st.integers(0, 3 * BATCH_BYTES), max_size=300), st.integers(1, 64))
def test_batches_hold_every_task_once_and_shrink(sizes: Sequence[int], workers: int) -> None:
    tasks = [Task(f"{n}", "", size=size) for n, size in enumerate(sizes)]
    batches = batched(tasks, workers)
    flat = [task for batch in batches for task in batch]
    assert sorted(flat, key=lambda task: int(task.id)) == tasks
    assert [task.size for task in flat] == sorted(sizes, reverse=True)
    for batch in batches:
        assert 1 <= len(batch) <= BATCH_FILES
        assert len(batch) == 1 or sum(task.size for task in batch) <= BATCH_BYTES


def test_what_cannot_be_sent_is_said_with_what_to_pass(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", {"a.txt": "A green lamp.\n", "b.txt": "A red lamp.\n"})
    with Corpus.create(tmp_path / "c.hier", tokenizer=lambda text: len(text)) as corpus:
        with pytest.raises(InputError, match=r"cannot be sent to workers.*pass its name"):
            corpus.sync(folder, workers=2)
        with (
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
            pytest.raises(InputError, match=r"cannot be sent to workers.*pass its name"),
        ):
            corpus.sync(folder, executor=pool)
        with ThreadPoolExecutor(2) as threads:
            assert corpus.sync(folder, executor=threads).added == ("a.txt", "b.txt")


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "2"])
def test_no_number_of_workers_is_refused(workers: object) -> None:
    if workers is True:
        pytest.skip("True is 1")
    with pytest.raises(InputError, match=r"is no number of processes; pass 1 or more"):
        list(spread([], Recipe("o200k_base"), workers, None))


def test_what_is_wrong_for_all_is_said_once() -> None:
    tasks = [Task("a", "a.txt", size=5), Task("b", "b.txt", size=5)]
    with pytest.raises(TokenizerError, match="unknown tokenizer 'nonsense'"):
        list(spread(tasks, Recipe("nonsense"), 2, None))


def test_workers_that_never_begin_are_no_endless_loop() -> None:
    waiting: Batches[int, list[object]] = Batches([[1], [2]], given_up)
    with pytest.raises(StoreError, match=r"ended before it began \(exit code 7\).*__main__"):
        list(run_workers(waiting, deadly.doubled, deadly.ends, 2))


def alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.05)


def start(script: Path, code: str) -> subprocess.Popen:
    """Run a script that may import what tests share; what it says is written beside it."""
    script.write_text(textwrap.dedent(code))
    paths = os.pathsep.join([str(REPOSITORY / "tests"), *filter(None, sys.path)])
    with script.with_suffix(".said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, script], env={**os.environ, "PYTHONPATH": paths}, stderr=said
        )


def test_a_script_that_is_not_guarded_is_told_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", {"a.txt": "A green lamp.\n"})
    code = f"""
        from hier.corpus.corpus import Corpus
        Corpus.create({str(tmp_path / "c.hier")!r}).sync({str(folder)!r}, workers=2)
    """
    assert start(tmp_path / "script.py", code).wait(60) == 1
    said = (tmp_path / "script.said").read_text().splitlines()
    assert said[-1].startswith("hier.errors.StoreError: a worker ended before it began")
    assert 'below `if __name__ == "__main__":`' in said[-1]


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_workers_end_with_their_parent(how: str, tmp_path: Path) -> None:
    marks = [tmp_path / "mark0", tmp_path / "mark1"]
    texts = {f"{n}.txt": f"This {deadly.SLOW} in {m} .\n\n" * 999 for n, m in enumerate(marks)}
    folder = write(tmp_path / "folder", texts)
    code = f"""
        import deadly
        from hier.corpus.corpus import Corpus
        if __name__ == "__main__":
            corpus = Corpus.create({str(tmp_path / "c.hier")!r}, tokenizer=deadly.count)
            corpus.sync({str(folder)!r}, workers=2)
    """
    parent = start(tmp_path / "script.py", code)
    try:
        wait_until(lambda: all(mark.exists() and mark.read_text() for mark in marks))
        workers = [int(mark.read_text()) for mark in marks]
        parent.send_signal(signal.Signals[how])
        parent.wait(30)
        if how == "SIGINT":
            assert "KeyboardInterrupt" in (tmp_path / "script.said").read_text()
        else:
            for mark in marks:
                mark.with_suffix(".go").touch()  # they go on, and find nobody to tell
        wait_until(lambda: not any(map(alive, workers)), 30)
    finally:
        parent.kill()
        for mark in marks:
            mark.with_suffix(".go").touch()
