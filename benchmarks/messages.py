"""Conversations compressed: the evidence that each request shows, and how its beginning stays.

Documents of the evidence suite, cut to 12,000 tokens, become three kinds of conversations:

- *document*: a user pastes a document and asks about it, then asks more questions about it;
- *agent*: a model reads the same document by calls of a tool, a part a call, for one question;
- *sources*: every turn brings a part of a document and a question about it; in between an earlier
  question is asked once more, about a part that came before.

Each request is compressed to 4,000 tokens. `recall` is the share of its question's evidence that is
in what is sent, `stable` the share of the tokens sent in a request that are the beginning of the
next one, message by message; `sent` the tokens sent, of those that came. "newest" is what is done
without any of this: the oldest messages are left out until the rest fits. Each set is judged by
weights that never saw its family of sets.

    python benchmarks/messages.py [--data FOLDER] [--sets squad,cuad] [--documents 2]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import data
import environment
import planted

BUDGET = 4000
LONGEST = 50_000  # characters of a document
PART = 6_000  # characters of a result, or of a source
QUESTIONS = 6
FIGURES = "messages.json"
GUIDE = {"role": "system", "content": "Answer from what you are given, in one sentence."}
WAYS: dict[str, dict[str, float] | None] = {
    "newest": None,
    "default": {},
    "refresh 0": {"refresh": 0.0},
    "refresh 1": {"refresh": 1.0},
    "low_water 0.6": {"low_water": 0.6},
    "low_water 1": {"low_water": 1.0},
}
Message = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """Characters of a document that a message begins with."""

    start: int
    end: int


@dataclass(frozen=True)
class Asked:
    """A request: how many messages it has, and which characters of the document it asks about."""

    end: int
    evidence: tuple[data.Span, ...]


@dataclass(frozen=True)
class Talk:
    """A conversation and its requests, the last of which has all of it.

    Attributes:
        kind: which kind of conversation.
        messages: all of its messages.
        parts: what some of them hold of the document.
        asked: its requests.
    """

    kind: str
    messages: tuple[Message, ...]
    parts: dict[int, Part]
    asked: tuple[Asked, ...]


def talks(document: data.Document) -> Iterator[Talk]:
    """Make the conversations about a document."""
    text = document.text[:LONGEST]
    questions = [q for q in document.questions if q.evidence[-1][1] <= len(text)][:QUESTIONS]
    if len(questions) < 2 or len(text) < 2 * PART:
        return
    yield about_document(text, questions)
    yield by_agent(text, questions[0])
    yield from_sources(text, questions)


def about_document(text: str, questions: Sequence[data.Question]) -> Talk:
    """A user pastes a document, and asks."""
    messages: list[Message] = [GUIDE]
    asked = []
    for number, question in enumerate(questions):
        before = f"{text}\n\n" if not number else ""
        messages.append({"role": "user", "content": before + question.question})
        asked.append(Asked(len(messages), question.evidence))
        messages.append(reply(question))
    return Talk("document", tuple(messages[:-1]), {1: Part(0, len(text))}, tuple(asked))


def by_agent(text: str, question: data.Question) -> Talk:
    """A model reads a document part by part; its evidence is what it has read of it."""
    messages: list[Message] = [GUIDE, {"role": "user", "content": question.question}]
    asked, parts = [], {}
    for number, begin in enumerate(range(0, len(text), PART)):
        function = {"name": "read", "arguments": json.dumps({"part": number})}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        part = Part(begin, min(begin + PART, len(text)))
        parts[len(messages)] = part
        result = text[part.start : part.end]
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        read = tuple((s, min(e, part.end)) for s, e in question.evidence if s < part.end)
        if read:
            asked.append(Asked(len(messages), read))
    return Talk("agent", tuple(messages[: asked[-1].end]), parts, tuple(asked))


def from_sources(text: str, questions: Sequence[data.Question]) -> Talk:
    """Every turn brings a source; questions are about it, and about those before."""
    messages: list[Message] = [GUIDE]
    asked, parts = [], {}
    for number, question in enumerate(questions):
        start, end = question.evidence[0][0], question.evidence[-1][1]
        begin = max(0, min(start - PART // 2, len(text) - PART))
        part = Part(begin, max(begin + PART, end))
        parts[len(messages)] = part
        source = text[part.start : part.end]
        messages.append({"role": "user", "content": f"{source}\n\n{question.question}"})
        asked.append(Asked(len(messages), question.evidence))
        messages.append(reply(question))
        if number:
            again = questions[number // 2]
            messages.append({"role": "user", "content": f"Once more: {again.question}"})
            asked.append(Asked(len(messages), again.evidence))
            messages.append(reply(again))
    return Talk("sources", tuple(messages[:-1]), parts, tuple(asked))


def reply(question: data.Question) -> Message:
    """What a model says to a question."""
    return {"role": "assistant", "content": (question.answers or ("I see.",))[0]}


@dataclass(frozen=True)
class Outcome:
    """A request that was compressed.

    Attributes:
        recall: share of its evidence that is sent.
        kept: tokens of the request before that this one begins with.
        before: tokens of the request before.
        sent: tokens of this one.
        came: tokens of it as it came.
        seconds: that it took.
    """

    recall: float
    kept: int
    before: int
    sent: int
    came: int
    seconds: float


def run(talk: Talk, way: dict[str, float] | None, weights: Path | str) -> list[Outcome]:
    """Send the requests of a conversation, one after the other."""
    sending = newest if way is None else compressing(way, weights)
    outcomes: list[Outcome] = []
    before: list[Message] = []
    for asked in talk.asked:
        began = time.perf_counter()
        sent, cut = sending(talk.messages[: asked.end])
        seconds = time.perf_counter() - began
        pairs = enumerate(zip(before, sent, strict=False))
        same = next((i for i, (one, other) in pairs if one != other), len(before))
        shown = [
            (part.start + max(0, start), min(part.start + end, part.end))
            for index, part in talk.parts.items()
            if index < asked.end
            for start, end in cut.get(index, [(0, part.end)])
            if part.start + start < part.end
        ]
        recall = data.covered(asked.evidence, shown)
        outcomes.append(
            Outcome(
                recall, size(before[:same]), size(before), size(sent),
                size(talk.messages[: asked.end]), seconds,
            )
        )  # fmt: skip
        before = sent
    return outcomes


def compressing(way: dict[str, float], weights: Path | str) -> Any:
    """Return what compresses requests, and says what it shows of each message that is cut."""
    from hier.messages.compressing import Known, compress_known
    from hier.messages.reading import check_messages
    from hier.messages.settings import Settings
    from hier.messages.trees import Trees
    from hier.tokens import load_tokenizer

    settings = Settings(BUDGET, load_tokenizer("o200k_base"), **way)
    known = Known((), settings, trees=Trees(settings.tokenizer, relevance=weights))

    def send(messages: Sequence[Message]) -> tuple[list[Message], dict[int, Any]]:
        nonlocal known
        found = compress_known(check_messages(list(messages)), settings, known)
        known = found.known
        gone = {index: [] for index in set(range(len(messages))) - set(found.indices)}
        return found.messages, gone | {index: s for (index, _), s in known.sent.cut.items()}

    return send


def newest(messages: Sequence[Message]) -> tuple[list[Message], dict[int, Any]]:
    """Leave out the oldest messages until the rest fits; cut the last from its beginning."""
    kept = list(range(len(messages)))
    while len(kept) > 2 and size([messages[i] for i in kept]) > BUDGET:
        del kept[1]  # what guides stays
        while len(kept) > 2 and messages[kept[1]]["role"] == "tool":
            del kept[1]
    sent = [messages[i] for i in kept]
    cut: dict[int, Any] = {i: [] for i in set(range(len(messages))) - set(kept)}
    text = str(sent[-1]["content"])
    left = text
    while size([*sent[:-1], {**sent[-1], "content": left}]) > BUDGET:
        left = left[len(left) // 20 + 1 :]
    if left != text:
        sent[-1] = {**sent[-1], "content": left}
        cut[kept[-1]] = [(len(text) - len(left), len(text))]
    return sent, cut


def size(messages: Sequence[Message]) -> int:
    """Tokens of messages, by the rule of ``hier.messages.counting``; written anew."""
    count = environment.token_counter("o200k_base")
    tokens = 3 + 3 * len(messages)
    for message in messages:
        for value in message.values():
            if isinstance(value, str):
                tokens += count(value)
            elif value is not None:
                tokens += count(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return tokens


def summarise(outcomes: Sequence[Sequence[Outcome]]) -> dict[str, float]:
    """The figures of some conversations: means over their requests."""
    every = [one for talk in outcomes for one in talk]
    again = [one for talk in outcomes for one in talk[1:]]
    return {
        "requests": len(every),
        "recall": fmean(one.recall for one in every),
        "stable": sum(one.kept for one in again) / max(1, sum(one.before for one in again)),
        "sent": sum(one.sent for one in every) / sum(one.came for one in every),
        "most": max(one.sent for one in every),
        "milliseconds": 1000 * median(one.seconds for one in every),
    }


def documents(options: argparse.Namespace) -> list[data.Document]:
    """The documents that are talked about; planted facts where there is no data."""
    sets = options.sets.split(",")
    if options.data.is_dir():
        return data.evidence_suite(options.data, sets, options.documents)
    made = planted.suite(options.documents)
    return [document for document in made if document.dataset in sets] or made


def main(arguments: Sequence[str] | None = None) -> int:
    """Talk, print, write the result file; 1 if a budget was overshot."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, default=data.default_folder(), help="folder of data sets")
    add(
        "--sets",
        default="cuad,qmsum,loogle_sample,musique_pool,squad,hotpotqa_pool",
        help="comma-separated",
    )
    add("--documents", type=int, default=2, help="of each set")
    add("--ways", default=",".join(WAYS), help="comma-separated")
    add("--out", type=Path, default=environment.RESULTS / FIGURES, help="'-' writes none")
    options = described.parse_args(arguments)
    try:
        found = documents(options)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    spoken = [(talk, data.family(d.dataset)) for d in found for talk in talks(d)]
    result: dict[str, Any] = {
        "environment": environment.describe(environment.SEED),
        "settings": {"budget": BUDGET, "characters": LONGEST, "part": PART},
        "found": {},
    }
    over = 0
    for kind in ("document", "agent", "sources"):
        chosen = [(talk, family) for talk, family in spoken if talk.kind == kind]
        result["found"][kind] = {"talks": len(chosen), "ways": {}}
        for way in options.ways.split(","):
            outcomes = []
            for talk, family in chosen:
                weights = data.left_out_weights(family, "static")
                outcomes.append(run(talk, WAYS[way], weights if weights.is_file() else "learned"))
            row = summarise(outcomes)
            over += row["most"] > BUDGET
            result["found"][kind]["ways"][way] = row
            told = ", ".join(f"{name} {value:.3f}" for name, value in row.items())
            print(f"{kind}, {way}: {told}", flush=True)
    if str(options.out) != "-":
        environment.write(options.out, result)
        print("written:", options.out)
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
