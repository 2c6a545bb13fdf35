"""PDF: text in reading order with its pages, whole sentences, tables, and nothing that repeats."""

import re

import pytest
from file_writers import SENTENCES, pdf, pdf_of, words
from reportlab.lib import colors, pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Preformatted,
    Spacer,
    Table,
    TableStyle,
)

import hier
from hier.files.pdf_lines import Line
from hier.files.pdf_text import pieces_of, setting_of
from hier.files.reading import read_bytes

STYLES = getSampleStyleSheet()
BODY = STYLES["BodyText"]
GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])


def read(raw, name="report.pdf"):
    return read_bytes(raw, name)


def page_of(document, phrase):
    at = document.text.index(phrase)
    return document.place(at, at + len(phrase))


def running(canvas, template):
    """A header with the chapter, a footer with the number of the page; odd and even differ."""
    number = template.page
    canvas.setFont("Helvetica", 9)
    left, right = ("The Book of Lamps", f"{number}")[:: 1 if number % 2 else -1]
    canvas.drawString(72, 810, left)
    canvas.drawRightString(520, 810, right)
    canvas.drawCentredString(297, 30, f"Chapter {(number + 2) // 3} - Page {number} of 12")


def test_every_sentence_is_whole_and_knows_its_page():
    facts = [
        f"Lamp {n} of the harbour was lit for the first time in {1800 + n}." for n in range(60)
    ]
    pages = [" ".join([*facts[n : n + 5], words(12, n)]) for n in range(0, 60, 5)]
    document = read(pdf_of(*pages))
    for n, fact in enumerate(facts):
        assert fact in document.text
        assert page_of(document, fact) == f"page {n // 5 + 1}"
    for sentence in SENTENCES:
        assert sentence in document.text
    assert document.places.kind == "page"
    assert document.metadata["type"] == "pdf"


def test_a_sentence_goes_on_over_the_end_of_a_page():
    facts = [
        f"Lamp {n} of the harbour was lit for the first time in {1800 + n}." for n in range(250)
    ]
    document = read(pdf([Paragraph(" ".join(facts), BODY)]))
    assert document.text.split() == " ".join(facts).split()
    assert len(document.places.start) == 3
    for fact in facts:
        assert fact in document.text
    assert any("pages" in page_of(document, fact) for fact in facts)


def test_paragraphs_and_headings_stand_apart():
    story = [
        Paragraph("The Book of Lamps", STYLES["Title"]),
        Paragraph("1. Oil", STYLES["Heading2"]),
        Paragraph(words(3), BODY),
        Paragraph(words(2, 1), BODY),
        Paragraph("<b>A bold line alone</b>", BODY),
        Paragraph(words(4, 2), BODY),
    ]
    assert read(pdf(story)).text.split("\n\n") == [
        *("# The Book of Lamps", "## 1. Oil", words(3), words(2, 1), "### A bold line alone"),
        *(words(4, 2), ""),
    ]


def test_paragraphs_without_a_gap_are_told_by_their_indent():
    style = ParagraphStyle("book", BODY, firstLineIndent=18, spaceBefore=0, spaceAfter=0)
    paragraphs = [words(n, n) for n in (4, 6, 5, 4)]
    text = read(pdf([Paragraph(text, style) for text in paragraphs])).text
    assert text.split("\n\n") == [*paragraphs, ""]


def test_what_repeats_at_the_edges_is_left_out():
    openings = "Once Soon Later Often Never Here There Then Today Still Again Finally".split()
    story = [
        Paragraph(f"{opening} there was oil. {words(30, n)}", BODY)
        for n, opening in enumerate(openings)
    ]
    document = read(pdf([item for one in story for item in (one, PageBreak())], running))
    assert len(document.places.start) == 12
    assert "Book of Lamps" not in document.text
    assert "Chapter" not in document.text
    assert not re.search(r"Page \d+ of 12", document.text)
    for number, opening in enumerate(openings, 1):
        assert page_of(document, f"{opening} there was oil.") == f"page {number}"


