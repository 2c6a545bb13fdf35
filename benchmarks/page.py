"""The page of an arena result for the docs: every table, every loss, every failure, every rule.

Nothing on it is written by hand but the words between the figures. Systems stand by embedder, the
best first; an interval is the 95% of the bootstrap.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import curves
import environment
import report

Figures = dict[str, Any]
AT_ONCE = 1e8  # tokens a second that only a system reaches that reads nothing beforehand
PAGE = environment.REPOSITORY / "docs" / "benchmarks.md"


def page(result: Figures, charts: Sequence[Path], folder: Path) -> str:
    """The whole page in Markdown; charts are linked as seen from the folder."""
    images = {path.stem: os.path.relpath(path, folder) for path in charts}
    parts = [
        _opening(result),
        *(_embedder(result, name, images) for name in curves.embedders(result)),
        _overview(result, images),
        _costs(result),
        _troubles(result),
        _rules(result),
        _suite(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column left and the others right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _opening(result: Figures) -> str:
    about = result["environment"]
    state = " with changes that no commit has" if about["dirty"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return f"""# The arena, measured

Every system got the same documents, questions and token budgets, and where it takes an embedder the
same one; it was charged for all the text it returned, counted by tiktoken as
{result["settings"]["tokenizer"]}.

This page is written by `benchmarks/results.py` from `benchmarks/results/arena.json`; the
values of every question are in `arena-records.jsonl.gz` beside it. What the measures are, and how
to run this, is in [benchmarks](../benchmarks/README.md).

Measured {about["date"]} at commit {about["commit"]}{state}, Python {about["python"]},
{about["processor"]}, seed {about["seed"]}, {result["resamples"]:,} resamples. {packages}."""


def _embedder(result: Figures, embedder: str, images: dict[str, str]) -> str:
    """Curve, recalls, what the baseline needs, and each set, for the systems of one embedder."""
    names = curves.of_embedder(result, embedder)
    names = [n for n in names if _has(result, n, "EvidenceRecall")]
    if not names:
        return ""
    parts = [f"## Evidence, embedder {embedder}"]
    if f"recall-{embedder}" in images:
        parts.append(f"![Recall against tokens allowed]({images[f'recall-{embedder}']})")
    parts.append("Share of the gold evidence in the context, mean over sets, and its interval.")
    parts.append(_macro(result, names, "EvidenceRecall"))
    parts += _against(result, names, embedder)
    for kind, words in (
        ("AnswerRecall", "Share of questions whose answer stands in the context"),
        ("LiteralRecall", "Share of the evidence's numbers, dates, names and identifiers kept"),
    ):
        if _has(result, names[0], kind):
            parts += [f"{words}, mean over the sets that have such.", _macro(result, names, kind)]
    parts += _each_set(result, names, images.get(f"sets-{embedder}"))
    return "\n\n".join(parts)


def _has(result: Figures, name: str, kind: str) -> bool:
    return f"{kind}@{result['budgets'][0]}" in result["systems"][name]["macro"]


def _macro(result: Figures, names: Sequence[str], kind: str) -> str:
    budgets = result["budgets"]
    rows = []
    for name in names:
        entry = result["systems"][name]
        cells = [entry["macro"].get(f"{kind}@{budget}") for budget in budgets]
        shown = f"**{name}**" if entry["ours"] else name
        rows.append([shown, *(_interval(cell, ".3f") for cell in cells)])
    return table(["tokens allowed", *(f"{budget:,}" for budget in budgets)], rows)


def _interval(cell: Sequence[float] | None, form: str) -> str:
    if not cell:
        return "–"
    return f"{cell[0]:{form}} ({cell[1]:{form}} to {cell[2]:{form}})"


def _against(result: Figures, names: Sequence[str], embedder: str) -> Iterator[str]:
    """Difference and ratio to the baseline, and the tokens it needs for the same recall."""
    systems, budgets = result["systems"], result["budgets"]
    own = (systems[n]["baseline"] for n in names if systems[n]["embedder"] == embedder)
    base = next(filter(None, own), None)
    beside = [n for n in names if base and systems[n]["baseline"] == base]
    if not beside:
        return
    head = ["tokens allowed", *(f"{budget:,}" for budget in budgets)]
    for key, words, form in (
        ("difference", f"Evidence recall less that of {base}", "+.3f"),
        ("ratio", f"Evidence recall as a multiple of that of {base}", ".2f"),
    ):
        rows = [
            [name, *(_interval(_cell(result, name, budget, key), form) for budget in budgets)]
            for name in beside
        ]
        yield f"{words}, on the same resampled questions."
        yield table(head, rows)
    yield (
        f"Token economy: how many times the tokens {base} needs for the same recall. It was run "
        f"at up to {max(_tried(result, base)):,} tokens; ≥ says that these were not enough."
    )
    yield table(head, [[n, *(_economy(result, n, b) for b in budgets)] for n in beside])


def _cell(result: Figures, name: str, budget: int, key: str) -> Any:
    found = result["systems"][name]["against"].get(f"EvidenceRecall@{budget}")
    return found and found[key]


def _tried(result: Figures, base: str) -> list[int]:
    macro = result["systems"][base]["macro"]
    return [int(m.partition("@")[2]) for m in macro if m.startswith("EvidenceRecall@")]


def _economy(result: Figures, name: str, budget: int) -> str:
    found = result["systems"][name]["against"].get(f"TokenEconomy@{budget}")
    if not found:
        return "–"
    sign = "" if found["sign"] == "=" else f"{found['sign']} "
    return _signs(f"{sign}{found['value']:.2f} ({found['low']} to {found['high']})")


def _signs(text: str) -> str:
    return text.replace(">= ", "≥ ").replace("<= ", "≤ ")


def _each_set(result: Figures, names: Sequence[str], image: str | None) -> Iterator[str]:
    """Ours beside the baseline on each set, then every cell in which any system is above ours."""
    ours = next((n for n in names if result["systems"][n]["ours"]), None)
    base = ours and result["systems"][ours]["baseline"]
    if not ours:
        return
    if base:
        yield f"### {ours} beside {base}, set by set"
        if image:
            yield f"![Recall on each set]({image})"
        yield f"Each cell: {ours} / {base}; bold where we lose."
        yield beside(result, ours, base)
    lost = losses(result, ours, names)
    yield f"### Where {ours} is not the best"
    if not lost:
        yield "Nowhere, on any set at any budget."
        return
    yield f"{len(lost)} of {cells(result, ours)} cells of set and budget."
    yield table(["set", "tokens allowed", "ours", "best", "by"], lost)


def beside(result: Figures, ours: str, base: str) -> str:
    """Evidence recall of two systems on each set, theirs bold where it is the higher."""
    budgets = result["budgets"]
    us, them = result["systems"][ours]["sets"], result["systems"][base]["sets"]
    rows = []
    for name in us:
        shown = []
        for measure in (f"EvidenceRecall@{budget}" for budget in budgets):
            if measure in us[name] and measure in them.get(name, {}):
                left, right = us[name][measure], them[name][measure]
                cell = f"{left:.3f} / {right:.3f}"
                shown.append(f"**{cell}**" if left < right else cell)
        if shown:
            rows.append([name, *shown])
    return table(["set", *(f"{budget:,}" for budget in budgets)], rows)


def cells(result: Figures, ours: str) -> int:
    """How many cells of set and budget have evidence to be found."""
    sets = result["systems"][ours]["sets"].values()
    return sum(measure.startswith("EvidenceRecall@") for held in sets for measure in held)


def losses(result: Figures, ours: str, names: Sequence[str]) -> list[list[str]]:
    """Every set and budget at which another of these systems has more evidence than ours."""
    systems = result["systems"]
    found = []
    for name, values in systems[ours]["sets"].items():
        for budget in result["budgets"]:
            measure = f"EvidenceRecall@{budget}"
            if measure not in values:
                continue
            rivals = {n: systems[n]["sets"].get(name, {}).get(measure, 0.0) for n in names}
            best = max((n for n in names if not systems[n]["ours"]), key=rivals.get, default=None)
            if best and rivals[best] > values[measure]:
                pair = (f"{values[measure]:.3f}", f"{rivals[best]:.3f}")
                found.append([name, f"{budget:,}", *pair, best])
    return found


def _overview(result: Figures, images: dict[str, str]) -> str:
    kinds = ("ReferenceRecall", "Rouge1Recall", "Rouge2Recall")
    names = [n for n in result["systems"] if _has(result, n, kinds[0])]
    if not names:
        return ""
    first = f"{kinds[0]}@{result['budgets'][0]}"
    names.sort(key=lambda n: -result["systems"][n]["macro"][first][0])
    parts = ["## Overviews"]
    if "overview" in images:
        parts.append(f"![Recall of references against tokens allowed]({images['overview']})")
    for kind in kinds:
        parts += [f"Mean over sets: {report.TITLES[kind]}.", _macro(result, names, kind)]
    return "\n\n".join(parts)


def _costs(result: Figures) -> str:
    costs = {n: c for n, c in result["costs"].items() if "failure" not in c}
    if not costs:
        return ""
    rows = [
        [
            name,
            _pace(cost["build_tokens_per_second"]),
            f"{cost['query_milliseconds']:,.1f}",
            f"{cost['peak_megabytes']:,.0f}",
            f"{result['systems'][name]['model_tokens'] or 0:,.0f}",
        ]
        for name, cost in costs.items()
        if name in result["systems"]
    ]
    tokens = next(iter(costs.values()))["tokens"]
    head = ["", "tokens read a second", "ms a question", "peak MB", "model tokens"]
    return f"""## What they cost

