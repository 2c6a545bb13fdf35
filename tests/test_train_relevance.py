"""The training script as it is run: documents in, weights out that read a tree and have learned."""

import json
import subprocess
import sys
from pathlib import Path

import data
import numpy as np
import planted
import pytest

import hier
from hier.relevance import look, read
from hier.retrieval.features import describe
from hier.retrieval.ranker import built_in, load_ranker

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "train_relevance.py"
CHARACTERS = 8_000
SETS = ("squad", "squadshifts_wiki", "cuad", "own")  # two of one family; one of a user's own


def short(document: data.Document) -> data.Document:
    """The beginning of a document, and the questions that are answered there."""
    kept = [q for q in document.questions if q.evidence[-1][1] <= CHARACTERS]
    text = document.text[:CHARACTERS]
    return data.Document(document.dataset, document.doc_id, text, tuple(kept[:6]))


@pytest.fixture(scope="module")
def documents() -> list[data.Document]:
    """Two to train on and one to judge by."""
    made = [d for d in planted.suite(documents=3, questions=50) if d.dataset == "planted_fact"]
    return [short(document) for document in made]


@pytest.fixture(scope="module")
def folder(documents, tmp_path_factory) -> Path:
    """Four sets of the same documents."""
    folder = tmp_path_factory.mktemp("data")
    for name in SETS:
        rows = []
        for document in documents[:2]:
            questions = [
                {"id": q.id, "question": q.question, "evidence": [list(s) for s in q.evidence]}
                for q in document.questions
            ]
            row = {"doc_id": document.doc_id, "text": document.text, "questions": questions}
            rows.append(json.dumps(row))
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


def train(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory) -> tuple[Path, str]:
    """The folder of weights that were trained, and what was said."""
    out = tmp_path_factory.mktemp("weights")
    done = train("--data", folder, "--sets", ",".join(SETS), "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_there_are_weights_of_everything_and_without_each_family(trained):
    out, _ = trained
    families = {data.family(name) for name in SETS}
    assert {path.name for path in out.iterdir()} == {
        built_in(neural=False).name,
        *(f"without_{family}.npz" for family in families),
    }
    names = load_ranker(built_in(neural=False)).names
    assert all(load_ranker(path).names == names for path in out.iterdir())


def test_a_family_left_out_is_left_out(trained, documents):
    _, said = trained
    each = sum(len(document.questions) for document in documents[:2])
    counts = dict(line.split(": ") for line in said.splitlines()[1:])
    sets = len(SETS)
    assert each > 4
    assert counts[built_in(neural=False).name] == f"{sets * each} questions"
    assert counts["without_cuad.npz"] == f"{(sets - 1) * each} questions"
    assert counts["without_squad.npz"] == f"{(sets - 2) * each} questions"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sets", "squad,cuad"), "--sets needs --out"),
        (("--sets", "squad,none", "--out", "unused"), "no none.jsonl.gz or none.jsonl"),
        (("--sets", "squad,squadshifts_wiki", "--out", "unused"), "found in 1 family of sets"),
        (("--sets", "without,cuad", "--out", "unused"), "found in 1 family of sets"),
    ],
)
def test_what_cannot_be_learned_from_is_said(folder, arguments, message):
    row = {"doc_id": "0", "text": "A lamp. A door.", "questions": []}
    (folder / "without.jsonl").write_text(json.dumps(row), encoding="utf-8")
    done = train("--data", folder, *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1], done.stderr
    assert not Path("unused").exists()


def surprise(density: np.ndarray, tokens: np.ndarray, shares: np.ndarray) -> float:
    """Cross-entropy of density times tokens, as shares, against the true shares."""
    logits = density + np.log(tokens + 2)
    return float(-(shares * (logits - np.logaddexp.reduce(logits))).sum())


@pytest.mark.parametrize("name", [built_in(neural=False).name, "without_cuad.npz"])
def test_what_was_trained_knows_where_the_evidence_of_another_document_is(trained, documents, name):
    ranker, document = load_ranker(trained[0] / name), documents[2]
    tree = hier.build(document.text, relevance=trained[0] / name)
    ends = np.append(tree.leaf_start[1:], len(document.text))
    learned, even = [], []
    for question in document.questions:
        scene, _ = look(tree, read(tree, question.question))
        held = sum(
            np.clip(np.minimum(ends, end) - np.maximum(tree.leaf_start, start), 0, None)
            for start, end in question.evidence
        )[scene.pool]
        tokens, shares = tree.leaf_tokens[scene.pool], held / held.sum()
        learned.append(surprise(ranker.density(*describe(scene)), tokens, shares))
        even.append(surprise(np.zeros(len(tokens)), tokens, shares))
    assert len(learned) > 2
    assert np.mean(learned) < np.mean(even) / 2
