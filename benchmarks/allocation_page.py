"""What `docs/allocation.md` and the README say of allocation, written from the result files."""

from typing import Any

import page

Figures = dict[str, Any]
CHARTS = "../benchmarks/results"


def exact(result: Figures) -> str:
    """Allocations and certificates beside the exact optimum."""
    found = result["exact"]
    names = {"all": "all", "random": "random", "real": "planned for real texts"}
    rows = [
        [
            title,
            f"{figures['problems']:,}",
            f"{figures['optimal']:.0%}",
            *(f"{figures['optimality'][kind]:.3f}" for kind in ("median", "low", "worst")),
            *(f"{figures['certificate'][kind]:.3f}" for kind in ("median", "low", "worst")),
        ]
        for name, title in names.items()
        for figures in [found["groups"][name]]
    ]
    head = [
        "problems", "", "solved exactly", "of the optimum: median", "5 %", "worst",
        "certificate: median", "5 %", "worst",
    ]  # fmt: skip
    broken = found["groups"]["all"]["broken"]
    return (
        f"Beside an exact solver (`scipy.optimize.milp`), {found['problems']:,} problems of up to "
        f"some sixty candidates: the bound was below the optimum {broken} times.\n\n"
        f"{page.table(head, rows)}\n\n"
        f"![Value of the optimum and of the bound]({CHARTS}/allocation-optimality.svg)\n"
    )


def greedy(result: Figures) -> str:
    """Allocations on the suites, beside the simple greedy and nested choices."""
    found, parts = result["greedy"], []
    for suite, what in (("evidence", "evidence recall"), ("overview", "content words")):
        figures = found["suites"][suite]
        rows = [
            [
                f"{budget:,}",
                *(f"{figures[rule]['recall'][n][0]:.1%}" for rule in ("allocate", "greedy")),
                _points(figures["allocate over greedy"]["recall"][n]),
                _points(figures["allocate over greedy"]["value"][n]),
                _points(figures["allocate over nested"]["value"][n]),
                f"{figures['certificate'][n][0]:.3f}",
            ]
            for n, budget in enumerate(found["budgets"])
        ]
        head = [
            what, "allocate", "simple greedy", "difference, points", "more value, %",
            "more value than nested, %", "certificate, median",
        ]  # fmt: skip
        parts.append(page.table(head, rows))
    tables = "\n\n".join(parts)
    return (
        f"{tables}\n\n"
        "± is the 95 % interval. Trying brings value at small budgets, and no measurable recall: "
        "relevance is not that exact. Nesting costs value at small budgets.\n\n"
        f"![Value lost by nesting]({CHARTS}/allocation-nested.svg)\n"
    )


def _points(interval: list[float]) -> str:
    mean, low, high = interval
    return f"{100 * mean:+.2f} ± {100 * max(high - mean, mean - low):.2f}"


def time(result: Figures) -> str:
    """How long allocation takes, against the length of the text."""
    rows = [
        [
            f"{row['tokens']:,}",
            *(f"{row[kind][at]:.1f}" for kind in ("allocation_ms", "compress_ms") for at in _AT),
        ]
        for row in result["time"]["lengths"]
    ]
    head = ["tokens", "allocation: median, ms", "95 %", "all of compress: median, ms", "95 %"]
    return (
        f"{page.table(head, rows)}\n\n"
        f"![Milliseconds against length]({CHARTS}/allocation-time.svg)\n"
    )


_AT = ("median", "p95")


def thrift(result: Figures) -> str:
    """What each price saves and loses, beside fixed budgets and what knowing would save."""
    from hier.budget import PRICES

    words, parts = {price: word for word, price in PRICES.items()}, []
    for embedder, found in result["found"].items():
        rows = [
            [
                _way(row, words),
                f"{row['tokens']:,.0f}",
                f"{row['recall']:.1%}",
                f"{row['saved']:.0%}",
                f"{row['lost']:z.1%}",
            ]
            for row in found["rows"]
        ]
        head = [embedder.rpartition("/")[2], "tokens used", "evidence", "saved", "evidence lost"]
        parts.append(page.table(head, rows))
    tables = "\n\n".join(parts)
    return f"{tables}\n\n![Evidence against tokens]({CHARTS}/thrift.svg)\n"


def _way(row: Figures, words: dict[float, str]) -> str:
    if row["kind"] == "fixed":
        return f"{row['number']:,.0f} tokens"
    if row["kind"] == "known":
        return "where each question's evidence ends, were it known"
    word = words.get(row["number"])
    return f"price {row['number']:g}" + (f", *{word}*" if word else "")


def balanced(result: Figures) -> str:
    """What ``budget="auto"`` saves, in one line."""
    from hier.budget import PRICES

    told = []
    for embedder, found in result["found"].items():
        row = next(
            row
            for row in found["rows"]
            if (row["kind"], row["number"]) == ("price", PRICES["balanced"])
        )
        name = embedder.rpartition("/")[2]
        told.append(f"{row['saved']:.0%} of the tokens for {row['lost']:.1%} of it ({name})")
    return (
        f'Beside a fixed 2,048, where that keeps evidence, `budget="auto"` saves '
        f"{', '.join(told)}; [all prices](docs/allocation.md#knowing-when-to-stop).\n"
    )
