"""Summaries written by a model: any function from a text to a shorter one."""

from collections.abc import Callable
from typing import Any

from hier.errors import SummarizerError


def checked(summarizer: Any) -> Callable[[str], str]:
    """Guard a user's summarizer: an exception or anything but words is an error.

    Args:
        summarizer: a function from a text to its summary.

    Raises:
        SummarizerError: it is not a function.
    """
    if not callable(summarizer):
        raise SummarizerError(
            f"unknown summarizer {summarizer!r}; known is 'extractive', or pass a function "
            "from a text to its summary"
        )

    def write(text: str) -> str:
        try:
            summary = summarizer(text)
        except Exception as error:
            raise SummarizerError(
                f"the summarizer raised {type(error).__name__}: {error} on a text of "
                f"{len(text)} characters; it must return a shorter text"
            ) from error
        if not isinstance(summary, str):
            raise SummarizerError(
                f"the summarizer returned {type(summary).__name__}; it must return a str"
            )
        return summary.strip()

    return write
