"""Resources: documents and their nodes, by URI.

``hier://document/NAME`` and ``hier://document/NAME/node/ID``; a name stands there with every
character that is not a letter, a digit or one of ``_.-~`` percent-encoded, also ``/``, and comes
back as it was.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from urllib.parse import quote, unquote

from mcp_types import Resource, ResourceTemplate, TextResourceContents

from hier.corpus.database import Row
from hier.errors import InputError
from hier.serving.mcp.service import Service
from hier.tokens import encodable

PAGE = 100
"""Documents that are listed at a time."""
_SCHEME = "hier://document/"
_PLAIN = "text/plain"

TEMPLATES = [
    ResourceTemplate(
        uri_template=f"{_SCHEME}{{name}}",
        name="document",
        title="The text of a document",
        mime_type=_PLAIN,
    ),
    ResourceTemplate(
        uri_template=f"{_SCHEME}{{name}}/node/{{id}}",
        name="node",
        title="The text of a node of a document's tree",
        mime_type=_PLAIN,
    ),
]


def uri_of(name: str, node_id: int | None = None) -> str:
    """Return the URI of a document, or of one of its nodes."""
    uri = _SCHEME + quote(name, safe="")
    return uri if node_id is None else f"{uri}/node/{node_id}"


def page_of(rows: Sequence[Row], cursor: str | None) -> tuple[list[Resource], str | None]:
    """Return documents as they are listed, and where the next page begins.

    A cursor holds the last name that was listed, so that a page is right whatever was added.

    Args:
        rows: the documents, in the order of their names.
        cursor: where to begin; None for the first page.

    Raises:
        InputError: the cursor is none.
    """
    start = 0 if cursor is None else bisect_right(rows, _name_in(cursor), key=lambda row: row.id)
    shown = rows[start : start + PAGE]
    more = start + PAGE < len(rows)
    last = base64.urlsafe_b64encode(shown[-1].id.encode()).decode() if more else None
    return [_listed(row) for row in shown], last


def read(service: Service, uri: str) -> TextResourceContents:
    """Return what a URI names.

    Raises:
        InputError: it names nothing.
    """
    name, node_id = _parts_of(uri)
    if node_id is None:
        service.row(name)
        text = service.corpus.document(name).text
    else:
        tree = service.tree(name)
        node = tree.nodes[node_id]
        text = tree.source[node.start : node.end]
    return TextResourceContents(uri=uri, mime_type=_PLAIN, text=encodable(text))


def _listed(row: Row) -> Resource:
    told = [f"{row.tokens:,} tokens", str(row.metadata.get("type", ""))]
    return Resource(
        uri=uri_of(row.id),
        name=row.id,
        title=str(row.metadata.get("title", "")) or None,
        description=", ".join(filter(None, told)),
        mime_type=_PLAIN,
    )


def _parts_of(uri: str) -> tuple[str, int | None]:
    """Return the name in a URI, and the node."""
    parts = uri.removeprefix(_SCHEME).split("/")
    try:
        if uri.startswith(_SCHEME) and len(parts) == 1:
            return unquote(parts[0], errors="strict"), None
        if uri.startswith(_SCHEME) and len(parts) == 3 and parts[1] == "node":
            return unquote(parts[0], errors="strict"), _number(parts[2])
    except ValueError:  # the bytes of the name are no UTF-8, or the node is no number
        pass
    shown = uri if len(uri) <= 200 else uri[:199] + "…"
    raise InputError(
        f"{shown!r} is no resource; they are {_SCHEME}NAME and {_SCHEME}NAME/node/ID, with NAME "
        "percent-encoded"
    )


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValueError(text)
    return int(text)


def _name_in(cursor: str) -> str:
    try:
        return base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InputError("the cursor is not one of this server; list from the start") from error
