"""Folders: the files a server may read are those below the folders named when it was started."""

import re
import stat
from collections.abc import Iterable
from pathlib import Path

from hier.errors import InputError

_URL = re.compile(r"(?i)[a-z][a-z0-9+.-]+:")  # not one letter: that is a drive


class Folders:
    """Finds files below named folders, and no others.

    What a path leads to in the end is what counts, links followed. A file that is outside is
    answered like one that is missing, so that nobody learns what else the machine holds. Whoever
    can write below a folder is trusted with it: a link changed while a file is opened is followed.

    Args:
        roots: the folders.

    Raises:
        InputError: one is no folder.
    """

    def __init__(self, roots: Iterable[str | Path] = ()) -> None:
        self.roots = tuple(_folder(root) for root in roots)

    def find(self, path: str) -> Path:
        """Return where a file is, links followed.

        Args:
            path: relative to one of the folders, or absolute and below one.

        Raises:
            InputError: there is no such regular file below the folders, it or a folder above it is
                hidden, or it is a URL.
        """
        if not isinstance(path, str) or not path.strip():
            raise InputError(f"the path of a file is wanted, this is {path!r}")
        if _URL.match(path):
            raise InputError(
                f"{path!r} is a URL, and nothing is fetched; pass the path of a file, or its text"
            )
        if not self.roots:
            raise InputError(
                "no folder is open to this server; name one when it is started: --folder DIR, or "
                "pass the text itself"
            )
        for root in self.roots:
            if (found := _below(root, path)) is not None:
                return found
        raise InputError(
            f"{path!r} is no file in a folder that is open to this server; hidden files and links "
            "that lead out of it are not read"
        )


def _folder(root: str | Path) -> Path:
    try:
        folder = Path(root).resolve(strict=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{str(root)!r} is no folder that can be opened: {error}") from error
    if not folder.is_dir():
        raise InputError(f"{str(root)!r} is no folder; name one that holds the files")
    return folder


def _below(root: Path, path: str) -> Path | None:
    """Return the file if it is a regular one below the root, and not hidden."""
    try:
        found = (root / path).resolve(strict=True)
        inner = found.relative_to(root)
        regular = stat.S_ISREG(found.stat().st_mode)
    except (OSError, ValueError, RuntimeError):  # missing, outside, a NUL in it, links in a ring
        return None
    hidden = any(part.startswith(".") for part in inner.parts)
    return found if regular and not hidden else None
