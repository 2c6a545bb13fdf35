"""Office files: tables survive, numbers keep their column, and no zip bomb bursts."""

import datetime
import io
import struct
import tracemalloc
import zipfile

import pytest
from file_writers import docx, pptx, words, xlsx

import hier
from hier.blocks import BlockKind
from hier.files import archive as archives
from hier.files.reading import read_bytes
from hier.files.sheets import shown


def place_of(document, phrase):
    at = document.text.index(phrase)
    return document.place(at, at + len(phrase))


def test_a_word_document_keeps_headings_lists_and_tables():
    document = read_bytes(docx(), "plan.docx")
    assert document.text == (
        f"# Plan of the works\n\n# Costs\n\nThe lamp costs 3,000 EUR a year. {words(2)}\n\n"
        "- oil\n- wick\n\n"
        "| Item | Number | Price |\n| --- | --- | --- |\n| Oil | 12 | 3.50 |\n"
        "| Wick\\|s |  | 0.10 |\n\n"
        f"## Staff\n\n{words(3)}\n"
    )
    assert place_of(document, "| Oil") == "paragraph 5"
    facts = document.metadata
    assert (facts["title"], facts["author"]) == ("Plan of the works", "Ada Lovelace")


def test_a_presentation_knows_its_slides():
    document = read_bytes(pptx(), "deck.pptx")
    assert document.text == (
        "# Why lamps\n\n- They burn\n- They shine\n\nNotes: Smile here.\n\n"
        "# Prices\n\n| Lamp | Price |\n| --- | --- |\n| North | 3.50 |\n| South | 4.75 |\n\n"
        "# Growth\n\n|  | Sold |\n| --- | --- |\n| 2023 | 12 |\n| 2024 | 17.5 |\n\n"
    )
    assert place_of(document, "Smile") == "slide 1"
    assert place_of(document, "| South") == "slide 2"
    assert place_of(document, "17.5") == "slide 3"


def test_a_workbook_knows_its_sheets_and_rows():
    rows = [["Lamp", "Built", "Height"], *([f"Lamp {n}", 1800 + n, n / 10] for n in range(40))]
    document = read_bytes(xlsx(Lamps=rows, Empty=[], Notes=[["Only a note"]]), "lamps.xlsx")
    lines = document.text.split("\n")
    assert lines[:5] == [
        *("## Lamps", "", "| Lamp | Built | Height |", "| Lamp 0 | 1800 | 0 |"),
        "| Lamp 1 | 1801 | 0.1 |",
    ]
    assert place_of(document, "| Lamp 0 |") == "sheet Lamps, row 2"
    assert place_of(document, "| Lamp 39 |") == "sheet Lamps, row 41"
    assert place_of(document, "Only a note") == "sheet Notes, row 1"
    assert "Empty" not in document.text
    kinds = [BlockKind(kind).name for kind in document.blocks.kind]
    assert kinds == ["HEADING", "TABLE", "HEADING", "PARAGRAPH"]
    table = document.blocks.kind.tolist().index(BlockKind.TABLE)
    start = document.blocks.start[table]
    assert document.text[start:].startswith("| Lamp | Built | Height |")


def test_titles_gaps_and_second_tables_of_a_sheet():
    rows = [
        ["Prices of lamps"],
        [],
        [None, "Lamp", "Price", None],
        [None, "North", None, "cheap"],
        [],
        [None, "South", 4.5, None],
        [],
        ["Keeper", "Age"],
        ["Ada", 36],
    ]
    document = read_bytes(xlsx(S=rows), "s.xlsx")
    assert document.text == (
        "## S\n\nPrices of lamps\n\n"
        "| Lamp | Price |  |\n| North |  | cheap |\n| South | 4.5 |  |\n\n"
        "| Keeper | Age |\n| Ada | 36 |\n\n"
    )
    assert place_of(document, "| South") == "sheet S, row 6"
    assert place_of(document, "| Ada") == "sheet S, row 9"
    assert document.blocks.kind.tolist() == [0, 1, 3, 3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(None, ""), (3, "3"), (3.0, "3"), (0.1 + 0.2, "0.3"), (1234.5, "1234.5")],
        *[(True, "TRUE"), (datetime.datetime(2024, 2, 5), "2024-02-05"), (-0.25, "-0.25")],
        *[(datetime.datetime(2024, 2, 5, 9, 30), "2024-02-05 09:30:00"), (" a ", "a")],
        *[(datetime.time(9, 30), "09:30:00"), (1e21, "1e+21"), (12345678901234, "12345678901234")],
    ],
)
def test_values_are_shown_plainly(value, text):
    assert shown(value) == text


