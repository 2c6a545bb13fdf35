"""Signatures of classes and functions, told by their words and by how far they are set in.

It reads code that is set in as usual; of code that is not, some headings are missed, and no
character is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Signature:
    """A class or function: its lines, counted from 0.

    Attributes:
        first: the first line of the signature, decorators included.
        body: the line behind the signature.
        end: the line behind the body.
        depth: 1 for the outermost.
    """

    first: int
    body: int
    end: int
    depth: int


_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|"
    r"override|virtual|sealed|partial|readonly|open|inline|suspend|data|inner|companion|operator|"
    r"extern|unsafe|const|constexpr|synchronized|native|mutating|fileprivate|implicit|case|lazy|"
    r"pub(?:\([\w: ]+\))?|extern\s+\"\w+\"|template\s*<.*>|@\w+(?:\([^)]*\))?)\s+)*"
)
_TYPES = (
    r"(?:class|interface|enum|record|struct|object|trait|protocol|extension|namespace|module|impl|"
    r"mod|union|actor|macro_rules!|enum\s+class)\b(?!\s*[=:(.,])"
)
_NO_NAMES = (
    r"(?!(?:if|for|while|switch|catch|return|else|do|try|new|throw|sizeof|with|using|lock|foreach|"
    r"when|case|await|yield|assert|delete|typeof|goto|elif|synchronized|super|this|print)\b)"
)
_METHOD = _MODIFIERS + _NO_NAMES + r"(?:get\s+|set\s+|\*\s*)?[#\w$]+\s*(?:<[^()]*>)?\s*\("
_TYPED = _MODIFIERS + _NO_NAMES + r"(?:[\w:<>,.?*&~\[\]]+\s+)+[*&]*[\w:~]+\s*(?:<[^()]*>)?\s*\("
_CALLABLE = r"(?:async\s+)?(?:function\b|(?:\([^()]*\)|[\w$]+)\s*(?::[^=]+)?=>)"

# What begins a signature, and what does only directly in a class.
_WORDS: dict[str, tuple[str, str]] = {
    "python": (r"(?:async\s+)?def\s|class\s+\w", ""),
    "javascript": (
        rf"{_MODIFIERS}(?:{_TYPES}|function\b\s*\*?\s*[\w$]*\s*[<(])|"
        rf"{_MODIFIERS}(?:(?:let|var)\s+)?[\w$]+\s*(?::[^=]+)?=\s*{_CALLABLE}",
        _METHOD,
    ),
    "java": (_MODIFIERS + _TYPES, rf"{_TYPED}|{_METHOD}"),
    "c": (rf"(?:typedef\s+)?{_MODIFIERS}{_TYPES}|{_TYPED}|{_NO_NAMES}[\w:~*&]+\s*\(", _METHOD),
    "go": (r"func\b|type\s+\w+(?:\[.*\])?\s+(?:struct|interface)\b", ""),
    "rust": (rf"{_MODIFIERS}(?:fn\s+\w|{_TYPES})", ""),
    "kotlin": (rf"{_MODIFIERS}(?:fun\b|func\b|def\b|init\b|deinit\b|{_TYPES})", ""),
    "php": (rf"{_MODIFIERS}(?:function\s+&?\w|{_TYPES})", ""),
    "ruby": (r"(?:class|module|def)\s", ""),
    "lua": (r"(?:local\s+)?function\b|[\w.]+\s*=\s*function\b", ""),
    "r": (r"[\w.]+\s*(?:<-|=)\s*function\s*\(", ""),
    "julia": (r"(?:function|macro|module|(?:mutable\s+)?struct)\s", ""),
    "shell": (r"(?:function\s+[\w:.-]+|[\w:.-]+\s*\(\s*\))", ""),
    "sql": (r"(?i:create)\s+\w+", ""),
}
_LIKE = {
    "typescript": "javascript",
    "c#": "java",
    "c++": "c",
    "swift": "kotlin",
    "scala": "kotlin",
}
_BRACES = frozenset(("javascript", "java", "c", "go", "rust", "kotlin", "php", "r", "shell"))
_LONGEST = 12  # lines of a signature
_CLOSES = re.compile(r"[})\]]|end\b|END\b")
_IS_CLASS = re.compile(rf"(?:typedef\s+)?{_MODIFIERS}(?:{_TYPES})")
_SKIPPED = re.compile(r"//|/?\*|--|#(?!\w+\s*\()")
_LABEL = re.compile(r"\w+:\s*$|#")  # of C, and its preprocessor: they stand at the margin


@dataclass(frozen=True)
class _Open:
    signature: Signature
    indent: int
    is_class: bool


def signatures_in(lines: Sequence[str], language: str) -> list[Signature]:
    """Return the classes and functions of source code, by their first lines."""
    language = _LIKE.get(language, language)
    words, in_class = (re.compile(one) if one else None for one in _WORDS[language])
    found: list[Signature] = []
    opened: list[_Open] = []
    comment, before = False, ""
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare or comment or bare.startswith("/*"):
            comment = (comment or bare.startswith("/*")) and "*/" not in bare
            continue
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if not opened or number >= opened[-1].signature.body:
            _close(opened, found, number, bare, indent, (language, before))
            skipped = _SKIPPED.match(bare) is not None
            inside = bool(opened) and opened[-1].is_class
            begins = words is not None and words.match(bare) is not None
            if not begins and in_class is not None and inside:
                begins = in_class.match(bare) is not None
            body = _body(lines, number, language) if begins and not skipped else 0
            if body and (inside or not opened):
                signature = Signature(number, body, len(lines), len(opened) + 1)
                opened.append(_Open(signature, indent, _is_class(bare, language)))
        before = bare
    return sorted([*found, *(one.signature for one in opened)], key=lambda one: one.first)


def _is_class(bare: str, language: str) -> bool:
    """Say whether what a signature opens may hold others."""
    if language in ("ruby", "julia", "python"):
        return bare.startswith(("class", "module"))
    return _IS_CLASS.match(bare) is not None


def _close(
    opened: list[_Open],
    found: list[Signature],
    number: int,
    bare: str,
    indent: int,
    context: tuple[str, str],
) -> None:
    """Close what a line that is set in less than its body ends."""
    language, before = context
    if language == "c" and _LABEL.match(bare):
        return
    while opened and indent <= opened[-1].indent:
        if language == "sql" and not before.endswith(";"):
            return
        top = opened[-1]
        ends_here = _CLOSES.match(bare) is not None and indent == top.indent
        opened.pop()
        found.append(replace(top.signature, end=number + 1 if ends_here else number))
        if ends_here:
            return


def _body(lines: Sequence[str], first: int, language: str) -> int:
    """Return the line behind a signature; 0 if it is none, such as a call or a declaration."""
    if language not in _BRACES:
        return first + 1
    depth = 0
    for number in range(first, min(len(lines), first + _LONGEST)):
        bare = lines[number].split("//")[0].strip()
        depth += bare.count("(") - bare.count(")")
        if "{" in bare and (depth <= 0 or bare.endswith("{")):
            return number + 1
        if bare.endswith((";", "=>")) and depth <= 0:
            return number + 1 if bare.endswith("=>") else 0
        if language == "kotlin" and depth <= 0 and "=" in bare:
            return number + 1
        if depth < 0 or (not bare and number > first):
            return 0
    return 0
