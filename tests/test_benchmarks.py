"""The benchmark scripts run end to end on tiny inputs, and what judges the engine is judged too."""

import gzip
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import charts  # noqa: E402
import data  # noqa: E402
import environment  # noqa: E402
import hostile  # noqa: E402
import soak  # noqa: E402
import speed  # noqa: E402
import stdlib_text  # noqa: E402

CIRCUMSTANCES = {
    "commit", "dirty", "date", "python", "system", "processor", "cores", "packages", "seed",
}  # fmt: skip
RESULTS = sorted(environment.RESULTS.glob("*.json"))
MEASURING = {p.name for p in BENCHMARKS.glob("*.py") if "--out" in p.read_text(encoding="utf-8")}
TEXT = "# Leave\n\nThe notice period is three months. Holidays are agreed in March.\n" + (
    "Nobody may take leave during the audit. The canteen closes at two.\n\n" * 40
)


def row(**changes: object) -> dict[str, object]:
    """A line of a data file, in the documented form but for the changes."""
    question = {"id": "q1", "question": "How long is the notice?", "evidence": [[9, 44]]}
    about = {"id": "q2", "question": "What is it about?", "references": ["Notice and holidays."]}
    return {
        "dataset": "tiny",
        "doc_id": "d",
        "text": TEXT,
        "questions": [question, about],
    } | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with one set of two documents."""
    lines = json.dumps(row()) + "\n\n" + json.dumps(row(doc_id="e")) + "\n"
    (tmp_path / "tiny.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script of the benchmarks folder as a user does."""
    command = [sys.executable, str(BENCHMARKS / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class TestData:
    def test_reads_plain_and_gzip_alike(self, folder):
        plain = list(data.read(data.find(folder, "tiny")))
        packed = folder / "packed.jsonl.gz"
        packed.write_bytes(gzip.compress((folder / "tiny.jsonl").read_bytes()))
        assert list(data.read(packed)) == plain
        assert [d.doc_id for d in plain] == ["d", "e"]
        assert plain[0].questions[0].evidence == ((9, 44),)
        assert TEXT[9:44] == "The notice period is three months. "

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{not json}", "Expecting property name"),
            (b"[]", "expected an object"),
            (b'{"doc_id": "d", "questions": []}', "missing field 'text'"),
            (b'{"doc_id": "d", "text": 3, "questions": []}', "'text' must be a string"),
            (b'{"doc_id": "d", "text": "x", "questions": {}}', "'questions' must be a list"),
            (b'{"doc_id": "d", "text": "caf\xe9", "questions": []}', "can't decode byte 0xe9"),
            (json.dumps(row(text="short")).encode(), r"\[9, 44\] is not \[start, end\]"),
            (json.dumps(row(questions=[{"id": 1, "question": "?"}] * 2)).encode(), "share an id"),
            (
                json.dumps(row(questions=[{"id": 1, "question": "?", "answers": "x"}])).encode(),
                "'answers' must be a list of strings",
            ),
        ],
    )
    def test_names_the_file_and_the_line(self, folder, line, reason):
        path = folder / "bad.jsonl"
        path.write_bytes((folder / "tiny.jsonl").read_bytes() + line + b"\n")
        with pytest.raises(data.DataError, match=rf"bad\.jsonl, line 4: .*{reason}"):
            list(data.read(path))

    def test_says_where_a_cut_off_file_ends(self, folder):
        path = folder / "cut.jsonl.gz"
        path.write_bytes(gzip.compress((folder / "tiny.jsonl").read_bytes())[:-12])
        with pytest.raises(data.DataError, match=r"cut\.jsonl\.gz, after line \d+: "):
            list(data.read(path))

    def test_names_the_sets_there_are(self, folder):
        with pytest.raises(data.DataError, match=r"no huge\.jsonl\.gz .*sets there: tiny"):
            data.find(folder, "huge")

    def test_answers_are_kept_where_they_are_quoted(self, tmp_path):
        question = {"id": "q", "question": "?", "evidence": [[9, 44]], "answers": ["three months"]}
        for name in ("squad", "cuad", "mine"):
            line = json.dumps(row(dataset=name, questions=[question]))
            (tmp_path / f"{name}.jsonl").write_text(line, encoding="utf-8")
        suite = data.evidence_suite(tmp_path, ["squad", "cuad", "mine"])
        assert [len(d.questions[0].answers) for d in suite] == [1, 0, 1]
        assert set(data.ANSWER_SETS) < set(data.EVIDENCE_SETS)

    def test_the_suites_take_the_questions_that_are_theirs(self, folder):
        with_evidence = data.evidence_suite(folder, ["tiny"])
        with_references = data.overview_suite(folder, ["tiny"])
        assert [[q.id for q in d.questions] for d in with_evidence] == [["q1"], ["q1"]]
        assert [[q.id for q in d.questions] for d in with_references] == [["q2"], ["q2"]]
        assert data.evidence_suite(folder, ["tiny"], documents=1, questions=0)[0].questions == ()


@dataclass(frozen=True)
class FakeSegment:
    start: int
    end: int
    text: str
    kind: str = "verbatim"


@dataclass(frozen=True)
class FakeContext:
    text: str
    tokens: int
    budget: int
    segments: tuple[FakeSegment, ...]

    def __str__(self) -> str:
        return self.text


