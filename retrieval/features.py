"""What the learned relevance is told of a leaf: some ninety numbers, each a plain measure.

Only the leaves that the plain sum found promising are described. Groups of measures: scores of
every level; how many of the query's terms are met; the likeness of single words (`interaction.py`);
neighbours, paragraph and heading; what the best leaves share with this one (`feedback.py`); phrases
and names; the leaf's own shape; and what the question asks for beside what the leaf offers. Nothing
here knows where a text comes from, and nothing but ratios, ranks and standardised scores depends on
its length.
"""

import re
from itertools import pairwise

import numpy as np

from hier.retrieval.descent import TOP
from hier.retrieval.feedback import feedback, trusted
from hier.retrieval.index import WordIndex, stem_words
from hier.retrieval.interaction import interaction
from hier.retrieval.offers import KINDS
from hier.retrieval.relevance import Terms, standardise
from hier.retrieval.scene import Scene
from hier.retrieval.words import normalise

LEVELS = 4
NEURAL_LEVELS = 3  # what lies above is longer than models read
_MASS = 0.6  # temperature at which plain scores are read as shares of the evidence
_RARE = 3  # terms looked at one by one
_ENTITY = re.compile(r"(?<!^)\b[A-Z]\w+|\d+")
_ASKS = {
    "number": re.compile(r"\b(?:how (?:many|much|long)|percent\w*)\b"),
    "date": re.compile(r"\b(?:when|what year|date)\b"),
    "name": re.compile(r"\b(?:who|whose|whom)\b"),
    "reason": re.compile(r"\bwhy\b"),
    "place": re.compile(r"\bwhere\b"),
}

Columns = dict[str, np.ndarray]


def describe(scene: Scene) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the features and their values, float32 (pool, features)."""
    columns = (
        _levels(scene)
        | _terms(scene)
        | interaction(scene.index, scene.levels[:2], scene.query, scene.pool)
        | _neighbours(scene)
        | _masses(scene)
        | feedback(scene.index, scene.terms, scene.plain, scene.pool, scene.vectors)
        | _phrases(scene)
        | _shape(scene)
        | _offers(scene)
    )
    if scene.scores[0].neural is not None:
        columns |= _neural(scene)
    values = np.empty((len(scene.pool), len(columns)), np.float32)
    for number, column in enumerate(columns.values()):
        values[:, number] = column
    return tuple(columns), values


def _levels(scene: Scene) -> Columns:
    """Both scores of the node that holds the leaf: standardised, and on their own scale."""
    columns: Columns = {}
    for number in range(LEVELS):
        place = min(number, len(scene.levels) - 1)
        score, rows = scene.scores[place], scene.rows(place)
        columns[f"dense {number}"] = score.standard(score.static)[rows]
        columns[f"lexical {number}"] = score.standard(score.lexical)[rows]
        columns[f"cosine {number}"] = score.static[rows]
        best = max(float(score.lexical.max(initial=0)), 1e-9)
        columns[f"lexical share {number}"] = score.lexical[rows] / best
    return columns


def _terms(scene: Scene) -> Columns:
    """How much of the query's terms, by rarity, the leaf and what holds it have."""
    terms, index = scene.terms, scene.index
    rarity = terms.weights * index.leaf_idf[terms.stems]
    total = max(float(rarity.sum()), 1e-9)
    columns: Columns = {}
    held = []
    for number in range(LEVELS):
        place = min(number, len(scene.levels) - 1)
        held.append(scene.scores[place].held.take(scene.rows(place)).held(len(terms)))
        columns[f"terms {number}"] = rarity @ held[number] / total
    columns["terms of leaf"] = rarity @ scene.own / total
    columns["terms of heading"] = rarity @ scene.above / total
    order = np.argsort(-index.leaf_idf[terms.stems], kind="stable")
    for rank in range(_RARE):
        for number, name in ((0, "leaf"), (1, "passage")):
            known = rank < len(order)
            columns[f"rare {rank} in {name}"] = (
                held[number][order[rank]] if known else np.zeros(len(scene.pool))
            )
    return columns


def _neighbours(scene: Scene) -> Columns:
    """Plain scores around the leaf, and of its paragraph."""
    plain, pool = scene.plain, scene.pool
    around = {}
    for step in (-3, -2, -1, 1, 2, 3):
        place = np.clip(pool + step, 0, len(plain) - 1)
        around[step] = np.where(place == pool + step, plain[place], np.float32(0))
    members, begins, block = scene.blocks
    sizes = scene.leaves.tokens[members]
    tokens = np.add.reduceat(sizes, begins).astype(np.float32)
    weighted = np.add.reduceat(plain[members] * sizes, begins)
    return {
        "before": around[-1],
        "after": around[1],
        "around": (around[-2] + around[-1] + around[1] + around[2]) / 4,
        "best around": np.maximum.reduce(list(around.values())),
        "block": (weighted / np.maximum(tokens, 1))[block],
        "best of block": np.maximum.reduceat(plain[members], begins)[block],
        "block size": np.log1p(tokens[block]),
        "opens block": members[begins][block] == pool,
    }


def _masses(scene: Scene) -> Columns:
    """Rank, and the share of the whole score that the block and the heading hold."""
    plain, pool, path_of = scene.plain, scene.pool, scene.index.path_of
    mass, closed = _mass(plain[scene.opened]), _closed_mass(scene)
    total = mass.sum() + closed.sum()
    members, begins, block = scene.blocks
    blocks = np.add.reduceat(_mass(plain[members]) / total, begins)
    paths = np.bincount(path_of[scene.opened], mass / total, len(scene.index.paths))
    if len(closed):
        first = scene.levels[TOP].first_leaf[scene.closed]
        paths += np.bincount(path_of[first], closed / total, len(paths))
    rank = np.empty(len(pool))
    rank[np.argsort(-plain[pool], kind="stable")] = np.arange(len(pool))
    return {
        "plain": plain[pool],
        "rank": np.log1p(rank),
        "gap": plain[pool].max() - plain[pool],
        "block mass": np.log(blocks[block] + 1e-6),
        "heading mass": np.log(paths[path_of[pool]] + 1e-6),
    }


