"""Token counts: exact for what is rendered, measured once for everything else.

A budget is kept by counting the final string with the user's tokenizer, nothing less. Planning
needs the sizes of a million spans; for those the whole text is encoded once and the size of a span
is the number of tokens that end inside it. Such sizes are additive, and differ from the true count
of the span by a token or two at its edges.
"""

import functools
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hier.errors import TokenizerError

DEFAULT_TOKENIZER = "o200k_base"
ENCODINGS = (
    "o200k_base",
    "o200k_harmony",
    "cl100k_base",
    "p50k_base",
    "p50k_edit",
    "r50k_base",
    "gpt2",
)
_PIECE = 1 << 18  # characters handed to tiktoken at a time: bounds memory, lets two cores share
_NEAR = 1 << 12  # how far around a piece's edge a line break is looked for
# tiktoken's regular expression overflows its stack, and panics, on a longer run of white space.
_VOID = re.compile(rf"(\s{{{_PIECE}}})")
_SURROGATE = re.compile("[\ud800-\udfff]")


class TokenCounter(Protocol):
    """Counts tokens; any ``Callable[[str], int]`` will do."""

    def __call__(self, text: str) -> int:
        """Return the number of tokens in ``text``."""
        ...


@dataclass(frozen=True)
class Tokenizer:
    """A named way to count tokens.

    Attributes:
        name: what ``load_tokenizer`` would need to make it again; None for a user's object.
        count: the exact number of tokens in a string.
        boundaries: the character offsets at which the tokens of a text end, int64, ascending;
            None where only whole strings can be counted.
    """

    name: str | None
    count: Callable[[str], int]
    boundaries: Callable[[str], np.ndarray] | None = None

    def sizes(self, text: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Return a function from spans of ``text``, as (starts, ends), to their token counts."""
        if self.boundaries is None:

            def count_each(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
                spans = zip(starts.tolist(), ends.tolist(), strict=True)
                return np.fromiter((self.count(text[s:e]) for s, e in spans), np.int64, len(starts))

            return count_each
        offsets = self.boundaries(text)

        def difference(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
            return np.searchsorted(offsets, ends, "right") - np.searchsorted(
                offsets, starts, "right"
            )

        return difference


def load_tokenizer(tokenizer: Any) -> Tokenizer:
    """Turn what the user named or handed over into a ``Tokenizer``.

    Args:
        tokenizer: a tiktoken encoding name, the path of a Hugging Face ``tokenizer.json`` (or the
            folder that holds it), a Hugging Face tokenizer object, or any ``Callable[[str], int]``.

    Raises:
        TokenizerError: the name is unknown, its table cannot be found, or the object cannot count.
    """
    if isinstance(tokenizer, Tokenizer):
        return tokenizer
    if isinstance(tokenizer, str | Path):
        return _load_named(str(tokenizer))
    if hasattr(tokenizer, "no_truncation") and hasattr(tokenizer, "to_str"):
        return _from_fast(tokenizer, None)
    if hasattr(tokenizer, "convert_tokens_to_ids") and hasattr(tokenizer, "encode"):
        return Tokenizer(None, _checked(lambda text: len(_encode_plainly(tokenizer, text))))
    if callable(tokenizer):
        return Tokenizer(None, _checked(tokenizer))
    raise TokenizerError(
        f"a tokenizer of type {type(tokenizer).__name__} cannot count; pass one of "
        f"{', '.join(ENCODINGS)}, a Hugging Face tokenizer, or a function from str to int"
    )


def _load_named(name: str) -> Tokenizer:
    if name in ENCODINGS:
        return _from_tiktoken(name)
    path = Path(name)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        path /= "tokenizer.json"
    if os.path.isfile(path):  # noqa: PTH113
        return _from_fast(_read_fast(path), str(path.resolve()))
    raise TokenizerError(
        f"unknown tokenizer {name!r}; known are {', '.join(ENCODINGS)}, "
        "or the path of a Hugging Face tokenizer.json"
    )


def _from_tiktoken(name: str) -> Tokenizer:
    """Count with tiktoken, whose table is read when something is first counted."""

    def count(text: str) -> int:
        encode = _tiktoken_encoding(name).encode_ordinary
        if len(text) <= _PIECE:
            return len(encode(text))
        return sum(len(encode(part)) for part in _VOID.split(text))

    return Tokenizer(name, count, lambda text: _token_ends(_tiktoken_encoding(name), text))


@functools.cache
def _token_lengths(encoding: Any) -> np.ndarray:
    """Return the bytes of each token met so far, uint8 (vocabulary,); 0 where not yet known."""
    return np.zeros(encoding.n_vocab, np.uint8)


@functools.cache
def _tiktoken_encoding(name: str) -> Any:
    """Load an encoding; with no table of its own, tiktoken reads those of llama-index-core."""
    import tiktoken

    bundled = importlib.util.find_spec("llama_index.core")
    folder = None
    if bundled is not None and bundled.origin is not None:
        folder = Path(bundled.origin).parent / "_static" / "tiktoken_cache"
    ours = folder is not None and folder.is_dir() and "TIKTOKEN_CACHE_DIR" not in os.environ
    use_bundled = ours and name in ("o200k_base", "o200k_harmony", "cl100k_base")
    if use_bundled:
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    try:
        return tiktoken.get_encoding(name)
    except Exception as error:  # tiktoken raises whatever its download raised
        raise TokenizerError(
            f"the table of tokenizer {name!r} is not on this machine and could not be fetched "
            f"({type(error).__name__}); use o200k_base or cl100k_base, or set TIKTOKEN_CACHE_DIR"
        ) from error
    finally:
        if use_bundled:
            del os.environ["TIKTOKEN_CACHE_DIR"]


def _token_ends(encoding: Any, text: str) -> np.ndarray:
    """Return the character offset at which each token of ``text`` ends, int64 (tokens,)."""
    lengths = _token_lengths(encoding)
    pieces = list(_pieces(text))
    with ThreadPoolExecutor(2) as pool:  # tiktoken releases the interpreter lock while it encodes
        ends = list(pool.map(lambda piece: _piece_ends(encoding, lengths, piece), pieces))
    offset = 0
    for piece, piece_ends in zip(pieces, ends, strict=True):
        piece_ends += offset
        offset += len(piece)
    return np.concatenate(ends) if ends else np.zeros(0, np.int64)


def _pieces(text: str) -> Iterator[str]:
    """Cut ``text`` where a line break precedes a letter: no pre-token of tiktoken spans that."""
    start = 0
    while len(text) - start > _PIECE:
        low = start + _PIECE - _NEAR
        end = start + _PIECE
        cut = text.rfind("\n", low, end)
        while cut > 0 and not text[cut + 1].isalpha():
            cut = text.rfind("\n", low, cut)
        end = cut + 1 if cut > 0 else end
        yield text[start:end]
        start = end
    yield text[start:]


def _piece_ends(encoding: Any, lengths: np.ndarray, piece: str) -> np.ndarray:
    """Return where the tokens of one piece end; ``lengths`` remembers the bytes of each token."""
    ascii_only = piece.isascii()
    piece = piece if ascii_only else encodable(piece)
    ids = encoding.encode_to_numpy(piece, disallowed_special=())
    for token in np.unique(ids[lengths[ids] == 0]).tolist():
        lengths[token] = len(encoding.decode_single_token_bytes(token))
    byte_ends = np.cumsum(lengths[ids], dtype=np.int64)
    if ascii_only:
        return byte_ends
    starts_character = (np.frombuffer(piece.encode(), np.uint8) & 0xC0) != 0x80
    # A token may end inside a character: it then counts as ending behind that character.
    return np.cumsum(starts_character, dtype=np.int64)[byte_ends - 1]


def _read_fast(path: Path) -> Any:
    from tokenizers import Tokenizer as FastTokenizer

    try:
        return FastTokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for a bad file
        raise TokenizerError(
            f"{path} is not a Hugging Face tokenizer ({error}); pass a tokenizer.json"
        ) from error


def _from_fast(tokenizer: Any, name: str | None) -> Tokenizer:
    """Count with a ``tokenizers.Tokenizer``; a copy, because truncation would hide tokens."""
    whole = type(tokenizer).from_str(tokenizer.to_str())
    whole.no_truncation()
    whole.no_padding()

    def count(text: str) -> int:
        return len(whole.encode(encodable(text), add_special_tokens=False))

    return Tokenizer(name, _checked(count))


def _encode_plainly(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(
        encodable(text), add_special_tokens=False, truncation=False, padding=False, verbose=False
    )
    return ids


def encodable(text: str) -> str:
    """Replace lone surrogates, which no byte-level tokenizer can be handed."""
    return _SURROGATE.sub("\ufffd", text)


def _in_a_line(value: object) -> str:
    """Return what a user's tokenizer said, fit for one line of a message."""
    said = " ".join(str(value).split())
    return said if len(said) <= 200 else f"{said[:200]}..."


def _checked(count: Callable[[str], int]) -> Callable[[str], int]:
    """Guard a user's counter: an exception or a nonsense count becomes a ``TokenizerError``."""

    def checked(text: str) -> int:
        try:
            tokens = count(text)
        except Exception as error:
            raise TokenizerError(
                f"the tokenizer raised {type(error).__name__}: {_in_a_line(error)} on a text of "
                f"{len(text)} characters; it must return the number of tokens of any string"
            ) from error
        if not isinstance(tokens, int | np.integer) or isinstance(tokens, bool) or tokens < 0:
            raise TokenizerError(
                f"the tokenizer returned {_in_a_line(repr(tokens))}; "
                "it must return a number of tokens, 0 or more"
            )
        return int(tokens)

    return checked
