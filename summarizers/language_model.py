"""Language models: whatever the user plugged in, as chat calls that are retried and accounted for.

Every attempt that was sent is recorded, also one that failed, with the tokens that the server told;
where it told none, they are counted here and marked so.
"""

import asyncio
import os
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hier.errors import HierError, ModelError
from hier.summarizers.adapters import Adapter, Heard, Line, Request, adapter_of, prompt_of
from hier.summarizers.calls import Call, Message, Purpose, Record, Reply, Tool
from hier.summarizers.failures import Failure, explain, read_failure
from hier.summarizers.flight import Caller, Failed, Flight, on_private_loop, private_loop, run
from hier.summarizers.prompts import AGAIN

ASKED_AGAIN = 2
"""How often a reply that is of no use is asked for again."""

Fault = Callable[[int, Reply], str]
Done = Callable[[int, Reply, Call, str], None]


class LanguageModel:
    """A language model: any LlamaIndex ``LLM``, or a function from a prompt to a reply.

    Functions that block run in threads, up to ``in_flight`` of them at once.

    Args:
        model: the LLM, or the function, sync or async.
        name: what names it in a cache; None: the LLM's own name, for a function none.
        in_flight: calls that are sent at once.
        attempts: how often a call is sent before it is given up.
        timeout: seconds that an attempt may take.
        calls_per_minute: calls that are started in a minute; None for no bound.
        window: tokens it reads and writes together; None: as the LLM says.
        count: counts tokens where the server tells none; None: a token is four characters.

    Raises:
        ModelError: the model is none of these, or an argument is out of range.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        in_flight: int = 16,
        attempts: int = 6,
        timeout: float = 60.0,
        calls_per_minute: float | None = None,
        window: int | None = None,
        count: Callable[[str], int] | None = None,
    ) -> None:
        limits = {"in_flight": in_flight, "attempts": attempts, "timeout": timeout}
        more = {"calls_per_minute": calls_per_minute, "window": window}
        limits |= {what: value for what, value in more.items() if value is not None}
        for what, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ModelError(f"{what}={value!r} is not a number above 0")
        self._adapter: Adapter = adapter_of(model)
        self.in_flight, self.attempts, self.timeout = int(in_flight), int(attempts), timeout
        self.calls_per_minute = calls_per_minute
        self.name = name or self._adapter.name
        self.label = self.name or self._adapter.label
        self.window = window or self._adapter.window
        self.has_tools = self._adapter.has_tools
        self.parameters = self._adapter.parameters
        self._count = count or _about
        self._open: _Open | None = None

    def __repr__(self) -> str:
        """Name the model."""
        return f"LanguageModel({self.label!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Leave connections behind: another process opens its own."""
        return {**vars(self), "_open": None}

    def count(self, text: str) -> int:
        """Return the tokens of a text, as they are counted where no server tells them."""
        return self._count(text)

    def chat(
        self,
        messages: Sequence[Message],
        most: int,
        *,
        purpose: Purpose,
        record: Record,
        tools: Sequence[Tool] = (),
        on_text: Callable[[str], None] | None = None,
        again: int = ASKED_AGAIN,
    ) -> Reply:
        """Make one call, retried; an empty reply is asked for again, and may still be empty.

        Args:
            messages: the conversation.
            most: tokens that the reply may have.
            purpose: what it is for, for the ledger.
            record: gets every attempt.
            tools: what the model may call; only where ``has_tools``.
            on_text: gets the text piece by piece.
            again: how often an empty reply is asked for again.

        Raises:
            ModelError: no key, a wrong address, a model that is not there, a prompt longer than
                the window, or attempts used up.
        """
        request = Request(tuple(messages), most, tuple(tools), timeout=self.timeout)
        found: list[Reply] = []

        def done(i: int, reply: Reply, call: Call, fault: str) -> None:
            found.append(reply)

        self._run([request], _Errand(purpose, record, _speechless, done, again), on_text)
        return found[0]

    def chat_all(
        self,
        conversations: Sequence[Sequence[Message]],
        most: int,
        *,
        purpose: Purpose,
        record: Record,
        fault: Fault,
        done: Done,
        again: int = ASKED_AGAIN,
    ) -> None:
        """Make many calls, ``in_flight`` at a time.

        ``record``, ``fault`` and ``done`` are called in the thread that called this, one at a
        time, as replies arrive. What arrived before an error, or before Ctrl-C, is handed over.

        Args:
            conversations: the messages of each.
            most: tokens that a reply may have.
            purpose: what they are for, for the ledger.
            record: gets every attempt.
            fault: names what is wrong with the reply of a conversation; empty for nothing.
            done: gets conversation, reply, its call and what is still wrong with it.
            again: how often a reply with a fault is asked for again.

        Raises:
            ModelError: as ``chat``; calls in flight are cancelled.
        """
        requests = [Request(tuple(one), most, timeout=self.timeout) for one in conversations]
        self._run(requests, _Errand(purpose, record, fault, done, again))

    def _run(
        self,
        requests: Sequence[Request],
        errand: "_Errand",
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        for request in requests:
            if request.most < 1:
                raise ModelError(f"most={request.most} leaves no token for a reply")
            self._fit(request)

        async def work(caller: Caller) -> None:
            opened = self._opened()
            async with asyncio.TaskGroup() as group:
                for i, request in enumerate(requests):
                    shown = None if on_text is None else _Unrepeated(caller, on_text)
                    one = _Conversation(self, opened, errand, caller, i, shown)
                    group.create_task(one.hold(request))

        try:
            run(work)
        except BaseExceptionGroup as group:
            error = _first(group)
            raise error from error.__cause__

    def _fit(self, request: Request) -> None:
        """Refuse a prompt that is surely too long: the server would, or would cut it silently."""
        if self.window is None:
            return
        size = sum(self._count(message.text) for message in request.messages)
        if size + request.most > self.window:
            raise ModelError(
                f"a prompt of about {size:,} tokens and a reply of {request.most:,} do not fit the "
                f"window of {self.label}, {self.window:,} tokens; use a model with a larger "
                "window, or a shorter text"
            )

    def _opened(self) -> "_Open":
        """Return what this process has open; called on the loop."""
        if self._open is None or self._open.pid != os.getpid():
            flight = Flight(self.in_flight, self.attempts, self.timeout, self.calls_per_minute)
            line = self._adapter.open(self.in_flight)
            # What a forked process inherits is another's: it is kept, so that nothing closes it.
            self._open = _Open(os.getpid(), flight, line, self._open)
            weakref.finalize(self, _close, self._open)
        return self._open


@dataclass
class _Open:
    """What one process has open to a model."""

    pid: int
    flight: Flight
    line: Line
    inherited: "_Open | None"


@dataclass(frozen=True)
class _Errand:
    """What is to be done with replies."""

    purpose: Purpose
    record: Record
    fault: Fault
    done: Done
    again: int = ASKED_AGAIN


@dataclass(frozen=True)
class _Conversation:
    """One call, from its first attempt to its last reply."""

    model: LanguageModel
    opened: _Open
    errand: _Errand
    caller: Caller
    number: int
    shown: "_Unrepeated | None"

    async def hold(self, request: Request) -> None:
        """Ask until a reply is of use, or has been asked for often enough."""
        wanted = request
        for left in range(self.errand.again, -1, -1):
            fault = await self.opened.flight.call(partial(self._attempt, wanted, left))
            if not fault or not left:
                return
            wanted = _with_remark(request, fault)

    def _judge(self, reply: Reply, call: Call, left: int) -> str:
        """Record a reply, and hand it over if it is the last; return what is wrong with it."""
        errand = self.errand
        fault = errand.fault(self.number, reply)
        refused = reply.finish == "refused"
        call = replace(call, outcome=fault or ("refused" if refused else "reply"))
        errand.record(call)
        if not fault or not left:
            errand.done(self.number, reply, call, fault)
        return fault

    async def _attempt(self, request: Request, left: int) -> str:
        """Send a request once, and hand over what comes; return what is wrong with it.

        It is in flight until it is handed over: what a crash can lose is never more than the bound.
        """
        model, start = self.model, time.monotonic()
        if self.shown is not None:
            request = replace(request, on_text=self.shown.start())
        try:
            async with asyncio.timeout(model.timeout):
                heard = await self.opened.line.ask(request)
        except HierError:
            raise
        except asyncio.CancelledError:
            self._record_failed(request, Failure("cancelled", passing=False), start)
            raise
        except Exception as error:
            failure = read_failure(error, own=model._adapter.own)
            self._record_failed(request, failure, start)
            if failure.outcome == "error":
                raise model._adapter.mend(error, request) from error
            adapter = model._adapter
            about = explain(failure, model.label, adapter.url, adapter.key, model.window)
            if failure.passing:
                raise Failed(failure, about) from error
            raise ModelError(about) from error
        call = self._call(request, heard, time.monotonic() - start)
        # In the caller's hands nothing can cancel it: what came is kept.
        return await self.caller.ask(self._judge, heard.reply, call, left)

    def _call(self, request: Request, heard: Heard, seconds: float) -> Call:
        if heard.usage is not None:
            sent, received, cached = heard.usage
            return Call(self.errand.purpose, self.model.label, sent, received, cached, seconds)
        sent = self.model.count(prompt_of(request.messages))
        said = [heard.reply.text, *(str(call.arguments) for call in heard.reply.calls)]
        received = sum(self.model.count(text) for text in said if text)
        purpose, label = self.errand.purpose, self.model.label
        return Call(purpose, label, sent, received, 0, seconds, told=False)

    def _record_failed(self, request: Request, failure: Failure, start: float) -> None:
        # A status is an answer: nothing was worked on. Where none came, the server may have read
        # the prompt and charge for it.
        lost = failure.status is None and not failure.unheard
        sent = self.model.count(prompt_of(request.messages)) if lost else 0
        seconds = time.monotonic() - start
        call = Call(self.errand.purpose, self.model.label, sent, 0, 0, seconds, failure.outcome)
        self.caller.tell(self.errand.record, replace(call, told=not lost))


class _Unrepeated:
    """Hands on a text piece by piece; when it comes again, after a failure, only what is new."""

    def __init__(self, caller: Caller, on_text: Callable[[str], None]) -> None:
        self.caller, self.on_text = caller, on_text
        self.shown = ""

    def start(self) -> Callable[[str], None]:
        """Return what takes the text of one attempt."""
        text = ""

        def take(piece: str) -> None:
            nonlocal text
            text += piece
            if self.shown.startswith(text):
                return
            same = text.startswith(self.shown)
            self.caller.tell(self.on_text, text[len(self.shown) :] if same else f"\n{text}")
            self.shown = text

        return take


def _speechless(number: int, reply: Reply) -> str:
    return "" if reply.text or reply.calls or reply.finish != "stop" else "empty"


def _with_remark(request: Request, fault: str) -> Request:
    """Return a request whose last message says what was wrong with the reply to it."""
    *before, last = request.messages
    if last.role != "user":
        return request
    remark = AGAIN.format(fault=fault)
    return replace(request, messages=(*before, replace(last, text=last.text + remark)))


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    """Return the first error of a group: the one that ended all."""
    error: Any = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error  # type: ignore[no-any-return]


def _about(text: str) -> int:
    return len(text) // 4 + 1


def _close(opened: _Open) -> None:
    """Close what a process has open, when its model is no longer used."""
    if opened.pid != os.getpid():
        return
    closing = asyncio.run_coroutine_threadsafe(opened.line.close(), private_loop())
    if not on_private_loop():
        wait([closing], timeout=1)  # the process may be about to end
