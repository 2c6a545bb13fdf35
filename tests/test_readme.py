"""What the README says is so: examples run, commands exist, figures are the measured ones."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import readme

from hier.cli import app
from hier.summarizers import providers

HIER = Path(sys.executable).with_name("hier")
REPORT = (
    "# Agreement\n\nThis agreement is made between two parties in the year 2020.\n\n"
    "# Ending\n\nEither party may terminate with two months of notice.\n\n"
    + "The garden is kept by the landlord and watered in summer. "
    * 80
)


PAGES = ("README.md", "docs/models.md", "docs/corpora.md")
DOCS = readme.README.parent / "docs"
SERVER = "http://localhost:8000/v1"  # the pages' name for a server of one's own


@pytest.fixture(scope="module")
def text(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("report.txt").write_text(REPORT, encoding="utf-8")
    Path("papers/2024").mkdir(parents=True)
    Path("papers/lease.txt").write_text(REPORT.replace("Agreement", "Lease"), encoding="utf-8")
    Path("papers/2024/prices.csv").write_text("month,rent\nMay,900\nJune,950\n", encoding="utf-8")


@pytest.fixture
def served(model_server, tmp_path, monkeypatch):
    """The models that the pages name, served on loopback."""
    model_server.configure(models=["test-model", "llama3.2"])
    config = tmp_path / "config.toml"
    config.write_text(f'[models."ollama/llama3.2"]\nbase_url = "{model_server.base}"\n')
    monkeypatch.setenv("HIER_CONFIG", str(config))
    monkeypatch.setenv("HIER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "of nobody")
    monkeypatch.setattr(providers, "_OLLAMA_URL", model_server.base)
    return model_server


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, repository, report, served, capsys):
    examples = blocks((repository / page).read_text(encoding="utf-8"), "python")
    assert examples
    for example in examples:
        exec(compile(example.replace(SERVER, served.url), page, "exec"), {})
    assert "terminate" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_run(page, repository, report, served):
    text = (repository / page).read_text(encoding="utf-8").replace(SERVER, served.url)
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    commands = [line.split("#")[0].strip() for line in lines if line.startswith("hier ")]
    assert commands
    for command in commands:
        typed = shlex.split(command)[1:]
        if typed[0] in ("serve", "proxy"):
            starts_and_stops([HIER, *typed, "--port", "0"])
            continue
        done = subprocess.run([HIER, *typed], input="", capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


def starts_and_stops(command):
    """A server says where it listens, and ends in order when it is told to."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert "http://127.0.0.1:" in server.stderr.readline()
        server.terminate()
        assert server.wait(60) == 0, server.stderr.read()


def test_every_command_stands_in_the_readme(text):
    shown = re.findall(r"^hier (\w+)", "\n".join(blocks(text, "sh")), re.MULTILINE)
    assert set(shown) == {
        command.name or command.callback.__name__ for command in app.registered_commands
    }


def test_the_targets_are_in_the_makefile(text, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)", text, re.MULTILINE)
    assert {"demo", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.name)
def test_the_figures_are_those_of_the_stored_results(page):
    text, sections = page.read_text(encoding="utf-8"), readme.PAGES[page]
    assert readme.filled(text, sections=sections) == text
    assert set(re.findall(r"<!-- (\w+) -->", text)) == set(sections)


@pytest.mark.parametrize(
    "page", [readme.README, *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name
)
def test_every_file_that_is_linked_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def system(embedder, low, high):
    sets = {"cuad": {"EvidenceRecall@256": low}, "squad": {"EvidenceRecall@256": high}}
    macro = {"EvidenceRecall@256": [(low + high) / 2, 0.0, 1.0]}
    return {"embedder": embedder, "sets": sets, "macro": macro}


def test_learned_stands_beside_the_plain_sum_where_both_were_measured():
    systems = {
        "hier": system("static", 0.5, 0.9),
        "hier, plain sum": system("static", 0.6, 0.7),
        "hier, MiniLM": system("all-MiniLM-L6-v2", 0.5, 0.9),
    }
    section = readme.learned({"budgets": [256], "systems": systems})
    assert section.count("Vectors: ") == 1
    assert section.endswith(
        "| cuad | **0.500 / 0.600** |\n| squad | 0.900 / 0.700 |\n"
        "| *mean of sets* | 0.700 / 0.650 |\n"
    )
    assert readme.learned({"budgets": [256], "systems": {"hier": systems["hier"]}}) == ""


def test_the_ablation_shows_first_what_is_missed_most():
    def row(name, low, high, without=None):
        macro = [(low + high) / 2] * 2
        sets = {"cuad": [low] * 2, "squad": [high] * 2}
        return {"name": name, "without": without, "features": 9, "macro": macro, "sets": sets}

    rows = [
        row("everything", 0.6, 0.8),
        row("everything, again", 0.59, 0.8),
        row("without names", 0.61, 0.78, "names"),
        row("without place", 0.5, 0.7, "place"),
        row("plain sum", 0.4, 0.6) | {"features": 0},
    ]
    settings = {"questions": 1200, "embedder": "static", "networks": 1, "folds": [[], []]}
    section = readme.ablation({"rows": rows, "settings": settings, "budgets": [256, 2048]})
    assert "1,200 questions" in section
    assert "moved cells by up to 0.5 points and the mean by 0.5:" in section
    assert section.endswith(
        "| everything | 9 | 70.0% | 70.0% |  |  |\n"
        "| everything, again | 9 | 69.5% | 69.5% | -0.5 | 1 of 2 |\n"
        "| without place | 9 | 60.0% | 60.0% | -10.0 | 2 of 2 |\n"
        "| without names | 9 | 69.5% | 69.5% | -0.5 | 1 of 2 |\n"
        "| plain sum | – | 50.0% | 50.0% | -20.0 | 2 of 2 |\n"
    )
