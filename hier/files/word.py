"""DOCX: mammoth reads the document, and its HTML becomes Markdown.

Markitdown stands on the same libraries, and loads a runtime for a model besides; so they are used
themselves.
"""

import io

from hier.document import Document
from hier.errors import MissingExtraError
from hier.files.archive import DAMAGE, damaged, open_archive
from hier.files.facts import core_facts
from hier.files.markup import to_markdown
from hier.files.pieces import paragraphs_of

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
"""


def read(raw: bytes, name: str, kind: str) -> Document:
    """Read a Word document; headers and footers are left out, footnotes stand at the end.

    Raises:
        InputError: it is damaged, encrypted or a zip bomb.
        MissingExtraError: mammoth, beautifulsoup4 or markdownify is not installed.
    """
    try:
        import mammoth
    except ImportError as error:
        raise MissingExtraError("mammoth", f"reading {name}", "hier-context[files]") from error
    archive = open_archive(raw, name)
    try:
        facts = core_facts(archive)
        html = mammoth.convert_to_html(
            io.BytesIO(raw),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(lambda image: {"src": ""}),
            include_embedded_style_map=False,
        ).value
    except DAMAGE as error:
        raise damaged(name, error) from error
    text = to_markdown(html, name).text
    return Document(text, name, paragraphs_of(text), None, {"type": kind, **facts})
