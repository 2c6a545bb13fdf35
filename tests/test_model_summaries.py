"""What models write: levels, windows, the cache, checks, the ledger; nothing is paid for twice."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

import hier
from hier.assignment import Levels, read_summarizer
from hier.ledger import Ledger, Prices
from hier.rehearsal import estimate_build
from hier.summaries import runs
from hier.summarizers.cache import Cache, key
from hier.summarizers.calls import Call, Written


class FirstSentences:
    """A writer that keeps the beginning of a text, and remembers what it was asked."""

    def __init__(self, identity="first", window=100_000, output=20, spoil=lambda text: text):
        self.identity, self.window, self.output = identity, window, output
        self.in_flight, self.overhead, self.spoil = 4, 20, spoil
        self.asked: list[str] = []

    def write(self, texts, done, record):
        for i, text in enumerate(texts):
            self.asked.append(text)
            call = Call("indexing", "first", len(text) // 4, 10, seconds=0.5)
            record(call)
            first = " ".join(re.split(r"(?<=[.!?])\s", text)[0].split()[: self.output])
            done(i, Written(self.spoil(first), call=call))


@pytest.fixture(scope="module")
def source(long_text):
    return long_text[:60_000]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "summaries.sqlite"


class TestLevels:
    @pytest.mark.parametrize(
        ("text", "inside", "outside"),
        [
            ("2", [2], [1, 3]),
            ("1,3", [1, 3], [2, 4]),
            ("2-4", [2, 3, 4], [1, 5]),
            ("3+", [3, 9], [1, 2]),
            ("1,3-4+", [1, 3, 4, 8], [2]),
        ],
    )
    def test_levels_are_read(self, text, inside, outside):
        levels = Levels.of(text)
        assert all(level in levels for level in inside)
        assert not any(level in levels for level in outside)

    @pytest.mark.parametrize("text", ["", "x", "0", "2-1", "+", "1;2", "0,1", "999"])
    def test_what_names_no_level_is_refused(self, text):
        with pytest.raises(hier.SummarizerError, match="cannot be read; write them as"):
            Levels.of(text)

    def test_two_writers_of_one_level_are_refused(self):
        with pytest.raises(hier.SummarizerError, match="level 3 has two summarizers"):
            read_summarizer({"1,3": FirstSentences(), "3+": FirstSentences()})

    def test_each_level_is_written_by_whom_it_was_given_to(self, source):
        low, high = FirstSentences("low"), FirstSentences("high")
        tree = hier.build(source, summarizer={"1": low, "2": "extractive", "3+": high}, cache=False)
        sizes = [len(level.first_leaf) for level in tree.levels]
        assert 0.9 * sizes[1] < len(low.asked) <= sizes[1]  # equal texts are asked for once
        assert len(high.asked) == sum(sizes[3:])
        levels = {tree.nodes[node_id].level for node_id in tree.summary_texts}
        assert levels == {1, *range(3, len(sizes))}
        # What lies above sections is made of the summaries below, extractive ones here.
        section = tree.nodes.offsets[3]
        below = [tree.summary(child)[0] for child in tree.nodes[section].children]
        assert high.asked[0] == "\n".join(below)

    def test_the_root_of_a_short_text_counts_as_a_section(self):
        writer = FirstSentences()
        hier.build("One thing. Another thing.", summarizer=writer, cache=False)
        assert writer.asked == ["One thing. Another thing."]


class TestWindow:
    def test_no_text_is_longer_than_the_window(self, source):
        writer = FirstSentences(window=150)
        tree = hier.build(source, summarizer=writer, cache=False)
        assert max(tree.tokenizer.count(text) for text in writer.asked) <= 150
        roomy = hier.build(source, summarizer=FirstSentences(), cache=False)
        assert tree.summary_texts.keys() == roomy.summary_texts.keys()

    def test_runs_hold_every_part_in_order(self):
        parts = ["a b c", "d e " * 30, "", "f"]
        found = runs(parts, 20, lambda text: len(text.split()))
        assert "".join(found).split() == " ".join(parts).split()
        assert all(len(run.split()) <= 20 for run in found)

    def test_a_text_without_spaces_is_cut_too(self):
        assert "".join(runs(["x" * 999], 100, len)) == "x" * 999


class TestCache:
    def test_a_second_build_asks_for_nothing(self, source, cache):
        first, second = FirstSentences(), FirstSentences()
        one = hier.build(source, summarizer=first, cache=cache)
        other = hier.build(source, summarizer=second, cache=cache)
        assert first.asked
        assert not second.asked
        assert other.summary_texts == one.summary_texts
        total = other.ledger.total()
        assert (total.calls, total.tokens) == (0, 0)
        assert total.saved == one.ledger.total().calls

    def test_another_writer_asks_again(self, source, cache):
        hier.build(source, summarizer=FirstSentences(), cache=cache)
        other = FirstSentences("another prompt")
        hier.build(source, summarizer=other, cache=cache)
        assert other.asked

    def test_without_an_identity_nothing_is_kept(self, source, cache):
        for _ in range(2):
            writer = FirstSentences(None)
            hier.build(source, summarizer=writer, cache=cache)
            assert writer.asked
        assert not cache.exists()

    def test_equal_texts_are_asked_for_once(self, cache):
        text = "\n\n".join(
            f"# Part\n\n{'The same words stand here again. ' * 60}" for _ in range(8)
        )
        writer = FirstSentences()
        hier.build(text, summarizer=writer, cache=cache)
        assert len(writer.asked) == len(set(writer.asked))

    def test_a_broken_build_goes_on_where_it_was(self, source, cache):
        class Breaks(FirstSentences):
            def write(self, texts, done, record):
                super().write(texts[: len(texts) // 2], done, record)
                raise hier.SummarizerError("the power went out")

        broken, second, whole = Breaks(), FirstSentences(), FirstSentences()
        with pytest.raises(hier.SummarizerError, match="power"):
            hier.build(source, summarizer=broken, cache=cache)
        tree = hier.build(source, summarizer=second, cache=cache)
        assert not set(second.asked) & set(broken.asked)
        same = hier.build(source, summarizer=whole, cache=False)
        assert tree.summary_texts == same.summary_texts
        assert len(broken.asked) + len(second.asked) == len(whole.asked)

    def test_what_a_model_will_not_summarise_is_not_paid_for_again(self, source, cache):
        class Refuses(FirstSentences):
            def write(self, texts, done, record):
                for i, text in enumerate(texts):
                    self.asked.append(text)
                    done(i, Written("", "refused"))

        tree = hier.build(source, summarizer=Refuses(), cache=cache)
        assert not tree.summary_texts
        assert tree.fidelity().outcomes()["replaced"] == len(tree.checks)
        assert all("extractive summary stands in (refused)" in note for note in tree.ledger.notes)
        again = Refuses()
        assert hier.build(source, summarizer=again, cache=cache).checks == tree.checks
        assert not again.asked
        other = FirstSentences("another model")
        assert hier.build(source, summarizer=other, cache=cache).summary_texts

    def test_any_text_comes_back_as_it_was(self, cache):
        odd = "a\ud800b\x00c\n\U0001f600"
        with Cache(cache) as one:
            one.put(key("m", odd), Written(odd, call=Call("indexing", "m", 1, 2)))
        with Cache(cache) as other:
            found = other.find([key("m", odd), key("m", "else")])
        assert found == {key("m", odd): Written(odd)}
        assert found[key("m", odd)].call == Call("indexing", "m", 1, 2)

    def test_a_file_that_is_no_cache_is_an_error_with_the_remedy(self, cache, source):
        cache.write_text("something else entirely, and longer than a header of sqlite is" * 10)
        with pytest.raises(hier.StoreError, match=r"cannot be used: .*delete it, or name another"):
            hier.build(source, summarizer=FirstSentences(), cache=cache)

    def test_several_processes_write_one_cache(self, cache):
        command = [sys.executable, "-c", PUT_MANY, str(cache)]
        workers = [
            subprocess.Popen([*command, str(number)], cwd=cache.parent) for number in range(4)
        ]
        assert [worker.wait(60) for worker in workers] == [0] * 4
        names = [key("m", f"{number} {i}") for number in range(4) for i in range(50)]
        with Cache(cache) as kept:
            assert len(kept.find([*names, *(key("m", f"shared {i}") for i in range(50))])) == 250


# Fifty summaries of this worker's, and fifty that all workers write.
PUT_MANY = """
import sys
from pathlib import Path
from hier.summarizers.cache import Cache, key
from hier.summarizers.calls import Written
for i in range(50):
    with Cache(Path(sys.argv[1])) as kept:
        kept.put(key("m", f"{sys.argv[2]} {i}"), Written(str(i)))
        kept.put(key("m", f"shared {i}"), Written(str(i)))
