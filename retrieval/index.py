"""The word index of a text: which words stand in which leaf, and under which headings.

Everything the default relevance needs is a sum over leaves, so only the leaves are indexed: one
sparse row of word counts a leaf, and one a distinct heading path. A node of any level is the sum
of its leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hier.retrieval.counts import Counts, count_words, runs
from hier.retrieval.static import StaticTable, load_static, unit
from hier.retrieval.word_order import WordOrder
from hier.retrieval.words import Words, find_words

_UNSPLIT = 1 << 17  # multiplications of a product that is not split over threads ...
_UNSPLIT_VECTOR = 1 << 13  # ... and where one of the two is a vector


@dataclass(frozen=True)
class StemLists:
    """Where each stem stands, for a text too large to be looked through.

    Attributes:
        nodes: how often each node of the last level holds each stem: a row a stem.
        holding: of each level, how many of its nodes hold each stem, int64 (stems,).
    """

    nodes: Counts
    holding: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class WordIndex:
    """Words, stems and token rows of one text, and who holds them.

    Attributes:
        vocabulary: the distinct words (normalised).
        stems: the distinct stems.
        stem_of: which stem each word has, int32 (words,).
        piece_offsets: int64 (words + 1,); the static token rows of word i are
            ``pieces[piece_offsets[i]:piece_offsets[i + 1]]``.
        pieces: int32, rows of the static table.
        norms: the length of each word's static vector, float32 (words,).
        leaves: word counts of the leaves.
        paths: word counts of the heading paths.
        path_of: the heading path every leaf stands under, int32 (leaves,); path 0 is empty.
    """

    vocabulary: tuple[str, ...]
    stems: tuple[str, ...]
    stem_of: np.ndarray
    piece_offsets: np.ndarray
    pieces: np.ndarray
    norms: np.ndarray
    leaves: Counts
    paths: Counts
    path_of: np.ndarray

    @cached_property
    def stem_number(self) -> dict[str, int]:
        """The number of each stem."""
        return {stem: number for number, stem in enumerate(self.stems)}

    @cached_property
    def leaf_idf(self) -> np.ndarray:
        """How rare each stem is among the leaves, float32 (stems,): log(1 + (N - n + .5)/(n + .5)).

        A leaf that holds two words of one stem counts twice.
        """
        holding = np.bincount(self.stem_of[self.leaves.words], minlength=len(self.stems))
        holding = np.minimum(holding, len(self.leaves))
        idf: np.ndarray = np.log1p((len(self.leaves) - holding + 0.5) / (holding + 0.5))
        return idf.astype(np.float32)

    @cached_property
    def rarest(self) -> float:
        """The rarity of what stands in one leaf only."""
        return float(np.log1p((len(self.leaves) - 0.5) / 1.5))

    @cached_property
    def stem_norms(self) -> np.ndarray:
        """The length of the longest static vector of each stem's words, float32 (stems,)."""
        norms = np.zeros(len(self.stems), np.float32)
        np.maximum.at(norms, self.stem_of, self.norms)
        return norms

    def stem_lists(self, firsts: Sequence[np.ndarray]) -> StemLists:
        """Return where each stem stands; looked up when the first question comes, then kept.

        Args:
            firsts: of some levels the first leaf of each node; of the last there are the lists.
        """
        key = tuple(len(first) for first in firsts)
        if key not in self._stem_lists:
            stems = replace(self.leaves, words=self.stem_of[self.leaves.words])
            leaves = stems.turned(len(self.stems))
            lists = [_gather(leaves, first, len(self.leaves)) for first in firsts]
            holding = tuple(np.diff(nodes.offsets) for nodes in lists)
            self._stem_lists[key] = StemLists(lists[-1], holding)
        return self._stem_lists[key]

    @cached_property
    def _stem_lists(self) -> dict[tuple[int, ...], StemLists]:
        return {}

    def part(self, leaves: np.ndarray) -> "WordIndex":
        """Return the index of some leaves, ascending, and of the headings over them."""
        above = np.zeros(len(self.paths), bool)
        above[self.path_of[leaves]] = True
        used, number = np.flatnonzero(above), np.cumsum(above, dtype=np.int32) - 1
        return replace(
            self,
            leaves=self.leaves.take(leaves),
            paths=self.paths.take(used),
            path_of=number[self.path_of[leaves]],
        )

    def leaf_vectors(self, leaves: np.ndarray, table: StaticTable) -> np.ndarray:
        """Return the static vectors of some leaves, float32 (leaves, dimensions)."""
        rows = self.leaves.take(leaves)
        used, words = np.unique(rows.words, return_inverse=True)
        lengths = self.piece_offsets[used + 1] - self.piece_offsets[used]
        slices = np.concatenate([[0], np.cumsum(lengths)])
        pieces = self.pieces[runs(self.piece_offsets[used], lengths)]
        word_vectors = table.sum_tokens(slices, pieces)
        return Counts(rows.offsets, words.astype(np.int32), rows.counts).dot(word_vectors)

    def unit_vectors(self, leaves: np.ndarray) -> np.ndarray:
        """Return the static vectors of some leaves, scaled to length 1; kept for the next question.

        Returns:
            float32 (leaves, dimensions).
        """
        vectors, known = self._unit_vectors
        missing = leaves[~known[leaves]]
        if len(missing):
            vectors[missing] = unit(self.leaf_vectors(missing, load_static()))
            known[missing] = True
        found: np.ndarray = vectors[leaves]
        return found

    @cached_property
    def _unit_vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Room for the vectors of all leaves, of which only what is written to takes memory."""
        n_leaves = len(self.leaves)
        room = np.zeros((n_leaves, load_static().dimensions), np.float32)
        return room, np.zeros(n_leaves, bool)

    @cached_property
    def word_order(self) -> WordOrder:
        """The words of leaves in their order, as far as they have been looked at."""
        return WordOrder()

    @cached_property
    def _tokens(self) -> tuple[np.ndarray, Counts]:
        """Vectors of the tokens that the text has, and how often each word has which of them."""
        rows, place = np.unique(self.pieces, return_inverse=True)
        table = load_static()
        ones = np.ones(len(place), np.float32)
        of_words = Counts(self.piece_offsets, place.astype(np.int32), ones)
        return table.vectors[rows] * table.scales[rows, None], of_words

    def word_scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return the product of each word's static vector with others, float32 (words, vectors).

        A word's is the sum over its tokens. Only tokens that the text has are multiplied; their
        vectors are unpacked when the first question comes.

        Args:
            vectors: float32 (vectors, dimensions).
        """
        tokens, of_words = self._tokens
        return of_words.dot(_product(tokens, vectors.T))


