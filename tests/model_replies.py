"""What the test server of models says, and what goes wrong with it: pure functions of the call."""

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

REFUSAL = "I'm sorry, but I can't help with that."
FOREIGN = "Это краткое изложение текста, которое было написано на другом языке, чем он сам."
FAULTS = (
    *("rate limit", "error", "slow", "cut", "malformed"),
    *("long", "empty", "refusal", "filter", "length", "language"),
)
"""All that may go wrong: five with the call, then six with what is said."""


@dataclass(frozen=True)
class Settings:
    """How the server behaves.

    Attributes:
        models: names it knows.
        folder: a transformers model that answers, a tiny one made there if nothing is; None: a
            script or first sentences do.
        key: the API key that it wants; empty for none.
        window: tokens of a prompt and a reply together.
        delay: seconds before a reply.
        sentences: how many of the text's first ones make a reply without a script.
        replies: what is said, call by call; the last is repeated. Each has ``text``, ``calls``
            (``name`` and ``arguments``, a dict or, as it is sent, a string) and ``finish``; one
            that is a string is all text.
        faults: what may go wrong.
        share: of first attempts that go wrong, and of second attempts; third ones never do.
        seed: decides which.
        slow: seconds before a slow reply.
        retry_after: what the header of a 429 says.
        cached: of the input, tokens that are said to have been at hand.
    """

    models: list[str] = field(default_factory=lambda: ["test-model"])
    folder: str | None = None
    key: str = ""
    window: int = 8192
    delay: float = 0.0
    sentences: int = 2
    replies: list[Any] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    share: float = 0.5
    seed: int = 0
    slow: float = 5.0
    retry_after: float | str = 0.05
    cached: int = 0


@dataclass(frozen=True)
class Answer:
    """A reply before it is written down in a protocol; ``finish`` is OpenAI's."""

    text: str
    input: int
    output: int
    finish: str = "stop"
    calls: tuple[dict[str, str], ...] = ()
    cached: int = 0

    def pieces(self) -> list[str]:
        """Return the text in pieces of about a word."""
        return re.findall(r"\s*\S+|\s+$", self.text)


def words(text: str) -> list[str]:
    """Return what the scripted server calls tokens."""
    return re.findall(r"\w+|[^\w\s]", text)


def said(message: dict[str, Any]) -> str:
    """Return the text of a message, whether it is one string or parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


def fault(settings: Settings, prompt: str, attempt: int) -> str:
    """Return what goes wrong with an attempt, or ""; it follows from the seed and the prompt."""
    if not settings.faults or attempt % 3 == 2:
        return ""
    key = f"{settings.seed} {attempt} {prompt}"
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    if number % 10_000 >= settings.share * 10_000:
        return ""
    return settings.faults[number // 10_000 % len(settings.faults)]


def written(settings: Settings, body: dict[str, Any], most: int, turn: int) -> Answer:
    """Return the scripted reply of a turn, or the first sentences of what the user gave."""
    sent = sum(len(words(said(message))) + 4 for message in body["messages"])
    if settings.replies:
        reply = settings.replies[min(turn, len(settings.replies) - 1)]
        reply = {"text": reply} if isinstance(reply, str) else reply
        calls = tuple(
            {"name": call["name"], "arguments": _arguments(call["arguments"])}
            for call in reply.get("calls", ())
        )
        text, finish = reply.get("text", ""), reply.get("finish", "stop")
    else:
        user = [message for message in body["messages"] if message["role"] == "user"]
        text, finish, calls = _first(said(user[-1]), settings.sentences, most), "stop", ()
    taken = len(words(text)) + sum(len(words(call["arguments"])) + 4 for call in calls)
    if taken > most:
        text = " ".join(text.split()[: max(1, most // 2)])
        taken, finish = most, "length"
    cached = min(settings.cached, sent)
    return Answer(text, sent, taken, finish, calls, cached)


def spoil(answer: Answer, wrong: str, settings: Settings, most: int) -> Answer:
    """Return the reply with what is to go wrong in it."""
    if wrong == "long":
        text = " ".join([answer.text] * (8 * most // max(1, len(words(answer.text))) + 2))
        return replace(answer, text=text, output=len(words(text)))
    if wrong == "length":
        text = " ".join(answer.text.split()[:3])
        return replace(answer, text=text, output=len(words(text)), finish="length")
    if wrong == "filter":
        return replace(answer, text="", output=0, finish="content_filter")
    said = {"empty": "", "refusal": REFUSAL, "language": FOREIGN}.get(wrong)
    return answer if said is None else replace(answer, text=said, output=len(words(said)))


def _arguments(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _first(text: str, sentences: int, most: int) -> str:
    """Return the first sentences of a text, or of what stands in <text> in it."""
    if within := re.search(r"<text>\s*(.*?)\s*</text>", text, re.DOTALL):
        text = within[1]
    first = re.split(r"(?<=[.!?])\s+", text.strip())[:sentences]
    while len(first) > 1 and len(words(" ".join(first))) > most // 4:
        first.pop()
    return " ".join(" ".join(first).split()[: max(1, most // 4)])


class Inference:
    """Replies by a causal language model of transformers in a folder, greedily."""

    def __init__(self, folder: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.window: int = self.model.config.max_position_embeddings
        self.own_end = 24  # random weights know no end

    def answer(self, messages: list[dict[str, Any]], most: int) -> Answer:
        """Return the model's reply of at most so many tokens."""
        import torch

        plain = [{"role": m["role"], "content": said(m)} for m in messages]
        prompt = self.tokenizer.apply_chat_template(plain, tokenize=False)
        ids = self.tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
        if ids.shape[1] + most > self.window:
            return Answer("", ids.shape[1], 0)  # the server refuses it
        with torch.no_grad():
            out = self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=min(most, self.own_end),
                do_sample=False,
                pad_token_id=self.tokenizer.eos_token_id,
            )[0, ids.shape[1] :]
        ended = most > self.own_end or out[-1].item() == self.tokenizer.eos_token_id
        text = self.tokenizer.decode(out, skip_special_tokens=True).strip()
        return Answer(text, ids.shape[1], len(out), "stop" if ended else "length")
