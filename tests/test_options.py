"""The options of the command line: each reaches the engine as what it says, or is refused."""

import inspect
import json
import re
from pathlib import Path

import pytest

import hier

TEXT = """# Lease

The tenant pays 900 euros a month. The rent is due on the third day. A party who pays late
owes a fee.

# Ending

Either party may terminate with two months of notice. The notice is given in writing. A party may
terminate at once where the rent is owed for three months. The keys are handed over on the last day.

# Garden

"""
TEXT += " ".join(f"Plant {n} is kept by the landlord and watered in summer." for n in range(60))
QUERY = "When is the rent due?"
PLANT = "Plant 33 is kept by the landlord and watered in summer."
START = TEXT.index(PLANT)
END = START + len(PLANT)
NODE = next(node.id for node in hier.build(TEXT).nodes if node.start <= START < node.end)

# What is typed, and what it is in Python.
SAID = [
    (["-b", "90"], {"budget": 90}),
    (["--budget", "90"], {"budget": 90}),
    (["-b", "auto"], {"budget": "auto"}),
    (["-b", "auto", "--price", "thrifty"], {"budget": "auto", "price": "thrifty"}),
    (["-b", "auto", "--price", "3.5"], {"budget": "auto", "price": 3.5}),
    (["-b", "130", "--price", "20"], {"budget": 130, "price": 20.0}),
    (["-b", "auto", "--ceiling", "40"], {"budget": "auto", "ceiling": 40}),
    (["--ratio", "0.1"], {"ratio": 0.1}),
    (["-b", "90", "--include", "Lease"], {"budget": 90, "must_include": "Lease"}),
    (["-b", "90", "--include", f"{START}:{END}"], {"budget": 90, "must_include": (START, END)}),
    (["-b", "90", "--include", f"node={NODE}"], {"budget": 90, "must_include": NODE}),
    (
        ["-b", "90", "--include", "Lease", "--include", f"node={NODE}"],
        {"budget": 90, "must_include": ["Lease", NODE]},
    ),
    (["-b", "90", "--exclude", "ending"], {"budget": 90, "exclude": "Ending"}),
    (["--exclude", f"{START}:{END}"], {"exclude": (START, END)}),
    (["--exclude", f"node={NODE}"], {"exclude": NODE}),
    (
        ["--exclude", "Lease", "--exclude", f"{START}:{END}"],
        {"exclude": ["Lease", (START, END)]},
    ),
    (["-b", "60", "--minimum", "Garden=0.6"], {"budget": 60, "minimum": {"Garden": 0.6}}),
    (
        ["-b", "60", "--minimum", f"{START}:{END}=0.2"],
        {"budget": 60, "minimum": {(START, END): 0.2}},
    ),
    (["-b", "60", "--minimum", f"node={NODE}=0.2"], {"budget": 60, "minimum": {NODE: 0.2}}),
    (
        ["-b", "60", "--minimum", "Garden=0.5", "--minimum", "Lease=0.3"],
        {"budget": 60, "minimum": {"Garden": 0.5, "Lease": 0.3}},
    ),
    (["-b", "90", "--max-segments", "2"], {"budget": 90, "max_segments": 2}),
    (
        ["-b", "90", "--prefix", "Read:\n", "--suffix", "\nEnd."],
        {"budget": 90, "prefix": "Read:\n", "suffix": "\nEnd."},
    ),
    (["-b", "90", "--order", "relevance"], {"budget": 90, "order": "relevance"}),
    (["-b", "90", "--plain"], {"budget": 90, "headings": False, "gaps": False}),
]


