"""E-mail: who wrote to whom, when and about what, then the words, then attachments that are texts.

Its places are paragraphs: of the message, and of each attachment.
"""

import email.policy
import html
from collections.abc import Iterator
from email.errors import MessageError
from email.headerregistry import BaseHeader
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np

from hier.document import Document, decode
from hier.errors import InputError
from hier.files.kinds import BINARY, kind_of, suffix_of
from hier.files.markup import to_markdown
from hier.files.pieces import Piece, paragraphs_of, put_together

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEEPEST = 20  # messages in messages


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a message.

    Raises:
        InputError: it is no message, or a text of it is in another encoding than it says.
        MissingExtraError: it is HTML, and what reads that is not installed.
    """
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        sections = list(_sections(message, name, "", 0))
        metadata = _metadata(message)
    except (MessageError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{name} is damaged ({error}); save the message anew") from error
    if not any(message[header] for header in _HEADERS):
        raise InputError(
            f"{name} is no e-mail: it has no From, To, Date or Subject; check the file"
        )
    pieces = [piece for part, text in sections for piece in _pieces(part, text)]
    text, places, _ = put_together("paragraph", pieces)
    return Document(text, name, places, None, {"type": kind, **metadata})


def _pieces(part: str, text: str) -> Iterator[Piece]:
    """Yield the paragraphs of a section."""
    text = text.strip("\n") + "\n\n"
    starts = paragraphs_of(text).start
    ends = np.append(starts[1:], len(text))
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True), 1):
        yield Piece(text[start:end], number, part)


def _sections(message: EmailMessage, name: str, part: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield what a message is made of: the name of each section, and its text."""
    head = [f"{header}: {message[header]}" for header in _HEADERS if message[header]]
    body = message.get_body(("plain", "html"))
    yield part, "\n".join(head) + "\n\n" + ("" if body is None else _text(body, name))
    for attachment in message.iter_attachments():
        title = attachment.get_filename() or attachment.get_content_type()
        inside = f"{part}, attachment {title}" if part else f"attachment {title}"
        if attachment.get_content_type() == "message/rfc822":
            if depth < _DEEPEST:
                inner: Any = attachment.get_content()
                yield from _sections(inner, name, inside, depth + 1)
        elif _is_text(attachment, title):
            yield inside, f"Attachment: {title}\n\n{_text(attachment, name)}"
        else:
            yield inside, f"Attachment: {title} (not read)"


def _is_text(part: MIMEPart, title: str) -> bool:
    return part.get_content_maintype() == "text" and suffix_of(title) not in BINARY


def _text(part: MIMEPart, name: str) -> str:
    """Return the text of a part, decoded as it says."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    text = decode(raw, name, "utf-8" if charset in ("us-ascii", "ascii") else charset)
    text = text.replace("\r\n", "\n")
    if part.get_content_subtype() == "html" or kind_of(raw, "") == "html":
        return to_markdown(text, name).text
    return html.unescape(text) if part.get_content_subtype() == "enriched" else text


def _metadata(message: EmailMessage) -> dict[str, Any]:
    """Return who wrote to whom about what, and when."""
    found: dict[str, Any] = {}
    for header, key in (("From", "from"), ("To", "to"), ("Subject", "subject")):
        value = " ".join(str(message[header] or "").split())
        if value:
            found[key] = value
    if "subject" in found:
        found["title"] = found["subject"]
    if "from" in found:
        found["author"] = found["from"]
    date: BaseHeader | None = message["Date"]
    try:
        moment = parsedate_to_datetime(str(date)) if date is not None else None
    except ValueError:  # a date that cannot be read is none
        moment = None
    if moment is not None:
        found.update(date=moment.date().isoformat(), year=moment.year)
    return found
