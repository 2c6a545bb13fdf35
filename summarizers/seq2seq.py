"""Summaries by an encoder-decoder model: BART, T5, PEGASUS, LED, from a folder or the hub.

Texts of like length go through the model together. What is longer than the model reads is cut near
its middle, at the end of a sentence if it can be, until every part fits by the model's own
tokenizer; the summaries of the parts, joined, are summarised again. Batches are cut from texts
sorted by length, so the order of the texts does not matter.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hier.errors import SummarizerError
from hier.summarizers.calls import Call, Record, Written
from hier.summarizers.language import other_language
from hier.summarizers.seq2seq_model import Decoded, Seq2SeqModel

VERSION = 1  # of how texts are cut and summaries joined, for the cache
_ANY_LENGTH = 1 << 30
_MOST_ROUNDS = 8
_SENTENCE_END = re.compile(r"(?:[.!?…][\"'”’)\]]*|\n)\s+|[。！？]\s*")
_SPACE = re.compile(r"\s+")
# Something must follow, or the "3." that a reply breaks off with could be the start of "3.5".
_WHOLE = re.compile(r".*(?:[.!?…][\"'”’)\]]*(?=\s)|[。！？][」』”’）]*)", re.DOTALL)


@dataclass
class _Job:
    """One text on its way: what is left to summarise, what has come, what it took."""

    index: int
    parts: list[str]
    replies: dict[int, Decoded] = field(default_factory=dict)
    input: int = 0
    output: int = 0
    seconds: float = 0.0


class Seq2Seq:
    """A writer of summaries by a ``transformers`` encoder-decoder model.

    Args:
        model: a folder, or ``"OWNER/NAME"`` on the Hugging Face hub (downloaded only if it is
            nowhere on this machine).
        batch: texts that go through the model together.
        device: ``"cpu"``, ``"cuda"``, ...; None for a GPU where there is one.
        output: most tokens of a summary, by the model's tokenizer; at most half its window.
        prefix: what stands before each text, such as ``"summarize: "``; None for what the model's
            configuration asks for.

    Attributes:
        identity: the model by name and content, and what else its summaries depend on.
        window: most tokens of a text: any number, as long ones are read in parts.
        output: most tokens of a summary.
        in_flight: texts that are summarised at once.

    Raises:
        SummarizerError: there is no such model, it is no encoder-decoder, its weights are not
            safetensors, or an argument does not fit it.
        MissingExtraError: transformers or torch is not installed.
    """

    overhead = 0

    def __init__(
        self,
        model: str | Path,
        *,
        batch: int = 8,
        device: str | None = None,
        output: int = 100,
        prefix: str | None = None,
    ) -> None:
        if batch < 1:
            raise SummarizerError(f"batch={batch} holds no text; give at least 1")
        self._model = Seq2SeqModel(model, output, prefix, device)
        self.output, self.window, self.in_flight = output, _ANY_LENGTH, batch
        self.name = self._model.name
        self.identity: str | None = (
            f"seq2seq {VERSION} {self.name} {self._model.digest[:32]} output={output} "
            f"prefix={self._model.prefix!r}"
        )

    def write(
        self, texts: Sequence[str], done: Callable[[int, Written], None], record: Record
    ) -> None:
        """Summarise all texts.

        Args:
            texts: any texts, of any length.
            done: called with the number of a text and its summary as each is ready.
            record: called with what each text took, parts and rounds together.

        Raises:
            SummarizerError: the model cannot be read, or failed.
        """
        waiting = []
        for index, text in enumerate(texts):
            if text.strip():
                waiting.append(_Job(index, self._parts(text.strip())))
            else:
                done(index, Written("", "empty"))
        for last in (*[False] * (_MOST_ROUNDS - 1), True):
            waiting = [
                job
                for ready in self._round(waiting)
                for job in self._finish(ready, texts[ready.index], last, done, record)
            ]

    def _round(self, jobs: Sequence[_Job]) -> Iterator[_Job]:
        """Summarise every part of every job; yield each job when its last part is done."""
        parts = [
            (self._model.count(part), part, job, number)
            for job in jobs
            for number, part in enumerate(job.parts)
        ]
        parts.sort(key=lambda item: (-item[0], item[1], item[2].index))
        for start in range(0, len(parts), self.in_flight):
            batch = parts[start : start + self.in_flight]
            began = time.perf_counter()
            replies = self._model.summarise([part for _, part, _, _ in batch])
            seconds = (time.perf_counter() - began) / len(batch)
            for (tokens, _, job, number), reply in zip(batch, replies, strict=True):
                job.replies[number] = reply
                job.input += tokens
                job.output += reply.tokens
                job.seconds += seconds
                if len(job.replies) == len(job.parts):
                    yield job

    def _finish(
        self,
        job: _Job,
        text: str,
        last: bool,
        done: Callable[[int, Written], None],
        record: Record,
    ) -> list[_Job]:
        """Hand out a summary that is ready; return the job where there is more to do."""
        replies = [job.replies[number] for number in range(len(job.parts))]
        if len(replies) > 1 and not last:
            joined = " ".join(reply.text for reply in replies if reply.text)
            if joined:
                job.parts, job.replies = self._parts(joined), {}
                return [job]
        reply = Decoded(" ".join(r.text for r in replies), replies[0].tokens, replies[0].whole)
        summary, fault = _judge(reply, text)
        if len(replies) > 1 and not fault:
            summary, fault = "", "too long"
        call = Call(
            "indexing", self.name, job.input, job.output, seconds=job.seconds,
            outcome=fault or "reply",
        )  # fmt: skip
        record(call)
        done(job.index, Written(summary, fault, call))
        return []

    def _parts(self, text: str) -> list[str]:
        """Cut a text into parts that the model reads, halves of halves."""
        if self._model.count(text) <= self._model.window:
            return [text]
        place = _near_middle(text)
        if not place:
            raise SummarizerError(
                f"a single character is more than the {self._model.window} tokens that the model "
                f"{self.name} reads; give another model"
            )
        halves = (text[:place].strip(), text[place:].strip())
        return [part for half in halves if half for part in self._parts(half)]


def _near_middle(text: str) -> int:
    """Return the best place to cut: a sentence's end, else a space, in the middle half; else it."""
    middle, low, high = len(text) // 2, len(text) // 4, len(text) - len(text) // 4
    for pattern in (_SENTENCE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        inside = [end for end in ends if 0 < end < len(text)]
        if inside:
            return min(inside, key=lambda end: abs(end - middle))
    return middle


def _judge(reply: Decoded, text: str) -> tuple[str, str]:
    """Return a summary and its fault; one that was cut off is kept up to its last sentence."""
    summary = reply.text
    if not summary:
        return "", "empty"
    if not reply.whole:
        match = _WHOLE.match(summary)
        if match is None:
            return "", "cut off"
        summary = match[0]
    if len(summary) > len(text):
        return "", "too long"
    if other_language(summary, text):
        return "", "in another language"
    return summary, ""
