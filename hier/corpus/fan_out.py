"""Fanning out: many shards are asked at the same time, here or where an executor's workers are.

A worker opens a shard when it is first asked of it, and keeps it open. What it answers must be what
the shard held when the question began (``moment.py``): it is told the digest of that, and where it
finds another the question is asked again.
"""

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hier.corpus.database import GoneError
from hier.corpus.shard import Shard, View
from hier.errors import HierError, StoreError


def ask_each(
    calls: Sequence[tuple[View, tuple[Any, ...]]], what: str, executor: Executor | None
) -> list[Any]:
    """Call a method of several views; return its results in their order.

    Args:
        calls: the views, and with what the method of each is called.
        what: name of the method.
        executor: where; None for one after the other, here.

    Raises:
        GoneError: a shard holds something else by now.
        StoreError: a shard is missing or damaged, or the executor cannot ask it.
    """
    if executor is None or len(calls) == 1:
        return [getattr(view, what)(*arguments) for view, arguments in calls]
    here = isinstance(executor, ThreadPoolExecutor)
    futures: list[Future[Any]] = []
    for view, arguments in calls:
        try:
            if here:
                futures.append(executor.submit(getattr(view, what), *arguments))
            else:
                path = str(view.path.absolute())
                futures.append(
                    executor.submit(ask_shard, path, view.hidden, view.digest, what, arguments)
                )
        except Exception as error:  # executors raise what they like
            raise _unanswered(view.path, error) from error
    return [_result(future, view.path) for future, (view, _) in zip(futures, calls, strict=True)]


def _result(future: Future[Any], path: Path) -> Any:
    try:
        error = future.exception()
    except CancelledError as cancelled:
        raise _unanswered(path, cancelled) from cancelled
    if error is None:
        return future.result()
    if isinstance(error, HierError):
        raise error
    raise _unanswered(path, error) from error


def _unanswered(path: Path, error: BaseException) -> StoreError:
    said = " ".join(str(error).split())[:200]
    return StoreError(
        f"the executor cannot ask {path} ({type(error).__name__}: {said}); open the corpus with "
        "another one, or without"
    )


_opened: dict[tuple[str, frozenset[str]], Shard] = {}
_opening = threading.Lock()


def ask_shard(
    path: str, hidden: Iterable[str], digest: bytes, what: str, arguments: Sequence[Any]
) -> Any:
    """Call a method of the view of a shard, in a worker.

    Args:
        path: the shard, as the worker sees it.
        hidden: names of documents that it does not show.
        digest: of what it must hold.
        what: name of the method.
        arguments: what it is called with.

    Raises:
        GoneError: the shard holds something else.
        StoreError: it is missing or damaged.
    """
    key = path, frozenset(hidden)
    with _opening:
        if key not in _opened:
            _opened[key] = Shard(Path(path), key[1])
        shard = _opened[key]
    if shard.look().digest != digest and shard.look(again=True).digest != digest:
        raise GoneError(f"{path} was changed while it was read; ask again")
    return getattr(shard.look(), what)(*arguments)
