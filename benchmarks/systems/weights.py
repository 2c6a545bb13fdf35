"""Compressors that need the weights of a model: LLMLingua-2, LongLLMLingua and Provence.

Nothing is downloaded: a system runs where its weights are in the Hugging Face cache, and is listed
as not run everywhere else. LongLLMLingua's code (llmlingua 0.2.2) reads what transformers before 5
keeps of a text. Provence's weights may not be used commercially (CC BY-NC 4.0).
"""

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import data
import environment

from systems import fill
from systems.base import Output, Span, Unavailable
from systems.sentences import passages
from systems.spans import Finder, locate

LLMLINGUA2 = "microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank"
LONG_LLMLINGUA = "NousResearch/Llama-2-7b-hf"
PROVENCE = "naver/provence-reranker-debertav3-v1"
# Well within the 512 tokens that LLMLingua-2 and Provence read at a time, the question included.
PASSAGE = 256
# The next word of a source begins within so many characters.
_NEAR = 50
_WORD_SEPARATOR, _LABEL_SEPARATOR = "\0\0", "\0"


@dataclass(frozen=True)
class LLMLingua2:
    """LLMLingua-2 (Pan et al. 2024): which words to keep, whatever the question."""

    name: str = "LLMLingua-2"
    rule: str = "target_token is the budget, cut there where more comes out"
    package: str | None = "llmlingua"
    model: str = LLMLINGUA2

    def read(self, text: str) -> "_Lingua2":
        """Load the model; how much is kept depends on the budget."""
        return _Lingua2(text, _compressor(self.model, use_llmlingua2=True))


@dataclass(frozen=True)
class _Lingua2:
    text: str
    compressor: Any
    known: dict[int, Output] = field(default_factory=dict)

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Compress to each budget, once for all questions."""
        for budget in budgets:
            if budget not in self.known:
                self.known[budget] = self._compressed(budget)
        return [self.known[budget] for budget in budgets]

    def _compressed(self, budget: int) -> Output:
        parts = _parts(self.text)
        if not parts:
            return Output("", ())
        made = self.compressor.compress_prompt(
            parts,
            target_token=budget,
            return_word_label=True,
            word_sep=_WORD_SEPARATOR,
            label_sep=_LABEL_SEPARATOR,
        )
        kept = fill.cut(made["compressed_prompt"], budget)
        labelled = made["fn_labeled_original_prompt"].split(_WORD_SEPARATOR)
        words = [pair.split(_LABEL_SEPARATOR) for pair in labelled]
        return Output(kept, _kept_words(self.text, words, kept))


@dataclass(frozen=True)
class LongLLMLingua:
    """LongLLMLingua (Jiang et al. 2024): tokens that a language model needs, given the question."""

    name: str = "LongLLMLingua"
    rule: str = "target_token is the budget, document order, cut where more comes out"
    package: str | None = "llmlingua"
    model: str = LONG_LLMLINGUA

    def read(self, text: str) -> "_LongLingua":
        """Load the model; all else depends on the question."""
        if int(importlib.metadata.version("transformers").partition(".")[0]) > 4:
            raise Unavailable(f"pip install llmlingua 'transformers<5'; hf download {self.model}")
        return _LongLingua(text, _compressor(self.model, use_llmlingua2=False))


@dataclass(frozen=True)
class _LongLingua:
    text: str
    compressor: Any

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Compress to each budget."""
        return [self._compressed(question, budget) for budget in budgets]

    def _compressed(self, question: str, budget: int) -> Output:
        parts = _parts(self.text)
        if not parts:
            return Output("", ())
        made = self.compressor.compress_prompt(
            parts,
            question=question,
            target_token=budget,
            rank_method="longllmlingua",
            condition_in_question="after_condition",
            condition_compare=True,
            dynamic_context_compression_ratio=0.3,
            concate_question=False,
        )
        kept = fill.cut(made["compressed_prompt"], budget)
        read = sum(map(fill.tokens, parts))
        return Output(kept, locate(self.text, kept.split()), model_tokens=read)


