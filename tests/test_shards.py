"""Shards: many stores that are asked as one answer as one store does, byte for byte."""

from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import deadly
import pytest
from file_writers import SENTENCES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hier.context import Context
from hier.corpus import shards as sharding
from hier.corpus.corpus import Corpus
from hier.corpus.merging import merge, split
from hier.corpus.shards import to_gather
from hier.errors import InputError, StoreError

QUERIES = [None, "Who writes the level of the tank?", ["green oil", "the harbour was widened"]]
N = 10


def text(number: int) -> str:
    body = [
        f"## Part {part}\n\n" + " ".join(SENTENCES[(number * part + i) % 5] for i in range(4))
        for part in range(1 + number % 4)
    ]
    return f"# House {number}\n\nHere stands house {number}.\n\n" + "\n\n".join(body) + "\n"


def write(folder: Path, numbers: range | list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{number}.md").write_text(text(number))
    return folder


def asked(corpus: Corpus) -> list[tuple[object, ...]]:
    """What a corpus says to some questions, all of it."""

    def shown(context: Context) -> tuple[object, ...]:
        return context.text, context.tokens, context.segments, context.optimality

    some = {"path": ["1.md", "3.md", "7.md"]}
    asks = [*((query, 200, None) for query in QUERIES), (QUERIES[1], 60, some), (None, 60, some)]
    return [shown(corpus.compress(query, budget, where=where)) for query, budget, where in asks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("many") / "folder", range(N))


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.hier"
    with Corpus.create(path) as corpus:
        assert corpus.sync(folder).failed == {}
    return path


@pytest.fixture(scope="module")
def answers(whole: Path) -> list[tuple[object, ...]]:
    with Corpus.open(whole) as corpus:
        return asked(corpus)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.integers(0, 3), min_size=N, max_size=N))
