"""Choosing: which parts of documents are joined for a question, of those that a search names.

The work for a question grows with the passages that are searched, and hardly with the documents:
about ``LEAVES`` leaves are joined, whatever the corpus holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from hier.corpus.placing import Run
from hier.corpus.search import Hit
from hier.corpus.source import Source

LEAVES = 4000
"""Leaves that are joined for a question, about."""


def choose(hits: Iterable[Hit], leaves: int) -> list[Hit]:
    """Return the hits, best first, whose parts of documents are to be joined; each part once.

    Those that are sure, of infinite cosine, are joined whatever their size.
    """
    chosen: dict[tuple[str, int, int], Hit] = {}
    total = 0
    for hit in hits:
        part = (hit.document, hit.first, hit.end)
        if part in chosen:
            continue
        if chosen and total + hit.end - hit.first > leaves and hit.cosine < np.inf:
            continue
        chosen[part] = hit
        total += hit.end - hit.first
    return list(chosen.values())


def runs_of(parts: Iterable[tuple[str, int, int]], sources: Mapping[str, Source]) -> list[Run]:
    """Return parts of documents as runs, by document and place; neighbours are one run.

    Args:
        parts: the name of a document, a leaf, and the leaf behind the last.
        sources: the documents by name.
    """
    runs: list[Run] = []
    for name, first, end in sorted(set(parts)):
        source = sources[name]
        if runs and runs[-1].source is source and runs[-1].end >= first:
            runs[-1] = replace(runs[-1], end=max(end, runs[-1].end))
        else:
            runs.append(Run(source, first, end))
    return runs
