"""Explaining: why each piece is in a context, as lines, as a picture, or as a page."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hier.commands.asking import only
from hier.commands.corpus_options import SavedOrText, Where
from hier.commands.opening import opened_or_built
from hier.commands.output import progress, say, write, write_json
from hier.errors import InputError
from hier.explain import Explanation
from hier.explain import explain as explain_context
from hier.options import Encoding, Json, Query, Tokens, whole_number
from hier.tree import Tree
from hier.visible import visible

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus


def explain(
    sources: SavedOrText,
    query: Query = None,
    budget: Tokens = "2000",
    where: Where = None,
    document: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a corpus, this document alone.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page to look at it in: one file, no network."),
    ] = None,
    as_json: Json = False,
    encoding: Encoding = "utf-8",
) -> None:
    """Say why each piece is in, and what the next 500 tokens would add."""
    tokens = whole_number(budget)
    _check_choice(sources, html, as_json, document, where)
    with opened_or_built(sources, encoding) as opened:
        asked = _chosen(opened, document)
        meant = only(asked, where)
        if html is not None:
            _write_page(asked, html, query or [], tokens, sources[0])
            return
        report = explain_context(asked, query, tokens, **meant)
        if as_json:
            write_json(report.to_dict())
        elif sys.stdout.isatty():
            write(_drawn(asked, report))
        else:
            write(visible(report.text) + "\n")


def _check_choice(
    sources: list[str],
    html: Path | None,
    as_json: bool,
    document: str | None,
    where: list[str] | None,
) -> None:
    """Refuse what cannot be had together, and a page that could not be written."""
    if html is not None and as_json:
        raise InputError("--html writes a page and --json prints; choose one of them")
    if document is not None and where:
        raise InputError("--document is one document, --where chooses several; leave one out")
    if html is not None:
        from hier.inspector.export import check_place

        check_place(html)
        if html.exists() and any(html.samefile(each) for each in sources if Path(each).exists()):
            raise InputError(f"{html} is what is to be explained; name another file for the page")


def _chosen(opened: "Tree | Corpus", document: str | None) -> "Tree | Corpus":
    """Return what is to be explained: all that was opened, or a document of it."""
    if document is None:
        return opened
    if isinstance(opened, Tree):
        raise InputError("--document is for a corpus, this is one text; leave it out")
    return opened.tree(document)


def _write_page(
    asked: "Tree | Corpus", path: Path, queries: list[str], budget: int, source: str
) -> None:
    """Write the page of one text."""
    from hier.inspector.export import export

    if not isinstance(asked, Tree):
        raise InputError(
            f"{source} is a corpus, and a page shows one document; add --document NAME, "
            f"hier tree {source} lists them"
        )
    export(asked, path, queries, budget, progress())
    say(f"{path.stat().st_size / 1e6:.1f} MB -> {path}")


def _drawn(asked: "Tree | Corpus", report: Explanation) -> str:
    """Return the picture as a terminal shows it."""
    from rich.console import Console

    from hier.commands.picture import picture

    console = Console()
    with console.capture() as captured:
        for part in picture(asked, report, min(console.width, 120)):
            console.print(part)
    return captured.get()