def test_formulas_show_what_they_came_to():
    raw = xlsx(S=[["a", "b"], [2, 3]])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(stream, "w") as target:
        for part in source.namelist():
            text = source.read(part)
            if part.endswith("sheet1.xml"):
                assert b"<v>3</v>" in text
                text = text.replace(b"<v>3</v>", b"<f>A2+40</f><v>42</v>")
            target.writestr(part, text)
    assert "| 2 | 42 |" in read_bytes(stream.getvalue(), "s.xlsx").text


def test_a_row_number_out_of_this_world_is_damage():
    raw = xlsx(S=[["a", "b"], [2, 3]])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(stream, "w") as target:
        for part in source.namelist():
            text = source.read(part)
            target.writestr(part, text.replace(b'r="2"', b'r="99999999999"'))
    with pytest.raises(hier.InputError, match=r"s.xlsx is damaged \(a row beyond 1,048,576\)"):
        read_bytes(stream.getvalue(), "s.xlsx")


# Archives

KINDS = ["plan.docx", "deck.pptx", "prices.xlsx", "book.epub"]


def bomb(size, parts=1):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<a/>")
        for number in range(parts):
            archive.writestr(f"word/document{number}.xml", bytes(size))
    return stream.getvalue()


@pytest.mark.parametrize("name", KINDS)
def test_a_zip_bomb_is_refused_before_it_bursts(name):
    raw = bomb(100 << 20)
    assert len(raw) < 1 << 20
    tracemalloc.start()
    with pytest.raises(
        hier.InputError, match=rf"{name} would unpack to 104,857,604 bytes, .* limit"
    ):
        read_bytes(raw, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_what_is_large_and_honest_is_read(monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 50_000)
    with pytest.raises(hier.InputError, match=r"the limits are 50,000 bytes"):
        read_bytes(docx(), "plan.docx")
    monkeypatch.setattr(archives, "MOST_BYTES", 1 << 20)
    assert read_bytes(docx(), "plan.docx").text


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_that_lies_about_its_sizes_is_damaged(name):
    size = 100 << 20
    raw = bytearray(bomb(size))
    assert raw.count(struct.pack("<I", size)) == 2
    raw = bytes(raw).replace(struct.pack("<I", size), struct.pack("<I", 1000))
    tracemalloc.start()
    with pytest.raises(hier.InputError, match=rf"{name} is damaged"):
        read_bytes(raw, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_of_something_else_is_damaged(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("hello.txt", "hello")
    for raw in (stream.getvalue(), b"no archive", b"PK\x03\x04" + bytes(100)):
        with pytest.raises(hier.InputError, match=rf"{name} is damaged \(.*\); save it anew"):
            read_bytes(raw, name)


def test_an_archive_with_a_password_is_encrypted():
    raw = bytearray(docx())
    central = raw.rindex(b"PK\x01\x02")
    raw[central + 8] |= 1
    with pytest.raises(
        hier.InputError, match=r"plan.docx is encrypted with a password; save a copy"
    ):
        read_bytes(bytes(raw), "plan.docx")


def said(raw, name):
    """What a file says, or what is said of it."""
    try:
        return read_bytes(raw, name).text
    except hier.InputError as error:
        return str(error)


def test_entities_do_not_expand():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l11;</a>'
    for name, raw, part in (
        ("plan.docx", docx(), "word/document.xml"),
        ("deck.pptx", pptx(), "ppt/slides/slide1.xml"),
        ("prices.xlsx", xlsx(S=[["a", "b"], [1, 2]]), "xl/worksheets/sheet1.xml"),
    ):
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(stream, "w") as target:
            for item in source.namelist():
                target.writestr(item, xml if item == part else source.read(item))
        assert "haha" not in said(stream.getvalue(), name)
