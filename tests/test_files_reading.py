"""Reading of files: every kind becomes a document, and what is none is an error with a remedy."""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from file_writers import samples, words
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.blocks import BlockKind
from hier.files import reading
from hier.files.kinds import kind_of
from hier.files.reading import read_bytes, read_file

SAMPLES = samples()
TYPES = {
    **{"report.pdf": "pdf", "plan.docx": "docx", "deck.pptx": "pptx", "prices.xlsx": "xlsx"},
    **{"page.html": "html", "book.epub": "epub", "letter.eml": "email", "notes.md": "markdown"},
    **{"notes.rst": "rest", "notes.txt": "text", "LICENSE": "text", "prices.csv": "csv"},
    **{"prices.tsv": "tsv", "prices.json": "json", "prices.jsonl": "jsonl", "lamp.py": "python"},
    **{"lamp.js": "javascript", "lamp.yaml": "yaml"},
}
OWN_TEXT = ("md", "rst", "txt", "csv", "tsv", "json", "jsonl", "py", "js", "yaml", "LICENSE")


@pytest.fixture(params=sorted(SAMPLES))
def sample(request):
    """A file's name, its bytes and the document it becomes."""
    name = request.param
    return name, SAMPLES[name], read_bytes(SAMPLES[name], name)


def check(document):
    """What holds for every document: blocks partition the text, places ascend from 0."""
    places, blocks, text = document.places, document.blocks, document.text
    if places is not None:
        assert places.start[0] == 0
        assert (np.diff(places.start) > 0).all()
        assert places.start[-1] < max(1, len(text))
        assert len(places.start) == len(places.number) == len(places.part)
        assert (places.number >= 1).all()
        assert places.part.max() < len(places.parts)
        assert (places.start.dtype, places.number.dtype, places.part.dtype) == (
            *(np.int64, np.int32, np.int32),
        )
    if blocks is not None:
        assert (blocks.start[0], blocks.end[-1]) == (0, len(text))
        np.testing.assert_array_equal(blocks.start[1:], blocks.end[:-1])
        assert (blocks.end > blocks.start).all() or not text
        assert (blocks.depth[blocks.kind == BlockKind.HEADING] > 0).all()
        assert not any(text[start : start + 1] == "\n" for start in blocks.start[1:])
    for value in document.metadata.values():
        assert isinstance(value, str | int | float | bool)
    text.encode()  # no half of a pair of surrogates


def test_every_kind_becomes_a_document(sample):
    name, raw, document = sample
    assert document.name == name
    assert document.metadata["type"] == TYPES[name]
    assert document.text.strip()
    check(document)
    if name.endswith(OWN_TEXT):
        assert document.text.encode() == raw


def test_a_file_and_its_bytes_are_one_document_in_any_process(tmp_path):
    code = """
import sys
from pathlib import Path
from hier.files.reading import read_file
for path in sorted(Path(sys.argv[1]).iterdir()):
    document = read_file(path)
    print(repr((document.text, document.places, document.blocks, document.metadata)))
"""
    for name, raw in SAMPLES.items():
        (tmp_path / name).write_bytes(raw)
    there = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=tmp_path.parent,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.splitlines()
    for path, found in zip(sorted(tmp_path.iterdir()), there, strict=True):
        document = read_bytes(SAMPLES[path.name], str(path))
        here = (document.text, document.places, document.blocks, document.metadata)
        assert found == repr(here)


def test_a_kind_without_a_suffix_is_told_by_its_bytes(sample):
    name, raw, document = sample
    if document.places is None or name.endswith((".csv", ".tsv", ".eml")):
        return
    assert kind_of(raw, "no suffix") == document.metadata["type"]
    assert read_bytes(raw, "download").text == document.text


def test_build_reads_every_kind(sample, tmp_path):
    name, raw, document = sample
    path = tmp_path / name
    path.write_bytes(raw)
    tree = hier.build(path)
    assert tree.document.text == document.text
    assert tree.compress(budget=2_000).segments


# What is no document


def test_what_looks_like_a_text_and_is_none_is_binary(tmp_path):
    path = tmp_path / "core.dump"
    path.write_bytes(b"\x7fELF\x00\x01")
    with pytest.raises(hier.InputError, match=r"core.dump looks binary \(byte 0x00 at position 4"):
        read_file(path)


def test_an_old_or_encrypted_office_file_is_named():
    raw = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    with pytest.raises(hier.InputError, match=r"before 2007 or has a password; save it as \.docx"):
        read_bytes(raw, "plan.docx")


