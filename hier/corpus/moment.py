"""One moment: whatever is asked of several stores for one answer is asked of what they held then.

Another process may write meanwhile. What was looked up stays as it was; a document that is needed
and gone means that the question is asked again, of what the stores hold now.
"""

import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from hier.corpus.database import GoneError
from hier.corpus.shard import Shard, View

_TIMES = 5  # that a question is asked where another process writes

_R = TypeVar("_R")
_M = TypeVar("_M", bound=Callable[..., Any])


class Moments:
    """What some stores hold, for each thread as it was when that began to ask.

    Args:
        shards: the stores, open.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        """Look at nothing yet."""
        self._shards = shards
        self._asking = threading.local()

    @property
    def views(self) -> list[View]:
        """What the stores hold: at the moment this thread is in, or now."""
        views: list[View] | None = getattr(self._asking, "views", None)
        return [shard.look() for shard in self._shards] if views is None else views

    def ask(self, question: Callable[[], _R]) -> _R:
        """Return the answer to a question that sees one moment only.

        Raises:
            GoneError: the stores change faster than they can be asked, or a document is missing.
        """
        if getattr(self._asking, "views", None) is not None:
            return question()
        try:
            for time in range(_TIMES):
                self._asking.views = [shard.look(again=time > 0) for shard in self._shards]
                try:
                    return question()
                except GoneError:
                    if time == _TIMES - 1:
                        raise
        finally:
            self._asking.views = None
        raise AssertionError("it is asked at least once")


def at_one_moment(method: _M) -> _M:
    """Make a method see one moment of the ``moments`` of its object."""

    @wraps(method)
    def ask(self: Any, *args: Any, **options: Any) -> Any:
        return self.moments.ask(lambda: method(self, *args, **options))

    return cast(_M, ask)
