"""What a question makes of a tree's leaves: the plain sum of all, then a closer look at the best.

Both give the logarithm of a density, the evidence expected a token. The plain sum reads as one when
it is divided by a temperature; the learned relevance is one by training.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hier.errors import InputError
from hier.retrieval.descent import score
from hier.retrieval.features import LEVELS, describe
from hier.retrieval.interaction import MET
from hier.retrieval.ranker import DEPTH, built_in, load_ranker
from hier.retrieval.relevance import Query, read_query
from hier.retrieval.scene import Leaves, Scene
from hier.retrieval.static import load_static
from hier.tree import Tree

LEARNED, PLAIN = "learned", "plain"
_TEMPERATURE = 0.35  # of the plain sum, in standard deviations: lower is greedier
_STEEPEST = 60.0  # the largest difference of logarithms that matters


def check_relevance(relevance: str | Path) -> str:
    """Return the name that a choice of relevance is saved by.

    Raises:
        InputError: it is neither ``"learned"``, ``"plain"`` nor a file of weights.
    """
    if isinstance(relevance, Path):
        whole = relevance.expanduser().resolve()  # a saved tree is loaded from another folder
        load_ranker(whole)
        return str(whole)
    if relevance not in (LEARNED, PLAIN):
        raise InputError(
            f"relevance {relevance!r} is unknown; pass 'learned', 'plain' or the Path of weights"
        )
    return relevance


@dataclass(frozen=True)
class Relevance:
    """What a question makes of a tree's leaves.

    Attributes:
        density: the evidence expected a token of each leaf, as a logarithm, float64 (leaves,); up
            to a constant: the highest is 0.
        unmet: share of the question's meaning that no passage meets, 0 to 1; 0 where it was not
            looked for, or where the question quotes, and so names, what it is after.
        pool: the leaves that were looked at closely, ascending, int64.
        opened: the leaves that were scored at all, ascending, int64: in a small text each one. All
            others have the density of their section, at most that of the pool's last.
    """

    density: np.ndarray
    unmet: float
    pool: np.ndarray
    opened: np.ndarray


def weigh(tree: Tree, query: str, whole: bool = False) -> Relevance:
    """Score the leaves, and look closely at the best; all others come behind them.

    Args:
        tree: the text.
        query: the question.
        whole: score every leaf of a large text, not only what is under the best sections.
    """
    asked = read(tree, query)
    scene, plain = look(tree, asked, whole)
    density, unmet = plain.astype(np.float64), 0.0
    density /= _TEMPERATURE
    if tree.relevance != PLAIN:
        neural = scene.scores[0].neural is not None
        path = built_in(neural) if tree.relevance == LEARNED else Path(tree.relevance)
        names, features = describe(scene)
        closer = load_ranker(path).density(names, features).astype(np.float64)
        density -= density[scene.pool].min()
        np.minimum(density, 0, out=density)
        density += closer.min()
        density[scene.pool] = closer
        if not asked.quotes:
            unmet = 1 - float(features[:, names.index(MET)].max())
    density -= density[scene.pool].max()
    np.maximum(density, -_STEEPEST, out=density)
    return Relevance(density, unmet, scene.pool, scene.opened)


def look(tree: Tree, query: Query, whole: bool = False) -> tuple[Scene, np.ndarray]:
    """Score the leaves by the plain sum, and set the scene for a closer look at the best.

    Args:
        tree: the text.
        query: the question, ready.
        whole: as for ``weigh``.

    Returns:
        The scene, and the plain sum, float32 (leaves,).
    """
    levels = tree.levels[:LEVELS]
    found = score(tree.index, levels, query, whole)
    depth = min(DEPTH, len(found.plain))
    # Equal scores at the edge: the first in the text, on every machine.
    edge = np.partition(found.plain, len(found.plain) - depth)[len(found.plain) - depth]
    above, equal = np.flatnonzero(found.plain > edge), np.flatnonzero(found.plain == edge)
    pool = found.opened[np.sort(np.append(above, equal[: depth - len(above)]))]
    plain = found.everywhere(levels, float(edge))
    vectors = tree.index.unit_vectors(pool)
    leaves = Leaves(
        tree.source, tree.leaf_start, tree.leaf_tokens, tree.block, tree.worth, tree.opens,
        tree.offers,
    )  # fmt: skip
    scene = Scene(
        tree.index, leaves, levels, query, found.terms, found.scores, plain, pool, vectors,
        found.opened, found.closed,
    )  # fmt: skip
    return scene, plain


def read(tree: Tree, query: str) -> Query:
    """Return a query made ready for a tree."""
    neural = tree.encode_query(query) if tree.encode_query is not None else None
    return read_query(query, load_static(), tree.index, neural)
