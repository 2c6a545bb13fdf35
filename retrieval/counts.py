"""Counts: sparse rows of word counts, and the sums and products of them that scoring needs.

A row is whatever holds words: a leaf, a heading path, a sentence; turned, a word and who holds it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """A sparse matrix of word counts in compressed rows.

    Attributes:
        offsets: int64 (rows + 1,); the entries of row i are ``offsets[i]:offsets[i + 1]``.
        words: int32 (entries,), the word numbers of each row, ascending.
        counts: float32 (entries,).
    """

    offsets: np.ndarray
    words: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1

    def dot(self, weights: np.ndarray) -> np.ndarray:
        """Return the product with one weight a word, or with one row vector a word."""
        columns = len(weights)
        from scipy.sparse import csr_array

        matrix = csr_array((self.counts, self.words, self.offsets), shape=(len(self), columns))
        product: np.ndarray = matrix @ weights
        return product

    def only(self, number: np.ndarray) -> "Counts":
        """Return the entries of some words, which get other numbers.

        Args:
            number: the new number of each word, int32 (words,); -1 for those left out. Words that
                share one stay apart until ``joined``.
        """
        numbers = number[self.words]
        known = numbers >= 0
        kept = np.flatnonzero(known)
        before = np.zeros(len(known) + 1, np.int32)  # what sparse products need not convert
        np.cumsum(known, out=before[1:])
        offsets = before[self.offsets]
        return Counts(offsets, numbers[kept], self.counts[kept])

    def joined(self, first: np.ndarray, columns: int) -> "Counts":
        """Sum neighbouring rows, from the first row of each sum, ascending from 0."""
        from scipy.sparse import csr_array

        offsets = self.offsets[np.append(first, len(self))]
        shape = (len(first), columns)
        # A copy: duplicates are summed in place.
        matrix = csr_array((self.counts, self.words, offsets), shape=shape, copy=True)
        matrix.sum_duplicates()
        return Counts(matrix.indptr, matrix.indices, matrix.data)

    def plus(self, other: "Counts", columns: int) -> "Counts":
        """Return the sum of two matrices whose rows hold no word twice."""
        from scipy.sparse import csr_array

        shape = (len(self), columns)
        one, two = (csr_array((m.counts, m.words, m.offsets), shape=shape) for m in (self, other))
        total = one + two
        return Counts(total.indptr, total.indices, total.data)

    def turned(self, columns: int) -> "Counts":
        """Return the matrix with a row a word."""
        from scipy.sparse import csr_array

        shape = (len(self), columns)
        matrix = csr_array((self.counts, self.words, self.offsets), shape=shape).tocsc()
        return Counts(matrix.indptr, matrix.indices, matrix.data)

    def held(self, columns: int) -> np.ndarray:
        """Return which words each row holds, bool (words, rows)."""
        held = np.zeros((columns, len(self)), bool)
        held[self.words, self.entry_rows()] = True
        return held

    def entry_rows(self) -> np.ndarray:
        """Return the row of every entry, int64 (entries,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def rows(self, first: int, end: int) -> "Counts":
        """Return neighbouring rows; nothing is copied but the offsets."""
        low, high = int(self.offsets[first]), int(self.offsets[end])
        offsets = self.offsets[first : end + 1] - low
        return Counts(offsets, self.words[low:high], self.counts[low:high])

    def in_order(self) -> "Counts":
        """Return the matrix with the words of each row ascending."""
        from scipy.sparse import csr_array

        columns = int(self.words.max(initial=-1)) + 1
        shape = (len(self), columns)
        matrix = csr_array((self.counts, self.words, self.offsets), shape=shape, copy=True)
        matrix.sort_indices()
        return Counts(matrix.indptr, matrix.indices, matrix.data)

    def take(self, rows: np.ndarray) -> "Counts":
        """Return some of the rows, in the order given."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = runs(self.offsets[rows], lengths)
        return Counts(offsets, self.words[entries], self.counts[entries])


def runs(first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the whole numbers of some runs, one run after the other, int64.

    Args:
        first: where each run begins, int64 (runs,).
        lengths: how long it is, int64 (runs,).
    """
    before = np.cumsum(lengths) - lengths
    numbers: np.ndarray = np.arange(int(lengths.sum())) + np.repeat(first - before, lengths)
    return numbers


def count_words(rows: np.ndarray, words: np.ndarray, n_rows: int, n_words: int) -> Counts:
    """Count (row, word) pairs; ``rows`` must be ascending."""
    from scipy.sparse import csr_array

    offsets = np.searchsorted(rows, np.arange(n_rows + 1))
    ones = np.ones(len(words), np.float32)
    # A copy: duplicates are summed in place.
    matrix = csr_array((ones, words, offsets), shape=(n_rows, n_words), copy=True)
    matrix.sum_duplicates()
    return Counts(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
