"""hier: reads a long text once, then says what a model should see of it within a token budget."""

import importlib
import typing

from hier.build import build, compress
from hier.context import Context, Pick, Segment
from hier.document import Document, Span
from hier.errors import (
    BudgetError,
    EmbedderError,
    HierError,
    InputError,
    MissingExtraError,
    ModelError,
    StoreError,
    SummarizerError,
    TokenizerError,
)
from hier.ledger import Ledger, Prices
from hier.nodes import Node
from hier.store import load
from hier.tree import Tree

if typing.TYPE_CHECKING:
    from hier.asking.answer import Answer
    from hier.asking.ask import ask
    from hier.asking.estimate import estimate
    from hier.corpus.corpus import Corpus
    from hier.messages.compressing import Messages, compress_messages
    from hier.rehearsal import estimate_build
    from hier.summarizers.language_model import LanguageModel
    from hier.summarizers.providers import load_model
    from hier.summarizers.seq2seq import Seq2Seq

# What corpora and language models need is imported when it is first named.
_LATE = {
    "Answer": "hier.asking.answer",
    "Corpus": "hier.corpus.corpus",
    "LanguageModel": "hier.summarizers.language_model",
    "Messages": "hier.messages.compressing",
    "Seq2Seq": "hier.summarizers.seq2seq",
    "ask": "hier.asking.ask",
    "compress_messages": "hier.messages.compressing",
    "estimate": "hier.asking.estimate",
    "estimate_build": "hier.rehearsal",
    "load_model": "hier.summarizers.providers",
}

__all__ = [
    "Answer",
    "BudgetError",
    "Context",
    "Corpus",
    "Document",
    "EmbedderError",
    "HierError",
    "InputError",
    "LanguageModel",
    "Ledger",
    "Messages",
    "MissingExtraError",
    "ModelError",
    "Node",
    "Pick",
    "Prices",
    "Segment",
    "Seq2Seq",
    "Span",
    "StoreError",
    "SummarizerError",
    "TokenizerError",
    "Tree",
    "ask",
    "build",
    "compress",
    "compress_messages",
    "estimate",
    "estimate_build",
    "load",
    "load_model",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> typing.Any:
    """Import what is named late."""
    if name not in _LATE:
        raise AttributeError(f"module 'hier' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
