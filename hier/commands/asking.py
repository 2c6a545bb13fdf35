"""Asking: a text, a saved tree or a corpus is compressed for a question, or a model answers it."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hier
from hier.commands.corpus_options import Saved, SavedOrText, Where, in_documents, read_where
from hier.commands.opening import build_tree, named, opened, opened_or_built
from hier.commands.output import account, say, say_all, sized, write, write_json
from hier.errors import HierError, InputError
from hier.ledger import Ledger
from hier.options import (
    EmbedderName,
    Encoding,
    Json,
    LedgerFile,
    Limits,
    Model,
    ModelOptions,
    Query,
    Source,
    TokenizerName,
    number_or_word,
    whole_number,
    with_limits,
    with_models,
)
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus


@with_limits
def compress(
    source: Source,
    query: Query = None,
    *,
    limits: Limits,
    as_json: Json = False,
    tokenizer: TokenizerName = "o200k_base",
    embedder: EmbedderName = "static",
    encoding: Encoding = "utf-8",
) -> None:
    """Compress a text once: read it, choose, print the context."""
    answer(build_tree(source, tokenizer, embedder, encoding), query, limits, as_json, [source])


@with_limits
def query(
    sources: Saved,
    question: Query = None,
    where: Where = None,
    *,
    limits: Limits,
    as_json: Json = False,
) -> None:
    """Ask a saved tree or a corpus."""
    with opened(sources) as asked:
        meant = limits if isinstance(asked, Tree) else in_documents(limits)
        answer(asked, question, meant | only(asked, where), as_json, sources)


@with_models
def ask(
    sources: SavedOrText,
    question: Annotated[str, typer.Option("-q", "--query", help="The question.")],
    model: Model,
    budget: Annotated[
        str, typer.Option("-b", "--budget", help="Most tokens of all calls, sent and received.")
    ] = "8000",
    where: Where = None,
    once: Annotated[bool, typer.Option("--once", help="One context, one answer.")] = False,
    reasoning: Annotated[
        str | None, typer.Option(help="Tokens to think in: a number, estimate or search.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Most calls.")] = 6,
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say what the question will take.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it comes.")] = False,
    as_json: Json = False,
    *,
    models: ModelOptions,
    ledger: LedgerFile = None,
    encoding: Encoding = "utf-8",
) -> None:
    """Let a model answer a question, with citations, within a budget for all that is billed."""
    settings = models.of(model)
    chat, book = settings.open(model), Ledger(settings.prices)
    with opened_or_built(sources, encoding) as asked:
        meant = only(asked, where)
        if only_estimate:
            thinking = chat if reasoning == "estimate" else None
            guess = hier.estimate(asked, question, thinking, ledger=book, **meant)
            if as_json:
                write_json(guess.to_dict())
            else:
                write(f"{guess}\n")
            account(book, ledger)
            return
        try:
            found = hier.ask(
                asked, question, chat, whole_number(budget), mode="once" if once else "auto",
                reasoning=None if reasoning is None else number_or_word(reasoning), steps=steps,
                ledger=book, on_text=write if stream and not as_json else None, **meant,
            )  # fmt: skip
        except HierError:
            account(book, ledger)
            raise
    if as_json:
        write_json(found.to_dict())
    else:
        write("\n" if stream else f"{found.text}\n")
        say(f"{found.sources()}\n{found.beside}".strip())
        if isinstance(asked, Tree) and asked.ledger.calls:
            say(f"and {asked.ledger.total().tokens:,} tokens once, when models summarised the text")
    account(book, ledger)


def only(asked: "Tree | Corpus", where: list[str] | None) -> dict[str, Any]:
    """Return the filter that was typed, as an argument.

    Raises:
        InputError: it is for a corpus, and this is none.
    """
    if not where:
        return {}
    if isinstance(asked, Tree):
        raise InputError(
            f"--where {where[0]} chooses documents of a corpus, {asked.document.name or 'this'} is "
            "one text; leave it out"
        )
    return {"where": read_where(where)}


def answer(
    asked: "Tree | Corpus", question: list[str] | None, limits: dict[str, Any], as_json: bool,
    sources: list[str],
) -> None:  # fmt: skip
    """Compress and print; of a corpus, or of a file with pages, say where the pieces stand."""
    started = time.perf_counter()
    context = asked.compress(question, **limits)
    milliseconds = 1000 * (time.perf_counter() - started)
    if as_json:
        facts = {"source": named(asked, sources), "source_tokens": asked.tokens}
        if not isinstance(asked, Tree):
            facts["documents"] = len(asked)
        write_json({**facts, "milliseconds": round(milliseconds, 3), **context.to_dict()})
        return
    write(context.text if context.text.endswith("\n") else context.text + "\n")
    size = f"{asked.tokens:,}"
    if not isinstance(asked, Tree):
        size += f" in {sized(len(asked))}"
    say(f"{context.used()}, from {size}; {milliseconds:.0f} ms")
    where = context.sources()
    if not isinstance(asked, Tree):
        say_all(where.splitlines())
    elif asked.document.places is not None and where:
        say_all([where.replace("the text", asked.document.name or "the text", 1)])
