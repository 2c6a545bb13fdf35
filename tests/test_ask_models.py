"""Asking over real connections: a server process counts what the ledger says it took."""

import json

import pytest
from servers import tiny_model

import hier
from hier.asking.ask import ask
from hier.asking.protocol import make_mark
from hier.errors import BudgetError, ModelError
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import load_model

QUESTION = "How does the with statement call __enter__ and __exit__?"


@pytest.fixture(scope="module")
def tree(long_text):
    return hier.build(long_text[:60_000])


def native(server, **more):
    return LanguageModel(load_model("openai/test-model", base_url=server.url, api_key="k"), **more)


def by_lines(server, **more):
    model = native(server, **more)
    model.has_tools = False
    return model


def agrees(answer, server):
    """Say whether the ledger has what the server counted."""
    stats, total = server.stats(), answer.ledger.total()
    return (total.input, total.output) == (stats["input"], stats["output"])


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_over_the_wire_and_both_sides_count_the_same(model_server, tree, stream):
    node = next(n for n in tree.nodes if n.level == 3).id
    server = model_server.configure(
        window=100_000,
        replies=[
            {"calls": [{"name": "expand", "arguments": {"node_id": node}}]},
            {"calls": [{"name": "search", "arguments": {"query": "yield expression"}}]},
            "Both are called in turn [1][2], as [s1] has it.",
        ],
    )
    heard = []
    answer = ask(tree, QUESTION, native(server), 20_000, on_text=heard.append if stream else None)
    assert answer.text == "Both are called in turn [1][2], as [s1] has it."
    assert [step.asked for step in answer.steps] == ["overview", "expand", "search"]
    assert answer.unknown_citations == ("[1]", "[2]")  # the text has [1] of its own: ours are [s1]
    (cited,) = answer.citations
    assert answer.sources().startswith(f"[s1] the text:{cited.start}-{cited.end}, {cited.place}: ")
    assert agrees(answer, server)
    assert answer.ledger.total("selecting").calls == 2
    assert "".join(heard) == (answer.text if stream else "")
    tools = [[t["function"]["name"] for t in body.get("tools", ())] for body in server.requests()]
    assert tools == [["expand", "search"], ["expand", "search"], tools[2]]


def test_lines_are_read_over_the_wire_and_both_sides_count_the_same(model_server, tree):
    mark = make_mark(QUESTION, [tree.source])
    server = model_server.configure(
        window=100_000,
        replies=[f"{mark} SEARCH yield", "EXPAND 4", f"So.\n{mark} ANSWER\nIn turn."],
    )
    heard = []
    answer = ask(tree, QUESTION, by_lines(server), 20_000, on_text=heard.append)
    assert (answer.text, "".join(heard).strip()) == ("In turn.", "In turn.")
    assert [bool(step.fault) for step in answer.steps] == [False, False, True]
    assert agrees(answer, server)
    assert all("tools" not in body for body in server.requests())


@pytest.mark.parametrize("made", [native, by_lines])
@pytest.mark.parametrize("reasoning", [None, "estimate", "search"])
def test_a_real_model_answers_within_its_window_and_the_budget(
    real_model_server, tmp_path, long_text, made, reasoning
):
    server = real_model_server.configure(window=2048)
    # Made anew: the same weights and words as the server has.
    tokenizer = str(tiny_model(tmp_path))
    tree = hier.build(long_text[:30_000], tokenizer=tokenizer)
    answer = ask(tree, QUESTION, made(server, window=2048), 3000, reasoning=reasoning)
    assert answer.text
    assert agrees(answer, server)
    assert server.stats()["input"] + server.stats()["output"] <= 3000
    assert server.stats()["statuses"] == {"200": answer.ledger.total().calls}


def test_faults_are_ridden_out_and_the_budget_holds(model_server, tree):
    server = model_server.configure(
        window=100_000, replies=["Both [1]."], faults=["rate limit", "error"], share=1.0, seed=3
    )
    answer = ask(tree, QUESTION, native(server), 9000)
    assert answer.text == "Both [1]."
    assert answer.ledger.total().failed == 2
    assert agrees(answer, server)


def test_attempts_that_are_paid_for_and_lost_end_before_the_budget_is_exceeded(model_server, tree):
    server = model_server.configure(window=100_000, replies=["Both."], faults=["cut"], share=1.0)
    with pytest.raises(BudgetError, match="attempts without a reply took"):
        ask(tree, QUESTION, native(server), 2000, mode="once", price=None)
    assert server.stats()["calls"] <= 2


def test_an_empty_reply_is_not_paid_for_behind_the_purse(model_server, tree):
    server = model_server.configure(window=100_000, replies=[""])
    answer = ask(tree, QUESTION, native(server), 20_000)
    assert (answer.stop, server.stats()["calls"]) == ("empty", 3)
    assert agrees(answer, server)


def test_a_model_that_is_not_there_is_one_clear_error(model_server, tree):
    server = model_server.configure()
    model = LanguageModel(load_model("openai/other", base_url=server.url, api_key="k"))
    with pytest.raises(ModelError, match="other"):
        ask(tree, QUESTION, model, 4000)


def test_a_function_is_a_model_and_a_saved_tree_is_asked(tree, tmp_path):
    tree.save(tmp_path / "saved.hier")
    asked = []

    def says(prompt: str) -> str:
        asked.append(prompt)
        return "In turn."

    answer = ask(hier.load(tmp_path / "saved.hier"), QUESTION, says, 4000)
    assert answer.text == "In turn."
    assert QUESTION in asked[0]
    assert answer.ledger.total().counted == answer.ledger.total().tokens == answer.tokens
    json.dumps(answer.to_dict())
