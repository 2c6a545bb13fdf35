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

    figure, axes = _axes("Reading once: seconds to build a tree", "tokens of the text", "seconds")
    _line(axes, tokens, [row["build_seconds"] for row in rows], OURS, "hier.build")
    encode = [row["encode_seconds"] for row in rows]
    _line(axes, tokens, encode, OTHER, "one tiktoken encode of the same text")
    built = _save(figure, axes, folder / "build.svg", processor)

    figure, axes = _axes(
        "Every question after that: milliseconds to compress to 2,000 tokens",
        "tokens of the text",
        "milliseconds",
    )
    _line(axes, tokens, [row["compress_ms_median"] for row in rows], OURS, "median of 20 questions")
    _line(axes, tokens, [row["compress_ms_p95"] for row in rows], OTHER, "95th percentile")
    return [built, _save(figure, axes, folder / "compress.svg", processor)]


def _axes(title: str, across: str, up: str) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "hier", "svg.fonttype": "none", "font.size": 11})
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    figure, axes = pyplot.subplots(figsize=(7.5, 4.2))
    axes.set(title=title, xlabel=across, ylabel=up, xscale="log", yscale="log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _line(axes: Any, tokens: list[int], values: list[float], colour: str, label: str) -> None:
    axes.plot(tokens, values, marker="o", markersize=4, color=colour, label=label)


def _save(figure: Any, axes: Any, path: Path, processor: str) -> Path:
    from matplotlib import pyplot

    lowest, highest = (math.log10(value) for value in axes.dataLim.intervaly)
    axes.set_ylim(10 ** math.floor(lowest), 10 ** math.ceil(highest + 0.2))
    axes.legend(frameon=False, loc="upper left")
    figure.text(0.99, 0.01, processor, ha="right", va="bottom", fontsize=8, color=OTHER)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return path


def _short(value: float) -> str:
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
