"""The command line as users meet it: text on stdout, one line of trouble, the right status."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hier
from hier.cli import app

HIER = Path(sys.executable).with_name("hier")
TEXT = (
    "# Lease\n\nThe tenant pays 900 euros a month. The rent is due on the third day.\n\n"
    "# Ending\n\nEither party may terminate with two months of notice.\n\n"
    + "The garden is kept by the landlord and watered in summer. "
    * 60
)
COMMANDS = {
    *("compress", "build", "query", "tree", "explain", "ask", "demo", "doctor"),
    *("add", "remove", "sync", "merge", "split"),
    *("serve", "proxy", "mcp", "key"),
}


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("report.txt").write_text(TEXT, encoding="utf-8")
    return Path("report.txt")


@pytest.fixture
def run(report, run):
    """The command line, in a folder that has a report."""
    return run


def start(*arguments, **options):
    """Run the installed command in a process of its own."""
    return subprocess.run(
        [HIER, *arguments], capture_output=True, timeout=120, check=False, **options
    )


# What works


def test_compress_prints_the_context_and_nothing_else(run):
    status, out, err = run("compress", "report.txt", "-q", "Who may terminate?", "-b", 60)
    context = hier.compress(TEXT, "Who may terminate?", budget=60)
    assert (status, out) == (0, context.text + "\n")
    assert "Either party may terminate" in out
    assert err.startswith(f"{context.tokens} of 60 tokens")


def test_json_holds_everything(run):
    status, out, _ = run("compress", "report.txt", "-q", "rent", "-b", 60, "--json")
    facts = json.loads(out)
    assert status == 0
    assert facts["source"] == "report.txt"
    assert facts["tokens"] <= facts["budget"] == 60
    for segment in facts["segments"]:
        assert TEXT[segment["start"] : segment["end"]] == segment["text"]


def test_plain_shows_no_headings_and_no_gap_marks(run):
    asked = ("compress", "report.txt", "-q", "When is the rent due?", "-b")
    sentence = "The rent is due on the third day."
    tokens = hier.build(TEXT).tokenizer.count(sentence)
    _, plain, _ = run(*asked, tokens + 1, "--plain")
    assert plain == f"{sentence}\n"
    _, rich, _ = run(*asked, tokens + 5)
    assert rich == f"# Lease\n{sentence}\n"
    _, rich, _ = run("compress", "report.txt", "-q", "terminate rent", "-b", 30)
    _, plain, _ = run("compress", "report.txt", "-q", "terminate rent", "-b", 30, "--plain")
    assert "…" in rich
    assert "…" not in plain
    asked = ("compress", "report.txt", "-q", "terminate rent", "-b", 45)
    _, rich, _ = run(*asked)
    _, plain, _ = run(*asked, "--plain")
    assert "# Ending" in rich
    assert "# Ending" not in plain


def test_the_tokenizer_and_the_embedder_can_be_chosen(run):
    options = ("--tokenizer", "cl100k_base", "--embedder", "sentence-transformers/all-MiniLM-L6-v2")
    status, out, _ = run("compress", "report.txt", "-q", "rent", "-b", 40, *options)
    assert status == 0
    assert "900 euros" in out


def test_a_tree_is_built_once_and_asked_often(run):
    status, out, err = run("build", "report.txt", "-o", "report.hier")
    assert (status, out) == (0, "")
    assert err.endswith("-> report.hier\n")
    _, asked, _ = run("query", "report.hier", "-q", "rent", "-b", 60)
    _, compressed, _ = run("compress", "report.txt", "-q", "rent", "-b", 60)
    assert asked == compressed


@pytest.mark.parametrize("source", ["report.txt", "report.hier"])
def test_the_outline_and_the_explanation_take_a_text_or_a_tree(run, source):
    run("build", "report.txt", "-o", "report.hier")
    status, out, _ = run("tree", source, "--depth", 1)
    assert status == 0
    assert "tokens: Lease … Ending" in out
    status, out, _ = run("explain", source, "-q", "rent due", "-b", 60)
    assert status == 0
    assert "terms: rent, due" in out
    assert "the next 500 tokens would add" in out
    status, out, _ = run("explain", source, "-q", "rent due", "-b", 60, "--json")
    assert json.loads(out)["next"]["tokens"] == 500


def test_the_doctor_names_what_is_there(run):
    status, out, _ = run("doctor")
    assert status == 0
    assert f"hier {hier.__version__}" in out
    assert "o200k_base ready" in out
    assert "MISSING" not in out
    assert "pdfplumber" in out
    assert "distributed" in out


def test_the_demo_answers_three_questions_in_a_real_process():
    done = start("demo")
    out = done.stdout.decode()
    assert done.returncode == 0
    assert out.count(" tokens of 300 allowed") == 4
    assert "Called when the instance is about to be destroyed." in out
    assert "enclosing scope" in out
    assert "*hashable*" in out
    assert done.stderr == b""


def test_help_and_version(run):
    assert run("--version") == (0, f"hier {hier.__version__}\n", "")
    assert {command.name or command.callback.__name__ for command in app.registered_commands} == (
        COMMANDS
    )
    for command in COMMANDS:
        status, out, err = run(command, "--help")
        assert (status, err) == (0, "")
        assert "Usage" in out


def test_stdin_to_stdout_through_real_pipes_in_a_plain_locale():
    text = "Füße sind müde. " * 5 + "Ende.\n"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = start("compress", "-", "-q", "Füße", input=text.encode(), env=environment)
    assert (done.returncode, done.stdout.decode()) == (0, text)


# What does not


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["compress", "missing.txt"], 1, "missing.txt does not exist; check the path"),
        (["compress", "."], 1, ". is a folder; pass one text file"),
        (["compress", "empty.txt"], 1, "empty.txt is empty or blank"),
        (["compress", "blank.txt"], 1, "blank.txt is empty or blank"),
        (["compress", "binary.bin"], 1, "binary.bin looks binary (byte 0x00 at position 3)"),
        (["compress", "latin.txt"], 1, "byte 0xe9 at position 3; name its encoding"),
        (["compress", "latin.txt"], 1, "--encoding latin-1"),
        (["compress", "report.txt", "--encoding", "klingon"], 1, "unknown encoding 'klingon'"),
        (["compress", "report.txt", "-b", "0"], 2, "budget 0 is below the least"),
        (["compress", "report.txt", "-b", "-5"], 2, "budget -5 is below the least"),
        (["compress", "report.txt", "-b", "1.5"], 2, "budget '1.5' is not a whole number"),
        (["compress", "report.txt", "-b", "many"], 2, "budget 'many' is not a whole number"),
        (["compress", "report.txt", "--tokenizer", "gpt9"], 1, "known are o200k_base"),
        (["compress", "report.txt", "--embedder", "word9vec"], 1, "static"),
        (["compress", "saved.hier"], 1, "is a saved tree; ask it with: hier query"),
        (["compress"], 2, "Missing argument"),
        (["compress", "report.txt", "--bogus"], 2, "No such option"),
        (["query", "report.txt"], 1, "is not a saved tree; make one: hier build"),
        (["query", "damaged.hier"], 1, "damaged.hier is damaged"),
        (["query", "missing.hier"], 1, "missing.hier cannot be read: No such file"),
        (["build", "report.txt"], 2, "Missing option"),
        (["build", "report.txt", "-o", "nowhere/a.hier"], 1, "nowhere/a.hier cannot be written"),
        (["build", "report.txt", "-o", "."], 1, "cannot be written"),
        (["build", "missing.txt", "-o", "new.hier"], 1, "missing.txt does not exist"),
        (["tree", "missing.hier"], 1, "missing.hier does not exist"),
        (["bogus"], 2, "No such command"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(run, arguments, status, message):
    Path("empty.txt").touch()
    Path("blank.txt").write_text(" \n\t\n")
    Path("binary.bin").write_bytes(b"\x7fEL\x00\x01\x02")
    Path("latin.txt").write_bytes("café au lait".encode("latin-1"))
    hier.build(TEXT).save("saved.hier")
    Path("damaged.hier").write_bytes(Path("saved.hier").read_bytes()[:-9])
    before = {path: path.read_bytes() for path in Path().iterdir()}
    code, out, err = run(*arguments)
    assert (code, out) == (status, "")
    assert err.count("\n") == 1
    assert err.startswith("hier: error: ")
    assert message in err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_another_encoding_can_be_named(run):
    Path("latin.txt").write_bytes("café au lait".encode("latin-1"))
    assert run("compress", "latin.txt", "--encoding", "latin-1")[:2] == (0, "café au lait\n")


def test_no_arguments_is_wrong_usage_and_shows_help(run):
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "compress" in err


def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [HIER, "compress", "-"],
            input=b"Text.",
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith("No space left on device; check the disk")
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error(report):
    command = f"{HIER} compress report.txt -b 2000 | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stdout == b"#"
    assert b"Traceback" not in done.stderr
    assert b"error" not in done.stderr


def test_a_closed_stdin_is_an_error_and_no_traceback():
    done = subprocess.run(
        ["bash", "-c", f"{HIER} compress - <&-"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.decode().startswith("hier: error: ")
    assert done.stderr.count(b"\n") == 1


def test_an_interrupted_build_writes_nothing(tmp_path, long_text):
    source = tmp_path / "long.txt"
    source.write_text(long_text * 30, encoding="utf-8")
    process = subprocess.Popen(
        [HIER, "build", "-", "-o", tmp_path / "long.hier"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(source.read_bytes())
    process.stdin.close()
    process.stdin = None
    time.sleep(0.5)  # it has read all of it, and builds for some seconds
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"hier: error: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


def test_progress_is_shown_on_a_terminal_only(report):
    command = [HIER, "compress", report, "--embedder", "sentence-transformers/all-MiniLM-L6-v2"]
    master, slave = pty.openpty()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=slave, check=True)
    os.close(slave)
    shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "encoding" in shown
    assert "█" in shown
    quiet = subprocess.run(command, capture_output=True, check=True)
    assert b"encoding" not in quiet.stderr
