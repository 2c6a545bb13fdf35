"""A real Dask cluster on this machine: what it builds is what one process builds, whoever dies."""

import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import REPOSITORY

from hier.corpus.cluster import Cluster, connect
from hier.corpus.corpus import Corpus
from hier.errors import StoreError

distributed = pytest.importorskip("distributed")

# Dask's own warnings, and what it leaves to the collector, are not ours.
pytestmark = pytest.mark.filterwarnings("default")


@contextmanager
def cluster_of(workers: int) -> Iterator[object]:
    """A scheduler, and processes of one thread each."""
    import dask

    paths = os.pathsep.join([str(REPOSITORY / "tests"), *filter(None, sys.path)])
    options = {
        "distributed.worker.daemon": True,
        "distributed.scheduler.allowed-failures": 1,
        "distributed.nanny.environ": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    }
    with warnings.catch_warnings(), dask.config.set(options):
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0",
            host="127.0.0.1", silence_logs="CRITICAL",
        ) as made:  # fmt: skip
            yield made


def wait_for(mark: Path) -> int:
    """Return the number of the process that left a mark."""
    ends = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < ends, "nobody left a mark"
        time.sleep(0.05)
    return int(mark.read_text())


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    with cluster_of(2) as made:
        yield made


@pytest.fixture
def executor(cluster: object) -> Iterator[Cluster]:
    with connect(cluster.scheduler_address) as executor:
        executor.client.wait_for_workers(2, timeout=60)
        yield executor


def write(folder: Path, number: int) -> dict[str, str]:
    folder.mkdir()
    for n in range(number):
        (folder / f"{n}.txt").write_text(f"The lamp {n} is green. " * (n + 1))
    return {f"{n}.txt": "" for n in range(number)}


def trees(path: Path) -> dict[str, bytes]:
    import deadly

    with Corpus.open(path, tokenizer=deadly.count) as corpus:
        database = corpus.shards[0].database
        return {row.id: database.packed([row.hash])[row.hash] for row in database.rows()}


def test_a_worker_that_is_killed_changes_nothing(executor: Cluster, tmp_path: Path) -> None:
    import deadly

    names = write(tmp_path / "folder", 12)
    mark = tmp_path / "mark"
    (tmp_path / "folder" / "slow.txt").write_text(f"This {deadly.SLOW} in {mark} .\n")
    (tmp_path / "folder" / "bad.txt").write_text(f"This {deadly.ALWAYS}, whoever reads it.\n")
    killed = []

    def kill() -> None:
        killed.append(wait_for(mark))
        mark.with_suffix(".go").touch()
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with Corpus.create(tmp_path / "many.hier", tokenizer=deadly.count) as corpus:
        report = corpus.sync(tmp_path / "folder", executor=executor)
        killer.join(60)
    assert killed
    assert report.added == tuple(sorted([*names, "slow.txt"]))
    assert list(report.failed) == ["bad.txt"]
    assert "its worker died (KilledWorker), twice; build it alone" in report.failed["bad.txt"]
    (tmp_path / "folder" / "bad.txt").unlink()
    with Corpus.create(tmp_path / "one.hier", tokenizer=deadly.count) as corpus:
        corpus.sync(tmp_path / "folder")
    assert trees(tmp_path / "many.hier") == trees(tmp_path / "one.hier")


def test_workers_write_shards_and_are_asked(executor: Cluster, tmp_path: Path) -> None:
    write(tmp_path / "folder", 12)
    (tmp_path / "folder" / "empty.txt").write_text(" \n")
    with Corpus.create(tmp_path / "one.hier") as corpus:
        assert list(corpus.sync(tmp_path / "folder").failed) == ["empty.txt"]
        expected = [corpus.compress(query, 100) for query in ("Which lamp is green?", None)]
    with Corpus.create(tmp_path / "many.hier") as corpus:
        report = corpus.sync(tmp_path / "folder", shards=tmp_path / "far", executor=executor)
        assert list(report.failed) == ["empty.txt"]
        assert len(report.added) == 12
    shards = sorted((tmp_path / "far").glob("*.hier"))
    for paths in (tmp_path / "many.hier", [*shards, tmp_path / "many.hier"][: len(shards)]):
        with Corpus.open(paths, executor=executor) as corpus:
            found = [corpus.compress(query, 100) for query in ("Which lamp is green?", None)]
            assert [(c.text, c.segments) for c in found] == [(c.text, c.segments) for c in expected]


def test_a_scheduler_that_goes_away_is_said_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    import deadly

    write(tmp_path / "folder", 3)
    mark = tmp_path / "mark"
    (tmp_path / "folder" / "slow.txt").write_text(f"This {deadly.SLOW} in {mark} .\n" * 9)
    with Corpus.create(tmp_path / "c.hier", tokenizer=deadly.count) as corpus:
        with ThreadPoolExecutor(1) as beside, cluster_of(2) as made:
            executor = connect(made.scheduler_address)

            def end() -> None:
                wait_for(mark)
                made.close()
                mark.with_suffix(".go").touch()

            ended = beside.submit(end)
            with pytest.raises(StoreError, match="executor can do no more"):
                corpus.sync(tmp_path / "folder", executor=executor)
            ended.result()
            executor.shutdown(wait=False)
        assert len(corpus.sync(tmp_path / "folder").failed) == 0
        assert len(corpus) == 4


def test_a_scheduler_that_is_not_there_is_said_in_seconds() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(StoreError, match=rf"no Dask scheduler answers at tcp://127.0.0.1:{port}"):
        connect(f"tcp://127.0.0.1:{port}", seconds=2)
    assert time.monotonic() - began < 20
    with pytest.raises(StoreError, match="no Dask scheduler answers at nonsense://x"):
        connect("nonsense://x", seconds=2)


def test_a_scheduler_without_workers_is_said() -> None:
    with (
        cluster_of(0) as empty,
        pytest.raises(StoreError, match=r"has no worker after 0.5 s; start some: dask worker tcp"),
    ):
        connect(empty.scheduler_address, worker_seconds=0.5)
