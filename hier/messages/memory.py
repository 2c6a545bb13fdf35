"""Memory: what was sent of the conversations that went by, so that their next requests are quick.

A conversation is known by its beginning: the messages of an earlier request, hashed. What comes out
does not depend on what is remembered, so that forgetting costs time and nothing else.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hier.messages.compressing import Known, Messages, compress_known
from hier.messages.reading import Message, check_messages
from hier.messages.settings import Settings
from hier.messages.trees import Trees
from hier.messages.turns import requests
from hier.tokens import load_tokenizer

MOST = 16_000_000  # characters of all conversations that are remembered
WORDS = 3_000_000  # words of the texts, each text's own, that are numbered by one lexicon


class Memory:
    """Compresses conversations, and remembers them; threads may share it.

    Args:
        settings: how they are compressed.
        most: characters of all that are remembered.

    Attributes:
        characters: of all that are remembered now.
    """

    def __init__(self, settings: Settings, most: int = MOST) -> None:
        tokenizer = load_tokenizer(settings.tokenizer)
        self.settings, self._most = replace(settings, tokenizer=tokenizer), most
        self._lock = threading.Lock()
        self._trees = Trees(tokenizer)
        self._trees.read("Ready.")  # tables are loaded now, and not while someone waits
        self._kept: OrderedDict[bytes, tuple[Known, int]] = OrderedDict()
        self.characters = 0

    def compress(self, messages: Any) -> Messages:
        """Compress a conversation; see ``hier.compress_messages``, and what it raises."""
        came = check_messages(messages)
        hashed = list(_hashed(came))
        result = compress_known(came, self.settings, self._known(hashed))
        digest, size = hashed[-1]
        # A conversation that fits takes no time, and is not worth remembering.
        if result.saved:
            self._remember(digest, result.known, size)
        return result

    def _known(self, hashed: Sequence[tuple[bytes, int]]) -> Known:
        with self._lock:
            if self._trees.words > WORDS:
                self._trees = Trees(self.settings.tokenizer)
            for digest, _ in reversed(hashed):
                if digest in self._kept:
                    self._kept.move_to_end(digest)
                    return replace(self._kept[digest][0], trees=self._trees)
            return Known((), self.settings, trees=self._trees)

    def _remember(self, digest: bytes, known: Known, size: int) -> None:
        with self._lock:
            if digest not in self._kept:
                self._kept[digest] = replace(known, trees=None), size
                self.characters += size
            while self.characters > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self.characters -= gone


def _hashed(messages: Sequence[Message]) -> Iterator[tuple[bytes, int]]:
    """Yield what each request of a conversation is known by, and its characters."""
    digest, size, begin = hashlib.sha256(), 0, 0
    for end in requests(messages):
        for message in messages[begin:end]:
            written = json.dumps(message, sort_keys=True, default=repr)
            digest.update(f"{len(written)} {written}".encode())
            size += len(written)
        begin = end
        yield digest.digest(), size
