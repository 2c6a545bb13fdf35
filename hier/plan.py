"""Plans: which leaves and summaries a question is decided among, and what each would cover.

Relevance gives every leaf a density; a leaf's weight is its tokens times that, less where it reads
badly alone ("Note:", a heading). The most promising leaves form the allocator's problem, where
near-duplicates cover each other. Where the evidence is spread over many leaves, the question asks
for an overview: then what the relevant text speaks of is to be covered as well. What is planned
with no question to be relevant to is in `overview.py`.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hier.candidates import Pairs, pose
from hier.problem import Problem
from hier.relevance import Relevance, weigh
from hier.render import Layout, Summary
from hier.retrieval.counts import count_words
from hier.retrieval.relevance import standardise
from hier.retrieval.static import load_static
from hier.summarizers.literals import literals, share_kept
from hier.tree import Tree


@dataclass(frozen=True)
class AllocationConfig:
    """Every parameter of the allocation.

    Attributes:
        breadth: most that everything spoken of is worth, beside 1 for the evidence.
        broad: leaves over which the evidence is spread where it is worth that much.
        sharpness: how fast it becomes so: the power of the spread.
        named: share of a question's meaning that no passage meets, below which it names what it
            asks for; twice as much is as vague as it gets.
        softness: how much relevance counts in what is spoken of: 0 not at all, 1 as in evidence.
        bare: logarithm below the best at which a heading or scrap is no answer in itself.
        worth: how much a leaf's standing alone counts beside that: 0 not at all.
        similar: cosine from which one leaf begins to cover another.
        redundancy: fidelity at a cosine of 1.
        pool: tokens looked at, as a multiple of the budget.
        overview_pool: the same, where nothing is asked.
        small: budgets up to this one choose from the same candidates.
        least: leaves looked at, at the least.
        most: leaves compared with each other, at the most.
        summary_similar: cosine from which a model's summary begins to cover a leaf.
        summary_fidelity: share of a leaf that it can cover.
    """

    breadth: float = 2.0
    broad: float = 140.0
    sharpness: float = 6.0
    named: float = 0.4
    softness: float = 0.3
    bare: float = 3.0
    worth: float = 0.1
    similar: float = 0.9
    redundancy: float = 0.9
    pool: int = 4
    overview_pool: int = 16
    small: int = 2000
    least: int = 128
    most: int = 2000
    summary_similar: float = 0.5
    summary_fidelity: float = 0.6


DEFAULT = AllocationConfig()
_COUNTED = 320  # leaves over which evidence can be spread: as many as were listed in training
_NARROW = 1e-3  # a value of what is spoken of that is as good as none
_FAINT = 8.0  # logarithm below the best at which relevance ends
_SCRAP = 0.06  # worth of a heading, a page number or a single word, and a little more
_SAME = 0.9999  # the same words: shown once, they are shown
_ALIKE = 8  # candidates of the same words: where each stands decides which is shown
_SURE = 1e-4  # what rounding never adds to a cosine


@dataclass(frozen=True)
class Quota:
    """Some leaves, int64, and the least share of the budget that is spent on them."""

    leaves: np.ndarray
    share: float


@dataclass(frozen=True)
class Scope:
    """Which leaves of a tree a request is about.

    Attributes:
        first: the first leaf of the branch.
        end: the leaf behind its last.
        must: leaves that are shown whatever they are worth, int64, ascending.
        excluded: leaves that are not shown, int64.
        hidden: leaves that are only shown as headings, int64.
        quotas: leaves that a share of the budget is kept for.
        seen: leaves that the reader knows already, int64.
        seen_nodes: nodes whose summary the reader knows.
    """

    first: int
    end: int
    must: np.ndarray
    excluded: np.ndarray
    hidden: np.ndarray
    quotas: tuple[Quota, ...]
    seen: np.ndarray
    seen_nodes: frozenset[int]

    def allowed(self, leaves: np.ndarray) -> np.ndarray:
        """Return those of some leaves that may be candidates."""
        inside = leaves[(leaves >= self.first) & (leaves < self.end)]
        for others in (self.excluded, self.hidden):
            inside = inside[~np.isin(inside, others)] if len(others) else inside
        return inside

    def with_named(self, leaves: np.ndarray) -> np.ndarray:
        """Return some leaves, and behind them all that the request itself names."""
        named = np.unique(np.concatenate([self.must, self.seen, *(q.leaves for q in self.quotas)]))
        return np.append(leaves, named[~np.isin(named, leaves)]) if len(named) else leaves


@dataclass(frozen=True)
class Plan:
    """Candidates for a request: leaves first, then summaries.

    Attributes:
        problem: what they cover and cost.
        leaves: the leaves that may be shown, int64.
        summaries: the summaries that may be shown.
        relevance: of every leaf of the text, standardised, float32 (leaves,).
        total: the value of everything there is to cover.
        outside: the best value a token of a leaf that is not a candidate, where it spares a mark.
    """

    problem: Problem
    leaves: np.ndarray
    summaries: tuple[Summary, ...]
    relevance: np.ndarray
    total: float
    outside: float

    def places(self, leaves: np.ndarray) -> list[int]:
        """Return the candidates that some leaves are."""
        order = np.argsort(self.leaves, kind="stable")
        found: list[int] = order[np.searchsorted(self.leaves, leaves, sorter=order)].tolist()
        return found


def plan_query(
    tree: Tree,
    layout: Layout,
    queries: Sequence[str],
    scope: Scope,
    budget: int,
    config: AllocationConfig,
) -> Plan:
    """Weigh the leaves of a branch, and what they speak of; the best are candidates.

    Several questions share the value: each leaf, and each stem, is worth its mean over them.
    """
    founds, opened = _weigh_leaves(tree, queries, scope, config.pool * budget)
    open_to = scope.with_named(opened)
    tokens = tree.leaf_tokens[open_to].astype(np.int64)
    worth = np.maximum(tree.worth[open_to].astype(np.float64), 1e-3)
    weights = np.zeros(len(open_to))
    topics = np.zeros(len(tree.index.stems))
    for found in founds:
        density = found.density[open_to]
        weights += _shares(density, tokens, worth, config) / len(founds)
        topics += asked_concepts(tree, found, open_to, config) / len(founds)
    values = weights / np.maximum(tokens, 1)
    if topics.any():
        held = tree.index.leaves.take(open_to).dot(topics[tree.index.stem_of].astype(np.float32))
        values += held * worth / np.maximum(tokens, 1)
    pool = _best(values, tokens, config.pool * budget, config.least)
    rest = np.ones(len(open_to), bool)
    rest[pool] = False
    pool = _few_alike(tree, layout, open_to, pool, weights)
    # A leaf between two that are shown spares a mark.
    least = np.maximum(tokens - layout.mark_tokens, 1)
    outside = float((values * tokens / least)[rest].max(initial=0))
    leaves = scope.with_named(open_to[pool])
    place = np.argsort(open_to, kind="stable")
    place = place[np.searchsorted(open_to, leaves, sorter=place)]
    summaries = model_summaries(tree, leaves, scope)
    vectors = tree.index.unit_vectors(leaves)
    pairs = _pairs(tree, leaves, vectors, summaries, topics, config)
    targets = np.concatenate([weights[place], topics])
    problem = pose(tree, layout, leaves, summaries, targets, pairs)
    total = float(weights.sum() + topics.sum())
    relevance = np.max([standardise(found.density) for found in founds], axis=0)
    return Plan(problem, leaves, summaries, relevance, total, outside)


def _weigh_leaves(
    tree: Tree, queries: Sequence[str], scope: Scope, wanted: int
) -> tuple[list[Relevance], np.ndarray]:
    """Weigh each question, and return with them the leaves that any of them opened.

    Where too little of what was opened may be shown, as in a branch, all leaves are scored.
    """
    for whole in (False, True):
        founds = [weigh(tree, query, whole) for query in queries]
        opened = functools.reduce(np.union1d, (found.opened for found in founds))
        allowed = scope.allowed(opened)
        enough = int(tree.leaf_tokens[allowed].sum()) >= wanted
        if enough or len(opened) == len(tree.leaf_start):
            break
    return founds, allowed


def _shares(
    density: np.ndarray, tokens: np.ndarray, worth: np.ndarray, config: AllocationConfig
) -> np.ndarray:
    """Return the share of the evidence that each leaf is expected to be, float64; sums to 1."""
    weights = np.exp(density) * tokens * worth**config.worth
    # Headings and scraps are shown for what stands by them; for themselves only as the answer.
    weights[(worth < _SCRAP) & (density < -config.bare)] = 0
    shares: np.ndarray = weights / max(float(weights.sum()), 1e-300)
    return shares


def _best(values: np.ndarray, sizes: np.ndarray, room: int, least: int) -> np.ndarray:
    """Return the best, the first of equal ones first, enough of them to fill ``room``.

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
        if taken < len(order) or len(order) == len(values):
            return order[:taken]
        wanted *= 4


