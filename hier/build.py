"""Building: a text becomes a tree, in one pass.

Tokens and words are found side by side, leaves are cut, and everything above them is sums of
leaves: vectors, lengths, sizes. Neural vectors and a model's summaries, where the user asked for
them, are made last, over the finished tree.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hier.blocks import BlockKind
from hier.carry_over import Kept, carry_over, regroup
from hier.context import Context
from hier.document import Document, as_document
from hier.ledger import Ledger
from hier.levels import MOST_CHILDREN, MOST_LEAVES, group, targets, valley
from hier.relevance import LEARNED, check_relevance
from hier.retrieval import descent
from hier.retrieval.features import NEURAL_LEVELS
from hier.retrieval.index import WordIndex, index_words
from hier.retrieval.offers import find_offers
from hier.retrieval.relevance import DEFAULT as RELEVANCE
from hier.retrieval.relevance import Level
from hier.retrieval.static import load_static, sum_rows, unit
from hier.retrieval.words import find_words
from hier.segment import segment
from hier.structure import Structure, read_structure
from hier.summarizers.extractive import Choice, choose
from hier.tokens import DEFAULT_TOKENIZER, load_tokenizer
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.assignment import Writers

Progress = Callable[[str, int, int], None]
LEAF_TOKENS = 120
_SHORT = 100_000  # characters
_VALLEY_WIDTH = 3
_WHOLE_TOKENS = 20  # a shorter sentence says little on its own
_ENDINGS = ".!?…。！？．｡؟۔।॥"
_CLOSING = " \t\r\n\f\"'”’)]»*_`"
# Sentences that begin so lean on the one before and read badly alone.
_LEANING = frozenset(
    "he she it they this that these those his her its their such however but and so also then "
    "thus therefore moreover furthermore instead otherwise nevertheless".split()
)


def build(
    source: str | Path | Document,
    *,
    embedder: Any = "static",
    summarizer: Any = "extractive",
    tokenizer: Any = DEFAULT_TOKENIZER,
    relevance: str | Path = LEARNED,
    cache: Path | bool = True,
    ledger: Ledger | None = None,
    previous: Tree | None = None,
    progress: Progress | None = None,
) -> Tree:
    """Read a text once into a tree.

    Args:
        source: the text, a ``Path`` of a text file, or a ``Document``.
        embedder: ``"static"``, a sentence-transformers name or folder, a LlamaIndex
            ``BaseEmbedding``, or any object with ``encode(list[str]) -> array``.
        summarizer: ``"extractive"``; a model's name (``"ollama/llama3.2"``), a LlamaIndex ``LLM``
            or a ``hier.LanguageModel``, a ``hier.Seq2Seq``, or a function from a text to a
            shorter one, for sections and what lies above; or a mapping from levels to these:
            ``{"1,2": "extractive", "3+": llm}``.
        tokenizer: an encoding name, a Hugging Face tokenizer, or any function from str to int.
        relevance: how a question is weighed: ``"learned"``; ``"plain"``, the sum of cosine and BM25
            over the levels; or the ``Path`` of weights made by ``scripts/train_relevance.py``.
        cache: where a model's summaries are kept, so that none is paid for twice: True for the
            user's cache (``HIER_CACHE`` names another folder), the ``Path`` of a file, or False.
        ledger: where the calls are recorded as they are made, with prices; ``tree.ledger`` has
            those of this build.
        previous: a tree of an earlier version of the text: nodes that hold nothing new stay as
            they were there, so that few summaries of a model are to be written anew.
        progress: called with (what, done, total) during neural encoding and model calls.

    Raises:
        InputError: the source is empty, blank or cannot be read; or the relevance is unknown.
        TokenizerError: the tokenizer is unknown or misbehaves.
        EmbedderError: the embedder is unknown or misbehaves.
        SummarizerError: the summarizer is unknown or misbehaves.
        ModelError: a language model cannot be reached, or will not go on.
        StoreError: the cache cannot be used.
    """
    document = as_document(source)
    counter = load_tokenizer(tokenizer)
    neural = None
    if not (isinstance(embedder, str) and embedder == "static"):
        from hier.retrieval.embedders import load_embedder

        neural = load_embedder(embedder)
    writers = _read_summarizer(summarizer)
    weighed_by = check_relevance(relevance)

    text, table = document.text, load_static()
    with _beside(len(text)) as submit:  # the encoder works outside the interpreter lock
        counting = submit(counter.sizes, text)
        words = find_words(text)
        segmentation = segment(
            text, lambda s, e: counting()(s, e), LEAF_TOKENS, document.blocks, _rows_of(document)
        )
        sizes = counting()
    structure = read_structure(segmentation)
    leaves = segmentation.leaves
    leaf_tokens = sizes(leaves.start, leaves.end).astype(np.int32)
    index, word_vectors = index_words(
        text, leaves.start, structure.path_of, structure.paths, table, words
    )
    vectors = index.leaves.dot(word_vectors)
    path_vectors = index.paths.dot(word_vectors)
    kept = None if previous is None else _carry_over(previous, text, leaves.start)
    grown = _grow(leaf_tokens, vectors, structure, kept)
    levels = tuple(_measure(grown, index, path_vectors))
    firsts = [level.first_leaf for level in levels]
    worth = _worth(text, leaves.start, leaf_tokens, structure)
    summaries = _summarise(firsts, vectors, leaf_tokens, worth)
    tree = Tree(
        document=document,
        tokenizer=counter,
        embedder="static" if neural is None else neural.name,
        relevance=weighed_by,
        leaf_start=leaves.start,
        leaf_tokens=leaf_tokens,
        block=leaves.block.astype(np.int32),
        worth=worth.astype(np.float16),
        offers=find_offers(text, leaves.start),
        opens=structure.opens,
        path_offsets=np.concatenate([[0], np.cumsum([len(p) for p in structure.paths])]),
        path_leaves=np.array([leaf for path in structure.paths for leaf in path], np.int32),
        index=index,
        levels=levels,
        summaries=summaries,
    )
    if neural is not None:
        tree = _encode(tree, neural, progress)
    if writers is None:
        return tree
    from hier.summaries import open_cache, write_summaries

    with open_cache(cache, writers) as opened:
        return write_summaries(tree, writers, ledger or Ledger(), opened, progress)


def compress(
    source: str | Path | Document,
    query: str | Sequence[str] | None = None,
    budget: int | str = 2000,
    **options: Any,
) -> Context:
    """Build a tree and compress it once.

    Args:
        source: as for ``build``.
        query: as for ``Tree.compress``.
        budget: as for ``Tree.compress``.
        options: as for ``build`` and ``Tree.compress``.

    Raises:
        HierError: as for ``build`` and ``Tree.compress``.
        TypeError: neither has such an option.
    """
    named = inspect.signature(build).parameters
    building = {name: options.pop(name) for name in tuple(options) if name in named}
    # What is misspelt is said before a long text is read, and a model paid to summarise it.
    inspect.signature(Tree.compress).bind(None, query, budget, **options)
    return build(source, **building).compress(query, budget, **options)


@contextmanager
def _beside(characters: int) -> Iterator[Callable[..., Callable[[], Any]]]:
    """Yield what calls a function beside this thread, and returns what waits for its result.

    For a short text a thread costs more than it gains, and the call is made when it is asked for.
    """
    if characters < _SHORT:
        yield lambda call, *arguments: functools.cache(functools.partial(call, *arguments))
        return
    with ThreadPoolExecutor(1) as pool:
        yield lambda call, *arguments: pool.submit(call, *arguments).result


def _rows_of(document: Document) -> np.ndarray | None:
    """Return where the rows of a file of rows begin; None for others."""
    places = document.places
    return places.start if places is not None and places.kind == "row" else None


def _read_summarizer(summarizer: Any) -> "Writers | None":
    """Return who writes summaries; None where they are extractive, and nothing else is needed."""
    if isinstance(summarizer, str) and summarizer == "extractive":
        return None
    from hier.assignment import read_summarizer

    return read_summarizer(summarizer)


def _carry_over(previous: Tree, text: str, leaf_start: np.ndarray) -> Kept | None:
    """Carry the bounds of an earlier tree over to a text; None if they have nothing in common."""
    old, new = (
        [source[s:e] for s, e in itertools.pairwise([*starts.tolist(), len(source)])]
        for source, starts in ((previous.source, previous.leaf_start), (text, leaf_start))
    )
    kept = carry_over(old, [level.first_leaf for level in previous.levels[1:]], new)
    return kept if (kept.old_of >= 0).any() else None


def _grow(
    leaf_tokens: np.ndarray,
    vectors: np.ndarray,
    structure: Structure,
    kept: Kept | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield every level, leaves first, up to one root: each node's first leaf and its vector."""
    heading = (structure.opens >= 0) & (structure.kind == BlockKind.HEADING)
    must = heading.copy()
    must[1:] &= ~heading[:-1]  # headings in a row belong together
    first, sizes = np.arange(len(leaf_tokens)), leaf_tokens.astype(np.int64)
    cuts = np.where(must, np.inf, structure.cut + valley(vectors, _VALLEY_WIDTH))
    yield first, vectors
    least, most = 1, MOST_LEAVES
    for level, target in enumerate(targets()):
        if kept is not None and level < len(kept.bounds):
            bounds = regroup(kept, level, first, sizes, cuts, (target, least, most))
        else:
            bounds = group(sizes, cuts, target, least, most)
        starts = bounds[:-1]
        first = first[starts]
        sizes = np.add.reduceat(sizes, starts)
        vectors = sum_rows(vectors, starts)
        yield first, vectors
        if len(first) == 1:
            return
        cuts = structure.cut[first] + valley(vectors, 1)
        least, most = 2, MOST_CHILDREN


