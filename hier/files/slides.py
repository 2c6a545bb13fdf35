"""PPTX: the slides of a presentation, their tables, charts and notes; its places are slides."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from hier.document import Document
from hier.errors import MissingExtraError
from hier.files.archive import DAMAGE, damaged, open_archive
from hier.files.facts import core_facts
from hier.files.grid import table_lines
from hier.files.pieces import Piece, put_together


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a presentation: each slide's title as a heading, then the rest from top to bottom.

    Raises:
        InputError: it is damaged, encrypted or a zip bomb.
        MissingExtraError: python-pptx is not installed.
    """
    try:
        import pptx
        from pptx.exc import PythonPptxError
    except ImportError as error:
        raise MissingExtraError("python-pptx", f"reading {name}", "hier-context[files]") from error
    archive = open_archive(raw, name)
    try:
        facts = core_facts(archive)
        slides = pptx.Presentation(io.BytesIO(raw)).slides
        pieces = [
            Piece("\n\n".join(blocks) + "\n\n", number)
            for number, slide in enumerate(slides, 1)
            if (blocks := list(_slide(slide)))
        ]
    except (PythonPptxError, *DAMAGE) as error:
        raise damaged(name, error) from error
    text, places, _ = put_together("slide", pieces)
    return Document(text, name, places, None, {"type": kind, **facts})


def _slide(slide: Any) -> Iterator[str]:
    """Yield the blocks of a slide."""
    title = slide.shapes.title
    named = " ".join(title.text_frame.text.split()) if title is not None else ""
    if named:
        yield f"# {named}"
    for shape in _in_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape(shape)
    if slide.has_notes_slide:
        notes = slide.notes_slide.notes_text_frame
        if notes is not None and notes.text.strip():
            yield "Notes: " + "\n".join(_paragraphs(notes))


def _in_order(shapes: Iterable[Any]) -> list[Any]:
    """Return shapes from top to bottom, then from left to right; those of no place first."""
    return sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))


def _shape(shape: Any) -> Iterator[str]:
    """Yield what a shape says."""
    if hasattr(shape, "shapes"):  # a group
        for inner in _in_order(shape.shapes):
            yield from _shape(inner)
    elif getattr(shape, "has_table", False):
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        yield "\n".join(table_lines(rows))
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame and shape.text_frame.text.strip():
        yield "\n".join(_paragraphs(shape.text_frame))


def _paragraphs(frame: Any) -> Iterator[str]:
    """Yield the paragraphs of a shape: items of a list if they are several."""
    lines = [(p.level, " ".join(p.text.split())) for p in frame.paragraphs]
    lines = [(level, line) for level, line in lines if line]
    for level, line in lines:
        yield f"{'  ' * level}- {line}" if len(lines) > 1 else line


def _chart(chart: Any) -> Iterator[str]:
    """Yield the title of a chart and its numbers as a table, one row a category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        title = " ".join(chart.chart_title.text_frame.text.split())
        if title:
            yield title
    series = [(str(one.name), list(one.values)) for plot in chart.plots for one in plot.series]
    categories = [str(category) for plot in chart.plots for category in plot.categories]
    rows = [["", *(name for name, _ in series)]]
    for number, category in enumerate(categories[: max((len(v) for _, v in series), default=0)]):
        values = [v[number] if number < len(v) else None for _, v in series]
        rows.append([category, *("" if v is None else f"{v:.15g}" for v in values)])
    if len(rows) > 1:
        yield "\n".join(table_lines(rows))
