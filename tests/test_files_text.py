"""Tables, code, JSON and mail keep their text, and know their rows, classes and parts."""

import csv
import io
from email.message import EmailMessage
from itertools import pairwise

import pytest
from file_writers import CODE, mail, table
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.blocks import BlockKind
from hier.files.reading import read_bytes


def place_of(document, phrase):
    at = document.text.index(phrase)
    return document.place(at, at + len(phrase))


# Tables

CELL = st.text(st.sampled_from('ab,;\t" \n\r.é'), max_size=6)
ROWS = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12)
)


@given(ROWS, st.sampled_from(["\n", "\r\n"]))
def test_rows_are_counted_as_a_spreadsheet_does(rows, end):
    rows = [["id", *row] for row in rows]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    document = read_bytes(stream.getvalue().encode(), "a.csv")
    starts = [*document.places.start.tolist(), len(document.text)]
    found = [
        next(csv.reader(io.StringIO(document.text[a:b], newline=""))) for a, b in pairwise(starts)
    ]
    assert found == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_one_block_whatever_separates_its_values(delimiter):
    rows = [["lamp", "said", "height"]]
    rows += [[f"lamp {n}", f"one\ntwo, {n}" if n % 3 else "no", n / 2] for n in range(50)]
    document = read_bytes(table(rows, delimiter), "a.tsv" if delimiter == "\t" else "a.csv")
    assert document.blocks.kind.tolist() == [BlockKind.TABLE]
    assert document.text.startswith(delimiter.join(rows[0]))
    assert place_of(document, "lamp 40") == "row 42"
    assert len(document.places.start) == 51


def test_a_quote_that_nothing_closes_swallows_no_rows():
    raw = b'name,size\npipe,5"\n"lamp,7\noil,3\nwick,1\n'
    document = read_bytes(raw, "a.csv")
    assert place_of(document, "wick") == "row 5"
    assert place_of(document, "pipe") == "row 2"


def test_a_very_long_field_is_read():
    raw = table([["id", "text"], [1, '"' + "word " * 60_000], [2, "short"]])
    limit = csv.field_size_limit()
    assert place_of(read_bytes(raw, "a.csv"), "short") == "row 3"
    assert csv.field_size_limit() == limit


# JSON


def test_json_of_one_line_and_of_many_is_its_own_text(tmp_path):
    line = b"[" + b",".join(b'{"lamp":%d,"lit":true}' % n for n in range(3000)) + b"]"
    path = tmp_path / "lamps.json"
    path.write_bytes(line)
    tree = hier.build(path)
    assert tree.document.text == line.decode()
    assert '"lamp":1234,' in tree.compress('"lamp":1234', budget=400).text
    lines = b"".join(b'{"lamp": %d}\n' % n for n in range(30))
    document = read_bytes(lines, "lamps.jsonl")
    assert place_of(document, '{"lamp": 20}') == "line 21"
    assert document.blocks.kind.tolist() == [BlockKind.CODE]


def test_a_comment_of_a_settings_file_is_no_heading():
    document = read_bytes(b"# a comment\nlamp: 1\n\n# another\nb: 2\n", "a.yaml")
    assert document.blocks.kind.tolist() == [BlockKind.CODE]


# Code


def outline(text, name):
    """Each line of code under the headings that it stands under."""
    document = read_bytes(text.encode(), name)
    blocks, above, found = document.blocks, [], {}
    for start, end, kind, depth in zip(
        *(blocks.start, blocks.end, blocks.kind, blocks.depth), strict=True
    ):
        block = document.text[start:end]
        del above[depth - 1 :]
        if kind == BlockKind.HEADING:
            above.append(block.strip().split("\n")[-1].strip())
        else:
            for line in filter(str.strip, block.split("\n")):
                found[line.strip()] = " > ".join(above)
    return found


def test_python_is_cut_at_its_classes_and_functions():
    found = outline(CODE, "lamp.py")
    assert found["LIMIT = 3"] == ""
    assert found['"""A lamp."""'] == "class Lamp(object):"
    assert found["# in litres"] == "class Lamp(object): > def level(self):"
    assert found["return self.tank * LIMIT"] == "class Lamp(object): > def level(self):"
    assert found["return lamp.level"] == "def light(lamp):"
    assert found["print(light(Lamp()))"] == ""
    document = read_bytes(CODE.encode(), "lamp.py")
    assert "    @property\n    def level(self):\n" in [
        document.text[start:end]
        for start, end in zip(document.blocks.start, document.blocks.end, strict=True)
    ]


def test_python_that_does_not_parse_is_cut_all_the_same():
    found = outline(CODE + "\nprint 'old'\n", "lamp.py")
    assert found["return self.tank * LIMIT"] == "class Lamp(object): > def level(self):"
    assert found["print 'old'"] == ""


