"""Clusters: the workers of a Dask scheduler build documents, as any executor does."""

import platform
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from hier.corpus.settings import ENGINE
from hier.errors import MissingExtraError, StoreError

R = TypeVar("R")

CONNECT_SECONDS = 10.0
WORKER_SECONDS = 30.0
"""How long the first worker of a cluster is waited for."""


class Cluster(Executor):
    """A Dask cluster as an executor; at the end it is let go of, and goes on.

    Args:
        client: a ``distributed.Client``.
    """

    def __init__(self, client: Any) -> None:
        """Take a client; ``shutdown`` closes it."""
        self.client = client
        self._executor = client.get_executor(pure=False)

    def submit(self, call: Callable[..., R], /, *args: Any, **kwargs: Any) -> "Future[R]":
        """Have a worker call a function."""
        future: Future[R] = self._executor.submit(call, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster; with ``wait``, when it has finished what it was asked for."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self.client.close()


def connect(
    address: str, *, seconds: float = CONNECT_SECONDS, worker_seconds: float = WORKER_SECONDS
) -> Cluster:
    """Reach the workers of a Dask scheduler.

    Args:
        address: where it listens, such as ``tcp://host:8786``.
        seconds: how long to wait for its answer.
        worker_seconds: how long to wait for its first worker.

    Returns:
        An executor; ``with`` lets go of it at the end.

    Raises:
        MissingExtraError: the extra ``dask`` is not installed.
        StoreError: no scheduler answers, it has no worker, or a worker has another hier or Python.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("distributed", "a Dask cluster", "hier-context[dask]") from error
    try:
        open_client: Any = distributed.Client
        client = open_client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise StoreError(
            f"no Dask scheduler answers at {address} ({said}); start one: dask scheduler, and "
            "workers: dask worker ADDRESS; and check the address: tcp://HOST:8786"
        ) from error
    try:
        _check_workers(client, address, worker_seconds)
    except BaseException:
        client.close()
        raise
    return Cluster(client)


def _check_workers(client: Any, address: str, seconds: float) -> None:
    """Refuse workers that would build other trees, or none."""
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError as error:
        raise StoreError(
            f"the scheduler at {address} has no worker after {seconds:g} s; start some: "
            f"dask worker {address}"
        ) from error
    ours = versions()
    for worker, theirs in client.run(versions, on_error="return").items():
        if isinstance(theirs, BaseException):
            said = " ".join(str(theirs).split())[:200]
            raise StoreError(
                f"the worker {worker} cannot use hier ({type(theirs).__name__}: {said}); install "
                "the same there: pip install hier-context"
            ) from theirs
        if theirs != ours:
            differ = ", ".join(f"{n} {theirs.get(n)} and not {v}" for n, v in ours.items()
                               if theirs.get(n) != v)  # fmt: skip
            raise StoreError(
                f"the worker {worker} has {differ}; workers must have what the client has: install "
                "the same versions there"
            )


def versions() -> dict[str, str]:
    """Return what must be the same wherever documents of one corpus are built."""
    import hier

    python = ".".join(platform.python_version_tuple()[:2])
    return {"hier": hier.__version__, "engine": str(ENGINE), "Python": python}
