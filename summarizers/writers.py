"""Writers of summaries: texts in, shorter texts out, each reply checked for what is wrong with it.

A writer is what a level of a tree is summarised by: a language model with a prompt, or a plain
function from a text to a shorter one.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from hier.errors import ModelError, SummarizerError
from hier.summarizers.adapters import FunctionAdapter
from hier.summarizers.calls import Call, Message, Record, Reply, Written
from hier.summarizers.extractive import SUMMARY_TOKENS
from hier.summarizers.fidelity import other_language
from hier.summarizers.language_model import ASKED_AGAIN, LanguageModel
from hier.summarizers.prompts import SUMMARY, Prompt, quoted
from hier.summarizers.providers import DEFAULT_WINDOW

_SHARE = 0.7  # of the window, by our tokens: the model's own may be smaller pieces
_ROOM = 1.5  # and likewise for what it writes
_MOST_OF_FUNCTIONS = 4 * SUMMARY_TOKENS  # nobody tells them how much is wanted
_DECLINES = re.compile(
    r"\W*(?:i(?:'|’)?m (?:very )?sorry|sorry|i (?:can(?:no|'|’)t|cannot|am unable|won(?:'|’)t)|"
    r"as an ai|i(?:'|’)m (?:unable|not able)|unable to|i must decline)\b",
    re.IGNORECASE,
)
_SHORT = 300  # characters: a longer reply that begins so may be a summary all the same


@runtime_checkable
class Writer(Protocol):
    """Writes summaries.

    Attributes:
        identity: all that its summaries depend on beside the text; None: they are not cached.
        window: most tokens of one text that it reads.
        output: tokens that a summary is to have, about.
        overhead: tokens sent with each text beside it.
        in_flight: how many it writes at once.
    """

    identity: str | None
    window: int
    output: int
    overhead: int
    in_flight: int

    def write(
        self, texts: Sequence[str], done: Callable[[int, Written], None], record: Record
    ) -> None:
        """Write a summary of each text; ``done`` gets each as it is ready, one at a time."""
        ...


class ModelWriter:
    """A language model with the prompt for summaries.

    Args:
        model: the model.
        output: tokens that a summary is to have; half as many more are no fault.
        prompt: what it is told.

    Raises:
        ModelError: the model's window leaves no room for a text.
    """

    def __init__(
        self, model: LanguageModel, output: int = SUMMARY_TOKENS, prompt: Prompt = SUMMARY
    ) -> None:
        self.model, self.output, self.prompt = model, output, prompt
        self.in_flight = model.in_flight
        self._most = round(_ROOM * output)
        around = self._messages("")
        # Each message takes some tokens for who says it; a second try says what was wrong.
        self.overhead = sum(model.count(message.text) + 4 for message in around) + 20
        window = model.window or DEFAULT_WINDOW
        self.window = int(_SHARE * (window - self.overhead - self._most))
        if self.window <= output:
            raise ModelError(
                f"the window of {model.label}, {window:,} tokens, is too small: the prompt takes "
                f"{self.overhead} and a summary {self._most}, which leaves no room for a text; "
                "use a model with a larger window"
            )
        parts = (model.name, prompt.version, str(output), model.parameters)
        self.identity = "\n".join(part or "" for part in parts) if model.name else None

    def write(
        self, texts: Sequence[str], done: Callable[[int, Written], None], record: Record
    ) -> None:
        """Write a summary of each text; a faulty one is asked for again, at most twice.

        Raises:
            ModelError: the model cannot be reached, or will not go on; what came is handed over.
        """
        conversations = [self._messages(text) for text in texts]
        _write(self.model, conversations, texts, self._most, done, record, ASKED_AGAIN)

    def _messages(self, text: str) -> tuple[Message, ...]:
        return self.prompt.messages(tokens=self.output, text=quoted(text))


class FunctionWriter:
    """A user's function from a text to a shorter one, sync or async; it gets the bare text.

    Args:
        function: the function; one that blocks is called in threads, ``in_flight`` at once.
        name: what names it in the cache; None: its summaries are not kept.
        output: most tokens of a summary.
        window: most tokens of one text.
        in_flight: how many calls run at once.
        timeout: seconds that one may take.

    Raises:
        SummarizerError: it is not a function.
    """

    overhead = 0

    def __init__(
        self,
        function: Callable[[str], Any],
        *,
        name: str | None = None,
        output: int = _MOST_OF_FUNCTIONS,
        window: int = DEFAULT_WINDOW,
        in_flight: int = 16,
        timeout: float = 600.0,
    ) -> None:
        if not callable(function):
            raise SummarizerError(
                f"unknown summarizer {function!r}; known is 'extractive', or pass a function "
                "from a text to its summary"
            )
        adapter = FunctionAdapter(
            function, "the summarizer", SummarizerError, "it must return a shorter text"
        )
        self.model = LanguageModel(adapter, name=name, in_flight=in_flight, timeout=timeout)
        self.identity, self.output, self.window = name, output, window
        self.in_flight = in_flight

    def write(
        self, texts: Sequence[str], done: Callable[[int, Written], None], record: Record
    ) -> None:
        """Call the function once for each text: what it returns again and again is its own matter.

        Raises:
            SummarizerError: it raised, or returned anything but a text.
        """
        conversations = [(Message("user", text),) for text in texts]
        _write(self.model, conversations, texts, self.output, done, record, 0)


def load_writer(summarizer: Any) -> Writer | None:
    """Return the writer that a user asked for; None for ``"extractive"``, which needs none.

    Args:
        summarizer: ``"extractive"``, ``"PROVIDER/NAME"`` for ``load_model``,
            ``"seq2seq/NAME"`` for a model or folder of ``Seq2Seq``, a LlamaIndex ``LLM``, a
            ``LanguageModel``, a function from a text to a shorter one, or a writer.

    Raises:
        SummarizerError: it is none of these.
        ModelError: the model is not known, or its window is too small.
    """
    if isinstance(summarizer, str):
        if summarizer == "extractive":
            return None
        provider, _, name = summarizer.partition("/")
        if provider == "seq2seq" and name:
            from hier.summarizers.seq2seq import Seq2Seq

            return Seq2Seq(name)
        if name:
            from hier.summarizers.providers import load_model

            return ModelWriter(LanguageModel(load_model(summarizer)))
        raise SummarizerError(
            f"unknown summarizer {summarizer!r}; known is 'extractive', or give a name such as "
            "'ollama/llama3.2', a LlamaIndex LLM, or a function from a text to its summary"
        )
    if isinstance(summarizer, LanguageModel):
        return ModelWriter(summarizer)
    if isinstance(summarizer, Writer):
        return summarizer
    if hasattr(summarizer, "achat") and hasattr(summarizer, "metadata"):
        return ModelWriter(LanguageModel(summarizer))
    return FunctionWriter(summarizer)


def fault_of(reply: Reply, text: str, most: int, count: Callable[[str], int]) -> str:
    """Return what is wrong with a reply as the summary of a text; empty for nothing.

    Args:
        reply: the reply.
        text: what it is to be the summary of.
        most: most tokens of a summary.
        count: counts tokens.
    """
    said = reply.text
    declines = len(said) <= _SHORT and _DECLINES.match(said) and not _DECLINES.match(text)
    if reply.finish == "refused" or declines:
        return "refused"
    if reply.finish == "length":
        return "cut off"
    if not said:
        return "empty"
    if len(said) > len(text) or count(said) > most:
        return "too long"
    return "in another language" if other_language(said, text) else ""


def _write(
    model: LanguageModel,
    conversations: Sequence[Sequence[Message]],
    texts: Sequence[str],
    most: int,
    done: Callable[[int, Written], None],
    record: Record,
    again: int,
) -> None:
    def fault(i: int, reply: Reply) -> str:
        return fault_of(reply, texts[i], most, model.count)

    def take(i: int, reply: Reply, call: Call, wrong: str) -> None:
        done(i, Written("" if wrong else reply.text, wrong, call))

    model.chat_all(
        conversations,
        most,
        purpose="indexing",
        record=record,
        fault=fault,
        done=take,
        again=again,
    )
