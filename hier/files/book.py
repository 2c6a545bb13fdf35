"""EPUB: the chapters of a book in the order of its spine; its places are chapters."""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from hier.document import Document, decode
from hier.errors import InputError, MissingExtraError
from hier.files.archive import DAMAGE, damaged, open_archive
from hier.files.facts import dublin_core, parse_xml
from hier.files.markup import to_markdown
from hier.files.pieces import Piece, put_together
from hier.files.web import charset

_CONTAINER = "META-INF/container.xml"
_LOCKS = "META-INF/encryption.xml"


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a book; a chapter is a file of its spine that has words.

    Raises:
        InputError: it is damaged, encrypted, a zip bomb or has no words.
        MissingExtraError: lxml, beautifulsoup4 or markdownify is not installed.
    """
    archive = open_archive(raw, name)
    try:
        import lxml  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("lxml", f"reading {name}", "hier-context[files]") from error
    try:
        at = parse_xml(archive.read(_CONTAINER), name).find(".//{*}rootfile").get("full-path")
        package = parse_xml(archive.read(at), name)
        metadata = package.find("{*}metadata")
        facts = {} if metadata is None else dublin_core(metadata)
        files = list(_spine(package, posixpath.dirname(at)))
        _check_locks(archive, files, name)
        pieces = list(_chapters(archive, files, name))
    except DAMAGE as error:
        raise damaged(name, error) from error
    text, places, _ = put_together("chapter", pieces)
    return Document(text, name, places, None, {"type": kind, **facts})


def _spine(package: Any, folder: str) -> Iterator[str]:
    """Yield the parts of a book in the order in which they are read."""
    items = {item.get("id"): item for item in package.iterfind("{*}manifest/{*}item")}
    for reference in package.iterfind("{*}spine/{*}itemref"):
        item = items[reference.get("idref")]
        contents = "nav" in (item.get("properties") or "").split()
        if "html" in item.get("media-type", "") and not contents:
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href"))))


def _check_locks(archive: zipfile.ZipFile, files: list[str], name: str) -> None:
    """Raise if chapters are encrypted; fonts often are."""
    if _LOCKS not in archive.namelist():
        return
    locks = parse_xml(archive.read(_LOCKS), name)
    locked = {unquote(lock.get("URI", "")) for lock in locks.iterfind(".//{*}CipherReference")}
    if locked & set(files):
        raise InputError(f"{name} is encrypted (DRM); read a copy that is not")


def _chapters(archive: zipfile.ZipFile, files: list[str], name: str) -> Iterator[Piece]:
    number = 0
    for part in files:
        raw = archive.read(part)
        text = to_markdown(decode(raw, f"{name}, {part}", charset(raw, "utf-8")), name).text
        if text.strip():
            number += 1
            yield Piece(text.rstrip("\n") + "\n\n", number)
