"""`hier explain` in a terminal, in a pipe and as a page: the same story, and no text is obeyed."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import hier
from hier.commands.picture import picture
from hier.explain import explain
from hier.visible import in_a_line, visible

HIER = Path(sys.executable).with_name("hier")
QUESTION = "How does the with statement call __enter__ and __exit__?"
CODES = "\x1b]0;owned\x07\x1b[2J\x1b[31m \x9b2J \x08\x08 \u202egnp.exe\u2066 \r\x1bc"
HOSTILE = f"# Garden {CODES}\n\nThe garden is watered {CODES} daily.\n\n" + (
    "The lamp is green and the gate is shut at night. " * 60
)


@pytest.fixture
def files(tmp_path, monkeypatch, chapters):
    monkeypatch.chdir(tmp_path)
    Path("hostile.txt").write_text(HOSTILE, encoding="utf-8", newline="")
    Path("fruit.txt").write_text(chapters.source, encoding="utf-8")
    Path("papers").mkdir()
    for name in ("a.txt", "b.txt"):
        Path("papers", name).write_text(chapters.source + name, encoding="utf-8")


def in_terminal(*arguments):
    """What the command writes where its output is a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen([HIER, *arguments], stdout=theirs, stderr=theirs, env=environment) as job:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(ours)
    assert job.returncode == 0, written
    return written.decode()


def drawn(asked, report, width=100):
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        for part in picture(asked, report, width):
            console.print(part)
    return captured.get()


def test_a_terminal_shows_the_map_the_picks_and_the_price(tree):
    report = explain(tree, QUESTION, 300)
    lines = drawn(tree, report).splitlines()
    assert lines[0] == QUESTION
    assert lines[1] == report.context.used()
    bar, marks, numbers = lines[3:6]
    assert len(bar) == 100
    assert set(bar) <= set("·░▒▓█")
    starts = [segment.start for segment in report.context.segments]
    for segment in report.context.segments:
        leaf = int((tree.leaf_start <= segment.start).sum()) - 1
        column = int(100 * tree.leaf_tokens[:leaf].sum() / tree.tokens)
        assert "▀" in marks[max(0, column - 1) : column + 2]
    assert int(re.findall(r"\d+", numbers)[-1]) == len(starts)
    rows = [line for line in lines if re.match(r"\s+\d+\s+[\d.]+%", line)]
    assert len(rows) == min(20, len(report.context.picks))
    for row, pick in zip(rows, report.context.picks, strict=False):
        number, gain, cost = row.split()[:3]
        segment = report.context.segments[int(number) - 1]
        assert segment.start <= pick.span.start < segment.end
        assert (gain, int(cost)) == (f"{pick.gain:.2%}", pick.cost)
    gained = report.larger.coverage - report.context.coverage
    assert f"the next 500 tokens would add {gained:.1%}" in lines


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_picture_keeps_to_its_width(tree, width):
    for query in (QUESTION, None):
        lines = drawn(tree, explain(tree, query, 900), width).splitlines()
        assert all(len(line) <= width for line in lines if "best possible" not in line)


def test_a_terminal_is_drawn_to_and_a_pipe_gets_lines(files, run):
    seen = in_terminal("explain", "fruit.txt", "-q", "Where does the saw hang?", "-b", "60")
    assert "\x1b[" in seen
    assert "▀" in seen
    status, out, _ = run("explain", "fruit.txt", "-q", "Where does the saw hang?", "-b", 60)
    assert status == 0
    tree = hier.build(Path("fruit.txt"))
    assert out == explain(tree, "Where does the saw hang?", 60).text + "\n"


def test_no_text_is_obeyed_by_a_terminal(files, run):
    arguments = ("explain", "hostile.txt", "-q", f"garden watered{CODES}")
    seen = in_terminal(*arguments, "-b", "40")
    assert "owned" in seen
    left = re.sub(r"\x1b\[[0-9;]*m", "", seen)  # of rich: nothing but colours
    assert not set("\x1b\x07\x08\x9b\u202e\u2066") & set(left)
    status, out, _ = run(*arguments, "-b", 40)
    assert status == 0
    assert not set("\x1b\x07\x08\x9b\u202e\u2066\r") & set(out)
    status, out, _ = run(*arguments, "-b", 40, "--json")
    assert json.loads(out)["query"] == f"garden watered{CODES}"


