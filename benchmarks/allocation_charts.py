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

LEAST_SHOWN = {"optimality": 90, "certificate": 60}  # hundredths; what is lower is put there
STEPS = {"optimality": 1, "certificate": 4}  # hundredths a pair of bars
TITLES = {"optimality": "value, of the exact optimum", "certificate": "value, of the proved bound"}
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
    figure, panels = charts.plain_axes(2, size=(10.0, 4.4))
    for axes, (name, kinds) in zip(panels, found["histograms"].items(), strict=True):
        first, step = LEAST_SHOWN[name], STEPS[name]
        for side, (kind, colour) in enumerate((("random", OTHER), ("real", OURS))):
            shares = kinds[kind]
            heights = [100 * sum(shares[low : low + step]) for low in range(first, 100, step)]
            heights[0] += 100 * sum(shares[:first])
            places = [n + 0.4 * (side - 0.5) for n in range(len(heights))]
            count = found["groups"].get(kind, {"problems": 0})["problems"]
            label = f"{count:,} {kind} problems"
            bars = axes.bar(places, heights, 0.4, color=colour, label=label)
            axes.bar_label(bars, [f"{h:.0f}" if h >= 0.5 else "" for h in heights], fontsize=8)
        lows = [low / 100 for low in range(first, 100, step)]
        names = [f"{low:.2f}–{low + step / 100:.2f}" for low in lows]
        names[0] = f"below {lows[0] + step / 100:.2f}"
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=9)
        middle = found["groups"]["all"][name]
        axes.set_title(
            f"{TITLES[name]}\nmedian {middle['median']:.3f}, worst {middle['worst']:.3f}"
        )
        axes.grid(axis="x", visible=False)
    panels[0].set_ylabel("% of problems")
    panels[0].legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


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
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: charts._short(value)))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


def main() -> None:
    """Draw again from a stored result."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else environment.RESULTS / "allocation.json"
    print(*draw(json.loads(path.read_text(encoding="utf-8")), path.parent), sep="\n")


if __name__ == "__main__":
    main()
