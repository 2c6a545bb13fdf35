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
from hier.corpus.packing import Packed
from hier.document import Document
from hier.flat import places_of
from hier.retrieval import descent
from hier.retrieval.counts import Counts
from hier.retrieval.counts import runs as runs_of
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Level
from hier.summarizers.extractive import Choice
from hier.tokens import Tokenizer
from hier.tree import Tree

_SHORTEST = 1e-9  # a length that is as good as none, and can be divided by
TITLE_TOKENS = 8  # of a title's leaf, about; it is never shown for itself


@dataclass(frozen=True)
class Source:
    """A document ready to be joined.

    Attributes:
        id: its name in the corpus.
        packed: its tree.
        words: the lexicon's number of each of its words, int64 (words,).
    """

    id: str
    packed: Packed
    words: np.ndarray

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return self.packed.text

    @cached_property
    def document(self) -> Document:
        """Its text, and where that stands in its file."""
        return Document(self.text, self.id, places_of(self.packed.facts, self.packed.arrays))

    def smallest(self, start: int, end: int) -> tuple[int, int]:
        """Return level and id of the lowest node that holds some characters."""
        first, last = (
            np.searchsorted(self.packed.arrays["leaf_start"], [start, end - 1], "right") - 1
        )
        before = 0
        for number in range(self.levels):
            first_leaf = self.level(number, "first_leaf")
            low, high = np.searchsorted(first_leaf, [first, last], "right") - 1
            if low == high:
                return number, before + int(low)
            before += len(first_leaf)
        raise IndexError(f"characters {start} to {end} are not in {self.id}")

    @cached_property
    def leaf_start(self) -> np.ndarray:
        """Where each leaf begins, and where the last ends, int64 (leaves + 1,)."""
        return np.append(self.packed.arrays["leaf_start"], len(self.text))

    def level(self, number: int, name: str) -> np.ndarray:
        """Return an array of a level; above its root that of its root."""
        return self.packed.arrays[f"level{min(number, self.levels - 1)}.{name}"]

    @property
    def levels(self) -> int:
        """How many levels its tree has."""
        return int(self.packed.facts["levels"])

    @cached_property
    def leaf_words(self) -> Counts:
        """The words of its leaves, by their numbers in the document."""
        return self._counts("leaf")

    @cached_property
    def path_words(self) -> Counts:
        """The words of its heading paths."""
        return self._counts("path")

    def path(self, number: int) -> np.ndarray:
        """Return the leaves of a heading path."""
        arrays = self.packed.arrays
        first, end = arrays["path_offsets"][number : number + 2]
        leaves: np.ndarray = arrays["path_leaves"][first:end]
        return leaves

    def _counts(self, name: str) -> Counts:
        arrays = self.packed.arrays
        return Counts(*(arrays[f"{name}_words.{part}"] for part in ("offsets", "words", "counts")))


@dataclass(frozen=True)
class Run:
    """Leaves ``first`` to ``end`` (exclusive) of a document, by its sections."""

    source: Source
    first: int
    end: int


