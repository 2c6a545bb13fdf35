"""Offers: which kinds of answers a leaf has, whatever is asked.

Questions ask for numbers, dates, names, reasons and places (expected answer types; Li and Roth,
2002), and a leaf that has none of the kind asked for is seldom the one. Read once, with the text.
"""

import re

import numpy as np

# Each begins with few characters, so that a scan leaps from one to the next.
_PATTERNS = {
    "number": re.compile(r"\d+"),
    "date": re.compile(
        r"[ (](?:1\d{3}|20\d{2}|January|February|March|April|May|June|July|August|September|October"
        r"|November|December)\b"
    ),
    "name": re.compile(r"[a-z,;:] [A-Z][a-z]"),
    "reason": re.compile(
        r" (?:because|since|due to|so that|in order|therefore|reason|caused?|wanted)\b"
    ),
    "place": re.compile(r" (?:in|at|near|from|to) (?:the )?[A-Z]"),
    "quote": re.compile(r'["“]'),
    "question": re.compile(r"\?"),
}
KINDS = tuple(_PATTERNS)
"""The kinds, in the order of their bits."""


def find_offers(text: str, leaf_start: np.ndarray) -> np.ndarray:
    """Return the kinds of answers in each leaf, bits of uint8 (leaves,).

    Args:
        text: the source.
        leaf_start: character offset of each leaf, int64 (leaves,), ascending from 0.
    """
    offers = np.zeros(len(leaf_start), np.uint8)
    for bit, pattern in enumerate(_PATTERNS.values()):
        ends = np.fromiter((match.end() - 1 for match in pattern.finditer(text)), np.int64)
        found = np.zeros(len(leaf_start), bool)
        found[np.searchsorted(leaf_start, ends, "right") - 1] = True
        offers |= found.astype(np.uint8) << np.uint8(bit)
    return offers
