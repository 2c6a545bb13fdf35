"""Filling a token budget: which parts are taken, and where a text is cut.

Both are exact: what is joined or cut is counted again as a whole, by tiktoken, and is never over
budget. Counts of parts are remembered, since every question asks for them anew.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import data
import environment

GAP = "\n"
# Characters of a first window to cut in, for each token allowed; too few only cost another look.
_CHARACTERS = 8


@lru_cache(maxsize=100_000)
def tokens(text: str) -> int:
    """Tokens of a text, by tiktoken; remembered, so for parts rather than whole documents."""
    return environment.token_counter(data.TOKENIZER)(text)


def fill(
    parts: Sequence[str],
    order: Iterable[int],
    budget: int,
    count: Callable[[str], int] = tokens,
    separator: str = GAP,
    skip: bool = True,
    in_order: bool = True,
) -> list[int]:
    """Take parts while they fit, the best first.

    Args:
        parts: strings without white space at either end.
        order: their indices, the best first.
        budget: most tokens of the joined text.
        count: tokens of a string.
        separator: what is to stand between two parts.
        skip: pass over a part that does not fit and go on; else stop there.
        in_order: the text will hold them in their own order; else in the order they were taken.

    Returns:
        Indices of the parts taken, in the order in which they stand in the text.
    """
    taken: list[int] = []
    inner = 0  # tokens of the parts taken, each with a separator behind it
    last = -1
    for index in order:
        if inner > budget:
            break
        cost = count(parts[index] + separator)
        end = max(index, last) if in_order else index
        # No separator stands behind the last part.
        spared = count(parts[end] + separator) - count(parts[end])
        if inner + cost - spared <= budget:
            taken.append(index)
            inner, last = inner + cost, end
        elif not skip:
            break
    # Parts and whole count alike where a tokenizer breaks behind the separator; not everywhere.
    while taken and count(separator.join(_arranged(parts, taken, in_order))) > budget:
        taken.pop()
    return sorted(taken) if in_order else taken


def _arranged(parts: Sequence[str], taken: list[int], in_order: bool) -> list[str]:
    return [parts[index] for index in (sorted(taken) if in_order else taken)]


def cut(text: str, budget: int) -> str:
    """Return a text's beginning, as much of it as its first ``budget`` tokens hold."""
    return text[: _fitting(text, budget, from_end=False)]


def cut_end(text: str, budget: int) -> str:
    """Return a text's end, as much of it as its last ``budget`` tokens hold."""
    return text[len(text) - _fitting(text, budget, from_end=True) :]


def _fitting(text: str, budget: int, from_end: bool) -> int:
    """Characters of the beginning or end that fills a budget."""
    encoding = environment.tiktoken_encoding(data.TOKENIZER)
    window = _CHARACTERS * budget + 1
    while True:
        part = text[-window:] if from_end else text[:window]
        encoded = encoding.encode_ordinary(part)
        if len(encoded) > budget or len(part) == len(text):
            break
        window *= 4
    kept = encoded[-budget:] if from_end else encoded[:budget]
    length = min(len(part), len(encoding.decode(kept, errors="ignore"))) if budget > 0 else 0
    while length:
        piece = text[len(text) - length :] if from_end else text[:length]
        over = len(encoding.encode_ordinary(piece)) - budget
        if over <= 0:
            break
        length -= min(length, over)
    return length
