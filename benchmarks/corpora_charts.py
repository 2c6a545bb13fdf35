"""Charts of corpora against size: how fast they are built, what a question takes, what they weigh.

python benchmarks/corpora_charts.py [RESULT_FILE]
"""

import json
import sys
from pathlib import Path
from typing import Any

import charts
import curves
import environment
from charts import OTHER, OURS

Figures = dict[str, Any]
_WORST = "#c0392b"


def draw(result: Figures, folder: Path) -> list[Path]:
    """Every chart that the result has figures for."""
    drawn = []
    if "build" in result:
        drawn.append(_build(result, folder / "corpora-build.svg"))
    if "sizes" in result:
        drawn.append(_ask(result, folder / "corpora-ask.svg"))
        drawn.append(_store(result, folder / "corpora-store.svg"))
    return drawn


def _log_axes(title: str, across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure, axes = charts.plain_axes()
    axes.set(title=title, xlabel=across, ylabel=up, xscale="log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: charts.short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    return figure, axes


def _line(
    axes: Any, across: list[float], up: list[float], colour: str, label: str, line: str = "-"
) -> None:
    axes.plot(across, up, line, marker="o", markersize=4, color=colour, label=label)


def _build(result: Figures, path: Path) -> Path:
    """Tokens a second against the length of a document."""
    rows = result["build"]["rows"]
    lengths = [row["length"] for row in rows]
    figure, axes = _log_axes(
        "From a folder to a committed store, one worker", "tokens of a document", "1,000 tokens/s"
    )
    paces = [row["tokens"] / row["seconds"] / 1e3 for row in rows]
    own = [row["tokens"] / row["processor_seconds"] / 1e3 for row in rows]
    _line(axes, lengths, own, OTHER, "of one core's time", ":")
    _line(axes, lengths, paces, OURS, "by the clock")
    axes.axhline(150, color=_WORST, linewidth=0.8, linestyle="--", label="target: at least 150")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="lower right")
    return charts.save(figure, path, curves.note(result))


def _ask(result: Figures, path: Path) -> Path:
    """Milliseconds a question against the size of the corpus."""
    rows = result["sizes"]["rows"]
    tokens = [row["tokens"] for row in rows]
    figure, axes = _log_axes(
        f"A question to a corpus, {rows[0]['questions']} of seven kinds",
        "tokens of the corpus",
        "milliseconds",
    )
    tails = [row["ms"]["p95"] for row in rows]
    _line(axes, tokens, tails, OTHER, "95th percentile", ":")
    _line(axes, tokens, [row["ms"]["median"] for row in rows], OURS, "median")
    weighing = [row["weighing_ms"] for row in rows]
    _line(axes, tokens, weighing, OTHER, "of it weighing the leaves of what was found")
    axes.axhline(100, color=_WORST, linewidth=0.8, linestyle="--", label="target: median, at most")
    axes.set_ylim(0, 1.6 * max(*tails, 100))  # room for the legend
    axes.legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


def _store(result: Figures, path: Path) -> Path:
    """Bytes of store and index against bytes of text."""
    rows = result["sizes"]["rows"]
    text = [row["built"]["text_bytes"] / 1e6 for row in rows]
    figure, axes = _log_axes(
        "What a corpus takes on disk, its text included", "megabytes of text", "megabytes"
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(axes.xaxis.get_major_formatter())
    store = [row["built"]["store_bytes"] / 1e6 for row in rows]
    index = [row["index"]["bytes"] / 1e6 for row in rows]
    axes.plot(text, [2.5 * each for each in text], "--", color=_WORST, linewidth=0.8,
              label="target: store at most 2.5 times the text")  # fmt: skip
    _line(axes, text, store, OURS, "store")
    _line(axes, text, index, OTHER, "index beside it, derived")
    axes.plot(text, text, ":", color=OTHER, label="the text itself")
    axes.legend(frameon=False, loc="upper left")
    return charts.save(figure, path, curves.note(result))


def main() -> None:
    """Draw again from a stored result."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else environment.RESULTS / "corpora.json"
    print(*draw(json.loads(path.read_text(encoding="utf-8")), path.parent), sep="\n")


if __name__ == "__main__":
    main()
