"""Saved trees: one file, read by mapping it into memory; see ``array_file.py``."""

from pathlib import Path
from typing import Any

from hier.array_file import Format, damaged, read_file, write_file
from hier.corpus.header import is_corpus
from hier.errors import StoreError
from hier.flat import arrays_of, facts_of, make_tree
from hier.tokens import load_tokenizer
from hier.tree import Tree

MAGIC = b"\x89HIER\r\n\x1a"  # a text-mode transfer damages it, as in PNG
VERSION = 5
_FORMAT = Format(MAGIC, VERSION, "a saved tree", "make one: hier build FILE -o TREE")


def is_tree(path: Path) -> bool:
    """Say whether a file begins as a saved tree does."""
    return _FORMAT.begins(path)


def save(tree: Tree, path: Path) -> None:
    """Write a tree to ``path``; see ``Tree.save``."""
    if tree.embedder is None:
        raise StoreError(
            "a tree built with an embedder object cannot be saved: it could not be found again; "
            "build with the embedder's name or folder"
        )
    write_file(path, _FORMAT, facts_of(tree), arrays_of(tree))


def load(path: str | Path, *, tokenizer: Any = None) -> Tree:
    """Open a saved tree.

    Args:
        path: a file written by ``Tree.save``.
        tokenizer: the tokenizer, for a tree that was built with an object of the user's.

    Raises:
        StoreError: the file is missing, damaged, foreign or of another version; or it needs a
            ``tokenizer``.
    """
    path = Path(path)
    if is_corpus(path):
        raise StoreError(
            f"{path} is a corpus, and no tree; open it: hier.Corpus.open({str(path)!r})"
        )
    try:
        meta, arrays = read_file(path, _FORMAT)
        if tokenizer is None and meta["tokenizer"] is None:
            raise StoreError(
                f"{path} was built with a tokenizer object; pass it: hier.load(path, tokenizer=...)"
            )
        return make_tree(meta, arrays, load_tokenizer(tokenizer or meta["tokenizer"]))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror or error}; check the path"
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Checksums passed: someone wrote the file, but not this hier.
        raise damaged(path, f"{type(error).__name__}: {error}") from error
