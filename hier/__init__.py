"""hier: reads a long text once, then says what a model should see of it within a token budget."""

from hier.answer import Answer, Beside, Estimate, Step
from hier.ask import ask
from hier.build import build, compress
from hier.citations import Citation
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
from hier.estimate import estimate
from hier.ledger import Ledger, Prices
from hier.store import load
from hier.tree import Node, Tree

__all__ = [
    "Answer",
    "Beside",
    "BudgetError",
    "Citation",
    "Context",
    "Document",
    "EmbedderError",
    "Estimate",
    "HierError",
    "InputError",
    "Ledger",
    "MissingExtraError",
    "ModelError",
    "Node",
    "Pick",
    "Prices",
    "Segment",
    "Span",
    "Step",
    "StoreError",
    "SummarizerError",
    "TokenizerError",
    "Tree",
    "ask",
    "build",
    "compress",
    "estimate",
    "load",
]
__version__ = "0.1.0"
