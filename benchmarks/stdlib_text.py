"""Real text that every Python carries, at any length, for measuring speed without a download.

Half is prose: the language reference (``pydoc_data.topics``) and the docstrings of the standard
library, each under a heading. Half is code: the library's sources. Both are cut at blank lines into
pieces of a few thousand characters and dealt alternately in a seeded random order. When one kind
runs out it starts again in another order, cut at another size, so that a long text is not one short
text repeated: prose comes round after about a million tokens, code after four million. A shorter
text is a prefix of a longer one, so lengths differ in nothing but length.
"""

import ast
import random
import sysconfig
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from pathlib import Path
from pydoc_data.topics import topics

LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idle_test",
    "idlelib",
    "lib2to3",
    "turtledemo",
    "pydoc_data",
    "encodings",
    "__pycache__",
}

QUESTIONS = (
    "How does the with statement handle an exception raised in its body?",
    "What is the difference between a shallow copy and a deep copy?",
    "When is __new__ called and what must it return?",
    "How are default parameter values evaluated?",
    "What does the nonlocal statement do?",
    "Which operators have the lowest precedence?",
    "How can I parse command line arguments with subcommands?",
    "What happens when a generator's close method is called?",
    "How do I read a compressed file line by line?",
    "Which exceptions does opening a socket raise on a timeout?",
    "How is the method resolution order computed?",
    "How do format specifications align and pad a number?",
    "What is a descriptor and how does attribute lookup use it?",
    "How does the json encoder treat non-ASCII characters?",
    "How do I schedule a coroutine from another thread?",
    "What does the assert statement compile to when optimisation is on?",
    "How are temporary files removed when they are closed?",
    "Which pattern forms does the match statement support?",
    "How do I compare two directories and report what differs?",
    "How does the email parser handle a malformed header?",
)

CHARACTERS_A_TOKEN = 4.36  # in o200k_base


def text(characters: int, seed: int = 0) -> str:
    """The first ``characters`` characters of the endless text."""
    pieces: list[str] = []
    length = 0
    for piece in _endless(seed):
        pieces.append(piece)
        length += len(piece)
        if length >= characters:
            break
    return "".join(pieces)[:characters]


def reference() -> str:
    """The language reference alone, about 106,000 tokens, topics in alphabetical order."""
    return "\n\n".join(f"# {name}\n\n{topics[name].strip()}" for name in sorted(topics)) + "\n"


def _endless(seed: int) -> Iterator[str]:
    prose = _dealt(_prose(), seed)
    code = _dealt(_code(), seed + 1)
    while True:
        yield next(prose)
        yield next(code)


def _dealt(texts: tuple[str, ...], seed: int) -> Iterator[str]:
    """Pieces of all texts in random order, again and again, each round cut differently."""
    turn = random.Random(seed)
    while True:
        size = turn.randrange(1500, 4500)
        pieces = [piece for whole in texts for piece in _cut(whole, size)]
        turn.shuffle(pieces)
        yield from pieces


def _cut(whole: str, size: int) -> Iterator[str]:
    """Consecutive pieces of at least ``size`` characters that end at a blank line."""
    start = 0
    while start < len(whole):
        end = whole.find("\n\n", start + size)
        end = len(whole) if end < 0 else end
        yield whole[start:end].strip("\n") + "\n\n"
        start = end


@cache
def _sources() -> tuple[tuple[str, str], ...]:
    """Module name and source of the library's modules, sorted by name."""
    library = Path(sysconfig.get_path("stdlib"))
    found = []
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        if LEFT_OUT.isdisjoint(parts):
            source = path.read_text(encoding="utf-8", errors="replace")
            found.append((".".join(parts), source))
    return tuple(found)


@cache
def _code() -> tuple[str, ...]:
    return tuple(f"# {name}\n\n{source}" for name, source in _sources())


@cache
def _prose() -> tuple[str, ...]:
    reference_pages = [f"# {name}\n\n{topics[name].strip()}\n" for name in sorted(topics)]
    return tuple(reference_pages) + tuple(
        page for name, source in _sources() if (page := _docstrings(name, source))
    )


def _docstrings(module: str, source: str) -> str:
    """All docstrings of a module as one page of headings and paragraphs."""
    try:
        parsed = ast.parse(source)
    except SyntaxError:
        return ""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    parts = []
    for node in ast.walk(parsed):
        if isinstance(node, documented) and (docstring := ast.get_docstring(node, clean=False)):
            name = getattr(node, "name", None)
            heading = f"## {module}.{name}" if name else f"# {module}"
            parts.append(f"{heading}\n\n{cleandoc(docstring)}\n")
    return "\n".join(parts)
