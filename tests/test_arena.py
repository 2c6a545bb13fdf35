"""The arena with small systems of every temper: honest, greedy, absent, failing, deadly."""

import errno
import gzip
import json
import sqlite3
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

import contest
import data
import pytest
import results
import runs
import schedule
import scores
import versions
from systems import systems
from systems.base import Output, Unavailable
from systems.ours import Ours

BUDGETS = (16, 64)
TEXTS = {
    "d": "The lamp is green. The notice period is three months. Nobody knows why. " * 3,
    "e": "A ferry leaves at dawn from pier 9. The mayor of Lom is allergic to plums. " * 4,
}
ASKED = {"d": ("How long is the notice?", "three months"), "e": ("Which pier?", "pier 9")}


def document(name, dataset="tiny"):
    question, answer = ASKED[name]
    start = TEXTS[name].index(answer)
    asked = data.Question(f"q{name}", question, ((start, start + len(answer)),), (), (answer,))
    about = data.Question(f"o{name}", "What is it about?", (), ("A lamp and a ferry.",))
    return data.Document(dataset, name, TEXTS[name], (asked, about))


DOCUMENTS = [document("d"), document("e", "other")]


@dataclass
class Whole:
    """Gives the beginning of the text, a character a token being always enough."""

    name: str = "whole"
    rule: str = "the first characters"
    package: str | None = None
    version: str = "1"
    asks: bool = True
    embedder: str | None = None
    reads: list[str] = field(default_factory=list)

    def read(self, text):
        self.reads.append(text)
        return self.reader(text)

    def reader(self, text):
        return Prefix(text)


@dataclass
class Prefix:
    text: str
    more: int = 0

    def answer(self, question, budgets):
        ends = [min(len(self.text), budget + self.more) for budget in budgets]
        return [Output(self.text[:end], ((0, end),)) for end in ends]


class Greedy(Whole):
    def reader(self, text):
        return Prefix(text, more=1000)


class Liar(Whole):
    def reader(self, text):
        return self

    def answer(self, question, budgets):
        return [Output("The lamp", ((0, 8), (0, 40), (-1, 3), (5, 10_000)), 7) for _ in budgets]


class Failing(Whole):
    def reader(self, text):
        if "ferry" in text:
            raise RuntimeError("no ferries")
        return Prefix(text)


class Absent(Whole):
    def read(self, text):
        raise Unavailable("pip install absent")


class Unimportable(Whole):
    def read(self, text):
        import no_such_package  # noqa: F401


def run(system, folder, documents=DOCUMENTS, **options):
    (outcome,) = schedule.run([system], documents, BUDGETS, folder, workers=1, **options)
    return outcome


def values(outcome, name):
    return [score.values.get(name) for tally in outcome.tallies for score in tally.scores]


