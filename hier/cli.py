"""The command line: ``hier``. Text goes to stdout, everything else to stderr.

The commands hold no logic of their own: they read, call the engine, and write. Exit status is 0, 1
when something failed, 2 for wrong usage, 130 when interrupted.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import hier
from hier.document import Document, decode
from hier.errors import BudgetError, HierError, InputError
from hier.ledger import Ledger
from hier.options import (
    CacheFile,
    EmbedderName,
    Encoding,
    Json,
    LedgerFile,
    Limits,
    Model,
    ModelOptions,
    Query,
    Source,
    Summarizer,
    TokenizerName,
    Tokens,
    TreeSource,
    number_or_word,
    whole_number,
    with_limits,
    with_models,
)
from hier.store import is_tree
from hier.tokens import encodable

# Typer carries its own click or uses the installed one: its public errors lead to the base class.
_UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]

INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compress long texts into a context for a model, within an exact token budget.",
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compress long texts into a context for a model, within an exact token budget."""
    if version:
        write(f"hier {hier.__version__}\n")
        raise typer.Exit


@app.command()
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
    tree = build_tree(source, tokenizer, embedder, encoding)
    answer(tree, query, limits, as_json)


@app.command()
@with_models
def build(
    source: Source,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to save the tree.")
    ] = None,
    tokenizer: TokenizerName = "o200k_base",
    embedder: EmbedderName = "static",
    encoding: Encoding = "utf-8",
    summarizer: Summarizer = ["extractive"],  # noqa: B006 (typer's way; nothing changes it)
    *,
    models: ModelOptions,
    cache: CacheFile = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="The tree at -o is of an earlier version: keep its bounds."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what models would be asked, and the cost.")
    ] = False,
    as_json: Json = False,
    ledger: LedgerFile = None,
) -> None:
    """Read a text and save its tree, to be asked many times."""
    writers, prices = models.summarizers(summarizer), models.prices(summarizer)
    previous = hier.load(output) if update and output is not None and output.exists() else None
    if dry_run:
        from hier.rehearsal import estimate_build

        guess = estimate_build(
            read(source, encoding), summarizer=writers, tokenizer=tokenizer,
            cache=cache or True, previous=previous, prices=prices,
        )  # fmt: skip
        write(f"{json.dumps(guess.to_dict()) if as_json else guess}\n")
        return
    if output is None:
        raise typer.BadParameter("Missing option '-o' / '--output'; or pass --dry-run.")
    started = time.perf_counter()
    book = Ledger(prices)
    try:
        tree = hier.build(
            read(source, encoding), embedder=embedder, summarizer=writers, tokenizer=tokenizer,
            cache=cache or True, ledger=book, previous=previous, progress=progress(),
        )  # fmt: skip
        tree.save(output)
    finally:
        account(book, ledger)
    seconds = time.perf_counter() - started
    size = f"{tree.tokens:,} tokens, {len(tree.nodes):,} nodes"
    if as_json:
        facts = {"source": tree.document.name, "tokens": tree.tokens, "nodes": len(tree.nodes)}
        told = {"fidelity": tree.fidelity().to_dict(), "ledger": book.to_dict()}
        write(json.dumps({**facts, "seconds": round(seconds, 3), **told}) + "\n")
    elif tree.checks:
        say(tree.fidelity().table())
    say(f"{size} in {seconds:.2f} s -> {output}")


@app.command()
@with_limits
def query(
    tree: Annotated[Path, typer.Argument(metavar="TREE", help="A saved tree.")],
    question: Query = None,
    *,
    limits: Limits,
    as_json: Json = False,
) -> None:
    """Ask a saved tree."""
    answer(hier.load(tree), question, limits, as_json)


