"""RAPTOR (Sarthi et al., 2024) as LlamaIndex packs it: a tree of clusters, each with a summary.

The tree is the pack's: UMAP and Gaussian mixtures over the arena's embedder, three levels, chunks
of its own example. Its language model is this engine's extractive summary, so the arena needs no
model and a summary's sentences still count as evidence. What a real model would have read and
written is reported as model tokens.
"""

import importlib
import importlib.util
import sys
import types
import warnings
from abc import ABC
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import embedding
import environment

from systems.base import Output, Unavailable
from systems.fill import tokens
from systems.llama_index import asked, core, document, embed_model, place
from systems.pieces import Piece, piece, readable, show, visible
from systems.spans import Finder, locate

_ATTEMPTS = 5  # some of UMAP's layouts are too tight for the mixtures, which then raise
_FENCE = "---------------------"  # around the text in LlamaIndex's tree_summarize prompt
_INSTALL = "pip install 'umap-learn>=0.5.7,<0.6' && pip install --no-deps llama-index-packs-raptor"


@dataclass(frozen=True)
class Raptor:
    """``RaptorRetriever`` over the collapsed tree."""

    name: str = "RAPTOR"
    rule: str = "similarity_top_k is all; nodes of every level by score, cut at the budget"
    package: str | None = "llama-index-packs-raptor"
    embedder: str | None = embedding.MINILM

    def read(self, text: str) -> "_Collapsed":
        """Build the tree."""
        core()
        made = pack()
        from llama_index.core.node_parser import SentenceSplitter

        spent: list[int] = []
        finder = Finder(readable(text))
        if not text.strip():  # its clustering raises on no chunks
            return _Collapsed(text, finder, None, 0)
        splitter = SentenceSplitter(chunk_size=400, chunk_overlap=50, id_func=place)
        for attempt in range(_ATTEMPTS):
            spent.clear()
            try:
                with repeatable(environment.SEED + attempt):
                    retriever = made.RaptorRetriever(
                        [document(text)],
                        llm=_extractive()(spent=spent),
                        embed_model=embed_model(),
                        transformations=[splitter],
                        similarity_top_k=max(1, len(text)),
                        mode="collapsed",
                    )
                break
            except ValueError:
                if attempt == _ATTEMPTS - 1:
                    raise
        return _Collapsed(text, finder, retriever, sum(spent))


@dataclass(frozen=True)
class _Collapsed:
    text: str
    finder: Finder
    retriever: Any
    spent: int

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Retrieve all nodes once, in the order of their scores."""
        found = self.retriever.retrieve(asked(question)) if self.retriever else []
        pieces = [
            piece(self.text, node.text, node.node.start_char_idx, self.finder)
            if node.node.start_char_idx is not None
            else Piece(node.text, None)
            for node in found
        ]
        return [self._shown(visible(pieces, budget)) for budget in budgets]

    def _shown(self, taken: Sequence[Piece]) -> Output:
        """Chunks stand where they were cut; a summary's sentences are looked for."""
        output = show(taken)
        summaries = [piece.text for piece in taken if piece.start is None]
        spans = output.spans + locate(readable(self.text), summaries)
        return replace(output, spans=spans, model_tokens=self.spent)


@cache
def pack() -> Any:
    """The pack's module, imported once."""
    base = "llama_index.core.llama_pack.base"
    if importlib.util.find_spec("llama_index.core.llama_pack") is None:
        # LlamaIndex dropped the class that the pack's outermost wrapper, unused here, derives from.
        sys.modules[base.rpartition(".")[0]] = types.ModuleType(base.rpartition(".")[0])
        sys.modules[base] = types.ModuleType(base)
        sys.modules[base].BaseLlamaPack = ABC
    try:
        with warnings.catch_warnings():
            # umap misses TensorFlow, of which nothing is wanted; the pack says that it is retired,
            # and writes its models the way that Pydantic 1 did.
            warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
            warnings.filterwarnings("ignore", "llama-index-packs-raptor", DeprecationWarning)
            warnings.filterwarnings("ignore", "Support for class-based", DeprecationWarning)
            return importlib.import_module("llama_index.packs.raptor.base")
    except ModuleNotFoundError as error:
        raise Unavailable(_INSTALL) from error


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """The pack gives UMAP no seed: it draws from NumPy's global state, and its threads race."""
    import numba
    import numpy as np

    state, threads = np.random.get_state(), numba.get_num_threads()
    np.random.seed(seed)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        np.random.set_state(state)
        numba.set_num_threads(threads)


@cache
def _extractive() -> Any:
    """This engine as a language model that can only summarise."""
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    class Extractive(CustomLLM):
        spent: Any  # a list, and this one: Pydantic would copy it

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata()

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
            text = prompt.partition(_FENCE)[2].rpartition(_FENCE)[0]
            summary = summarise(text, self.metadata.num_output)
            self.spent += [tokens(prompt), tokens(summary)]
            return CompletionResponse(text=summary)

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            yield self.complete(prompt)

    return Extractive


def summarise(text: str, budget: int) -> str:
    """The sentences of this engine's overview of a text, one after another on lines."""
    import hier

    if not text.strip():
        return ""
    context = hier.compress(text, budget=budget)
    return "\n".join(s.text.strip() for s in context.segments if s.kind == "verbatim")


SYSTEMS = (Raptor,)
