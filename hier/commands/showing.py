"""Showing: the upper levels of a tree, the documents of a corpus."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hier.commands.corpus_options import SavedOrText, Where, read_where
from hier.commands.opening import named, opened_or_built
from hier.commands.output import say, sized, write, write_json
from hier.corpus.where import matching
from hier.errors import InputError
from hier.nodes import Node
from hier.options import Encoding, Json
from hier.tree import Tree
from hier.visible import visible

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.corpus.database import Row


def show_tree(
    sources: SavedOrText,
    depth: Annotated[int, typer.Option(min=0, help="Levels below the root.")] = 3,
    document: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a corpus, the tree of this document.")
    ] = None,
    where: Where = None,
    most: Annotated[
        int, typer.Option("--limit", min=0, help="Most documents that are listed; 0 for all.")
    ] = 100,
    as_json: Json = False,
    encoding: Encoding = "utf-8",
) -> None:
    """Show the upper levels of a tree, or the documents of a corpus."""
    with opened_or_built(sources, encoding) as asked:
        if not isinstance(asked, Tree) and document is None:
            _list_documents(asked, sources, where, most, as_json)
            return
        if isinstance(asked, Tree) and (document is not None or where):
            raise InputError("--document and --where are for a corpus, this is one text")
        tree = asked if isinstance(asked, Tree) else asked.tree(document or "")
        if as_json:
            write_json(_as_values(tree, tree.root, depth))
        else:
            write(_drawn(tree, depth))


def _list_documents(
    corpus: "Corpus", sources: list[str], where: list[str] | None, most: int, as_json: bool
) -> None:
    """List documents, a line each: name, tokens, kind, title."""
    found = matching(corpus.documents, read_where(where))
    shown = found[:most] if most else found
    if as_json:
        documents = [
            {"id": row.id, "tokens": row.tokens, "metadata": row.metadata} for row in shown
        ]
        write_json(
            {"source": named(corpus, sources), "source_tokens": corpus.tokens,
             "documents": len(corpus), "found": len(found), "listed": documents}
        )  # fmt: skip
        return
    width = max((len(f"{row.tokens:,}") for row in shown), default=0)
    write("".join(f"{_line(row, width)}\n" for row in shown))
    left = f"; {len(found) - len(shown):,} more: --limit 0 lists all" if found[len(shown) :] else ""
    tokens = sum(row.tokens for row in found)
    say(f"{sized(len(found))}, {tokens:,} tokens{left}")


def _line(row: "Row", width: int) -> str:
    title = str(row.metadata.get("title", ""))
    told = [str(row.metadata.get("type", "")), f'"{title}"' if title else ""]
    words = " ".join(", ".join(filter(None, told)).split())
    return visible(f"{row.tokens:>{width},} tokens  {row.id}{f'  ({words})' if words else ''}")


def _drawn(tree: Tree, depth: int) -> str:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree as Branch

    def grow(branch: Branch, node: Node, left: int) -> None:
        for child in node.children if left else ():
            grow(branch.add(Text(describe(tree.nodes[child]))), tree.nodes[child], left - 1)

    def describe(node: Node) -> str:
        return f"[{node.id}] {node.tokens:,} tokens: {visible(tree.label(node))}"

    top = Branch(Text(describe(tree.root)))
    grow(top, tree.root, depth)
    console = Console(width=None if sys.stdout.isatty() else 100)
    with console.capture() as captured:
        console.print(top)
    return captured.get()


def _as_values(tree: Tree, node: Node, depth: int) -> dict[str, Any]:
    """Return a node and what is below it as plain values."""
    below = [_as_values(tree, tree.nodes[child], depth - 1) for child in node.children if depth]
    facts = {name: getattr(node, name) for name in ("id", "level", "start", "end", "tokens")}
    place = tree.document.place(node.start, node.end)
    return {**facts, "place": place, "label": tree.label(node), "children": below}
