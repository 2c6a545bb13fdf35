"""Building: a text becomes a saved tree, a folder a corpus."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hier
from hier.commands.corpus_options import CorpusFile, Spreading, Verbose, with_spreading
from hier.commands.opening import read
from hier.commands.output import account, progress, say, write, write_json
from hier.commands.reporting import say_failed, say_report
from hier.corpus.header import is_corpus
from hier.errors import InputError, StoreError
from hier.ledger import Ledger, Prices
from hier.options import (
    CacheFile,
    EmbedderName,
    Encoding,
    Json,
    LedgerFile,
    ModelOptions,
    Summarizer,
    TokenizerName,
    with_models,
)

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.rehearsal import BuildEstimate


@with_models
@with_spreading
def build(
    source: Annotated[
        str, typer.Argument(metavar="FILE|FOLDER|-", help="A file, a folder; - is stdin.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to save the tree or the corpus.")
    ] = None,
    tokenizer: TokenizerName = "o200k_base",
    embedder: EmbedderName = "static",
    encoding: Encoding = "utf-8",
    summarizer: Summarizer = ["extractive"],  # noqa: B006 (typer's way; nothing changes it)
    *,
    spreading: Spreading,
    models: ModelOptions,
    cache: CacheFile = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="The tree at -o is of an earlier version: keep its bounds. A corpus always is.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what models would be asked, and the cost.")
    ] = False,
    verbose: Verbose = False,
    as_json: Json = False,
    ledger: LedgerFile = None,
) -> None:
    """Read a text and save its tree, or a folder and save its corpus, to be asked many times.

    A corpus that is there already is brought up to date: what changed is read, what is gone is
    removed.
    """
    is_folder = source != "-" and Path(source).is_dir()
    if not is_folder and spreading != Spreading("", 1, None, None):
        raise InputError(
            f"--as, --workers, --scheduler and --shards are for folders, {source} is none"
        )
    if is_folder:
        _check_folder(cache, spreading, summarizer)
    writers, prices = writers_of(summarizer, models)
    if dry_run:
        rehearse = _rehearse_folder if is_folder else _rehearse_text
        rehearse(
            source, output, as_json, update=update, encoding=encoding, cache=cache,
            summarizer=writers, tokenizer=tokenizer, prices=prices,
        )  # fmt: skip
        return
    if output is None:
        raise typer.BadParameter("Missing option '-o' / '--output'; or pass --dry-run.")
    book = Ledger(prices)
    try:
        if is_folder:
            _check_place(output)
            with hier.Corpus.create(
                output, tokenizer=tokenizer, embedder=embedder, encoding=encoding,
                summarizer=writers,
            ) as corpus:  # fmt: skip
                _update(corpus, output, Path(source), spreading, book, verbose, as_json)
        else:
            _save_tree(
                source, output, update, as_json, encoding, book, summarizer=writers,
                embedder=embedder, tokenizer=tokenizer, cache=cache or True,
            )  # fmt: skip
    finally:
        account(book, ledger)


@with_models
@with_spreading
def sync(
    corpus: CorpusFile,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder.")],
    summarizer: Summarizer = ["extractive"],  # noqa: B006 (typer's way; nothing changes it)
    *,
    spreading: Spreading,
    models: ModelOptions,
    verbose: Verbose = False,
    as_json: Json = False,
    ledger: LedgerFile = None,
) -> None:
    """Bring a corpus up to date with a folder: read what changed, remove what is gone."""
    _check_folder(None, spreading, summarizer)
    book = Ledger(writers_of(summarizer, models)[1])
    try:
        with reopened(corpus, summarizer, models) as opened:
            _update(opened, corpus, folder, spreading, book, verbose, as_json)
    finally:
        account(book, ledger)


def reopened(path: Path, summarizer: list[str], models: ModelOptions) -> "Corpus":
    """Open a corpus to write to it, with the models that write its summaries.

    Raises:
        StoreError: it is no corpus, or others write its summaries.
    """
    corpus = hier.Corpus.open(path)
    kept = corpus.settings
    if not _are_models(summarizer):
        return corpus
    corpus.close()
    return hier.Corpus.create(
        path, tokenizer=kept.tokenizer, embedder=kept.embedder, relevance=kept.relevance,
        encoding=kept.encoding, summarizer=writers_of(summarizer, models)[0],
    )  # fmt: skip


def writers_of(summarizer: list[str], models: ModelOptions) -> tuple[Any, Prices]:
    """Return who writes summaries, as ``hier.build`` takes it, and what that costs."""
    if not _are_models(summarizer):  # what models need is not imported
        return "extractive", models.typed.prices
    return models.summarizers(summarizer), models.prices(summarizer)


def _are_models(summarizer: list[str]) -> bool:
    return summarizer != ["extractive"]


def _check_folder(cache: Path | None, spreading: Spreading, summarizer: list[str]) -> None:
    """Refuse what a folder cannot be built with."""
    if cache is not None:
        raise InputError("a corpus keeps the summaries of its models itself; leave --cache out")
    if _are_models(summarizer) and (spreading.workers > 1 or spreading.scheduler is not None):
        raise InputError(
            "a model is asked from one process, many calls at once: leave --workers and "
            "--scheduler out, and say --in-flight"
        )


def _check_place(output: Path) -> None:
    """Refuse to make a corpus of what is another file."""
    if output.is_file() and output.stat().st_size and not is_corpus(output):
        raise StoreError(f"{output} is there already, and no corpus; choose another name")


def _save_tree(source: str, output: Path, update: bool, as_json: bool, encoding: str,
               ledger: Ledger, **options: Any) -> None:  # fmt: skip
    """Build the tree of a text and save it."""
    if is_corpus(output):
        raise StoreError(f"{output} is a corpus; add the file to it: hier add {output} {source}")
    previous = hier.load(output) if update and output.exists() else None
    started = time.perf_counter()
    tree = hier.build(
        read(source, encoding), previous=previous, progress=progress(), ledger=ledger, **options
    )
    tree.save(output)
    seconds = time.perf_counter() - started
    if as_json:
        facts = {"source": tree.document.name, "tokens": tree.tokens, "nodes": len(tree.nodes)}
        told = {"fidelity": tree.fidelity().to_dict(), "ledger": ledger.to_dict()}
        write_json({**facts, "seconds": round(seconds, 3), **told})
    elif tree.checks:
        say(tree.fidelity().table())
    size = f"{tree.tokens:,} tokens, {len(tree.nodes):,} nodes"
    say(f"{size} in {seconds:.2f} s -> {output}")


def _update(
    corpus: "Corpus", path: Path, folder: Path, spreading: Spreading, book: Ledger, verbose: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Bring a corpus up to date with a folder, and say what was done.

    Raises:
        InputError: nothing could be read.
    """
    with spreading.opened() as options:
        report = corpus.sync(folder, ledger=book, progress=progress(), **options)
    if as_json:
        ledger = {"ledger": book.to_dict()} if book.calls else {}
        write_json({**asdict(report), "documents": len(corpus), **ledger})
    say_report(report, path, verbose)
    if not (report.added or report.updated or report.unchanged or report.removed):
        raise InputError(f"nothing in {folder} could be read; see above, or pass another folder")


def _rehearse_text(source: str, output: Path | None, as_json: bool, *, update: bool, encoding: str,
                   cache: Path | None, **options: Any) -> None:  # fmt: skip
    from hier.rehearsal import estimate_build

    previous = hier.load(output) if update and output is not None and output.exists() else None
    guess = estimate_build(
        read(source, encoding), cache=cache or True, previous=previous, **options
    )
    _show_estimate(guess, as_json)


def _rehearse_folder(source: str, output: Path | None, as_json: bool, *, encoding: str,
                     update: bool, cache: Path | None, **options: Any) -> None:  # fmt: skip
    from hier.rehearsal import estimate_folder

    kept = output if output is not None and is_corpus(output) else False
    guess, failed = estimate_folder(Path(source), encoding=encoding, cache=kept, **options)
    _show_estimate(guess, as_json)
    say_failed(failed)


def _show_estimate(guess: "BuildEstimate", as_json: bool) -> None:
    if as_json:
        write_json(guess.to_dict())
    else:
        write(f"{guess}\n")
