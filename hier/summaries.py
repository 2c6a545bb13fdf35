"""Summaries that models write: bottom-up, a whole level at once, each checked, none paid for twice.

Sections, and what lies under them, are summarised from their text, any higher node from the
summaries of its children. What a model invents is taken out again, and where nothing is left, or
no reply was of use, the extractive summary stands in: a tree never lacks one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hier.assignment import SECTION, Writers
from hier.errors import SummarizerError
from hier.fidelity import Outcome, SummaryCheck
from hier.ledger import Ledger
from hier.nodes import Node
from hier.summarizers.cache import Cache, default_path, key
from hier.summarizers.calls import Written
from hier.summarizers.fidelity import check, repair
from hier.summarizers.literals import literals, share_kept
from hier.summarizers.writers import Writer
from hier.tree import Tree

Progress = Callable[[str, int, int], None]
Take = Callable[[int, Written], None]


@contextmanager
def open_cache(cache: Path | bool, writers: Writers) -> Iterator[Cache | None]:
    """Open the cache that was asked for, where a writer can use one: True is the user's."""
    if cache is False or not writers.are_kept:
        yield None
        return
    with Cache(default_path() if cache is True else Path(cache)) as opened:
        yield opened


def write_summaries(
    tree: Tree,
    writers: Writers,
    ledger: Ledger,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> Tree:
    """Return the tree with the summaries of its models.

    Args:
        tree: a tree with extractive summaries.
        writers: who writes which level.
        ledger: where every call is recorded, and every summary that was replaced noted.
        cache: where summaries are kept; None to pay for all of them.
        progress: called with (what, done, total).

    Raises:
        SummarizerError: a writer cannot go on; what it wrote is in the cache.
    """
    before = len(ledger.calls), len(ledger.notes)
    levels = writers.levels(tree)
    total = sum(len(tree.levels[level].first_leaf) for level, _ in levels)
    bench = _Bench(tree, progress, total)
    for level, writer in levels:
        start = tree.nodes.offsets[level]
        node_ids = range(start, start + len(tree.levels[level].first_leaf))
        desk = _Desk(tree.tokenizer.count, writer, ledger, cache)
        inputs = [_parts(tree, node_id, bench.texts) for node_id in node_ids]

        desk.write(inputs, partial(bench.take, start, inputs))
    checks = tuple(bench.checks[node_id] for node_id in sorted(bench.checks))
    for found in checks:
        if found.outcome == "replaced":
            why = found.fault or f"it invents {', '.join(found.invented)}"
            ledger.note(f"node {found.node_id}: its extractive summary stands in ({why})")
    texts = dict(sorted(bench.texts.items()))
    # The tree's own: a user's ledger may have had calls before, and goes on.
    own = Ledger(ledger.prices, ledger.calls[before[0] :], ledger.notes[before[1] :])
    return replace(tree, summary_texts=texts, checks=checks, ledger=own)


def _parts(tree: Tree, node_id: int, texts: Mapping[int, str]) -> list[str]:
    """Return what a node is summarised from: its text, or its children's summaries.

    Where it begins with a row of a table, the header row stands above.
    """
    node = tree.nodes[node_id]
    if node.level <= SECTION:
        first, _ = tree.nodes.leaves(node.level, node_id - tree.nodes.offsets[node.level])
        return [tree.layout().head(first) + tree.source[node.start : node.end]]
    return [texts.get(child) or tree.summary(child)[0] for child in node.children]


class _Bench:
    """Where summaries are held against the text they cover, as they come in."""

    def __init__(self, tree: Tree, progress: Progress | None, total: int) -> None:
        self.tree, self.progress, self.total = tree, progress, total
        self.texts: dict[int, str] = {}
        self.checks: dict[int, SummaryCheck] = {}
        self._literals: dict[int, frozenset[str]] = {}

    def take(
        self, start: int, inputs: Sequence[Sequence[str]], place: int, written: Written
    ) -> None:
        """Judge a summary of a level: of its node ``start + place``, and what that was made of."""
        self.judge(start + place, written, "\n".join(inputs[place]))
        if self.progress is not None:
            self.progress("summarising", len(self.checks), self.total)

    def judge(self, node_id: int, written: Written, read: str) -> None:
        """Keep what may be shown of a summary, and what was found.

        Args:
            node_id: the node it is of.
            written: the summary.
            read: what it was made from: of the source, or summaries that were judged before.
        """
        node = self.tree.nodes[node_id]
        text, invented = written.text, tuple[str, ...]()
        outcome: Outcome = "written"
        found = check(text, read)
        if node.level <= SECTION:
            self._literals[node_id] = found.literals
        elif found.invented:  # what it read may leave out what it knows to be there
            read = self.tree.source[node.start : node.end]
            found = check(text, read)
        if found.invented:
            text, outcome = repair(text, read), "repaired"
            invented = tuple(dict.fromkeys(claim.text for claim in found.invented))
        if text:
            self.texts[node_id] = text
        else:
            text, outcome = self.tree.summary(node_id)[0], "replaced"
        kept = share_kept(self._of(node), literals(text))
        self.checks[node_id] = SummaryCheck(
            node_id, node.level, outcome, kept, invented, written.fault
        )

    def _of(self, node: Node) -> frozenset[str]:
        """Return the literals of a node's text: above sections, those of its children together."""
        if node.id not in self._literals:
            self._literals[node.id] = (
                literals(self.tree.source[node.start : node.end])
                if node.level <= SECTION
                else frozenset().union(*(self._of(self.tree.nodes[i]) for i in node.children))
            )
        return self._literals[node.id]


@dataclass(frozen=True)
class _Desk:
    """Where the summaries of one level are written, or found written already."""

    count: Callable[[str], int]
    writer: Writer
    ledger: Ledger
    cache: Cache | None

    def write(self, inputs: Sequence[Sequence[str]], take: Take) -> None:
        """Hand over the summary of each node, as it comes in.

        What is longer than the writer reads is summarised in parts first, then those together.

        Args:
            inputs: the parts that each node is summarised from.
            take: gets each node's place among them and its summary.
        """
        shorter, faults = self._shortened(inputs)
        while shorter != inputs:
            inputs = shorter
            shorter, found = self._shortened(inputs)
            faults |= found
        for i, written in faults.items():
            take(i, written)
        rest = [i for i in range(len(inputs)) if i not in faults]
        self._ask(["\n".join(inputs[i]) for i in rest], lambda k, one: take(rest[k], one))

    def _shortened(
        self, inputs: Sequence[Sequence[str]]
    ) -> tuple[Sequence[Sequence[str]], dict[int, Written]]:
        """Return the inputs, summaries of their parts in place of those that are too long.

        And the faults of those of which some part could not be summarised.
        """
        window, shorter = self.writer.window, list(inputs)
        sizes = [self.count("\n".join(parts)) for parts in inputs]
        long = {i: runs(inputs[i], window, self.count) for i, n in enumerate(sizes) if n > window}
        if not long:
            return inputs, {}
        written: dict[int, Written] = {}
        self._ask([run for some in long.values() for run in some], written.__setitem__)
        faults: dict[int, Written] = {}
        place = 0
        for i, some in long.items():
            told = [written[k] for k in range(place, place + len(some))]
            place += len(some)
            faults.update((i, one) for one in told if one.fault)
            shorter[i] = [] if i in faults else [one.text for one in told]
            if self.count("\n".join(shorter[i])) >= sizes[i]:
                raise SummarizerError(
                    f"the summarizer reads {window} tokens, and its summaries of a longer text's "
                    "parts are no shorter than the parts; give it a larger window or shorter "
                    "summaries"
                )
        return shorter, faults

    def _ask(self, texts: Sequence[str], take: Take) -> None:
        """Hand over the summary of each text, from the cache where it is there."""
        identity = self.writer.identity
        cache = self.cache if identity is not None else None
        places: dict[str, list[int]] = {}  # equal texts are asked for once
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)
        keys = {text: key(identity or "", text) for text in places}
        found = cache.find(list(keys.values())) if cache is not None else {}
        wanted = [text for text in places if keys[text] not in found]

        def hand_over(text: str, written: Written) -> None:
            for place in places[text]:
                take(place, written)

        def arrive(i: int, written: Written) -> None:
            if cache is not None:
                cache.put(keys[wanted[i]], written)
            hand_over(wanted[i], written)

        if wanted:
            self.writer.write(wanted, arrive, self.ledger.record)
        for text in places:
            if written := found.get(keys[text]):
                if written.call is not None:
                    self.ledger.record(replace(written.call, outcome="cache"))
                hand_over(text, written)


def runs(parts: Iterable[str], window: int, count: Callable[[str], int]) -> list[str]:
    """Return parts joined to as few texts as fit into a window, in order.

    A part that alone is too long is cut between words, near the middle.
    """
    found: list[str] = []
    for part in parts:
        for piece in _cut(part, window, count):
            joined = f"{found[-1]}\n{piece}" if found else piece
            if found and count(joined) <= window:
                found[-1] = joined
            else:
                found.append(piece)
    return found


def _cut(text: str, window: int, count: Callable[[str], int]) -> list[str]:
    if count(text) <= window or len(text) < 2:
        return [text]
    middle = len(text) // 2
    place = text.find(" ", middle, middle + len(text) // 4) + 1 or middle
    return [*_cut(text[:place], window, count), *_cut(text[place:], window, count)]