def _measure(
    levels: Iterable[tuple[np.ndarray, np.ndarray]], index: WordIndex, path_vectors: np.ndarray
) -> Iterator[Level]:
    """Yield what relevance needs to know of each level."""
    leaf_words = _row_sums(index.leaves.offsets, index.leaves.counts)
    path_words = _row_sums(index.paths.offsets, index.paths.counts)
    for number, (first, sums) in enumerate(levels):
        words = np.add.reduceat(leaf_words, first)
        if number < RELEVANCE.headed_levels:
            path = index.path_of[first]
            sums = sums + path_vectors[path]
            words = words + path_words[path]
        lengths = np.maximum(np.sqrt(np.einsum("ij,ij->i", sums, sums)), 1e-9)
        level = Level(first, lengths.astype(np.float32), words.astype(np.float32))
        if number == descent.TOP and len(index.leaves) > descent.MOST:
            level = replace(level, static=(sums / lengths[:, None]).astype(np.float16))
        yield level


def _row_sums(offsets: np.ndarray, values: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    totals: np.ndarray = sums[offsets[1:]] - sums[offsets[:-1]]
    return totals


def _worth(
    text: str, leaf_start: np.ndarray, leaf_tokens: np.ndarray, structure: Structure
) -> np.ndarray:
    """Return how well each leaf stands alone in a summary, float32, 0 to 1."""
    starts = leaf_start.tolist()
    spans = zip(starts, [*starts[1:], len(text)], strict=True)
    worth = np.array([_reads_alone(text[start:end]) for start, end in spans], np.float32)
    worth *= np.minimum(leaf_tokens / _WHOLE_TOKENS, 1)
    worth[np.isin(structure.kind, (BlockKind.CODE, BlockKind.TABLE))] *= 0.3
    worth[(structure.kind == BlockKind.HEADING) | (structure.opens >= 0)] = 0.05
    return worth


def _reads_alone(sentence: str) -> float:
    """Return 1 for a whole sentence, less for one that is cut, or leans on those around it."""
    words = sentence.split(None, 1)
    last = sentence.rstrip(_CLOSING)[-1:]
    worth = 1.0 if last in _ENDINGS else 0.3 if last == ":" else 0.7
    if sentence[0].islower():
        worth *= 0.7
    if words and words[0].strip(",").lower() in _LEANING:
        worth *= 0.8
    return worth


def _summarise(
    firsts: list[np.ndarray], vectors: np.ndarray, leaf_tokens: np.ndarray, worth: np.ndarray
) -> tuple[Choice, ...]:
    """Choose the extractive summary of every node above the leaves, from its children's."""
    n_leaves = len(leaf_tokens)
    below = Choice(np.arange(n_leaves + 1), np.arange(n_leaves))
    below_first = firsts[0]
    summaries = []
    for first in firsts[1:]:
        children = np.append(np.searchsorted(below_first, first), len(below_first))
        candidates = Choice(below.offsets[children], below.sentences)
        below = choose(vectors, leaf_tokens, worth, candidates)
        below_first = first
        summaries.append(below)
    return tuple(summaries)


def _encode(tree: Tree, neural: Any, progress: Progress | None) -> Tree:
    """Add neural vectors, of leaves and passages each in one pass, headings read before them.

    What lies above is longer than such models read: it is the sum of its passages, by length.
    """
    leaves, passages = embedded_texts(tree)
    report = None if progress is None else lambda done, total: progress("encoding", done, total)
    vectors = neural.encode([*leaves, *passages], report).astype(np.float16)
    own = [vectors[: len(leaves)], vectors[len(leaves) :]]
    levels = [replace(level, vectors=v) for level, v in zip(tree.levels, own, strict=False)]
    first = tree.levels[min(1, len(tree.levels) - 1)].first_leaf
    weighed = np.add.reduceat(tree.leaf_tokens, first)[:, None] * own[1].astype(np.float32)
    for level in tree.levels[len(levels) : NEURAL_LEVELS]:
        sums = sum_rows(weighed, np.searchsorted(first, level.first_leaf))
        levels.append(replace(level, vectors=unit(sums).astype(np.float16)))
    levels += tree.levels[len(levels) :]
    return replace(tree, levels=tuple(levels), encode_query=neural.encode_query)


def embedded_texts(tree: Tree) -> tuple[list[str], list[str]]:
    """Return what a neural embedder reads of a tree: the texts of its leaves, and of passages."""
    passages = tree.levels[min(1, len(tree.levels) - 1)].first_leaf
    return _headed(tree, np.arange(len(tree.leaf_start))), _headed(tree, passages)


def _headed(tree: Tree, first: np.ndarray) -> list[str]:
    """Return the texts of the nodes of a level, each behind what it stands under."""
    layout = tree.layout()
    ends = np.append(first[1:], len(tree.leaf_start))
    return [
        layout.crumb(layout.fresh(int(tree.index.path_of[start])))
        + layout.head(start)
        + tree.source[layout.leaf_span(start)[0] : layout.leaf_span(end - 1)[1]]
        for start, end in zip(first.tolist(), ends.tolist(), strict=True)
    ]
