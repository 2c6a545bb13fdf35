"""Folders: which files of a folder are read, and why the others are not.

Nothing is opened: names, kinds of entries and sizes decide. What is binary under an unknown suffix
is told when it is read.
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hier.errors import InputError
from hier.files.ignoring import NAME, Ignored, ignores, rules_above, rules_in
from hier.files.kinds import BINARY, suffix_of
from hier.files.reading import LARGEST_FILE, changed_ns, readable


@dataclass(frozen=True)
class File:
    r"""A file of a folder, and the facts that tell whether it changed.

    Attributes:
        id: its path relative to the folder, with ``/`` between; bytes that are no UTF-8 as
            ``\xNN``. It names the document.
        path: where it is opened.
        size: its bytes.
        mtime_ns: when it was changed last, its facts or its bytes, in nanoseconds: whoever sets the
            time of its bytes back changes its facts.
        ino: its number in its file system.
    """

    id: str
    path: Path
    size: int
    mtime_ns: int
    ino: int


@dataclass(frozen=True)
class Skipped:
    """A file or folder that is not read.

    Attributes:
        id: its path relative to the folder.
        reason: why not.
        fault: True where it could not be looked at, so that nobody knows what is there.
    """

    id: str
    reason: str
    fault: bool = False


@dataclass(frozen=True)
class Listing:
    """What a folder holds, both sorted by id.

    Attributes:
        files: what is to be read.
        skipped: what is not; what a skipped folder holds is not listed.
    """

    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]


@dataclass
class _Walk:
    root: str
    largest: int
    files: list[File]
    skipped: list[Skipped]
    folders: list[tuple[str, Ignored | None]]

    def id_of(self, path: str) -> str:
        return readable(path[len(self.root.rstrip(os.sep)) + 1 :].replace(os.sep, "/"))

    def skip(self, path: str, reason: str, fault: bool = False) -> None:
        self.skipped.append(Skipped(self.id_of(path), reason, fault))


def walk(folder: Path, largest: int = LARGEST_FILE) -> Listing:
    """List the files of a folder and of all folders in it.

    Hidden files, and what ``.gitignore`` files ignore, are skipped; a link to a file is followed, a
    link to a folder never.

    Args:
        folder: where to begin.
        largest: most bytes of a file.

    Raises:
        InputError: the folder is missing, is no folder or cannot be read.
    """
    root = os.path.realpath(folder)
    _check(root, folder)
    state = _Walk(root, largest, [], [], [(root, rules_above(root))])
    while state.folders:
        path, rules = state.folders.pop()
        try:
            with os.scandir(path) as entries:
                found = list(entries)
        except OSError as error:
            state.skip(path, _why(error), fault=_hides(error))
            continue
        if any(entry.name == NAME for entry in found):
            rules = rules_in(path, rules)
        for entry in found:
            _visit(state, entry, rules)
    files = sorted(state.files, key=lambda file: (file.id, os.fsencode(file.path)))
    return Listing(*_without_doubles(files, state.skipped))


def _check(root: str, folder: Path) -> None:
    """Raise for what is no folder that can be listed."""
    name = readable(str(folder))
    try:
        os.scandir(root).close()
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist; check the path") from error
    except NotADirectoryError as error:
        raise InputError(f"{name} is no folder; pass the folder that holds it") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {_why(error)}") from error


def _visit(state: _Walk, entry: os.DirEntry[str], rules: Ignored | None) -> None:
    """List a file, put a folder on the list to be walked, or say why neither."""
    path = entry.path
    if entry.name.startswith("."):
        state.skip(path, "hidden")
        return
    is_folder = entry.is_dir(follow_symlinks=False)
    if rules is not None and ignores(rules, path, is_folder):
        state.skip(path, "ignored by .gitignore")
    elif is_folder:
        state.folders.append((path, rules))
    elif suffix_of(entry.name) in BINARY:
        state.skip(path, f"binary ({suffix_of(entry.name)})")
    else:
        _list(state, entry)


def _list(state: _Walk, entry: os.DirEntry[str]) -> None:
    """List a file with its facts, or say why not."""
    try:
        facts = entry.stat()
    except OSError as error:
        broken = entry.is_symlink() and error.errno == errno.ENOENT
        state.skip(entry.path, "broken link" if broken else _why(error), fault=_hides(error))
        return
    if stat.S_ISDIR(facts.st_mode):
        state.skip(entry.path, _linked_folder(state.root, entry.path))
    elif not stat.S_ISREG(facts.st_mode):
        state.skip(entry.path, "not a regular file")
    elif facts.st_size > state.largest:
        state.skip(entry.path, f"too large: {facts.st_size:,} bytes, at most {state.largest:,}")
    elif not facts.st_size:
        state.skip(entry.path, "empty")
    else:
        state.files.append(
            File(
                state.id_of(entry.path),
                Path(entry.path),
                facts.st_size,
                changed_ns(facts),
                facts.st_ino,
            )
        )


def _linked_folder(root: str, path: str) -> str:
    """Say why a link to a folder is not followed."""
    target = os.path.realpath(path)
    if path.startswith(target.rstrip(os.sep) + os.sep):
        return "symlink loop"
    inside = target.startswith(root.rstrip(os.sep) + os.sep)
    return "link to a folder inside" if inside else "link to a folder outside"


def _hides(error: OSError) -> bool:
    """Say whether there may be something behind an error."""
    return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def _why(error: OSError) -> str:
    reasons = {errno.EACCES: "no permission", errno.ELOOP: "symlink loop"}
    return reasons.get(error.errno or 0, error.strerror or str(error))


def _without_doubles(
    files: list[File], skipped: list[Skipped]
) -> tuple[tuple[File, ...], tuple[Skipped, ...]]:
    r"""Leave out files whose id another has: ``a\xff`` may be written so, or have that byte."""
    kept: dict[str, File] = {}
    for file in files:
        if kept.setdefault(file.id, file) is not file:
            skipped = [*skipped, Skipped(file.id, "its readable name is another file's; rename it")]
    return tuple(kept.values()), tuple(sorted(skipped, key=lambda one: (one.id, one.reason)))
