"""Facts: title, author and date of a document, as its file names them."""

import re
import zipfile
from typing import Any

from hier.errors import InputError

_CORE = "docProps/core.xml"
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_WRITERS = ("openpyxl", "python-docx")  # libraries sign as authors
_NAMES = {"title": "title", "creator": "author", "created": "date", "date": "date"}


def core_facts(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the facts of an Office document; none if it has no part for them.

    Raises:
        InputError: what is there cannot be read.
    """
    if _CORE not in archive.namelist():
        return {}
    return dublin_core(parse_xml(archive.read(_CORE), _CORE))


def dublin_core(element: Any) -> dict[str, Any]:
    """Return title, author, date and year from the elements of Dublin Core in an element."""
    found: dict[str, Any] = {}
    for child in element:
        local = child.tag.rpartition("}")[2].lower() if isinstance(child.tag, str) else ""
        value = " ".join((child.text or "").split())
        key = _NAMES.get(local)
        if key is None or not value or key in found or value in _WRITERS:
            continue
        if key != "date":
            found[key] = value
        elif (match := _DATE.match(value)) is not None:
            found.update(date=match.group(), year=int(match.group(1)))
    return found


def parse_xml(raw: bytes, name: str) -> Any:
    """Return the root of an XML file; nothing it points to is read, nothing it defines expands.

    Raises:
        InputError: it is no XML.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.LxmlError as error:
        raise InputError(f"{name} is damaged ({error}); save it anew with what made it") from error
    if root is None:
        raise InputError(f"{name} is damaged (nothing in it); save it anew with what made it")
    return root
