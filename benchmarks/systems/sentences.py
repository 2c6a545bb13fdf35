"""Sentences and passages of a text for the systems that this folder makes itself.

Sentences are those of Punkt (Kiss and Strunk 2006) as NLTK ships it, with its English tables, which
llama-index-core carries; a line's end ends a sentence too. The engine's own sentences are left to
the engine, so that a change to it changes no baseline.
"""

import importlib.util
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from systems import fill
from systems.base import Span, Unavailable


@cache
def punkt() -> Any:
    """The English sentence tokenizer.

    Raises:
        Unavailable: NLTK or its tables are not here.
    """
    found = importlib.util.find_spec("llama_index.core")
    folder = Path(str(found and found.origin)).parent / "_static" / "nltk_cache"
    tables = folder / "tokenizers" / "punkt_tab" / "english"
    if not tables.is_dir():
        raise Unavailable("no Punkt tables; pip install 'llama-index-core>=0.12,<0.15'")
    import nltk
    from nltk.tokenize.punkt import PunktTokenizer

    nltk.data.path.append(str(folder))
    return PunktTokenizer("english")


@lru_cache(maxsize=8)
def sentences(text: str) -> tuple[Span, ...]:
    """Return the sentences of a text in order, without white space at either end."""
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        for first, end in punkt().span_tokenize(line):
            if span := _bare(text, start + first, start + end):
                found.append(span)
        start += len(line)
    return tuple(found)


def passages(text: str, limit: int) -> tuple[Span, ...]:
    """Return whole sentences in a row, as many as keep within a limit of tokens.

    A sentence over the limit is broken between words, and a word over it anywhere.
    """
    found: list[Span] = []
    used = 0
    for start, end in _short_sentences(text, limit):
        cost = fill.tokens(" " + text[start:end])
        if found and used + cost <= limit:
            found[-1], used = (found[-1][0], end), used + cost
        else:
            found.append((start, end))
            used = cost
    return tuple(found)


def _short_sentences(text: str, limit: int) -> Iterator[Span]:
    for start, end in sentences(text):
        while span := _bare(text, start, end):
            start, stop = span[0], span[0] + len(fill.cut(text[span[0] : span[1]], limit))
            if stop < span[1]:
                words = text[start:stop].rsplit(maxsplit=1)
                stop = start + len(words[0]) if len(words) > 1 else max(stop, start + 1)
            yield start, stop
            start = stop


def _bare(text: str, start: int, end: int) -> Span | None:
    """A span without the white space at its ends; None if nothing else is in it."""
    inside = text[start:end]
    left = len(inside) - len(inside.lstrip())
    return (start + left, start + len(inside.rstrip())) if left < len(inside) else None
