"""The picture of an explanation in a terminal: where a text is relevant, what was kept, and why.

The text lies along a bar, as dark as it is relevant, and below it what was kept.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from hier.explain import STEP, Explanation
from hier.inspector.data import query_density
from hier.tree import Tree
from hier.visible import in_a_line, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hier.context import Pick
    from hier.corpus.corpus import Corpus

_BLOCKS = "·░▒▓█"
_RELEVANCE, _ACCENT = "dodger_blue1", "dark_orange"  # both are read on black and on white
_PICKS = 20  # that are listed


def picture(asked: "Tree | Corpus", report: Explanation, width: int) -> "Iterator[RenderableType]":
    """Yield what is printed, from top to bottom.

    Args:
        asked: what was asked.
        report: the explanation.
        width: columns of the terminal.
    """
    context = report.context
    queries = (context.query,) if isinstance(context.query, str) else context.query or ()
    for query in queries or ("an overview: nothing is asked",):
        yield Text(visible(query), style="bold")
    yield Text(context.used(), style="dim")
    yield Text()
    if isinstance(asked, Tree):
        yield from _map(asked, report, width)
        yield Text()
    yield _table(asked, report, width)
    yield Text()
    yield from _following(report, width)


def _map(tree: Tree, report: Explanation, width: int) -> Iterator[Text]:
    """Yield the text as a bar, below it what was kept, by the numbers of its segments."""
    edges = tree.leaf_start[_at_columns(tree, width)]
    shades = _shades(tree, report, width)
    yield Text("".join(_BLOCKS[shade] for shade in shades.tolist()), style=_RELEVANCE)
    kept = [
        np.searchsorted(edges, [segment.start, segment.end - 1], "right") - 1
        for segment in report.context.segments
    ]
    marks = [" "] * width
    for first, last in kept:
        marks[first : last + 1] = ["▀"] * (int(last) - int(first) + 1)
    yield Text("".join(marks).rstrip(), style=_ACCENT)
    yield Text(_numbers([int(first) for first, _ in kept]), style=_ACCENT)
    ends = f"0{tree.tokens:>{width - 8},} tokens"
    yield Text(ends, style="dim")


def _numbers(columns: list[int]) -> str:
    """Return numbers from 1 at some columns, ascending; of those too near each other, the range."""
    groups: list[list[int]] = []  # column, first and last number
    for number, column in enumerate(columns, 1):
        if groups and column < groups[-1][0] + len(_ranged(groups[-1])) + 1:
            groups[-1][2] = number
        else:
            groups.append([column, number, number])
    line = ""
    for group in groups:
        line = line.ljust(group[0]) + _ranged(group)
    return line


def _ranged(group: list[int]) -> str:
    _, low, high = group
    return str(low) if low == high else f"{low}-{high}"


def _before(tree: Tree) -> np.ndarray:
    """Return the tokens before each leaf, int64 (leaves,)."""
    sizes = tree.leaf_tokens.astype(np.int64)
    tokens: np.ndarray = np.cumsum(sizes) - sizes
    return tokens


def _at_columns(tree: Tree, width: int) -> np.ndarray:
    """Return the leaf that each column begins in, int64 (width,)."""
    tokens = np.arange(width) * (tree.tokens / width)
    leaves: np.ndarray = np.searchsorted(_before(tree), tokens, "right") - 1
    return leaves


def _shades(tree: Tree, report: Explanation, width: int) -> np.ndarray:
    """Return how dark each column is, int64 (width,): as its densest leaf."""
    density = query_density(tree, report.context.query)
    if density is None:
        return np.zeros(width, np.int64)
    column = np.minimum((_before(tree) * width / tree.tokens).astype(np.int64), width - 1)
    depth = density[_at_columns(tree, width)]
    np.maximum.at(depth, column, density)
    shades: np.ndarray = np.minimum((depth * len(_BLOCKS)).astype(np.int64), len(_BLOCKS) - 1)
    return shades


def _table(asked: "Tree | Corpus", report: Explanation, width: int) -> Table:
    """Return the decisions in the order taken, each with the segment that it is part of."""
    table = Table(box=None, pad_edge=False, header_style="dim", width=width)
    table.add_column("piece", justify="right", style=_ACCENT)
    for name in ("adds", "tokens", "relevance"):
        table.add_column(name, justify="right")
    table.add_column("where", no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column("what", no_wrap=True, overflow="ellipsis", ratio=1)
    picks = report.context.picks
    for pick in picks[:_PICKS]:
        table.add_row(
            _piece(pick, report),
            f"{pick.gain:.2%}",
            str(pick.cost),
            f"{pick.relevance:+.2f}",
            Text(in_a_line(_place(pick), 40)),
            Text(in_a_line(_words(asked, pick), width)),
        )
    if len(picks) > _PICKS:
        table.add_row("", "", "", "", "", Text(f"and {len(picks) - _PICKS} more", style="dim"))
    return table


def _piece(pick: "Pick", report: Explanation) -> str:
    for number, segment in enumerate(report.context.segments, 1):
        same = segment.document_id == pick.document_id
        if same and segment.start <= pick.span.start < segment.end:
            return str(number)
    return ""


def _place(pick: "Pick") -> str:
    return ", ".join(filter(None, [pick.document_id, pick.place]))


def _words(asked: "Tree | Corpus", pick: "Pick") -> str:
    text = asked.source if isinstance(asked, Tree) else asked.document(pick.document_id).text
    return text[pick.span.start : pick.span.end]


def _following(report: Explanation, width: int) -> Iterator[Text]:
    """Yield the price of a token, and what more of them would add."""
    context = report.context
    yield Text(f"the next token would add {context.going:.4%} of the value")
    line = Text(f"the next {STEP} tokens would add ")
    line.append(f"{report.larger.coverage - context.coverage:.1%}", style=f"bold {_ACCENT}")
    yield line
    for words in report.added[:8]:
        yield Text(f"  ○ {in_a_line(words, width - 4)}", style="dim")
    if len(report.added) > 8:
        yield Text(f"  and {len(report.added) - 8} more", style="dim")
