"""Overviews: what to show of a text when nothing is asked of it.

What the text speaks of most is to be covered: its concepts are the stems of its words, each worth
``n log(N / n)`` where n of the text's N passages have it (words of every passage are worth nothing,
words of one passage little), and a sentence covers those it holds (concept coverage; Filatova and
Hatzivassiloglou, 2004; Gillick and Favre, 2009). The candidates are the sentences of the tree's
summaries. A text's opening says what it is about, so its sentences cover better.
"""

import numpy as np

from hier.candidates import pose
from hier.plan import AllocationConfig, Plan, Scope, model_summaries
from hier.render import Layout, Summary
from hier.retrieval.counts import count_words
from hier.retrieval.index import stem_words
from hier.retrieval.words import find_words
from hier.tree import Tree

_LEAST_WORTH = 0.4
_OPENING_TOKENS = 800
_OPENING = 1.5  # how much better the opening covers
_FILL = 0.02  # value of showing anything at all: leftover budget is used


def plan_overview(
    tree: Tree, layout: Layout, scope: Scope, budget: int, config: AllocationConfig
) -> Plan:
    """Weigh the concepts of a branch; sentences of its summaries are to cover them."""
    leaves = _candidates(tree, scope, config.overview_pool * budget)
    worth = tree.worth[leaves].astype(np.float32)
    before = np.cumsum(tree.leaf_tokens[scope.first : scope.end])[leaves - scope.first]
    worth *= np.where(before <= _OPENING_TOKENS, 1, 1 / _OPENING)
    concepts = _concepts(tree, scope.first, scope.end)
    summaries = model_summaries(tree, leaves, scope)
    rows, stems = _held(tree, leaves, summaries)
    useful = concepts[stems] > 0
    rows, stems = rows[useful], stems[useful]
    fidelity = np.append(worth, np.ones(len(summaries), np.float32))
    # A last target for each leaf is the leaf itself.
    own = np.arange(len(leaves))
    fill = tree.leaf_tokens[leaves] * tree.worth[leaves].astype(np.float64)
    weights = np.concatenate([concepts, _FILL * fill / max(float(fill.sum()), 1e-9)])
    pairs = [(rows, stems, fidelity[rows]), (own, len(concepts) + own, np.ones(len(own)))]
    problem = pose(tree, layout, leaves, summaries, weights, pairs)
    relevance = np.zeros(len(tree.leaf_start), np.float32)
    return Plan(problem, leaves, summaries, relevance, float(weights.sum()), 0.0)


def _candidates(tree: Tree, scope: Scope, wanted: int) -> np.ndarray:
    """Return the sentences of the highest level whose summaries have the tokens wanted.

    Where no level has, all leaves are; what stands badly alone is left out unless nothing else is.
    """
    for choice in reversed(tree.summaries):
        leaves = _worthy(tree, scope.allowed(np.unique(choice.sentences)))
        if tree.leaf_tokens[leaves].sum() >= wanted:
            return scope.with_named(leaves)
    every = scope.allowed(np.arange(scope.first, scope.end))
    leaves = _worthy(tree, every)
    return scope.with_named(leaves if len(leaves) else every)


def _worthy(tree: Tree, leaves: np.ndarray) -> np.ndarray:
    worthy: np.ndarray = leaves[tree.worth[leaves] >= _LEAST_WORTH]
    return worthy


def _concepts(tree: Tree, first: int, end: int) -> np.ndarray:
    """Return the weight of every stem of the tree within a branch, summing to 1; float64."""
    counts, n_stems = tree.index.leaves, len(tree.index.stems)
    inside = slice(int(counts.offsets[first]), int(counts.offsets[end]))
    stems = tree.index.stem_of[counts.words[inside]].astype(np.int64)
    leaf = np.repeat(np.arange(first, end), np.diff(counts.offsets[first : end + 1]))
    passages = tree.levels[min(1, len(tree.levels) - 1)].first_leaf
    passage = np.searchsorted(passages, leaf, "right") - 1
    counted = count_words(passage, stems, len(passages), n_stems)
    holding = np.bincount(counted.words, minlength=n_stems)
    n_passages = np.count_nonzero(np.diff(counted.offsets))
    repeated = holding > 1 if (holding > 1).any() else holding > 0
    weights = np.where(repeated, holding * np.log((n_passages + 1) / np.maximum(holding, 1)), 0.0)
    shares: np.ndarray = weights / max(float(weights.sum()), 1e-9)
    return shares


def _held(
    tree: Tree, leaves: np.ndarray, summaries: tuple[Summary, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct (candidate, stem) pairs; leaves first, then summaries."""
    held = tree.index.leaves.take(leaves)
    rows = [held.entry_rows()]
    stems = [tree.index.stem_of[held.words].astype(np.int64)]
    for row, summary in enumerate(summaries, len(leaves)):
        words = stem_words(find_words(summary.text).vocabulary)
        known = [tree.index.stem_number[s] for s in words if s in tree.index.stem_number]
        rows.append(np.full(len(known), row))
        stems.append(np.array(known, np.int64))
    n_rows = len(leaves) + len(summaries)
    found = count_words(np.concatenate(rows), np.concatenate(stems), n_rows, len(tree.index.stems))
    return found.entry_rows(), found.words
