"""Stores that are not what they should be: said in words and with a remedy, the rest safe."""

import os
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest
import stores

import hier
from hier.corpus import schema
from hier.corpus.corpus import Corpus
from hier.corpus.database import Database
from hier.corpus.header import is_corpus
from hier.corpus.index_file import index_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of a few documents, its store, and what that answers."""
    place = tmp_path_factory.mktemp("made")
    folder = place / "folder"
    folder.mkdir()
    for number in range(6):
        (folder / f"d{number}.md").write_text(stores.prose(number, 10))
    with stores.scratch(place / "c.hier", folder) as corpus:
        wanted = stores.answers(corpus)
    return place, wanted


@pytest.fixture
def store(made, tmp_path):
    """A copy of the store, with its index."""
    for path in made[0].glob("c.hier*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "c.hier"


def change(store, *statements):
    with closing(sqlite3.connect(store)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


def empty(store):
    store.write_bytes(b"")


def text(store):
    store.write_text("Not a store, but a text of some length.\n" * 50)


def short(store):
    store.write_text("no")


def other_sqlite(store):
    store.unlink()
    change(store, "CREATE TABLE songs (title TEXT)")


def saved_tree(store):
    hier.build("A short text. It has two sentences.").save(store)


def folder(store):
    store.unlink()
    store.mkdir()


def missing(store):
    store.unlink()


def pipe(store):
    store.unlink()
    os.mkfifo(store)


def newer(store):
    change(store, "PRAGMA user_version=99")


def no_tables(store):
    change(store, "DROP TABLE documents", "DROP TABLE settings")


def no_setting(store):
    change(store, "DELETE FROM settings WHERE name = 'embedder'")


def bad_setting(store):
    change(store, "UPDATE settings SET value = '{' WHERE name = 'embedder'")


FAULTS = [
    (empty, r"is empty; make it: hier build"),
    (text, r"is no corpus; make one: hier build"),
    (short, r"is no corpus; make one"),
    (other_sqlite, r"is no corpus; make one"),
    (saved_tree, r"is a saved tree, and no corpus; open it: hier\.load\("),
    (folder, r"is a folder, and no corpus"),
    (missing, r"does not exist; make it: hier build"),
    (pipe, r"is no file, and no corpus"),
    (newer, r"has version 99, this hier reads up to 2; update hier: pip install -U"),
    (no_tables, r"no such table.*damaged: restore it, or build it again"),
    (no_setting, r"says nothing of its embedder"),
    (bad_setting, r"is damaged.*restore it, or build it again"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_no_store_is_named_with_its_remedy(store, spoil, said):
    spoil(store)
    with pytest.raises(hier.StoreError, match=said) as raised:
        Corpus.open(store)
    assert "c.hier" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nothing_of_the_user_is_overwritten(store):
    for spoil in (text, other_sqlite, saved_tree):
        spoil(store)
        before = store.read_bytes()
        with pytest.raises(hier.StoreError):
            Corpus.create(store)
        assert store.read_bytes() == before
    empty(store)  # as mktemp makes them
    with Corpus.create(store) as corpus:
        assert len(corpus) == 0


def test_a_corpus_is_no_tree_and_says_so(store):
    assert is_corpus(store)
    with pytest.raises(hier.StoreError, match=r"is a corpus, and no tree; open it: .*Corpus\.open"):
        hier.load(store)
    other_sqlite(store)
    assert not is_corpus(store)
    with pytest.raises(hier.StoreError, match="is not a saved tree"):
        hier.load(store)


REMEDIES = ("restore it", "build", "make", "open it", "ask again", "check the disk")


def use(store):
    """Ask all that can be asked of a store; return what it says of itself: errors in words."""
    try:
        with Corpus.open(store) as corpus:
            for row in corpus.documents:
                corpus.tree(row.id)
            stores.answers(corpus)
    except (hier.StoreError, hier.InputError) as error:
        return str(error)
    return ""


def is_clear(said):
    return "no document" in said or any(remedy in said for remedy in REMEDIES)


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.2, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("indexed", [True, False])
def test_a_store_cut_anywhere_says_so(store, share, indexed):
    raw = store.read_bytes()
    store.write_bytes(raw[: max(1, int(share * len(raw)))])
    if not indexed:
        index_path(store).unlink()
    assert is_clear(use(store))


def test_a_store_cut_in_its_journal_has_what_was_before(made, tmp_path):
    """The journal of a writer that was killed, cut anywhere: whole documents, some or all."""
    folder, store = made[0] / "folder", tmp_path / "c.hier"
    with Corpus.create(store):
        pass
    keep = sqlite3.connect(store)  # while somebody reads, the journal stays
    keep.execute("SELECT * FROM documents").fetchall()
    with Corpus.open(store) as corpus, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "compact", lambda self: None)
        corpus.sync(folder)
        journal = (tmp_path / "c.hier-wal").read_bytes()
        main = (tmp_path / "c.hier").read_bytes()
    keep.close()
    assert len(journal) > 10_000
    counts = []
    for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999, 1.0):
        place = tmp_path / str(share)
        place.mkdir()
        (place / "c.hier").write_bytes(main)
        (place / "c.hier-wal").write_bytes(journal[: int(share * len(journal))])
        counts.append(len(stores.check_whole(place / "c.hier")))
        with Corpus.open(place / "c.hier") as corpus:
            assert len(corpus) == counts[-1]
            corpus.sync(folder)
            assert stores.content(place / "c.hier") == stores.content(made[0] / "c.hier")
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 6)


@pytest.mark.parametrize("column", ["packed", "passages"])
def test_bytes_flipped_in_a_document_are_told_with_its_name(store, column):
    with closing(sqlite3.connect(store)) as file:
        ask = f"SELECT {column} FROM documents JOIN trees USING (hash) WHERE id = 'd3.md'"
        ((packed,),) = file.execute(ask).fetchall()
        spoilt = bytearray(packed)
        spoilt[len(spoilt) // 2] ^= 0x55
        file.execute(f"UPDATE trees SET {column} = ? WHERE {column} = ?", (bytes(spoilt), packed))
        file.commit()
    index_path(store).unlink()
    with Corpus.open(store) as corpus:
        said = r"d3\.md in .*damaged.*remove the document, and build again"
        with pytest.raises(hier.StoreError, match=said):
            corpus.tree("d3.md") if column == "packed" else corpus.compress("violin", 60)
        assert corpus.tree("d2.md").source  # the other documents are safe
        corpus.remove("d3.md")  # as it says
        assert corpus.compress("violin", 60).segments


def test_a_text_that_cannot_be_decoded_is_damage(store):
    with closing(sqlite3.connect(store)) as database:
        database.execute("update documents set folder = cast(x'ff41' as text)")
        database.commit()
    said = use(store)
    assert "the file is damaged: restore it, or build it again" in said


def test_bytes_flipped_anywhere_never_end_in_anything_else(store, made):
    dice, raw = random.Random(5), store.read_bytes()
    found = []
    for number in range(40):
        spoilt = bytearray(raw)
        for _ in range(dice.choice([1, 1, 20])):
            spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
        store.write_bytes(spoilt)
        if number % 2:
            index_path(store).unlink(missing_ok=True)
        found.append(use(store))
        for end in ("-wal", "-shm"):
            store.with_name(store.name + end).unlink(missing_ok=True)
    assert [said for said in found if said and not is_clear(said)] == []
    assert len([said for said in found if said]) > 10


def test_a_damaged_page_in_writing_is_said(store, made):
    raw = bytearray(store.read_bytes())
    raw[len(raw) // 3 :] = b"\x7f" * (len(raw) - len(raw) // 3)
    store.write_bytes(raw)

    def write():
        with Corpus.open(store) as corpus:
            corpus.sync(made[0] / "folder")
            for row in corpus.documents:
                corpus.tree(row.id)

    with pytest.raises(hier.StoreError, match="restore it, or build it again"):
        write()


class TestVersions:
    STEPS = {  # noqa: RUF012
        2: "ALTER TABLE documents ADD COLUMN shelf TEXT NOT NULL DEFAULT ''",
        3: "CREATE TABLE shelves (name TEXT); INSERT INTO shelves SELECT id FROM documents",
    }

    def open(self, store):
        return closing(sqlite3.connect(store, isolation_level=None))

    def test_an_older_store_is_brought_up_step_by_step(self, store):
        before = stores.content(store)
        with self.open(store) as file:
            schema.check(file, store, 4, self.STEPS)
            assert schema.version_of(file) == 4
            assert file.execute("SELECT count(*) FROM shelves").fetchone() == (6,)
            assert file.execute("SELECT DISTINCT shelf FROM documents").fetchall() == [("",)]
            schema.check(file, store, 4, self.STEPS)  # and stays so
        assert stores.content(store) == before

    def test_a_store_of_the_first_version_is_read_as_it_was(self, store, made):
        with Corpus.open(store) as corpus:
            rows = corpus.documents
        for column in ("tokens", "leaves"):
            change(store, f"ALTER TABLE documents DROP COLUMN {column}")
        change(store, "PRAGMA user_version=1")
        with Corpus.open(store) as corpus:
            assert corpus.documents == rows
            assert corpus.tokens > 0
            assert stores.answers(corpus) == made[1]

    def test_a_step_is_done_whole_or_not_at_all(self, store):
        broken = {
            **self.STEPS,
            3: "CREATE TABLE shelves (name TEXT); INSERT INTO nowhere VALUES (1)",
        }
        with self.open(store) as file:
            with pytest.raises(sqlite3.Error, match="nowhere"):
                schema.check(file, store, 4, broken)
            assert not file.in_transaction
            assert schema.version_of(file) == 3
            assert (
                file.execute("SELECT name FROM sqlite_master WHERE name = 'shelves'").fetchall()
                == []
            )
            schema.check(file, store, 4, self.STEPS)
            assert schema.version_of(file) == 4

    def test_two_at_once_do_it_once(self, store):
        with self.open(store) as one, self.open(store) as other:

            class Late(sqlite3.Connection):
                """Learns the version, and is overtaken."""

                def execute(self, statement, *rest):
                    if statement == "BEGIN IMMEDIATE" and schema.version_of(other) < 4:
                        schema.check(other, store, 4, TestVersions.STEPS)
                    return super().execute(statement, *rest)

            with closing(sqlite3.connect(store, isolation_level=None, factory=Late)) as late:
                schema.check(late, store, 4, self.STEPS)
            assert one.execute("SELECT count(*) FROM shelves").fetchone() == (6,)

    def test_what_is_too_old_or_too_new_is_said(self, store):
        with self.open(store) as file:
            with pytest.raises(hier.StoreError, match="has version 2, this hier reads 4; build it"):
                schema.check(file, store, 4, {3: "SELECT 1"})
            with pytest.raises(hier.StoreError, match="update hier"):
                schema.check(file, store, 0, {})


@contextmanager
def read_only_disk(place):
    """The files of a folder on a disk that is read-only."""
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        for name, raw in files.items():
            (place / name).write_bytes(raw)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield lambda: subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def no_permission(place):
    """A folder of somebody else."""
    if os.geteuid() == 0:
        pytest.skip("root has every permission")

    def allow():
        place.chmod(0o755)
        for path in place.iterdir():
            path.chmod(0o644)

    for path in place.iterdir():
        path.chmod(0o444)
    place.chmod(0o555)
    try:
        yield allow
    finally:
        allow()


READ_ONLY = pytest.mark.parametrize("closed", [read_only_disk, no_permission])


@READ_ONLY
def test_a_store_that_can_only_be_read_is_read(store, made, closed):
    with closed(store.parent) as allow, Corpus.open(store) as corpus:
        assert stores.answers(corpus) == made[1]
        with pytest.raises(hier.StoreError, match="cannot be written"):
            corpus.remove("d1.md")
        assert len(corpus) == 6
        allow()  # and then somebody writes, and closes it
        with Corpus.open(store) as writer:
            writer.remove("d1.md")
        assert len(corpus) == 5
        assert corpus.compress("violin", 60).segments


@READ_ONLY
def test_without_an_index_it_is_made_in_memory(store, made, closed):
    index_path(store).unlink()
    kept = pytest.warns(UserWarning, match="index is not kept")
    with closed(store.parent), Corpus.open(store) as corpus, kept:
        assert stores.answers(corpus) == made[1]


@READ_ONLY
def test_one_that_was_not_closed_is_not_guessed_at(store, made, closed):
    with closing(sqlite3.connect(store)) as file:
        file.execute("INSERT INTO settings VALUES ('more', '1')")
        file.commit()
        journal = store.with_name("c.hier-wal").read_bytes()
    store.with_name("c.hier-wal").write_bytes(journal)
    with closed(store.parent), pytest.raises(hier.StoreError, match="was not closed"):
        Corpus.open(store)
    with Corpus.open(store) as corpus:
        assert stores.answers(corpus) == made[1]


def test_a_file_that_may_only_be_read_is_read(store, made):
    if os.geteuid() == 0:
        pytest.skip("root has every permission")
    store.chmod(0o444)
    with Corpus.open(store) as corpus:
        assert stores.answers(corpus) == made[1]
        with pytest.raises(hier.StoreError, match="make it writable"):
            corpus.remove("d1.md")


def test_a_store_that_goes_while_it_is_open_is_missed(store, made):
    with Corpus.open(store) as corpus:
        assert stores.answers(corpus) == made[1]
        store.unlink()
        with pytest.raises(hier.StoreError, match="does not exist"):
            corpus.compress("violin", 60)
        with pytest.raises(hier.StoreError, match="does not exist"):
            corpus.sync(made[0] / "folder")


def test_a_store_that_is_replaced_is_seen(store, made, tmp_path):
    new = tmp_path / "new.hier"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.md").write_text("# Violin\n\nA copper one, of Ann.\n")
    with stores.scratch(new, tmp_path / "other"):
        pass
    with Corpus.open(store) as corpus:
        assert len(corpus) == 6
        new.replace(store)
        assert "of Ann" in corpus.compress("violin", 60).text
        with stores.scratch(new, tmp_path / "other", tokenizer="cl100k_base"):
            pass
        new.replace(store)
        with pytest.raises(hier.StoreError, match=r"is another corpus now.*open it again"):
            corpus.compress("violin", 60)


def test_a_store_that_was_closed_says_so(store):
    corpus = Corpus.open(store)
    corpus.close()
    with pytest.raises(hier.StoreError, match="closed"):
        len(corpus)


def test_other_settings_are_refused(store):
    with pytest.raises(hier.StoreError, match=r"there already, with another tokenizer"):
        Corpus.create(store, tokenizer="cl100k_base")
