"""The right to write to a store: one writer at a time, by a lock beside it (``NAME.lock``).

The system gives it back when a process ends, in whatever way; the file stays, and means nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hier.errors import InputError, StoreError

LOCK_SECONDS = 60.0
"""How long a writer waits for another, where ``HIER_LOCK_SECONDS`` does not say."""


class BusyError(StoreError):
    """Another process holds it."""


@contextmanager
def writing(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold the right to write to a store.

    Args:
        path: the store.
        seconds: how long to wait for another writer; None for what the user set.

    Raises:
        StoreError: another process holds it, and went on for too long; or its folder cannot be
            written to.
        InputError: ``HIER_LOCK_SECONDS`` is no number.
    """
    from filelock import FileLock, Timeout

    wait = _patience() if seconds is None else seconds
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=wait)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"another process has been writing to {path} for {wait:g} s; wait for it, or end it"
        ) from error
    except (OSError, NotImplementedError) as error:
        why = error.strerror if isinstance(error, OSError) else ""
        raise StoreError(
            f"{path} cannot be written: {why or error}; choose another place"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _patience() -> float:
    named = os.environ.get("HIER_LOCK_SECONDS", "")
    try:
        return float(named) if named else LOCK_SECONDS
    except ValueError:
        raise InputError(f"HIER_LOCK_SECONDS is {named!r}; give a number of seconds") from None
