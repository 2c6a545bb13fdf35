"""Filters: which documents of a corpus a question is about, by name and by metadata."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from hier.corpus.database import Row
from hier.errors import InputError

Where = Mapping[str, Any]
Filter = Callable[[str, Mapping[str, Any]], bool]


def read_where(where: Where | None) -> Filter | None:
    """Return a filter of documents by their name and metadata; None where all are meant.

    Args:
        where: what a document must have: a value, or a collection that holds its value. ``path`` is
            its name: a pattern, or several, as in a ``.gitignore`` (``"reports/**/*.pdf"``).

    Raises:
        InputError: it is no mapping, or a pattern cannot be read.
    """
    if not where:
        return None
    if not isinstance(where, Mapping):
        raise InputError(
            f"where of type {type(where).__name__} is no mapping; pass such as {{'year': 2024}}"
        )
    wanted = {name: value for name, value in where.items() if name != "path"}
    named = _globs(where["path"]) if "path" in where else None

    def lets_through(name: str, metadata: Mapping[str, Any]) -> bool:
        if named is not None and not named(name):
            return False
        return all(
            key in metadata and _meets(metadata[key], value) for key, value in wanted.items()
        )

    return lets_through


def in_words(where: Where | None) -> str:
    """Return a filter as it is typed: ``year=2024``."""
    words = []
    for name, wanted in (where or {}).items():
        several = isinstance(wanted, Collection) and not isinstance(wanted, str | bytes)
        values = dict.fromkeys(str(value) for value in (wanted if several else [wanted]))
        words += [f"{name}={value}" for value in values]
    return " ".join(words)


def matching(rows: Iterable[Row], where: Where | None) -> list[Row]:
    """Return the documents that a filter lets through.

    Raises:
        InputError: as for ``read_where``.
    """
    lets_through = read_where(where)
    return [row for row in rows if lets_through is None or lets_through(row.id, row.metadata)]


def _meets(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Collection) and not isinstance(wanted, str | bytes):
        return value in wanted
    return bool(value == wanted)


def _globs(patterns: Any) -> Callable[[str], bool]:
    from pathspec import GitIgnoreSpec

    patterns = [patterns] if isinstance(patterns, str) else patterns
    try:
        matched: Callable[[str], bool] = GitIgnoreSpec.from_lines(patterns).match_file
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the path {patterns!r} is no pattern ({error}); pass such as 'reports/*.pdf'"
        ) from error
    return matched


def check_metadata(metadata: Any) -> dict[str, Any]:
    """Return metadata that can be kept and asked for.

    Raises:
        InputError: they are no mapping of names to str, int, float or bool.
    """
    if not isinstance(metadata, Mapping):
        raise InputError(
            f"metadata of type {type(metadata).__name__} are no mapping; pass such as "
            "{'year': 2024}"
        )
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str | int | float | bool):
            raise InputError(
                f"metadata {name!r}: {value!r} cannot be kept; names are str, values str, int, "
                "float or bool"
            )
    return dict(metadata)
