"""A folder that is edited at random: its corpus is at every moment what a new one would be."""

import os
import random
import shutil

import numpy as np
import pytest
import stores

import hier
from hier.corpus import building
from hier.corpus.corpus import Corpus
from hier.corpus.index_file import index_path
from hier.files.folder import walk
from hier.summarizers.writers import FunctionWriter


class Editor:
    """Edits a folder at random."""

    def __init__(self, folder, seed):
        self.folder, self.dice, self.made = folder, random.Random(seed), 0
        self.broken = {}
        for _ in range(5):
            self.add()

    def files(self):
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and p not in self.broken)

    def any(self):
        return self.dice.choice(self.files())

    def fresh(self):
        self.made += 1
        return stores.prose(self.dice.randrange(10**6), self.dice.randrange(4, 16))

    def add(self):
        text = self.fresh()
        folder = self.folder / self.dice.choice(["", "a", "b/c"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"d{self.made}.md").write_text(text)

    def change(self):
        self.any().write_text(self.fresh())

    def append(self):
        with self.any().open("a") as file:
            file.write("\nThe captain sold the printer.\n")

    def rename(self):
        self.made += 1
        path = self.any()
        path.rename(path.with_name(f"r{self.made}.md"))

    def copy(self):
        self.made += 1
        shutil.copy(self.any(), self.folder / f"k{self.made}.md")

    def swap(self):
        one, other = self.any(), self.any()
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)

    def delete(self):
        if len(self.files()) > 2:
            self.any().unlink()

    def touch(self):
        path = self.any()
        os.utime(path, ns=(1, self.dice.randrange(10**18)))

    def same_size(self):
        """The racy one: as long as before, at the time of before."""
        path = self.any()
        facts = path.stat()
        text = path.read_text()
        path.write_text(text[:20] + text[20:].swapcase())
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def becomes_folder(self):
        path = self.any()
        text = path.read_text()
        path.unlink()
        path.mkdir()
        (path / "inside.md").write_text(text + "More.\n")

    def breaks(self):
        path = self.any()
        if len(self.files()) > 2:
            self.broken[path] = self.fresh()
            path.write_bytes(b"caf\xe9 \xff\xfe in no known way\n")

    def mend(self):
        for path, text in self.broken.items():
            path.write_text(text)
        self.broken.clear()

    def edit(self):
        edits = [
            self.add, self.change, self.append, self.rename, self.copy, self.swap, self.delete,
            self.touch, self.same_size, self.becomes_folder, self.breaks, self.mend,
        ]  # fmt: skip
        self.dice.choice(edits)()


@pytest.mark.parametrize("seed", range(3))
def test_edits_give_what_a_build_from_scratch_gives(tmp_path, seed):
    folder = tmp_path / "folder"
    folder.mkdir()
    editor = Editor(folder, seed)
    with Corpus.create(tmp_path / "old.hier") as corpus:
        for step in range(1, 11):
            for _ in range(editor.dice.choice([1, 1, 2, 3])):
                editor.edit()
            report = corpus.sync(folder)
            assert set(report.failed) <= {str(p.relative_to(folder)) for p in editor.broken}
            if step % 3 == 0:
                corpus.compress("violin", 60)  # the index is patched between edits, too
            if step % 5 == 0:
                editor.mend()
                corpus.sync(folder)
                new = tmp_path / f"new{step}.hier"
                with stores.scratch(new, folder) as other:
                    assert stores.content(corpus.shards[0].path) == stores.content(new)
                    assert stores.answers(corpus) == stores.answers(other)
        wanted = stores.answers(corpus)
        stores.check_whole(tmp_path / "old.hier")
    with Corpus.open(tmp_path / "old.hier") as corpus:  # the index as it was kept
        assert stores.answers(corpus) == wanted
    index_path(tmp_path / "old.hier").unlink()
    with Corpus.open(tmp_path / "old.hier") as corpus:  # and made anew
        assert stores.answers(corpus) == wanted


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for number in range(4):
        (folder / f"d{number}.md").write_text(stores.prose(number))
        (folder / "sub" / f"s{number}.md").write_text(stores.prose(10 + number))
    return folder


@pytest.fixture
def corpus(tmp_path, folder):
    with stores.scratch(tmp_path / "c.hier", folder) as corpus:
        yield corpus


@pytest.fixture
def built(monkeypatch):
    """The names of the documents that are built."""
    names = []
    whole = building.build_document

    def build(document, *rest):
        names.append(document.name)
        return whole(document, *rest)

    monkeypatch.setattr(building, "build_document", build)
    return names


