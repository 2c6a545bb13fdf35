"""Words: a text as word numbers, found in one vectorised pass.

A word is a run of letters, digits and marks; a character of a script without spaces (Han, kana,
Thai, ...) is a word of its own. Occurrences are told apart by a 64-bit hash of their lower-cased
characters, so that only distinct words ever become Python strings: a million words cost a few
array operations, and a vocabulary of some ten thousand strings.
"""

import unicodedata
from dataclasses import dataclass

import numpy as np

_SPACE, _LETTER, _SINGLE, _UNKNOWN = 0, 1, 2, 255
_LONGEST = 64  # characters of a word that tell it apart; with its length, enough for any word
_BLOCK = 1 << 22  # characters analysed at a time: bounds memory on long texts
# Scripts written without spaces: each character is taken as a word.
_SINGLE_RANGES = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF),
    (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF),
)  # fmt: skip

_kinds = np.full(0x110000, _UNKNOWN, np.uint8)  # filled as characters are met
_lower = np.zeros(0x110000, np.uint32)
# Odd multipliers, one a position (splitmix64): a hash is a sum of character x multiplier.
_steps = np.arange(1, _LONGEST + 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
_steps = (_steps ^ (_steps >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
_multipliers = ((_steps ^ (_steps >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)) | np.uint64(1)


@dataclass(frozen=True)
class Words:
    """The words of a text.

    Attributes:
        start: character offset of each occurrence, int64 (n,), ascending.
        word: which distinct word it is, int32 (n,).
        vocabulary: the distinct words, lower-cased and without accents, in order of first
            appearance.
    """

    start: np.ndarray
    word: np.ndarray
    vocabulary: tuple[str, ...]


def find_words(text: str) -> Words:
    """Return the words of ``text``."""
    starts, hashes, first_forms = [], [], []
    offset = 0
    while offset < len(text):
        end = _block_end(text, offset)
        block_starts, block_ends, block_hashes = _scan(text[offset:end])
        starts.append(block_starts + offset)
        first_forms.append(block_ends + offset)
        hashes.append(block_hashes)
        offset = end
    if not starts:
        return Words(np.zeros(0, np.int64), np.zeros(0, np.int32), ())
    start, end_of, value = map(np.concatenate, (starts, first_forms, hashes))
    _, first, inverse = np.unique(value, return_index=True, return_inverse=True)
    # The same word may be written in several ways (É, é, e): one entry for all of them.
    vocabulary: dict[str, int] = {}
    number = np.empty(len(first), np.int32)
    order = np.argsort(first, kind="stable")
    spans = zip(start[first[order]].tolist(), end_of[first[order]].tolist(), strict=True)
    for position, (s, e) in zip(order.tolist(), spans, strict=True):
        number[position] = vocabulary.setdefault(normalise(text[s:e]), len(vocabulary))
    return Words(start, number[inverse], tuple(vocabulary))


def normalise(word: str) -> str:
    """Lower-case a word and strip its accents, as the token table was trained on."""
    word = word.lower()
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", bare) or word


def _block_end(text: str, start: int) -> int:
    """Return where a block ends: behind a space if there is one within reach."""
    end = start + _BLOCK
    if end >= len(text):
        return len(text)
    space = max(text.rfind(" ", end - 4096, end), text.rfind("\n", end - 4096, end))
    return space + 1 if space > start else end


def _scan(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts, ends (int64) and hashes (uint64) of the words of one block."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    _learn(codes)
    kind = _kinds[codes]
    before = np.empty_like(kind)
    before[0], before[1:] = _SPACE, kind[:-1]
    begins = (kind != _SPACE) & ((before != kind) | (kind == _SINGLE))
    start = np.flatnonzero(begins)
    if not len(start):
        return start, start, np.zeros(0, np.uint64)
    ends_before = (before != _SPACE) & ((before != kind) | (kind == _SINGLE))
    end = np.flatnonzero(ends_before)
    if len(end) < len(start):
        end = np.append(end, len(codes))
    inside = np.flatnonzero(kind)
    lengths = end - start
    first = np.cumsum(lengths) - lengths
    position = np.arange(len(inside), dtype=np.int64) - np.repeat(first, lengths)
    np.minimum(position, _LONGEST, out=position)
    terms = _lower[codes[inside]] * _multipliers[position]
    hashes = np.add.reduceat(terms, first) + lengths.astype(np.uint64)
    return start.astype(np.int64), end.astype(np.int64), hashes


def _learn(codes: np.ndarray) -> None:
    """Classify the characters not met before."""
    for code in np.unique(codes[_kinds[codes] == _UNKNOWN]).tolist():
        character = chr(code)
        _lower[code] = ord(character.lower()[0])
        if any(low <= code <= high for low, high in _SINGLE_RANGES):
            _kinds[code] = _SINGLE
        elif character.isalnum() or unicodedata.category(character) in ("Mn", "Mc"):
            _kinds[code] = _LETTER
        else:
            _kinds[code] = _SPACE
