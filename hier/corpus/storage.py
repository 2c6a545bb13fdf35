"""Storage of shards: a folder that all workers see, or any URL that ``fsspec`` knows.

What a shard's file is called follows from what it holds: it is never changed, a copy of it is never
stale, and who writes it twice writes the same.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from hier.errors import MissingExtraError, StoreError

_REMEDY = "check the address, the network and the permissions"


def is_url(place: str) -> bool:
    """Say whether a place is more than a folder of this machine."""
    return "://" in place


def make(place: str) -> None:
    """Make a place, where it is not there.

    Raises:
        StoreError: it cannot be made.
        MissingExtraError: fsspec, or what it needs for such a URL, is not installed.
    """
    try:
        if is_url(place):
            system, folder = _system(place)
            system.makedirs(folder, exist_ok=True)
        else:
            Path(place).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unusable(place, error) from error


def put(place: str, name: str, made: Path) -> None:
    """Copy a file to a place: it is there whole under its name, or not at all.

    Raises:
        StoreError: it cannot be written.
        MissingExtraError: fsspec, or what it needs for such a URL, is not installed.
    """
    if is_url(place):
        system, folder = _system(place)
        try:
            system.makedirs(folder, exist_ok=True)
            system.put_file(str(made), f"{folder}/{name}")
        except (OSError, ValueError) as error:
            raise _unusable(place, error) from error
        return
    part = Path(place) / f".{name}.{uuid4().hex}.part"
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, part)
        part.replace(part.with_name(name))
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unusable(place, error) from error


def fetch(place: str, name: str) -> Path:
    """Return where a file of a place is on this machine; of a URL a copy is kept.

    Raises:
        StoreError: it is missing, or cannot be read.
        MissingExtraError: fsspec, or what it needs for such a URL, is not installed.
    """
    if not is_url(place):
        return Path(place) / name
    copy = _copies(place) / name
    if copy.exists():
        return copy
    system, folder = _system(place)
    part = copy.with_name(f".{name}.{uuid4().hex}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(f"{folder}/{name}", str(part))
        part.replace(copy)
    except FileNotFoundError as error:
        raise StoreError(f"{place}/{name} is missing; restore it, or build it again") from error
    except (OSError, ValueError) as error:
        raise _unusable(f"{place}/{name}", error) from error
    finally:
        part.unlink(missing_ok=True)
    return copy


def listed(place: str) -> set[str]:
    """Return the names of the files of a place; none where it is not there.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        if not is_url(place):
            return {path.name for path in Path(place).iterdir()}
        system, folder = _system(place)
        system.invalidate_cache()
        return {str(path).rpartition("/")[2] for path in system.ls(folder, detail=False)}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise _unusable(place, error) from error


def drop(place: str, names: Iterable[str]) -> None:
    """Remove files; those that are gone are no error, nor are those that cannot be removed."""
    for name in names:
        try:
            if is_url(place):
                system, folder = _system(place)
                system.rm_file(f"{folder}/{name}")
            else:
                (Path(place) / name).unlink()
        except OSError:
            continue  # it only takes space


def _copies(place: str) -> Path:
    from hier.summarizers.cache import default_path

    return default_path().parent / "shards" / hashlib.sha256(place.encode()).hexdigest()[:16]


def _system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the folder in it."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("fsspec", f"shards at {url}", "hier-context[dask]") from error
    try:
        system, folder = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise StoreError(f"{url} cannot be used: {error}") from error  # it says what to install
    except (ValueError, OSError) as error:
        raise _unusable(url, error) from error
    return system, folder.rstrip("/")


def _unusable(place: str, error: Exception) -> StoreError:
    said = " ".join(str(error).split())[:200]
    return StoreError(f"{place} cannot be used: {said or type(error).__name__}; {_REMEDY}")