def test_a_file_changed_at_once_and_as_long_is_seen(corpus, folder):
    path = folder / "d0.md"
    for word in ("Copper", "Violin", "Garden"):
        facts = path.stat()
        path.write_text(path.read_text()[:-7] + word + "\n")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert corpus.sync(folder).updated == ("d0.md",)
        assert word in corpus.tree("d0.md").source


def test_what_is_old_and_as_it_was_is_not_read(corpus, folder, monkeypatch):
    from hier.corpus import planning

    monkeypatch.setattr(planning, "_RACY", -(10**10))  # ten seconds have passed
    corpus.sync(folder)
    monkeypatch.setattr(building, "read_raw", lambda path: pytest.fail(f"{path} was read"))
    report = corpus.sync(folder)
    assert (report.unchanged, report.added, report.updated) == (8, (), ())


def test_a_renamed_folder_is_not_built_again(corpus, folder, built):
    (folder / "sub").rename(folder / "other")
    report = corpus.sync(folder)
    assert report.added == tuple(f"other/s{n}.md" for n in range(4))
    assert report.removed == tuple(f"sub/s{n}.md" for n in range(4))
    assert built == []
    assert report.tokens == 0
    with stores.scratch(folder.parent / "new.hier", folder) as other:
        assert stores.content(corpus.shards[0].path) == stores.content(other.shards[0].path)


def test_one_changed_file_of_many_is_built_alone(corpus, folder, built):
    (folder / "sub" / "s1.md").write_text(stores.prose(99))
    report = corpus.sync(folder)
    assert built == ["sub/s1.md"] == list(report.updated)
    assert report.unchanged == 7


def test_a_folder_that_is_gone_or_empty_removes_nothing(corpus, folder, tmp_path):
    before = stores.content(corpus.shards[0].path)
    folder.rename(tmp_path / "away")
    with pytest.raises(hier.InputError, match="does not exist"):
        corpus.sync(folder)
    folder.mkdir()  # as the mount point of a disk that is not there
    with pytest.raises(hier.InputError, match=r"holds no file.*8 documents.*hier remove"):
        corpus.sync(folder)
    assert stores.content(corpus.shards[0].path) == before


def test_what_cannot_be_looked_at_stays(corpus, folder, monkeypatch):
    """A subfolder without permission: root has all of them, so the system is spoken for."""
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (folder / "d0.md").unlink()
    report = corpus.sync(folder)
    assert report.removed == ("d0.md",)
    assert set(report.failed) == {f"sub/s{n}.md" for n in range(4)}
    assert "no permission" in report.failed["sub/s0.md"]
    assert report.unchanged == 3
    assert len(corpus) == 7
    monkeypatch.undo()
    assert corpus.sync(folder).unchanged == 7


def test_a_file_that_cannot_be_read_any_more_stays_as_it_was(corpus, folder):
    before = corpus.tree("d1.md").source
    (folder / "d1.md").write_bytes(b"caf\xe9 \xff in no known way\n")
    report = corpus.sync(folder)
    assert list(report.failed) == ["d1.md"]
    assert report.unchanged == 7
    assert corpus.tree("d1.md").source == before
    assert list(corpus.sync(folder).failed) == ["d1.md"]  # said again, until it is mended
    (folder / "d1.md").write_text(stores.prose(5))
    assert corpus.sync(folder).updated == ("d1.md",)


def test_a_file_that_goes_or_grows_while_read_stops_nothing(corpus, folder, monkeypatch):
    for path in folder.glob("d*.md"):
        path.write_text(path.read_text() + "More of it.\n")
    read = building.read_raw

    def meanwhile(path):
        if path.name == "d0.md":
            path.unlink()
        return read(path)

    monkeypatch.setattr(building, "read_raw", meanwhile)
    report = corpus.sync(folder)
    assert list(report.failed) == ["d0.md"]
    assert "does not exist" in report.failed["d0.md"]
    assert report.updated == ("d1.md", "d2.md", "d3.md")
    assert "d0.md" in corpus  # it goes with the next run, which does not find it
    monkeypatch.undo()
    assert corpus.sync(folder).removed == ("d0.md",)


def test_names_that_are_no_utf8_are_readable(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"n\xe9.md")).write_text(stores.prose(1))
    with stores.scratch(tmp_path / os.fsdecode(b"c\xff.hier"), folder) as corpus:
        assert [row.id for row in corpus.documents] == ["n\\xe9.md"]
        assert corpus.compress("violin", 50).segments[0].document_id == "n\\xe9.md"
        (folder / "b.md").write_text(stores.prose(2))
        assert corpus.sync(folder).added == ("b.md",)
        with pytest.raises(hier.InputError, match="no valid text"):
            corpus.add(hier.Document("Some text.", "\udcff"))
        assert len(corpus) == 2


