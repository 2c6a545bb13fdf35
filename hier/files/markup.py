"""HTML to Markdown: headings, lists, tables and code stay; what only a browser needs goes.

Emphasis, pictures and the targets of links are left out: they cost tokens and break words. A table
has its header row first. Nothing that a page points to is fetched.
"""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hier.errors import InputError, MissingExtraError
from hier.files.grid import cell_text

_UNSEEN = frozenset(
    "script style noscript template iframe object embed svg canvas nav footer button select "
    "textarea dialog".split()
)
_ROLES = ("navigation", "contentinfo", "search", "banner", "menu", "menubar", "dialog")


@dataclass(frozen=True)
class Page:
    """A page of HTML as Markdown, its title, and what it says of itself in ``meta``, by name."""

    text: str
    title: str
    facts: dict[str, str]


def to_markdown(html: str, name: str) -> Page:
    """Return the text of a page of HTML.

    Args:
        html: the page.
        name: of its file, for errors.

    Raises:
        InputError: it is nested too deeply.
        MissingExtraError: markdownify or beautifulsoup4 is not installed.
    """
    try:
        from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
    except ImportError as error:
        raise MissingExtraError(
            "beautifulsoup4", f"reading {name}", "hier-context[files]"
        ) from error
    try:
        with warnings.catch_warnings():  # XHTML is read well enough, and a short page is no path
            for remark in (MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning):
                warnings.simplefilter("ignore", remark)
            soup = BeautifulSoup(html, "lxml")
        facts = {
            str(meta.get("name") or meta.get("property")).lower(): str(meta["content"])
            for meta in soup.find_all("meta", content=True)
        }
        title = " ".join(soup.title.get_text().split()) if soup.title is not None else ""
        text = _converter()(_content(soup))
    except RecursionError as error:
        raise InputError(
            f"{name} is nested too deeply; make it plainer, for example with a browser's reader "
            "view"
        ) from error
    return Page(_tidy(text), title, facts)


def _content(soup: Any) -> Any:
    """Return what a page is about, without menus and what is not seen."""
    unseen = [
        element
        for element in soup.find_all(True)
        if element.name in _UNSEEN or (element.attrs and _is_unseen(element))
    ]
    for element in reversed(unseen):  # what is inside of another before it
        element.decompose()
    central = {name: soup.find_all(name) for name in ("main", "article")}
    content = next((found[0] for found in central.values() if len(found) == 1), None)
    if content is not None and 4 * len(content.get_text()) > len(soup.get_text()):
        return content
    return soup.body or soup


def _is_unseen(element: Any) -> bool:
    """Say whether an element is hidden, or is there to find the way around a site."""
    attributes = element.attrs
    return element.name not in ("html", "body") and (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("role") in _ROLES
        or "display:none" in str(attributes.get("style", "")).replace(" ", "").lower()
    )


@functools.cache
def _converter() -> Callable[[Any], str]:
    """Return what makes Markdown of parsed HTML."""
    try:
        from markdownify import ATX, MarkdownConverter
    except ImportError as error:
        raise MissingExtraError("markdownify", "reading HTML", "hier-context[files]") from error

    class Converter(MarkdownConverter):  # type: ignore[misc, unused-ignore]
        def convert_img(self, el: Any, text: str, parent_tags: Any) -> str:
            return ""

        def convert_td(self, el: Any, text: str, parent_tags: Any) -> str:
            span = el.get("colspan", "")
            columns = min(1000, int(span)) if str(span).isdecimal() and int(span) else 1
            return f" {cell_text(text)} |" + "  |" * (columns - 1)

        convert_th = convert_td

    converter = Converter(
        heading_style=ATX,
        bullets="-",
        strip=["a", "b", "strong", "em", "i", "u", "s", "del", "sub", "sup", "code", "q"],
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
        table_infer_header=True,
    )
    convert: Callable[[Any], str] = converter.convert_soup
    return convert


def _tidy(text: str) -> str:
    """Return text with no white space at the end of lines and one blank line between paragraphs."""
    lines: list[str] = []
    for line in map(str.rstrip, text.replace("\xa0", " ").split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""