def _product(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Multiply matrices; the same to the last bit, whatever the number of threads.

    A large product is split over threads, and rounds at the edges of its parts in another way; so
    it is taken in blocks that are too small to be split.
    """
    most = _UNSPLIT if columns.shape[1] > 1 else _UNSPLIT_VECTOR
    size = max(1, most // max(columns.size, 1))
    whole = len(rows) // size * size
    blocks = rows[:whole].reshape(-1, size, rows.shape[1]) @ columns
    return np.concatenate([blocks.reshape(whole, columns.shape[1]), rows[whole:] @ columns])


def _gather(stems: Counts, first: np.ndarray, n_leaves: int) -> Counts:
    """Return the nodes that hold each stem, from the leaves that do: a row a stem."""
    sizes = np.diff(np.append(first, n_leaves))
    nodes = np.repeat(np.arange(len(first), dtype=np.int32), sizes)[stems.words]
    begins = np.append(True, nodes[1:] != nodes[:-1])[: len(nodes)]
    begins[stems.offsets[:-1][np.diff(stems.offsets) > 0]] = True
    places = np.flatnonzero(begins)
    counts = np.add.reduceat(stems.counts, places) if len(places) else stems.counts
    return Counts(np.searchsorted(places, stems.offsets), nodes[places], counts)


def index_words(
    text: str,
    leaf_start: np.ndarray,
    path_of: np.ndarray,
    paths: Sequence[Sequence[int]],
    table: StaticTable,
    words: Words | None = None,
) -> tuple[WordIndex, np.ndarray]:
    """Index a text; returns with it the static vectors of its words, float32 (words, dimensions).

    Args:
        text: the source.
        leaf_start: character offset of each leaf, int64 (leaves,), ascending from 0.
        path_of: the heading path of each leaf, int32 (leaves,).
        paths: for each heading path the leaves its headings are made of.
        table: the static token vectors.
        words: the words of ``text``, if they have been found already.
    """
    words = words or find_words(text)
    n_words = len(words.vocabulary)
    leaf_of = np.searchsorted(leaf_start, words.start, "right") - 1
    leaves = count_words(leaf_of, words.word, len(leaf_start), n_words)
    heading_leaves = np.array([leaf for path in paths for leaf in path], np.int64)
    path_rows = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    under = leaves.take(heading_leaves)
    rows = np.repeat(path_rows, np.diff(under.offsets))
    path_counts = count_words(rows, under.words, len(paths), n_words)
    analysed, vectors = analyse(words.vocabulary, table)
    return WordIndex(words.vocabulary, *analysed, leaves, path_counts, path_of), vectors


Analysed = tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def analyse(vocabulary: Sequence[str], table: StaticTable) -> tuple[Analysed, np.ndarray]:
    """Return what follows from the words alone.

    Returns:
        Stems, ``stem_of``, ``piece_offsets``, ``pieces`` and ``norms`` as in ``WordIndex``; and the
        static vectors of the words, float32 (words, dimensions).
    """
    pieces = [table.rows(word) for word in vocabulary]
    stem_number: dict[str, int] = {}
    stems = [stem_number.setdefault(s, len(stem_number)) for s in stem_words(vocabulary)]
    piece_offsets = np.concatenate([[0], np.cumsum([len(p) for p in pieces], dtype=np.int64)])
    piece_rows = np.array([row for rows in pieces for row in rows], np.int32)
    vectors = table.sum_tokens(piece_offsets, piece_rows)
    norms = np.linalg.norm(vectors, axis=1).astype(np.float32)
    stem_of = np.array(stems, np.int32)
    return (tuple(stem_number), stem_of, piece_offsets, piece_rows, norms), vectors


def stem_words(words: Sequence[str]) -> list[str]:
    """Return the stem of each word (Porter, 1980)."""
    import Stemmer

    stemmer: Any = Stemmer.Stemmer("porter", 0)
    stemmed: list[str] = stemmer.stemWords([_plain(word) for word in words])
    return stemmed


def _plain(word: str) -> str:
    """Replace lone surrogates, which the stemmer's UTF-8 cannot hold."""
    return word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8")
