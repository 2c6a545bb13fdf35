"""Language: whether a reply is in the language of the text it is about.

The commonest words of a language stand in any few sentences of it, so a summary shares them with
its text whatever it leaves out or rewords. No list of languages is needed: the words that make up a
third of the text are looked up in the summary. Where the two are written in different scripts,
that says it all.
"""

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")
_LEAST_WORDS = 8  # of a summary: a shorter one may be a title, or names alone
_LEAST_TEXT = 40
_LONGEST = 20_000  # characters of the text that are looked at
