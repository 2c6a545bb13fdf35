"""Headroom's extractive compressor: whole sentences by words shared with the question and place.

``headroom.compress`` hands prose to a model that it downloads (kompress-v2-base) and, without one,
returns it as it was. What it hands texts over its size limit to is here: ``TextCrusher``, which
needs no download and takes the question and a share of the text to keep.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import data
import environment

from systems import fill
from systems.base import Output, Unavailable
from systems.pieces import readable
from systems.spans import locate

# TextCrusher keeps no smaller share than this at once, and is given its own output again instead.
_SMALLEST_SHARE = 0.05
_HALVINGS = 6


@dataclass(frozen=True)
class Headroom:
    """Headroom's TextCrusher, asked for the share of the text that fills the budget."""

    name: str = "Headroom TextCrusher"
    rule: str = (
        "the largest share to keep, found by halving, whose output fits; asked anew of its own "
        "output where a twentieth is too much; cut at the budget where it keeps all"
    )
    package: str | None = "headroom-ai"

    def read(self, text: str) -> "_Text":
        """Keep the text: all work depends on the question."""
        return _Text(text, _crusher())


@dataclass(frozen=True)
class _Text:
    text: str
    crusher: Any

    def answer(self, question: str, budgets: Sequence[int]) -> list[Output]:
        """Crush the text to each budget."""
        return [self._crushed(question, budget) for budget in budgets]

    def _crushed(self, question: str, budget: int) -> Output:
        count = environment.token_counter(data.TOKENIZER)
        if count(self.text) <= budget:
            return Output(self.text, ((0, len(self.text)),) if self.text else ())

        def crush(text: str, share: float) -> str:
            return str(self.crusher.compress(text, readable(question), share).compressed)

        before = readable(self.text)
        smallest = crush(before, _SMALLEST_SHARE)
        while count(smallest) > budget and len(smallest) < len(before):
            before, smallest = smallest, crush(smallest, _SMALLEST_SHARE)
        if count(smallest) > budget:
            kept = fill.cut(smallest, budget)
        else:
            kept = _largest(lambda share: crush(before, share), smallest, budget)
        return Output(kept, locate(readable(self.text), kept.splitlines()))


def _largest(crush: Callable[[float], str], smallest: str, budget: int) -> str:
    """What the largest share leaves that fits, as far as halving finds it."""
    kept, low, high = smallest, _SMALLEST_SHARE, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        tried = crush(share)
        if environment.token_counter(data.TOKENIZER)(tried) <= budget:
            kept, low = tried, share
        else:
            high = share
    return kept


@cache
def _crusher() -> Any:
    os.environ.setdefault("HEADROOM_OFFLINE", "1")
    try:
        from headroom.transforms.text_crusher import TextCrusher
    except ModuleNotFoundError as error:
        raise Unavailable("pip install 'headroom-ai>=0.42,<1'") from error
    return TextCrusher()


SYSTEMS = (Headroom,)
