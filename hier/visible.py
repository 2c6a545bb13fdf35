"""Visible: other people's text, fit to be looked at.

A document may hold what a terminal or a page obeys and nobody sees: escape codes that move the
cursor or write the clipboard, marks that turn the direction of what follows. Each such character is
replaced by one that shows, so that every offset stays.
"""

import unicodedata

# The pictures of the control characters stand in their order from U+2400.
_CONTROLS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\r\t"}
_CONTROLS[ord("\r")] = ord(" ")  # which ends half the lines of the world
_C1 = dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
_LINES = dict.fromkeys((0x2028, 0x2029), 0x2424)
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_SHOWN = {**_CONTROLS, 0x7F: 0x2421, **_C1, **_DIRECTIONS, **_LINES, **_SURROGATES}


def visible(text: str) -> str:
    """Return a text of the same length whose control characters do nothing.

    Line feeds and tabs stay, a carriage return becomes a space. An escape code begins with a
    picture of ESC in place of ESC itself; marks that override the direction of text, and lone
    surrogates, become U+FFFD.
    """
    return text.translate(_SHOWN)


def in_a_line(text: str, most: int) -> str:
    """Return a text as one line of at most ``most`` columns, cut with an ellipsis.

    Args:
        text: the text.
        most: columns of a terminal; a wide character takes two, an accent none.
    """
    words = visible(" ".join(text[: 8 * most].split()))
    columns = 0
    for place, character in enumerate(words):
        columns += _columns(character)
        if columns > most or (columns == most and place + 1 < len(words)):
            return words[:place].rstrip() + "…"
    return words


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