@dataclass(frozen=True)
class Placed:
    """A run in its place.

    Attributes:
        run: the run.
        title: the joined leaf of its document's title.
        headings: the leaves of its document's headings that are repeated before it, ascending.
        begin: joined character where all that belongs to it begins.
        body: joined character where its own text begins.
        leaf: its first leaf in the joined tree.
        path: its first path there.
        paths: the paths of its document that it has, int64 (paths,), ascending.
    """

    run: Run
    title: int
    headings: np.ndarray
    begin: int
    body: int
    leaf: int
    path: int
    paths: np.ndarray

    @property
    def begins(self) -> bool:
        """Whether it is the first of its document: the title stands before it."""
        return self.title == self.leaf - len(self.headings) - 1

    @property
    def in_table(self) -> bool:
        """Whether it begins inside a table: the last heading before it is the header row."""
        block = self.run.source.packed.arrays["block"]
        return bool(len(self.headings)) and block[self.headings[-1]] == block[self.run.first]

    @property
    def before(self) -> int:
        """How many leaves stand before its own."""
        return len(self.headings) + self.begins

    @property
    def shift(self) -> int:
        """What to add to a leaf of the document for its joined leaf."""
        return self.leaf - self.run.first

    def heading_leaves(self, leaves: np.ndarray) -> np.ndarray:
        """Return the joined leaves of headings of its document that stand over it."""
        repeated = self.leaf - len(self.headings) + np.searchsorted(self.headings, leaves)
        return np.where(leaves >= self.run.first, leaves + self.shift, repeated)


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
    def _begins(self) -> np.ndarray:
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
        return self.placed[int(np.searchsorted(self._begins, start, "right")) - 1]

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
    placed = _place(runs)
    index = _index(placed, lexicon)
    text = "".join(_texts(placed))
    levels = descent.with_static(_levels(placed), index)
    first_leaves = [level.first_leaf for level in levels]
    tree = Tree(
        document=Document(text),
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
        summaries=_summaries(placed, first_leaves),
        summary_texts=_summary_texts(placed, first_leaves),
        hidden=np.concatenate([np.arange(each.leaf - each.before, each.leaf) for each in placed]),
        encode_query=manner.encode_query,
    )
    return Joined(tree, tuple(placed))


def _place(runs: Sequence[Run]) -> list[Placed]:
    """Find the place of every run."""
    placed: list[Placed] = []
    begin = leaf = 0
    path, title = 1, -1  # path 0 is empty
    for number, run in enumerate(runs):
        arrays = run.source.packed.arrays
        begins = not number or runs[number - 1].source is not run.source
        above = run.source.path(int(arrays["path_of"][run.first]))
        headings = above[above < run.first].astype(np.int64)
        own = np.arange(run.first, run.end)
        paths = np.unique(np.concatenate([[0], arrays["path_of"][own], arrays["opens"][own]]))
        paths = paths[paths >= 0].astype(np.int64)
        title = leaf if begins else title
        starts = run.source.leaf_start
        size = int((starts[headings + 1] - starts[headings]).sum())
        body = begin + size + (len(_title(run.source)) if begins else 0)
        leaf += len(headings) + begins
        placed.append(Placed(run, title, headings, begin, body, leaf, path, paths))
        begin = body + int(starts[run.end] - starts[run.first])
        leaf += run.end - run.first
        path += len(paths)
    return placed


def _title(source: Source) -> str:
    return f"{source.id}\n"


def _texts(placed: Sequence[Placed]) -> Iterator[str]:
    for each in placed:
        source, starts = each.run.source, each.run.source.leaf_start
        if each.begins:
            yield _title(source)
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
            place += len(_title(each.run.source))
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
        rows = source.leaf_words.rows(run.first, run.end), source.path_words.take(each.paths)
        if run.end - run.first < len(source.leaf_start) - 1:
            used = np.unique(np.concatenate([part.words for part in rows]))
            renumber = np.zeros(len(source.words), np.int64)
            renumber[used] = np.arange(len(used))
            rows = tuple(replace(part, words=renumber[part.words]) for part in rows)
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


def _levels(placed: Sequence[Placed]) -> tuple[Level, ...]:
    """Stack the levels of the documents: a lower tree's root stands for itself above it."""
    height = max(each.run.source.levels for each in placed)
    levels = [_level(placed, number) for number in range(height)]
    titles = np.unique([each.title for each in placed])
    for first_leaf in (titles, np.zeros(1, np.int64)):
        below = levels[-1]
        if len(first_leaf) < len(below.first_leaf):
            words = np.add.reduceat(below.words, np.searchsorted(below.first_leaf, first_leaf))
            # A document's own root has its length; what is above all is like nothing.
            norms = np.add.reduceat(below.norms, np.searchsorted(below.first_leaf, first_leaf))
            levels.append(Level(first_leaf, norms, words))
    return tuple(levels)


def _nodes(each: Placed, number: int) -> tuple[int, int]:
    """Return which nodes of a level of its document a run has."""
    first_leaf = each.run.source.level(number, "first_leaf")
    low = int(np.searchsorted(first_leaf, each.run.first, "right")) - 1
    return low, int(np.searchsorted(first_leaf, each.run.end))


