"""Source code: the file's own text, cut at classes and functions.

A signature is a heading, as deep as it is nested, and what follows is code: so a line of code is
shown under the class and the function it is in. What stands behind a body is code of the outer
depth: a block of code bears the depth that a heading in its place would have, from 1.

Python is read by its own parser. In other languages, and where that fails, a signature is told by
its words, and its nesting by how far it is set in.
"""

import ast
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hier.blocks import BlockKind, Blocks
from hier.document import Document, decode
from hier.files.signatures import Signature, signatures_in

_CLOSES = re.compile(r"[\W_]*(?:end\W*)?")


def read(raw: bytes, name: str, kind: str, encoding: str) -> Document:
    """Read source code.

    Raises:
        InputError: the bytes are binary or in another encoding.
    """
    text = decode(raw, name, encoding)
    return Document(text, name, None, code_blocks(text, kind), {"type": kind})


def code_blocks(text: str, language: str) -> Blocks:
    """Return the blocks of source code: signatures as headings, the rest as code."""
    lines = list(io.StringIO(text, newline=""))  # as parsers and editors count them
    found = _python_signatures(text, lines) if language == "python" else None
    if found is None:
        found = signatures_in(lines, language)
    marks = _marks(found, lines)
    starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)))])
    start = starts[list(marks)].astype(np.int64)
    start[0] = 0  # blank lines above the first
    return Blocks(
        start,
        np.append(start[1:], len(text)),
        np.array([kind for kind, _ in marks.values()], np.uint8),
        np.array([depth for _, depth in marks.values()], np.int16),
    )


def _marks(found: Iterable[Signature], lines: Sequence[str]) -> dict[int, tuple[BlockKind, int]]:
    """Return the kind and the depth of the block that begins at each of some lines, ascending."""
    headings: dict[int, int] = {}
    code: dict[int, int] = {0: 1}
    for one in found:
        headings[one.first] = one.depth
        for line, depth in ((one.body, one.depth + 1), (one.end, one.depth)):
            code[line] = min(depth, code.get(line, depth))  # where several end, the outermost does
    marks: dict[int, tuple[BlockKind, int]] = {}
    places = {line: (BlockKind.CODE, depth) for line, depth in code.items()}
    places.update({line: (BlockKind.HEADING, depth) for line, depth in headings.items()})
    for line, mark in sorted(places.items()):
        at = line
        while at < len(lines) and not lines[at].strip():  # blank lines go with what is above
            at += 1
        if at < len(lines) and (at not in marks or at in headings or mark[1] < marks[at][1]):
            marks[at] = places.get(at, mark) if at in headings else mark
    return _without_ends(marks or {0: (BlockKind.CODE, 1)}, lines)


def _without_ends(
    marks: dict[int, tuple[BlockKind, int]], lines: Sequence[str]
) -> dict[int, tuple[BlockKind, int]]:
    """Leave out blocks of code that only close what is above: brackets, or "end"."""
    kept: dict[int, tuple[BlockKind, int]] = {}
    for (line, mark), behind in zip(marks.items(), [*list(marks)[1:], len(lines)], strict=True):
        closes = all(_CLOSES.fullmatch(text) for text in lines[line:behind])
        if not kept or mark[0] == BlockKind.HEADING or not closes:
            kept[line] = mark
    return kept


def _python_signatures(text: str, lines: Sequence[str]) -> list[Signature] | None:
    """Return the classes and functions of Python code; None if it is none that parses."""
    try:
        with warnings.catch_warnings():  # of the code, such as "\d" in a string
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return list(_definitions(tree.body, lines, 1))


def _definitions(body: Iterable[ast.stmt], lines: Sequence[str], depth: int) -> Iterator[Signature]:
    """Yield the classes and functions of statements, and what is in the classes."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            end = node.end_lineno or node.lineno
            inner = _first_line(node.body[0])
            while inner > node.lineno and _is_no_code(lines[inner - 1]):
                inner -= 1  # a comment at the top of a body is in the body
            yield Signature(_first_line(node), end if inner < node.lineno else inner, end, depth)
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node.body, lines, depth + 1)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _definitions(getattr(node, name, []), lines, depth)
            for handler in getattr(node, "handlers", []):
                yield from _definitions(handler.body, lines, depth)


def _first_line(node: ast.stmt) -> int:
    """Return the first line of a statement, from 0, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1


def _is_no_code(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