class TestRuns:
    def test_nothing_is_run_twice(self, tmp_path):
        system = Whole()
        first = run(system, tmp_path)
        assert sorted(system.reads) == sorted(TEXTS.values())
        assert run(system, tmp_path) == first
        assert len(system.reads) == 2
        assert len(list(tmp_path.rglob("*.jsonl.gz"))) == 2
        assert [t.run.doc_id for t in first.tallies] == ["d", "e"]

    def test_a_change_is_run_anew(self, tmp_path):
        system = Whole()
        paths = {runs.path(tmp_path, system, DOCUMENTS[0], BUDGETS)}
        paths.add(runs.path(tmp_path, Whole(version="2"), DOCUMENTS[0], BUDGETS))
        paths.add(runs.path(tmp_path, Whole(name="other"), DOCUMENTS[0], BUDGETS))
        paths.add(runs.path(tmp_path, system, DOCUMENTS[1], BUDGETS))
        paths.add(runs.path(tmp_path, system, DOCUMENTS[0], (16,)))
        assert len(paths) == 5
        assert runs.path(tmp_path, system, DOCUMENTS[0], BUDGETS) in paths

    def test_a_run_comes_back_as_it_was(self, tmp_path):
        made = contest.hold(Whole(), DOCUMENTS[0], BUDGETS)
        runs.save(tmp_path / "a.jsonl.gz", made)
        assert runs.load(tmp_path / "a.jsonl.gz") == made
        lines = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()
        rows = [json.loads(line) for line in lines]
        assert rows[0]["system"] == "whole"
        assert set(rows[1]) == {
            *("question", "budget", "tokens", "milliseconds", "model_tokens", "disowned"),
            *("spans", "text"),
        }

    @pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b"{}" + b])
    def test_a_damaged_run_is_run_anew(self, tmp_path, damage, capsys):
        system = Whole()
        run(system, tmp_path)
        path = next(tmp_path.rglob("*.jsonl.gz"))
        path.write_bytes(damage(path.read_bytes()))
        run(system, tmp_path)
        assert len(system.reads) == 3
        assert "damaged" in capsys.readouterr().err
        assert runs.load(path) is not None

    def test_out_of_disk_in_the_middle_keeps_what_was_run(self, tmp_path, monkeypatch):
        system, written, whole = Whole(), [], Path.write_bytes

        def write(path, content):
            written.append(path)
            if len(written) == 2:
                whole(path, content[:5])
                raise OSError(errno.ENOSPC, "No space left on device")
            return whole(path, content)

        monkeypatch.setattr(Path, "write_bytes", write)
        with pytest.raises(runs.StorageError, match=r"No space left.*what was run is kept"):
            run(system, tmp_path)
        assert len(list(tmp_path.rglob("*.jsonl.gz"))) == 1
        assert not list(tmp_path.rglob("*.part"))
        run(system, tmp_path)
        assert len(system.reads) == 3  # the one that was kept is not read again

    @pytest.mark.parametrize(
        "error",
        [OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("database or disk is full")],
    )
    def test_a_full_disk_is_not_the_systems_failure(self, tmp_path, error):
        system = Whole()
        system.reader = lambda text: (_ for _ in ()).throw(error)
        with pytest.raises(runs.StorageError):
            run(system, tmp_path)
        assert not list(tmp_path.rglob("*.jsonl.gz"))


class TestContest:
    def test_what_is_found_is_scored(self, tmp_path):
        outcome = run(Whole(), tmp_path)
        assert values(outcome, "EvidenceRecall@16") == [0, None, 0, None]
        assert values(outcome, "EvidenceRecall@64") == [1, None, 1, None]
        assert values(outcome, "AnswerRecall@64") == [1, None, 1, None]
        assert values(outcome, "ReferenceRecall@64") == [None, 0.5, None, 0.5]

    def test_a_failure_is_recorded_and_found_nothing(self, tmp_path):
        outcome = run(Failing(), tmp_path)
        assert [t.run.failure for t in outcome.tallies] == [None, "RuntimeError: no ferries"]
        assert values(outcome, "EvidenceRecall@64") == [1, None, 0, None]
        assert values(outcome, "ReferenceRecall@64") == [None, 0.5, None, 0]
        assert values(outcome, "BudgetUsed@64")[2:] == [None, None]

    def test_a_failure_is_run_again_when_asked_for(self, tmp_path):
        system = Failing()
        run(system, tmp_path)
        run(system, tmp_path)
        assert len(system.reads) == 2
        run(system, tmp_path, retry=True)
        assert len(system.reads) == 3

    @pytest.mark.parametrize("system", [Absent("absent"), Unimportable("unimportable")])
    def test_an_absent_package_is_not_run_here(self, tmp_path, system):
        outcome = run(system, tmp_path)
        assert "absent" in outcome.missing or "no_such_package" in outcome.missing
        assert outcome.tallies == ()

    def test_spans_that_do_not_stand_in_the_text_do_not_count(self, tmp_path):
        outcome = run(Liar(), tmp_path)
        assert [t.disowned for t in outcome.tallies] == [3 * 4, 4 * 4]
        assert outcome.tallies[0].model_tokens == 7

    def test_a_system_may_answer_each_set_by_a_variant(self, tmp_path):
        system = Whole()
        system.for_set = lambda dataset: Whole(name=f"whole of {dataset}", reads=system.reads)
        run(system, tmp_path)
        assert {p.name for p in tmp_path.iterdir()} == {"whole-of-tiny", "whole-of-other"}

    def test_one_that_sees_no_question_is_asked_for_overviews_only(self, tmp_path):
        about = data.Document("about", "f", "A lamp.", DOCUMENTS[0].questions[1:])
        outcome = run(Whole(asks=False), tmp_path, [*DOCUMENTS, about])
        assert [t.run.dataset for t in outcome.tallies] == ["about"]

    def test_the_baseline_is_run_at_larger_budgets_too(self, tmp_path):
        assert run(Whole("DOS RAG, tiny"), tmp_path).budgets == (*BUDGETS, *data.LARGER)
        assert run(Whole(), tmp_path).budgets == BUDGETS

    @pytest.mark.parametrize("system", systems(), ids=lambda system: system.name)
    def test_one_that_is_given_an_embedder_says_which(self, system):
        source = Path(sys.modules[type(system).__module__].__file__).read_text(encoding="utf-8")
        given = "embed_model" in source or ("by_cosine" in source and "RAG" in system.name)
        assert (schedule.embedder(system) is not None) == (given or isinstance(system, Ours))

    def test_white_space_may_differ(self):
        assert contest.standing("a b\n\nc d", Output("x b c y", ((2, 6),))) == ((2, 6),)


