"""Asking: a model answers a question about a text within one budget for all that is billed.

Coarse to fine: the first call sees a small context and the outline of the text; the model answers,
or asks for a node or for other words. Every call is made only if, at its worst, one more call that
answers is still paid for; so what is left is always enough to end with an answer:

    left >= input + output of this call + input + output of the last one

Tokens of context are paid for in every call that shows them, so each step is granted half of what
the calls to come can carry. The last call shows the parts alone, without outline and tools.
"""

from collections.abc import Callable
from typing import Literal

from hier.asking.answer import Answer, Ending, compare
from hier.asking.briefing import Briefing
from hier.asking.estimate import REPLY, ask_estimate, estimate_messages, estimated, with_reasoning
from hier.asking.protocol import AT_ONCE, TOOLS, AnswerStream, Said, Wanted, read_reply
from hier.asking.purse import Purse
from hier.asking.reasoning import LEAST, Thinking, same, think
from hier.errors import BudgetError
from hier.summarizers.calls import Message, Purpose, Reply

Mode = Literal["auto", "once", "steps"]
_FIRST = 10  # the first context has at most one in so many tokens of the budget
_OUTLINE = 25  # the outline one in so many
_CHEAP = 2  # the whole text is sent if it takes at most one in so many
_STEP = 64  # tokens of context that a further step must be able to show
_USEFUL = 256  # with less to show, the next call is the last
_SLACK = 8  # tokens by which texts put together may exceed the sum of theirs


