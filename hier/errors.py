"""The errors of hier, one tree: catch ``HierError`` to catch them all.

HierError
├── InputError         the text, file or query cannot be read
├── BudgetError        the budget is not a positive whole number
├── TokenizerError     the tokenizer is unknown, missing or misbehaves
├── EmbedderError      the embedder is unknown, missing or misbehaves
├── SummarizerError    the summarizer is unknown or misbehaves
├── ModelError         a language model is unknown, unreachable or misbehaves
├── StoreError         a saved tree or a corpus is damaged, foreign or cannot be written
└── MissingExtraError  an optional package is not installed

Every message names the value, the limit and the remedy, on one line.
"""


class HierError(Exception):
    """Base of every error that hier raises on purpose."""


class InputError(HierError):
    """The text, file or query cannot be read."""


class BudgetError(HierError):
    """The budget is not a positive whole number of tokens."""


class TokenizerError(HierError):
    """The tokenizer is unknown, missing or misbehaves."""


class EmbedderError(HierError):
    """The embedder is unknown, missing or misbehaves."""


class SummarizerError(HierError):
    """The summarizer is unknown or misbehaves."""


class ModelError(HierError):
    """A language model is unknown, unreachable or misbehaves."""


class StoreError(HierError):
    """A saved tree or a corpus is damaged, foreign or cannot be written."""


class MissingExtraError(HierError):
    """An optional package is not installed; the message carries the pip line.

    Args:
        package: the distribution that is missing.
        purpose: what it is needed for.
        install: the requirement to hand to pip.
    """

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(package, purpose, install)  # as they are: workers send errors home

    def __str__(self) -> str:
        """Return the message."""
        package, purpose, install = self.args
        return f"{package} is needed for {purpose}; install it: pip install '{install}'"