def test_the_walk_tells_faults_from_rules(folder, monkeypatch):
    (folder / ".hidden").write_text("x")
    (folder / "loop").symlink_to("loop")
    found = {each.id: each.fault for each in walk(folder).skipped}
    assert found == {".hidden": False, "loop": False}


def test_an_older_engine_is_read_again_and_a_newer_refused(corpus, folder, built, monkeypatch):
    from hier.corpus import settings, writing

    before = stores.answers(corpus)
    for module in (building, writing, settings):
        monkeypatch.setattr(module, "ENGINE", settings.ENGINE + 1)
    report = corpus.sync(folder)
    assert len(report.updated) == len(built) == 8
    assert stores.answers(corpus) == before
    monkeypatch.undo()
    with pytest.raises(hier.StoreError, match="update hier"):
        corpus.sync(folder)


def test_only_the_paths_to_the_root_are_summarised_anew(tmp_path):
    asked = []

    def first_words(text):
        asked.append(text)
        return " ".join(text.split()[:12]) + "."

    folder = tmp_path / "folder"
    folder.mkdir()
    parts = [
        f"# Chapter {number}\n\n" + "\n\n".join(stores.prose(100 * number + n) for n in range(8))
        for number in range(8)
    ]
    (folder / "long.md").write_text("\n\n".join(parts))
    (folder / "other.md").write_text(parts[0])
    options = {"summarizer": FunctionWriter(first_words, name="first words")}
    with stores.scratch(tmp_path / "c.hier", folder, **options) as corpus:
        whole, asked[:] = len(asked), []
        parts[3] = parts[3].replace("# Part 302", "# Part 302 again", 1)
        (folder / "long.md").write_text("\n\n".join(parts))
        corpus.sync(folder)
        levels = len(corpus.tree("long.md").levels)
        assert 1 <= len(asked) <= levels < whole / 3
        texts = corpus.tree("long.md").summary_texts
        assert texts
    with stores.scratch(tmp_path / "new.hier", folder, **options) as other:
        assert other.tree("long.md").summary_texts == texts
        assert stores.content(tmp_path / "new.hier") == stores.content(tmp_path / "c.hier")


def test_only_what_changed_is_embedded_anew(tmp_path, monkeypatch):
    """A model that is found by its name reads the changed leaves, and what lies above them."""
    pytest.importorskip("sentence_transformers")
    from hier.retrieval.models import SentenceTransformerModel

    read = []
    encode = SentenceTransformerModel.encode

    def count(self, texts):
        read.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(SentenceTransformerModel, "encode", count)
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(2):
        (folder / f"d{number}.md").write_text(stores.prose(number, 8))
    options = {"embedder": "sentence-transformers/all-MiniLM-L6-v2"}
    with stores.scratch(tmp_path / "c.hier", folder, **options) as corpus:
        old = corpus.tree("d1.md")
        whole, read[:] = len(read), []
        changed = stores.prose(1, 8)
        line = changed.rindex(".")
        (folder / "d1.md").write_text(changed[:line] + " and more of copper" + changed[line:])
        corpus.sync(folder)
        new = corpus.tree("d1.md")
        assert 1 <= len(read) <= 4 < whole / 3
        assert all("and more of copper" in text for text in read)
        read.clear()
        corpus.add(hier.Document(new.source + "The printer is new.\n", "added"))
        assert len(read) > 4
        read.clear()
        corpus.add(hier.Document(new.source + "The printer is old.\n", "added"))
        assert all("The printer is old." in text for text in read)
        assert 1 <= len(read) <= 4
        same = len(old.leaf_start) - 1
        assert (old.levels[0].vectors[:same] == new.levels[0].vectors[:same]).all()
        corpus.remove("added")
        with stores.scratch(tmp_path / "new.hier", folder, **options) as other:
            again = other.tree("d1.md")
            assert again.source == new.source
            for level, made in zip(new.levels, again.levels, strict=True):
                assert (level.first_leaf == made.first_leaf).all()
                if made.vectors is not None:
                    near = np.abs(level.vectors.astype(float) - made.vectors.astype(float))
                    assert near.max() < 1e-3  # the last bits of 16
            assert corpus.tree("d0.md").levels[0].vectors.tobytes() == (
                other.tree("d0.md").levels[0].vectors.tobytes()
            )
