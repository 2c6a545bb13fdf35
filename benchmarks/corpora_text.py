"""Folders of documents, made of `stdlib_text.py`, and fifty questions to ask them.

The documents of a folder are pieces that follow each other in the endless text, each a file of
plain text, so that no two are the same and a smaller folder holds what a larger one begins with.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stdlib_text

LENGTHS = (1_000, 3_000, 10_000, 100_000)  # tokens of a document
AGED = 2.1  # seconds: what was written just now is looked at again, as git does it
_A_FOLDER = 500  # files


@dataclass(frozen=True)
class Asked:
    """A question to a corpus, of a kind."""

    kind: str
    query: str | list[str] | None
    where: dict[str, Any] | None = None


def alike(length: int, tokens: int) -> list[int]:
    """The lengths of documents that are all as long, about so many tokens together."""
    return [length] * max(1, round(tokens / length))


def mixed(tokens: int) -> list[int]:
    """The lengths of documents short and long, each of the lengths with the same share of tokens.

    They are dealt in turn, so that the beginning of the list is as mixed as the whole.
    """
    fitting = [length for length in LENGTHS if length * len(LENGTHS) <= tokens] or LENGTHS[:1]
    dealt = [
        ((place + 0.5) / count, length)
        for length in fitting
        for count in [max(1, round(tokens / len(fitting) / length))]
        for place in range(count)
    ]
    return [length for _, length in sorted(dealt)]


def write_folder(folder: Path, lengths: Sequence[int]) -> int:
    """Write documents of such lengths, in tokens, let them age, and return their bytes."""
    sizes = [round(length * stdlib_text.CHARACTERS_A_TOKEN) for length in lengths]
    text, start, written = stdlib_text.text(sum(sizes)), 0, 0
    for number, size in enumerate(sizes):
        path = folder / f"{number // _A_FOLDER:03}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = text[start : start + size].encode()
        path.write_bytes(raw)
        start += size
        written += len(raw)
    time.sleep(AGED)
    return written


def questions() -> list[Asked]:
    """Fifty questions of seven kinds, in turn, so that none is asked of what the last unpacked."""
    whole = stdlib_text.QUESTIONS
    kinds: dict[str, list[Asked]] = {
        "question": [Asked("question", query) for query in whole],
        "words": [Asked("words", query) for query in _WORDS],
        "identifier": [Asked("identifier", query) for query in _IDENTIFIERS],
        "paragraph": [Asked("paragraph", query) for query in _paragraphs()],
        "several at once": [
            Asked("several at once", list(whole[first : first + 3])) for first in (0, 4, 8, 12)
        ],
        "some documents": [
            Asked("some documents", query, {"path": "**/*[02468].txt"}) for query in whole[1:9:2]
        ],
        "overview": [Asked("overview", None), Asked("overview", None, {"path": "**/*[13579].txt"})],
    }
    dealt = [
        ((place + 0.5) / len(asked), kind, place)
        for kind, asked in kinds.items()
        for place in range(len(asked))
    ]
    return [kinds[kind][place] for _, kind, place in sorted(dealt)]


def _paragraphs() -> Iterator[str]:
    """Questions with much around them, as people paste them."""
    whole = stdlib_text.QUESTIONS
    for first in (3, 7, 11, 15):
        yield (
            "I have read the documentation and some answers on the web, and I am still not sure. "
            f"{whole[first]} My program is a small server that runs for weeks, reads files that "
            "other programs write, and must not lose any of them when it is stopped. I would also "
            f"like to know this, since it may be connected: {whole[first + 1]} Please tell what "
            "the documentation promises, and what is left to the implementation."
        )


_WORDS = (
    "shallow copy deep copy",
    "mutable default argument",
    "socket timeout error",
    "temporary directory cleanup",
    "operator precedence table",
    "abstract base class registration",
    "decimal rounding modes",
    "thread lock reentrant",
    "zip archive password",
    "locale currency formatting",
)
_IDENTIFIERS = (
    "RawConfigParser.optionxform",
    "run_coroutine_threadsafe",
    "__getattribute__",
    "socketserver.ThreadingMixIn",
    "JSONEncoder.default",
    "os.path.samefile",
)
