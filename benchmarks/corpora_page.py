"""What `docs/scale.md` and the README say of corpora, written from the result files."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import corpora_plan
import page
from corpora_plan import Machine
from corpora_targets import growth, pace

Figures = dict[str, Any]
CHARTS = "../benchmarks/results"
PLANNED = ((1e9, 10e6), (1e9, 100e6), (1e12, 10e6), (1e12, 100e6))  # tokens, and of a shard
MACHINE = Machine()


def built(result: Figures) -> str:
    """How fast documents of each length are built, by one worker and by two, and again."""
    rows = [
        [
            f"{row['length']:,}",
            f"{row['documents']:,}",
            f"{pace(row):,.0f}",
            f"{row['seconds'] / row['encode_seconds']:.1f}",
            f"{row['store_bytes'] / row['text_bytes']:.2f}",
        ]
        for row in result["build"]["rows"]
    ]
    head = ["tokens of a document", "documents", "tokens/s", "x one encode", "store / text"]
    spread, again = result["workers"], result["again"]
    paces = [f"{pace(spread[who]):,.0f}" for who in ("one", "two")]
    return (
        f"{page.table(head, rows)}\n\n"
        f"![Tokens a second against the length of a document]({CHARTS}/corpora-build.svg)\n\n"
        f"Documents short and long, {spread['one']['tokens']:,} tokens together, each process "
        f"loading its tables: {paces[0]} tokens/s by one worker, {paces[1]} by two, "
        f"{spread['speedup']:.2f} times as many. The whole command over {again['files']:,} files "
        f"of {again['file_tokens']:,} tokens: {again['first_seconds']:.1f} s the first time, "
        f"{median(again['unchanged_seconds']):.2f} s when nothing has changed, "
        f"{median(again['changed_seconds']):.2f} s when one file has.\n"
    )


def asked(result: Figures) -> str:
    """What opening a corpus takes, and a question, against its size."""
    found = result["sizes"]["rows"]
    rows = [
        [
            f"{row['tokens']:,}",
            f"{row['documents']:,}",
            f"{row['open_seconds']:.2f} s",
            f"{row['first_ms']:,.0f} ms",
            f"{row['ms']['median']:.0f} ms",
            f"{row['ms']['p95']:.0f} ms",
            f"{row['leaves_scored']:,.0f} of {row['leaves']:,}",
            f"{row['peak_bytes'] / 1e6:,.0f} MB",
        ]
        for row in found
    ]
    head = [
        "tokens", "documents", "open", "first question", "median", "95 %", "leaves scored",
        "memory",
    ]  # fmt: skip
    kinds = [
        [kind, f"{told['questions']}", *(f"{row['kinds'][kind]['ms']:.0f}" for row in found)]
        for kind, told in found[-1]["kinds"].items()
    ]
    sizes = [f"{row['tokens']:,} tokens" for row in found]
    shards = ", ".join(
        f"{row['ms']['median']:.0f} ms from {row['shards']}" for row in result["shards"]["rows"]
    )
    return (
        f"{page.table(head, rows)}\n\n"
        f"![Milliseconds a question against the size of a corpus]({CHARTS}/corpora-ask.svg)\n\n"
        f"With the size a question's time grows with exponent {_growth(found, _question)}, its "
        f"leaves scored with {_growth(found, _leaves)}, time to open with {_growth(found, _open)}, "
        f"memory with {_growth(found, _memory)} (1 is linear). Median milliseconds by kind:\n\n"
        f"{page.table(['question', 'asked', *sizes], kinds)}\n\n"
        f"A corpus of {result['shards']['rows'][0]['tokens']:,} tokens, asked by one process: "
        f"{shards} shards; the answers are {_same(result)}.\n"
    )


def _question(row: Figures) -> float:
    return float(row["ms"]["median"])


def _leaves(row: Figures) -> float:
    return float(row["leaves_scored"])


def _open(row: Figures) -> float:
    return float(row["open_seconds"])


def _memory(row: Figures) -> float:
    return float(row["peak_bytes"])


def _growth(rows: Sequence[Figures], value: Any) -> str:
    return f"{growth(rows, value):.2f}"


def _same(result: Figures) -> str:
    return "the same" if result["shards"]["same_answers"] else "**not** the same"


def stored(result: Figures) -> str:
    """What a corpus takes on disk."""
    rows = [
        [
            f"{row['tokens']:,}",
            *(f"{size / 1e6:,.2f} MB" for size in sizes),
            f"{sizes[1] / sizes[0]:.2f}",
            f"{sizes[2] / sizes[0]:.2f}",
        ]
        for row in result["sizes"]["rows"]
        for built in [row["built"]]
        for sizes in [(built["text_bytes"], built["store_bytes"], row["index"]["bytes"])]
    ]
    head = ["tokens", "text", "store", "index", "store / text", "index / text"]
    return (
        f"{page.table(head, rows)}\n\n"
        f"![Megabytes of store and index against text]({CHARTS}/corpora-store.svg)\n"
    )


def pooled(result: Figures) -> str:
    """Evidence kept beside scoring every tree in full, and at what cost."""
    budgets = result["settings"]["budgets"]
    rows = [
        [
            name,
            str(row["questions"]),
            *(
                f"{own:.3f} / {full:.3f}"
                for own, full in zip(row["corpus"], row["every tree"], strict=True)
            ),
        ]
        for name, row in result["sets"].items()
    ]
    macro = zip(result["macro"]["corpus"], result["macro"]["every tree"], strict=True)
    means = [f"{own[0]:.3f} / {full[0]:.3f}" for own, full in macro]
    rows.append(["*mean of sets*", str(result["settings"]["questions"]), *means])
    ratios = [f"**{mean:.1%}** ({low:.1%} to {high:.1%})" for mean, low, high in result["ratio"]]
    rows.append(["*of every tree's*", "", *ratios])
    cost = result["cost"]
    head = ["", "questions", *(f"{budget:,} tokens" for budget in budgets)]
    return (
        f"{result['settings']['documents']:,} documents, {result['settings']['questions']} "
        "questions to all of them at once. Evidence recall, corpus / every tree scored in full:\n\n"
        f"{page.table(head, rows)}\n\n"
        "In brackets the 95 % interval of a bootstrap over documents and questions. A question "
        f"takes {cost['corpus']['ms']:.0f} ms beside {cost['every tree']['ms']:,.0f} ms (medians), "
        f"and scores {cost['corpus']['leaves']:,.0f} leaves beside "
        f"{cost['every tree']['leaves']:,.0f}.\n"
    )


def costs(result: Figures) -> str:
    """What a million tokens cost."""
    found = corpora_plan.costs(result)
    largest = result["sizes"]["rows"][-1]["tokens"]
    rows = [
        ["build", f"{found.processor_seconds:.1f} s of a core"],
        ["store, text included", f"{found.store / 1e6:.2f} MB, of {found.text / 1e6:.2f} MB text"],
        ["index, derived", f"{found.index / 1e6:.2f} MB, {found.passages:,.0f} passages"],
        ["index made anew", f"{found.index_seconds.million:.2f} s"],
        ["one document added", _grows(found.change_seconds, 1e3, "ms")],
        ["open", f"{1e3 * found.open_seconds.million:.1f} ms"],
        ["memory of a process that asks", _grows(found.memory, 1e-6, "MB")],
        ["a question", _grows(found.question_ms, 1, "ms")],
        ["a further shard, to a question", f"{found.shard_ms:.1f} ms, whatever its size"],
    ]
    scan = found.question_ms.million / found.passages * 1e6
    return (
        f"{page.table(['a million tokens', 'cost'], rows)}\n\n"
        f"Lines through corpora of up to {largest:,} tokens. A question to a million passages more "
        f"takes {scan:.0f} ms more: the search is exact, and looks at each.\n"
    )


def _grows(line: corpora_plan.Line, scale: float, unit: str) -> str:
    return (
        f"{line.million * scale:.1f} {unit}, and {line.fixed * scale:.0f} {unit} whatever the size"
    )


def plan(result: Figures) -> str:
    """What a billion and a trillion tokens would take."""
    found = corpora_plan.costs(result)
    plans = [corpora_plan.plan(found, *sizes, MACHINE) for sizes in PLANNED]
    lines = {
        "shards": lambda p: f"{p.shards:,} of {p.shard / 1e6:.0f}M",
        "documents": lambda p: _large(p.documents),
        "store, text included": lambda p: _bytes(p.store),
        "index files": lambda p: _bytes(p.index),
        "building, hours of a core": lambda p: f"{p.core_hours:,.1f}",
        "memory, all indexes open": lambda p: _bytes(p.memory),
        f"machines of {MACHINE.gigabytes} GB for that": lambda p: f"{p.machines:,}",
        f"building on these, {MACHINE.cores} cores each": lambda p: f"{p.hours:.1f} hours",
        "search, seconds of a core a question": lambda p: f"{p.search_seconds:,.1f}",
        "the same on all their cores": lambda p: f"{p.spread_ms:,.0f} ms",
        "work for the shards in the one that asks": lambda p: _milliseconds(p.merging_ms),
        "one document added": lambda p: f"{p.change_seconds:.1f} s",
    }
    rows = [[name, *(told(each) for each in plans)] for name, told in lines.items()]
    head = ["", *(f"{_power(each.tokens)} tokens" for each in plans)]
    return f"{page.table(head, rows)}\n"


def _power(tokens: float) -> str:
    return {1e9: "10⁹", 1e12: "10¹²"}[tokens]


def _bytes(size: float) -> str:
    for unit, letters in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB")):
        if size >= unit:
            return f"{size / unit:,.1f} {letters}"
    return f"{size / 1e6:,.0f} MB"


def _large(number: float) -> str:
    return f"{number / 1e6:,.1f} million"


def _milliseconds(value: float) -> str:
    return f"{value / 1e3:,.0f} s" if value >= 10_000 else f"{value:,.0f} ms"


def shortly(result: Figures) -> str:
    """What the README says: building, asking, syncing again."""
    row, again = result["sizes"]["rows"][-1], result["again"]
    slowest = min(map(pace, result["build"]["rows"]))
    built = row["built"]
    return (
        f"- a folder of plain text: at least {slowest:,.0f} tokens/s a core into the store, "
        f"{result['workers']['speedup']:.2f} times as many with two workers\n"
        f"- {again['files']:,} files again: {median(again['unchanged_seconds']):.2f} s when none "
        f"has changed, {median(again['changed_seconds']):.2f} s when one has\n"
        f"- {row['tokens'] / 1e6:.0f}M tokens in {row['documents']:,} documents: opened in "
        f"{row['open_seconds']:.2f} s, a question {row['ms']['median']:.0f} ms, "
        f"{row['peak_bytes'] / 1e6:,.0f} MB of memory, a store of "
        f"{built['store_bytes'] / built['text_bytes']:.1f} times the text "
        "([what grows how](docs/scale.md))\n"
    )
