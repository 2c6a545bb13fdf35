"""Options: what may be typed behind a command, and how it is read.

Every option is written once: those that stand alone as annotated types, those that say what a
context may be as the parameters of ``read_limits``, which ``with_limits`` hands to a command.
"""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from hier.errors import BudgetError, InputError

Source = Annotated[str, typer.Argument(metavar="FILE|-", help="A text file; - is stdin.")]
TreeSource = Annotated[
    str, typer.Argument(metavar="TREE|FILE", help="A saved tree, or a text file.")
]
Query = Annotated[
    list[str] | None,
    typer.Option("-q", "--query", help="The question, or several; none: an overview."),
]
Tokens = Annotated[str, typer.Option("-b", "--budget", help="Most tokens.")]
Json = Annotated[bool, typer.Option("--json", help="Print everything known, as JSON.")]
Encoding = Annotated[str, typer.Option(help="Encoding of the text.")]
TokenizerName = Annotated[str, typer.Option("--tokenizer", help="How tokens are counted.")]
EmbedderName = Annotated[str, typer.Option("--embedder", help="What measures likeness.")]

Limits = dict[str, Any]
"""Arguments of ``Tree.compress``: all but the question."""
_Parts = list[str] | None


def read_limits(
    *,
    budget: Annotated[
        str,
        typer.Option("-b", "--budget", help="Most tokens; auto: as many as are worth their price."),
    ] = "2000",
    ratio: Annotated[
        float | None, typer.Option(help="Share of the text's tokens, as the budget.")
    ] = None,
    ceiling: Annotated[int | None, typer.Option(help="Most tokens of --budget auto.")] = None,
    price: Annotated[
        str | None,
        typer.Option(help="thorough, balanced, thrifty, or percent a thousand tokens must add."),
    ] = None,
    include: Annotated[
        _Parts,
        typer.Option(metavar="PART", help="Show it: a heading, START:END (characters) or node=ID."),
    ] = None,
    exclude: Annotated[_Parts, typer.Option(metavar="PART", help="Do not show it.")] = None,
    minimum: Annotated[
        _Parts,
        typer.Option(metavar="PART=SHARE", help="Least share of the budget for it: Fees=0.2"),
    ] = None,
    max_segments: Annotated[int | None, typer.Option(help="Most pieces.")] = None,
    prefix: Annotated[str, typer.Option(help="A text before all else, paid for.")] = "",
    suffix: Annotated[str, typer.Option(help="A text behind all else, paid for.")] = "",
    order: Annotated[
        str, typer.Option(help="document, or relevance: the most relevant first.")
    ] = "document",
    plain: Annotated[bool, typer.Option("--plain", help="No headings and no gap marks.")] = False,
) -> Limits:
    """Read what was typed as the arguments of ``Tree.compress``.

    Raises:
        BudgetError: the budget is neither a whole number nor auto.
        InputError: a minimum is not PART=SHARE.
    """
    return {
        "budget": budget if budget == "auto" else whole_number(budget, "pass 1 or more, or auto"),
        "ratio": ratio,
        "ceiling": ceiling,
        "price": None if price is None else _number_or_word(price),
        "must_include": [part_of(text) for text in include or ()],
        "exclude": [part_of(text) for text in exclude or ()],
        "minimum": dict(_share_of(text) for text in minimum or ()),
        "max_segments": max_segments,
        "prefix": prefix,
        "suffix": suffix,
        "order": order,
        "headings": not plain,
        "gaps": not plain,
    }


def with_limits(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``read_limits``, in the place of its parameter ``limits``.

    They are read before the command runs, and come to it as that one argument.
    """
    options = inspect.signature(read_limits).parameters
    signature = inspect.signature(command)

    @functools.wraps(command)
    def reading(**given: Any) -> None:
        typed = {name: given.pop(name) for name in options}
        command(**given, limits=read_limits(**typed))

    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += options.values() if name == "limits" else [parameter]
    # Typer makes its options of these two, and not of what the function was written with.
    reading.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    reading.__annotations__ = {each.name: each.annotation for each in parameters}
    return reading


def whole_number(text: str, remedy: str = "pass 1 or more") -> int:
    """Read a number of tokens.

    Raises:
        BudgetError: it is not a whole number; ``remedy`` says what is.
    """
    try:
        return int(text)
    except ValueError as error:
        raise BudgetError(f"budget {text!r} is not a whole number of tokens; {remedy}") from error


def part_of(text: str) -> str | int | tuple[int, int]:
    """Read a part of a text: ``node=ID``, ``START:END``, or the words of a heading."""
    if found := re.fullmatch(r"node=(\d+)", text):
        return int(found[1])
    if found := re.fullmatch(r"(\d+):(\d+)", text):
        return int(found[1]), int(found[2])
    return text


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _share_of(text: str) -> tuple[str | int | tuple[int, int], float]:
    """Read PART=SHARE; a heading may have = in it, a share has none."""
    part, _, share = text.rpartition("=")
    try:
        return part_of(part), float(share)
    except ValueError as error:
        raise InputError(f"minimum {text!r} is not PART=SHARE; pass such as Fees=0.2") from error