SOURCES = {
    "a.ts": (
        "// x\nexport class Lamp {\n  level = 1;\n  private async light(\n    oil: string,\n  ) {\n"
        "    if (oil) {\n      burn(oil);\n    }\n  }\n}\nconst dim = async (x) => {\n"
        "  return x;\n};\nrun();\n",
        {"level = 1;": "export class Lamp {", "return x;": "const dim = async (x) => {"},
        ("burn(oil);", "export class Lamp { > ) {", "run();"),
    ),
    "A.java": (
        "package a;\n\npublic class Lamp {\n    @Override\n    public String toString() {\n"
        "        return name(oil);\n    }\n    int height;\n}\n",
        {"int height;": "public class Lamp {", "@Override": "public class Lamp {"},
        ("return name(oil);", "public class Lamp { > public String toString() {", "package a;"),
    ),
    "a.c": (
        "#include <a.h>\nint far(int);\n\nstatic int\nlight(int oil)\n{\n#ifdef BIG\n"
        "    burn(oil);\nout:\n    return 0;\n}\nint level;\n",
        {"return 0;": "{", "int far(int);": ""},
        ("burn(oil);", "{", "int level;"),
    ),
    "a.go": (
        "package a\n\ntype Lamp struct {\n\toil int\n}\n\nfunc (l *Lamp) Light() error {\n"
        "\tif l.oil {\n\t\treturn nil\n\t}\n}\n\nvar level = 3\n",
        {"oil int": "type Lamp struct {"},
        ("return nil", "func (l *Lamp) Light() error {", "var level = 3"),
    ),
    "a.rs": (
        "use oil;\nimpl<T> Light for Lamp<T> {\n    pub fn light(&self) -> u32 {\n"
        "        self.oil\n    }\n}\nconst LEVEL: u32 = 3;\n",
        {"use oil;": ""},
        (
            "self.oil",
            "impl<T> Light for Lamp<T> { > pub fn light(&self) -> u32 {",
            "const LEVEL: u32 = 3;",
        ),
    ),
    "a.rb": (
        "class Lamp < Thing\n  def light(oil)\n    burn oil\n  end\nend\nputs 1\n",
        {},
        ("burn oil", "class Lamp < Thing > def light(oil)", "puts 1"),
    ),
    "a.sql": (
        "SELECT 1;\nCREATE TABLE lamps (\n  height INT\n);\nINSERT INTO lamps VALUES (3);\n",
        {},
        ("height INT", "CREATE TABLE lamps (", "INSERT INTO lamps VALUES (3);"),
    ),
    "a.sh": (
        "set -e\nlight() {\n  burn oil\n}\nlight\n",
        {"set -e": ""},
        ("burn oil", "light() {", "light"),
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_code_of_other_languages_is_cut_by_how_it_is_set_in(name):
    text, others, (inner, under, behind) = SOURCES[name]
    found = outline(text, name)
    assert found[inner] == under
    assert found[behind] == ""
    assert {line: found[line] for line in others} == others


# Mail


def test_mail_says_who_wrote_what_and_what_came_with_it():
    document = read_bytes(mail(), "letter.eml")
    assert document.text == (
        "From: Ada Lovelace <ada@example.org>\nTo: Bob <bob@example.org>\n"
        "Date: Mon, 05 Feb 2024 10:00:00 +0100\nSubject: Die Größe der Lampe\n\n"
        "Dear Bob,\n\nthe lamp is 3 m high.\n\n"
        "Attachment: heights.csv\n\nlamp,height\nnorth,3\n\nAttachment: lamp.png (not read)\n\n"
    )
    assert place_of(document, "3 m high") == "paragraph 3"
    assert place_of(document, "north,3") == "attachment heights.csv, paragraph 2"
    assert document.metadata == {
        "type": "email",
        "from": "Ada Lovelace <ada@example.org>",
        "author": "Ada Lovelace <ada@example.org>",
        "to": "Bob <bob@example.org>",
        "subject": "Die Größe der Lampe",
        "title": "Die Größe der Lampe",
        "date": "2024-02-05",
        "year": 2024,
    }


def test_mail_in_html_and_mail_in_mail():
    inner = EmailMessage()
    inner["Subject"] = "The first"
    inner.set_content("<h1>Oil</h1><p>It burns.</p><script>x</script>", subtype="html")
    outer = EmailMessage()
    outer["Subject"] = "Fwd: The first"
    outer.set_content("See below.\n")
    outer.add_attachment(inner)
    text = read_bytes(outer.as_bytes(), "a.eml").text
    assert text.startswith(
        "Subject: Fwd: The first\n\nSee below.\n\nSubject: The first\n\n# Oil\n\nIt"
    )
    assert "script" not in text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"just a text", "is no e-mail: it has no From, To, Date or Subject"),
        (
            b"Subject: a\nContent-Type: text/plain; charset=klingon\n\nb",
            "unknown encoding 'klingon'",
        ),
        (b"Subject: a\nContent-Type: text/plain; charset=utf-8\n\n\xff", "byte 0xff at position 0"),
    ],
)
def test_what_is_no_mail_is_named(raw, said):
    with pytest.raises(hier.InputError, match=said):
        read_bytes(raw, "a.eml")
