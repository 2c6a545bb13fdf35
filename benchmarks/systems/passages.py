"""Retrieval of passages: cut a text into whole sentences in a row, rank them, fill the budget.

DOS RAG (Laitenberger, Manning and Liu 2025, arXiv 2506.03989) ranks passages of some 100 tokens by
cosine and gives them to the model in document order; plain RAG gives the most similar first; BM25
(Robertson and Zaragoza 2009) ranks by the words that question and passage share.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import embedding
import numpy as np

from systems import fill
from systems.base import Output, Span, Unavailable
from systems.sentences import passages

PASSAGE = 100
_Score = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Passages:
    """Retrieval of passages.

    Attributes:
        name: as tables show it.
        rule: how it keeps within a budget.
        index: from passages to a function that scores them for a question.
        limit: most tokens of a passage.
        in_order: document order is restored and what does not fit is passed over; else passages
            stand in order of relevance, and the first that does not fit is cut and is the last.
        package: what ranks the passages.
        embedder: whose vectors rank them; None for words.
    """

    name: str
    rule: str
    index: Callable[[list[str]], _Score]
    limit: int = PASSAGE
    in_order: bool = True
    package: str | None = None
    embedder: str | None = None

    def read(self, text: str) -> "_Index":
        """Cut the text into passages and index them."""
        spans = passages(text, self.limit)
        parts = [text[start:end] for start, end in spans]
        return _Index(self, spans, parts, self.index(parts) if parts else None)


@dataclass(frozen=True)
class _Index:
    system: Passages
    spans: tuple[Span, ...]
    parts: list[str]
    score: _Score | None

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Rank the passages once and fill every budget."""
        if self.score is None:
            return [Output("", ()) for _ in budgets]
        order = np.argsort(-self.score(question), kind="stable").tolist()
        return [self._filled(order, budget) for budget in budgets]

    def _filled(self, order: list[int], budget: int) -> Output:
        in_order = self.system.in_order
        taken = fill.fill(self.parts, order, budget, skip=in_order, in_order=in_order)
        spans = [self.spans[index] for index in taken]
        text = fill.GAP.join(self.parts[index] for index in taken)
        if len(taken) < len(order) and not (in_order and taken):
            text, rest = self._with_a_cut_one(text, order[len(taken)], budget)
            spans += rest
        return Output(text, tuple(spans))

    def _with_a_cut_one(self, text: str, index: int, budget: int) -> tuple[str, list[Span]]:
        """What fits of one more passage, behind the others."""
        before = text + fill.GAP if text else ""
        whole = before + self.parts[index]
        kept = fill.cut(whole, budget)
        start, length = self.spans[index][0], len(kept) - len(before)
        return (kept, [(start, start + length)]) if length > 0 else (text, [])


def by_cosine(name: str) -> Callable[[list[str]], _Score]:
    """Rank by cosine of the arena's embedder."""

    def index(parts: list[str]) -> _Score:
        encoder = embedding.encoder(name)
        vectors = encoder.encode(parts)
        return lambda question: vectors @ encoder.encode([question])[0]

    return index


def by_words(parts: list[str]) -> _Score:
    """Rank by BM25 as bm25s computes it, words stemmed, English stop words left out."""
    try:
        import bm25s
        import Stemmer
    except ModuleNotFoundError as error:
        raise Unavailable("pip install 'bm25s>=0.3,<1' 'PyStemmer>=2.2,<4'") from error
    stemmer = Stemmer.Stemmer("english")

    def tokenized(texts: list[str]) -> Any:
        return bm25s.tokenize(
            texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
        )

    def score(question: str) -> np.ndarray:
        asked = tokenized([question])[0]
        return retriever.get_scores(asked) if asked else np.zeros(len(parts), np.float32)

    words, retriever = tokenized(parts), bm25s.BM25()
    if not any(words):
        return lambda question: np.zeros(len(parts), np.float32)
    retriever.index(words, show_progress=False)
    return score


_RESTORED = "whole passages by relevance, what does not fit is passed over; document order"
_PLAIN = "passages by relevance, in that order, the first that does not fit is cut"


def _dense(name: str, rule: str, embedder: str, **how: Any) -> Passages:
    return Passages(name, rule, by_cosine(embedder), embedder=embedder, **how)


SYSTEMS = (
    lambda: Passages("BM25 passages", _RESTORED, by_words, package="bm25s"),
    lambda: _dense("DOS RAG", _RESTORED, embedding.STATIC),
    lambda: _dense("DOS RAG, MiniLM", _RESTORED, embedding.MINILM),
    lambda: _dense("RAG 100, MiniLM", _PLAIN, embedding.MINILM, in_order=False),
    lambda: _dense("RAG 256, MiniLM", _PLAIN, embedding.MINILM, limit=256, in_order=False),
    lambda: _dense("RAG 512, MiniLM", _PLAIN, embedding.MINILM, limit=512, in_order=False),
)
