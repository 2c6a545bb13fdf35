"""Static token vectors: a table distilled once from all-MiniLM-L6-v2, summed instead of run.

The vector of a text is the sum of the vectors of its words, and of a word the sum of its WordPiece
tokens (model2vec; Tulkens and van Dongen, 2024). Sums add up: every level of a tree is embedded by
adding its leaves, and a dot product with a query is a sum over words as well.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hier.errors import EmbedderError
from hier.retrieval.words import find_words

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class StaticTable:
    """Token vectors: int8 rows with one float32 scale each, and the token every row stands for."""

    vectors: np.ndarray
    scales: np.ndarray
    row_of: dict[str, int]

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self.vectors.shape[1])

    def rows(self, word: str) -> list[int]:
        """Return the rows of a word's tokens: greedy longest match, as WordPiece does.

        A word with a part that no token covers has no rows at all, like BERT's [UNK].
        """
        whole = self.row_of.get(word)
        if whole is not None:
            return [whole]
        rows, start = [], 0
        while start < len(word) and len(word) <= 100:
            mark = "##" if start else ""
            for end in range(min(len(word), start + 20), start, -1):
                row = self.row_of.get(mark + word[start:end])
                if row is not None:
                    rows.append(row)
                    start = end
                    break
            else:
                return []
        return rows

    def word_vectors(self, vocabulary: Sequence[str]) -> np.ndarray:
        """Return the vectors of words, float32 (words, dimensions); unknown words are zero."""
        pieces = [self.rows(word) for word in vocabulary]
        offsets = np.concatenate([[0], np.cumsum([len(p) for p in pieces], dtype=np.int64)])
        rows = np.array([row for word_rows in pieces for row in word_rows], np.int64)
        return self.sum_tokens(offsets, rows)

    def sum_tokens(self, offsets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the sums of slices of rows, float32 (slices, dimensions).

        Args:
            offsets: int64 (slices + 1,), where each slice of ``rows`` begins and ends.
            rows: rows of the table.
        """
        counts = np.diff(offsets)
        sums = np.zeros((len(counts), self.dimensions), np.float32)
        some = np.flatnonzero(counts > 0)
        if len(some):
            found = self.vectors[rows] * self.scales[rows, None]
            sums[some] = sum_rows(found, offsets[:-1][some])
        return sums

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 (texts, dimensions); zero where no words."""
        result = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            words = find_words(text)
            if len(words.word):
                counts = np.bincount(words.word, minlength=len(words.vocabulary))
                result[row] = counts.astype(np.float32) @ self.word_vectors(words.vocabulary)
        lengths = np.linalg.norm(result, axis=1, keepdims=True)
        return result / np.where(lengths > 0, lengths, 1)


def sum_rows(matrix: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum runs of neighbouring rows, float32 (runs, columns).

    A sparse product: several times as fast as ``np.add.reduceat`` on rows.

    Args:
        matrix: float32 (rows, columns).
        first: the first row of each run, int64 (runs,), ascending from 0.
    """
    from scipy.sparse import csr_array

    n_rows = len(matrix)
    ones, rows = np.ones(n_rows, np.float32), np.arange(n_rows)
    shape = (len(first), n_rows)
    sums: np.ndarray = csr_array((ones, rows, np.append(first, n_rows)), shape=shape) @ matrix
    return sums


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors scaled to length 1; zero vectors stay zero."""
    scaled: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return scaled


@functools.cache
def load_static() -> StaticTable:
    """Read the table that is installed with the package (memory-mapped, some milliseconds).

    Raises:
        EmbedderError: the data files are missing or do not belong together.
    """
    try:
        rows = json.loads((DATA / "static_provenance.json").read_text(encoding="utf-8"))["rows"]
        vectors = np.load(DATA / "static_vectors.npy", mmap_mode="r", allow_pickle=False)
        scales = np.load(DATA / "static_scales.npy", allow_pickle=False)
        tokens = (DATA / "static_vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, ValueError, KeyError) as error:
        raise EmbedderError(
            f"the static vectors in {DATA} cannot be read ({error}); reinstall hier-context"
        ) from error
    if not len(vectors) == len(scales) == len(tokens) == rows:
        raise EmbedderError(
            f"the static vectors in {DATA} do not belong together; reinstall hier-context"
        )
    return StaticTable(vectors, scales, {token: row for row, token in enumerate(tokens)})