def test_no_outline_list_or_error_is_obeyed_either(files, run):
    run("build", "hostile.txt", "-o", "tree.hier")
    Path("papers", "c.txt").write_text(HOSTILE, encoding="utf-8", newline="")
    run("build", "papers", "-o", "papers.hier")
    for arguments in (
        ("tree", "tree.hier"), ("tree", "papers.hier"), ("query", f"none{CODES}"),
        ("add", "papers.hier", "hostile.txt", "--meta", f"title={CODES}"), ("tree", "papers.hier"),
    ):  # fmt: skip
        _, out, err = run(*arguments)
        assert out + err
        assert not set("\x1b\x07\x08\x9b\u202e\u2066\r") & set(out + err), arguments


def test_a_page_is_written(files, run):
    status, out, err = run("explain", "fruit.txt", "-q", "Which ripens?", "--html", "page.html")
    assert (status, out) == (0, "")
    assert err.endswith(" MB -> page.html\n")
    assert Path("page.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_page_of_a_corpus_is_of_one_document(files, run):
    run("build", "papers", "-o", "papers.hier")
    status, _, err = run("explain", "papers.hier", "--html", "page.html")
    assert status == 1
    assert "add --document NAME, hier tree papers.hier lists them" in err
    status, _, _ = run("explain", "papers.hier", "--document", "b.txt", "--html", "page.html")
    assert status == 0
    assert '"name":"b.txt"' in Path("page.html").read_text("utf-8")
    status, out, _ = run("explain", "papers.hier", "--document", "b.txt", "-q", "saw", "-b", 60)
    assert status == 0
    assert "b.txt" not in out.splitlines()[2]
    seen = in_terminal("explain", "papers.hier", "-q", "Where does the saw hang?", "-b", "60")
    assert "a.txt, line" in seen or "b.txt, line" in seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fruit.txt", "--html", "."), "it is a folder"),
        (("fruit.txt", "--html", "none/page.html"), "there is no folder none"),
        (("fruit.txt", "--html", "papers.hier"), "a saved tree or a corpus is there"),
        (("fruit.txt", "--html", "./fruit.txt"), "is what is to be explained"),
        (("fruit.txt", "--html", "page.html", "--json"), "choose one"),
        (("fruit.txt", "--document", "x"), "this is one text"),
        (
            ("fruit.txt", "--html", "page.html", "--where", "year=2024"),
            "chooses documents of a corpus",
        ),
        (("papers.hier", "--document", "c.txt"), "c.txt"),
        (("papers.hier", "--document", "a.txt", "--where", "year=2024"), "leave one out"),
    ],
)
def test_what_cannot_be_had_is_said(files, run, arguments, said):
    run("build", "papers", "-o", "papers.hier")
    status, _, err = run("explain", *arguments)
    assert status == 1
    assert said in err
    assert not Path("page.html").exists()


def test_what_is_made_visible_keeps_its_length_and_its_words():
    every = "".join(map(chr, [*range(0x2100), *range(0xD7F0, 0xE010), 0x1F331]))
    shown = visible(every)
    assert len(shown) == len(every)
    kept = [one for one, other in zip(every, shown, strict=True) if one == other]
    assert {"\n", "\t", "é", "\u05d0", "🌱"} <= set(kept)
    assert not set("\x1b\x00\x7f\x9b\r\u202e\u2066\u2028\ud800") & set(shown)
    shown.encode()


@pytest.mark.parametrize("text", ["short", "a longer line of words", "宽的字符很多", "e\u0301" * 9])
@pytest.mark.parametrize("most", [4, 10, 12])
def test_a_line_has_at_most_so_many_columns(text, most):
    from rich.cells import cell_len

    line = in_a_line(text, most)
    assert cell_len(line) <= most
    assert line == text or line.endswith("…")
