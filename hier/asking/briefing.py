"""The briefing: what a model is told of a text, afresh in every call.

A conversation is not appended to: each call states the question, all parts shown so far in the
order in which they came, and, where there is more to ask for, the outline and what was asked. So
every call stands alone, tools or none, whatever the server makes of a history; its beginning stays
the same, so that a server may keep it at hand; and the last call pays for parts only.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from hier.asking import prompts
from hier.asking.answer import Step
from hier.asking.citations import Citation, Numbering
from hier.asking.protocol import Wanted, make_mark
from hier.asking.reasoning import Thinking
from hier.asking.subject import Subject
from hier.compose import Composer, Request
from hier.constraints import Constraints
from hier.context import Context
from hier.nodes import Node
from hier.summarizers.calls import Message

NOTHING = "nothing more of worth was found"
_DEPTH = 3  # levels below the root in the outline
_EDGE = 8  # tokens by which the same text may differ where it is planned anew
_ROUNDS = 8  # times that a context is planned for its numbered text to fit
_PLANS = (32, 64, 96, 128, 192, 256, 384, 512, 1024)  # tried for the least context, in tokens


class Briefing:
    """A question, and what was shown for it; grows with every look.

    Args:
        subject: the text.
        question: the question.
        tools: how the model may ask for more: ``"calls"``, ``"lines"`` or ``""``.
        worth: share of all value that a thousand tokens must add to be shown; 0 fills budgets.
    """

    def __init__(self, subject: Subject, question: str, tools: str, worth: float) -> None:
        """Begin with nothing shown."""
        self.question, self.tools, self.worth = question, tools, worth
        self._take(subject)
        self.count: Callable[[str], int] = self.tree.tokenizer.count
        self.contexts: list[Context] = []
        self.pieces: list[Citation] = []
        self.steps: list[Step] = []
        self.outline = ""
        self._parts: list[str] = []
        self._least = self._outlined = 0

    def _take(self, subject: Subject) -> None:
        tree = subject.tree
        self.subject, self.tree = subject, tree
        self.mark = make_mark(self.question, (tree.source, *tree.summary_texts.values()))
        self.numbering = Numbering.of(tree)

    def _widen(self, words: str) -> None:
        """Take in what the subject has on other words; what was shown moves to its new place."""
        before, wider = self.subject, self.subject.widened(words)
        if wider is before:
            return
        self._take(wider)
        moved = (before.cited_in(piece, wider) for piece in self.pieces)
        self.pieces = [replace(one, label=self.numbering.label(one.number)) for one in moved]
        shown = [step.numbers for step in self.steps if step.numbers is not None]
        self._parts = [self.numbering.write(self.pieces[low - 1 : high]) for low, high in shown]
        self.draw_outline(self._outlined)

    # What is shown

    def look(self, wanted: Wanted, tokens: int) -> Step:
        """Show what is asked for, in at most so many tokens, beside what is known already.

        Args:
            wanted: a call; one with a fault shows nothing.
            tokens: most tokens of the numbered text.

        Returns:
            What was shown, also added to the steps.
        """
        asked, argument, fault = wanted.tool, wanted.argument, wanted.fault
        node, query = None, self.question
        if asked == "expand" and not fault:
            node = int(argument or 0)
            if node >= len(self.tree.nodes):
                fault = f"there is no such node; the numbers are 0 to {len(self.tree.nodes) - 1}"
        elif asked == "search":
            query = str(argument)
            self._widen(query)
        if fault:
            return self._add(Step(asked, argument, fault=fault))
        context, text = self.fitting(query, tokens, node)
        if asked == "overview" and not context.segments:  # a price that nothing is worth
            context, text = self.fitting(query, tokens, worth=0.0)
        return self._show(asked, argument, context, text)

    def whole(self, tokens: int) -> bool:
        """Show the whole text, if that takes at most so many tokens; say whether it was shown."""
        if self.tree.tokens > tokens:
            return False
        context = self.tree.compress(self.question, 2 * self.tree.tokens + 64)
        text = self.numbering.write(self.numbering.pieces(context, 1))
        if len(context.segments) != 1 or self.count(text) > tokens:
            return False
        self._show("whole", None, replace(context, budget=tokens), text)
        return True

    def fitting(
        self, query: str, tokens: int, node: int | None = None, worth: float | None = None
    ) -> tuple[Context, str]:
        """Return a context whose numbered text has at most so many tokens, and that text.

        What was shown before is not shown again.

        Args:
            query: what to look for.
            tokens: most tokens of the numbered text.
            node: the branch to stay in; its worth is not asked about: the model wants to see it.
            worth: share of all value that a thousand tokens must add; None for the briefing's.
        """
        worth = self.worth if worth is None and node is None else worth or 0.0
        composer = self._composer(query, tokens, worth, node)
        planned = composer.budget
        for left in reversed(range(_ROUNDS)):
            context = composer.context(composer.fill(planned))
            text = self.numbering.write(self.numbering.pieces(context, len(self.pieces) + 1))
            over = self.count(text) - tokens
            if over <= 0:
                break
            shrunk = planned * tokens // (tokens + over)
            planned = max(1, min(planned - over, shrunk) if left > 1 else 1)
        if over > 0:  # a counter that finds more in one word than all may have
            context, text = replace(context, text="", tokens=0, segments=()), ""
        return context, text

    def exhausted(self, tokens: int) -> bool:
        """Say whether nothing of the text is worth so many more tokens to the question."""
        return not self.fitting(self.question, tokens)[0].segments

    def least(self) -> int:
        """Return the fewest tokens in which anything at all can be shown, to within a few."""
        if not self._least:
            composer = self._composer(self.question, _PLANS[-1], 0.0)
            drafts = (composer.fill(tokens) for tokens in _PLANS)
            found = next((draft for draft in drafts if draft.pieces), None)
            pieces = self.numbering.pieces(composer.context(found), 1) if found else ()
            self._least = self.count(self.numbering.write(pieces)) + _EDGE if pieces else _PLANS[-1]
        return self._least

    def _composer(self, query: str, tokens: int, worth: float, node: int | None = None) -> Composer:
        known = Constraints(seen=self.subject.seen(self.contexts))
        request = Request(query, max(1, tokens), node_id=node, price=worth, constraints=known)
        return Composer(self.tree, request)

    def _show(self, asked: str, argument: int | str | None, context: Context, text: str) -> Step:
        pieces = self.numbering.pieces(context, len(self.pieces) + 1)
        self.contexts.append(self.subject.told(context))
        if not pieces:
            return self._add(Step(asked, argument, stop=context.stop))
        self.pieces += pieces
        self._parts.append(text)
        numbers = (pieces[0].number, pieces[-1].number)
        return self._add(Step(asked, argument, numbers, self.count(text), context.stop))

    def _add(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    # What is said

    def more(self, thinking: Thinking) -> list[Message]:
        """Return the messages of a call that may ask for more."""
        about = prompts.TOOLS if self.tools == "calls" else prompts.LINES
        sections = [self._shown("\n".join(self._parts)), prompts.OUTLINE, ""]
        sections[1] = sections[1].format(mark=self.mark, outline=self.outline)
        asked = [self._told(step) for step in self.steps[1:]]
        sections[2] = prompts.ASKED.format(mark=self.mark, asked="\n".join(asked)) if asked else ""
        return self._messages(prompts.SYSTEM + about, sections, thinking)

    def last(self, thinking: Thinking, pieces: int | None = None) -> list[Message]:
        """Return the messages of a call that must answer.

        Args:
            thinking: what it may spend.
            pieces: how many of the pieces shown are shown again; None for all.
        """
        parts = "\n".join(self._parts)
        if pieces is not None:
            parts = self.numbering.write(self.pieces[:pieces])
        answer = prompts.ANSWER.format(question=self.question)
        return self._messages(prompts.SYSTEM, [self._shown(parts), answer], thinking)

    def _shown(self, parts: str) -> str:
        return prompts.PARTS.format(
            question=self.question, tokens=self.subject.tokens, mark=self.mark, parts=parts
        )

    def _messages(self, system: str, sections: Sequence[str], thinking: Thinking) -> list[Message]:
        label = self.numbering.label(3)
        if thinking.told is not None:
            think = prompts.THINK.format(tokens=thinking.told, mark=self.mark)
            sections = [*sections, think]
        return [
            Message("system", system.format(mark=self.mark, label=label)),
            Message("user", "\n\n".join(section for section in sections if section)),
        ]

    def _told(self, step: Step) -> str:
        """Return what became of a step, for the model."""
        call = str(Wanted(step.asked, step.argument))
        call = call if len(call) <= 90 else f"{call[:89]}…"
        if step.fault:
            return f"{call}: {step.fault}"
        if step.numbers is None:
            return f"{call}: {NOTHING}"
        first, last = (self.numbering.label(number) for number in step.numbers)
        return f"{call}: parts {first} to {last}"

    def draw_outline(self, tokens: int) -> None:
        """Take as much of the upper tree into the briefing as so many tokens hold."""
        self._outlined = tokens
        for depth in range(_DEPTH, -1, -1):
            self.outline = "\n".join(self._lines([self.tree.root], depth))
            if self.count(self.outline) <= tokens:
                return
        self.outline = f"{self.tree.root.id}, {self.tree.tokens} tokens"

    def _lines(self, nodes: Iterable[Node], depth: int, indent: str = "") -> list[str]:
        lines = []
        for node in nodes:
            label = " ".join(self.tree.label(node).split())
            lines.append(f"{indent}{node.id}, {node.tokens}: {label}")
            if depth and node.level > 1:
                below = [self.tree.nodes[child] for child in node.children]
                lines += self._lines(below, depth - 1, indent + " ")
        return lines
