"""A worker: a process that does one job after another, and nothing beside.

It reads jobs from its standard input and writes answers to its standard output; what libraries
print goes to standard error. It ends when its input is closed, whatever became of the server.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from hier.ledger import Prices
from hier.serving import frames

_WARM = "# Notice\n\nThe notice period is three months.\n\nThe garden is watered in summer.\n"


def main() -> None:
    """Get ready, say so, and work until nobody asks any more."""
    for each in (signal.SIGINT, signal.SIGTERM):  # of a whole group: the server ends its workers
        signal.signal(each, signal.SIG_IGN)
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(header: dict[str, Any], body: bytes = b"") -> None:
        outward.write(frames.pack(header, body))
        outward.flush()

    if (first := frames.read(inward)) is None:
        return
    try:
        work = _prepare(first[0])
        send({"is": "ready"})
        _serve(inward, send, work)
    except BrokenPipeError:  # the server has gone
        os._exit(0)


def _prepare(settings: dict[str, Any]) -> Callable[[frames.Header, bytes, Any], tuple[Any, bytes]]:
    """Load what every job needs, and return what does a job."""
    import hier
    from hier.config import ModelSettings
    from hier.serving import corpus_work, faults, model_work, work

    reached = dict(settings.get("settings", {}))
    prices = Prices(**reached.pop("prices", {}))
    desk = work.Desk(
        model=settings.get("model", ""), settings=ModelSettings(**reached, prices=prices)
    )
    known = work.WORK | corpus_work.WORK | model_work.WORK
    hier.build(_WARM).compress("How long is the notice period?", 10)

    def do(header: frames.Header, body: bytes, tell: Any) -> tuple[Any, bytes]:
        what = header["do"]
        try:
            done = known[what](desk, work.Job(what, header, body, tell))
        except Exception as error:  # noqa: BLE001 (whatever it is, only this job is lost)
            told = faults.told_of(error, what)
            return {"is": "fault", "status": told.status, "code": told.code}, told.message.encode(
                "utf-8", "replace"
            )
        return {"is": "done", "source": done.source, "tokens": done.tokens}, done.body

    return do


def _serve(inward: BinaryIO, send: Callable[..., None], work: Any) -> None:
    while (frame := frames.read(inward)) is not None:
        send(*work(*frame, lambda event: send({"is": "event", **event})))


if __name__ == "__main__":
    main()
