"""A folder of real files, built and asked by the real command: answers cite the right place."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from file_writers import docx, mail, pdf, table, words, xlsx

import hier

HIER = Path(sys.executable).with_name("hier")
MONTHS = "January February March April May June July August September October".split()
CODE = '''"""Dues of ships."""


def berth_fee(metres):
    """Return the fee of a berth."""
    return 12 * metres


class Ledger:
    """What ships owe."""

    def overdue_penalty(self, days):
        """A penalty is owed for each day after the grace period of nine days."""
        grace = 9
        return 7 * max(0, days - grace)
'''
PAGE = """<!doctype html><html><head><title>Pilots</title></head><body><nav>Menu</nav>
<h1>Pilots</h1><p>Pilots come aboard at the red buoy.</p>
<p>A pilot must rest eleven hours between two ships.</p></body></html>"""


def report():
    """A PDF of four pages under a running header, with a ruled table on the third."""
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, Table, TableStyle

    styles = getSampleStyleSheet()

    def paragraph(text, style="BodyText"):
        return Paragraph(text, styles[style])

    def on_page(canvas, document):
        canvas.drawString(72, 800, "HARBOUR BOARD CONFIDENTIAL")
        canvas.drawString(280, 30, f"Page {document.page} of 4")

    rows = [
        ["Quay", "Depth", "Crane"],
        ["Mole", "7.5 m", "none"],
        ["Bollard Quay", "11.2 m", "two"],
    ]
    story = [
        paragraph("The harbour", "Heading1"),
        paragraph(words(8)),
        PageBreak(),
        paragraph("Rules", "Heading1"),
        paragraph(f"{words(4)} The speed limit in the inner basin is four knots. {words(3)}"),
        PageBreak(),
        paragraph("Quays", "Heading1"),
        paragraph(words(3)),
        Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 1, colors.black)])),
        PageBreak(),
        paragraph("History", "Heading1"),
        paragraph(f"The lighthouse was moved in 1897. {words(6)}"),
    ]
    return pdf(story, on_page)


def ships():
    rows = [["Ship", "Flag", "Tonnage"]]
    rows += [[f"Vessel {n}", "Malta" if n % 2 else "Panama", 1000 + 7 * n] for n in range(1, 200)]
    rows[120] = ["Zephyrine", "Iceland", 4321]
    return table(rows)


def accounts():
    costs = [["Month", "Oil", "Wages"], *([month, 100 + n, 900] for n, month in enumerate(MONTHS))]
    staff = [["Name", "Post"], ["Ada Kerjean", "dredging master"], ["Odd Nilsen", "night pilot"]]
    return xlsx(Costs=costs, Staff=staff)


def make(folder):
    """Write the folder: what is read, what cannot be, and what is passed over."""
    files = {
        "reports/harbour.pdf": report(),
        "reports/plan.docx": docx(),
        "pilots.html": PAGE.encode(),
        "ships.csv": ships(),
        "accounts.xlsx": accounts(),
        "notes.md": b"# Notes\n\nNothing new.\n\n## Keys\n\nThe key hangs in the boathouse.\n",
        "dues.py": CODE.encode(),
        "log.jsonl": "".join(
            json.dumps({"day": day, "event": "fog" if day == 17 else "calm"}) + "\n"
            for day in range(1, 31)
        ).encode(),
        "letter.eml": mail(),
        "damaged.pdf": report()[:900],
        "core": bytes(range(256)) * 8,
        "photo.jpg": b"\xff\xd8\xff\xe0",
        ".secret": b"The password is swordfish.",
        ".gitignore": b"build/\n*.tmp\n",
        "scratch.tmp": b"ignored",
        "build/out.txt": b"ignored as well",
    }
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    (folder / "reports" / "again").symlink_to(folder)


READ = {
    *("accounts.xlsx", "dues.py", "letter.eml", "log.jsonl", "notes.md", "pilots.html"),
    *("reports/harbour.pdf", "reports/plan.docx", "ships.csv"),
}


def start(*arguments, status=0):
    """Run the installed command in a process of its own; what it wrote to stdout and stderr."""
    done = subprocess.run(
        [HIER, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harbour") / "documents"
    folder.mkdir()
    make(folder)
    return folder


@pytest.fixture(scope="module")
def built(folder):
    """The corpus, and what the command said when it made it."""
    path = folder.parent / "harbour.hier"
    return path, start("build", folder, "-o", path, "--json")


@pytest.fixture
def asked(run):
    """Ask a corpus: the segments of the answer, and all of it."""

    def asked(path, question, *more, budget=100):
        status, out, err = run("query", path, "-q", question, "-b", budget, "--json", *more)
        assert status == 0, err
        told = json.loads(out)
        assert told["tokens"] <= told["budget"] == budget
        return told["segments"], told

    return asked


def cited(answer, path, said):
    """Document and place of the segment that says something, and the text of all."""
    segments, told = answer
    found = [segment for segment in segments if said in segment["text"]]
    assert found, told["text"]
    with hier.Corpus.open(path) as corpus:
        for segment in segments:
            text = corpus.document(segment["document_id"]).text
            assert text[segment["start"] : segment["end"]] == segment["text"]
    return found[0]["document_id"], found[0]["place"], told["text"]


def test_what_could_be_read_is_there_and_the_rest_is_said(built):
    _, (out, err) = built
    told = json.loads(out)
    assert set(told["added"]) == READ
    assert set(told["failed"]) == {"core", "damaged.pdf"}
    assert "damaged.pdf is damaged" in told["failed"]["damaged.pdf"]
    assert told["skipped"] == {
        ".gitignore": "hidden",
        ".secret": "hidden",
        "build": "ignored by .gitignore",
        "photo.jpg": "binary (.jpg)",
        "reports/again": "symlink loop",
        "scratch.tmp": "ignored by .gitignore",
    }
    lines = err.splitlines()
    assert lines[0].startswith("9 added; ")
    assert lines[1] == (
        "passed over 6: 2 hidden, 2 ignored by .gitignore, 1 binary (.jpg), 1 symlink loop"
    )
    assert lines[2] == "could not read 2:"
    assert [line.split()[0] for line in lines[3:]] == ["core", "damaged.pdf"]


@pytest.mark.parametrize(
    ("question", "said", "document", "place"),
    [
        (
            "What is the speed limit in the inner basin?",
            "four knots",
            "reports/harbour.pdf",
            "page 2",
        ),
        ("When was the lighthouse moved?", "1897", "reports/harbour.pdf", "page 4"),
        ("How deep is the water at Bollard Quay?", "11.2 m", "reports/harbour.pdf", "page 3"),
        ("What is the tonnage of the Zephyrine?", "4321", "ships.csv", "row 121"),
        ("What is the post of Odd Nilsen?", "Odd Nilsen", "accounts.xlsx", "sheet Staff, row 3"),
        ("How long must a pilot rest?", "eleven hours", "pilots.html", "paragraph 3"),
        ("Where does the key hang?", "boathouse", "notes.md", "line 7"),
        ("How high is the lamp?", "3 m high", "letter.eml", "paragraph 3"),
    ],
)
def test_an_answer_cites_document_and_place(built, asked, question, said, document, place):
    name, where, _ = cited(asked(built[0], question, budget=60), built[0], said)
    assert name == document
    assert covers(where, place), where


def covers(where, place):
    """Say whether a place is within another: ``rows 3-5`` covers ``row 4``."""
    (part, _, number), (outer, _, numbers) = place.rpartition(" "), where.rpartition(" ")
    low, _, high = numbers.partition("-")
    return outer.removesuffix("s") == part and int(low) <= int(number) <= int(high or low)


def test_a_function_is_found_by_its_lines(built, asked):
    question = "What penalty is owed when a ship is overdue?"
    name, where, text = cited(asked(built[0], question), built[0], "grace = 9")
    assert name == "dues.py"
    low, _, high = where.rpartition(" ")[2].partition("-")
    lines = CODE.splitlines()[int(low) - 1 : int(high or low)]
    assert any("grace = 9" in line for line in lines)
    assert "def overdue_penalty" in text
    assert "berth_fee" not in "\n".join(lines)


def test_a_line_of_json_is_found(built, asked):
    answer = asked(built[0], "On which day was there fog?")
    name, where, _ = cited(answer, built[0], '"event": "fog"')
    assert name == "log.jsonl"
    assert covers(where, "line 17")


@pytest.mark.parametrize(
    ("question", "row", "header"),
    [
        ("What is the tonnage of the Zephyrine?", "Zephyrine,Iceland,4321", "Ship,Flag,Tonnage"),
        ("What is the post of Odd Nilsen?", "| Odd Nilsen | night pilot |", "| Name | Post |"),
        (
            "How deep is Bollard Quay?",
            "| Bollard Quay | 11.2 m | two |",
            "| Quay | Depth | Crane |",
        ),
    ],
)
def test_a_row_comes_with_its_header_row(built, run, question, row, header):
    status, out, err = run("query", built[0], "-q", question, "-b", 60)
    assert status == 0
    assert row in out
    lines = out.splitlines()
    assert lines.index(header) < lines.index(row)
    assert int(err.split()[0]) <= 60


def test_what_stands_on_every_page_and_what_is_hidden_is_never_shown(built, asked):
    segments, told = asked(built[0], "harbour confidential password swordfish", budget=9000)
    shown = " ".join(segment["text"] for segment in segments)
    assert told["documents"] == 9
    for words_of in ("CONFIDENTIAL", "Page 2 of 4", "swordfish", "ignored"):
        assert words_of not in shown


def test_filters_choose_documents(built, asked):
    question = "What is the speed limit in the inner basin?"
    for where, names in [
        (["--where", "type=python"], {"dues.py"}),
        (["--where", "path=reports/*"], {"reports/harbour.pdf", "reports/plan.docx"}),
        (["--where", "type=pdf", "--where", "type=csv"], {"reports/harbour.pdf", "ships.csv"}),
        (["--where", "year=2024"], {"letter.eml"}),
    ]:
        segments, _ = asked(built[0], question, *where)
        assert {segment["document_id"] for segment in segments} <= names
        assert segments
    _, err = start("query", built[0], "-q", question, "--where", "year=1066", status=1)
    assert "no document has year=1066" in err


def test_sources_are_a_line_a_document_below_the_text(built):
    out, err = start("query", built[0], "-q", "When was the lighthouse moved?", "-b", 60)
    assert "moved in 1897" in out
    first, *sources = err.splitlines()
    assert "in 9 documents; " in first
    (source,) = (line for line in sources if line.startswith("  reports/harbour.pdf: "))
    assert "page 4" in source


def test_a_single_file_says_its_pages_too(folder, run):
    path = folder / "reports" / "harbour.pdf"
    status, out, err = run("compress", path, "-q", "When was the lighthouse moved?", "-b", 40)
    assert status == 0
    assert "moved in 1897" in out
    source = err.splitlines()[1]
    assert source.startswith(f"  {path}: page ")
    assert "page 4" in source
    notes = run("compress", folder / "notes.md", "-q", "key", "-b", 40)
    assert notes[2].count("\n") == 1


def test_documents_are_listed_and_one_is_shown(built):
    out, err = start("tree", built[0])
    assert [line.split("  ")[1 + line.startswith(" ")] for line in out.splitlines()]
    assert {name for name in READ if name in out} == READ
    assert '(docx, "Plan of the works")' in out
    assert err.startswith("9 documents, ")
    assert len(start("tree", built[0], "--limit", 2)[0].splitlines()) == 2
    out, _ = start("tree", built[0], "--document", "reports/harbour.pdf", "--depth", 1)
    assert "History" in out.splitlines()[0]


def test_an_explanation_names_documents(built):
    out, _ = start("explain", built[0], "-q", "When was the lighthouse moved?", "-b", 60)
    assert "1. reports/harbour.pdf, characters " in out
    assert "page 4" in out


def test_a_folder_is_followed_as_it_changes(folder, built, asked, run, tmp_path):
    path = tmp_path / "follow.hier"
    start("build", folder, "-o", path)
    out, err = start("build", folder, "-o", path, "--json")
    told = json.loads(out)
    assert (told["added"], told["updated"], told["removed"], told["unchanged"]) == ([], [], [], 9)
    assert err.startswith("9 unchanged; 0 tokens read")
    notes, pilots = folder / "notes.md", folder / "pilots.html"
    kept = {each: each.read_bytes() for each in (notes, pilots)}
    try:
        notes.write_text("# Notes\n\nThe spare key is under the blue barrel.\n")
        pilots.unlink()
        told = json.loads(start("sync", path, folder, "--json")[0])
        assert told["updated"] == ["notes.md"]
        assert told["removed"] == ["pilots.html"]
        assert told["unchanged"] == 7
        name, where, text = cited(asked(path, "Where is the spare key?"), path, "barrel")
        assert (name, where) == ("notes.md", "line 3")
        assert "boathouse" not in text
        segments, _ = asked(path, "How long must a pilot rest?")
        assert "pilots.html" not in {segment["document_id"] for segment in segments}
        fresh = tmp_path / "fresh.hier"
        assert run("build", folder, "-o", fresh)[0] == 0
        question = ("-q", "Where is the spare key?", "-b", 300)
        assert run("query", fresh, *question)[1] == run("query", path, *question)[1]
    finally:
        for each, raw in kept.items():
            each.write_bytes(raw)


def test_parts_and_shards_answer_as_the_whole_does(folder, built, run, tmp_path):
    """Split and merged again, or built as shards by two processes: the same answers."""
    whole, made, other, again = built[0], *(tmp_path / f"{name}.hier" for name in "abc")
    assert run("split", whole, "-o", made, "--where", "path=reports/*")[0] == 0
    assert (
        run("split", whole, "-o", other, "--where", "path=*", "--where", "path=!reports/*")[0] == 0
    )
    status, _, err = run("merge", again, made, other)
    assert (status, err.split(",")[0]) == (0, "9 documents")
    listed, shards = tmp_path / "listed.hier", tmp_path / "shards"
    start("build", folder, "-o", listed, "--shards", shards, "--workers", 2)
    assert list(shards.iterdir())
    question = ("-q", "What is the speed limit in the inner basin?", "-b", 200)
    said = run("query", whole, *question)
    assert said[0] == 0
    for sources in ([again], [made, other], [other, made], [listed]):
        assert run("query", *sources, *question)[1] == said[1]
    assert run("tree", listed)[1] == run("tree", whole)[1]
    status, _, err = run("split", whole, "-o", tmp_path / "d.hier")
    assert (status, "Missing option '--where'" in err) == (2, True)


def test_documents_are_added_and_removed(built, asked, tmp_path):
    path = tmp_path / "changed.hier"
    path.write_bytes(built[0].read_bytes())
    extra = tmp_path / "extra.txt"
    extra.write_text("The foghorn is tested on Thursdays.\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    _, err = start(
        "add", path, extra, tmp_path / "broken.pdf", tmp_path / "none.txt", "--meta", "year=2031"
    )
    assert err.startswith("1 added -> ")
    assert "could not read 2:" in err
    assert "none.txt does not exist" in err
    answer = asked(path, "When is the foghorn tested?", "--where", "year=2031")
    name, where, _ = cited(answer, path, "Thursdays")
    assert (name, where) == (str(extra), "line 1")
    _, err = start("remove", path, "--where", "year=2031")
    assert err.startswith("1 removed, 9 left -> ")
    _, err = start("remove", path, "no-such-name", status=1)
    assert "there is no document 'no-such-name'" in err


def test_a_model_answers_with_document_and_place(built, run, model_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "of nobody")
    said = "It was moved in 1897 [1-9]."
    model_server.configure(window=100_000, replies=[said])
    question = ("-q", "When was the lighthouse moved?", "-b", 2000, "--where", "path=reports/*")
    named = ("--model", "openai/test-model", "--base-url", model_server.url)
    out, err = start("ask", built[0], *question, *named)
    assert out == f"{said}\n"
    (request,) = model_server.requests()
    shown = request["messages"][-1]["content"]
    (source,) = (line for line in err.splitlines() if "1897" in line)
    label = source.split()[0]
    assert source.startswith(f"{label} reports/harbour.pdf:")
    assert ", page 4: " in source
    assert label in shown
    assert "ships.csv" not in shown
    told = json.loads(run("ask", built[0], *question, *named, "--json")[1])
    (citation,) = (each for each in told["citations"] if "1897" in each["text"])
    assert (citation["document"], citation["place"]) == ("reports/harbour.pdf", "page 4")
    assert told["tokens"] <= told["budget"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["build", "FOLDER", "-o", "FOLDER/notes.md"], 1, "is there already, and no corpus"),
        (["build", "FOLDER/notes.md", "-o", "CORPUS"], 1, "is a corpus; add the file to it"),
        (["build", "FOLDER/notes.md", "-o", "x", "--workers", "2"], 1, "are for folders"),
        (["build", "FOLDER", "-o", "CORPUS", "--tokenizer", "cl100k_base"], 1, "another tokenizer"),
        (["build", "FOLDER", "-o", "CORPUS", "--cache", "x"], 1, "leave --cache out"),
        (["build", "FOLDER"], 2, "Missing option"),
        (["build", "EMPTY", "-o", "new.hier"], 1, "nothing in"),
        (["compress", "FOLDER"], 1, "hier build"),
        (["compress", "CORPUS"], 1, "is a corpus; ask it with: hier query"),
        (["query", "FOLDER"], 1, "is a folder; make a corpus of it"),
        (["query", "CORPUS", "CORPUS"], 1, "is in"),
        (["query", "CORPUS", "--where", "year"], 1, "where 'year' is not NAME=VALUE"),
        (["add", "CORPUS", "FOLDER"], 1, "nothing could be added"),
        (["add", "missing.hier", "FOLDER/notes.md"], 1, "missing.hier does not exist"),
        (["remove", "CORPUS"], 2, "Missing argument"),
        (["sync", "CORPUS", "nowhere"], 1, "nowhere does not exist"),
        (["tree", "CORPUS", "--document", "nobody"], 1, "there is no document 'nobody'"),
        (["tree", "FOLDER/notes.md", "--document", "nobody"], 1, "are for a corpus"),
        (["query", "CORPUS", "--include", "5:9"], 1, "no selector of a corpus"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line_with_the_remedy(
    folder, built, run, tmp_path, monkeypatch, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").mkdir()
    before = built[0].read_bytes()
    names = {"FOLDER": str(folder), "CORPUS": str(built[0])}
    typed = [
        next((each.replace(name, path) for name, path in names.items() if name in each), each)
        for each in arguments
    ]
    code, out, err = run(*typed)
    assert (code, out) == (status, "")
    assert err.splitlines()[-1].startswith("hier: error: ")
    assert message in err.splitlines()[-1]
    assert built[0].read_bytes() == before
