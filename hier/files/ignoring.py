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
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

NAME = ".gitignore"


@dataclass(frozen=True)
class Ignored:
    """The lines of one ``.gitignore``, and those above it.

    Attributes:
        base: the folder it stands in, as an absolute path.
        patterns: its lines, the last first.
        above: the next one in the folders above; None at the top.
    """

    base: str
    patterns: "tuple[GitIgnoreSpecPattern, ...]"
    above: "Ignored | None"


def ignores(rules: Ignored | None, path: str, folder: bool) -> bool:
    """Say whether git ignores a path, given that it does not ignore the folder it is in."""
    while rules is not None:
        inside = _bytewise(os.fsencode(path[len(rules.base.rstrip(os.sep)) + 1 :]))
        inside += "/" if folder else ""
        for pattern in rules.patterns:
            if _fits(pattern, inside):
                return pattern.include is True
        rules = rules.above
    return False


def _fits(pattern: "GitIgnoreSpecPattern", path: str) -> bool:
    """Say whether a line of rules is about a path itself, and not about a folder it is in.

    The library matches what is in a folder with the folder; git asks about one name at a time, so
    that "!a" does not bring back "a/b". The library marks the slash that a folder was matched by.
    """
    found = pattern.match_file(path)
    if found is None:
        return False
    match = found.match
    if match.group() == "/":  # "*/", any folder
        return path.endswith("/")
    return match.groupdict().get("ps_d") is None or match.end("ps_d") == len(path)


def _bytewise(name: bytes) -> str:
    """Return a character for each byte: to git, "?" is one byte, not one letter."""
    return name.decode("latin-1")


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
    patterns = list(filter(None, map(_parse, lines)))
    return Ignored(folder, tuple(reversed(patterns)), above) if patterns else above


def _parse(line: bytes) -> "GitIgnoreSpecPattern | None":
    """Return what a line says; None if it says nothing."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    text = _bytewise(line.removesuffix(b"\r"))
    bare = text.rstrip(" ")
    # "a/**" is what is in a, but not a itself, which it is to the library.
    if bare.endswith("/**"):
        text = bare + "/*"
    elif bare.endswith("/**/"):
        text = bare + "*/"
    try:
        pattern = GitIgnoreSpecPattern(text)
    except ValueError:  # git takes no notice of a line that cannot be read
        return None
    return None if pattern.include is None else pattern


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
