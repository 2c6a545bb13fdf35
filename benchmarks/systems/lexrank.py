"""LexRank (Erkan and Radev 2004) as sumy computes it: the sentences most like all the others.

It reads no question. Sentences are ours, so that their place in the text is known; words, stems and
stop words are sumy's. Every pair of sentences is compared, 4 microseconds a pair: a text of 400
sentences takes 0.7 s, one of 2,000 takes 16 s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from systems import fill
from systems.base import Output, Span, Unavailable
from systems.sentences import punkt, sentences

# A minute of work, and 128 MB of similarities.
WINDOW = 4_000


@dataclass(frozen=True)
class LexRank:
    """LexRank over all sentences of a text."""

    name: str = "LexRank"
    rule: str = (
        "sentences by rank, what does not fit is passed over; document order; over 4,000 sentences "
        "each 4,000 are ranked apart and taken in turns"
    )
    package: str | None = "sumy"

    def read(self, text: str) -> "_Ranked":
        """Rank the sentences."""
        spans = sentences(text)
        parts = [text[start:end] for start, end in spans]
        return _Ranked(spans, parts, list(_ranked(parts)))


@dataclass(frozen=True)
class _Ranked:
    spans: tuple[Span, ...]
    parts: list[str]
    order: list[int]

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Fill each budget, whatever the question."""
        return [self._filled(budget) for budget in budgets]

    def _filled(self, budget: int) -> Output:
        taken = fill.fill(self.parts, self.order, budget)
        if self.order and not taken:
            best = self.order[0]
            kept, start = fill.cut(self.parts[best], budget), self.spans[best][0]
            return Output(kept, ((start, start + len(kept)),) if kept else ())
        text = fill.GAP.join(self.parts[index] for index in taken)
        return Output(text, tuple(self.spans[index] for index in taken))


def _ranked(parts: list[str]) -> Iterator[int]:
    """Indices of all sentences, the best first."""
    summarizer, tokenizer = _sumy()
    rankings = (
        [start + index for index in _rank(summarizer, tokenizer, parts[start : start + WINDOW])]
        for start in range(0, len(parts), WINDOW)
    )
    turns = chain.from_iterable(zip_longest(*rankings))
    return (index for index in turns if index is not None)


def _rank(summarizer: Any, tokenizer: Any, parts: list[str]) -> list[int]:
    import numpy as np
    from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence

    document = ObjectDocumentModel([Paragraph([Sentence(part, tokenizer) for part in parts])])
    order: list[int] = []

    def keep(rated: list[Any]) -> list[Any]:
        order.extend(info.order for info in rated)
        return []

    # Sentences without a word in common leave sumy to divide zero by zero: no order, not an error.
    with np.errstate(invalid="ignore", divide="ignore"):
        summarizer(document, keep)
    return order


def _sumy() -> tuple[Any, Any]:
    punkt()  # sumy splits words by NLTK, which needs the same tables
    try:
        from sumy.nlp.stemmers import Stemmer
        from sumy.nlp.tokenizers import Tokenizer
        from sumy.summarizers.lex_rank import LexRankSummarizer
        from sumy.utils import get_stop_words
    except ModuleNotFoundError as error:
        raise Unavailable("pip install 'sumy>=0.13,<1'") from error
    summarizer = LexRankSummarizer(Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    return summarizer, Tokenizer("english")


SYSTEMS = (LexRank,)
