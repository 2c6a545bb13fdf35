"""HTML and EPUB: what a page says, without what only a browser needs; chapters of a book."""

import io
import zipfile

import pytest
from file_writers import PAGE, epub, words

import hier
from hier.files.reading import read_bytes


def text_of(body):
    return read_bytes(body.encode(), "a.html").text


def test_a_page_says_what_it_says_and_no_more():
    document = read_bytes(PAGE.encode(), "page.html")
    assert document.text == (
        f"# Lamps\n\n{words(4)} See the others.\n\n"
        "| Lamp | Price |\n| --- | --- |\n| North | 3.50 |\n\n"
        '```\ndef light():\n    return "green"\n```\n'
    )
    assert document.metadata == {"type": "html", "title": "Lamps", "author": "Ada Lovelace"}
    at = document.text.index("| North")
    assert document.place(at, at + 3) == "paragraph 3"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>one<p>two", "one\n\ntwo\n"),
        ("<h2>A</h2><h3>B</h3>c", "## A\n\n### B\n\nc\n"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"),
        ("<p>H<sub>2</sub>O is <b>wa</b>ter*_</p>", "H2O is water*_\n"),
        ("<p>a</p><img src='x.png' alt='lamp'><p>b</p>", "a\n\nb\n"),
        ("<div hidden>a</div><div style='display: none'>b</div><div role=menu>c</div>d", "d\n"),
        (
            "<table><tr><td>A</td><td>B</td></tr><tr><td>1|2</td><td></td></tr></table>",
            "| A | B |\n| --- | --- |\n| 1\\|2 |  |\n",
        ),
        ("<!-- gone --><p>5 &lt; 6 &amp; &eacute;&nbsp;x</p>", "5 < 6 & é x\n"),
    ],
)
def test_marks_become_markdown(body, text):
    assert text_of(f"<html><body>{body}</body></html>") == text


def test_a_short_main_does_not_hide_the_page():
    body = f"<main>Search</main><p>{words(5)}</p>"
    assert words(5) in text_of(f"<html><body>{body}</body></html>")


@pytest.mark.parametrize("named", ["iso-8859-1", "windows-1252", "utf-8", "utf-16"])
def test_the_encoding_that_a_page_names_is_obeyed(named):
    html = (
        f'<html><head><meta charset="{named}"><title>é</title></head><body>Größe “x”</body></html>'
    )
    codec = "cp1252" if named == "iso-8859-1" else named
    document = read_bytes(html.encode(codec), "a.html")
    assert document.text == "Größe “x”\n"
    assert document.metadata["title"] == "é"


def test_the_encoding_that_is_asked_for_is_obeyed_before():
    html = '<html><head><meta charset="utf-8"></head><body>Größe</body></html>'
    assert read_bytes(html.encode("cp1252"), "a.html", "cp1252").text == "Größe\n"
    with pytest.raises(hier.InputError, match=r"a.html is not valid utf-8: byte 0xf6"):
        read_bytes(html.encode("cp1252"), "a.html")


def test_a_page_that_is_nested_too_deeply_is_refused():
    with pytest.raises(hier.InputError, match=r"a.html is nested too deeply; make it plainer"):
        text_of("<div>" * 20_000 + "x")
    assert text_of("<div>" * 100 + "x") == "x\n"


def test_the_date_of_a_page_is_what_it_says():
    html = '<meta property="article:published_time" content="2024-02-05T10:00:00Z"><p>x</p>'
    facts = read_bytes(html.encode(), "a.html").metadata
    assert (facts["date"], facts["year"]) == ("2024-02-05", 2024)


# Books


def test_a_book_knows_its_chapters():
    document = read_bytes(epub(), "book.epub")
    assert document.text == f"# Chapter 1\n\n{words(2, 1)}\n\n# Chapter 2\n\n{words(2, 2)}\n\n"
    at = document.text.index(words(2, 2))
    assert document.place(at, at + 9) == "chapter 2"
    assert document.metadata == {
        "type": "epub",
        "title": "The Book of Lamps",
        "author": "Ada Lovelace",
        "date": "1843-09-05",
        "year": 1843,
    }


def changed(**parts):
    """The book with parts put in or, where None, taken out: names end with these."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(epub())) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            key = name.rpartition("/")[2].partition(".")[0]
            if key not in parts:
                target.writestr(name, source.read(name))
        for key, text in parts.items():
            if text is not None:
                target.writestr(f"META-INF/{key}.xml", text)
    return stream.getvalue()


def test_a_locked_book_and_a_book_with_a_chapter_missing():
    lock = '<e xmlns="x"><CipherData><CipherReference URI="{}"/></CipherData></e>'
    with pytest.raises(hier.InputError, match=r"book.epub is encrypted \(DRM\)"):
        read_bytes(changed(encryption=lock.format("EPUB/c1.xhtml")), "book.epub")
    fonts = changed(encryption=lock.format("EPUB/font.otf"))
    assert read_bytes(fonts, "book.epub").text == read_bytes(epub(), "book.epub").text
    with pytest.raises(
        hier.InputError, match=r"book.epub is damaged \(.*c2.xhtml.*\); save it anew"
    ):
        read_bytes(changed(c2=None), "book.epub")