@dataclass(frozen=True)
class Provence:
    """Provence (Chirkova et al. 2025): passages scored and pruned of sentences by one model."""

    name: str = "Provence"
    rule: str = (
        "what is left of each 256-token passage, by the model's score, what does not fit is passed "
        "over; document order"
    )
    package: str | None = "transformers"
    model: str = PROVENCE

    def read(self, text: str) -> "_Provence":
        """Cut the text into passages and load the model."""
        return _Provence(text, passages(text, PASSAGE), _provence(self.model))


@dataclass(frozen=True)
class _Provence:
    text: str
    spans: tuple[Span, ...]
    model: Any

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Score and prune all passages once, then fill every budget."""
        if not self.spans:
            return [Output("", ()) for _ in budgets]
        made = self.model.process(
            question=[question],
            context=[_parts(self.text)],
            title=None,
            enable_warnings=False,
        )
        pruned = [part.strip() for part in made["pruned_context"][0]]
        scores = made["reranking_score"][0]
        order = sorted(range(len(pruned)), key=lambda i: -float(scores[i]))
        return [self._filled(pruned, order, budget) for budget in budgets]

    def _filled(self, pruned: list[str], order: list[int], budget: int) -> Output:
        found: list[Span] = []
        taken = fill.fill(pruned, (index for index in order if pruned[index]), budget)
        for index in taken:
            start, end = self.spans[index]
            inside = locate(self.text[start:end], [pruned[index]])
            found += [(start + first, start + last) for first, last in inside]
        return Output(fill.GAP.join(pruned[index] for index in taken), tuple(found))


def _parts(text: str) -> list[str]:
    return [text[start:end] for start, end in passages(text, PASSAGE)]


def _kept_words(text: str, words: list[list[str]], kept: str) -> tuple[Span, ...]:
    """Spans of the words labelled as kept, as many of them as a cut text holds.

    Args:
        text: the source.
        words: every word of the source in order, with its label.
        kept: what came out.
    """
    finder, output = Finder(text), Finder(kept)
    found, after, stands = [], 0, 0
    for word, label in words:
        span = finder.find(word, after)
        if span is None or span[0] > after + _NEAR:  # spelt otherwise: go on behind it
            after += len(word)
            continue
        after = span[1]
        if label == "1" and (place := output.find(word, stands)):
            stands = place[1]
            found.append(span)
    return tuple(found)


@cache
def _compressor(model: str, use_llmlingua2: bool) -> Any:
    _require("llmlingua", "pip install 'llmlingua>=0.2.2,<1'", model)
    environment.tiktoken_encoding(data.TOKENIZER)  # its table is found before llmlingua asks
    import torch
    from llmlingua import PromptCompressor

    try:
        return PromptCompressor(
            model,
            device_map="cuda" if torch.cuda.is_available() else "cpu",
            model_config={"local_files_only": True, "trust_remote_code": False},
            use_llmlingua2=use_llmlingua2,
        )
    except OSError as error:
        raise _no_weights(model) from error


@cache
def _provence(model: str) -> Any:
    _require("transformers", "pip install 'transformers>=4.45'", model)
    import torch
    from transformers import AutoModel

    try:
        loaded = AutoModel.from_pretrained(model, trust_remote_code=True, local_files_only=True)
    except OSError as error:
        raise _no_weights(model) from error
    return loaded.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _require(package: str, remedy: str, model: str) -> None:
    """Look for a package and the weights' folder without importing much or asking a server."""
    if importlib.util.find_spec(package) is None:
        raise Unavailable(f"{remedy}; hf download {model}")
    from huggingface_hub import try_to_load_from_cache

    if not isinstance(try_to_load_from_cache(model, "config.json"), str):
        raise _no_weights(model)


def _no_weights(model: str) -> Unavailable:
    return Unavailable(f"weights of {model} are not here; hf download {model}")


SYSTEMS = (LLMLingua2, LongLLMLingua, Provence)
