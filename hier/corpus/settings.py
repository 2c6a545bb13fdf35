"""Settings: how the documents of a corpus are read; the same for all of them."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from hier.errors import StoreError

ENGINE = 1
"""Grows when the same bytes give another tree: then documents are read again."""


@dataclass(frozen=True)
class Settings:
    """How documents are read.

    Attributes:
        tokenizer: name of what counts tokens; None for a user's object.
        embedder: name of the embedder.
        relevance: as in ``hier.build``.
        summarizer: who writes summaries, in words; ``"extractive"`` for nobody.
        encoding: of text files.
        engine: the ``ENGINE`` that built the trees.
    """

    tokenizer: str | None
    embedder: str = "static"
    relevance: str = "learned"
    summarizer: str = "extractive"
    encoding: str = "utf-8"
    engine: int = ENGINE

    def to_dict(self) -> dict[str, Any]:
        """Return the settings by name, as they are kept."""
        return asdict(self)

    @classmethod
    def read(cls, kept: dict[str, Any], where: object) -> "Settings":
        """Return settings that were kept.

        Raises:
            StoreError: something is missing.
        """
        names = [each.name for each in fields(cls)]
        if missing := [name for name in names if name not in kept]:
            raise StoreError(f"{where} says nothing of its {missing[0]}; build it again")
        return cls(**{name: kept[name] for name in names})

    def difference(self, other: "Settings") -> str:
        """Return in words where another's documents were read differently; empty if nowhere."""
        for name, value in asdict(self).items():
            theirs = getattr(other, name)
            if name != "engine" and theirs != value:
                return f"{name} {value!r} and {theirs!r}"
        return ""