class TestSoak:
    source = "alpha beta gamma"
    good = FakeContext(
        "alpha ... gamma", 15, 15, (FakeSegment(0, 5, "alpha"), FakeSegment(11, 16, "gamma"))
    )

    def test_a_right_context_has_no_faults(self):
        assert soak.faults(self.source, self.good, 15, len) == []

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"tokens": 14}, "says 14 tokens, has 15"),
            ({"text": "alpha .... gamma", "tokens": 16}, "16 tokens for a budget of 15"),
            ({"budget": 16}, "context.budget is wrong"),
            ({"segments": (FakeSegment(1, 6, "alpha"),)}, "not that span"),
            ({"segments": good.segments[::-1]}, "out of order"),
            ({"segments": (FakeSegment(0, 5, "alpha"), FakeSegment(4, 5, "a"))}, "overlaps"),
            ({"segments": (FakeSegment(6, 10, "beta"),)}, "does not stand in the context"),
            ({"segments": (FakeSegment(11, 99, "gamma"),)}, "outside the source"),
            ({"segments": (FakeSegment(0, 5, "alpha", "quote"),)}, "of kind 'quote'"),
        ],
    )
    def test_every_fault_is_seen(self, changes, fault):
        found = soak.faults(self.source, replace(self.good, **changes), 15, len)
        assert any(fault in line for line in found), found

    def test_cases_are_the_same_for_the_same_seed(self):
        assert soak.group(7, seed=1) == soak.group(7, seed=1) != soak.group(7, seed=2)

    def test_three_hundred_cases_without_a_fault(self):
        report = soak.run(300, seed=environment.SEED, workers=1)
        assert report.failures == []
        assert sum(report.counts["outcome"].values()) == 300
        assert set(report.counts["text"]) == set(hostile.TEXTS)
        assert report.counts["outcome"]["part"] > 100


class TestSpeed:
    def test_growth_is_the_exponent(self):
        rows = [
            {"tokens": n, "seconds": 3 * n**0.5} for n in (1_000, 200_000, 1_000_000, 5_000_000)
        ]
        rows[0]["seconds"] = 99.0  # below the range of the fit
        assert speed.growth(rows, "seconds") == pytest.approx(0.5)

    def test_a_shorter_text_is_a_prefix_of_a_longer_one(self):
        long = stdlib_text.text(300_000)
        assert len(long) == 300_000
        assert long.startswith(stdlib_text.text(50_000))

    def test_charts_are_the_same_for_the_same_result(self, tmp_path):
        result = {
            "environment": {"processor": "Some & processor"},
            "lengths": [
                {"tokens": n, "build_seconds": n / 1e6, "encode_seconds": n / 5e6}
                | {"compress_ms_median": 3.0, "compress_ms_p95": 4.0}
                for n in (10_000, 1_000_000)
            ],
        }
        first = [path.read_bytes() for path in charts.draw_speed(result, tmp_path)]
        again = [path.read_bytes() for path in charts.draw_speed(result, tmp_path)]
        assert first == again
        assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in first)


class TestScripts:
    def test_soak(self, tmp_path):
        out = tmp_path / "out.json"
        done = script("soak.py", "--cases", 40, "--seed", 5, "--out", out)
        assert done.returncode == 0, done.stdout + done.stderr
        result = json.loads(out.read_text())
        assert (result["cases"], result["failed"]) == (40, 0)
        assert result["environment"]["seed"] == 5
        alone = soak.run(40, seed=5, workers=1)
        assert soak.digest(alone) == result["digest"]  # the number of workers changes nothing

    def test_speed(self, tmp_path):
        out = tmp_path / "out.json"
        done = script("speed.py", "--lengths", 10_000, "--out", out)
        assert done.returncode in (0, 1), done.stderr  # 1: a target missed on a busy machine
        result = json.loads(out.read_text())
        assert set(result["environment"]) == CIRCUMSTANCES
        assert 9_000 < result["lengths"][0]["tokens"] < 11_000
        assert result["lengths"][0]["build_seconds"] > 0
        assert (tmp_path / "build.svg").exists()
        assert "hier compress, 106k tokens, cold" in done.stdout
        stored = json.loads((environment.RESULTS / "speed.json").read_text(encoding="utf-8"))
        assert {tuple(row) for row in result["targets"]} == {tuple(stored["targets"][0])}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_a_stored_result_says_where_it_was_measured(path):
    found = json.loads(path.read_text(encoding="utf-8"))["environment"]
    assert set(found) == CIRCUMSTANCES
    assert len(found["commit"]) == 40
    assert not found["dirty"], "measured on a working tree that no commit has"
    assert {"hier-context", "numpy", "tiktoken"} <= set(found["packages"])


def test_the_readme_names_every_script_and_set():
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert len(MEASURING) >= 3
    for name in [*data.EVIDENCE_SETS, *data.OVERVIEW_SETS, *MEASURING]:
        assert name in readme
    assert f"{len(hostile.TEXTS)} kinds" in readme
    assert f"{len(hostile.COUNTERS)} token counters" in readme


def test_a_full_run_measures_all_but_the_ablation_and_then_tells_it():
    makefile = (BENCHMARKS.parent / "Makefile").read_text(encoding="utf-8")
    full = re.findall(r"(\w+\.py)", re.search(r"^FULL := .*$", makefile, re.MULTILINE)[0])
    assert set(full[:-1]) == MEASURING - {"ablation.py"}
    assert full[-1] == "readme.py"