def test_however_documents_are_spread_the_answers_are_the_same(
    parts: list[int],
    whole: Path,
    answers: list[object],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    paths = [folder / f"{part}.hier" for part in sorted(set(parts))]
    for path in paths:
        split(whole, path, {"path": [f"{n}.md" for n in range(N) if f"{parts[n]}" == path.stem]})
    with Corpus.open(reversed(paths)) as corpus:
        assert asked(corpus) == answers
        assert corpus.tree("3.md").source == text(3)
    merge(paths, folder / "merged.hier")
    with Corpus.open(folder / "merged.hier") as corpus:
        assert asked(corpus) == answers


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_shards_are_asked_side_by_side(
    kind: str, whole: Path, answers: list[object], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{part}.hier" for part in range(3)]
    for part, path in enumerate(paths):
        split(whole, path, {"path": [f"{n}.md" for n in range(part, N, 3)]})
    with (
        executors()[kind]() as executor,
        Corpus.open(paths, executor=executor) as corpus,
    ):
        assert asked(corpus) == answers
        with Corpus.open(paths[0]) as other:
            other.remove("0.md")
        with Corpus.open(paths) as plain:
            assert asked(corpus) == asked(plain)
        executor.shutdown()
        with pytest.raises(StoreError, match=r"executor cannot ask .*; open the corpus with"):
            corpus.compress("oil", 100)


def executors() -> dict[str, Callable[[], Executor]]:
    return {
        "threads": lambda: ThreadPoolExecutor(2),
        "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    }


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of very few files."""
    monkeypatch.setattr(sharding, "_LEAST_BYTES", 1)
    monkeypatch.setattr(sharding, "_SMALL", 100)


def as_built_anew(path: Path, folder: Path, corpus: Corpus) -> bool:
    """Say whether a corpus answers like one that is built from its folder now."""
    with Corpus.create(path) as anew:
        anew.sync(folder)
        assert [(row.id, row.hash) for row in corpus.documents] == [
            (row.id, row.hash) for row in anew.documents
        ]
        return asked(corpus) == asked(anew)


@pytest.mark.parametrize("place", ["folder", "file", "memory"])
def test_a_catalogue_is_opened_as_all_its_shards(
    place: str, small: None, folder: Path, answers: list[object], tmp_path: Path
) -> None:
    places = {
        "folder": str(tmp_path / "shards"),
        "file": f"file://{tmp_path}/far",
        "memory": f"memory://{tmp_path.name}/far",
    }
    path = tmp_path / "c.hier"
    with Corpus.create(path) as corpus, ThreadPoolExecutor(2) as executor:
        report = corpus.sync(folder, shards=places[place], executor=executor)
        assert len(report.added) == N
        assert len(corpus.shards) > 2
        assert asked(corpus) == answers
        again = corpus.sync(folder)
        assert (again.unchanged, again.added, again.updated) == (N, (), ())
    with Corpus.open(path) as corpus:
        assert asked(corpus) == answers
        with pytest.raises(StoreError, match="no single document is written to it"):
            corpus.remove("1.md")


def test_shards_beside_the_catalogue_move_with_it(
    small: None, folder: Path, answers: list[object], tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    with Corpus.create(tmp_path / "here" / "c.hier") as corpus:
        corpus.sync(folder, shards=tmp_path / "here" / "shards", workers=2)
    (tmp_path / "here").rename(tmp_path / "there")
    with Corpus.open(tmp_path / "there" / "c.hier") as corpus:
        assert asked(corpus) == answers
    assert merge([tmp_path / "there" / "c.hier"], tmp_path / "one.hier") == N
    with Corpus.open(tmp_path / "one.hier") as corpus:
        assert asked(corpus) == answers


def test_what_changed_is_built_again_and_what_is_gone_is_hidden(
    small: None, tmp_path: Path
) -> None:
    folder = write(tmp_path / "folder", range(N))
    with Corpus.create(tmp_path / "c.hier") as corpus:
        corpus.sync(folder, shards=tmp_path / "shards")
        before = {shard.path.name for shard in corpus.shards}
        (folder / "3.md").write_text("# House 3\n\nIt burned down.\n")
        (folder / "4.md").unlink()
        (folder / "5.md").rename(folder / "55.md")
        report = corpus.sync(folder)
        assert (report.updated, report.removed) == (("3.md",), ("4.md", "5.md"))
        assert report.added == ("55.md",)
        assert before & {shard.path.name for shard in corpus.shards}
        assert as_built_anew(tmp_path / "anew.hier", folder, corpus)
        for number in range(N):
            (folder / f"{number}.md").write_text(text(number + 1))
        sharding._SMALL = 8
        corpus.sync(folder)
        corpus.sync(folder)
        assert len(corpus.shards) == 1
        there = {path.name for path in (tmp_path / "shards").glob("*.hier")}
        assert there == {shard.path.name for shard in corpus.shards}
        assert as_built_anew(tmp_path / "anew2.hier", folder, corpus)


def test_a_missing_shard_is_named_and_built_again(small: None, tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", range(N))
    path = tmp_path / "c.hier"
    with Corpus.create(path) as corpus:
        corpus.sync(folder, shards=tmp_path / "shards")
        lost = corpus.shards[1]
        had = sorted(row.id for row in lost.rows)
        lost.path.unlink()
    with pytest.raises(StoreError, match=f"the shard {lost.path.name} of .*c.hier is missing in"):
        Corpus.open(path)
    with pytest.raises(StoreError, match=f"the shard {lost.path.name} of"):
        merge([path], tmp_path / "out.hier")
    with pytest.raises(StoreError, match=f"{lost.path.name} does not exist"):
        Corpus.open([*(tmp_path / "shards").glob("*.hier"), lost.path])
    with pytest.warns(UserWarning, match="run the same hier build again"):
        corpus = Corpus.create(path)
    with corpus:
        assert list(corpus.sync(folder).added) == had
        assert as_built_anew(tmp_path / "anew.hier", folder, corpus)


def test_files_that_kill_are_reported_and_the_others_are_there(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", range(3))
    (folder / "bad.md").write_text(f"This {deadly.ALWAYS}.\n")
    with Corpus.create(tmp_path / "c.hier", tokenizer=deadly.count) as corpus:
        report = corpus.sync(folder, shards=tmp_path / "shards", workers=2)
        assert report.added == ("0.md", "1.md", "2.md")
        assert "worker died (exit code 3), twice" in report.failed["bad.md"]
        assert [row.id for row in corpus.documents] == ["0.md", "1.md", "2.md"]


def test_a_place_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", range(3))
    (tmp_path / "file").write_text("no folder")
    with Corpus.create(tmp_path / "c.hier") as corpus:
        for place in (tmp_path / "file", "nonsense://x/y"):
            with pytest.raises(StoreError, match=r"cannot be used.*"):
                corpus.sync(folder, shards=place, workers=2)
            (tmp_path / "c.hier").unlink()
            corpus = Corpus.create(tmp_path / "c.hier")
        corpus.sync(folder)
        with pytest.raises(StoreError, match="has documents of its own"):
            corpus.sync(folder, shards=tmp_path / "shards")
        corpus.close()


def test_gathering_comes_to_an_end() -> None:
    sizes = {f"s{n}": (10 + n, 5, n % 4) for n in range(40)} | {"full": (999, 9, 0)}
    for _ in range(10):
        groups = to_gather(sizes, full=200)
        if not groups:
            break
        for number, group in enumerate(groups):
            taken = [sizes.pop(name) for name in group]
            sizes["+".join(group)[:40] + f"{number}"] = (
                sum(size for size, _, _ in taken),
                sum(shows for _, shows, _ in taken),
                0,
            )
    assert not to_gather(sizes, full=200)
    assert sum(shows for _, shows, _ in sizes.values()) == 40 * 5 + 9


def test_a_filter_that_lets_nothing_through_is_said(whole: Path) -> None:
    with Corpus.open([whole]) as corpus, pytest.raises(InputError, match="no document has"):
        corpus.compress("oil", 100, where={"path": "nowhere/*"})