@pytest.fixture(autouse=True)
def lease(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lease.txt").write_text(TEXT, encoding="utf-8")


@pytest.fixture(scope="module")
def tree():
    return hier.build(TEXT)


def asked(run, *arguments):
    """What the command says of its context, as JSON."""
    status, out, _ = run(*arguments, "-q", QUERY, "--json")
    assert status == 0
    facts = json.loads(out)
    del facts["source"], facts["source_tokens"], facts["milliseconds"]
    return facts


def as_json(context):
    return json.loads(json.dumps(context.to_dict()))


@pytest.mark.parametrize(("typed", "meant"), SAID, ids=[" ".join(typed) for typed, _ in SAID])
def test_an_option_is_what_it_says_and_changes_something(run, tree, typed, meant):
    context = as_json(tree.compress(QUERY, **meant))
    assert asked(run, "compress", "lease.txt", *typed) == context
    without = {"budget": meant.get("budget", 2000)}
    if "price" in meant:
        without["price"] = "thorough"
    if meant != without:
        assert as_json(tree.compress(QUERY, **without))["text"] != context["text"]


def test_a_saved_tree_is_asked_with_the_same_options(run, tree):
    tree.save("lease.hier")
    typed = [
        *("-b", "120", "--price", "2.5", "--include", f"node={NODE}", "--exclude", "Lease"),
        *("--minimum", "Garden=0.3", "--max-segments", "3", "--order", "relevance"),
        *("--prefix", "Read: ", "--suffix", " End.", "--plain"),
    ]
    assert asked(run, "query", "lease.hier", *typed) == asked(run, "compress", "lease.txt", *typed)


@pytest.mark.parametrize("part", ["Lease", f"{START}:{END}", f"node={NODE}"])
def test_a_part_is_shown_or_is_not(run, part):
    words = PLANT if part != "Lease" else "The tenant pays 900 euros a month."
    asking = ("compress", "lease.txt", "-q", QUERY, "-b")
    assert words in run(*asking, 60, "--include", part)[1]
    assert words not in run(*asking, 5000, "--exclude", part)[1]


def test_all_that_a_limit_may_say_is_in_the_help_of_both_commands(run):
    def options(command):
        return re.findall(r"^ +(?:-\w, )?--([a-z-]+)", run(command, "--help")[1], re.MULTILINE)

    limits = [
        *("budget", "ratio", "ceiling", "price", "include", "exclude", "minimum"),
        *("max-segments", "prefix", "suffix", "order", "plain"),
    ]
    reading = ["json", "tokenizer", "embedder", "encoding"]
    assert options("compress") == ["query", *limits, *reading, "help"]
    assert options("query") == ["query", "where", *limits, "json", "help"]
    said = {"must_include" if name == "include" else name.replace("-", "_") for name in limits}
    taken = set(inspect.signature(hier.Tree.compress).parameters)
    in_python_only = {"self", "seen", "nested"}
    assert taken - in_python_only == said - {"plain"} | {"query", "headings", "gaps"}


@pytest.mark.parametrize(
    ("typed", "status", "message"),
    [
        (["-b", "many"], 2, "budget 'many' is not a whole number of tokens; pass 1 or more, or"),
        (["-b", "AUTO"], 2, "budget 'AUTO' is not a whole number"),
        (["-b", "auto", "--price", "cheap"], 2, "price 'cheap' is unknown; pass 'thorough',"),
        (["-b", "auto", "--price", "-1"], 2, "price -1 is below zero"),
        (["-b", "auto", "--price", "nan"], 2, "price nan is below zero or not finite"),
        (["--ceiling", "40"], 2, "ceiling 40 goes with budget='auto'"),
        (["-b", "auto", "--ceiling", "0"], 2, "budget 0 is below the least"),
        (["-b", "auto", "--ceiling", "few"], 2, "Invalid value for '--ceiling'"),
        (["--ratio", "0.1", "-b", "90"], 2, "budget 90 and ratio 0.1 are both given"),
        (["--ratio", "2"], 2, "ratio 2.0 is not a share"),
        (["--ratio", "half"], 2, "Invalid value for '--ratio'"),
        (["--minimum", "Garden"], 1, "minimum 'Garden' is not PART=SHARE; pass such as Fees=0.2"),
        (["--minimum", "Garden=half"], 1, "minimum 'Garden=half' is not PART=SHARE"),
        (["--minimum", "Garden=1.5"], 1, "minimum share of 'Garden' is 1.5; pass 0 to 1"),
        (["--minimum", "=0.2"], 1, "minimum has the heading '', which is not there"),
        (["--minimum", "Garden=0.6", "--minimum", "Lease=0.5"], 2, "shares add up to 110%"),
        (["--include", "Gardn"], 1, "must_include has the heading 'Gardn', which is not there"),
        (["--include", "Gardn"], 1, "the text has 'Garden'"),
        (["--exclude", "5:99999"], 1, "exclude has the span 5 to 99999, the text has the"),
        (["--minimum", "9:3=0.5"], 1, "minimum has the span 9 to 3"),
        (["--include", "node=9999"], 1, "there is no node 9999; node ids of this tree are 0 to"),
        (["--include", "node=x"], 1, "must_include has the heading 'node=x'"),
        (["--include", "Lease", "--exclude", "Lease"], 1, "are in must_include and in exclude"),
        (["--include", "Garden", "-b", "50"], 2, "budget is 50"),
        (["--max-segments", "0"], 1, "max_segments 0 is not a whole number; pass 1 or more"),
        (["--order", "random"], 1, "order 'random' is unknown; pass 'document' or 'relevance'"),
        (["--prefix", "word " * 99, "-b", "50"], 2, "prefix has"),
    ],
)
def test_what_cannot_be_is_one_line_with_the_remedy(run, typed, status, message):
    code, out, err = run("compress", "lease.txt", "-q", QUERY, *typed)
    assert (code, out, err.count("\n")) == (status, "", 1)
    assert err.startswith("hier: error: ")
    assert message in err


@pytest.mark.parametrize("budget", ["many", "auto", "1.5"])
def test_an_explanation_is_of_a_number_of_tokens(run, budget):
    code, out, err = run("explain", "lease.txt", "-b", budget)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err == (
        f"hier: error: budget {budget!r} is not a whole number of tokens; pass 1 or more\n"
    )
