"""The MCP server: documents are read, and then served to an agent."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hier
from hier.commands.ending import ended_as_by_ctrl_c
from hier.commands.opening import read
from hier.commands.output import progress, say, sized
from hier.commands.reporting import say_report
from hier.corpus.header import is_corpus
from hier.corpus.storage import is_url
from hier.document import Document
from hier.errors import InputError, MissingExtraError
from hier.serving.access import VARIABLE, Keys, check_bind
from hier.serving.folders import Folders
from hier.store import is_tree

if TYPE_CHECKING:
    from mcp.server import Server

    from hier.corpus.corpus import Corpus


def mcp(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Files and folders that are read at the start; or one corpus, served as it is.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="The corpus that documents are kept in; else none outlives the server."),
    ] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="A folder whose files clients may add; can be repeated."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--http", metavar="HOST:PORT", help="Serve HTTP there, in place of stdio."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help=f"Hashes of API keys for --http; or set {VARIABLE}.")
    ] = None,
) -> None:
    """Serve documents to an agent as tools, over the Model Context Protocol."""
    if address is None and keys is not None:
        raise InputError("--keys is for --http; over stdio only who started the server can ask")
    folders = Folders(folder or ())
    serve = _stdio() if address is None else _http(address, keys)
    with ended_as_by_ctrl_c(), opened(sources or (), store) as corpus:
        from hier.serving.mcp.server import make_server
        from hier.serving.mcp.service import Service

        say(f"serving {sized(len(corpus))}, {corpus.tokens:,} tokens")
        serve(make_server(Service(corpus, folders)))


def _stdio() -> "Callable[[Server[Any]], None]":
    """Return what serves over stdin and stdout, which are nobody else's from now on."""
    with _needing_mcp():
        from hier.serving.mcp import stdio
    return partial(stdio.serve, wire=stdio.take_wire())


def _http(address: str, file: Path | None) -> "Callable[[Server[Any]], None]":
    """Return what serves over HTTP; what is wrong with it is said before anything is read."""
    keys = Keys.read(file, os.environ.get(VARIABLE, ""))
    with _needing_mcp():
        from hier.serving.mcp import http
    check_bind(http.parse_address(address)[0], keys)
    return partial(http.serve, address=address, keys=keys, ready=say)


@contextmanager
def _needing_mcp() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError("mcp", "the MCP server", "hier-context[mcp]") from error


@contextmanager
def opened(sources: Sequence[str], store: Path | None) -> Iterator["Corpus"]:
    """Open the corpus that is served, with the sources in it.

    Args:
        sources: files and folders, which are read; or a corpus, or all its shards.
        store: the corpus they are kept in; None for one that is removed in the end.

    Raises:
        HierError: a source cannot be read, or a corpus stands among others.
    """
    corpora = [source for source in sources if is_url(source) or is_corpus(Path(source))]
    if corpora:
        if len(corpora) < len(sources) or store is not None:
            raise InputError(
                f"{corpora[0]} is a corpus and is served as it is; leave other sources and --store "
                f"out, or add them first: hier add {corpora[0]} FILE"
            )
        with hier.Corpus.open(corpora) as corpus:
            yield corpus
        return
    with tempfile.TemporaryDirectory(prefix="hier-mcp-") as folder:
        path = store or Path(folder) / "documents.hier"
        kept = is_corpus(path)
        with hier.Corpus.open(path) if kept else hier.Corpus.create(path) as corpus:
            _fill(corpus, sources)
            yield corpus


def _fill(corpus: "Corpus", sources: Sequence[str]) -> None:
    """Read the sources into a corpus.

    Raises:
        HierError: a source cannot be read, or two files would have one name.
    """
    folders = [source for source in sources if Path(source).is_dir()]
    files: dict[str, Document] = {}
    for source in sources:
        if source in folders:
            # Names of several folders are told apart by that of their folder.
            prefix = f"{Path(source).resolve().name}/" if len(folders) > 1 else ""
            report = corpus.sync(source, prefix=prefix, progress=progress())
            say_report(report, source, verbose=False)
            continue
        document = _read(source, corpus.settings.encoding)
        if document.name in files:
            raise InputError(
                f"two sources are called {document.name}; pass the folder above them instead"
            )
        files[document.name] = document
    corpus.add(*files.values())


def _read(source: str, encoding: str) -> Document:
    """Read a file or a saved tree, under a name that does not say where on the machine it is."""
    if source == "-":
        raise InputError("stdin is where the client speaks; pass the text as a file")
    name = Path(source).name if Path(source).is_absolute() else source
    if not is_tree(Path(source)):
        return read(source, encoding, name)
    tree = hier.load(source)
    if tree.summary_texts:
        say(f"{source} has summaries that a model wrote; its text is read without them")
    return replace(tree.document, name=name)
