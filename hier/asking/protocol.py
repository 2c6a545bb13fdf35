"""How a model asks for more of a text: tool calls, or lines of plain text where it has no tools.

Both are read from the model's own reply and nowhere else. A line counts only behind the mark of the
conversation, which does not occur in the text: a model that repeats what the text says calls
nothing. Whatever is wrong with a call is said in words that can be handed back to the model.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from hier.summarizers.calls import Reply, Tool, ToolCall

TOOLS = (
    Tool(
        "expand",
        "Show more of one node of the outline.",
        {"node_id": {"type": "integer", "description": "number of the node in the outline"}},
    ),
    Tool(
        "search",
        "Show what the text says about other words.",
        {"query": {"type": "string", "description": "what to look for"}},
    ),
)
AT_ONCE = 4
"""Most tools called by one reply that are heeded."""
_QUERY = 300  # most characters of a query; more is cut
_NODE = re.compile(r"\s*#?(\d{1,12})\s*")
_UNMARKED = re.compile(r"\W*(EXPAND|SEARCH)\b[^\n]*", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """What a model asks for.

    Attributes:
        tool: ``"expand"``, ``"search"``, or what the model called it.
        argument: the number of a node, or words; None where neither could be read.
        fault: what is wrong with the call, for the model; empty if nothing is.
    """

    tool: str
    argument: int | str | None
    fault: str = ""

    def __str__(self) -> str:
        """Return the call as one line."""
        return f"{self.tool}({'' if self.argument is None else repr(self.argument)})"


@dataclass(frozen=True)
class Said:
    """A reply, read.

    Attributes:
        answer: the answer; empty where there is none.
        thought: what was said before the answer.
        wanted: what is asked for, where nothing is answered.
    """

    answer: str = ""
    thought: str = ""
    wanted: tuple[Wanted, ...] = ()


def make_mark(question: str, texts: Iterable[str]) -> str:
    """Return the mark of a conversation: the same for the same input, and in none of the texts."""
    texts = [question, *texts]
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(text.encode("utf-8", "replace") + b"\0")
    marks = (
        hashlib.blake2b(digest.digest() + b"%d" % number, digest_size=4).hexdigest()
        for number in count()
    )
    lowered = [text.lower() for text in texts]
    return next(mark for mark in marks if not any(mark in text for text in lowered))


def read_reply(reply: Reply, mark: str, tools: str) -> Said:
    """Read what a model said.

    Args:
        reply: the reply.
        mark: the mark of the conversation.
        tools: how it may call tools: ``"calls"``, ``"lines"``, or ``""`` where it may not.
    """
    if reply.calls and tools == "calls":
        return Said(wanted=tuple(_read_call(call) for call in reply.calls))
    found = answer_line(mark).search(reply.text)
    if found:
        return Said(reply.text[found.end() :].strip(), reply.text[: found.start()].strip())
    lines = tuple(_read_line(line) for line in _lines(mark).finditer(reply.text))
    if tools == "lines":
        if not lines:
            lines = _unmarked(reply.text, mark)
        return Said(wanted=lines) if lines else Said(reply.text.strip())
    return Said() if lines else Said(reply.text.strip())


def answer_line(mark: str) -> re.Pattern[str]:
    """Return what an answer stands behind."""
    return re.compile(rf"^[^\w\n]*{mark}\W*?[ \t]ANSWER\b[*`:]*[ \t]*\n?", re.I | re.M)


def _lines(mark: str) -> re.Pattern[str]:
    return re.compile(rf"^[^\w\n]*{mark}\W*?[ \t](EXPAND|SEARCH)\b[*`: \t]*([^\n]*)", re.I | re.M)


def _read_line(line: re.Match[str]) -> Wanted:
    tool, argument = line[1].lower(), line[2]
    return _wanted(tool, argument.strip(" \t`*"))


def _unmarked(text: str, mark: str) -> tuple[Wanted, ...]:
    """Return calls that lack the mark, where a reply is nothing else: they are not heeded."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_UNMARKED.fullmatch(line) for line in lines]
    if not all(found):
        return ()
    fault = f"a line calls a tool only if it begins with {mark}"
    return tuple(Wanted(match[1].lower(), None, fault) for match in found if match)


def _read_call(call: ToolCall) -> Wanted:
    """Read the arguments of a tool call, which nothing has checked."""
    names = {tool.name: next(iter(tool.parameters)) for tool in TOOLS}
    if call.name not in names:
        known = " and ".join(names)
        return Wanted(_short(call.name), None, f"there is no such tool; there are {known}")
    name = names[call.name]
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    if name not in arguments:
        return Wanted(call.name, None, f"the argument {name} is missing")
    return _wanted(call.name, arguments[name])


def _wanted(tool: str, argument: Any) -> Wanted:
    if tool == "expand":
        if isinstance(argument, float) and argument.is_integer():
            argument = int(argument)
        found = None if isinstance(argument, bool) else _NODE.fullmatch(str(argument))
        if not found:
            return Wanted(tool, None, "node_id is not the number of a node of the outline")
        return Wanted(tool, int(found[1]))
    query = " ".join(argument.split()) if isinstance(argument, str) else ""
    if not query:
        return Wanted(tool, None, "query has no words")
    return Wanted(tool, query[:_QUERY])


def _short(name: Any) -> str:
    """Return a tool's name, which a model may have made up, fit for a line."""
    return re.sub(r"\W", "", str(name))[:40] or "?"


class AnswerStream:
    """Passes the answer's text on as it comes, and nothing else that a model says.

    Args:
        on_text: takes pieces of the answer; None for nobody.
        mark: the mark of the conversation.
        plain: the reply is the answer from its first word, unless it turns out to be a line with
            the mark; otherwise only what stands behind the answer's line is passed on.
    """

    def __init__(self, on_text: Callable[[str], None] | None, mark: str, plain: bool) -> None:
        """Begin with nothing heard."""
        self.on_text, self.plain, self.line, self.mark = on_text, plain, answer_line(mark), mark
        self.heard, self.open, self.passed = "", False, False

    @property
    def hear(self) -> Callable[[str], None] | None:
        """What to hand to the model: None where nobody listens."""
        return None if self.on_text is None else self._hear

    def end(self, answer: str) -> None:
        """Pass on the whole answer, if nothing of it was yet."""
        if self.on_text is not None and answer and not self.passed:
            self.on_text(answer)
            self.passed = True

    def _hear(self, text: str) -> None:
        if self.open:
            self._pass(text)
            return
        self.heard += text
        found = self.line.search(self.heard)
        if found and "\n" in self.heard[found.start() :].lstrip():
            self.open = True
            self._pass(self.heard[found.end() :])
            return
        said = self.heard.lower().lstrip(" \t\n<`*#>")
        if self.plain and len(said) > len(self.mark) and not said.startswith(self.mark):
            self.open = True
            self._pass(self.heard)

    def _pass(self, text: str) -> None:
        text = text if self.passed else text.lstrip()
        if text and self.on_text is not None:
            self.on_text(text)
            self.passed = True