def test_headings_that_count_as_the_pages_do_stay():
    story = [
        item
        for n in range(1, 13)
        for item in (
            Paragraph(f"Case {n}", STYLES["Heading2"]),
            Paragraph(words(9, n), BODY),
            PageBreak(),
        )
    ]
    document = read(pdf(story, running))
    for n in range(1, 13):
        assert page_of(document, f"# Case {n}\n") == f"page {n}"
    assert "Chapter" not in document.text


def test_a_number_at_the_edge_that_is_no_page_number_stays():
    def invoice(canvas, template):
        canvas.drawString(72, 810, f"Invoice {(7919 * template.page) % 10007}")
        canvas.drawString(72, 30, "The Lamp Works, North Hall")

    story = [item for n in range(8) for item in (Paragraph(words(5, n), BODY), PageBreak())]
    document = read(pdf(story, invoice))
    for number in range(1, 9):
        phrase = f"Invoice {(7919 * number) % 10007}"
        assert page_of(document, phrase) == f"page {number}"
    assert "North Hall" not in document.text


def test_a_ruled_table_keeps_its_rows_its_columns_and_its_place():
    rows = [["Lamp", "Built", "Height in m"], ["North", "1843", "31.5"], ["South", "", "12"]]
    long = "The lamp that stands on the rock in the middle of the harbour"
    rows.append([Paragraph(long, BODY), "1900", "7|8"])
    story = [
        Paragraph("Before. " + words(2), BODY),
        Table(rows, colWidths=[120, 80, 90], style=GRID),
        Paragraph("After. " + words(2), BODY),
    ]
    document = read(pdf(story))
    assert (
        f"| Lamp | Built | Height in m |\n| --- | --- | --- |\n| North | 1843 | 31.5 |\n"
        f"| South |  | 12 |\n| {long} | 1900 | 7\\|8 |\n\nAfter."
    ) in document.text
    assert document.text.startswith("Before.")
    assert "tables_unread" not in document.metadata


def test_a_table_over_several_pages_is_one_table_with_one_header():
    rows = [["Lamp", "Oil"], *([f"Lamp {n}", f"{n}.5"] for n in range(150))]
    table = Table(rows, colWidths=[120, 80], style=GRID, repeatRows=1)
    document = read(pdf([Paragraph(words(2), BODY), table, Paragraph(words(2), BODY)], running))
    assert document.text.count("| Lamp | Oil |") == 1
    lines = document.text.split("\n\n")[1].split("\n")
    assert lines[2:] == [f"| Lamp {n} | {n}.5 |" for n in range(150)]
    assert page_of(document, "| Lamp 149 |") == "page 5"


def test_a_table_without_rules_is_told_by_its_gaps():
    rows = [
        ["Year", "Income", "Costs"],
        *([str(1900 + n), f"{n * 117}", f"{n * 31}"] for n in range(6)),
    ]
    story = [Paragraph(words(3), BODY), Table(rows, colWidths=90), Paragraph(words(3), BODY)]
    text = read(pdf(story)).text
    assert text.split("\n\n")[1].split("\n") == [
        "| Year | Income | Costs |",
        "| --- | --- | --- |",
        *(f"| {1900 + n} | {n * 117} | {n * 31} |" for n in range(6)),
    ]


def columns(paragraphs):
    import io

    stream = io.BytesIO()
    template = BaseDocTemplate(stream, pagesize=A4, invariant=1)
    frames = [Frame(50, 60, 235, 700), Frame(310, 60, 235, 700)]
    template.addPageTemplates([PageTemplate(frames=frames)])
    template.build([Paragraph(text, BODY) for text in paragraphs])
    return stream.getvalue()


def test_two_columns_are_read_one_after_the_other():
    paragraphs = [f"Number {n}. {words(6, n)}" for n in range(14)]
    text = read(columns(paragraphs)).text
    assert text.split("\n\n")[:-1] == paragraphs


