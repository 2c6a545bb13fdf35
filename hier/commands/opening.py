"""Opening: what was typed as a text, a saved tree or a corpus becomes one."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hier
from hier.commands.output import progress
from hier.corpus.header import is_corpus
from hier.corpus.storage import is_url
from hier.document import Document, decode
from hier.errors import InputError
from hier.store import is_tree
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus


def read(source: str, encoding: str, name: str | None = None) -> Document:
    """Read a file or, for ``-``, stdin; ``name`` is another for it than its path.

    Raises:
        InputError: it cannot be read as text, is a saved tree or a corpus, or a folder.
    """
    if source == "-":
        if sys.stdin is None:
            raise InputError("stdin is closed; pipe a text into it, or pass a file")
        return Document(decode(sys.stdin.buffer.read(), "stdin", encoding), name or "stdin")
    path = Path(source)
    if is_tree(path):
        raise InputError(f"{source} is a saved tree; ask it with: hier query {source} -q ...")
    if is_corpus(path):
        raise InputError(f"{source} is a corpus; ask it with: hier query {source} -q ...")
    if path.is_dir():
        raise InputError(
            f"{source} is a folder; pass one text file, or make a corpus of it: "
            f"hier build {source} -o corpus.hier"
        )
    document = Document.from_path(path, encoding)
    return document if name is None else replace(document, name=name)


def build_tree(source: str, tokenizer: str, embedder: str, encoding: str) -> Tree:
    """Read the source and build its tree, with progress on a terminal."""
    return hier.build(
        read(source, encoding), tokenizer=tokenizer, embedder=embedder, progress=progress()
    )


@contextmanager
def opened(sources: Sequence[str]) -> Iterator["Tree | Corpus"]:
    """Open a saved tree, a corpus, or the shards of one.

    Raises:
        InputError: it is a folder.
        StoreError: it is none, or damaged.
    """
    if len(sources) == 1 and not _has_documents(sources[0]):
        if Path(sources[0]).is_dir():
            raise InputError(
                f"{sources[0]} is a folder; make a corpus of it: "
                f"hier build {sources[0]} -o corpus.hier"
            )
        yield hier.load(sources[0])
        return
    from hier.corpus.corpus import Corpus

    with Corpus.open(sources) as corpus:
        yield corpus


@contextmanager
def opened_or_built(sources: Sequence[str], encoding: str) -> Iterator["Tree | Corpus"]:
    """Open what was saved, or build the tree of a text.

    Raises:
        HierError: it cannot be read.
    """
    one = sources[0]
    if len(sources) > 1 or _has_documents(one) or (one != "-" and is_tree(Path(one))):
        with opened(sources) as asked:
            yield asked
    else:
        yield hier.build(read(sources[0], encoding), progress=progress())


def named(asked: "Tree | Corpus", sources: Sequence[str]) -> str | Sequence[str]:
    """Return what was asked, for people: the name of a text, the file or files of a corpus."""
    if isinstance(asked, Tree):
        return asked.document.name
    return sources[0] if len(sources) == 1 else sources


def _has_documents(source: str) -> bool:
    return source != "-" and (is_url(source) or is_corpus(Path(source)))