def test_a_zip_that_is_no_document_is_binary():
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(hier.InputError, match="archive looks binary"):
        read_bytes(stream.getvalue(), "archive")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_FILE", 1 << 20)
    path = tmp_path / "large.txt"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # a hole of a terabyte: to read it would fail
    with pytest.raises(hier.InputError, match=r"too large: 1,099,511,627,776 .* 1,048,576; split"):
        read_file(path)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "growing.txt"
    path.write_text(words(5))
    opened = Path.open

    def grow(self, mode):
        stream = opened(self, mode)
        with opened(self, "ab") as writer:  # somebody else, after the file was opened
            writer.write(b" More.")
        os.utime(path, ns=(1, 1))
        return _Slow(stream)

    class _Slow:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def fileno(self):
            return self.stream.fileno()

        def read(self, size):
            got = self.stream.read(size)
            os.utime(path, ns=(2, 2))
            return got

    monkeypatch.setattr(Path, "open", grow)
    with pytest.raises(hier.InputError, match=r"growing.txt changed while it was read; read it ag"):
        read_file(path)
    monkeypatch.undo()
    assert read_file(path).text == words(5) + " More."


def test_a_file_that_vanished_and_a_folder_are_named(tmp_path):
    with pytest.raises(hier.InputError, match=r"gone.pdf does not exist; check the path"):
        read_file(tmp_path / "gone.pdf")
    with pytest.raises(hier.InputError, match="is a folder; pass one text file"):
        read_file(tmp_path)


def test_a_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(words(500).encode(),))
    writer.start()
    assert read_file(path).text == words(500)
    writer.join()


def test_a_name_that_is_no_utf8_is_readable(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe.md"))
    path.write_text("Hello there.\n")
    document = read_file(path)
    assert document.name == f"{tmp_path}/gr\\xfc\\xdfe.md"
    assert document.metadata["type"] == "markdown"


@pytest.mark.parametrize(
    ("name", "library", "package"),
    [
        *[("report.pdf", "pypdfium2", "pypdfium2"), ("plan.docx", "mammoth", "mammoth")],
        *[("deck.pptx", "pptx", "python-pptx"), ("prices.xlsx", "openpyxl", "openpyxl")],
        *[("page.html", "bs4", "beautifulsoup4"), ("book.epub", "lxml", "lxml")],
    ],
)
def test_a_library_that_is_missing_is_named(name, library, package, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    line = rf"{package} is needed for reading {name}; .*pip install 'hier-context\[files\]'"
    with pytest.raises(hier.MissingExtraError, match=line):
        read_bytes(SAMPLES[name], name)


def outcome(raw, name):
    """The document that bytes become, or what the error says."""
    try:
        return read_bytes(raw, name), ""
    except hier.InputError as error:
        return None, str(error)


def test_damaged_bytes_are_an_error_of_one_line_or_a_document(sample):
    """Cut short, bytes changed, bytes lost: nothing but an InputError may come of it."""
    name, raw, _ = sample
    chance = random.Random(name)
    for _ in range(12):
        bad = bytearray(raw)
        place = chance.randrange(len(bad))
        match chance.randrange(3):
            case 0:
                del bad[place:]
            case 1:
                bad[place] ^= 1 << chance.randrange(8)
            case _:
                del bad[place : place + chance.randrange(1, 60)]
        document, said = outcome(bytes(bad), name)
        if document is not None:
            check(document)
        assert (name in said and "\n" not in said) == (document is None)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=300))
def test_any_text_is_read_to_the_character_whatever_its_suffix_says(text):
    for suffix in ("txt", "md", "csv", "tsv", "json", "jsonl", "py", "cpp", "js", "rb", "sql"):
        document = read_bytes(text.encode(), f"a.{suffix}")
        assert document.text == text
        check(document)


LINES = """
class A:|def f(x):|    def g(self):|  void h(int a) {|}|  }|};|end|func f() {|/* a|*/|// b|#if X|
x = 1|    return 2|struct s {|CREATE TABLE a (|);|fn b() -> u8 {||@deco|module M|  (
"""
LINE = st.sampled_from(LINES.replace("\n", "").split("|"))


@given(st.lists(LINE, max_size=30))
def test_lines_that_look_like_code_are_partitioned(lines):
    for suffix in (
        "py",
        "java",
        "c",
        "cpp",
        "go",
        "rs",
        "rb",
        "kt",
        "php",
        "lua",
        "jl",
        "sh",
        "sql",
    ):
        check(read_bytes("\n".join(lines).encode(), f"a.{suffix}"))
