"""The command line: ``hier``. Text goes to stdout, everything else to stderr.

The commands are in ``hier/commands``. Exit status is 0, 1 when something failed, 2 for wrong usage,
130 when interrupted.
"""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer

import hier
from hier.commands import (
    asking,
    building,
    changing,
    explaining,
    keys,
    mcp,
    proxying,
    serving,
    showing,
)
from hier.commands.output import say, write
from hier.errors import BudgetError, HierError

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


def demo() -> None:
    """Ask a real 100,000-token document three questions, in a few hundred tokens each."""
    from hier.demo import run

    run(write)


def doctor() -> None:
    """Say what is installed, what is missing, and what would be downloaded."""
    from hier.doctor import report

    write(report())


app.command()(asking.compress)
app.command()(building.build)
app.command()(asking.query)
app.command("tree")(showing.show_tree)
app.command()(explaining.explain)
app.command()(asking.ask)
for change in (changing.add, changing.remove, building.sync, changing.merge, changing.split):
    app.command()(change)
app.command()(keys.key)
app.command()(proxying.proxy)
app.command()(mcp.mcp)
app.command()(serving.serve)
app.command()(demo)
app.command()(doctor)


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
