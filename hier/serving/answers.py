"""Answers that were given, kept for who asks the same again.

The same question to the same version of a text has the same answer, byte for byte.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

_OVERHEAD = 500  # bytes, of an entry beside its answer
_LONGEST_KEY = 512


@dataclass(frozen=True)
class Given:
    """An answer that was given.

    Attributes:
        body: as it is sent.
        source: tokens of what was asked.
        tokens: of the context.
    """

    body: bytes
    source: int
    tokens: int


Key = tuple[str, str, tuple[int, ...], bytes]


class Answers:
    """Keeps answers, the least recently given forgotten first.

    Args:
        most: bytes that they may take together; 0 to keep none.
    """

    def __init__(self, most: int = 64 << 20) -> None:
        self._most, self.bytes = most, 0
        self._kept: OrderedDict[Key, Given] = OrderedDict()

    def get(self, key: Key) -> Given | None:
        """Return the answer to a question that was asked before."""
        given = self._kept.get(key)
        if given is not None:
            self._kept.move_to_end(key)
        return given

    def put(self, key: Key, given: Given) -> None:
        """Keep an answer; one that is a large part of all is not worth it."""
        if len(given.body) + _OVERHEAD > self._most // 8 or key in self._kept:
            return
        self._kept[key] = given
        self.bytes += len(given.body) + _OVERHEAD
        while self.bytes > self._most:
            _, old = self._kept.popitem(last=False)
            self.bytes -= len(old.body) + _OVERHEAD


def key_of(what: str, path: str, stamp: tuple[int, ...], request: bytes) -> Key:
    """Return what an answer is found by.

    Args:
        what: the job.
        path: the text or corpus.
        stamp: its version.
        request: the request, written in one way only.
    """
    if len(request) > _LONGEST_KEY:
        request = hashlib.sha256(request).digest()
    return what, path, stamp, request
