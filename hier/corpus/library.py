"""The library: what a corpus holds, searched, unpacked and joined for a question.

What is looked up is of one moment (``moment.py``); documents that were used last stay unpacked.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from hier.corpus.choosing import LEAVES, choose, runs_of
from hier.corpus.database import Row
from hier.corpus.fan_out import ask_each
from hier.corpus.join import Joined, Manner, join
from hier.corpus.lexicon import Lexicon
from hier.corpus.moment import Moments
from hier.corpus.nearest import PassageIndex
from hier.corpus.passages import Statistics, Terms
from hier.corpus.search import LISTED, SPARE, Asked, Hit, merge, terms_of
from hier.corpus.shard import View
from hier.corpus.source import Source
from hier.corpus.where import Where, in_words
from hier.errors import InputError
from hier.retrieval.static import load_static

_KEPT_LEAVES = 100_000  # of documents that stay unpacked for the next question


class Library:
    """The documents of some stores.

    Args:
        moments: what the stores hold.
        manner: how their documents were read.
        executor: what asks them side by side; None to ask one after the other.
        index: what finds passages by their vectors; None for what the stores have beside them.
    """

    def __init__(
        self,
        moments: Moments,
        manner: Manner,
        executor: Executor | None = None,
        index: PassageIndex | None = None,
    ) -> None:
        """Unpack nothing yet."""
        self.moments, self.manner, self.index = moments, manner, index
        self.lexicon = Lexicon()
        self._executor = executor
        self._lock = threading.Lock()

    def row(self, name: str) -> Row:
        """Return a document as it is listed.

        Raises:
            InputError: there is no such document.
        """
        view = self.view(name)
        return view.rows[view.number[name]]

    def view(self, name: str) -> View:
        """Return the store that has a document.

        Raises:
            InputError: there is no such document.
        """
        for view in self.moments.views:
            if name in view.number:
                return view
        raise InputError(f"there is no document {name!r}; hier tree CORPUS lists them")

    def whole(self, names: Iterable[str]) -> Iterator[Hit]:
        """Yield hits of all of some documents, better than any that is found."""
        for name in names:
            yield Hit(name, 0, np.inf, 1.0, 0, self.row(name).leaves)

    def join(self, hits: Sequence[Hit], where: Where | None, known: Joined | None = None) -> Joined:
        """Join the parts of documents that hits name, the best as far as there is room.

        Args:
            hits: what was found, best first.
            where: the filter it was found with, for the error.
            known: what was joined already, and is to be there too.

        Raises:
            InputError: nothing was found.
        """
        if not any(view.rows for view in self.moments.views):
            raise InputError("the corpus has no documents; add some: hier add CORPUS FILE")
        if not hits:
            asked = f"has {in_words(where)}" if where else "is left"
            raise InputError(f"no document {asked}; ask for others, or for all")
        parts = {(hit.document, hit.first, hit.end) for hit in choose(hits, LEAVES)}
        if known is not None:
            parts |= {(run.source.id, run.first, run.end) for run in known.runs}
        sources = self.load({name for name, _, _ in parts})
        return join(runs_of(parts, sources), self.lexicon, self.manner)

    def candidates(self, queries: Sequence[str], where: Where | None) -> list[Hit]:
        """Return the passages found for questions, taken in turn; for none the central ones."""
        if not queries:
            return self._search(Asked({}, self._centre(where)), where)
        found = [self._search(self._ask(query), where) for query in queries]
        turns = max(len(hits) for hits in found)
        return [hits[turn] for turn in range(turns) for hits in found if turn < len(hits)]

    def _ask(self, query: str) -> Asked:
        encode = self.manner.encode_query
        vector = load_static().encode([query])[0] if encode is None else encode(query)
        return Asked(terms_of(query), vector if vector.any() else None)

    def _search(self, asked: Asked, where: Where | None) -> list[Hit]:
        known = self._statistics(asked.terms)
        if self.index is not None and asked.vector is not None:
            views = self.moments.views
            named = self.index.nearest(asked.vector, LISTED + SPARE, views, where)
            asked = replace(asked, named=named)
        return merge(self._each("find", asked, known, where))

    def _statistics(self, terms: Terms) -> Statistics:
        stems = list(terms)
        first, *others = self._each("statistics", stems)
        known: Statistics = first
        for other in others:
            known += other
        return known

    def _centre(self, where: Where | None) -> np.ndarray | None:
        """Return the direction of the mean passage: exact sums, however documents are spread."""
        total = sum(self._each("vector_sum", where))
        length = float(np.linalg.norm(total))
        return (total / length).astype(np.float32) if length else None

    def _each(self, what: str, *arguments: Any) -> list[Any]:
        """Ask every shard."""
        calls = [(view, arguments) for view in self.moments.views]
        return ask_each(calls, what, self._executor)

    @cached_property
    def _sources(self) -> OrderedDict[tuple[str, bytes], Source]:
        return OrderedDict()

    def load(self, names: Iterable[str]) -> dict[str, Source]:
        """Return documents by name; those used last stay unpacked."""
        places = {name: self.view(name) for name in sorted(set(names))}
        keys = {name: (name, view.hash(name)) for name, view in places.items()}
        with self._lock:
            found = {name: self._sources[k] for name, k in keys.items() if k in self._sources}
        missing: dict[View, list[str]] = {}
        for name, view in places.items():
            if name not in found:
                missing.setdefault(view, []).append(name)
        calls = [(view, (some,)) for view, some in missing.items()]
        for loaded in ask_each(calls, "load", self._executor) if calls else ():
            for name, packed in loaded.items():
                found[name] = Source(name, packed, self.lexicon.numbers(packed.vocabulary))
        with self._lock:
            for name, key in keys.items():
                self._sources[key] = found[name]
                self._sources.move_to_end(key)
            kept = sum(len(source.leaf_start) for source in self._sources.values())
            while kept > _KEPT_LEAVES and len(self._sources) > 1:
                kept -= len(self._sources.popitem(last=False)[1].leaf_start)
        return found
