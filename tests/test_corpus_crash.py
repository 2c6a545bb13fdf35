"""Writers that are killed, disks that are full, two who write at once: nothing finished is lost."""

import random
import resource
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import crashes
import pytest
import stores

import hier
from hier.corpus.corpus import Corpus
from hier.corpus.index_file import index_path
from hier.corpus.lock import writing

SYNC = """
import sys
from hier.corpus.corpus import Corpus
with Corpus.create(sys.argv[1]) as corpus:
    print(len(corpus.sync(sys.argv[2]).added), flush=True)
"""
HOLD = """
import sys, time
from pathlib import Path
from hier.corpus.lock import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def fill(folder, files=10, seed=0):
    folder.mkdir(parents=True)
    for number in range(files):
        (folder / f"d{number:02}.md").write_text(stores.prose(1000 * seed + number, 16))


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "folder")
    return tmp_path / "folder"


@contextmanager
def python(code, *arguments):
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    place = Path(arguments[0]).parent  # and not where the packages lie in other folders
    with subprocess.Popen(command, text=True, cwd=place, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_writer_killed_at_any_moment_loses_nothing(tmp_path, seed):
    found, faults = crashes.run(tmp_path, moments=8, files=10, seed=seed)
    assert faults == []
    assert sum(found["killed"].values()) == 8
    assert found["ended"] >= 2
    with (
        Corpus.open(tmp_path / "c.hier") as corpus,
        stores.scratch(tmp_path / "new.hier", tmp_path / "folder") as other,
    ):
        assert stores.content(tmp_path / "c.hier") == stores.content(tmp_path / "new.hier")
        assert stores.answers(corpus) == stores.answers(other)


def test_the_watch_sees_what_is_wrong(tmp_path):
    """What judges the crashes is judged: a lost, a changed and a stale document are each seen."""
    folder, store = tmp_path / "folder", tmp_path / "c.hier"
    folder.mkdir()
    watch = crashes.Watch(folder, store, 6, random.Random(3))
    watch.edit()
    with stores.scratch(store, folder) as corpus:
        watch.look_at_the_end()
        assert watch.faults == []
        first = corpus.documents[0].id
        corpus.remove(first)
    watch.look_at_the_end()
    assert "a finished document was lost" in watch.faults
    watch.faults.clear()
    import sqlite3

    with sqlite3.connect(store) as file:
        file.execute("UPDATE trees SET tokens = tokens + 1")
    file.close()
    index_path(store).unlink()
    (folder / first).unlink()
    watch.look_at_the_end()
    assert set(watch.faults) == {
        "a document is not what a build gives",
        "the index is stale after a run that ended",
    }


@contextmanager
def small_disk(place):
    """A disk of 200 kB; yields what makes it larger."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    larger = ["mount", "-o", "remount,size=64m", str(place)]
    try:
        yield lambda: subprocess.run(larger, check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def small_files(place):
    """A disk that takes no file of more than 90 kB; yields what changes that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, before[1]))
    larger = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)  # noqa: E731
    try:
        yield larger
    finally:
        larger()


@pytest.mark.parametrize("limit", [small_disk, small_files])
def test_a_full_disk_keeps_what_is_finished(tmp_path, limit):
    fill(tmp_path / "folder", files=36)
    place = tmp_path / "disk"
    place.mkdir()
    store = place / "c.hier"
    with limit(place) as larger:
        with Corpus.create(store) as corpus:
            with pytest.raises(hier.StoreError, match=r"free.* space.*run the same again"):
                corpus.sync(tmp_path / "folder")
            some = len(corpus)
            assert 0 < some < 36
            with pytest.raises(hier.StoreError, match="free"):  # as long as nothing is done
                corpus.sync(tmp_path / "folder")
        larger()
        assert some <= len(stores.check_whole(store)) < 36
        with Corpus.open(store) as corpus:
            report = corpus.sync(tmp_path / "folder")
            assert 0 < len(report.added) <= 36 - some
            assert report.unchanged >= some
            with stores.scratch(tmp_path / "new.hier", tmp_path / "folder") as other:
                assert stores.content(store) == stores.content(tmp_path / "new.hier")
                assert stores.answers(corpus) == stores.answers(other)


def test_an_index_that_cannot_be_written_is_said_and_missed_by_nobody(tmp_path, folder):
    with stores.scratch(tmp_path / "new.hier", folder) as other:
        wanted = stores.answers(other)
    store = tmp_path / "c.hier"
    index_path(store).mkdir()
    with Corpus.create(store) as corpus:
        with pytest.warns(UserWarning, match="index is not kept"):
            corpus.sync(folder)
        assert stores.answers(corpus) == wanted
    with Corpus.open(store) as corpus, pytest.warns(UserWarning, match="index is not kept"):
        assert stores.answers(corpus) == wanted


@pytest.mark.parametrize("keep", [7, 0.5, -1])
def test_an_index_that_is_damaged_is_made_again(tmp_path, folder, keep):
    store = tmp_path / "c.hier"
    with stores.scratch(store, folder) as corpus:
        wanted = stores.answers(corpus)
    raw = index_path(store).read_bytes()
    size = int(keep * len(raw)) if isinstance(keep, float) else keep
    index_path(store).write_bytes(raw[:size] if size >= 0 else raw[:-9] + b"x" + raw[-8:])
    with Corpus.open(store) as corpus:
        assert stores.answers(corpus) == wanted
    assert index_path(store).read_bytes() == raw


def test_an_index_of_another_store_of_that_name_is_not_used(tmp_path, folder):
    store = tmp_path / "c.hier"
    with stores.scratch(store, folder) as corpus:
        wanted = stores.answers(corpus)
    store.unlink()
    with stores.scratch(store, folder, tokenizer="cl100k_base") as other:
        assert other.compress("violin", 100).tokens <= 100
    store.unlink()
    with stores.scratch(store, folder) as corpus:
        assert stores.answers(corpus) == wanted


def test_the_second_writer_waits_and_says_so(tmp_path, folder, monkeypatch):
    store = tmp_path / "c.hier"
    with stores.scratch(store, folder) as corpus:
        (folder / "new.md").write_text(stores.prose(77))
        with python(HOLD, store) as other:
            assert other.stdout.readline() == "held\n"
            monkeypatch.setenv("HIER_LOCK_SECONDS", "0.3")
            started = time.monotonic()
            with pytest.raises(hier.StoreError, match=r"another process has been writing.*0\.3 s"):
                corpus.sync(folder)
            assert 0.3 <= time.monotonic() - started < 5
            assert corpus.compress("violin", 80).segments  # it is asked all the same
            assert "new.md" not in corpus
            monkeypatch.setenv("HIER_LOCK_SECONDS", "60")
            ended = threading.Timer(0.5, lambda: other.stdin.close())
            ended.start()
            assert corpus.sync(folder).added == ("new.md",)  # when the first has ended
            ended.join()
        monkeypatch.setenv("HIER_LOCK_SECONDS", "soon")
        with pytest.raises(hier.InputError, match="HIER_LOCK_SECONDS"):
            corpus.sync(folder)


def test_two_writers_at_once_write_one_after_the_other(tmp_path, folder):
    fill(tmp_path / "more", seed=5)
    for path in list((tmp_path / "more").glob("*.md")):
        path.rename(path.with_name("m" + path.name))
    store = tmp_path / "c.hier"
    with python(SYNC, store, folder) as one, python(SYNC, store, tmp_path / "more") as other:
        said = [process.communicate(timeout=60) for process in (one, other)]
        assert said == [("10\n", "")] * 2
    assert len(stores.check_whole(store)) == 20
    with (
        Corpus.open(store) as corpus,
        stores.scratch(tmp_path / "new.hier", folder, tmp_path / "more") as both,
    ):
        assert stores.content(store) == stores.content(tmp_path / "new.hier")
        assert stores.answers(corpus) == stores.answers(both)


def test_a_reader_sees_what_another_process_wrote_and_never_a_mix(tmp_path, folder):
    """While documents come, change and go, each answer is of one moment."""
    store = tmp_path / "c.hier"
    with Corpus.create(store) as reader:
        with python(SYNC, store, folder) as writer:
            seen = []
            while writer.poll() is None:
                try:
                    context = reader.compress("violin copper", 200)
                except hier.InputError:  # nothing is there yet
                    continue
                seen.append(len(reader))
                texts = {path.name: path.read_text() for path in folder.iterdir()}
                for each in context.segments:
                    assert texts[each.document_id][each.start : each.end] == each.text
            assert writer.stdout.read() == "10\n"
        assert seen == sorted(seen)
        assert len(reader) == 10
        wanted = reader.compress("violin copper", 200)
        (folder / "d00.md").write_text("# Copper\n\nThe violin copper is on the shelf of Ann.\n")
        (folder / "d01.md").unlink()
        with Corpus.open(store) as other:
            other.sync(folder)
        now = reader.compress("violin copper", 200)
        assert now != wanted
        assert "shelf of Ann" in now.text
        assert len(reader) == 9


def test_a_question_meets_a_document_that_goes(tmp_path, folder):
    """It was looked up, and is replaced before it is read: the question is asked again."""
    store = tmp_path / "c.hier"
    with stores.scratch(store, folder) as reader, Corpus.open(store) as writer:
        view = reader.shards[0].look()
        load, times = type(view).load, []

        def meanwhile(self, ids):
            if not times:
                for path in folder.glob("*.md"):
                    path.write_text("# Garden\n\nThe violin is copper, says " + path.name + ".\n")
                writer.sync(folder)
            times.append(1)
            return load(self, ids)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(view), "load", meanwhile)
            context = reader.compress("violin copper", 100)
        assert len(times) >= 2
        assert all("says" in each.text or "Garden" in each.text for each in context.segments)
        assert context == writer.compress("violin copper", 100)


def test_threads_ask_while_one_writes(tmp_path, folder):
    store = tmp_path / "c.hier"
    faults = []
    with stores.scratch(store, folder) as corpus:
        done = threading.Event()

        def ask():
            try:
                while not done.is_set():
                    context = corpus.compress("violin copper", 120)
                    assert context.segments
                    corpus.tree(context.segments[0].document_id)
            except (hier.HierError, AssertionError, KeyError, IndexError) as error:
                if "there is no document" not in str(error):
                    faults.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for step in range(4):
            for path in sorted(folder.glob("*.md"))[step::4]:
                path.write_text(stores.prose(5000 + step, 14))
            corpus.sync(folder)
        done.set()
        for thread in threads:
            thread.join()
        assert faults == []
        with stores.scratch(tmp_path / "new.hier", folder) as other:
            assert stores.answers(corpus) == stores.answers(other)


def test_what_a_killed_writer_was_about_to_rename_is_cleared_away(tmp_path):
    store = tmp_path / "c.hier"
    mine = [tmp_path / name for name in (".c.hier.abcd_123.part", ".c.hier.index.abcd1234.part")]
    others = [tmp_path / name for name in (".c.hier.old.abcd1234.part", "c.hier.part", ".c.hier.x")]
    for path in mine + others:
        path.touch()
    with writing(store):
        assert [path.exists() for path in mine + others] == [False] * 2 + [True] * 3
