"""Rehearsals: what a build would ask of a model, before anything is sent.

The build itself is run, with a writer that sends nothing: it hands back the beginning of each text
in place of a summary. So calls and the tokens of the lowest level are exact, and what the cache
holds is not asked for; the tokens of higher levels and the time are estimates.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hier.assignment import Writers, read_summarizer
from hier.build import build
from hier.document import Document
from hier.errors import InputError, MissingExtraError
from hier.ledger import Ledger, Prices
from hier.summaries import write_summaries
from hier.summarizers.cache import Cache, default_path
from hier.summarizers.calls import Call, Record, Written
from hier.summarizers.writers import Writer
from hier.tokens import DEFAULT_TOKENIZER
from hier.tree import Tree

FIRST_SECONDS = 0.5  # a usual wait for the first token of a reply
TOKENS_A_SECOND = 60.0  # and the usual speed of those behind it
USUAL = 0.7  # share of the most tokens that a summary usually has


@dataclass(frozen=True)
class BuildEstimate:
    """What a build would ask of its models.

    Attributes:
        nodes: nodes whose summary a model writes.
        calls: requests that would be sent, if none has to be sent again.
        saved: summaries that the cache holds already.
        input: tokens that would be sent.
        output: tokens that would come back.
        money: by the prices given.
        seconds: rough time, at half a second a reply and 60 tokens a second, as many calls in
            flight as the models allow.
    """

    nodes: int
    calls: int
    saved: int
    input: int
    output: int
    money: float
    seconds: float

    def __str__(self) -> str:
        """Say it in one line."""
        money = f", money {self.money:.4f}" if self.money else ""
        return (
            f"{self.calls:,} calls for {self.nodes:,} summaries ({self.saved:,} in the cache), "
            f"about {self.input:,} tokens in and {self.output:,} out{money}, "
            f"about {self.seconds:,.0f} s"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return asdict(self)


def estimate_build(
    source: str | Path | Document,
    *,
    summarizer: Any,
    tokenizer: Any = DEFAULT_TOKENIZER,
    cache: Path | bool = True,
    previous: Tree | None = None,
    prices: Prices | None = None,
) -> BuildEstimate:
    """Say what ``hier.build`` with the same arguments would ask of its models; nothing is sent.

    Args:
        source: as for ``build``.
        summarizer: as for ``build``.
        tokenizer: as for ``build``; it also counts what would be sent.
        cache: as for ``build``; it is only read.
        previous: as for ``build``.
        prices: what tokens cost.

    Raises:
        HierError: as for ``build``.
    """
    tree = build(source, tokenizer=tokenizer, previous=previous)
    ledger = Ledger(prices or Prices())
    writers = read_summarizer(summarizer)
    waits: list[float] = []
    stand_ins = tuple(
        (levels, writer and _StandIn(writer, tree.tokenizer.count, waits))
        for levels, writer in writers.by_levels
    )
    with _reading(cache) as kept:
        rehearsed = write_summaries(tree, Writers(stand_ins), ledger, kept)
    total = ledger.total()
    nodes = len(rehearsed.checks)
    return BuildEstimate(
        nodes, total.calls, total.saved, total.input, total.output, total.money, sum(waits)
    )


def estimate_folder(
    folder: Path,
    *,
    summarizer: Any,
    tokenizer: Any = DEFAULT_TOKENIZER,
    encoding: str = "utf-8",
    cache: Path | bool = False,
    prices: Prices | None = None,
) -> tuple[BuildEstimate, dict[str, str]]:
    """Say what making a corpus of a folder would ask of its models; nothing is sent.

    Args:
        folder: the folder.
        summarizer: as for ``build``.
        tokenizer: as for ``build``.
        encoding: of text files.
        cache: the corpus, where there is one: what it has is not asked for.
        prices: what tokens cost.

    Returns:
        The sum over all files, and why some cannot be read, by name.

    Raises:
        HierError: there is no such folder; or as for ``build``, but for what a file is.
    """
    from hier.files.folder import walk
    from hier.files.reading import read_bytes, read_raw

    total = BuildEstimate(0, 0, 0, 0, 0, 0.0, 0.0)
    failed: dict[str, str] = {}
    for file in walk(folder).files:
        try:
            document = read_bytes(read_raw(file.path)[0], file.id, encoding)
            found = estimate_build(
                document, summarizer=summarizer, tokenizer=tokenizer, cache=cache, prices=prices
            )
        except (InputError, MissingExtraError) as error:
            failed[file.id] = str(error)
        else:
            sums = {name: value + getattr(found, name) for name, value in asdict(total).items()}
            total = BuildEstimate(**sums)
    return total, failed


class _StandIn:
    """A writer that sends nothing, and says what would have been sent."""

    def __init__(self, writer: Writer, count: Callable[[str], int], waits: list[float]) -> None:
        self.count, self.waits = count, waits
        self.identity, self.window = writer.identity, writer.window
        self.output, self.in_flight = writer.output, writer.in_flight
        self.overhead = writer.overhead

    def write(
        self, texts: Sequence[str], done: Callable[[int, Written], None], record: Record
    ) -> None:
        """Hand back the beginning of each text."""
        usual = max(1, round(USUAL * self.output))
        for i, text in enumerate(texts):
            size = self.count(text)
            shown = text if size <= usual else _beginning(text, usual / size)
            sent = self.overhead + size
            record(Call("indexing", "rehearsal", sent, min(usual, size), told=False))
            done(i, Written(shown))
        rounds = math.ceil(len(texts) / self.in_flight)
        self.waits.append(rounds * (FIRST_SECONDS + usual / TOKENS_A_SECOND))


def _beginning(text: str, share: float) -> str:
    """Return about a share of a text, whole words."""
    end = max(1, int(share * len(text)))
    return text[: text.rfind(" ", 0, end)] if " " in text[:end].strip() else text[:end]


class _ReadOnly(Cache):
    """A cache that keeps nothing new."""

    def put(self, key: bytes, summary: Written) -> None:
        """Keep nothing: what is rehearsed is no summary."""


@contextmanager
def _reading(cache: Path | bool) -> Iterator[Cache | None]:
    """Open a cache to read; None where there is none yet."""
    path = default_path() if cache is True else cache
    if path is False or not Path(path).is_file():
        yield None
        return
    with _ReadOnly(Path(path)) as opened:
        yield opened
