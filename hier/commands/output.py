"""Output: text goes to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from hier.ledger import Ledger
from hier.tokens import encodable
from hier.visible import visible


def write(text: str) -> None:
    """Write to stdout as UTF-8, whatever the locale; a lone surrogate becomes U+FFFD."""
    sys.stdout.buffer.write(encodable(text).encode("utf-8"))
    sys.stdout.buffer.flush()


def write_json(value: object) -> None:
    """Write a value to stdout as one line of JSON."""
    write(json.dumps(value) + "\n")


def say(message: str) -> None:
    """Write one line to stderr; what a terminal would obey in it is made visible."""
    sys.stderr.write(visible(message) + "\n")


def say_all(lines: Iterable[str]) -> None:
    """Write lines to stderr, below what was said of them."""
    for line in lines:
        say(f"  {' '.join(line.split())}")


def sized(documents: int) -> str:
    """Return a number of documents in words."""
    return f"{documents:,} document{'' if documents == 1 else 's'}"


def account(ledger: Ledger, path: Path | None) -> None:
    """Say what models were asked, and write it down; also where the command failed."""
    if ledger.calls:
        say(ledger.table())
    if path is not None:
        path.write_text(json.dumps(ledger.to_dict()) + "\n", encoding="utf-8")


def progress() -> Callable[[str, int, int], None] | None:
    """Return a progress report on stderr; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, done: int, total: int) -> None:
        filled = 30 * done // max(total, 1)
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{what} {'█' * filled}{'░' * (30 - filled)} {done}/{total}{end}")
        sys.stderr.flush()

    return show
