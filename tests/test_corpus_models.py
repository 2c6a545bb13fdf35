"""Corpora whose summaries a model writes: what is asked, what is kept, what it costs beforehand."""

import json
from pathlib import Path

import pytest

import hier

PARAGRAPH = "The harbour of quay {n} was dredged in {n}. Its mole is {n} metres long. "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "of nobody")
    folder = Path("quays")
    folder.mkdir()
    for n in (3, 4, 5):
        text = "\n\n".join(PARAGRAPH.format(n=100 * n + i) * 6 for i in range(20))
        (folder / f"{n}.txt").write_text(f"# Quay {n}\n\n{text}\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    return folder


@pytest.fixture
def model(model_server):
    model_server.configure(window=100_000, sentences=1)
    return "--summarizer", "openai/test-model", "--base-url", model_server.url


def estimated(run, *arguments):
    status, out, err = run("build", *arguments, "--dry-run", "--json")
    assert status == 0, err
    return json.loads(out), err


def test_a_folder_is_estimated_as_the_sum_of_its_files(run, folder, model, model_server):
    every, err = estimated(run, folder, *model, "--prices", "1,4")
    assert "could not read 1:\n  broken.pdf is damaged" in err
    one_by_one = [
        estimated(run, file, *model, "--prices", "1,4")[0] for file in folder.glob("*.txt")
    ]
    for name, value in every.items():
        assert value == pytest.approx(sum(each[name] for each in one_by_one))
    assert every["calls"] > 3
    assert every["money"] > 0
    assert model_server.stats()["calls"] == 0


def test_what_a_model_wrote_is_kept_and_only_what_changed_is_asked_for(
    run, folder, model, model_server
):
    calls = estimated(run, folder, *model)[0]["calls"]
    status, _, err = run("build", folder, "-o", "quays.hier", *model)
    assert status == 0, err
    assert model_server.stats()["calls"] == calls
    assert "indexing" in err
    with hier.Corpus.open("quays.hier") as corpus:
        assert corpus.settings.summarizer == "2+: test-model"
        assert all(corpus.tree(f"{n}.txt").summary_texts for n in (3, 4, 5))
    assert estimated(run, folder, "-o", "quays.hier", *model)[0]["calls"] == 0
    (folder / "6.txt").write_text((folder / "5.txt").read_text().replace("Quay 5", "Quay 6"))
    run("sync", "quays.hier", folder, *model)
    asked = model_server.stats()["calls"] - calls
    assert 1 <= asked < calls / 3
    (folder / "copy.txt").write_text((folder / "3.txt").read_text())
    run("add", "quays.hier", folder / "copy.txt", *model)
    assert model_server.stats()["calls"] == calls + asked
    assert "copy.txt" in run("tree", "quays.hier")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sync", "quays.hier", "quays"], "are by 2+: test-model; pass it again: --summarizer"),
        (["add", "quays.hier", "quays/3.txt"], "are by 2+: test-model; pass it again"),
        (["build", "quays", "-o", "quays.hier"], "with another summarizer"),
        (["build", "quays", "-o", "x.hier", "--workers", "2", "MODEL"], "say --in-flight"),
        (["sync", "quays.hier", "quays", "--workers", "2", "MODEL"], "say --in-flight"),
    ],
)
def test_a_corpus_of_a_model_is_not_written_to_without_it(run, folder, model, arguments, message):
    (folder / "3.txt").unlink()
    assert run("build", folder, "-o", "quays.hier", *model)[0] == 0
    (folder / "3.txt").write_text("The harbour is new.\n")
    typed = [part for each in arguments for part in (model if each == "MODEL" else [each])]
    status, out, err = run(*typed)
    assert (status, out) == (1, "")
    assert message in err.splitlines()[-1]
