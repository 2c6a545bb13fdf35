"""What `docs/models.md` says of builds, edits, fidelity and asking, from the result files."""

from statistics import median
from typing import Any

import page

Figures = dict[str, Any]


def builds(result: Figures) -> str:
    """How near to the ideal time a build is, and what a kill and faults cost."""
    ideal, killed, faults = result["ideal"], result["killed"], result["faults"]
    names = {"function": "an async function", "client": "LlamaIndex's OpenAI client, on loopback"}
    rows = [
        [names[name], f"{median(seconds):.2f} s", f"{median(seconds) / ideal:.2f}"]
        for name, seconds in result["seconds"].items()
    ]
    usual = result["usual"]
    rows.append(
        [
            f"the same, {usual['delay']} s a call",
            f"{usual['seconds']:.1f} s",
            f"{usual['seconds'] / usual['ideal']:.2f}",
        ]
    )
    wrong = sum(faults["faults"].values())
    outcome = "the same tree" if faults["same"] else "ANOTHER tree"
    return (
        f"{sum(result['nodes'])} summaries, {1000 * result['delay']:.0f} ms a call, "
        f"{result['in_flight']} in flight; ideal is {ideal:.2f} s, levels waiting for each other:\n"
        f"\n{page.table(['called through', 'time', 'of the ideal'], rows)}\n\n"
        f"Killed half-way and started again: {killed['repeated']} calls made twice, "
        f"{result['in_flight']} were in flight. A second build: {killed['again']} calls. With "
        f"{wrong} attempts that went wrong in nine ways: {outcome}.\n"
    )


def edits(result: Figures) -> str:
    """How many calls an edit takes."""
    names = {
        "kept": "with the earlier tree (`previous=`, `--update`)",
        "in a row": "so, one edit upon another",
        "afresh": "without it",
    }
    rows = [
        [
            title,
            f"{found['within_depth']:.1%}",
            f"{found['within_one_more']:.1%}",
            f"{found['over_worst']}",
        ]
        for way, title in names.items()
        for found in [result["all"][way]]
    ]
    head = ["built", "at most depth calls", "at most depth + 1", "worst, calls above depth"]
    return (
        f"{result['all']['kept']['edits']} edits of {len(result['texts'])} real texts of about a "
        "thousand passages: a paragraph or a sentence replaced, inserted or deleted.\n\n"
        f"{page.table(head, rows)}\n"
    )


def fidelity(result: Figures) -> str:
    """What the check of summaries catches, and what it flags falsely."""
    halves = result["found"]
    rows = [
        [target["name"].rpartition(", ")[0], half, f"{target['measured']:.1%}"]
        for half in halves
        for target in result["targets"]
        if target["name"].endswith(f", {half}")
    ]
    last = list(halves)[-1]
    missed = [
        f"{kind.replace(': ', ', ')}: {row['caught']:.0%} of {row['planted']:,}"
        for kind, row in halves[last]["caught"].items()
        if row["caught"] < 0.9
    ]
    about = f"\nHardly caught ({last}): {'; '.join(missed)}.\n" if missed else ""
    return f"{page.table(['', 'data sets', 'share'], rows)}\n{about}"


def asking(result: Figures) -> str:
    """What one context, coarse to fine and the whole text take."""
    rows = [
        [
            f"{row['mode']}, {row['price'] or 'filled'}",
            f"{row['budget']:,}",
            f"{row['tokens']:,.0f}",
            f"{row['calls']:.1f}",
            f"{row['shown']:.0%}",
        ]
        for row in result["rows"]
    ]
    head = ["mode, price", "budget", "tokens of all calls", "calls", "evidence shown"]
    return (
        f"A scripted reader stands in for a model, {result['questions']} questions; the whole text "
        f"has {result['rows'][0]['whole']:,.0f} tokens on average.\n\n{page.table(head, rows)}\n"
    )
