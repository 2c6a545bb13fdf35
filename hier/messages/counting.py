"""Counting messages: the tokens of a conversation, by one stated rule.

The rule is OpenAI's for its chat models ("How to count tokens with tiktoken", 2023): 3 tokens a
message, 3 for the reply that follows, and the tokens of every value; a name costs 1 more. What is
no text is counted as JSON, which is never less than what a provider makes of it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hier.errors import InputError
from hier.messages.reading import TEXT_PARTS, Message
from hier.tokens import Tokenizer

PER_MESSAGE = 3
PER_NAME = 1
REPLY = 3
IMAGE_LOW = 85
IMAGE = 1445
"""Most that an image can cost by OpenAI's tiles (GPT-4o): 85, and 170 for each of 2 x 4 tiles."""


@dataclass(frozen=True)
class MessageCounter:
    """Counts messages.

    Attributes:
        tokenizer: how texts are counted.
        part_tokens: tokens of a part that is neither text nor image, such as audio or a file;
            None to refuse one.
    """

    tokenizer: Tokenizer
    part_tokens: int | None = None

    def all(self, messages: Iterable[Message]) -> int:
        """Return the tokens of a conversation, and of the opening of the reply to it."""
        return REPLY + sum(map(self.message, messages))

    def message(self, message: Message) -> int:
        """Return the tokens of one message.

        Raises:
            InputError: it has a part that is not counted, or a value that is not JSON.
        """
        tokens = PER_MESSAGE
        for field, value in message.items():
            if value is None:
                continue
            if field == "content" and not isinstance(value, str):
                tokens += sum(map(self._part, value))
            elif isinstance(value, str):
                tokens += self.tokenizer.count(value) + (PER_NAME if field == "name" else 0)
            else:
                tokens += self._as_json(field, value)
        return tokens

    def _part(self, part: Message) -> int:
        kind = part["type"]
        if kind in TEXT_PARTS:
            return self.tokenizer.count(part["text"])
        if kind == "refusal" and isinstance(part.get("refusal"), str):
            return self.tokenizer.count(part["refusal"])
        if kind in ("image_url", "input_image"):
            image = part.get("image_url")
            detail = image.get("detail") if isinstance(image, dict) else part.get("detail")
            return IMAGE_LOW if detail == "low" else IMAGE
        if self.part_tokens is None:
            raise InputError(
                f"nobody can say how many tokens a part of type {kind!r} has; pass part_tokens, a "
                "number for each"
            )
        return self.part_tokens

    def _as_json(self, field: str, value: Any) -> int:
        try:
            written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the field {field!r} of a message is not JSON ({error}); pass plain values"
            ) from error
        return self.tokenizer.count(written)
