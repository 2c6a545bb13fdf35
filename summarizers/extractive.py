"""Extractive summaries: whole sentences, chosen to cover what the others say.

The objective for one node is ``sum_j w_j max_{i in S} cos(i, j)`` over its candidate sentences j,
with w_j the sentence's tokens: facility location, which is monotone submodular (Lin and Bilmes,
2011), so taking the best gain a token, greedily, is near the best. Redundant sentences gain
nothing; the first sentences of a node are preferred, those that lean on what came before are not.
All nodes of a level are solved at once, as padded arrays.
"""

from dataclasses import dataclass

import numpy as np

SUMMARY_TOKENS = 100
_MOST = 32  # candidates looked at in a node
_BLOCK = 1024  # nodes solved at once: bounds memory
_LEAD = 0.3  # how much more the first sentence of a node is worth than the last


@dataclass(frozen=True)
class Choice:
    """Chosen sentences a node: those of node i are ``sentences[offsets[i]:offsets[i + 1]]``."""

    offsets: np.ndarray
    sentences: np.ndarray


def choose(
    vectors: np.ndarray,
    sizes: np.ndarray,
    worth: np.ndarray,
    candidates: Choice,
    limit: int = SUMMARY_TOKENS,
) -> Choice:
    """Choose each node's summary among its candidate sentences.

    Args:
        vectors: sentence vectors of any length, float32 (sentences, dimensions).
        sizes: tokens a sentence, int64 (sentences,).
        worth: how well a sentence stands alone, float32 (sentences,), usually 0 to 1.
        candidates: the sentences each node may choose from, ascending.
        limit: most tokens a summary.

    Returns:
        The chosen sentences of each node, ascending; at least one where a node has any.
    """
    order = np.argsort(np.diff(candidates.offsets), kind="stable")  # like sizes: little padding
    nodes, sentences = [], []
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        padded, real = _pad(candidates, block)
        taken = _solve(vectors[padded], sizes[padded], worth[padded], real, limit)
        nodes.append(np.repeat(block, taken.sum(axis=1)))
        sentences.append(padded[taken])
    node = np.concatenate(nodes)
    back = np.argsort(node, kind="stable")
    offsets = np.searchsorted(node[back], np.arange(len(order) + 1))
    return Choice(offsets, np.concatenate(sentences)[back])


def _pad(candidates: Choice, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return candidate numbers (nodes, width) and which of them are real."""
    first = candidates.offsets[nodes]
    lengths = candidates.offsets[nodes + 1] - first
    width = int(max(1, min(_MOST, lengths.max(initial=1))))
    # A node with more candidates than that is sampled evenly, its first always in.
    steps = np.maximum(lengths / width, 1)[:, None] * np.arange(width)
    real = steps < lengths[:, None]
    places = first[:, None] + np.where(real, steps, 0).astype(np.int64)
    places = np.minimum(places, len(candidates.sentences) - 1)
    return candidates.sentences[places], real


def _solve(
    vectors: np.ndarray, sizes: np.ndarray, worth: np.ndarray, real: np.ndarray, limit: int
) -> np.ndarray:
    """Greedy facility location in every node at once; returns what is taken, bool."""
    n_nodes, width = real.shape
    similarity = np.maximum(vectors @ vectors.transpose(0, 2, 1), 0)
    lengths = np.sqrt(np.einsum("nii->ni", similarity))
    similarity /= np.maximum(lengths[:, :, None] * lengths[:, None, :], 1e-9)
    weights = np.where(real, sizes, 0).astype(np.float32)
    lead = 1 + _LEAD * (1 - np.arange(width, dtype=np.float32) / max(width, 1))
    covered = np.zeros((n_nodes, width), np.float32)
    taken = np.zeros((n_nodes, width), bool)
    room = np.full(n_nodes, limit, np.int64)
    rows = np.arange(n_nodes)
    for step in range(width):
        gains = np.maximum(similarity - covered[:, None, :], 0) @ weights[:, :, None]
        score = gains[:, :, 0] * worth * lead / np.maximum(sizes, 8)
        fits = real & ~taken & ((sizes <= room[:, None]) | (step == 0))
        score = np.where(fits, score, -1)
        best = score.argmax(axis=1)
        # The first sentence is taken even if it says nothing: no summary is empty.
        go = score[rows, best] >= 0 if step == 0 else score[rows, best] > 0
        if not go.any():
            break
        taken[rows[go], best[go]] = True
        room[go] -= sizes[rows[go], best[go]]
        covered[go] = np.maximum(covered[go], similarity[rows[go], best[go]])
    return taken
