"""The MCP server: documents are read, and then served to an agent."""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import hier
from hier.commands.opening import read
from hier.commands.output import progress, say, sized
from hier.commands.reporting import say_report
from hier.corpus.header import is_corpus
from hier.corpus.storage import is_url
from hier.errors import InputError, MissingExtraError
from hier.serving.access import VARIABLE, Keys, check_bind
from hier.serving.folders import Folders
from hier.store import is_tree

if TYPE_CHECKING:
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
    try:
        from hier.serving.mcp import http, stdio
        from hier.serving.mcp.server import make_server
        from hier.serving.mcp.service import Service
    except ModuleNotFoundError as error:
        raise MissingExtraError("mcp", "the MCP server", "hier-context[mcp]") from error
    folders, admitted = Folders(folder or ()), _keys(address, keys)
    if address is not None:
        check_bind(http.parse_address(address)[0], admitted)  # before anything is read
    wire = stdio.take_wire() if address is None else None
    with _ended_as_by_ctrl_c(), opened(sources or (), store) as corpus:
        server = make_server(Service(corpus, folders))
        held = f"{sized(len(corpus))}, {corpus.tokens:,} tokens"
        if wire is not None:
            say(f"serving {held}, over stdin and stdout")
            stdio.serve(server, wire)
        else:
            with suppress(KeyboardInterrupt):  # the way to end it
                http.serve(server, address or "", admitted, lambda url: say(f"{url} serves {held}"))


def _keys(address: str | None, keys: Path | None) -> Keys:
    if address is not None:
        return Keys.read(keys, os.environ.get(VARIABLE, ""))
    if keys is not None:
        raise InputError("--keys is for --http; over stdio only who started the server can ask")
    return Keys()


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end it like Ctrl-C, so that what is temporary is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
        HierError: a source cannot be read.
    """
    folders = [source for source in sources if Path(source).is_dir()]
    for source in sources:
        if source == "-":
            raise InputError("stdin is where the client speaks; pass the text as a file")
        if source in folders:
            # Names of several folders are told apart by that of their folder.
            prefix = f"{Path(source).resolve().name}/" if len(folders) > 1 else ""
            report = corpus.sync(source, prefix=prefix, progress=progress())
            say_report(report, source, verbose=False)
        elif is_tree(Path(source)):
            tree = hier.load(source)
            if tree.summary_texts:
                say(f"{source} has summaries that a model wrote; its text is read without them")
            corpus.add(replace(tree.document, name=tree.document.name or source))
        else:
            corpus.add(read(source, corpus.settings.encoding))
