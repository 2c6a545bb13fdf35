"""Estimates: what a question will take, before anything is paid for answering it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hier.asking import prompts
from hier.asking.answer import Estimate
from hier.asking.briefing import Briefing
from hier.asking.purse import Chat, Purse, count_messages
from hier.asking.reasoning import DEFAULT, LEAST, Thinking, read_estimate
from hier.asking.subject import subject_of
from hier.errors import InputError
from hier.ledger import Ledger
from hier.summarizers.calls import Message
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.corpus.where import Where

REPLY = 64
"""Most tokens of a reply that is one number."""
_CURVE = (256, 512, 1024, 2048, 4096)
_SLACK = 16  # tokens by which texts put together may exceed the sum of theirs


def estimate(
    asked: "Tree | Corpus",
    question: str,
    model: Any = None,
    *,
    where: "Where | None" = None,
    ledger: Ledger | None = None,
) -> Estimate:
    """Say what a question will take, before it is asked.

    Args:
        asked: the text, or a corpus.
        question: the question.
        model: as for ``ask``, to estimate by itself how many tokens it needs to think and answer;
            None for a plain default, and then nothing is sent.
        where: which documents of a corpus are meant, as in ``Corpus.compress``.
        ledger: where the model's call is written down.

    Raises:
        InputError: the question is not text, or blank.
        ModelError: the model is unknown, unreachable or misbehaves.
    """
    question = check_question(question)
    briefing = Briefing(subject_of(asked, question, where), question, "", 0.0)
    if model is None:
        return estimated(briefing, None)
    messages, unlimited = estimate_messages(question), 1 << 40
    count = asked.tokenizer.count
    purse = Purse(unlimited, count, as_chat(model, count), Ledger() if ledger is None else ledger)
    return estimated(briefing, ask_estimate(purse, messages))


def estimated(briefing: Briefing, reasoning: int | None, curve: bool = True) -> Estimate:
    """Return the estimate for a question.

    Args:
        briefing: the question and its text.
        reasoning: the model's own estimate of its reasoning; None for the default.
        curve: look at other budgets too.
    """
    tree, question = briefing.tree, briefing.question
    context = tree.compress(question, "auto")
    budgets = [budget for budget in _CURVE if budget < tree.tokens] or [max(1, tree.tokens)]
    prompt = empty_price(briefing, Thinking(DEFAULT, DEFAULT, DEFAULT))
    found = Estimate(
        question=question,
        context=context.tokens,
        covers=context.coverage,
        reasoning=DEFAULT,
        asked=False,
        prompt=prompt,
        total=prompt + context.tokens + DEFAULT,
        least=least_budget(briefing),
        whole=prompt + briefing.subject.tokens + DEFAULT,
        curve=tuple(tree.curve(question, budgets)) if curve else (),
    )
    return found if reasoning is None else with_reasoning(found, reasoning)


def with_reasoning(found: Estimate, reasoning: int) -> Estimate:
    """Return an estimate with the model's own for its reasoning."""
    more = reasoning - found.reasoning
    return replace(
        found,
        reasoning=reasoning,
        asked=True,
        total=found.total + more,
        whole=found.whole + more,
    )


def least_budget(briefing: Briefing) -> int:
    """Return the smallest budget that one call with anything to read fits into."""
    plain = Thinking(None, LEAST, LEAST)
    return empty_price(briefing, plain) + briefing.least() + LEAST + _SLACK


def empty_price(briefing: Briefing, thinking: Thinking) -> int:
    """Return the tokens of a call that shows nothing of the text."""
    return count_messages(briefing.count, briefing.last(thinking, 0))


def estimate_messages(question: str) -> list[Message]:
    """Return what a model is asked for its estimate."""
    return [Message("user", prompts.ESTIMATE.format(question=question))]


def ask_estimate(purse: Purse, messages: list[Message]) -> int | None:
    """Ask a model how many tokens it needs; None, and a note, where it names no number."""
    reply = purse.call(messages, REPLY, lambda _: "selecting")
    number = read_estimate(reply.text)
    if number is None:
        purse.note(f"the model estimated no number of tokens; {DEFAULT} are reckoned with")
    return number


def check_question(question: Any) -> str:
    """Return a question that is one.

    Raises:
        InputError: it is not text, or blank.
    """
    if not isinstance(question, str):
        raise InputError(f"a question of type {type(question).__name__} is not text; pass a str")
    if not question.strip():
        raise InputError("the question is empty or blank; pass one in words")
    return question.strip()


def as_chat(model: Any, count: Callable[[str], int]) -> Chat:
    """Turn what the user handed over into a model that is asked.

    Args:
        model: a name, a ``LanguageModel``, or what it takes.
        count: the tree's tokenizer, for a model whose server tells no tokens.

    Raises:
        ModelError: it is none.
    """
    if all(hasattr(model, name) for name in ("chat", "has_tools", "window", "name")):
        chat: Chat = model
        return chat
    from hier.summarizers.language_model import LanguageModel

    if isinstance(model, str):
        from hier.summarizers.providers import load_model

        model = load_model(model)
    return LanguageModel(model, count=count)
