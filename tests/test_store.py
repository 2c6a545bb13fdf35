"""Saved trees: what is loaded is what was saved, or an error that says what to do."""

import dataclasses
import errno
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import hier
from hier.places import Places
from hier.store import MAGIC, is_tree

PREFIX = struct.Struct("<8sQI")
TEXTS = {
    "prose": "# One\n\nThe cat sat. The dog ran.\n\n## Two\n\n" + "Birds sing at dawn. " * 300,
    "odd": "\x00 NUL and \ud800 surrogate\r\nand 👩\u200d👩\u200d👧 and 東京。" * 40,
    "wordless": "… — … " * 400,
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "tree.hier"
    hier.build(TEXTS["prose"]).save(path)
    return path


def header_of(path):
    raw = path.read_bytes()
    _, length, _ = PREFIX.unpack(raw[: PREFIX.size])
    return json.loads(raw[PREFIX.size : PREFIX.size + length]), raw


def with_header(path, change):
    """Rewrite the header, checksum included, as someone could who means harm."""
    header, raw = header_of(path)
    start = header_start(raw)
    new = change(header)
    new = json.dumps(header if new is None else new).encode()
    data = raw[start:]
    begin = -(-(PREFIX.size + len(new)) // 64) * 64
    prefix = PREFIX.pack(MAGIC, len(new), zlib.crc32(new))
    path.write_bytes((prefix + new).ljust(begin, b"\0") + data)


def header_start(raw):
    _, length, _ = PREFIX.unpack(raw[: PREFIX.size])
    return -(-(PREFIX.size + length) // 64) * 64


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_loaded_tree_answers_as_the_saved_one(name, tmp_path):
    tree = hier.build(hier.Document(TEXTS[name], "a name"))
    tree.save(tmp_path / "a.hier")
    loaded = hier.load(tmp_path / "a.hier")
    assert loaded.source == tree.source
    assert loaded.document.name == "a name"
    assert loaded.outline(9) == tree.outline(9)
    for query in ("Where does the cat sit?", None):
        for budget in (10, 100):
            assert loaded.compress(query, budget) == tree.compress(query, budget)
    assert all(loaded.summary(node.id) == tree.summary(node.id) for node in tree.nodes)
    loaded.save(tmp_path / "b.hier")
    assert (tmp_path / "b.hier").read_bytes() == (tmp_path / "a.hier").read_bytes()


def test_places_and_what_else_is_known_of_a_document_are_kept(tmp_path):
    text = "".join(f"The town {town} has {n * 7} wells.\n" for n, town in enumerate("abcdefghi"))
    starts = np.cumsum([0, *map(len, text.splitlines(keepends=True))])[:-1]
    n = len(starts)
    parts = np.arange(n) // 5
    places = Places("row", starts, np.arange(2, n + 2), parts, ("sheet One", "sheet Two"))
    told = {"year": 2024, "title": "Towns é \ud800", "draft": False, "share": 0.25}
    tree = hier.build(hier.Document(text, "towns.xlsx", places, metadata=told))
    tree.save(tmp_path / "tree.hier")
    loaded = hier.load(tmp_path / "tree.hier")
    assert loaded.document.metadata == told
    assert [type(value) for value in loaded.document.metadata.values()] == [int, str, bool, float]
    for start in range(len(text)):
        end = min(start + 9, len(text))
        assert loaded.document.place(start, end) == tree.document.place(start, end)
    context = loaded.compress("the town f", 25)
    assert context == tree.compress("the town f", 25)
    assert context.segments
    for segment in context.segments:
        first, last = (text.count("\n", 0, place) for place in (segment.start, segment.end - 1))
        assert segment.place.endswith(f"row {first + 2}" if first == last else f"-{last + 2}")
        assert segment.place.startswith(f"sheet {'One' if first < 5 else 'Two'}, row")
    assert all(pick.place.startswith("sheet ") for pick in context.picks)
    assert f"{context.picks[0].span.end}, {context.picks[0].place}: rel" in context.explain()


@pytest.mark.parametrize(
    "change",
    [
        {"start": np.array([1, 5])},
        {"start": np.array([0, 0])},
        {"start": np.array([0, 900])},
        {"start": np.zeros(0, np.int64)},
        {"start": np.array([0.0, 5.0])},
        {"number": np.array([1])},
        {"part": np.array([0, 1])},
        {"part": np.array([0, -1])},
        {"kind": 7},
        {"parts": (None,)},
    ],
)
def test_places_that_cannot_be_are_refused(change, tmp_path):
    places = Places.counted("page", np.array([0, 5]))
    good = hier.Document("One. Two. Three.", places=places)
    bad = dataclasses.replace(good, places=dataclasses.replace(places, **change))
    with pytest.raises(hier.InputError, match="pass places that cover the text"):
        hier.build(bad)
    with pytest.raises(hier.InputError, match="pass places that cover the text"):
        dataclasses.replace(hier.build(good), document=bad)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, b"x", np.int64(3)])
def test_what_is_known_of_a_document_is_plain(value):
    with pytest.raises(hier.InputError, match=r"metadata 'year' is of type .*; pass names"):
        hier.build(hier.Document("One. Two.", metadata={"year": value}))


def test_arrays_are_mapped_and_not_copied(saved):
    tree = hier.load(saved)
    for array in (tree.leaf_start, tree.index.leaves.words, tree.levels[1].norms):
        while isinstance(array.base, np.ndarray):
            array = array.base
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_a_tokenizer_of_the_users_is_asked_for_again(tmp_path):
    path = tmp_path / "tree.hier"
    tree = hier.build(TEXTS["prose"], tokenizer=len)
    tree.save(path)
    with pytest.raises(hier.StoreError, match=r"hier\.load\(path, tokenizer="):
        hier.load(path)
    assert hier.load(path, tokenizer=len).compress("cat", 90) == tree.compress("cat", 90)


def test_a_models_summaries_are_kept(tmp_path):
    tree = hier.build(TEXTS["prose"], summarizer=lambda text: "Birds sing, é \ud800.")
    tree.save(tmp_path / "tree.hier")
    loaded = hier.load(tmp_path / "tree.hier")
    assert loaded.summary_texts == tree.summary_texts != {}
    assert loaded.compress(budget=60) == tree.compress(budget=60)


def test_an_embedder_object_cannot_be_saved(tmp_path):
    class Embedder:
        def encode(self, texts):
            return np.ones((len(texts), 3), np.float32)

    tree = hier.build(TEXTS["prose"], embedder=Embedder())
    with pytest.raises(hier.StoreError, match="build with the embedder's name or folder"):
        tree.save(tmp_path / "tree.hier")
    assert list(tmp_path.iterdir()) == []


def test_a_neural_tree_finds_its_model_again(tmp_path):
    tree = hier.build(TEXTS["prose"], embedder="sentence-transformers/all-MiniLM-L6-v2")
    tree.save(tmp_path / "tree.hier")
    loaded = hier.load(tmp_path / "tree.hier")
    assert loaded.compress("Which animals sing?", 60) == tree.compress("Which animals sing?", 60)


def test_every_flipped_byte_is_found(saved):
    raw = saved.read_bytes()
    whole = hier.load(saved).compress("cat", 50)
    for place in {*range(0, 64), *range(64, len(raw), len(raw) // 150), len(raw) - 1}:
        flipped = bytearray(raw)
        flipped[place] ^= 0x41
        saved.write_bytes(flipped)
        try:
            context = hier.load(saved).compress("cat", 50)
        except hier.StoreError as error:
            message = str(error)
        else:
            assert context == whole, "only padding may differ"
            continue
        assert str(saved) in message
        assert "build" in message


def test_every_truncation_is_found(saved):
    raw = saved.read_bytes()
    for length in {*range(40), *range(40, len(raw), len(raw) // 60), len(raw) - 1}:
        saved.write_bytes(raw[:length])
        with pytest.raises(hier.StoreError, match="build"):
            hier.load(saved)
    saved.write_bytes(raw + b"\0")
    with pytest.raises(hier.StoreError, match="damaged"):
        hier.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["arrays"]["leaf_start"].__setitem__(0, "|O"),
        lambda header: header["arrays"]["leaf_start"].__setitem__(1, [-1]),
        lambda header: header["arrays"]["leaf_start"].__setitem__(1, [10**12]),
        lambda header: header["arrays"]["leaf_start"].__setitem__(2, -64),
        lambda header: header["arrays"]["leaf_start"].__setitem__(2, "0"),
        lambda header: header["arrays"].pop("leaf_start"),
        lambda header: header["arrays"].pop("level1.norms"),
        lambda header: header["meta"].pop("levels"),
        lambda header: header["meta"].pop("places"),
        lambda header: header["meta"].update(places=["page", [""]]),
        lambda header: header["meta"].update(levels="9"),
        lambda header: header.pop("meta"),
        lambda header: header.update(arrays=[1, 2]),
        lambda header: [],
    ],
)
def test_a_crafted_header_is_refused(saved, change):
    with_header(saved, change)
    with pytest.raises(hier.StoreError, match=r"damaged: .*; build it again"):
        hier.load(saved)


def test_another_version_is_named(saved):
    with_header(saved, lambda header: header.update(version=99))
    with pytest.raises(hier.StoreError, match="has format 99, this hier reads"):
        hier.load(saved)


def test_a_foreign_an_empty_and_a_missing_file_and_a_folder_are_refused(tmp_path):
    foreign = tmp_path / "notes.txt"
    foreign.write_text("Just notes.")
    (tmp_path / "empty").touch()
    for path, message in (
        (foreign, "is not a saved tree; make one: hier build"),
        (tmp_path / "empty", "is not a saved tree"),
        (tmp_path / "missing", "No such file or directory; check the path"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(hier.StoreError, match=message):
            hier.load(path)
        assert not is_tree(path)


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()]
)
@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(saved, monkeypatch, failure, where):
    def fail(*arguments):
        raise failure

    before = saved.read_bytes()
    target = os if where == "fsync" else Path
    monkeypatch.setattr(target, where, fail)
    expected = hier.StoreError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        hier.build("Something else entirely.").save(saved)
    monkeypatch.undo()
    if isinstance(failure, OSError):
        assert str(raised.value) == (
            f"{saved} cannot be written: No space left on device; choose another place"
        )
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_read_only_target_is_not_replaced(saved, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write all
    before = saved.read_bytes()
    with pytest.raises(hier.StoreError, match="is read-only; choose another place"):
        hier.build("Something else entirely.").save(saved)
    assert saved.read_bytes() == before


def test_a_target_that_cannot_be_is_refused(tmp_path):
    tree = hier.build("Some text.")
    for target in (tmp_path, tmp_path / "missing" / "tree.hier", Path("/proc/tree.hier")):
        with pytest.raises(hier.StoreError, match=r"cannot be written: .*; choose another place"):
            tree.save(target)
    assert list(tmp_path.iterdir()) == []
