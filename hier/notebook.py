"""Notebooks: a context and a tree as a notebook shows them, in HTML without a script.

All text is escaped and its control characters made visible. Colours are of the notebook itself, or
such as are read on white and on black.
"""

from html import escape

import numpy as np

from hier.context import Context, Segment
from hier.tree import Tree
from hier.visible import in_a_line, visible

_ACCENT, _TINT = "#e07b1f", "rgba(224,123,31,.1)"
_QUIET = "opacity:.75;font-size:12px"
_MOST = 60  # segments that are shown
_CHARACTERS = 4_000  # of one segment
_WIDTH, _ROW = 900, 24  # pixels of the drawing
_LEAST = 3.0  # pixels: nodes that are thinner are drawn as one
_LETTER = 7.0  # pixels of a letter, about


def context_html(context: Context) -> str:
    """Return a context: its pieces, each with its number and its place, and what is between."""
    queries = (context.query,) if isinstance(context.query, str) else context.query or ()
    asked = "".join(f'<div style="font-weight:600">{_safe(query)}</div>' for query in queries)
    shown, behind = "", 0
    for number, segment in enumerate(context.segments[:_MOST], 1):
        # Headings and marks are no segments: they stand between them.
        place = max(context.text.find(segment.text, behind), behind)
        shown += _between(context.text[behind:place]) + _segment(number, segment)
        behind = place + len(segment.text)
    left = len(context.segments) - _MOST
    more = f'<div style="{_QUIET}">and {left:,} more segments</div>' if left > 0 else ""
    used = f'<div style="{_QUIET};margin-bottom:6px">{_safe(context.used())}</div>'
    return f'<div style="max-width:60em;line-height:1.45">{asked}{used}{shown}{more}</div>'


def _between(text: str) -> str:
    words = text.strip()
    return f'<div style="{_QUIET};white-space:pre-wrap">{_safe(words)}</div>' if words else ""


def _segment(number: int, segment: Segment) -> str:
    text = segment.text.strip()
    cut = "…" if len(text) > _CHARACTERS else ""
    about = ", ".join(filter(None, [segment.document_id, segment.place]))
    line = "dashed" if segment.kind == "summary" else "solid"
    kind = " · a summary" if segment.kind == "summary" else ""
    return (
        f'<div style="border-left:3px {line} {_ACCENT};background:{_TINT};padding:2px 10px;'
        'margin:6px 0"><div dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere;'
        f'unicode-bidi:isolate">{_safe(text[:_CHARACTERS])}{cut}</div><div style="{_QUIET}">'
        f"<b>[{number}]</b> {_safe(about)} · {segment.tokens:,} tokens{kind}</div></div>"
    )


def tree_html(tree: Tree) -> str:
    """Return a tree as its size, and a drawing of its levels: width is tokens."""
    height = _ROW * len(tree.levels)
    rows = "".join(_level(tree, level) for level in reversed(range(len(tree.levels))))
    facts = f"{tree.tokens:,} tokens, {len(tree.leaf_start):,} leaves, {len(tree.levels)} levels"
    return (
        f'<div style="max-width:{_WIDTH}px"><b>{_safe(tree.document.name or "text")}</b> '
        f'<span style="{_QUIET}">{facts}</span>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" style="display:block;width:100%;'
        f'margin-top:6px" font-family="sans-serif" font-size="11" aria-label="{facts}">'
        f"{rows}</svg></div>"
    )


def _level(tree: Tree, level: int) -> str:
    """Return one level as boxes; neighbours that are too thin to be told apart are one box."""
    top = _ROW * (len(tree.levels) - 1 - level)
    before = np.append(0, np.cumsum(tree.leaf_tokens.astype(np.int64)))
    places = np.append(tree.levels[level].first_leaf, len(before) - 1)
    edges = (before[places] * (_WIDTH / max(int(before[-1]), 1))).tolist()
    boxes: tuple[list[str], list[str]] = ([], [])  # of two shades, in turn
    labels, start, number = [], 0, 0
    for place in range(1, len(edges)):
        left, width = edges[start], edges[place] - edges[start]
        if width < _LEAST and place + 1 < len(edges):
            continue
        boxes[number % 2].append(
            f"M{left:.1f} {top}h{max(width - 0.6, 0.6):.1f}v{_ROW - 2}H{left:.1f}"
        )
        if place - start == 1 and level > 0:
            node = tree.nodes[tree.nodes.offsets[level] + start]
            labels.append(_label(tree.label(node), left, width, top))
        start, number = place, number + 1
    paths = (
        f'<path d="{"".join(box)}" fill="#3b82c4" fill-opacity="{shade}"/>'
        for box, shade in zip(boxes, (0.2, 0.34), strict=True)
        if box
    )
    return "".join([*paths, *labels])


def _label(text: str, left: float, width: float, top: int) -> str:
    """Return what is written on a box; nothing where there is no room."""
    letters = int((width - 10) / _LETTER)
    if letters < 4:
        return ""
    text = in_a_line(text, letters)
    return f'<text x="{left + 5:.1f}" y="{top + 15}" fill="currentColor">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(visible(text))
