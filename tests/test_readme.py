"""What the README says is so: examples run, commands exist, figures are the measured ones."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import readme

from hier.cli import app

HIER = Path(sys.executable).with_name("hier")
REPORT = (
    "# Agreement\n\nThis agreement is made between two parties in the year 2020.\n\n"
    "# Ending\n\nEither party may terminate with two months of notice.\n\n"
    + "The garden is kept by the landlord and watered in summer. "
    * 80
)


@pytest.fixture(scope="module")
def text(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("report.txt").write_text(REPORT, encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_run(text, report, capsys):
    examples = blocks(text, "python")
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    assert "Either party may terminate" in capsys.readouterr().out


def test_the_commands_run(text, report):
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    commands = [line.split("#")[0].strip() for line in lines if line.startswith("hier ")]
    assert {shlex.split(command)[1] for command in commands} == {
        command.name or command.callback.__name__ for command in app.registered_commands
    }
    for command in commands:
        done = subprocess.run(
            [HIER, *shlex.split(command)[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)


def test_the_targets_are_in_the_makefile(text, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)", text, re.MULTILINE)
    assert {"demo", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)


def test_the_figures_are_those_of_the_stored_results(text):
    assert readme.filled(text) == text
    assert all(f"<!-- {name} -->" in text for name in readme.SECTIONS)


def test_every_file_that_is_linked_is_there(text, repository):
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (repository / target).exists(), target
