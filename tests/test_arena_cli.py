"""The arena on the command line: a whole run, a quick look, no data, and every kind of bad data."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import arena
import costs
import pytest
import results
from systems import Missing
from systems.ours import Ours

BENCHMARKS = Path(arena.__file__).parent
TEXT = "The lamp is green. Nobody may leave during the audit. The canteen closes at two. " * 60
FACT = "The notice period of Varnholm is 3 months."
LINE = {
    "dataset": "tiny",
    "doc_id": "d",
    "text": f"{TEXT}{FACT} {TEXT}",
    "questions": [
        {
            "id": "q1",
            "question": "How long is the notice in Varnholm?",
            "answers": ["3 months"],
            "evidence": [[len(TEXT), len(TEXT) + len(FACT)]],
        },
        {"id": "q2", "question": "What is it about?", "references": ["Lamps and an audit."]},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """A data folder with one set of two documents."""
    made = tmp_path / "data"
    made.mkdir()
    lines = [json.dumps(LINE), json.dumps(LINE | {"doc_id": "e", "text": f"{LINE['text']} End."})]
    (made / "tiny.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return made


def run(*arguments, cache, **environment):
    """Run the arena as a user does."""
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / "arena.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HIER_BENCH_CACHE": str(cache)} | environment,
    )


def test_a_run_from_data_to_page(folder, tmp_path):
    out, asked = tmp_path / "out", ("--data", folder, "--sets", "tiny", "--embedder", "static")
    done = run(*asked, "--systems", "hier", "--costs", "--out", out, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "evidence recall" in done.stdout
    result = json.loads((out / "arena.json").read_text(encoding="utf-8"))
    assert set(result["systems"]) == {"hier"}
    macro = result["systems"]["hier"]["macro"]
    assert macro["EvidenceRecall@256"] == [1, 1, 1]
    assert macro["AnswerRecall@256"][0] == macro["LiteralRecall@256"][0] == 1
    assert len(result["environment"]["commit"]) == 40
    assert result["costs"]["hier"]["build_tokens_per_second"] > 1000
    assert result["costs"]["hier"]["peak_megabytes"] > 1
    lines = gzip.decompress((out / "arena-records.jsonl.gz").read_bytes()).splitlines()
    assert len(lines) == 1 + 4
    page = (out / "benchmarks.md").read_text(encoding="utf-8")
    assert "| **hier** | 1.000 (1.000 to 1.000) |" in page
    assert "(recall-static.svg)" in page
    svg = (out / "recall-static.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_quick_look_writes_nothing(folder, tmp_path):
    before = sorted(BENCHMARKS.glob("results/*"))
    asked = ("--data", folder, "--sets", "tiny", "--systems", "hier", "--embedder", "static")
    done = run(*asked, "--suite", "evidence", "--compress", "headings=false", cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "written" not in done.stdout
    assert sorted(BENCHMARKS.glob("results/*")) == before


def test_without_data_facts_are_planted(tmp_path):
    asked = ("--systems", "hier", "--embedder", "static", "--documents", 1, "--questions", 2)
    done = run(*asked, cache=tmp_path, HIER_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 0, done.stderr
    assert f"no data in {tmp_path / 'nowhere'}: measured on planted facts instead" in done.stderr
    assert "literal recall" in done.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"doc_id": "d", "text": "x", "questions": [', "bad.jsonl, line 1: "),
        (b'{"doc_id": "d"}', "bad.jsonl, line 1: missing field 'text'"),
        (
            b'{"doc_id": "d", "text": "x", "questions": [{"id": "q", "question": "?", '
            b'"evidence": [[0, 9]]}]}',
            "bad.jsonl, line 1: question q: evidence [0, 9] is not [start, end]",
        ),
        (b'{"doc_id": "d", "text": "x", "questions": []}', "no question of the all suite"),
        (None, "no bad.jsonl.gz or bad.jsonl in"),
    ],
)
def test_bad_data_is_one_line_and_exit_2(folder, tmp_path, content, reason):
    if content is not None:
        (folder / "bad.jsonl").write_bytes(content)
    done = run("--data", folder, "--sets", "bad", "--systems", "hier", cache=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cut_file_says_after_which_line(folder, tmp_path):
    packed = gzip.compress((folder / "tiny.jsonl").read_bytes())
    (folder / "cut.jsonl.gz").write_bytes(packed[:-12])
    done = run("--data", folder, "--sets", "cut", cache=tmp_path)
    assert done.returncode == 2
    assert "cut.jsonl.gz, after line" in done.stderr


def test_a_folder_that_was_named_must_be_there(tmp_path):
    done = run("--data", tmp_path / "nowhere", cache=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_an_unknown_system_is_an_error_that_names_those_there_are(folder, tmp_path):
    done = run("--data", folder, "--sets", "tiny", "--systems", "nobody", cache=tmp_path)
    assert done.returncode == 2
    assert "no system is named 'nobody'; there are:" in done.stderr
    assert "hier" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--embedder", "nothing", "no system takes embedder 'nothing'; there are: all-MiniLM"),
        ("--budgets", "256,many", "expected whole tokens such as 256,512, found '256,many'"),
        ("--budgets", "0", "expected whole tokens"),
        ("--build", "leaf", "expected KEY=JSON, found 'leaf'"),
    ],
)
def test_an_option_that_makes_no_sense_says_what_would(folder, tmp_path, option, value, reason):
    done = run("--data", folder, "--sets", "tiny", option, value, cache=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr


def test_no_room_to_write_is_one_line_and_exit_2(folder, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "runs").write_text("a file where the folder should be")
    done = run("--data", folder, "--sets", "tiny", "--systems", "hier", cache=cache)
    assert done.returncode == 2
    assert "what was run is kept" in done.stderr
    assert "HIER_BENCH_CACHE" in done.stderr


def test_a_cost_that_cannot_be_measured_says_why(tmp_path):
    found = costs.of(Missing("nobody", "is absent"), tmp_path)
    assert found == {"failure": "error: 'nobody'"}
    assert not list(tmp_path.rglob("*.json"))


class TestSelect:
    systems = (
        Ours("hier"),
        Ours("hier, MiniLM", embedder="sentence-transformers/all-MiniLM-L6-v2"),
        Missing("head", "takes no embedder"),
    )

    @pytest.mark.parametrize(
        ("names", "embedder", "chosen"),
        [
            (None, "all", ["hier", "hier, MiniLM", "head"]),
            (None, "static", ["hier", "head"]),
            (None, "sentence-transformers/all-MiniLM-L6-v2", ["hier, MiniLM", "head"]),
            (["hier"], "all", ["hier"]),
            (["HI"], "all", ["hier", "hier, MiniLM"]),
            (["head", "hier"], "static", ["head", "hier"]),
        ],
    )
    def test_by_name_or_beginning_and_by_embedder(self, names, embedder, chosen):
        assert [s.name for s in arena.select(self.systems, names, embedder)] == chosen


def test_the_stored_result_is_what_its_page_and_charts_say(repository, tmp_path):
    stored = repository / "benchmarks" / "results" / results.FIGURES
    drawn = results.publish(
        json.loads(stored.read_text(encoding="utf-8")), tmp_path, tmp_path / "page.md"
    )
    for path in drawn[:-1]:
        assert path.read_bytes() == (stored.parent / path.name).read_bytes()