def drawn(lines):
    """A page of lines at places: x, y from the bottom, text."""
    import io

    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1)
    canvas.setFont("Helvetica", 10)
    for x, y, text in lines:
        canvas.drawString(x, y, text)
    canvas.save()
    return stream.getvalue()


def test_lines_drawn_from_the_bottom_up_are_read_from_the_top():
    order = [f"Line {n} of the page ends." for n in range(30)]
    lines = [(72, 800 - 14 * n, text) for n, text in enumerate(order)]
    assert read(drawn(lines[::-1])).text.split() == " ".join(order).split()


def test_columns_drawn_line_by_line_are_read_column_by_column():
    left = [f"left column line {n} with words" for n in range(20)]
    right = [f"right column line {n} and words" for n in range(20)]
    lines = [
        place
        for n in range(20)
        for place in ((60, 800 - 12 * n, left[n]), (320, 800 - 12 * n, right[n]))
    ]
    assert read(drawn(lines)).text.split() == " ".join([*left, *right]).split()


def test_code_keeps_its_lines_and_how_far_they_are_set_in():
    code = "def light(lamp):\n    if lamp:\n        return 1\n    return 2"
    story = [
        Paragraph(words(9), BODY),
        Preformatted(code, STYLES["Code"]),
        Paragraph(words(9), BODY),
    ]
    assert f"\n\n```\n{code}\n```\n\n" in read(pdf(story)).text


def line(text, n, **options):
    return Line(text, 72, 72 + 5 * len(text), 100 + 12 * n, 10, **options)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("the light-", "house burns", "the lighthouse burns"),
        ("the light\x02", "house burns", "the lighthouse burns"),
        ("a well-", "known lamp", "a well-known lamp"),  # it is written so elsewhere
        ("from Berlin-", "Mitte on", "from Berlin-Mitte on"),
        ("in 1914-", "1918 it", "in 1914- 1918 it"),
        ("日本語の", "文章です", "日本語の文章です"),
    ],
)
def test_words_at_the_end_of_a_line_are_joined(first, second, joined):
    page = [line(first, 0), line(second, 1), line("Here is a well-known word.", 5)]
    text = "".join(piece.text for piece in pieces_of([page], setting_of([page])))
    assert text.split("\n\n")[0] == joined


def test_metadata_is_what_the_file_says():
    raw = pdf([Paragraph(words(3), BODY)], title="On Lamps", author="Ada Lovelace")
    assert read(raw).metadata == {
        "type": "pdf",
        "title": "On Lamps",
        "author": "Ada Lovelace",
        "date": "2000-01-01",  # what reportlab writes where nothing may vary
        "year": 2000,
    }


def test_an_encrypted_file_and_one_with_an_empty_password():
    locked = pdfencrypt.StandardEncryption("secret", canPrint=0)
    with pytest.raises(hier.InputError, match=r"r.pdf is encrypted with a password; save a copy"):
        read(pdf([Paragraph(words(3), BODY)], encrypt=locked), "r.pdf")
    open_to_all = pdfencrypt.StandardEncryption("", "owner", canPrint=0)
    assert words(3) in read(pdf([Paragraph(words(3), BODY)], encrypt=open_to_all)).text


def test_a_damaged_file_and_one_of_pictures():
    with pytest.raises(hier.InputError, match=r"r.pdf is damaged .*; save it anew"):
        read(b"%PDF-1.7\nnot much more", "r.pdf")
    with pytest.raises(hier.InputError, match=r"has no text in its 1 pages, only pictures .*OCR"):
        read(pdf([Spacer(10, 10), Table([[""]], style=GRID)]), "scan.pdf")


def test_a_turned_page_is_read_as_it_is_shown():
    def turned(canvas, template):
        canvas.setPageRotation(90)
        canvas.rotate(90)
        canvas.translate(0, -A4[0])
        canvas.setFont("Helvetica", 10)
        for n in range(3):
            canvas.drawString(72, 500 - 12 * n, words(1, n))

    document = read(pdf([Spacer(1, 1)], turned, pagesize=A4))
    assert document.text.split() == words(3).split()
