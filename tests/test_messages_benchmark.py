"""The benchmark of conversations: evidence stands where it says, and it runs without data."""

import json

import messages
import messages_page
import planted
import pytest
from dialogues import tokens_of


@pytest.fixture(scope="module")
def document():
    made = planted.suite(1)
    return next(one for one in made if list(messages.talks(one)))


def test_parts_stand_where_they_say(document):
    kinds = []
    for talk in messages.talks(document):
        kinds.append(talk.kind)
        for index, part in talk.parts.items():
            text = document.text[part.start : part.end]
            assert talk.messages[index]["content"].startswith(text)
            assert text
        for asked in talk.asked:
            told = [part for index, part in talk.parts.items() if index < asked.end]
            assert all(any(p.start <= s < p.end for p in told) for s, _ in asked.evidence)
            assert talk.messages[asked.end - 1]["role"] in ("user", "tool")
    assert kinds == ["document", "agent", "sources"]


def test_what_is_left_out_is_no_recall(document):
    talk = next(messages.talks(document))
    whole, *_ = messages.run(talk, None, "learned")
    assert whole.sent <= messages.BUDGET < whole.came
    sent, cut = messages.newest(talk.messages[: talk.asked[1].end])
    assert messages.size(sent) == tokens_of(sent)
    assert cut[1] == []
    again = messages.run(talk, None, "learned")[1]
    assert again.recall == 0


def test_it_runs_without_data(tmp_path, capsys):
    out = tmp_path / "messages.json"
    arguments = ["--documents", "1", "--sets", "planted_fact", "--ways", "newest,default"]
    arguments += ["--out", str(out)]
    assert messages.main(["--data", str(tmp_path / "none"), *arguments]) == 0
    result = json.loads(out.read_text("utf-8"))
    for found in result["found"].values():
        ours, theirs = found["ways"]["default"], found["ways"]["newest"]
        assert ours["requests"] == theirs["requests"] > 0
        assert ours["most"] <= messages.BUDGET
        assert 0 <= ours["stable"] <= 1
    document = result["found"]["document"]["ways"]
    assert document["default"]["recall"] > document["newest"]["recall"]
    section = messages_page.talks(result)
    assert section.count("\n| ") == 2 + 2
    assert f"{document['default']['recall']:.0%}" in section
    assert "document, default: " in capsys.readouterr().out
