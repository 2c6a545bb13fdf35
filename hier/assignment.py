"""Assignment: who writes the summaries of which level of a tree."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hier.errors import SummarizerError
from hier.summarizers.writers import Writer, load_writer
from hier.tree import Tree

SECTION = 2  # the lowest level that a model summarises unless told
_LEVELS = re.compile(r"\d{1,2}(?:-\d{1,2})?(?:,\d{1,2}(?:-\d{1,2})?)*\+?")
_SPEC = re.compile(rf"(.*?)(?::({_LEVELS.pattern}))?", re.DOTALL)  # NAME or NAME:LEVELS


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

    def __post_init__(self) -> None:
        """Refuse two writers of one level."""
        named = max((max(levels.some) for levels, _ in self.by_levels), default=0)
        for level in range(named + 2):
            if sum(level in levels for levels, _ in self.by_levels) > 1:
                raise SummarizerError(f"level {level} has two summarizers; name each level once")

    @property
    def are_kept(self) -> bool:
        """Whether the cache can tell what any of them wrote."""
        return any(writer is not None and writer.identity for _, writer in self.by_levels)

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
        summarizer = split_levels(summarizer)
    named = summarizer if isinstance(summarizer, Mapping) else {f"{SECTION}+": summarizer}
    return Writers(tuple((Levels.of(levels), load_writer(one)) for levels, one in named.items()))


def split_levels(text: str) -> dict[str, str]:
    """Return the summarizers of ``"extractive:1,2 ollama/llama3.2:3+"`` by their levels."""
    found: dict[str, str] = {}
    for part in text.split() or [text]:
        name, levels = _SPEC.fullmatch(part).groups()  # type: ignore[union-attr]
        if found.setdefault(levels or f"{SECTION}+", name) != name:
            raise SummarizerError(f"{text!r} names levels {levels} twice; name each level once")
    return found