@app.command("tree")
def show_tree(
    source: TreeSource,
    depth: Annotated[int, typer.Option(min=0, help="Levels below the root.")] = 3,
    encoding: Encoding = "utf-8",
) -> None:
    """Show the upper levels of a tree: node, size, heading or first words."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree as Branch

    tree = open_tree(source, encoding)

    def grow(branch: Branch, node: hier.Node, left: int) -> None:
        for child in node.children if left else ():
            grow(branch.add(Text(describe(tree.nodes[child]))), tree.nodes[child], left - 1)

    def describe(node: hier.Node) -> str:
        return f"[{node.id}] {node.tokens:,} tokens: {encodable(tree.label(node))}"

    top = Branch(Text(describe(tree.root)))
    grow(top, tree.root, depth)
    console = Console(width=None if sys.stdout.isatty() else 100)
    with console.capture() as captured:
        console.print(top)
    write(captured.get())


@app.command()
def explain(
    source: TreeSource,
    query: Query = None,
    budget: Tokens = "2000",
    as_json: Json = False,
    encoding: Encoding = "utf-8",
) -> None:
    """Say why each piece is in, and what the next 500 tokens would add."""
    from hier.explain import explain as explain_context

    report = explain_context(open_tree(source, encoding), query, whole_number(budget))
    write(json.dumps(report.to_dict()) + "\n" if as_json else report.text + "\n")


@app.command()
@with_models
def ask(
    source: TreeSource,
    question: Annotated[str, typer.Option("-q", "--query", help="The question.")],
    model: Model,
    budget: Annotated[
        str, typer.Option("-b", "--budget", help="Most tokens of all calls, sent and received.")
    ] = "8000",
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
    from hier.asking.estimate import estimate

    settings = models.of(model)
    asked, book = settings.open(model), Ledger(settings.prices)
    tree = open_tree(source, encoding)
    if only_estimate:
        guess = estimate(tree, question, asked if reasoning == "estimate" else None, ledger=book)
        write(f"{json.dumps(guess.to_dict()) if as_json else guess}\n")
        account(book, ledger)
        return
    try:
        found = hier.ask(
            tree, question, asked, whole_number(budget), mode="once" if once else "auto",
            reasoning=None if reasoning is None else number_or_word(reasoning), steps=steps,
            ledger=book, on_text=write if stream and not as_json else None,
        )  # fmt: skip
    except HierError:
        account(book, ledger)
        raise
    if as_json:
        write(json.dumps(found.to_dict()) + "\n")
    else:
        write("\n" if stream else f"{found.text}\n")
        say(f"{found.sources()}\n{found.beside}".strip())
        if tree.ledger.calls:
            say(f"and {tree.ledger.total().tokens:,} tokens once, when models summarised the text")
    account(book, ledger)


@app.command()
def demo() -> None:
    """Ask a real 100,000-token document three questions, in a few hundred tokens each."""
    from hier.demo import run

    run(write)


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing, and what would be downloaded."""
    from hier.doctor import report

    write(report())


def build_tree(source: str, tokenizer: str, embedder: str, encoding: str) -> hier.Tree:
    """Read the source and build its tree, with progress on a terminal."""
    return hier.build(
        read(source, encoding), tokenizer=tokenizer, embedder=embedder, progress=progress()
    )


def account(ledger: Ledger, path: Path | None) -> None:
    """Say what models were asked, and write it down; also where the command failed."""
    if ledger.calls:
        say(ledger.table())
    if path is not None:
        path.write_text(json.dumps(ledger.to_dict()) + "\n", encoding="utf-8")


def open_tree(source: str, encoding: str) -> hier.Tree:
    """Open a saved tree, or build one from a text."""
    if source != "-" and is_tree(Path(source)):
        return hier.load(source)
    return hier.build(read(source, encoding), progress=progress())


def read(source: str, encoding: str) -> Document:
    """Read a file or, for ``-``, stdin.

    Raises:
        InputError: it cannot be read as text, or is a saved tree.
    """
    if source == "-":
        if sys.stdin is None:
            raise InputError("stdin is closed; pipe a text into it, or pass a file")
        return Document(decode(sys.stdin.buffer.read(), "stdin", encoding), "stdin")
    if is_tree(Path(source)):
        raise InputError(f"{source} is a saved tree; ask it with: hier query {source} -q ...")
    return Document.from_path(Path(source), encoding)


def answer(tree: hier.Tree, question: list[str] | None, limits: Limits, as_json: bool) -> None:
    """Compress and print."""
    started = time.perf_counter()
    context = tree.compress(question, **limits)
    milliseconds = 1000 * (time.perf_counter() - started)
    if as_json:
        facts = {"source": tree.document.name, "source_tokens": tree.tokens}
        write(
            json.dumps({**facts, "milliseconds": round(milliseconds, 3), **context.to_dict()})
            + "\n"
        )
        return
    write(context.text if context.text.endswith("\n") else context.text + "\n")
    say(f"{context.used()}, from {tree.tokens:,}; {milliseconds:.0f} ms")


def progress() -> Callable[[str, int, int], None] | None:
    """Return a progress report on stderr; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, done: int, total: int) -> None:
        filled = 30 * done // max(total, 1)
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{what} {'█' * filled}{'░' * (30 - filled)} {done}/{total}{end}")
        sys.stderr.flush()

    return show


def write(text: str) -> None:
    """Write to stdout as UTF-8, whatever the locale; a lone surrogate becomes U+FFFD."""
    sys.stdout.buffer.write(encodable(text).encode("utf-8"))
    sys.stdout.buffer.flush()


def say(message: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(encodable(message) + "\n")


def stop(message: str, status: int) -> NoReturn:
    """End with one line on stderr."""
    say("hier: error: " + " ".join(message.split()))
    sys.exit(status)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every expected failure is one line and an exit status."""
    try:
        status = app(args=arguments, standalone_mode=False)
        if status == INTERRUPTED:  # typer's way to tell
            raise KeyboardInterrupt
        sys.exit(status if isinstance(status, int) else 0)
    except typer.Exit as error:
        sys.exit(error.exit_code)
    except BudgetError as error:
        stop(str(error), 2)
    except HierError as error:
        stop(str(error), 1)
    except _UsageProblem as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            say(str(error))
            sys.exit(2)
        stop(f"{error.format_message()} See: hier --help", 2)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, typer.Abort):
        stop("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader left early: what it wanted it has. Keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        stop(f"{error.filename or 'output'}: {error.strerror or error}; check the disk", 1)


if __name__ == "__main__":
    main()
