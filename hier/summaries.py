"""Summaries that models write: bottom-up, a whole level at once, each checked, none paid for twice.

Sections, and what lies under them, are summarised from their text, any higher node from the
summaries of its children. What a model invents is taken out again, and where nothing is left, or
no reply was of use, the extractive summary stands in: a tree never lacks one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hier.errors import SummarizerError
from hier.fidelity import SummaryCheck
from hier.ledger import Ledger
from hier.summarizers.cache import Cache, default_path, key
from hier.summarizers.calls import Written
from hier.summarizers.fidelity import check, repair
from hier.summarizers.writers import Writer, load_writer
from hier.tree import Tree

Progress = Callable[[str, int, int], None]
SECTION = 2  # the highest level that is summarised from its text
_LEVELS = re.compile(r"\d{1,2}(?:-\d{1,2})?(?:,\d{1,2}(?:-\d{1,2})?)*\+?")
_SPEC = re.compile(rf"(?P<name>.*?)(?::(?P<levels>{_LEVELS.pattern}))?", re.DOTALL)


@dataclass(frozen=True)
class Levels:
    """Some levels of a tree.

    Attributes:
        some: levels by number; 1 are the passages.
        least: all from this level on, too; None for none.
    """

    some: frozenset[int]
    least: int | None = None

    @classmethod
    def of(cls, text: str) -> "Levels":
        """Read such as ``"2"``, ``"1,2"``, ``"2-4"`` or ``"3+"``.

        Raises:
            SummarizerError: it is nothing such.
        """
        some: set[int] = set()
        for part in text.rstrip("+").split(",") if _LEVELS.fullmatch(text) else ():
            low, _, high = part.partition("-")
            some.update(range(int(low), int(high or low) + 1))
        if not some or min(some) < 1:
            raise SummarizerError(
                f"levels {text!r} cannot be read; write them as 1 (the passages), 1,2, 2-4 or 3+"
            )
        return cls(frozenset(some), max(some) if text.endswith("+") else None)

    def __contains__(self, level: int) -> bool:
        """Say whether a level is one of them."""
        return level in self.some or (self.least is not None and level >= self.least)


@dataclass(frozen=True)
class Writers:
    """Which writer summarises which level; None is extractive.

    Attributes:
        by_levels: levels, and who writes their summaries.
    """

    by_levels: tuple[tuple[Levels, Writer | None], ...]

    def __bool__(self) -> bool:
        """Say whether any level is not extractive."""
        return any(writer for _, writer in self.by_levels)

    def __post_init__(self) -> None:
        """Refuse two writers of one level."""
        named = max((max(levels.some) for levels, _ in self.by_levels), default=0)
        for level in range(named + 2):
            if sum(level in levels for levels, _ in self.by_levels) > 1:
                raise SummarizerError(f"level {level} has two summarizers; name each level once")

    def levels(self, tree: Tree) -> list[tuple[int, Writer]]:
        """Return the levels of a tree that models summarise, lower ones first."""
        top = len(tree.levels) - 1
        # The root of a short text is a section, at whatever level it is.
        known_as = {level: level for level in range(1, top)} | {top: max(top, SECTION)}
        found = ((level, self._at(name)) for level, name in known_as.items() if level)
        return [(level, writer) for level, writer in found if writer]

    def _at(self, level: int) -> Writer | None:
        return next((writer for levels, writer in self.by_levels if level in levels), None)


def read_summarizer(summarizer: Any) -> Writers:
    """Return who writes the summaries of which level.

    Args:
        summarizer: ``"extractive"``; a model's name, a LlamaIndex ``LLM``, a function or any other
            writer, for sections and what lies above them; a mapping from levels (``"1,2"``,
            ``"3+"``) to any of these; or the same as one text, ``"extractive:1,2 NAME:3+"``.

    Raises:
        SummarizerError: it is none of these.
    """
    if isinstance(summarizer, str):
        parts = [_SPEC.fullmatch(part) for part in summarizer.split()] or [_SPEC.fullmatch("")]
        named = [(part["levels"] or f"{SECTION}+", part["name"]) for part in parts if part]
    elif isinstance(summarizer, Mapping):
        named = list(summarizer.items())
    else:
        named = [(f"{SECTION}+", summarizer)]
    return Writers(tuple((Levels.of(levels), load_writer(one)) for levels, one in named))


@contextmanager
def keep(cache: Path | bool) -> Iterator[Cache | None]:
    """Open the cache that was asked for: True is the user's, False none."""
    if cache is False:
        yield None
        return
    with Cache(default_path() if cache is True else Path(cache)) as opened:
        yield opened