"""


class TestFidelity:
    def test_what_is_invented_is_taken_out_again(self, source):
        writer = FirstSentences(spoil=lambda text: f"{text} It was sold for $71,423 in 1873.")
        tree = hier.build(source, summarizer=writer, cache=False)
        found = tree.fidelity()
        assert found.outcomes()["written"] == 0
        assert found.outcomes()["repaired"] > 0.5 * len(found.checks)
        assert found.invented >= len(found.checks)
        assert not any("71,423" in text for text in tree.summary_texts.values())
        assert "repaired" in found.table()

    def test_where_all_is_invented_the_extractive_summary_stands_in(self, source):
        writer = FirstSentences(spoil=lambda text: "It was sold for $71,423 in 1873.")
        tree = hier.build(source, summarizer=writer, cache=False)
        plain = hier.build(source)
        assert not tree.summary_texts
        node_id = tree.checks[0].node_id
        assert tree.summary(node_id) == plain.summary(node_id)
        assert "it invents" in tree.ledger.notes[0]

    def test_a_tree_without_models_says_so(self, source):
        found = hier.build(source).fidelity()
        assert found.checks == ()
        assert found.kept() == 1
        assert "whole sentences of the text" in found.table()

    def test_checks_and_ledger_are_saved(self, source, tmp_path):
        tree = hier.build(source, summarizer=FirstSentences(), cache=False)
        tree.save(tmp_path / "tree.hier")
        again = hier.load(tmp_path / "tree.hier")
        assert again.fidelity() == tree.fidelity()
        assert again.summary_texts == tree.summary_texts
        assert again.ledger.total() == tree.ledger.total()

    def test_a_summarys_source_is_all_of_its_node(self, source):
        tree = hier.build(source, summarizer=FirstSentences(), cache=False)
        for node_id in list(tree.summary_texts)[:20]:
            node = tree.nodes[node_id]
            assert tree.summary(node_id)[1] == ((node.start, node.end),)


class TestWhoseLedger:
    def test_a_trees_ledger_has_its_own_calls_and_the_users_all(self, source):
        shared = Ledger(Prices(1.0, 2.0))
        one, other = (
            hier.build(source, summarizer=FirstSentences(), ledger=shared, cache=False)
            for _ in range(2)
        )
        assert one.ledger.total() == other.ledger.total()
        assert shared.calls == one.ledger.calls + other.ledger.calls
        assert one.ledger.prices == shared.prices


class TestRehearsal:
    def test_it_asks_as_often_as_the_build_and_sends_nothing(self, source, cache):
        writer = FirstSentences()
        prices = Prices(input=2.0, output=8.0)
        guess = estimate_build(source, summarizer=writer, cache=cache, prices=prices)
        assert not writer.asked
        assert not cache.exists()
        tree = hier.build(source, summarizer=writer, cache=cache, ledger=Ledger(prices))
        assert guess.calls == len(writer.asked) == guess.nodes
        sent = sum(tree.tokenizer.count(text) + writer.overhead for text in writer.asked)
        assert 0.8 < guess.input / sent < 1.25
        assert guess.money == pytest.approx((2 * guess.input + 8 * guess.output) / 1e6)
        assert guess.seconds > 0
        assert f"{guess.calls:,} calls" in str(guess)

    def test_what_the_cache_holds_is_not_counted(self, source, cache):
        hier.build(source, summarizer=FirstSentences(), cache=cache)
        guess = estimate_build(source, summarizer=FirstSentences(), cache=cache)
        assert (guess.calls, guess.input, guess.seconds) == (0, 0, 0)
        assert guess.saved == guess.nodes

    def test_an_edit_costs_its_path(self, long_text, cache):
        hier.build(long_text, summarizer=FirstSentences(), cache=cache)
        edited = long_text.replace("assert", "affirm", 1)
        guess = estimate_build(edited, summarizer=FirstSentences(), cache=cache)
        depth = len(hier.build(edited).levels)
        assert 1 <= guess.calls <= depth + 1

    def test_windows_are_rehearsed_too(self, source):
        writer = FirstSentences(window=150)
        guess = estimate_build(source, summarizer=writer, cache=False)
        hier.build(source, summarizer=writer, cache=False)
        assert guess.calls == pytest.approx(len(writer.asked), rel=0.15)


class TestLedger:
    CALLS = (
        Call("indexing", "m", 1000, 100, 400, 2.0),
        Call("indexing", "m", 0, 0, 0, 0.5, "rate limit"),
        Call("indexing", "m", 900, 90, 0, 3.0, "cache"),
        Call("answering", "m", 500, 50, 0, 1.0, told=False),
    )

    def test_totals(self):
        ledger = Ledger(Prices(1.0, 4.0, 0.1), list(self.CALLS))
        total = ledger.total()
        assert (total.calls, total.failed, total.saved) == (3, 1, 1)
        assert (total.input, total.output, total.cached, total.tokens) == (1500, 150, 400, 1650)
        assert total.money == pytest.approx((1100 * 1 + 400 * 0.1 + 150 * 4) / 1e6)
        assert total.counted == 550
        assert total.joules is None
        assert ledger.faults() == {"rate limit": 1}
        parts = [ledger.total(p) for p in ("indexing", "selecting", "answering")]
        assert sum(part.tokens for part in parts) == total.tokens

    def test_energy_wants_a_source(self):
        with pytest.raises(hier.InputError, match="need their source"):
            Prices(joules=0.3)
        prices = Prices(joules=0.5, source="measured on our own card")
        assert Ledger(prices, list(self.CALLS)).total().joules == 825
        assert "825 J (measured on our own card)" in Ledger(prices, list(self.CALLS)).table()

    @pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
    def test_what_is_no_price_is_refused(self, value):
        with pytest.raises(hier.InputError, match="is not a number of 0 or more"):
            Prices(input=value)

    def test_it_comes_back_from_plain_values(self):
        ledger = Ledger(Prices(1.0, 4.0), list(self.CALLS), ["a remark"])
        again = Ledger.read(ledger.saved())
        assert again == ledger
        assert again.to_dict() == ledger.to_dict()
        shown = ledger.table()
        assert "rate limit 1" in shown
        assert "a remark" in shown
        assert replace(again.total(), seconds=0) == replace(ledger.total(), seconds=0)
