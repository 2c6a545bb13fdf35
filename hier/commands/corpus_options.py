"""Options of corpora: what may be typed behind a command that makes one or asks one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hier.errors import InputError
from hier.options import number_or_word, with_options

_SPAN = re.compile(r"(.+):(\d+):(\d+)", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d+)?")

Saved = Annotated[
    list[str],
    typer.Argument(
        metavar="TREE|CORPUS", help="A saved tree, a corpus, or all shards of a corpus."
    ),
]
SavedOrText = Annotated[
    list[str],
    typer.Argument(
        metavar="TREE|CORPUS|FILE",
        help="A saved tree, a corpus (or all its shards), or a text file.",
    ),
]
CorpusFile = Annotated[Path, typer.Argument(metavar="CORPUS", help="The corpus.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Only documents of a corpus with it: year=2024, type=pdf, path='reports/*.pdf'. "
        "Other names narrow further; the same name again allows its value too.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Name every file that was passed over, and why.")
]


@dataclass(frozen=True)
class Spreading:
    """Who builds the documents of a folder, and what they are called.

    Attributes:
        prefix: what stands before the path of a file in its document's name.
        workers: processes that build.
        scheduler: address of a Dask scheduler whose workers build in their place.
        shards: where workers write shards; None for one file.
    """

    prefix: str
    workers: int
    scheduler: str | None
    shards: str | None

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """Hold it as ``Corpus.sync`` takes it: a cluster is let go of behind it.

        Raises:
            HierError: there is no such scheduler, or nothing to speak to one with.
        """
        told = {"prefix": self.prefix, "workers": self.workers, "shards": self.shards}
        if self.scheduler is None:
            yield told
            return
        from hier.corpus.cluster import connect

        with connect(self.scheduler) as executor:
            yield {**told, "executor": executor}


def read_spreading(
    *,
    prefix: Annotated[
        str,
        typer.Option("--as", metavar="PREFIX", help="Before each file's path in its name: 2024/"),
    ] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes that build.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:8786", help="A Dask scheduler whose workers build."),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A folder that all workers see: they write there."),
    ] = None,
) -> Spreading:
    """Read how a folder is to be built."""
    return Spreading(prefix, workers, scheduler, shards)


with_spreading = with_options(read_spreading, "spreading")


def read_where(typed: Sequence[str] | None) -> dict[str, Any] | None:
    """Read filters: each name with all values that were typed for it; None where none was.

    What looks like a number is looked for as a number and as a text: ``title=1984`` finds both.

    Raises:
        InputError: a filter is not NAME=VALUE.
    """
    if not typed:
        return None
    wanted: dict[str, list[Any]] = {}
    for text in typed:
        name, value = _pair(text, "where", "year=2024")
        values = [value] if name == "path" else _meant(value)
        wanted.setdefault(name, []).extend(values)
    return wanted


def in_documents(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return limits whose parts are of documents: ``NAME:START:END`` is characters of one."""
    read = {name: [_part(part) for part in limits[name]] for name in ("must_include", "exclude")}
    shares = {_part(part): share for part, share in limits["minimum"].items()}
    return {**limits, **read, "minimum": shares}


def _part(part: Any) -> Any:
    found = _SPAN.fullmatch(part) if isinstance(part, str) else None
    return (found[1], (int(found[2]), int(found[3]))) if found else part


def read_metadata(typed: Sequence[str] | None) -> dict[str, Any]:
    """Read what else is known of documents; what looks like a number is one.

    Raises:
        InputError: something is not NAME=VALUE.
    """
    pairs = (_pair(text, "meta", "year=2024") for text in typed or ())
    return {name: _value(value) for name, value in pairs}


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"{option} {text!r} is not NAME=VALUE; pass such as {example}")
    return name.strip(), value


def _meant(value: str) -> list[Any]:
    read = _value(value)
    return [value] if isinstance(read, str) else [read, value]


def _value(value: str) -> Any:
    """Read a value: what is written as numbers are is one, but ``007`` is no number."""
    if value in ("true", "false"):
        return value == "true"
    return number_or_word(value) if _NUMBER.fullmatch(value) else value