def _mass(plain: np.ndarray) -> np.ndarray:
    """Read plain scores as evidence: not normalised."""
    mass: np.ndarray = np.exp(np.clip(plain / _MASS, -30, 30))
    return mass


def _closed_mass(scene: Scene) -> np.ndarray:
    """Return the mass of each closed section: shared by estimate, all of it as in the sample."""
    census = scene.scores[0].census
    if census is None or not len(scene.closed):
        return np.zeros(0, np.float32)
    level = scene.levels[TOP]
    sizes = level.sizes(len(scene.leaves))[scene.closed]
    shares = _mass(scene.plain[level.first_leaf[scene.closed]]) * sizes
    beside = (census.weights - 1) * _mass(scene.plain[scene.opened])
    masses: np.ndarray = shares * (beside.sum() / shares.sum())
    return masses


def _phrases(scene: Scene) -> Columns:
    """Neighbouring words of the query that stand together; its names and numbers."""
    stems, n_leaves = scene.query.stems, len(scene.leaves)
    known = {scene.index.stems[s]: term for term, s in enumerate(scene.terms.stems.tolist())}
    pairs = {
        (known[one], known[other])
        for one, other in pairwise(stems)
        if one in known and other in known
    }
    both = {pair: scene.own[pair[0]] & scene.own[pair[1]] for pair in pairs}
    rows = np.flatnonzero(np.logical_or.reduce([np.zeros(len(scene.pool), bool), *both.values()]))
    row, term = _sequence(scene, rows)
    phrases = np.zeros(len(scene.pool))
    for one, other in pairs:
        together = (term[:-1] == one) & (term[1:] == other) & (row[:-1] == row[1:])
        found = np.unique(row[:-1][together])
        phrases[found] += np.log1p(n_leaves / (1 + len(found)))
    columns = {"phrases": phrases / max(float(np.log1p(n_leaves)), 1e-9)}
    return columns | _entities(scene)


def _sequence(scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of every word of some leaves, and which query term it is, -1 for none."""
    order, forms = scene.index.word_order, _forms(scene.index, scene.terms)
    row, term = order.labelled(scene.pool[rows], scene.leaves.texts, forms)
    return rows[row], term


def _forms(index: WordIndex, terms: Terms) -> dict[str, int]:
    """Return the words of the text that are forms of query terms, and of which term each is."""
    forms = np.flatnonzero(terms.of_word >= 0)
    return {index.vocabulary[word]: int(terms.of_word[word]) for word in forms.tolist()}


def _entities(scene: Scene) -> Columns:
    terms, pool, index = scene.terms, scene.pool, scene.index
    entities = set(stem_words([normalise(word) for word in _ENTITY.findall(scene.query.text)]))
    wanted = np.flatnonzero(np.isin(terms.stems, [index.stem_number.get(e, -1) for e in entities]))
    if not len(wanted):
        none = np.zeros(len(pool))
        return {"names": none, "names, headed": none, "names of passage": none}
    rarity = index.leaf_idf[terms.stems[wanted]]
    rarity = rarity / max(float(rarity.sum()), 1e-9)
    own, above = scene.own[wanted], scene.above[wanted]
    return {
        "names": rarity @ own,
        "names, headed": rarity @ (own | above),
        "names of passage": rarity @ scene.in_passage[wanted],
    }


def _shape(scene: Scene) -> Columns:
    """What the leaf is, whatever is asked."""
    leaves, pool = scene.leaves, scene.pool
    return {
        "size": np.log1p(leaves.tokens[pool]),
        "worth": leaves.worth[pool].astype(np.float32),
        "heading": leaves.opens[pool] >= 0,
        "after heading": (leaves.opens[np.maximum(pool - 1, 0)] >= 0) & (pool > 0),
        "place": pool / len(leaves),
        "opening": pool < 5,
    }


def _offers(scene: Scene) -> Columns:
    """What the leaf has of the kinds of answers there are, and whether that is asked for."""
    asked = scene.query.text.lower()
    columns: Columns = {}
    for bit, name in enumerate(KINDS):
        offered = (scene.leaves.offers[scene.pool] >> bit & 1).astype(np.float32)
        columns[f"offers {name}"] = offered
        if name in _ASKS:
            wanted = _ASKS[name].search(asked) is not None
            columns[f"answers {name}"] = (offered - offered.mean()) * wanted
    return columns


def _neural(scene: Scene) -> Columns:
    """Cosines of neural vectors of leaf, passage and section, and of the leaf with the best."""
    columns: Columns = {}
    for number in range(NEURAL_LEVELS):
        place = min(number, len(scene.levels) - 1)
        score, rows = scene.scores[place], scene.rows(place)
        if score.neural is not None:
            columns[f"neural {number}"] = score.standard(score.neural)[rows]
            columns[f"neural cosine {number}"] = score.neural[rows]
    vectors, leaves = scene.levels[0].vectors, scene.scores[0]
    if vectors is not None and leaves.neural is not None:
        own = vectors[scene.pool].astype(np.float32)
        best, trust = trusted(scene.plain[scene.pool])
        columns["neural near the best"] = standardise(own @ (trust @ own[best]))
        beside = np.zeros(len(scene.leaves) + 2, np.float32)
        beside[scene.opened + 1] = leaves.standard(leaves.neural)
        columns["neural around"] = (beside[scene.pool] + beside[scene.pool + 2]) / 2
    return columns