def _level(placed: Sequence[Placed], number: int) -> Level:
    first_leaf, norms, words, vectors = [], [], [], []
    for each in placed:
        low, high = _nodes(each, number)
        source = each.run.source
        first = np.maximum(source.level(number, "first_leaf")[low:high] + each.shift, each.leaf)
        if number:
            first[0] -= each.before
        else:
            first = np.append(np.arange(each.leaf - each.before, each.leaf), first)
        before = np.zeros(0 if number else each.before, np.float32)
        first_leaf.append(first)
        norms += [before + _SHORTEST, source.level(number, "norms")[low:high]]
        words += [before, source.level(number, "words")[low:high]]
        if f"level{number}.vectors" in source.packed.arrays:
            own = source.level(number, "vectors")[low:high]
            vectors += [np.zeros((len(before), own.shape[1]), own.dtype), own]
    return Level(
        np.concatenate(first_leaf),
        np.concatenate(norms),
        np.concatenate(words),
        np.concatenate(vectors) if len(vectors) == 2 * len(placed) else None,
    )


def _summaries(placed: Sequence[Placed], first_leaves: Sequence[np.ndarray]) -> tuple[Choice, ...]:
    """Stack the extractive summaries; above the documents it is those of all."""
    summaries: list[Choice] = []
    height = max(each.run.source.levels for each in placed)
    for number in range(1, len(first_leaves)):
        if number >= height:
            nodes = np.searchsorted(first_leaves[number - 1], first_leaves[number])
            below = summaries[-1] if summaries else _every(len(first_leaves[0]))
            offsets = np.append(below.offsets[nodes], below.offsets[-1])
            summaries.append(Choice(offsets, below.sentences))
            continue
        lengths, sentences = [], []
        for each in placed:
            offsets, chosen = _choice(each, number)
            lengths.append(np.diff(offsets))
            sentences.append(chosen)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        summaries.append(Choice(offsets, np.concatenate(sentences)))
    return tuple(summaries)


def _every(n_leaves: int) -> Choice:
    return Choice(np.arange(n_leaves + 1), np.arange(n_leaves))


def _choice(each: Placed, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the summaries of a run's nodes of a level, as far as they are in the run."""
    source, (low, high) = each.run.source, _nodes(each, number)
    top = min(number, source.levels - 1) - 1
    if top < 0:  # a single leaf is its own summary, on every level
        return np.array([0, 1]), np.array([each.leaf])
    offsets = source.packed.arrays[f"summary{top}.offsets"][low : high + 1]
    sentences = source.packed.arrays[f"summary{top}.sentences"][offsets[0] : offsets[-1]]
    inside = (sentences >= each.run.first) & (sentences < each.run.end)
    kept = np.concatenate([[0], np.cumsum(inside)])
    return kept[offsets - offsets[0]], sentences[inside] + each.shift


def _summary_texts(placed: Sequence[Placed], first_leaves: Sequence[np.ndarray]) -> dict[int, str]:
    """Return what models wrote of nodes that are there as a whole, by their joined numbers."""
    begins = np.concatenate([[0], np.cumsum([len(first) for first in first_leaves])])
    texts: dict[int, str] = {}
    for each in placed:
        written = each.run.source.packed.facts["summary_texts"]
        if not written:
            continue
        place = 0
        for number in range(each.run.source.levels):
            own = each.run.source.level(number, "first_leaf")
            ends = np.append(own[1:], len(each.run.source.leaf_start) - 1)
            for node, (first, end) in enumerate(zip(own.tolist(), ends.tolist(), strict=True)):
                text = written.get(str(place + node))
                if text and each.run.first <= first and end <= each.run.end:
                    leaf = first + each.shift - (each.before if first == each.run.first else 0)
                    at = int(np.searchsorted(first_leaves[number], leaf))
                    texts[int(begins[number]) + at] = text
            place += len(own)
    return texts
