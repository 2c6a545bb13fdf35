"""The demo: a real document that every Python carries, three questions, an overview."""

import time
from collections.abc import Callable

import hier

QUESTIONS = (
    "When is an object's __del__() method called?",
    "What does the nonlocal statement do?",
    "Which objects can be used as dictionary keys?",
)
BUDGET = 300


def document() -> str:
    """Return Python's own language reference, as ``help()`` carries it."""
    from pydoc_data.topics import topics

    return "\n\n".join(f"# {name}\n\n{text}" for name, text in topics.items())


def run(write: Callable[[str], None]) -> None:
    """Build the document's tree, ask, and show what a model would be sent."""
    text = document()
    started = time.perf_counter()
    tree = hier.build(text)
    seconds = time.perf_counter() - started
    write(f"Python's language reference: {tree.tokens:,} tokens, read once in {seconds:.2f} s.\n")
    tree.compress(QUESTIONS[0], BUDGET)  # the first question loads the table of token vectors
    for question in (*QUESTIONS, None):
        started = time.perf_counter()
        context = tree.compress(question, BUDGET)
        milliseconds = 1000 * (time.perf_counter() - started)
        title = question or "(no question: an overview)"
        rule = "─" * 78
        write(
            f"\n{rule}\n{title}\n{tree.tokens:,} → {context.tokens} tokens of {BUDGET} allowed, "
            f"{milliseconds:.0f} ms, at least {int(100 * context.optimality)}% of the best choice"
            f"\n{rule}\n"
        )
        write(context.text + "\n")
