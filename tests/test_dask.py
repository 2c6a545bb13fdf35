"""A real Dask cluster on this machine: what it builds is what one process builds, whoever dies."""

import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import REPOSITORY

from hier.corpus.cluster import Cluster, connect
from hier.corpus.corpus import Corpus
from hier.errors import StoreError

distributed = pytest.importorskip("distributed")

# Dask's own warnings, and what it leaves to the collector, are not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A scheduler and two processes of one thread each."""
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
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1", silence_logs="CRITICAL",
        ) as made:  # fmt: skip
            yield made


@pytest.fixture
def executor(cluster: object) -> Iterator[Cluster]:
    with connect(cluster.scheduler_address) as executor:
        executor.client.wait_for_workers(2, timeout=60)
        yield executor


def write(folder: Path, number: int) -> dict[str, str]:
    folder.mkdir()
    for n in range(number):
        (folder / f"{n}.txt").write_text(f"The lamp {n} is green. " * (60 * n + 1))
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
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.05)
        killed.append(int(mark.read_text()))
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
        distributed.LocalCluster(
            n_workers=0, processes=True, dashboard_address=None, host="127.0.0.1",
            silence_logs="CRITICAL",
        ) as empty,
        pytest.raises(StoreError, match=r"has no worker after 0.5 s; start some: dask worker tcp"),
    ):  # fmt: skip
        connect(empty.scheduler_address, worker_seconds=0.5)
