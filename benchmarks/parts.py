"""Results in parts, each measured apart: those that are not measured again stay as they were."""

import argparse
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import environment
from targets import Target, exit_code

Figures = dict[str, Any]


def kept(path: Path, parts: Collection[str], known: Collection[str]) -> Figures:
    """The parts of an earlier result that are not measured again."""
    if not path.is_file():
        return {}
    earlier = json.loads(path.read_text(encoding="utf-8"))
    return {part: earlier[part] for part in known if part in earlier and part not in parts}


def finish(
    options: argparse.Namespace,
    about: Figures,
    found: Figures,
    known: Collection[str],
    judge: Callable[[Figures], list[Target]],
    draw: Callable[[Figures, Path], list[Path]],
) -> int:
    """Print the targets, write the result file and its charts; 1 if a target was missed.

    Args:
        options: ``parts`` that were measured, and ``out``, the file, or ``-`` for none.
        about: where they were measured.
        found: what was measured.
        known: all parts, in the order they are written in.
        judge: returns the targets of a result.
        draw: draws the charts of a result into a folder.
    """
    found = found | kept(options.out, options.parts, known)
    lines = judge(found)
    print(*lines, sep="\n")
    if str(options.out) != "-":
        rows = [line.row("least", "unit") for line in lines]
        result = {"environment": about, "targets": rows}
        result |= {part: found[part] for part in known if part in found}
        environment.write(options.out, result)
        print("written:", options.out, *draw(result, options.out.parent))
    return exit_code(lines)
