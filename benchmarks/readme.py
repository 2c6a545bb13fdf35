"""Write the measured figures into the README and the pages on method, from the result files."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import allocation_page
import corpora_page
import curves
import environment
import messages_page
import models_page
import page
import serving_page

README = environment.REPOSITORY / "README.md"
ALLOCATION = environment.REPOSITORY / "docs" / "allocation.md"
HTTP = environment.REPOSITORY / "docs" / "http.md"
MESSAGES = environment.REPOSITORY / "docs" / "messages.md"
MODELS = environment.REPOSITORY / "docs" / "models.md"
SCALE = environment.REPOSITORY / "docs" / "scale.md"
RELEVANCE = environment.REPOSITORY / "docs" / "relevance.md"
Figures = dict[str, Any]
OURS, NEURAL, BASELINE = "hier", "hier, MiniLM", "DOS RAG, MiniLM"
PLAIN = {OURS: "hier, plain sum", NEURAL: "hier, MiniLM, plain sum"}


def evidence(arena: Figures) -> str:
    """Return tokens saved and evidence kept, ours beside the baseline; the curves; our losses."""
    systems, budgets = arena["systems"], arena["budgets"]
    shown = {
        "evidence kept": OURS,
        "with all-MiniLM-L6-v2": NEURAL,
        "[DOS RAG](https://arxiv.org/abs/2506.03989) with it": BASELINE,
    }
    columns = {title: name for title, name in shown.items() if name in systems}
    rows = [
        [
            f"{budget:,}",
            f"{systems[OURS]['macro'][f'TokensSaved@{budget}'][0]:.1%}",
            *(_percent(systems[name], f"EvidenceRecall@{budget}") for name in columns.values()),
            *([_economy(systems[NEURAL], budget)] if BASELINE in columns.values() else []),
        ]
        for budget in budgets
    ]
    more = ["which needs, for as much"] if BASELINE in columns.values() else []
    head = ["tokens allowed", "tokens saved", *columns, *more]
    return "\n\n".join([page.table(head, rows), *_curves(arena), _losses(arena)]) + "\n"


def _percent(entry: Figures, measure: str) -> str:
    """A macro mean, and by how much its interval reaches further at the most."""
    mean, low, high = entry["macro"][measure]
    return f"{mean:.1%} ± {100 * max(high - mean, mean - low):.1f}"


def _economy(entry: Figures, budget: int) -> str:
    found = entry["against"][f"TokenEconomy@{budget}"]
    sign = {"=": "", ">=": "over ", "<=": "under "}[found["sign"]]
    return f"{sign}{found['value']:.1f}x the tokens"


def _curves(arena: Figures) -> Iterator[str]:
    for embedder in curves.embedders(arena):
        yield f"![Evidence kept, all systems](benchmarks/results/recall-{embedder}.svg)"


def _losses(arena: Figures) -> str:
    """Return in how many cells of set and budget another system was above ours."""
    counts = []
    for name in (OURS, NEURAL):
        if name in arena["systems"]:
            entry = arena["systems"][name]
            lost = page.losses(arena, name, curves.of_embedder(arena, entry["embedder"]))
            cells = page.cells(arena, name)
            counts.append(f"{len(lost)} of {cells} ({name})")
    return (
        "± is the 95% interval of a bootstrap over documents and questions. "
        f"{len(arena['systems'])} systems ran. The best of the others kept more evidence in "
        f"{', '.join(counts)} cells of set and budget; "
        "[every table, every loss and every rule](docs/benchmarks.md)."
    )


def overview(arena: Figures) -> str:
    """Return the content words of reference summaries kept, ours beside others."""
    shown = {
        "overview": "hier, no question",
        "asked": OURS,
        "DOS RAG, asked": "DOS RAG",
        "the text's beginning": "head",
    }
    columns = {title: name for title, name in shown.items() if name in arena["systems"]}
    rows = [
        [
            f"{budget:,}",
            *(
                _percent(arena["systems"][name], f"ReferenceRecall@{budget}")
                for name in columns.values()
            ),
        ]
        for budget in arena["budgets"]
    ]
    return page.table(["tokens allowed", *columns], rows) + "\n"


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


def learned(arena: Figures) -> str:
    """Return the learned relevance beside the plain sum, set by set."""
    systems = arena["systems"]
    parts = []
    for ours, plain in PLAIN.items():
        if ours in systems and plain in systems:
            embedder = systems[ours]["embedder"]
            parts.append(
                f"Vectors: {embedder}. Each cell: learned / plain sum; bold where it lost."
            )
            means = ["*mean of sets*", *_pairs(arena, ours, plain)]
            parts.append(f"{page.beside(arena, ours, plain)}\n| {' | '.join(means)} |")
    return "\n\n".join(parts) + "\n" if parts else ""


def _pairs(arena: Figures, *names: str) -> Iterator[str]:
    for budget in arena["budgets"]:
        macro = (arena["systems"][name]["macro"][f"EvidenceRecall@{budget}"][0] for name in names)
        yield " / ".join(f"{mean:.3f}" for mean in macro)


def ablation(result: Figures) -> str:
    """Return every row of the ablation, the groups of features by what is lost without them."""
    rows, settings = result["rows"], result["settings"]
    first, again = rows[0], [row for row in rows[1:] if row["name"].startswith(rows[0]["name"])]
    groups = sorted((row for row in rows if row["without"]), key=lambda row: _less(row, first))
    others = [row for row in rows[1:] if not row["without"] and row not in again]
    shown = [
        [
            row["name"],
            str(row["features"] or "–"),
            *(f"{value:.1%}" for value in row["macro"]),
            "" if row is first else f"{_less(row, first):+.1f}",
            "" if row is first else f"{_worse(row, first)} of {len(row['sets'])}",
        ]
        for row in (first, *again, *groups, *others)
    ]
    budgets = [f"{budget:,}" for budget in result["budgets"]]
    head = ["", "features", *budgets, "mean, in points", "sets that lose"]
    moved = max(
        abs(one - other)
        for row in again
        for one, other in zip(row["macro"], first["macro"], strict=True)
    )
    mean = max(abs(_less(row, first)) for row in again)
    times = "once" if len(again) == 1 else f"{len(again)} times"
    networks = "one network" if settings["networks"] == 1 else f"{settings['networks']} networks"
    return (
        f"{settings['questions']:,} questions, vectors: {settings['embedder']}, {networks} a fold, "
        f"{len(settings['folds'])} folds of whole families. The same training with the examples in "
        f"another order, {times}, moved cells by up to {100 * moved:.1f} points and the mean by "
        f"{mean:.1f}: differences no larger than that are chance, and those little larger may be."
        "\n\n"
        f"{page.table(head, shown)}\n"
    )


def _less(row: Figures, first: Figures) -> float:
    """How many points a row is above the first, mean over budgets."""
    pairs = zip(row["macro"], first["macro"], strict=True)
    return 100 * sum(one - other for one, other in pairs) / len(first["macro"])


def _worse(row: Figures, first: Figures) -> int:
    """On how many sets a row is below the first, mean over budgets."""
    return sum(sum(row["sets"][name]) < sum(values) for name, values in first["sets"].items())


def descent(result: Figures) -> str:
    """Return what descent keeps and saves beside scoring every leaf, a row a text and way."""
    budgets = result["settings"]["budgets"]
    rows = [
        [
            f"{text['tokens']:,}",
            way,
            f"{text['leaves'] if way == 'every leaf' else text['opened']:,}",
            *(f"{recall:.1%}" for recall in recalls),
            "" if way == "every leaf" else f"{text['same_pool']:.1%}",
            f"{text['milliseconds'][way]:.0f} ms",
        ]
        for text in result["texts"]
        for way, recalls in text["recall"].items()
    ]
    kept = [f"evidence at {budget:,}" for budget in budgets]
    head = ["tokens", "scored", "leaves scored", *kept, "of the 768 the same", "weighing"]
    changed = " and ".join(
        f"{sum(text['changed'][i] for text in result['texts'])} at {budget:,}"
        for i, budget in enumerate(budgets)
    )
    asked = sum(text["questions"] for text in result["texts"])
    return (
        f"{page.table(head, rows)}\n\n"
        f"Of {asked:,} questions the evidence kept differs in {changed} tokens, either way. "
        "Vectors: static. Leaves scored and times are medians over questions, and of each question "
        "the best of three.\n"
    )


Sections = dict[str, tuple[Callable[[Figures], str], str]]
SECTIONS: Sections = {
    "evidence": (evidence, "arena.json"),
    "overview": (overview, "arena.json"),
    "speed": (speed, "speed.json"),
    "corpora": (corpora_page.shortly, "corpora.json"),
    "soak": (soak, "soak.json"),
    "balanced": (allocation_page.balanced, "thrift.json"),
}
PAGES: dict[Path, Sections] = {
    README: SECTIONS,
    ALLOCATION: {
        "exact": (allocation_page.exact, "allocation.json"),
        "greedy": (allocation_page.greedy, "allocation.json"),
        "time": (allocation_page.time, "allocation.json"),
        "thrift": (allocation_page.thrift, "thrift.json"),
    },
    HTTP: {"load": (serving_page.load, "serving.json")},
    MESSAGES: {"talks": (messages_page.talks, "messages.json")},
    MODELS: {
        "builds": (models_page.builds, "models.json"),
        "edits": (models_page.edits, "edits.json"),
        "fidelity": (models_page.fidelity, "fidelity.json"),
        "asking": (models_page.asking, "asking.json"),
    },
    SCALE: {
        "built": (corpora_page.built, "corpora.json"),
        "asked": (corpora_page.asked, "corpora.json"),
        "stored": (corpora_page.stored, "corpora.json"),
        "pooled": (corpora_page.pooled, "pooled.json"),
        "costs": (corpora_page.costs, "corpora.json"),
        "plan": (corpora_page.plan, "corpora.json"),
    },
    RELEVANCE: {
        "learned": (learned, "arena.json"),
        "ablation": (ablation, "ablation.json"),
        "descent": (descent, "descent.json"),
    },
}


def filled(text: str, folder: Path = environment.RESULTS, sections: Sections = SECTIONS) -> str:
    """Return a page with what stands between each pair of marks made anew.

    A section whose result was never stored is left as it stands; `missing` names it.
    """
    for name, (write, file) in sections.items():
        path = folder / file
        if path.exists():
            opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
            before, rest = text.split(opening)
            _, after = rest.split(closing)
            result = json.loads(path.read_text(encoding="utf-8"))
            text = before + opening + write(result) + closing + after
    return text


def missing(folder: Path = environment.RESULTS, sections: Sections = SECTIONS) -> list[str]:
    """Return the sections whose result is not stored."""
    return [name for name, (_, file) in sections.items() if not (folder / file).exists()]


if __name__ == "__main__":
    for place, wanted in PAGES.items():
        text = place.read_text(encoding="utf-8")
        place.write_text(filled(text, sections=wanted), encoding="utf-8")
        for name in missing(sections=wanted):
            print(f"no {wanted[name][1]}: section {name} left as it stands", file=sys.stderr)
