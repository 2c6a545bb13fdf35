"""Learned relevance: which share of a question's evidence a token of each leaf is expected to be.

A small network reads a leaf's features (`features.py`) and says the logarithm of that density, up
to a constant. It was trained listwise (ListNet; Cao et al., 2007): the softmax over a question's
leaves of density times tokens is to be the true distribution of the evidence. Choosing leaves by
density within a token budget then maximises the evidence that is expected to be shown, which is
what the allocator does. `scripts/train_relevance.py` makes the weights.
"""

import functools
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hier.errors import InputError

DATA = Path(__file__).parent / "data"
DEPTH = 768
"""How many leaves, the most promising by the plain sum, are ranked again."""
_ROWS = 64  # in one product: a larger one is split over threads, and rounds as they are many
_FURTHEST = 6.0  # standard deviations: no feature counts for more than it did in training
_ARRAYS = (
    "names",
    "mean",
    "scale",
    "linear",
    "hidden",
    "hidden_bias",
    "inner",
    "inner_bias",
    "out",
)


@dataclass(frozen=True)
class Ranker:
    """The mean of some small networks of two hidden layers beside one linear map.

    Attributes:
        names: the features read, in order.
        mean: of each feature in training, float32 (features,).
        scale: its standard deviation.
        linear: float32 (features,).
        hidden: float32 (networks, features, width).
        hidden_bias: float32 (networks, 1, width).
        inner: float32 (networks, width, inner width).
        inner_bias: float32 (networks, 1, inner width).
        out: float32 (networks, inner width, 1).
    """

    names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    linear: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    inner: np.ndarray
    inner_bias: np.ndarray
    out: np.ndarray

    def density(self, names: tuple[str, ...], features: np.ndarray) -> np.ndarray:
        """Return the logarithm of evidence expected a token, up to a constant: float32 (leaves,).

        Args:
            names: what the columns of ``features`` are.
            features: float32 (leaves, features).

        Raises:
            InputError: the weights were made for other features.
        """
        if names != self.names:
            odd = sorted(set(names) ^ set(self.names))
            raise InputError(
                f"these relevance weights read {len(self.names)} features and the tree has "
                f"{len(names)} (differing: {', '.join(odd[:3]) or 'their order'}); weights fit one "
                "version and kind of embedder: train them again"
            )
        standard = np.clip((features - self.mean) / self.scale, -_FURTHEST, _FURTHEST)
        starts = range(0, max(len(standard), 1), _ROWS)
        return np.concatenate([self._pass(standard[start : start + _ROWS]) for start in starts])

    def _pass(self, standard: np.ndarray) -> np.ndarray:
        """Return the density of some rows of standardised features."""
        hidden = np.maximum(standard @ self.hidden + self.hidden_bias, 0)
        inner = np.maximum(hidden @ self.inner + self.inner_bias, 0)
        density: np.ndarray = standard @ self.linear + (inner @ self.out).mean(axis=0)[:, 0]
        return density

    def save(self, path: Path) -> None:
        """Write the weights, floats in half precision."""
        arrays = {name: np.asarray(getattr(self, name)) for name in _ARRAYS}
        halves: dict[str, Any] = {
            name: array.astype(np.float16) if array.ndim > 1 else array
            for name, array in arrays.items()
        }
        np.savez_compressed(path, **halves)


# What numpy raises, of a file that is missing, foreign, cut, a pickle, or of other shapes.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
)


@functools.cache
def load_ranker(path: Path) -> Ranker:
    """Read weights from a file.

    Raises:
        InputError: the file is missing or holds no weights.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, *arrays = (stored[name] for name in _ARRAYS)
        ranker = Ranker(tuple(names.tolist()), *(array.astype(np.float32) for array in arrays))
        ranker.density(ranker.names, np.zeros((1, len(ranker.names)), np.float32))
    except _UNREADABLE as error:
        raise InputError(
            f"{path} holds no relevance weights ({error}); make them with "
            "scripts/train_relevance.py, or pass relevance='learned' or 'plain'"
        ) from error
    return ranker


def built_in(neural: bool) -> Path:
    """Return where the weights that are installed stand: for static or for neural trees."""
    return DATA / f"relevance_{'neural' if neural else 'static'}.npz"
