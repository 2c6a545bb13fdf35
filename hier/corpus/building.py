"""Building documents of a corpus: a pure function of their bytes, in this process or in any other.

What is handed to a worker and what comes back are plain values; the worker needs nothing of the
store. A file that cannot be read becomes an outcome with its error, and stops nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hier.build import build
from hier.corpus.database import UNKNOWN, Stamp
from hier.corpus.entries import pack_entry
from hier.corpus.packing import pack
from hier.corpus.passages import enter
from hier.corpus.settings import ENGINE
from hier.document import Document
from hier.errors import HierError, StoreError
from hier.files.kinds import kind_of
from hier.files.reading import changed_ns, read_bytes, read_raw
from hier.ledger import Ledger
from hier.relevance import check_relevance
from hier.retrieval.static import load_static
from hier.tokens import load_tokenizer


@dataclass(frozen=True)
class Recipe:
    """How documents are built: as for ``hier.build``; ``encoding`` is of text files."""

    tokenizer: Any
    embedder: Any = "static"
    relevance: Any = "learned"
    summarizer: Any = "extractive"
    encoding: str = "utf-8"
    cache: Path | bool = True

    @property
    def is_neural(self) -> bool:
        """Whether vectors are costly, and the embedder is found by its name."""
        return isinstance(self.embedder, str) and self.embedder != "static"


@dataclass(frozen=True)
class Task:
    """A file to be read.

    Attributes:
        id: name of the document.
        path: where the file is.
        known: what trees are found by that the corpus has: its own, and those of files that are
            gone, which may be here under a new name.
        size: its bytes; -1 where that is not known.
        previous: the tree that the corpus has of it, where its vectors are costly; else empty.
    """

    id: str
    path: str
    known: tuple[bytes, ...] = ()
    size: int = -1
    previous: bytes = b""


@dataclass(frozen=True)
class Built:
    """A tree, ready to be kept."""

    hash: bytes
    tokens: int
    leaves: int
    packed: bytes
    passages: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a document.

    Attributes:
        id: its name.
        hash: what its tree is found by; empty where it failed.
        stamp: of its file, as it was before it was read.
        metadata: what its file says of it.
        built: its tree; None where the corpus has it.
        error: why it could not be read; empty where it was.
    """

    id: str
    hash: bytes = b""
    stamp: Stamp = UNKNOWN
    metadata: dict[str, Any] | None = None
    built: Built | None = None
    error: str = ""


def prepare(recipe: Recipe) -> None:
    """Read what every document needs, so that the first is built as fast as the others.

    Raises:
        HierError: as for ``hier.build``: what is wrong for all documents is said once.
    """
    load_static()
    counter = load_tokenizer(recipe.tokenizer)
    counter.count("a")
    check_relevance(recipe.relevance)


def build_files(tasks: Sequence[Task], recipe: Recipe) -> list[Outcome]:
    """Read and build some files, one by one."""
    return list(each_file(tasks, recipe))


def each_file(
    tasks: Sequence[Task], recipe: Recipe, ledger: Ledger | None = None
) -> Iterator[Outcome]:
    """Yield the outcome of each file.

    Raises:
        StoreError: summaries cannot be kept.
    """
    for task in tasks:
        try:
            yield _build_file(task, recipe, ledger)
        except StoreError:  # of the cache of summaries: it is wrong for all
            raise
        except HierError as error:
            yield Outcome(task.id, error=str(error))


def _build_file(task: Task, recipe: Recipe, ledger: Ledger | None) -> Outcome:
    path = Path(task.path)
    raw, stat = read_raw(path)
    stamp = Stamp.of(stat.st_size, changed_ns(stat), stat.st_ino)
    found = hash_file(raw, task.id, recipe.encoding)
    if found in task.known:
        return Outcome(task.id, found, stamp)
    document = read_bytes(raw, task.id, recipe.encoding)
    built = build_document(document, found, recipe, ledger, task.previous)
    return Outcome(task.id, found, stamp, dict(document.metadata), built)


def hash_file(raw: bytes, name: str, encoding: str) -> bytes:
    """Return what the tree of a file is found by: a digest of all that it depends on."""
    head = f"{ENGINE}\0{kind_of(raw, name)}\0{encoding}\0".encode()
    return hashlib.sha256(head + raw).digest()


def hash_text(document: Document) -> bytes:
    """Return what the tree of a document is found by that was read elsewhere."""
    digest = hashlib.sha256(f"{ENGINE}\0document\0".encode())
    digest.update(document.text.encode("utf-8", "surrogatepass"))
    if document.places is not None:
        places = document.places
        digest.update(repr((places.kind, places.parts)).encode())
        for array in (places.start, places.number, places.part):
            digest.update(array.astype("<i8").tobytes())
    if document.blocks is not None:
        blocks = document.blocks
        for array in (blocks.start, blocks.end, blocks.kind, blocks.depth):
            digest.update(array.astype("<i8").tobytes())
    return digest.digest()


def build_document(
    document: Document,
    found: bytes,
    recipe: Recipe,
    ledger: Ledger | None = None,
    previous: bytes = b"",
) -> Built:
    """Build a document's tree and pack it.

    Args:
        document: what was read.
        found: what its tree is found by.
        recipe: how it is built.
        ledger: where a model's calls are recorded.
        previous: the tree of its earlier version, as it is kept; empty for none.

    Raises:
        HierError: as for ``hier.build``.
    """
    embedder = recipe.embedder
    if recipe.is_neural:
        from hier.corpus.remembering import remember

        embedder = remember(embedder, previous, recipe.tokenizer)
    tree = build(
        document,
        embedder=embedder,
        summarizer=recipe.summarizer,
        tokenizer=recipe.tokenizer,
        relevance=recipe.relevance,
        cache=recipe.cache,
        ledger=ledger,
    )
    return Built(found, tree.tokens, len(tree.leaf_start), pack(tree), pack_entry(enter(tree)))