DEADLY = """
    import os
    from dataclasses import dataclass

    from systems.base import Output


    @dataclass
    class Deadly:
        name: str
        rule: str = ""
        package: str | None = None
        version: str = "1"

        def read(self, text):
            if "ferry" in text:
                os._exit(9)
            return self

        def answer(self, question, budgets):
            return [Output("", ()) for _ in budgets]


    def find(name):
        if name == "unmade":
            os._exit(9)
        return Deadly(name)
"""


class TestSchedule:
    @pytest.fixture
    def deadly(self, tmp_path, monkeypatch):
        (tmp_path / "deadly_system.py").write_text(textwrap.dedent(DEADLY))
        monkeypatch.syspath_prepend(tmp_path)
        import deadly_system

        yield deadly_system
        del sys.modules["deadly_system"]

    def test_a_process_that_dies_harms_no_other(self, tmp_path, deadly):
        documents = [*DOCUMENTS, document("d", "third"), document("e", "fourth")]
        (outcome,) = schedule.run(
            [deadly.Deadly("deadly")], documents, BUDGETS, tmp_path, workers=2, find=deadly.find
        )
        failures = [t.run.failure for t in outcome.tallies]
        assert failures[::2] == [None, None]
        assert all(failure.startswith("ProcessDied") for failure in failures[1::2])
        assert not list(tmp_path.rglob("*.begun"))

    def test_one_that_never_begins_blames_no_document(self, tmp_path, deadly):
        with pytest.raises(schedule.ProcessError, match="ended before it began"):
            schedule.run([deadly.Deadly("unmade")], DOCUMENTS, BUDGETS, tmp_path, find=deadly.find)
        assert not list(tmp_path.rglob("*.jsonl.gz"))

    def test_processes_change_nothing(self, tmp_path, deadly):
        tallies = []
        for workers in (1, 2):
            (outcome,) = schedule.run(
                [deadly.Deadly("quiet")],
                [DOCUMENTS[0], document("d", "third")],
                BUDGETS,
                tmp_path / str(workers),
                workers=workers,
                find=deadly.find,
            )
            tallies.append([(t.scores, t.run.failure) for t in outcome.tallies])
        assert tallies[0] == tallies[1]


