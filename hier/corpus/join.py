"""Joining: parts of many documents as one tree, so that one allocation decides among them all.

Every document is a branch: a heading, its title, stands over it, and is shown and paid for like any
heading; but it is no text of the document, and is never shown as such. A long document may be there
in part: then each run of its leaves begins anew below the headings it stands under. Words are
numbered as they first appear, so that the tree depends on what is joined and on nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from hier.corpus.lexicon import Lexicon, first_seen
from hier.corpus.placing import Placed, Run, place, title_of
from hier.corpus.source import Source
from hier.corpus.stacking import stack_levels, stack_summaries, stack_texts
from hier.document import Document
from hier.places import Places
from hier.retrieval import descent
from hier.retrieval.counts import Counts
from hier.retrieval.counts import runs as runs_of
from hier.retrieval.index import WordIndex
from hier.tokens import Tokenizer
from hier.tree import Tree

TITLE_TOKENS = 8  # of a title's leaf, about; it is never shown for itself


@dataclass(frozen=True)
class Joined:
    """One tree of many documents.

    Attributes:
        tree: the tree.
        placed: where each run stands in it.
    """

    tree: Tree
    placed: tuple[Placed, ...] = field(repr=False)

    @cached_property
    def begins(self) -> np.ndarray:
        """Where each run begins, with all that belongs to it, int64 (runs,)."""
        return np.array([placed.begin for placed in self.placed])

    def spans(self, name: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """Return where characters of a document stand in the joined text, as far as they do."""
        spans = []
        for placed in self.placed:
            if placed.run.source.id != name:
                continue
            first, last = placed.run.source.leaf_start[[placed.run.first, placed.run.end]].tolist()
            low, high = max(start, first), last if end is None else min(end, last)
            if low < high:
                spans.append((low - first + placed.body, high - first + placed.body))
        return spans

    def place_of(self, start: int) -> Placed:
        """Return the run that a character of the joined text belongs to."""
        return self.placed[int(np.searchsorted(self.begins, start, "right")) - 1]

    def origin(self, start: int, end: int) -> tuple[Source, int, int]:
        """Return the document that some characters of the joined text are of, and where there."""
        placed = self.place_of(start)
        shift = int(placed.run.source.leaf_start[placed.run.first]) - placed.body
        return placed.run.source, max(start, placed.body) + shift, end + shift

    def locate(self, source: Source, start: int) -> int:
        """Return where a character of a document stands in the joined text.

        Raises:
            LookupError: it is not there.
        """
        found = self.spans(source.id, start, start + 1)
        if not found:
            raise LookupError(f"character {start} of {source.id} is not joined")
        return found[0][0]

    @property
    def runs(self) -> tuple[Run, ...]:
        """What was joined."""
        return tuple(placed.run for placed in self.placed)


@dataclass(frozen=True)
class Manner:
    """How documents were read, and are asked: as in ``Tree``."""

    tokenizer: Tokenizer
    embedder: str
    relevance: str
    encode_query: Callable[[str], np.ndarray] | None = None


def join(runs: Sequence[Run], lexicon: Lexicon, manner: Manner) -> Joined:
    """Join runs of documents, in the order given; those of one document are neighbours.

    Args:
        runs: at least one.
        lexicon: which numbered the words of their documents.
        manner: how their documents were read.
    """
    placed = place(runs)
    index = _index(placed, lexicon)
    text = "".join(_texts(placed))
    begins = np.array([each.begin for each in placed], np.int64)
    levels = descent.with_static(stack_levels(placed), index)
    first_leaves = [level.first_leaf for level in levels]
    tree = Tree(
        document=Document(text, places=Places.counted("part", begins)),
        tokenizer=manner.tokenizer,
        embedder=manner.embedder,
        relevance=manner.relevance,
        leaf_start=_leaf_starts(placed),
        leaf_tokens=_of_leaves(placed, "leaf_tokens", TITLE_TOKENS),
        block=_blocks(placed),
        worth=_of_leaves(placed, "worth", 0),
        offers=_of_leaves(placed, "offers", 0),
        opens=_opens(placed),
        path_offsets=_path_offsets(placed),
        path_leaves=_path_leaves(placed),
        index=index,
        levels=levels,
        summaries=stack_summaries(placed, first_leaves),
        summary_texts=stack_texts(placed, first_leaves),
        hidden=np.concatenate([np.arange(each.leaf - each.before, each.leaf) for each in placed]),
        encode_query=manner.encode_query,
    )
    return Joined(tree, tuple(placed))


def _texts(placed: Sequence[Placed]) -> Iterator[str]:
    for each in placed:
        source, starts = each.run.source, each.run.source.leaf_start
        if each.begins:
            yield title_of(source)
        for heading in each.headings.tolist():
            yield source.text[starts[heading] : starts[heading + 1]]
        yield source.text[starts[each.run.first] : starts[each.run.end]]


def _leaf_starts(placed: Sequence[Placed]) -> np.ndarray:
    parts = []
    for each in placed:
        starts = each.run.source.leaf_start
        place = each.begin
        if each.begins:
            parts.append(np.array([place]))
            place += len(title_of(each.run.source))
        sizes = starts[each.headings + 1] - starts[each.headings]
        parts.append(place + np.cumsum(sizes) - sizes)
        own = starts[each.run.first : each.run.end]
        parts.append(own + (each.body - int(own[0])))
    return np.concatenate(parts)


def _of_leaves(placed: Sequence[Placed], name: str, hidden: float) -> np.ndarray:
    """Return an array of the leaves, with a value for those that are not shown."""
    parts = []
    for each in placed:
        array = each.run.source.packed.arrays[name]
        parts.append(np.full(each.before, hidden, array.dtype))
        parts.append(array[each.run.first : each.run.end])
    return np.concatenate(parts)


def _blocks(placed: Sequence[Placed]) -> np.ndarray:
    """Number the blocks through; what stands before a run is one block a leaf.

    But a header row is of the block of its rows.
    """
    parts, number = [], 0
    for each in placed:
        parts.append(number + np.arange(each.before))
        number += each.before - each.in_table
        own = each.run.source.packed.arrays["block"][each.run.first : each.run.end]
        parts.append(own + (number - int(own[0])))
        number = int(parts[-1][-1]) + 1
    return np.concatenate(parts).astype(np.int32)


def _opens(placed: Sequence[Placed]) -> np.ndarray:
    parts = []
    for each in placed:
        before = np.full(each.before, -1)
        if each.begins:
            before[0] = each.path
        if each.in_table:
            path_of = each.run.source.packed.arrays["path_of"][each.run.first]
            before[-1] = each.path + np.searchsorted(each.paths, path_of)
        own = each.run.source.packed.arrays["opens"][each.run.first : each.run.end]
        found = each.path + np.searchsorted(each.paths, own)
        parts += [before, np.where(own >= 0, found, -1)]
    return np.concatenate(parts).astype(np.int32)


def _path_offsets(placed: Sequence[Placed]) -> np.ndarray:
    """Return where each path begins; every one but the empty first is headed by a title."""
    sizes = [np.zeros(1, np.int64)]
    for each in placed:
        offsets = each.run.source.packed.arrays["path_offsets"]
        sizes.append(offsets[each.paths + 1] - offsets[each.paths] + 1)
    return np.concatenate([[0], np.cumsum(np.concatenate(sizes))])


def _path_leaves(placed: Sequence[Placed]) -> np.ndarray:
    parts = []
    for each in placed:
        arrays = each.run.source.packed.arrays
        first = arrays["path_offsets"][each.paths]
        lengths = arrays["path_offsets"][each.paths + 1] - first
        headings = each.heading_leaves(arrays["path_leaves"][runs_of(first, lengths)])
        parts.append(np.insert(headings, np.cumsum(lengths) - lengths, each.title))
    return np.concatenate(parts).astype(np.int32)


def _index(placed: Sequence[Placed], lexicon: Lexicon) -> WordIndex:
    """Return the index of all words, numbered as they first appear."""
    leaves, paths, numbers, path_of = [], [], [], []
    for each in placed:
        run, source = each.run, each.run.source
        rows = [source.leaf_words.rows(run.first, run.end), source.path_words.take(each.paths)]
        if run.end - run.first < len(source.leaf_start) - 1:
            used = np.unique(np.concatenate([part.words for part in rows]))
            renumber = np.zeros(len(source.words), np.int64)
            renumber[used] = np.arange(len(used))
            rows = [replace(part, words=renumber[part.words]) for part in rows]
            numbers.append(source.words[used])
        else:
            numbers.append(source.words)
        leaves.append((each.before, rows[0]))
        paths.append((0, rows[1]))
        own = source.packed.arrays["path_of"][run.first : run.end]
        path_of += [np.zeros(each.before), each.path + np.searchsorted(each.paths, own)]
    words, place = first_seen(np.concatenate(numbers))
    places = np.split(place.astype(np.int32), np.cumsum([len(part) for part in numbers])[:-1])
    vocabulary, analysed = lexicon.analysed(words)
    return WordIndex(
        vocabulary,
        *analysed,
        _stack(leaves, places),
        _stack([(1, _nothing()), *paths], [places[0], *places]),
        np.concatenate(path_of).astype(np.int32),
    )


def _nothing() -> Counts:
    return Counts(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def _stack(parts: Sequence[tuple[int, Counts]], places: Sequence[np.ndarray]) -> Counts:
    """Put rows under each other, empty ones before each part, with their words' new numbers."""
    lengths = [
        array
        for empty, counts in parts
        for array in (np.zeros(empty, np.int64), np.diff(counts.offsets))
    ]
    words = [place[counts.words] for place, (_, counts) in zip(places, parts, strict=True)]
    return Counts(
        np.concatenate([[0], np.cumsum(np.concatenate(lengths))]),
        np.concatenate(words),
        np.concatenate([counts.counts for _, counts in parts]),
    ).in_order()
