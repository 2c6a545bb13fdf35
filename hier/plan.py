"""Plans: which leaves and summaries a question is decided among, and what each would cover.

Relevance gives every leaf a density; a leaf's weight is its tokens times that, less where it reads badly alone ("Note:", a heading). The most promising leaves form the
allocator's problem, where near-duplicates cover each other. What is planned with no question to be
relevant to is in `overview.py`.
"""

from dataclasses import dataclass

import numpy as np

from hier.allocate import Problem
from hier.relevance import log_density
from hier.render import Summary
from hier.retrieval.relevance import standardise
from hier.retrieval.static import load_static, unit
from hier.tree import Tree


@dataclass(frozen=True)
class AllocationConfig:
    """Every parameter of the allocation.

    Attributes:
        worth: how much a leaf's standing alone counts beside that: 0 not at all.
        similar: cosine from which one leaf begins to cover another.
        redundancy: fidelity at a cosine of 1.
        pool: tokens looked at, as a multiple of the budget.
        overview_pool: the same, where nothing is asked.
        least: leaves looked at, at the least.
        most: leaves compared with each other, at the most.
        summary_similar: cosine from which a model's summary begins to cover a leaf.
        summary_fidelity: share of a leaf that it can cover.
    """

    worth: float = 0.1
    similar: float = 0.9
    redundancy: float = 0.9
    pool: int = 4
    overview_pool: int = 16
    least: int = 128
    most: int = 2000
    summary_similar: float = 0.5
    summary_fidelity: float = 0.6


DEFAULT = AllocationConfig()
_SAME = 0.9999  # the same words: shown once, they are shown


@dataclass(frozen=True)
class Plan:
    """Candidates for a request: pool leaves first, then summaries.

    Attributes:
        problem: what they cover.
        leaves: the leaves that may be shown, int64.
        summaries: the summaries that may be shown.
        relevance: of every leaf of the text, standardised, float32 (leaves,).
        total: the value of everything there is to cover.
        outside: the best value a token of what is not a candidate.
    """

    problem: Problem
    leaves: np.ndarray
    summaries: tuple[Summary, ...]
    relevance: np.ndarray
    total: float
    outside: float


def plan_query(
    tree: Tree, query: str, first: int, end: int, budget: int, config: AllocationConfig
) -> Plan:
    """Take the leaves of the highest density, enough of them to fill the budget several times."""
    relevance = log_density(tree, query)
    tokens = tree.leaf_tokens[first:end].astype(np.int64)
    worth = np.maximum(tree.worth[first:end].astype(np.float64), 1e-3)
    weights = np.exp(relevance[first:end]) * tokens * worth**config.worth
    floor = np.maximum(tokens - 1, 1)
    pool, outside = _best(weights / floor, floor, config.pool * budget, config.least)
    leaves = pool + first
    similarity = _similar(tree, leaves[: config.most], config)
    summaries = model_summaries(tree, leaves, first, end)
    problem = _problem(tree, weights[pool], floor[pool], similarity, leaves, summaries, config)
    return Plan(problem, leaves, summaries, standardise(relevance), float(weights.sum()), outside)


def _best(values: np.ndarray, sizes: np.ndarray, room: int, least: int) -> tuple[np.ndarray, float]:
    """Return the best, enough of them to fill ``room``, and the best value of the others.

    Only about as many are sorted as are wanted.
    """
    wanted = least + 1
    while True:
        low = 0.0
        if wanted < len(values):
            low = float(np.partition(values, len(values) - wanted)[len(values) - wanted])
        some = np.flatnonzero(values >= low)
        order = some[np.argsort(-values[some], kind="stable")]
        taken = max(int(np.searchsorted(np.cumsum(sizes[order]), room)) + 1, least)
        if taken < len(order):
            return order[:taken], float(values[order[taken]])
        if len(order) == len(values):
            return order, 0.0
        wanted *= 4


def _similar(tree: Tree, leaves: np.ndarray, config: AllocationConfig) -> np.ndarray:
    """Return how far leaves cover each other, as sparse rows (leaves, leaves); 1 to themselves."""
    vectors = unit(tree.index.leaf_vectors(leaves, load_static()))
    cosine = vectors @ vectors.T
    fidelity: np.ndarray = (cosine - config.similar) * (config.redundancy / (1 - config.similar))
    fidelity[fidelity < 0] = 0
    fidelity[cosine > _SAME] = 1
    np.fill_diagonal(fidelity, 1)
    return fidelity


def _problem(
    tree: Tree,
    weights: np.ndarray,
    floor: np.ndarray,
    fidelity: np.ndarray,
    leaves: np.ndarray,
    summaries: tuple[Summary, ...],
    config: AllocationConfig,
) -> Problem:
    """Put leaves and summaries into one problem; leaves not compared cover themselves alone."""
    compared = len(fidelity)
    rows, targets = np.nonzero(fidelity)
    counts = np.bincount(rows, minlength=compared)
    rest = np.arange(compared, len(leaves))
    all_counts = [counts, np.ones(len(rest), np.int64)]
    all_targets, all_fidelity = [targets, rest], [fidelity[rows, targets], np.ones(len(rest))]
    floors = [floor]
    for summary in summaries:
        under = np.flatnonzero((leaves >= summary.first_leaf) & (leaves < summary.end_leaf))
        vector = load_static().encode([summary.text])[0]
        cosine = unit(tree.index.leaf_vectors(leaves[under], load_static())) @ vector
        kept = np.maximum(cosine - config.summary_similar, 0) / (1 - config.summary_similar)
        all_counts.append(np.array([len(under)]))
        all_targets.append(under)
        all_fidelity.append(config.summary_fidelity * kept)
        floors.append(np.array([max(1, tree.tokenizer.count(summary.text) - 1)]))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(all_counts))]).astype(np.int64)
    return Problem(
        weights,
        offsets,
        np.concatenate(all_targets).astype(np.int64),
        np.concatenate(all_fidelity).astype(np.float32),
        np.concatenate(floors),
    )


def model_summaries(tree: Tree, leaves: np.ndarray, first: int, end: int) -> tuple[Summary, ...]:
    """Return the summaries a model wrote of the nodes that hold the given leaves."""
    found: dict[int, Summary] = {}
    if not tree.summary_texts:
        return ()
    for level, arrays in enumerate(tree.levels[1:], 1):
        places = np.unique(np.searchsorted(arrays.first_leaf, leaves, "right") - 1)
        for place in places.tolist():
            node_id = tree.nodes.offsets[level] + place
            low, high = tree.nodes.leaves(level, place)
            text = tree.summary_texts.get(node_id, "")
            if text and first <= low and high <= end:
                found[node_id] = Summary(node_id, level, low, high, text)
    return tuple(found.values())
