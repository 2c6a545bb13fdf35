"""What git ignores: the ``.gitignore`` files of a folder, of those in it and of those above it.

The file nearest to a name decides first, and in a file the last line that fits. What is in an
ignored folder cannot be brought back, because the folder is not looked into.
"""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NAME = ".gitignore"


@dataclass(frozen=True)
class Ignored:
    """The lines of one ``.gitignore``, and those above it.

    Attributes:
        base: the folder it stands in, as an absolute path.
        spec: what its lines say.
        above: the next one in the folders above; None at the top.
    """

    base: str
    spec: "GitIgnoreSpec"
    above: "Ignored | None"


def ignores(rules: Ignored | None, path: str, folder: bool) -> bool:
    """Say whether git ignores a path, given that it does not ignore the folder it is in."""
    while rules is not None:
        inside = path[len(rules.base.rstrip(os.sep)) + 1 :]
        said = rules.spec.check_file(inside + "/" if folder else inside).include
        if said is not None:
            return said
        rules = rules.above
    return False


def rules_in(folder: str, above: Ignored | None) -> Ignored | None:
    """Return the rules that hold in a folder: those of its own file before those above it.

    Args:
        folder: an absolute path.
        above: the rules that hold where the folder stands.
    """
    path = Path(folder, NAME)
    try:
        if path.is_symlink():  # git reads no linked one
            return above
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError:  # there is none, or it cannot be read: git goes on without it, too
        return above
    spec = _parse([os.fsdecode(line.removesuffix(b"\r")) for line in lines])
    return above if spec is None else Ignored(folder, spec, above)


def _parse(lines: list[str]) -> "GitIgnoreSpec | None":
    """Return what lines say; None if they say nothing."""
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    patterns = []
    for line in lines:
        try:
            pattern = GitIgnoreSpecPattern(line)
        except ValueError:  # git takes no notice of a line that cannot be read
            continue
        if pattern.include is not None:
            patterns.append(pattern)
    return GitIgnoreSpec(patterns) if patterns else None


def rules_above(folder: str) -> Ignored | None:
    """Return the rules of the folders above a folder, as far up as its repository reaches.

    A folder that its repository ignores was named on purpose: then nothing above it counts.
    """
    down = [Path(folder)]
    while not (down[0] / ".git").exists():
        if down[0].parent == down[0]:
            return None
        down.insert(0, down[0].parent)
    rules: Ignored | None = None
    for outer, inner in pairwise(map(str, down)):
        rules = rules_in(outer, rules)
        if ignores(rules, inner, folder=True):
            return None
    return rules
