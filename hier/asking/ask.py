"""The one call that asks: what is asked for is checked here; ``conversation.py`` has the rest."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hier.asking.answer import Answer
from hier.asking.briefing import Briefing
from hier.asking.conversation import Asking, Mode
from hier.asking.estimate import as_chat, check_question
from hier.asking.purse import Purse
from hier.asking.reasoning import check_reasoning
from hier.asking.subject import subject_of
from hier.budget import read_budget, whole_number
from hier.errors import InputError
from hier.ledger import Ledger, Prices
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.corpus.where import Where

MODES = ("auto", "once", "steps")
_SAMPLE = 4000  # characters of text by which two ways to count tokens are compared


def ask(
    asked: "Tree | Corpus",
    question: str,
    model: Any,
    budget: int = 8000,
    *,
    where: "Where | None" = None,
    mode: Mode = "auto",
    reasoning: float | str | None = None,
    steps: int = 6,
    price: str | float | None = "balanced",
    prices: Prices | None = None,
    ledger: Ledger | None = None,
    on_text: Callable[[str], None] | None = None,
) -> Answer:
    """Answer a question about a text, with citations, within a budget for all that is billed.

    Args:
        asked: the text, or a corpus.
        question: the question.
        model: a name such as ``"ollama/llama3.2"``, a ``LanguageModel``, or what it takes: a
            LlamaIndex LLM, or a function from a prompt to a reply.
        budget: most tokens of all calls together, sent and received. They are counted by the tree's
            tokenizer, with 8 tokens a message and 8 a call beside their text; where the server
            counts more, what is left is reckoned from its numbers. How much more is known from the
            first reply on: build the tree with the model's tokenizer to have it exact.
        where: which documents of a corpus are meant, as in ``Corpus.compress``.
        mode: ``"steps"``, coarse to fine; ``"once"``, one context and one answer; or ``"auto"``,
            coarse to fine where the budget has room for at least two calls.
        reasoning: tokens to think and answer in: a number; ``"estimate"`` for the model's own
            estimate; ``"search"`` to halve them while the answer stays the same; None for as many
            as are left, at most 8,192 a reply.
        steps: most calls, those for estimates, empty replies and searches among them.
        price: what a thousand tokens of context must add, as in ``Tree.compress``; None to fill the
            budget.
        prices: what tokens cost.
        ledger: a ledger that the calls are written down in too.
        on_text: takes the answer's text as it comes; at the end of the reply where the model might
            yet call a tool, or answer again.

    Returns:
        The answer. Where the model said nothing twice, or refused, its text is empty, ``stop`` says
        so, and so does a note in the ledger.

    Raises:
        BudgetError: the budget is not one, or too small for one call that shows anything.
        InputError: the question is blank, or an option is not one.
        ModelError: the model is unknown, unreachable or misbehaves.
    """
    question = check_question(question)
    _check(mode, reasoning, steps)
    budget = whole_number(budget)
    worth = read_budget(asked.tokens, budget, price=price)[1]
    count = asked.tokenizer.count
    chat = as_chat(model, count)
    shared = prices if prices is not None else ledger.prices if ledger else Prices()
    subject = subject_of(asked, question, where)
    sample = subject.tree.source[:_SAMPLE]
    purse = Purse(budget, count, chat, Ledger(shared), ledger, sample)
    tools = "calls" if chat.has_tools else "lines"
    briefing = Briefing(subject, question, tools, worth)
    return Asking(briefing, purse, steps, on_text).run(mode, reasoning)


def _check(mode: Any, reasoning: Any, steps: Any) -> None:
    if mode not in MODES:
        raise InputError(f"mode {mode!r} is unknown; pass {', '.join(map(repr, MODES))}")
    check_reasoning(reasoning)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps {steps!r} is no number of calls; pass a whole number, 1 or more")
    if isinstance(reasoning, str) and steps < 2:
        raise InputError(
            f"reasoning {reasoning!r} takes a call of its own; pass steps of 2 or more"
        )
    if mode == "steps" and steps < 2:
        raise InputError("mode 'steps' takes at least 2 calls; pass steps of 2 or more")