class Asking:
    """One question on its way to an answer.

    Args:
        briefing: what the model is told.
        purse: what is left to spend.
        steps: most calls.
        on_text: takes the answer's text as it comes.
    """

    def __init__(
        self,
        briefing: Briefing,
        purse: Purse,
        steps: int,
        on_text: Callable[[str], None] | None,
    ) -> None:
        """Begin with nothing asked."""
        self.briefing, self.purse, self.steps, self.on_text = briefing, purse, steps, on_text
        self.tools = TOOLS if briefing.tools == "calls" else ()
        self.thinking = think(None, purse.budget)
        self._stream: AnswerStream | None = None

    def run(self, mode: Mode, reasoning: float | str | None) -> Answer:
        """Ask, and return the answer."""
        briefing, purse = self.briefing, self.purse
        before = estimated(briefing, None, curve=False)
        self._check_budget(before.least)
        told = None
        if reasoning == "estimate":
            told = self._ask_estimate(before.least)
            before = before if told is None else with_reasoning(before, told)
        self.thinking = think(reasoning, purse.left, before.reasoning)
        said, stop = self._converse(mode)
        if self.thinking.tries > 1 and said.answer:
            said = self._search(said)
        if self._stream is not None:
            self._stream.end(said.answer)
        citations, unknown = briefing.numbering.find(said.answer, briefing.pieces)
        if stop != "budget" and not said.answer:
            purse.note("the model gave no answer; its text is empty, what it was shown is there")
        words = briefing.count(said.answer)
        tokens = briefing.subject.tokens
        ledger = purse.ledger
        return Answer(
            question=briefing.question,
            text=said.answer,
            citations=tuple(briefing.subject.cited(piece) for piece in citations),
            unknown_citations=unknown,
            thought=said.thought,
            contexts=tuple(briefing.contexts),
            steps=tuple(briefing.steps),
            stop=stop,
            budget=purse.budget,
            tokens=purse.spent,
            ledger=ledger,
            estimate=before,
            beside=compare(ledger, before.prompt, tokens, words),
        )

    def _converse(self, mode: Mode) -> tuple[Said, Ending]:
        """Show, listen, show more, until there is an answer."""
        if self.briefing.whole(self._most_at_once() // _CHEAP):
            return self._answer("answered")
        first = self._first() if mode != "once" and self.steps > 1 else 0
        if not first:
            if mode == "steps":
                self._refuse_steps()
            self.briefing.look(Wanted("overview", None), self._most_at_once())
            return self._answer("answered")
        self.briefing.look(Wanted("overview", None), first)
        while True:
            if self.purse.calls + 1 >= self.steps:
                return self._answer("steps")
            if self._spare() < 0:
                return self._answer("budget")
            reply, said = self._call_for_more()
            if said.answer:
                return said, "answered"
            if reply.finish == "refused":
                return said, "refused"
            if not said.wanted:
                self.purse.note("an empty reply: asked again, to answer from what was shown")
                return self._answer("answered")
            if self._serve(said.wanted):
                return self._answer("price")

    # What may be spent

    def _check_budget(self, least: int) -> None:
        budget, window = self.purse.budget, self.purse.window
        if budget < least:
            raise BudgetError(
                f"budget {budget} is below the least for this question, {least} tokens for one "
                "call that shows anything; raise the budget"
            )
        if window is not None and window < least:
            raise BudgetError(
                f"the model's window of {window} tokens is below the least for this question, "
                f"{least} tokens for one call that shows anything; ask a model with a larger one"
            )

    def _ask_estimate(self, least: int) -> int | None:
        """Ask the model how much it needs to think, if an answer can be paid for afterwards."""
        messages = estimate_messages(self.briefing.question)
        price = self.purse.price(messages)
        if self.purse.left < least + price + REPLY or self.purse.room(price) < REPLY:
            raise BudgetError(
                f"budget {self.purse.budget} is below the least for an estimate and an answer, "
                f"{least + price + REPLY} tokens; raise it, or pass a number as reasoning"
            )
        return ask_estimate(self.purse, messages)

    def _most_at_once(self) -> int:
        """Return the most tokens of context that the last call, or its tries, can carry."""
        thinking, purse = self.thinking, self.purse
        empty = purse.price(self.briefing.last(thinking)) + purse.scaled(_SLACK)
        free = min(
            (purse.left - thinking.reserve) // thinking.tries - empty,
            purse.room(empty) - thinking.kept,
        )
        least = purse.scaled(self.briefing.least())
        if free < least:  # a short answer is better than none
            free = min(least, purse.room(empty) - LEAST)
        return max(0, int(free / purse.ratio))

    def _first(self) -> int:
        """Return the tokens of the first context; 0 if two calls cannot be paid for."""
        budget = self.purse.left if self.purse.window is None else self.purse.window
        budget = min(budget, self.purse.left)
        self.briefing.draw_outline(budget // _OUTLINE)
        free = min(budget // _FIRST, self._carried() // 2)
        return free if free >= self.briefing.least() else 0

    def _after(self) -> int:
        """Return the tokens to keep for answering after the next call, with one more step shown."""
        last = self.purse.price(self.briefing.last(self.thinking))
        last += self.purse.scaled(_STEP + 2 * _SLACK)
        return self.thinking.tries * last + self.thinking.reserve

    def _spare(self) -> int:
        """Return the tokens that a call that may ask for more leaves unspent at its worst."""
        more = self.purse.price(self.briefing.more(self.thinking), self.tools)
        spare = self.purse.left - more - self.thinking.kept - self._after()
        return min(spare, self.purse.room(more) - self.thinking.kept)

    def _carried(self) -> int:
        """Return the tokens of context that can be added with one more such call to come."""
        times = (1 + self.thinking.tries) * self.purse.ratio
        return max(0, int(self._spare() / times) - _SLACK)

    def _granted(self) -> int:
        """Return the tokens of context to show now: all that is left where no call comes between.

        Otherwise half of what can be carried, and no less than is of use.
        """
        carried = self._carried()
        if carried < _USEFUL or self.purse.calls + 1 >= self.steps:
            return self._most_at_once()
        return max(carried // 2, _USEFUL)

    def _refuse_steps(self) -> None:
        wanted = self.purse.left - self._spare() + 2 * (1 + self.thinking.tries) * 64
        raise BudgetError(
            f"budget {self.purse.budget} has no room for two calls about this question, mode "
            f"'steps' needs about {wanted} tokens; raise the budget, or pass mode='once'"
        )

    # Calls

    def _call_for_more(self) -> tuple[Reply, Said]:
        """Let the model answer or ask for more."""
        briefing, purse = self.briefing, self.purse
        messages = briefing.more(self.thinking)
        price = purse.price(messages, self.tools)
        most = min(self.thinking.most, purse.room(price), purse.left - price - self._after())
        return self._call(messages, most, briefing.tools, plain=False)

    def _serve(self, wanted: tuple[Wanted, ...]) -> bool:
        """Show what is asked for; say whether nothing more is worth its price."""
        # What is found for other words may give the nodes of a corpus other numbers.
        heeded = sorted(wanted[:AT_ONCE], key=lambda one: one.tool == "search")
        several = sum(not one.fault for one in heeded)
        new = 0
        for one in heeded:
            free = self._granted() // max(several, 1)
            several -= not one.fault
            step = self.briefing.look(one, free)
            new += step.numbers is not None
        if len(wanted) > len(heeded):
            self.purse.note(f"{len(wanted)} calls in one reply; {AT_ONCE} were heeded")
        faults = any(step.fault for step in self.briefing.steps[-len(heeded) :])
        lacked = any(step.stop == "budget" for step in self.briefing.steps[-len(heeded) :])
        if new or faults or lacked:
            return False
        return self.briefing.exhausted(self._most_at_once())

    def _answer(self, stop: Ending) -> tuple[Said, Ending]:
        """Make the model answer from what was shown; ask once more where it says nothing."""
        thinking, said = self.thinking, Said()
        for again in (False, True):
            messages = self._affordable(thinking)
            if messages is None or self.purse.calls >= self.steps:
                if not again:
                    self.purse.note("what is left of the budget pays for no call that answers")
                return said, "empty" if again and not said.answer else "budget"
            price = self.purse.price(messages)
            most = min(thinking.most, self.purse.room(price))
            reply, said = self._call(messages, most, "", plain=thinking.told is None)
            if reply.finish == "refused":
                return said, "refused"
            unfinished = reply.finish == "length" and thinking.told is not None
            if said.answer and (again or not unfinished or said.answer != reply.text.strip()):
                return said, stop
            if not again:
                what = "no answer behind its thoughts" if said.answer else "an empty reply"
                self.purse.note(f"{what}: asked again, without thinking")
                thinking = Thinking(None, thinking.most, thinking.kept)
        return said, "empty"

    def _affordable(self, thinking: Thinking) -> list[Message] | None:
        """Return the messages of the last call, with fewer parts where all cost too much."""
        for pieces in range(len(self.briefing.pieces), 0, -1):
            all_of_them = pieces == len(self.briefing.pieces)
            messages = self.briefing.last(thinking, None if all_of_them else pieces)
            if self.purse.room(self.purse.price(messages)) >= LEAST:
                if not all_of_them:
                    self.purse.note(f"the last call shows the first {pieces} parts alone")
                return messages
        return None

    def _call(
        self, messages: list[Message], most: int, tools: str, plain: bool
    ) -> tuple[Reply, Said]:
        """Make a call and read the reply."""
        mark = self.briefing.mark

        def purpose(reply: Reply) -> Purpose:
            return "selecting" if read_reply(reply, mark, tools).wanted else "answering"

        stream = AnswerStream(self.on_text, mark, plain)
        offered = self.tools if tools == "calls" else ()
        hear = stream.hear if self.thinking.tries == 1 else None  # which answer is not known yet
        reply = self.purse.call(messages, most, purpose, offered, hear)
        said = read_reply(reply, mark, tools)
        if said.answer and reply.finish == "length":
            self.purse.note(f"the reply was cut off at {most} tokens")
        self._stream = stream
        return reply, said

    def _search(self, said: Said) -> Said:
        """Halve the tokens to think in while the answer stays the same and they fall."""
        best, used, thinking = said, self.purse.last_output, self.thinking
        while thinking.tries > 1 and self.purse.calls < self.steps:
            thinking = thinking.halved()
            messages = self.briefing.last(thinking)
            if self.purse.room(self.purse.price(messages)) < thinking.most:
                break
            reply, tried = self._call(messages, thinking.most, "", plain=False)
            bare = self.briefing.numbering.bare
            if reply.finish != "stop" or not same(bare(tried.answer), bare(best.answer)):
                break
            if self.purse.last_output >= used:
                break
            best, used = tried, self.purse.last_output
        self.purse.note(f"search: {used} tokens are enough to think and answer in")
        return best
