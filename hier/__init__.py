"""hier: reads a long text once, then says what a model should see of it within a token budget."""

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
from hier.store import load
from hier.tree import Node, Tree

__all__ = [
    "BudgetError",
    "Context",
    "Document",
    "EmbedderError",
    "HierError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "Node",
    "Pick",
    "Segment",
    "Span",
    "StoreError",
    "SummarizerError",
    "TokenizerError",
    "Tree",
    "build",
    "compress",
    "load",
]
__version__ = "0.1.0"
