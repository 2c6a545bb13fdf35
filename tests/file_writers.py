"""Files by real writers, for the tests of what reads them."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from email.message import EmailMessage

SENTENCES = [
    "The lamp in the north hall burns green oil.",
    "Its keeper writes the level of the tank into a ledger every evening.",
    "A second lamp was bought when the harbour was widened.",
    "Nobody remembers who painted the stairs, but the bill was paid twice.",
    "Ships that pass at night answer with two short blasts.",
]


def words(n: int, first: int = 0) -> str:
    """Return n sentences."""
    return " ".join(SENTENCES[(first + i) % len(SENTENCES)] for i in range(n))


def pdf(
    story: Sequence[object], on_page: Callable[..., None] | None = None, **options: object
) -> bytes:
    """Return a PDF of flowables of reportlab."""
    from reportlab.platypus import SimpleDocTemplate

    stream = io.BytesIO()
    options.setdefault("invariant", 1)
    template = SimpleDocTemplate(stream, **options)
    if on_page is None:
        template.build(list(story))
    else:
        template.build(list(story), onFirstPage=on_page, onLaterPages=on_page)
    return stream.getvalue()


def pdf_of(*texts: str, **options: object) -> bytes:
    """Return a PDF of paragraphs, each page one of the texts; "# " begins a heading."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph

    styles = getSampleStyleSheet()
    story: list[object] = []
    for text in texts:
        for paragraph in text.split("\n\n"):
            heading = paragraph.startswith("# ")
            style = styles["Heading1" if heading else "BodyText"]
            story.append(Paragraph(paragraph.removeprefix("# "), style))
        story.append(PageBreak())
    return pdf(story, **options)


def docx() -> bytes:
    """Return a Word document with a title, headings, a list, a table, a header and a footer."""
    import docx as word

    document = word.Document()
    document.core_properties.title = "Plan of the works"
    document.core_properties.author = "Ada Lovelace"
    document.sections[0].header.paragraphs[0].text = "RUNNING HEAD"
    document.add_heading("Plan of the works", 0)
    document.add_heading("Costs", 1)
    paragraph = document.add_paragraph("The lamp costs ")
    paragraph.add_run("3,000 EUR").bold = True
    paragraph.add_run(" a year. " + words(2))
    for item in ("oil", "wick"):
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(rows=0, cols=3)
    for row in (("Item", "Number", "Price"), ("Oil", "12", "3.50"), ("Wick|s", "", "0.10")):
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = value
    document.add_heading("Staff", 2)
    document.add_paragraph(words(3))
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def pptx() -> bytes:
    """Return a presentation of three slides: bullets and notes, a table, a chart."""
    import pptx as slides
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = slides.Presentation()
    deck.core_properties.title = "Lamps"
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Why lamps"
    first.placeholders[1].text = "They burn\nThey shine"
    first.notes_slide.notes_text_frame.text = "Smile here."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Prices"
    box = (Inches(1), Inches(2), Inches(6), Inches(2))
    table = second.shapes.add_table(3, 2, *box).table
    for y, row in enumerate((("Lamp", "Price"), ("North", "3.50"), ("South", "4.75"))):
        for x, value in enumerate(row):
            table.cell(y, x).text = value
    third = deck.slides.add_slide(deck.slide_layouts[5])
    third.shapes.title.text = "Growth"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Sold", (12, 17.5))
    third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *box, data)
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def xlsx(**sheets: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook of sheets, by name."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def epub() -> bytes:
    """Return a book of two chapters."""
    from ebooklib import epub as books

    book = books.EpubBook()
    book.set_identifier("lamps")
    book.set_title("The Book of Lamps")
    book.add_author("Ada Lovelace")
    book.add_metadata("DC", "date", "1843-09-05")
    chapters = []
    for number in (1, 2):
        chapter = books.EpubHtml(title=f"Chapter {number}", file_name=f"c{number}.xhtml")
        chapter.content = f"<h1>Chapter {number}</h1><p>{words(2, number)}</p>"
        book.add_item(chapter)
        chapters.append(chapter)
    book.toc = chapters
    book.add_item(books.EpubNav())
    book.add_item(books.EpubNcx())
    book.spine = ["nav", *chapters]
    stream = io.BytesIO()
    books.write_epub(stream, book)
    return stream.getvalue()


def mail() -> bytes:
    """Return a message with a body in two forms, a table and a picture."""
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "Bob <bob@example.org>"
    message["Subject"] = "Die Größe der Lampe"
    message["Date"] = "Mon, 05 Feb 2024 10:00:00 +0100"
    message.set_content("Dear Bob,\n\nthe lamp is 3 m high.\n")
    message.add_alternative("<p>Dear Bob, in colours</p>", subtype="html")
    message.add_attachment("lamp,height\nnorth,3\n", subtype="csv", filename="heights.csv")
    message.add_attachment(b"\0\1", maintype="image", subtype="png", filename="lamp.png")
    return message.as_bytes()


def table(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    """Return a table of separated values."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue().encode()


PAGE = f"""<!doctype html><html><head><meta charset="utf-8"><title>Lamps</title>
<meta name="author" content="Ada Lovelace"><style>p {{ color: red }}</style>
<script>alert("x")</script></head><body><nav><a href="/">Menu</a></nav>
<main><h1>Lamps</h1><p>{words(4)} See <a href="http://example.org/far">the others</a>.</p>
<table><tr><th>Lamp</th><th>Price</th></tr><tr><td>North</td><td>3.50</td></tr></table>
<pre><code>def light():
    return "green"
</code></pre></main><footer>Imprint</footer></body></html>"""

CODE = '''"""Lamps."""

LIMIT = 3


class Lamp(object):
    """A lamp."""

    @property
    def level(self):
        # in litres
        return self.tank * LIMIT


def light(lamp):
    return lamp.level


print(light(Lamp()))
'''


def samples() -> dict[str, bytes]:
    """Return a file of every kind, by its name."""
    sheet = [["Lamp", "Price"], ["North", 3.5], ["South", None], ["East", 1234.5]]
    records = [{"lamp": name, "price": price} for name, price in sheet[1:]]
    return {
        "report.pdf": pdf_of(f"# Lamps\n\n{words(9)}", f"# Keepers\n\n{words(7, 2)}"),
        "plan.docx": docx(),
        "deck.pptx": pptx(),
        "prices.xlsx": xlsx(Prices=sheet, Notes=[["Only a note"]]),
        "page.html": PAGE.encode(),
        "book.epub": epub(),
        "letter.eml": mail(),
        "notes.md": f"# Notes\n\n{words(3)}\n\n- one\n- two\n".encode(),
        "notes.rst": f"Notes\n=====\n\n{words(3)}\n".encode(),
        "notes.txt": f"{words(3)}\n\n{words(2)}\n".encode(),
        "LICENSE": b"Do what you like.\n",
        "prices.csv": table(sheet),
        "prices.tsv": table(sheet, "\t"),
        "prices.json": json.dumps(records, indent=1).encode(),
        "prices.jsonl": "".join(json.dumps(record) + "\n" for record in records).encode(),
        "lamp.py": CODE.encode(),
        "lamp.js": b"export class Lamp {\n  light() {\n    return 1;\n  }\n}\n",
        "lamp.yaml": b"# a comment\nlamp:\n  price: 3\n",
    }
