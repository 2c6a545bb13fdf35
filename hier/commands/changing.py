"""Changing corpora: documents are added and removed, corpora merged and split."""

from pathlib import Path
from typing import Annotated

import typer

import hier
from hier.commands.building import reopened, writers_of
from hier.commands.corpus_options import CorpusFile, Where, read_metadata, read_where
from hier.commands.opening import read
from hier.commands.output import account, say, sized, write_json
from hier.commands.reporting import say_failed
from hier.corpus.where import in_words, matching
from hier.errors import InputError, MissingExtraError
from hier.ledger import Ledger
from hier.options import Encoding, Json, LedgerFile, ModelOptions, Summarizer, with_models


@with_models
def add(
    corpus: CorpusFile,
    files: Annotated[list[str], typer.Argument(metavar="FILE|-", help="Files; - is stdin.")],
    meta: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What else is known of them: year=2024"),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What one file is called in the corpus; else its path.")
    ] = None,
    encoding: Encoding = "utf-8",
    summarizer: Summarizer = ["extractive"],  # noqa: B006 (typer's way; nothing changes it)
    *,
    models: ModelOptions,
    as_json: Json = False,
    ledger: LedgerFile = None,
) -> None:
    """Add files to a corpus, or replace documents of the same name."""
    if name is not None and len(files) > 1:
        raise InputError(f"--name {name} is for one file, there are {len(files)}; leave it out")
    metadata, book = read_metadata(meta), Ledger(writers_of(summarizer, models)[1])
    added: list[str] = []
    failed: dict[str, str] = {}
    try:
        with reopened(corpus, summarizer, models) as opened:
            for file in files:
                try:
                    document = read(file, encoding, name)
                    added += opened.add(document, metadata=metadata, ledger=book)
                except (InputError, MissingExtraError) as error:
                    failed[file] = str(error)
    finally:
        account(book, ledger)
    if as_json:
        write_json({"added": added, "failed": failed})
    say(f"{len(added):,} added -> {corpus}")
    say_failed(failed)
    if not added:
        raise InputError("nothing could be added; see above")


def remove(
    corpus: CorpusFile,
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="Their names.")
    ] = None,
    where: Where = None,
    as_json: Json = False,
) -> None:
    """Remove documents from a corpus, by name or by what is known of them."""
    if not documents and not where:
        raise typer.BadParameter("Missing argument 'DOCUMENT'; or pass --where.")
    with hier.Corpus.open(corpus) as opened:
        names = dict.fromkeys(documents or ())
        if where:
            found = matching(opened.documents, read_where(where))
            if not found:
                raise InputError(
                    f"no document has {in_words(read_where(where))}; hier tree {corpus} lists them"
                )
            names.update(dict.fromkeys(row.id for row in found))
        opened.remove(*names)
        left = len(opened)
    if as_json:
        write_json({"removed": list(names), "documents": left})
    say(f"{len(names):,} removed, {left:,} left -> {corpus}")


def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The corpus that is made.")],
    corpora: Annotated[
        list[Path], typer.Argument(metavar="CORPUS", help="Corpora that were read alike.")
    ],
) -> None:
    """Make one corpus of several; the result is the same as if it had been built at once."""
    from hier.corpus.merging import merge as merge_corpora

    merge_corpora(corpora, out)
    _say_size(out)


def split(
    corpus: CorpusFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="The corpus that is made.")],
    where: Where = None,
) -> None:
    """Make a corpus of some documents of another, which stays as it is."""
    chosen = read_where(where)
    if chosen is None:
        raise typer.BadParameter("Missing option '--where'.")
    from hier.corpus.merging import split as split_corpus

    split_corpus(corpus, output, chosen)
    _say_size(output)


def _say_size(path: Path) -> None:
    with hier.Corpus.open(path) as made:
        say(f"{sized(len(made))}, {made.tokens:,} tokens -> {path}")
