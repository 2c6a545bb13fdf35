"""Charts of an allocation result: how near the optimum, what nesting loses, and how long it takes.

python benchmarks/allocation_charts.py [RESULT_FILE]
"""

import json
import sys
from pathlib import Path
from typing import Any

import charts
import curves
import environment
from charts import OTHER, OURS

LEAST_SHOWN = {"optimality": 92, "certificate": 60}  # hundredths; what is lower is put there
STEPS = {"optimality": 1, "certificate": 5}  # hundredths a pair of bars
TITLES = {
    "optimality": ("Value, of the exact optimum", "optimal"),
    "certificate": ("Value, of the upper bound: the certificate", "proved"),
}
Figures = dict[str, Any]


def draw(result: Figures, folder: Path) -> list[Path]:
    """Every chart that the result has figures for."""
    drawn = []
    if "exact" in result:
        drawn.append(_optimality(result, folder / "allocation-optimality.svg"))
    if "greedy" in result:
        drawn.append(_nested(result, folder / "allocation-nested.svg"))
    if "time" in result:
        drawn.append(_time(result, folder / "allocation-time.svg"))
    return drawn


def _optimality(result: Figures, path: Path) -> Path:
    """Two histograms: value of the optimum, and of the bound."""
    found = result["exact"]
    figure, panels = charts.plain_axes(2, size=(10.0, 4.6))
    for axes, (name, kinds) in zip(panels, found["histograms"].items(), strict=True):
        first, step = LEAST_SHOWN[name], STEPS[name]
        for side, (kind, colour) in enumerate((("random", OTHER), ("real", OURS))):
            heights = _heights(kinds[kind], first, step)
            places = [n + 0.42 * (side - 0.5) for n in range(len(heights))]
            count = found["groups"].get(kind, {"problems": 0})["problems"]
            bars = axes.bar(places, heights, 0.42, color=colour, label=f"{count:,} {kind} problems")
            axes.bar_label(bars, [_percent(height) for height in heights], fontsize=8)
        title, exactly = TITLES[name]
        edges = [f"{low / 100:.2f} –" for low in range(first, 100, step)]
        edges = [f"below {edges[1][:4]}", *edges[1:], f"1, {exactly}"]
        axes.set_xticks(range(len(edges)), edges, rotation=45, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", labelsize=9)
        middle = found["groups"]["all"][name]
        told = f"median {middle['median']:.3f}, 5% below {middle['low']:.3f}"
        axes.set_title(f"{title}\n{told}, worst {middle['worst']:.3f}", fontsize=11)
        axes.grid(axis="x", visible=False)
    panels[0].set_ylabel("% of problems")
    panels[0].legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


def _heights(shares: list[float], first: int, step: int) -> list[float]:
    """Return percentages: below, by steps of some hundredths, and at 1 itself."""
    heights = [100 * sum(shares[low : low + step]) for low in range(first, 100, step)]
    heights[0] += 100 * sum(shares[:first])
    return [*heights, 100 * shares[100]]


def _percent(value: float) -> str:
    """A bar's label: two digits at the most, none for an empty bar."""
    return "" if value == 0 else f"{value:.1f}" if value < 0.95 else f"{value:.0f}"


def _nested(result: Figures, path: Path) -> Path:
    """What a nested choice loses of value and of recall, a panel a suite."""
    found = result["greedy"]
    suites, budgets = found["suites"], found["budgets"]
    words = {"evidence": "evidence recall", "overview": "content words of references"}
    figure, panels = charts.plain_axes(len(suites), size=(5.0 * len(suites), 4.2))
    for axes, (suite, figures) in zip(
        panels if len(suites) > 1 else [panels], suites.items(), strict=True
    ):
        kinds = {"value": (OURS, "value, %"), "recall": (OTHER, f"{words[suite]}, points")}
        for kind, (colour, label) in kinds.items():
            cells = figures["allocate over nested"][kind]
            means, low, high = ([100 * cell[n] for cell in cells] for n in range(3))
            axes.plot(budgets, means, marker="o", markersize=4, color=colour, label=label)
            axes.fill_between(budgets, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.axhline(0, color=curves.BASELINE, linewidth=0.8)
        axes.set_xscale("log", base=2)
        axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
        axes.minorticks_off()
        axes.set(title=f"{suite} suite", xlabel="tokens allowed")
        axes.legend(frameon=False, loc="upper right")
    figure.supylabel("lost by nesting", size=11)
    return charts.save(figure, path, curves.note(result))


def _time(result: Figures, path: Path) -> Path:
    """Milliseconds against length."""
    from matplotlib.ticker import FuncFormatter

    found = result["time"]
    rows = found["lengths"]
    tokens = [row["tokens"] for row in rows]
    figure, axes = charts.plain_axes()
    for name, colour, label in (
        ("compress_ms", OTHER, "all of compress"),
        ("allocation_ms", OURS, "allocation alone"),
    ):
        for kind, line, what in (("median", "-", "median"), ("p95", ":", "95th percentile")):
            values = [row[name][kind] for row in rows]
            axes.plot(tokens, values, line, marker="o", markersize=4, color=colour)
            axes.plot([], [], line, color=colour, label=f"{label}, {what}")
    axes.set(
        title=f"Milliseconds to a context of {found['budget']:,} tokens",
        xlabel="tokens of the text",
        ylabel="milliseconds",
        xscale="log",
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: charts.short(value)))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


def main() -> None:
    """Draw again from a stored result."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else environment.RESULTS / "allocation.json"
    print(*draw(json.loads(path.read_text(encoding="utf-8")), path.parent), sep="\n")


if __name__ == "__main__":
    main()
