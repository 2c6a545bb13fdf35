"""Work for workers that dies, for the tests of what outlives it; workers import it by its name."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

ALWAYS, ONCE, SLOW = "dies always", "dies once", "takes long"


def count(text: str) -> int:
    """Count words as tokens; some texts kill the process that counts them, or hold it up.

    A file is named behind the last ``in ``: there it leaves a mark, and may wait
    for one (``.go``).
    """
    if ALWAYS in text:
        os._exit(3)
    if ONCE in text and _mark(text):
        os.kill(os.getpid(), signal.SIGKILL)
    if SLOW in text:
        mark = Path(text.rpartition("in ")[2].split()[0])
        _mark(text)
        while not mark.with_suffix(".go").exists():
            time.sleep(0.05)
    return len(text.split())


def _mark(text: str) -> bool:
    """Leave a mark with the number of this process; say whether it is the first."""
    try:
        with Path(text.rpartition("in ")[2].split()[0]).open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def double(numbers: Sequence[int]) -> list[int]:
    """Return numbers doubled; die at 13, raise at 17."""
    if 13 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(numbers)


def doubled(numbers: Sequence[int]) -> list[int]:
    """Return numbers doubled; raise at 17."""
    if 17 in numbers:
        raise ZeroDivisionError("17 is too much")
    return [2 * number for number in numbers]


def nothing() -> None:
    """Need nothing to be ready."""


def ends() -> None:
    """Never be ready."""
    os._exit(7)
