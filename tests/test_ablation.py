"""The ablation takes away what it says, scores by a rule that can be done by hand, and goes on."""

import json

import ablation
import data
import numpy as np
import pytest
import train_relevance
from train_relevance import Example

from hier.retrieval.ranker import built_in, load_ranker

NEURAL_GROUP = "neural vectors"


def example(dataset, shares, tokens, features=None):
    columns = np.zeros((len(shares), 1)) if features is None else np.array(features)
    return Example(
        dataset,
        columns.astype(np.float16),
        np.array(shares, np.float32),
        np.array(tokens, np.float32),
    )


def columns(neural):
    return load_ranker(built_in(neural)).names


@pytest.mark.parametrize("neural", [False, True])
def test_groups_partition_the_features(neural):
    groups = [ablation.group_of(name) for name in columns(neural)]
    expected = set(ablation.GROUPS) - (set() if neural else {NEURAL_GROUP})
    assert set(groups) == expected


def test_every_beginning_names_features_of_its_own():
    beginnings = [each for group in ablation.GROUPS.values() for each in group]
    assert len(set(beginnings)) == len(beginnings)
    longest = {
        max((b for b in beginnings if name.startswith(b)), key=len) for name in columns(neural=True)
    }
    assert longest == set(beginnings)


def test_the_longer_beginning_decides():
    for name, group in {
        "lexical 2": "level scores",
        "lexical share 2": "raw scales",
        "terms of leaf": "terms met",
        "terms of heading": "heading",
        "heading": "shape",
        "heading mass": "heading",
        "heading named by the best": "links",
        "likeness, heading": "heading",
        "likeness, headed leaf": "late interaction",
        "neural near the best": NEURAL_GROUP,
    }.items():
        assert ablation.group_of(name) == group
    with pytest.raises(ValueError, match="'colour' is in no group"):
        ablation.group_of("colour")


def test_families_are_dealt_whole_into_folds_that_never_change():
    families = [data.family(name) for name in data.EVIDENCE_SETS]
    dealt = ablation.folds(families)
    assert len(dealt) == ablation.FOLDS
    assert sorted(name for fold in dealt for name in fold) == sorted(set(families))
    assert dealt == ablation.folds(families[::-1])


def test_leaves_are_taken_by_density_and_what_does_not_fit_is_skipped():
    # Prices with the overhead of 2: 10, 100, 20, 6.
    asked = example("squad", [0.1, 0.5, 0.3, 0.1], [8, 98, 18, 4])
    density = np.array([4.0, 3.0, 2.0, 1.0])
    found = ablation.covered(density, asked, (9, 10, 36, 109, 110, 136))
    # 9: only the last fits. 36: the first, then not the second, then both others.
    assert found == pytest.approx([0.1, 0.1, 0.5, 0.5, 0.6, 1.0])


def test_a_row_is_the_mean_over_sets_of_the_means_over_questions():
    names = ("plain",)
    found = [
        example("squad", [1, 0], [254, 254], [[1], [0]]),
        example("squad", [1, 0], [254, 254], [[0], [1]]),
        example("cuad", [1, 0], [254, 254], [[1], [0]]),
    ]
    row = ablation.judge(names, found, ablation.Variant("plain sum", learned=False), 1)
    assert row["sets"] == {"cuad": [1, 1, 1, 1], "squad": [0.5, 1, 1, 1]}
    assert row["macro"] == [0.75, 1, 1, 1]


def learnable(count=48):
    """Questions whose evidence is where the first feature says and not where the plain sum does."""
    random = np.random.default_rng(0)
    for number in range(count):
        features = random.normal(size=(12, 2))
        shares = np.zeros(12)
        shares[features[:, 0].argmax()] = 1
        yield example(data.EVIDENCE_SETS[number % 6], shares, [250] * 12, features)


def test_networks_are_trained_on_other_families_and_without_the_group(monkeypatch):
    trained = []
    ordinary = train_relevance.train

    def watched(names, found):
        trained.append((names, {data.family(e.dataset) for e in found}, train_relevance.WIDTH))
        return ordinary(names, found)

    monkeypatch.setattr(train_relevance, "train", watched)
    monkeypatch.setattr(train_relevance, "EPOCHS", 60)
    names, found = ("dense 0", "plain"), list(learnable())
    families = {data.family(e.dataset) for e in found}

    whole = ablation.judge(names, found, ablation.Variant("everything"), 1)
    assert [used for _, used, _ in trained] == [
        families - fold for fold in ablation.folds(sorted(families))
    ]
    assert set(whole["sets"]) == {e.dataset for e in found}
    blind = ablation.judge(names, found, ablation.Variant("w", without="level scores"), 1)
    assert trained[-1][0] == ("plain",)
    assert (whole["features"], blind["features"]) == (2, 1)
    assert whole["macro"][0] > 0.8 > 0.5 > blind["macro"][0]


def test_without_hidden_layers_the_density_is_linear(monkeypatch):
    monkeypatch.setattr(train_relevance, "EPOCHS", 2)
    found, width = list(learnable(8)), train_relevance.WIDTH
    ranker = ablation._trained(("dense 0", "plain"), found, 1, hidden=False)
    assert width == train_relevance.WIDTH
    points = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    zero, one, other, both = ranker.density(ranker.names, points).tolist()
    assert both - other == pytest.approx(one - zero, abs=1e-5)


def test_a_stopped_run_goes_on(tmp_path):
    worked = []

    def work(names, found, variant, networks):
        if len(worked) == 2:
            raise KeyboardInterrupt
        worked.append(variant.name)
        return {"name": variant.name}

    def run(networks=1):
        chosen = ablation.variants(["names", "place"])
        made = ablation.rows(("plain",), [], chosen, networks, tmp_path, work)
        return [row["name"] for row in made]

    everything = ["everything", *(f"everything, order {n}" for n in (1, 2, 3))]
    everything += ["without names", "without place", "linear map only", "plain sum"]
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run()
        worked.clear()
    assert run() == everything
    assert worked == everything[6:]
    worked.clear()
    assert len(list(tmp_path.glob("*.json"))) == 8
    with pytest.raises(KeyboardInterrupt):
        run(networks=3)  # another question: nothing is taken from before


def test_examples_come_back_as_they_were(tmp_path):
    found = list(learnable(5))
    ablation.store(tmp_path / "examples.npz", ("dense 0", "plain"), found)
    names, read = ablation.load(tmp_path / "examples.npz")
    assert names == ("dense 0", "plain")
    for before, after in zip(found, read, strict=True):
        assert before.dataset == after.dataset
        for field in ("features", "shares", "tokens"):
            np.testing.assert_array_equal(getattr(before, field), getattr(after, field))


def test_missing_data_is_one_line(tmp_path, capsys):
    assert ablation.main(["--data", str(tmp_path)]) == 2
    assert "no squad.jsonl.gz" in capsys.readouterr().err


def test_the_stored_figures_are_of_every_group(repository):
    path = repository / "benchmarks" / "results" / ablation.FIGURES
    stored = json.loads(path.read_text(encoding="utf-8"))
    taken_away = [row["without"] for row in stored["rows"] if row["without"]]
    assert taken_away == [group for group in ablation.GROUPS if group != NEURAL_GROUP]
    assert all(len(row["sets"]) == len(data.EVIDENCE_SETS) for row in stored["rows"])


def test_every_group_is_explained(repository):
    page = (repository / "docs" / "relevance.md").read_text(encoding="utf-8")
    section = page.split("## The features")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
    assert rows == ["| group", *(f"| {group}" for group in ablation.GROUPS)]
