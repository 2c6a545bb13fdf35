"""Passages: an index over all documents of a corpus, which finds where an answer may stand.

Every passage has a vector, in whole numbers of eight bits and searched by FAISS, exactly; and its
stems, for BM25 (Robertson and Zaragoza, 2009) over the whole corpus. What a passage scores depends
on itself and on sums over the corpus alone, so a corpus in one file, in many, or changed a hundred
times gives the same answer to the same question.

The index is derived from the documents: it can be thrown away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hier.retrieval.counts import Counts
from hier.retrieval.features import LEVELS
from hier.retrieval.relevance import DEFAULT
from hier.retrieval.static import load_static, unit
from hier.tree import Tree

STEPS = 254  # of a vector's component from 0 to 1; beyond a half it is cut off


CHAPTERS = LEVELS - 1  # the highest level that relevance looks at: a part is cut at its nodes
Terms = dict[str, float]


@dataclass(frozen=True)
class Entry:
    """The passages of one document.

    Attributes:
        stems: its distinct stems.
        held: how often each passage holds each of them, the headings above it included.
        words: how many words each passage has, float32 (passages,).
        leaves: how many leaves, int32 (passages,).
        chapter: which node of level ``CHAPTERS`` each is in, int32 (passages,).
        vectors: int8 (passages, dimensions), unit vectors times ``STEPS``.
    """

    stems: tuple[str, ...]
    held: Counts
    words: np.ndarray
    leaves: np.ndarray
    chapter: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.words)


def enter(tree: Tree) -> Entry:
    """Return the entry of a document."""
    index, number = tree.index, min(1, len(tree.levels) - 1)
    level = tree.levels[number]
    rows = index.leaves.joined(level.first_leaf, len(index.vocabulary))
    rows = rows.plus(index.paths.take(index.path_of[level.first_leaf]), len(index.vocabulary))
    stems = replace(rows, words=index.stem_of[rows.words])
    held = stems.joined(np.arange(len(rows)), len(index.stems))
    if level.vectors is not None:
        vectors = level.vectors.astype(np.float32)
    else:
        whole = replace(index, leaves=rows)
        vectors = unit(whole.leaf_vectors(np.arange(len(rows)), load_static()))
    chapters = tree.levels[min(CHAPTERS, len(tree.levels) - 1)]
    return Entry(
        stems=index.stems,
        held=held,
        words=level.words,
        leaves=level.sizes(len(tree.leaf_start)).astype(np.int32),
        chapter=chapters.node_of(level.first_leaf),
        vectors=quantise(vectors),
    )


def quantise(vectors: np.ndarray) -> np.ndarray:
    """Return unit vectors in whole numbers, int8."""
    whole: np.ndarray = np.clip(np.rint(vectors * STEPS), -127, 127).astype(np.int8)
    return whole


def whole_numbers(query: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a query in whole numbers of eight bits, float32, and how many of them make 1.

    FAISS takes a query apart like a code, and cuts off what is behind the point. Products of whole
    numbers are exact, so that equal passages are equal wherever they are counted.

    Args:
        query: float32 (dimensions,), not all 0.
    """
    steps = 127 / float(np.abs(query).max())
    return np.rint(query * steps).astype(np.float32), steps


@dataclass(frozen=True)
class Statistics:
    """What BM25 needs to know of a whole corpus; those of its parts add up.

    Attributes:
        passages: how many there are.
        words: how many words they have together.
        holding: how many passages hold each of some stems, int64 (stems,).
    """

    passages: int
    words: int
    holding: np.ndarray

    def weigh(self, terms: Terms) -> np.ndarray:
        """Return what each term counts for: how much it is asked for times how rare it is.

        Args:
            terms: the stems these statistics are of.
        """
        rarity = np.log1p((self.passages - self.holding + 0.5) / (self.holding + 0.5))
        weights = np.fromiter(terms.values(), np.float64, len(terms)) * rarity
        weights[self.holding == 0] = 0
        return weights

    def __add__(self, other: "Statistics") -> "Statistics":
        """Return the statistics of both."""
        return Statistics(
            self.passages + other.passages, self.words + other.words, self.holding + other.holding
        )


