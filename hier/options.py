"""Options: what may be typed behind a command, and how it is read.

Every option is written once: those that stand alone as annotated types, those that say what a
context may be, or how models are reached, as the parameters of ``read_limits`` and ``read_models``,
which ``with_limits`` and ``with_models`` hand to a command.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hier.config import ModelSettings, read_settings
from hier.errors import BudgetError, InputError
from hier.ledger import Prices

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
Summarizer = Annotated[
    list[str],
    typer.Option(
        metavar="NAME[:LEVELS]",
        help="extractive, ollama/NAME, openai/NAME, ...: for sections and up, or 1,2 or 3+.",
    ),
]
Model = Annotated[str, typer.Option(metavar="PROVIDER/NAME", help="Such as ollama/llama3.2.")]
CacheFile = Annotated[
    Path | None, typer.Option(help="Where a model's summaries are kept; else the user's cache.")
]
LedgerFile = Annotated[
    Path | None, typer.Option(help="Write every call, tokens and money to it, as JSON.")
]
TokenizerName = Annotated[str, typer.Option("--tokenizer", help="How tokens are counted.")]
EmbedderName = Annotated[str, typer.Option("--embedder", help="What measures likeness.")]

Limits = dict[str, Any]
"""Arguments of ``Tree.compress``: all but the question."""
_Parts = list[str] | None
_Command = Callable[..., None]


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
        typer.Option(
            metavar="PART",
            help="Show it: a heading, START:END (characters) or node=ID; of a corpus a document, "
            "NAME:START:END or a heading.",
        ),
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
        "price": None if price is None else number_or_word(price),
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


def with_options(read: Callable[..., Any], place: str) -> Callable[[_Command], _Command]:
    """Give a command the options that a function reads, in the place of one of its parameters.

    They are read before the command runs, and come to it as that one argument.

    Args:
        read: a function of options, each annotated, whose answer the command is handed.
        place: the command's parameter.
    """

    def give(command: _Command) -> _Command:
        options = inspect.signature(read).parameters
        signature = inspect.signature(command)

        @functools.wraps(command)
        def reading(**given: Any) -> None:
            typed = {name: given.pop(name) for name in options}
            command(**given, **{place: read(**typed)})

        parameters: list[inspect.Parameter] = []
        for name, parameter in signature.parameters.items():
            parameters += options.values() if name == place else [parameter]
        # Typer makes its options of these two, and not of what the function was written with.
        reading.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=parameters
        )
        reading.__annotations__ = {each.name: each.annotation for each in parameters}
        return reading

    return give


with_limits = with_options(read_limits, "limits")


@dataclass(frozen=True)
class ModelOptions:
    """What was typed about models, and the file of settings beside it.

    Attributes:
        typed: settings that were typed; they hold for every model of the command.
        known: settings of models by their names.
    """

    typed: ModelSettings
    known: Mapping[str, ModelSettings]

    def of(self, name: str) -> ModelSettings:
        """Return the settings of a model: those typed, else those of the file."""
        return self.typed.over(self.known.get(name, ModelSettings()))

    def summarizers(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return who summarises which levels, as ``hier.build`` takes it."""
        named = _split(texts)
        return {levels: self._writer(name) for levels, name in named.items()}

    def _writer(self, name: str) -> Any:
        return self.of(name).open(name) if _is_model(name) else name

    def prices(self, texts: Sequence[str]) -> Prices:
        """Return what the tokens of the models cost that summarise.

        Raises:
            InputError: they cost different sums.
        """
        names = [name for name in _split(texts).values() if _is_model(name)]
        found = {self.of(name).prices for name in names}
        if len(found) > 1:
            raise InputError(
                f"{' and '.join(names)} have different prices, and a ledger reckons with one; "
                "pass --prices IN,OUT"
            )
        return found.pop() if found else self.typed.prices


def _split(texts: Sequence[str]) -> dict[str, str]:
    from hier.assignment import split_levels

    return split_levels(" ".join(texts))


def _is_model(name: str) -> bool:
    return "/" in name and not name.startswith("seq2seq/")


def read_models(
    *,
    base_url: Annotated[str | None, typer.Option(help="Where the model's server is.")] = None,
    window: Annotated[
        int | None, typer.Option(help="Tokens the model reads and writes together.")
    ] = None,
    in_flight: Annotated[int | None, typer.Option(help="Most calls at once.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds a call may take.")] = None,
    calls_per_minute: Annotated[
        float | None, typer.Option(help="Most calls sent in a minute.")
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(metavar="IN,OUT[,CACHED]", help="Money for a million tokens: 0.15,0.60"),
    ] = None,
    joules: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:SOURCE", help="Energy of a token, and where that is from."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file of models, their settings and prices.")
    ] = None,
) -> ModelOptions:
    """Read what was typed about models.

    Raises:
        InputError: prices or joules are not written as they should be.
    """
    asked = _prices(prices or "0,0", joules)
    typed = ModelSettings(base_url, window, in_flight, timeout, None, calls_per_minute, asked)
    return ModelOptions(typed, read_settings(config))


with_models = with_options(read_models, "models")


def _prices(text: str, joules: str | None) -> Prices:
    try:
        sums = [float(part) for part in text.split(",")]
        energy, _, source = (joules or "").partition(":")
        per_token = float(energy) if joules else None
        if len(sums) not in (2, 3):
            raise ValueError
    except ValueError as error:
        raise InputError(
            f"prices {text!r} or joules {joules!r} cannot be read; pass such as 0.15,0.60 and "
            "0.3:SOURCE"
        ) from error
    cached = sums[2] if len(sums) == 3 else None
    return Prices(sums[0], sums[1], cached, per_token, source.strip())


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


def number_or_word(text: str) -> float | str:
    """Read a number where one was typed, whole where it is; else the word."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _share_of(text: str) -> tuple[str | int | tuple[int, int], float]:
    """Read PART=SHARE; a heading may have = in it, a share has none."""
    part, _, share = text.rpartition("=")
    try:
        return part_of(part), float(share)
    except ValueError as error:
        raise InputError(f"minimum {text!r} is not PART=SHARE; pass such as Fees=0.2") from error
