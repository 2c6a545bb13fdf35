"""Write the measured figures into the README, from the stored result files."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import environment

README = Path(__file__).parents[1] / "README.md"


def evidence(static: dict[str, Any], neural: dict[str, Any]) -> str:
    """Return tokens saved and evidence kept, without and with a neural model."""
    rows = (
        f"| {int(budget):,} | {cell['saved']:.1%} | {cell['recall']:.1%} "
        f"| {neural['macro'][budget]['recall']:.1%} |\n"
        for budget, cell in static["macro"].items()
    )
    head = "| tokens allowed | tokens saved | evidence kept | with all-MiniLM-L6-v2 |\n"
    return head + "|---|---|---|---|\n" + "".join(rows)


def overview(result: dict[str, Any]) -> str:
    """Return the content words of reference summaries kept, beside the text's beginning."""
    ours, lead = result["macro"]["hier, no question"], result["macro"]["lead"]
    rows = (
        f"| {int(budget):,} | {ours[budget]['content_words']:.1%} "
        f"| {lead[budget]['content_words']:.1%} |\n"
        for budget in ours
    )
    return "| tokens allowed | overview | the text's beginning |\n|---|---|---|\n" + "".join(rows)


def speed(result: dict[str, Any]) -> str:
    """Return what reading, asking, loading and starting cost, as a list."""
    row = next(row for row in result["lengths"] if row["tokens"] > 900_000)
    return (
        f"- reading 1M tokens: {row['build_seconds']:.1f} s, {row['ratio']:.1f} times one tiktoken "
        f"encode of them (at most {max(r['ratio'] for r in result['lengths']):.1f} times, from 10k "
        "to 10M)\n"
        f"- a question to them: {row['compress_ms_median']:.0f} ms; loading their saved tree: "
        f"{1000 * median(result['load_seconds']):.0f} ms\n"
        f"- memory: {result['memory']['peak_bytes_per_token']:.0f} bytes a token while reading, "
        f"{result['memory']['tree_bytes_per_token']:.0f} after\n"
        f"- `import hier`: {1000 * median(result['import_seconds']):.0f} ms; `hier compress` of "
        f"106k tokens, all in all: {median(result['command_line_seconds']):.1f} s\n"
    )


def soak(result: dict[str, Any]) -> str:
    """Return how many generated cases were tried and how many broke a guarantee."""
    tried = f"{result['cases']:,} generated cases, hostile ones among them"
    return f"{tried}: {result['failed']} failed.\n"


SECTIONS = {
    "evidence": (evidence, "evidence-static.json", "evidence-all-MiniLM-L6-v2.json"),
    "overview": (overview, "overview-static.json"),
    "speed": (speed, "speed.json"),
    "soak": (soak, "soak.json"),
}


def filled(text: str) -> str:
    """Return the README with what stands between each pair of marks made anew."""
    for name, (write, *files) in SECTIONS.items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(opening)
        _, after = rest.split(closing)
        paths = (environment.RESULTS / file for file in files)
        results = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
        text = before + opening + write(*results) + closing + after
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