@dataclass(frozen=True)
class Passages:
    """The passages of a corpus, in the order of its documents.

    Attributes:
        first: the first passage of each document, and behind the last: int64 (documents + 1,).
        words: words of each passage, float32 (passages,).
        leaves: leaves of each passage, int32 (passages,).
        chapter: the part of its document each is in, int32 (passages,).
        vectors: int8 (passages, dimensions).
        stems: the distinct stems.
        lists: the passages that hold each stem, and how often: a row a stem.
    """

    first: np.ndarray
    words: np.ndarray
    leaves: np.ndarray
    chapter: np.ndarray
    vectors: np.ndarray
    stems: tuple[str, ...]
    lists: Counts

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.words)

    def mask(self, allowed: np.ndarray) -> np.ndarray:
        """Return the passages of some documents, bool (passages,).

        Args:
            allowed: which documents, bool (documents,).
        """
        return np.repeat(allowed, np.diff(self.first))

    @cached_property
    def leaves_before(self) -> np.ndarray:
        """How many leaves stand before each passage, and all in all: int64 (passages + 1,)."""
        return np.concatenate([[0], np.cumsum(self.leaves, dtype=np.int64)])

    @cached_property
    def chapter_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The first passage of each one's chapter, and the one behind its last: int64 each."""
        begins = np.ones(len(self), bool)
        begins[1:] = self.chapter[1:] != self.chapter[:-1]
        begins[self.first[:-1][np.diff(self.first) > 0]] = True
        starts = np.flatnonzero(begins)
        number = np.cumsum(begins) - 1
        return starts[number], np.append(starts[1:], len(self))[number]

    @cached_property
    def stem_number(self) -> dict[str, int]:
        """The number of each stem."""
        return {stem: number for number, stem in enumerate(self.stems)}

    def statistics(self, stems: Sequence[str]) -> Statistics:
        """Return what BM25 needs to know for some stems."""
        holding = np.diff(self.lists.offsets)
        found = [self.stem_number.get(stem, -1) for stem in stems]
        counted = np.array([holding[stem] if stem >= 0 else 0 for stem in found], np.int64)
        return Statistics(len(self), int(self.words.sum(dtype=np.float64)), counted)

    def lexical(self, terms: Terms, known: Statistics) -> np.ndarray:
        """Return the BM25 score of every passage as a share of the most there can be, 0 to 1.

        Args:
            terms: the stems of a question, and how much each counts.
            known: statistics of the whole corpus for these stems.
        """
        weights = known.weigh(terms)
        most = float(weights.sum())
        scores = np.zeros(len(self))
        mean = known.words / max(known.passages, 1)
        spread = DEFAULT.k1 * (1 - DEFAULT.b + DEFAULT.b * self.words / max(mean, 1e-9))
        for stem, weight in zip(terms, weights.tolist(), strict=True):
            row = self.stem_number.get(stem)
            if row is not None and weight:
                held = self.lists.rows(row, row + 1)
                scores[held.words] += weight * held.counts / (held.counts + spread[held.words])
        return scores / most if most else scores

    @cached_property
    def _faiss(self) -> Any:
        import faiss

        index = faiss.IndexScalarQuantizer(
            self.vectors.shape[1],
            faiss.ScalarQuantizer.QT_8bit_direct_signed,
            faiss.METRIC_INNER_PRODUCT,
        )
        codes = (self.vectors.view(np.uint8) ^ 0x80).reshape(-1)
        faiss.copy_array_to_vector(codes, index.codes)
        index.ntotal = len(self)
        return index

    def nearest(self, query: np.ndarray, k: int, allowed: np.ndarray | None) -> np.ndarray:
        """Return the passages whose vectors are most like a query's, int64, at most k.

        Args:
            query: unit vector, float32 (dimensions,).
            k: how many.
            allowed: which passages may be found, bool (passages,); None for all.
        """
        import faiss

        parameters = None
        if allowed is not None:
            marks = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(marks)  # type: ignore[call-arg, arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        k = min(k, len(self))
        whole, _ = whole_numbers(query)
        _, found = self._faiss.search(whole[None], k, params=parameters)
        ids: np.ndarray = found[0][found[0] >= 0]
        return ids

    def cosines(self, query: np.ndarray, passages: np.ndarray) -> np.ndarray:
        """Return the cosines of some passages with a query, one by one: float64 (passages,)."""
        whole, steps = whole_numbers(query)
        vectors = self.vectors[passages].astype(np.float32)
        products: np.ndarray = np.einsum("nd,d->n", vectors, whole).astype(np.float64)
        return products / (STEPS * steps)


_NOTHING: dict[str, np.ndarray] = {
    "words": np.zeros(0, np.float32),
    "leaves": np.zeros(0, np.int32),
    "chapter": np.zeros(0, np.int32),
    "vectors": np.zeros((0, 1), np.int8),
}
COLUMNS = tuple(_NOTHING)


def put_together(old: Passages | None, parts: Sequence[int | Entry]) -> Passages:
    """Return the index of some documents.

    Args:
        old: an index that knows some of them.
        parts: in order, a document's place in ``old``, each at most once, or its entry.
    """
    number = {} if old is None else dict(old.stem_number)
    entries = []  # of the lists: stems, passages and counts
    moved = np.full(0 if old is None else len(old), -1, np.int64)  # each old passage's new number
    columns: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    first = [0]
    for part in parts:
        source: Any = part
        rows = slice(None)
        if isinstance(part, Entry):
            own = np.array([number.setdefault(s, len(number)) for s in part.stems], np.int64)
            held = part.held
            entries.append((own[held.words], first[-1] + held.entry_rows(), held.counts))
        elif old is not None:
            source, rows = old, slice(*old.first[part : part + 2].tolist())
            moved[rows] = first[-1] + np.arange(rows.stop - rows.start)
        for name, found in columns.items():
            found.append(getattr(source, name)[rows])
        first.append(first[-1] + len(columns["words"][-1]))
    if old is not None:
        passages = moved[old.lists.words]
        kept = passages >= 0
        entries.append((old.lists.entry_rows()[kept], passages[kept], old.lists.counts[kept]))
    words, leaves, chapter, vectors = (
        np.concatenate(found) if found else _NOTHING[name] for name, found in columns.items()
    )
    lists = _lists(entries, (len(number), first[-1]))
    return Passages(
        np.array(first, np.int64), words, leaves, chapter, vectors, tuple(number), lists
    )


def _lists(
    entries: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int]
) -> Counts:
    """Return the passages of each stem from (stem, passage, count) entries."""
    from scipy.sparse import coo_array

    entries = entries or [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))]
    stems, passages, counts = (np.concatenate(part) for part in zip(*entries, strict=True))
    matrix = coo_array((counts, (stems, passages)), shape=shape).tocsr()
    matrix.sort_indices()
    return Counts(matrix.indptr, matrix.indices, matrix.data)
