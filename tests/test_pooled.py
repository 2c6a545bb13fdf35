"""A corpus is compared fairly with scoring every tree: documents, evidence, means, both ways."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import data
import environment
import pooled
import pytest

STORED = environment.RESULTS / "pooled.json"


@dataclass(frozen=True)
class Shown:
    document_id: str
    start: int
    end: int
    text: str
    kind: str = "verbatim"


@dataclass(frozen=True)
class Given:
    segments: tuple[Shown, ...]


def compared():
    """The summary of three questions, one of which the corpus answers less well."""
    rows = [
        {
            "set": name, "document": document,
            "ways": {
                pooled.FULL: {"recall": [1.0, 1.0], "milliseconds": [90, 110], "leaves": 900},
                pooled.CORPUS: {"recall": [own, 1.0], "milliseconds": [9, 11], "leaves": 300},
            },
        }
        for name, document, own in (("squad", "a", 0.5), ("squad", "b", 1.0), ("cuad", "a", 1.0))
    ]  # fmt: skip
    settings = {"budgets": [512, 2048], "documents": 1234, "questions": 3}
    return {"settings": settings, **pooled.summary(rows)}


class TestPooled:
    text = "Before. ## no heading\n## First\nAlpha is one.\n## Second\nBeta is two.\n"
    document = data.Document("musique_pool", "d", text, ())

    def test_a_pool_is_split_at_its_headings_and_nothing_is_lost(self):
        parts = pooled.split(self.document, "set/000")
        assert [name for name, _, _ in parts] == [f"set/000/{n:04}.txt" for n in range(3)]
        assert "".join(text for _, text, _ in parts) == self.text
        assert all(self.text[start:].startswith(text) for _, text, start in parts)
        whole = pooled.split(replace(self.document, dataset="squad"), "set/000")
        assert whole == [("set/000.txt", self.text, 0)]

    def test_evidence_is_found_in_the_documents_it_falls_into(self):
        parts = pooled.split(self.document, "x")
        start, end = self.text.index("one"), self.text.index("Beta") + 4
        texts = {name: text for name, text, _ in parts}
        found = list(pooled._evidence(parts, [(start, end)]))
        assert [texts[name][a:b] for name, a, b in found] == ["one.\n", "## Second\nBeta"]

    def test_evidence_is_kept_where_its_characters_are_shown(self):
        texts = {"a": "0123456789", "b": "0123456789"}
        evidence = (("a", 0, 4), ("b", 2, 8))
        first, second = Shown("a", 2, 10, "23456789"), Shown("b", 0, 5, "01234")
        assert pooled.kept(evidence, Given((first, second)), texts) == pytest.approx(0.5)
        told = replace(second, kind="summary")
        assert pooled.kept(evidence, Given((first, told)), texts) == pytest.approx(0.2)
        assert pooled.kept(evidence, Given(()), texts) == 0
        with pytest.raises(RuntimeError, match="a does not hold"):
            pooled.kept(evidence, Given((replace(first, start=1),)), texts)

    def test_a_summary_weighs_sets_alike(self):
        found = compared()
        assert found["macro"][pooled.CORPUS][0][0] == pytest.approx((0.75 + 1) / 2)
        ratio, low, high = found["ratio"][0]
        assert ratio == pytest.approx(0.875)
        assert low < ratio < high
        assert found["ratio"][1] == [1, 1, 1]
        assert found["differing"] == [1, 0]
        assert found["cost"][pooled.CORPUS] == {"ms": 10, "leaves": 300}
        lines = pooled.targets(found)
        assert [line.reached for line in lines] == [False, True, True, True]

    def test_every_tree_is_scored_in_full_and_small_corpora_keep_it_all(
        self, tmp_path, monkeypatch, capsys
    ):
        from hier.retrieval import descent as scored

        monkeypatch.setattr(scored, "MOST", 500)
        monkeypatch.setattr(scored, "SAMPLED", 100)
        monkeypatch.setattr(pooled, "WORKERS", 1)
        seen = []
        row_of = pooled._row
        monkeypatch.setattr(pooled, "_row", lambda *given: seen.append(row_of(*given)) or seen[-1])
        told = compared()  # the script's own summary is tried above
        monkeypatch.setattr(
            pooled, "summary", lambda _: {n: told[n] for n in told if n != "settings"}
        )
        filler = "".join(f"Nobody saw person {n} {'again ' * 30}.\n" for n in range(400))
        write_set(tmp_path, "squad", f"{filler}The notice period is three months.\n{filler}")
        write_set(
            tmp_path, "hotpotqa_pool", f"## One\n{filler}## Two\nAlpha is three months old.\n"
        )
        out = tmp_path / "pooled.json"
        given = ["--data", str(tmp_path), "--sets", "squad,hotpotqa_pool", "--out", str(out)]
        assert pooled.main(given) == 1  # the summary that was put in its place misses a target
        settings = json.loads(out.read_text())["settings"]
        assert (settings["documents"], settings["questions"]) == (3, 2)
        assert "of every tree's" in capsys.readouterr().out
        leaves = {found["ways"][pooled.FULL]["leaves"] for found in seen}
        assert len(leaves) == 1
        assert leaves.pop() > 1200
        for found in seen:
            assert found["ways"][pooled.FULL]["recall"] == [1.0, 1.0]
            assert found["ways"][pooled.CORPUS]["leaves"] < 1000


@pytest.mark.skipif(not STORED.exists(), reason="no result is stored yet")
def test_stored_targets_are_those_of_the_stored_figures():
    result = json.loads(STORED.read_text(encoding="utf-8"))
    made = [line.row("least") for line in pooled.targets(result)]
    assert [{**row, "measured": pytest.approx(row["measured"], rel=1e-3)} for row in made] == (
        result["targets"]
    )


def write_set(folder: Path, name: str, text: str) -> None:
    """A data set of one document, and one question whose evidence is the words "three months"."""
    start = text.index("three months")
    question = {
        "id": "q",
        "question": "How long is three months?",
        "evidence": [[start, start + 12]],
    }
    line = {"dataset": name, "doc_id": "d", "text": text, "questions": [question]}
    (folder / f"{name}.jsonl").write_text(json.dumps(line), encoding="utf-8")