def write_summaries(
    tree: Tree,
    writers: Writers,
    ledger: Ledger,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> Tree:
    """Return the tree with the summaries of its models.

    Args:
        tree: a tree with extractive summaries.
        writers: who writes which level.
        ledger: where every call is recorded, and every summary that was replaced noted.
        cache: where summaries are kept; None to pay for all of them.
        progress: called with (what, done, total).

    Raises:
        SummarizerError: a writer cannot go on; what it wrote is in the cache.
    """
    levels = writers.levels(tree)
    total = sum(len(tree.levels[level].first_leaf) for level, _ in levels)
    texts: dict[int, str] = {}
    checks: list[SummaryCheck] = []
    done = 0
    for level, writer in levels:
        start = tree.nodes.offsets[level]
        node_ids = range(start, start + len(tree.levels[level].first_leaf))
        desk = _Desk(tree, writer, ledger, cache, progress, done, total)
        inputs = [_parts(tree, node_id, texts) for node_id in node_ids]
        for node_id, written in zip(node_ids, desk.write(inputs), strict=True):
            text, found = _judge(tree, node_id, written)
            checks.append(found)
            if text:
                texts[node_id] = text
            if found.outcome == "replaced":
                why = found.fault or f"it invents {', '.join(found.invented)}"
                ledger.note(f"node {node_id}: its extractive summary stands in ({why})")
        done += len(node_ids)
    return replace(tree, summary_texts=texts, checks=tuple(checks), ledger=ledger)


def _parts(tree: Tree, node_id: int, texts: Mapping[int, str]) -> list[str]:
    """Return what a node is summarised from: its text, or its children's summaries."""
    node = tree.nodes[node_id]
    if node.level <= SECTION:
        return [tree.source[node.start : node.end]]
    return [texts.get(child) or tree.summary(child)[0] for child in node.children]


def _judge(tree: Tree, node_id: int, written: Written) -> tuple[str, SummaryCheck]:
    """Hold a summary against the text it covers; return what is shown of it, empty for nothing."""
    node = tree.nodes[node_id]
    source = tree.source[node.start : node.end]
    extractive = tree.summary(node_id)[0]
    text, invented, outcome = written.text, (), "written"
    found = check(text, source)
    if found.invented:
        invented = tuple(dict.fromkeys(literal.text for literal in found.invented))
        text = repair(text, source)
        outcome = "repaired"
        found = check(text, source)
    if not text:
        outcome = "replaced"
        found = check(extractive, source)
    judged = SummaryCheck(node_id, node.level, outcome, found.kept, invented, written.fault)
    return text, judged


@dataclass
class _Desk:
    """Where the summaries of one level are written, or found written already."""

    tree: Tree
    writer: Writer
    ledger: Ledger
    cache: Cache | None
    progress: Progress | None
    done: int
    total: int

    def write(self, inputs: Sequence[Sequence[str]]) -> list[Written]:
        """Return the summary of each node.

        What is longer than the writer reads is summarised in parts first, then those together.

        Args:
            inputs: the parts that each node is summarised from.
        """
        wholes = ["\n".join(parts) for parts in inputs]
        count, window = self.tree.tokenizer.count, self.writer.window
        long = {i: runs(inputs[i], window, count) for i in range(len(inputs))
                if count(wholes[i]) > window}  # fmt: skip
        if not long:
            return self._ask(wholes, told=True)
        pieces = [run for some in long.values() for run in some]
        first = iter(self._ask(pieces, told=False))
        faults: dict[int, Written] = {}
        shorter = list(inputs)
        for i, some in long.items():
            written = [next(first) for _ in some]
            faults.update((i, one) for one in written if one.fault)
            shorter[i] = [one.text for one in written]
            if i not in faults and count("\n".join(shorter[i])) >= count(wholes[i]):
                raise SummarizerError(
                    f"the summarizer reads {window} tokens, and its summaries of a longer text's "
                    "parts are no shorter than the parts; give it a larger window or shorter "
                    "summaries"
                )
        whole = self.write([parts if i not in faults else [] for i, parts in enumerate(shorter)])
        return [faults.get(i, one) for i, one in enumerate(whole)]

    def _ask(self, texts: Sequence[str], *, told: bool) -> list[Written]:
        """Return the summary of each text, from the cache where it is there."""
        identity = self.writer.identity
        keys = [key(identity or "", text) for text in texts]
        found: dict[bytes, Written] = {}
        if self.cache is not None and identity is not None:
            found |= self.cache.find(list(dict.fromkeys(keys)))
            for one in found.values():
                if one.call is not None:
                    self.ledger.record(replace(one.call, outcome="cache"))
        asked = zip(keys, texts, strict=True)
        wanted = {k: text for k, text in asked if text and k not in found}
        order, cache = list(wanted), self.cache if identity is not None else None
        ready = len(texts) - len(wanted)

        def take(i: int, written: Written) -> None:
            nonlocal ready
            found[order[i]] = written
            if cache is not None and not written.fault:
                cache.put(order[i], written)
            ready += 1
            if told and self.progress is not None:
                self.progress("summarising", self.done + min(ready, len(texts)), self.total)

        if wanted:
            self.writer.write(list(wanted.values()), take, self.ledger.record)
        return [found.get(k, Written("")) for k in keys]


def runs(parts: Iterable[str], window: int, count: Callable[[str], int]) -> list[str]:
    """Return parts joined to as few texts as fit into a window, in order.

    A part that alone is too long is cut between words, near the middle.
    """
    found: list[str] = []
    for part in parts:
        for piece in _cut(part, window, count):
            joined = f"{found[-1]}\n{piece}" if found else piece
            if found and count(joined) <= window:
                found[-1] = joined
            else:
                found.append(piece)
    return found


def _cut(text: str, window: int, count: Callable[[str], int]) -> list[str]:
    if count(text) <= window or len(text) < 2:
        return [text]
    middle = len(text) // 2
    place = text.find(" ", middle, middle + len(text) // 4) + 1 or middle
    return [*_cut(text[:place], window, count), *_cut(text[place:], window, count)]
