"""Charts of an arena result: recall against tokens, one line a system; and each set by itself.

Ours are blue with their confidence band, the baseline dark, all others grey with a mark of their
own. The same result gives the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charts import OTHER, OURS, plain_axes, save

BASELINE, LOSS = "#333333", "#c03a2b"
MARKS = "osD^v<>PXph*"
Figures = dict[str, Any]


def draw(result: Figures, folder: Path) -> list[Path]:
    """Every chart that the result has figures for, one an embedder where embedders differ."""
    drawn = []
    for embedder in embedders(result):
        systems = of_embedder(result, embedder)
        title = f"Gold evidence in the context, embedder {embedder}"
        path = folder / f"recall-{embedder}.svg"
        drawn += _curve(result, systems, "EvidenceRecall", title, "recall, mean over sets", path)
        drawn += _sets(result, systems, folder / f"sets-{embedder}.svg")
    title = "Content words of reference summaries in the context"
    path = folder / "overview.svg"
    every = list(result["systems"])
    drawn += _curve(result, every, "ReferenceRecall", title, "recall, mean over sets", path)
    return drawn


def embedders(result: Figures) -> list[str]:
    """The embedders that systems were given, ``"static"`` first, and alone where none took any."""
    found = {entry["embedder"] for entry in result["systems"].values()} - {None}
    return sorted(found, key=lambda name: (name != "static", name)) or ["static"]


def of_embedder(result: Figures, embedder: str) -> list[str]:
    """The systems that were given an embedder, and those that take none; the best first."""
    systems = result["systems"]
    names = [name for name in systems if systems[name]["embedder"] in (embedder, None)]
    return sorted(names, key=lambda name: -sum(_known(result, name, "EvidenceRecall")))


def _known(result: Figures, name: str, kind: str) -> Iterator[float]:
    macro = result["systems"][name]["macro"]
    return (macro[f"{kind}@{b}"][0] for b in result["budgets"] if f"{kind}@{b}" in macro)


def note(result: Figures) -> str:
    """Commit and processor, for a chart's corner."""
    about = result["environment"]
    return f"{about['commit'][:10]}, {about['processor']}"


def _curve(
    result: Figures, names: list[str], kind: str, title: str, up: str, path: Path
) -> list[Path]:
    budgets = result["budgets"]
    shown = [n for n in names if f"{kind}@{budgets[0]}" in result["systems"][n]["macro"]]
    if not shown:
        return []
    figure, axes = plain_axes(size=(9.0, 4.8))
    shown.sort(key=lambda name: -sum(_known(result, name, kind)))
    for number, name in enumerate(shown):
        entry = result["systems"][name]
        cells = [entry["macro"][f"{kind}@{budget}"] for budget in budgets]
        colour = _colour(result, name)
        thick = colour != OTHER
        axes.plot(
            budgets,
            [cell[0] for cell in cells],
            color=colour,
            label=name,
            linewidth=2 if thick else 1,
            zorder=3 if thick else 2,
            marker=MARKS[number % len(MARKS)],
            markersize=5,
        )
        if thick:
            low, high = ([cell[i] for cell in cells] for i in (1, 2))
            axes.fill_between(budgets, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
    axes.set(title=title, xlabel="tokens allowed", ylabel=up)
    axes.set_ylim(0, min(1.03, axes.get_ylim()[1]))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    return [save(figure, path, note(result))]


def _colour(result: Figures, name: str) -> str:
    if result["systems"][name]["ours"]:
        return OURS
    return BASELINE if name in {s["baseline"] for s in result["systems"].values()} else OTHER


def _sets(result: Figures, names: list[str], path: Path) -> list[Path]:
    """Each set's recall, ours beside the baseline's, a panel a budget; losses in red."""
    ours = next((n for n in names if result["systems"][n]["ours"]), None)
    base = ours and result["systems"][ours]["baseline"]
    if not ours or not base:
        return []
    budgets = result["budgets"]
    us, them = result["systems"][ours]["sets"], result["systems"][base]["sets"]
    sets = [n for n in us if n in them and f"EvidenceRecall@{budgets[0]}" in us[n]]
    if not sets:
        return []
    figure, panels = plain_axes(len(budgets), size=(10.0, 1.4 + 0.3 * len(sets)))
    for budget, axes in zip(budgets, panels if len(budgets) > 1 else [panels], strict=True):
        measure = f"EvidenceRecall@{budget}"
        for row, name in enumerate(reversed(sets)):
            left, right = them[name][measure], us[name][measure]
            colour = OURS if right >= left else LOSS
            axes.plot([left, right], [row, row], color=colour, linewidth=1.5, zorder=2)
            axes.plot(left, row, "o", color=OTHER, markersize=5, zorder=3, label=base)
            axes.plot(right, row, "o", color=colour, markersize=6, zorder=4, label=ours)
        axes.set(title=f"{budget:,} tokens", xlim=(-0.02, 1.02), xticks=[0, 0.5, 1])
        axes.set_yticks(range(len(sets)), list(reversed(sets)))
        axes.set_ylim(-0.6, len(sets) - 0.4)
    figure.supxlabel(f"evidence recall: {ours} (blue, red where below) and {base} (grey)", size=10)
    return [save(figure, path, note(result))]
