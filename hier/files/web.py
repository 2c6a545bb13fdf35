"""HTML: what a page says, without its menus; its places are the paragraphs of the text."""

import codecs
import re
from typing import Any

from hier.document import Document, decode
from hier.files.markup import to_markdown
from hier.files.pieces import paragraphs_of

_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_YEAR = re.compile(r"(\d{4})(?:-\d\d(?:-\d\d)?)?")
_DATES = ("article:published_time", "date", "dc.date", "dcterms.created", "citation_date")


def read(raw: bytes, name: str, kind: str, encoding: str) -> Document:
    """Read a page; the encoding it names itself is obeyed unless another than utf-8 is asked for.

    Raises:
        InputError: the bytes are binary or in another encoding, or nested too deeply.
        MissingExtraError: beautifulsoup4 or markdownify is not installed.
    """
    page = to_markdown(decode(raw, name, charset(raw, encoding)), name)
    metadata: dict[str, Any] = {"type": kind}
    if page.title:
        metadata["title"] = page.title
    if page.facts.get("author", "").strip():
        metadata["author"] = page.facts["author"].strip()
    dates = (_YEAR.match(page.facts.get(key, "").strip()) for key in _DATES)
    date = next((match for match in dates if match is not None), None)
    if date is not None:
        metadata.update(date=date.group(), year=int(date.group(1)))
    return Document(page.text, name, paragraphs_of(page.text), None, metadata)


def charset(raw: bytes, encoding: str) -> str:
    """Return the encoding of a page: what its head names, where no other is asked for."""
    found = _CHARSET.search(raw[:2048])
    if found is None or encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        return encoding
    named = found.group(1).decode("ascii")
    try:
        codec = codecs.lookup(named).name
    except LookupError:  # a browser takes no notice of it either
        return encoding
    # What calls itself Latin-1 is read as Windows-1252: https://encoding.spec.whatwg.org (2024)
    return "cp1252" if codec in ("iso8859-1", "ascii") else named
