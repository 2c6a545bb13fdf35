"""Many calls of a model over real connections, and what came of them: for tests of calls."""

import asyncio
import time
from collections import Counter

from servers import ModelServer

from hier.summarizers.calls import Call, Message, Tool
from hier.summarizers.flight import private_loop
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import load_model

EXPAND = Tool("expand", "Shows a node.", {"node_id": {"type": "integer"}})


def conversation(number: int = 0) -> tuple[Message, ...]:
    text = f"Report {number} is about a lamp. It is green. It stands on a shelf."
    return Message("system", "You summarise."), Message("user", text)


class Talk:
    """What came of many calls."""

    def __init__(self, model: LanguageModel, number: int = 20, fault=lambda i, reply: "", **more):
        self.calls: list[Call] = []
        self.replies: dict[int, str] = {}
        self.faults: Counter[str] = Counter()
        start = time.monotonic()
        conversations = [conversation(i) for i in range(number)]
        try:
            model.chat_all(
                conversations,
                60,
                purpose="indexing",
                record=self.calls.append,
                fault=fault,
                done=self._done,
                **more,
            )
        finally:
            self.seconds = time.monotonic() - start

    def _done(self, i, reply, call, fault):
        assert i not in self.replies
        self.replies[i] = reply.text
        self.faults[fault] += 1

    def told(self, name: str) -> int:
        return sum(getattr(call, name) for call in self.calls if call.told)


def openai(server: ModelServer, **more) -> LanguageModel:
    return LanguageModel(load_model("openai/test-model", base_url=server.url), **more)


def ollama(server: ModelServer, **more) -> LanguageModel:
    return LanguageModel(load_model("ollama/test-model", base_url=server.base), **more)


def chat(model: LanguageModel, record=lambda call: None, **more):
    return model.chat(conversation(), 60, purpose="answering", record=record, **more)


def tasks() -> set[str]:
    """What still runs on the loop of calls."""

    async def found():
        return {repr(t) for t in asyncio.all_tasks() if t is not asyncio.current_task()}

    return asyncio.run_coroutine_threadsafe(found(), private_loop()).result()


def plain(prompt: str) -> str:
    """A model that is a function, and blocks for a moment."""
    time.sleep(0.001)
    return prompt[-20:]
