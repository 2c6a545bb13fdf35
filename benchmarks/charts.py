"""Charts of the result files: plain axes, one message each, SVG that is the same for the same data.

python benchmarks/charts.py [RESULTS_FOLDER]
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import environment

OURS, OTHER = "#1b6ca8", "#8a8a8a"


def draw_speed(result: dict[str, Any], folder: Path) -> list[Path]:
    """Build time and compress time against length, as ``build.svg`` and ``compress.svg``."""
    rows = result["lengths"]
    tokens = [row["tokens"] for row in rows]
    processor = result["environment"]["processor"]

    title = "Reading once: seconds to build a tree"
    figure, axes = _log_axes(title, "tokens of the text", "seconds")
    _line(axes, tokens, [row["build_seconds"] for row in rows], OURS, "hier.build")
    encode = [row["encode_seconds"] for row in rows]
    _line(axes, tokens, encode, OTHER, "one tiktoken encode of the same text")
    built = _save(figure, axes, folder / "build.svg", processor)

    figure, axes = _log_axes(
        "Every question after that: milliseconds to compress to 2,000 tokens",
        "tokens of the text",
        "milliseconds",
    )
    _line(axes, tokens, [row["compress_ms_median"] for row in rows], OURS, "median of 20 questions")
    _line(axes, tokens, [row["compress_ms_p95"] for row in rows], OTHER, "95th percentile")
    return [built, _save(figure, axes, folder / "compress.svg", processor)]


def plain_axes(columns: int = 1, size: tuple[float, float] = (7.5, 4.2)) -> tuple[Any, Any]:
    """A figure and its axes, in the house's plain manner; side by side they share what is up."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "hier", "svg.fonttype": "none", "font.size": 11})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, columns, figsize=size, sharey=True)
    for each in [axes] if columns == 1 else axes:
        each.grid(color="#dddddd", linewidth=0.6)
        each.set_axisbelow(True)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _log_axes(title: str, across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.ticker import FuncFormatter

    figure, axes = plain_axes()
    axes.set(title=title, xlabel=across, ylabel=up, xscale="log", yscale="log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return figure, axes


def _line(axes: Any, tokens: list[int], values: list[float], colour: str, label: str) -> None:
    axes.plot(tokens, values, marker="o", markersize=4, color=colour, label=label)


def save(figure: Any, path: Path, note: str) -> Path:
    """Write a figure with a note in its corner, the same bytes for the same data."""
    from matplotlib import pyplot

    figure.text(0.99, 0.01, note, ha="right", va="bottom", fontsize=8, color=OTHER)
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return path


def _save(figure: Any, axes: Any, path: Path, processor: str) -> Path:
    lowest, highest = (math.log10(value) for value in axes.dataLim.intervaly)
    axes.set_ylim(10 ** math.floor(lowest), 10 ** math.ceil(highest + 0.2))
    axes.legend(frameon=False, loc="upper left")
    return save(figure, path, processor)


def short(value: float) -> str:
    """10000 as 10k, 5000000 as 5M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def main() -> None:
    """Draw again from the stored results."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else environment.RESULTS
    result = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    print(*draw_speed(result, folder), sep="\n")


if __name__ == "__main__":
    main()