class TestScores:
    @pytest.fixture
    def summary(self, tmp_path):
        systems = [Whole("hier"), Whole("DOS RAG", embedder="static")]
        systems += [Failing("failing"), Greedy("greedy"), Liar(), Absent("absent")]
        outcomes = schedule.run(systems, DOCUMENTS, BUDGETS, tmp_path, workers=1)
        return scores.summarise(outcomes, DOCUMENTS, BUDGETS, resamples=200)

    def test_what_went_wrong_is_listed(self, summary):
        systems = summary["systems"]
        assert summary["not_run"] == {"absent": "pip install absent"}
        assert systems["failing"]["failures"] == [
            {"set": "other", "document": "e", "message": "RuntimeError: no ferries"}
        ]
        assert systems["greedy"]["overshoots"]["contexts"] == 6
        assert systems["hier"]["overshoots"] == {"contexts": 0, "most_tokens": 0}

    def test_macro_means_count_a_failure_as_nothing_found(self, summary):
        macro = {name: s["macro"]["EvidenceRecall@64"][0] for name, s in summary["systems"].items()}
        assert (macro["hier"], macro["failing"]) == (1, 0.5)

    def test_everyone_is_set_beside_the_baseline(self, summary):
        against = summary["systems"]["hier"]["against"]
        assert summary["systems"]["hier"]["baseline"] == "DOS RAG"
        assert against["EvidenceRecall@64"]["difference"] == [0, 0, 0]
        assert against["EvidenceRecall@64"]["ratio"] == [1, 1, 1]
        assert against["TokenEconomy@64"]["value"] == pytest.approx(1)
        assert against["EvidenceRecall@16"]["ratio"] is None  # neither found anything
        assert "against" not in summary["systems"]["DOS RAG"]

    def test_the_suite_is_counted(self, summary):
        assert summary["suite"]["tiny"] == {"documents": 1, "evidence": 1, "overview": 1}

    def test_every_question_is_recorded(self, tmp_path):
        outcomes = schedule.run([Whole(), Liar("liar")], DOCUMENTS, BUDGETS, tmp_path, workers=1)
        head, *rows = results.records(scores.board_of(outcomes, DOCUMENTS), BUDGETS)
        assert head == {"systems": ["whole", "liar"], "budgets": [16, 64]}
        assert [row["question"] for row in rows] == ["qd", "od", "qe", "oe"]
        assert rows[0]["EvidenceRecall"] == [[0, 1], [0, 0]]
        assert "EvidenceRecall" not in rows[1]


class TestVersions:
    def test_a_version_follows_the_sources(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(tmp_path)
        source = "class System:\n    name, package = 'made', None\n"
        found = []
        for number, text in enumerate((source, source + "# changed\n")):
            (tmp_path / f"made_{number}.py").write_text(text)
            found.append(versions.of(__import__(f"made_{number}").System()))
        assert found[0] != found[1]

    def test_an_adapter_depends_on_what_it_imports(self):
        __import__("systems.ours")
        paths = {path.name for path in versions._closure("systems.ours")}
        assert {"ours.py", "base.py", "embedding.py", "environment.py", "static.py"} <= paths
        assert not any(
            "site-packages" in p.parts and "hier" not in p.parts
            for p in versions._closure("systems.ours")
        )

    def test_ours_depends_on_every_argument(self):
        plain = Ours("hier")
        variants = [
            *(plain, replace(plain, asks=False), replace(plain, build={"summarizer": "x"})),
            replace(plain, compress={"gaps": False}),
        ]
        assert len({versions.of(variant) for variant in variants}) == 4
        assert versions.of(Ours("hier")) == versions.of(plain)
        with pytest.raises(ValueError, match="arguments must print in full"):
            versions.of(Ours("hier", build={"summarizer": object()}))

    def test_ours_may_leave_a_set_out(self):
        left_out = Ours("hier, learned", per_set=lambda name: {"summarizer": name})
        assert left_out.for_set("squad").build == {"summarizer": "squad"}
        assert left_out.for_set("squad").name == "hier, learned"
        assert versions.of(left_out.for_set("squad")) != versions.of(left_out.for_set("cuad"))
        assert Ours("hier").for_set("squad") == Ours("hier")

    def test_an_installed_package_is_hashed_whole(self):
        assert versions.installed("hier") == versions.installed("hier")
        with pytest.raises(ModuleNotFoundError):
            versions.installed("no_such_package")