One text of {tokens:,.0f} tokens, each system in a process of its own, no vector kept from before,
models loaded before the clock starts; memory includes libraries and models. Model tokens are those
that a language model read and wrote to index a document of the suites or to make a context, mean
over documents.

{table(head, rows)}"""


def _pace(tokens_per_second: float) -> str:
    return f"{tokens_per_second:,.0f}" if tokens_per_second < AT_ONCE else "at once"


def _troubles(result: Figures) -> str:
    lines = list(report.troubles(result))
    lines += [
        f"{name}: cost not measured: {cost['failure']}"
        for name, cost in result["costs"].items()
        if "failure" in cost
    ]
    listed = "\n".join(f"- {line}" for line in lines)
    return "## What went wrong, and what was not run\n\n" + (
        listed or "Nothing: every system ran on every document and kept every budget."
    )


def _rules(result: Figures) -> str:
    lines = (
        f"- {name}{_from(entry['package'], result)}: {entry['rule']}"
        for name, entry in result["systems"].items()
    )
    return "## How each keeps within a budget\n\n" + "\n".join(lines)


def _from(package: str | None, result: Figures) -> str:
    version = result["environment"]["packages"].get(package)
    return f" ({package} {version})" if version else ""


def _suite(result: Figures) -> str:
    rows = [
        [name, *(str(held[key]) for key in ("documents", "evidence", "overview"))]
        for name, held in result["suite"].items()
    ]
    head = ["set", "documents", "questions with evidence", "overview questions"]
    return f"## The sets\n\n{table(head, rows)}"