def _few_alike(
    tree: Tree, layout: Layout, leaves: np.ndarray, pool: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the best of those that say the same; each has its share of what all are worth.

    One that is shown covers all of them, so more would only be more to compare.

    Args:
        tree: the text.
        layout: how leaves are shown.
        leaves: leaves of the text, int64.
        pool: which of them are candidates, the best first.
        weights: of each leaf, float64; changed in place.
    """
    alike: dict[str, list[int]] = {}
    for place in pool.tolist():
        text = tree.source[slice(*layout.leaf_span(int(leaves[place])))].strip()
        alike.setdefault(text, []).append(place)
    dropped: list[int] = []
    for places in alike.values():
        if len(places) > _ALIKE:
            weights[places[:_ALIKE]] = weights[places].sum() / _ALIKE
            weights[places[_ALIKE:]] = 0
            dropped += places[_ALIKE:]
    return pool[~np.isin(pool, dropped)] if dropped else pool


def _similar(
    vectors: np.ndarray, config: AllocationConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which leaves cover each other how far, from their unit vectors; each itself wholly.

    Returns:
        Leaves, leaves that they cover, and how far, above 0.
    """
    near = vectors @ vectors.T > config.similar - _SURE
    np.fill_diagonal(near, True)
    rows, targets = np.nonzero(near)
    # Once more, one by one: a product of matrices rounds as it is split over threads.
    cosine = np.einsum("ij,ij->i", vectors[rows], vectors[targets])
    fidelity = (cosine - config.similar) * (config.redundancy / (1 - config.similar))
    fidelity[(cosine > _SAME) | (rows == targets)] = 1
    some = fidelity > 0
    return rows[some], targets[some], fidelity[some]


def asked_concepts(
    tree: Tree, found: Relevance, leaves: np.ndarray, config: AllocationConfig
) -> np.ndarray:
    """Return the value of every stem, for what is asked; float64 (stems,).

    A stem is worth how much of the relevant text holds it, times how rare it is, times how much it
    means (the length of its static vector). All of them together are worth much where a question
    asks for an overview: its evidence is spread thin, and what it names is not in the text.
    """
    index, relevance = tree.index, found.density[leaves]
    spread = _spread(relevance + np.log1p(tree.leaf_tokens[leaves]))
    thin = min(1.0, spread / config.broad) ** config.sharpness
    vague = min(1.0, max(0.0, found.unmet - config.named) / config.named)
    breadth = config.breadth * thin * vague**2
    if breadth < _NARROW:
        return np.zeros(len(index.stems))
    share = np.exp(config.softness * np.maximum(relevance, -_FAINT))
    held = index.leaves.take(leaves)
    of_entry = np.repeat(share / share.sum(), np.diff(held.offsets))
    holding = np.bincount(index.stem_of[held.words], of_entry, minlength=len(index.stems))
    rarity = np.where(index.leaf_idf < index.rarest, index.leaf_idf, 0)
    values = holding * rarity * index.stem_norms
    topics: np.ndarray = breadth * values / max(float(values.sum()), 1e-9)
    return topics


def _spread(logarithms: np.ndarray) -> float:
    """Return over how many leaves the evidence is spread: the exponential of its entropy.

    Only the best count: the tail of a long text is long, and of it relevance says little.
    """
    most = min(_COUNTED, len(logarithms))
    best = np.partition(logarithms, len(logarithms) - most)[-most:]
    shares = np.exp(best - best.max())
    shares /= shares.sum()
    return float(np.exp(-(shares * np.log(np.maximum(shares, 1e-300))).sum()))


def _pairs(
    tree: Tree,
    leaves: np.ndarray,
    vectors: np.ndarray,
    summaries: tuple[Summary, ...],
    topics: np.ndarray,
    config: AllocationConfig,
) -> Pairs:
    """Return what covers what: leaves each other and their stems, summaries what lies under them.

    Targets are the leaves, then the stems.
    """
    rest = np.arange(min(config.most, len(leaves)), len(leaves))
    pairs = [_similar(vectors[: config.most], config), (rest, rest, np.ones(len(rest)))]
    if topics.any():
        words = tree.index.leaves.take(leaves)
        stems = tree.index.stem_of[words.words]
        held = count_words(words.entry_rows(), stems, len(leaves), len(topics))
        worth = tree.worth[leaves].astype(np.float32)[held.entry_rows()]
        pairs.append((held.entry_rows(), len(leaves) + held.words.astype(np.int64), worth))
    for number, summary in enumerate(summaries, len(leaves)):
        under = np.flatnonzero((leaves >= summary.first_leaf) & (leaves < summary.end_leaf))
        vector = load_static().encode([summary.text])[0]
        cosine = vectors[under] @ vector
        alike = np.maximum(cosine - config.summary_similar, 0) / (1 - config.summary_similar)
        # A leaf whose numbers or negations the summary drops is to be opened, not paraphrased.
        kept = _literals_kept(tree, leaves[under], summary)
        pairs.append((np.full(len(under), number), under, config.summary_fidelity * alike * kept))
    return pairs


def _literals_kept(tree: Tree, leaves: np.ndarray, summary: Summary) -> np.ndarray:
    """Return the share of each leaf's literals that a summary keeps, float32 (leaves,)."""
    told, spans = literals(summary.text), map(tree.layout().leaf_span, leaves.tolist())
    shares = (share_kept(literals(tree.source[start:end]), told) for start, end in spans)
    return np.fromiter(shares, np.float32, len(leaves))


def model_summaries(tree: Tree, leaves: np.ndarray, scope: Scope) -> tuple[Summary, ...]:
    """Return the summaries a model wrote of the nodes that hold the given leaves.

    What they say of leaves that are excluded cannot be taken out of them.
    """
    found: dict[int, Summary] = {}
    if not tree.summary_texts:
        return ()
    for level, arrays in enumerate(tree.levels[1:], 1):
        places = np.unique(np.searchsorted(arrays.first_leaf, leaves, "right") - 1)
        for place in places.tolist():
            node_id = tree.nodes.offsets[level] + place
            low, high = tree.nodes.leaves(level, place)
            text = tree.summary_texts.get(node_id, "")
            low_out, high_out = np.searchsorted(scope.excluded, [low, high])
            if text and scope.first <= low and high <= scope.end and low_out == high_out:
                found[node_id] = Summary(node_id, level, low, high, text)
    return tuple(found.values())
