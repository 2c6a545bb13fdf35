"""Reporting: what became of the files of a folder, in few lines or in all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hier.commands.output import say, say_all

if TYPE_CHECKING:
    from hier.corpus.writing import Report

_SHOWN = 20  # failures that are named without --verbose


def say_report(report: "Report", corpus: object, verbose: bool) -> None:
    """Say what was done, what was passed over, and what could not be read."""
    say(f"{done(report)} -> {corpus}")
    if report.skipped:
        say(f"passed over {len(report.skipped):,}: {counted(report.skipped.values())}")
        say_all(f"{name}: {why}" for name, why in report.skipped.items() if verbose)
    say_failed(report.failed, verbose)


def done(report: "Report") -> str:
    """Say in one line what became of a folder."""
    numbers = {
        "added": len(report.added),
        "updated": len(report.updated),
        "removed": len(report.removed),
        "unchanged": report.unchanged,
    }
    words = ", ".join(f"{number:,} {what}" for what, number in numbers.items() if number)
    return f"{words or 'no documents'}; {report.tokens:,} tokens read in {report.seconds:.2f} s"


def counted(reasons: Iterable[str]) -> str:
    """Return reasons with how many have each, the most frequent first."""
    # What stands behind a colon is of one file alone.
    kinds = Counter(reason.partition(":")[0] for reason in reasons)
    ordered = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{number:,} {kind}" for kind, number in ordered)


def say_failed(failed: Mapping[str, str], verbose: bool = False) -> None:
    """Say what could not be read and why, a line each; of very many the first."""
    if not failed:
        return
    say(f"could not read {len(failed):,}:")
    lines = [why if why.startswith(name) else f"{name}: {why}" for name, why in failed.items()]
    say_all(lines if verbose else lines[:_SHOWN])
    if not verbose and len(lines) > _SHOWN:
        say_all([f"... and {len(lines) - _SHOWN:,} more: --verbose names them"])
