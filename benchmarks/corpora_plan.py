"""A plan for corpora too large to be measured here, from what was measured: pure arithmetic.

Each cost is taken from the measured corpora as a fixed part and a part that grows with the tokens,
and drawn out. What is drawn out is said to be so; what was never run is no promise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Figures = dict[str, Any]
MILLION = 1e6


@dataclass(frozen=True)
class Machine:
    """A machine of the plan: cores, and gigabytes of memory of which a share holds indexes."""

    cores: int = 32
    gigabytes: int = 128
    share: float = 0.75


@dataclass(frozen=True)
class Line:
    """A straight line through measured points: what is fixed, and what a million tokens add."""

    fixed: float
    million: float

    @classmethod
    def through(cls, tokens: Sequence[float], values: Sequence[float]) -> "Line":
        """Return the line that is nearest to the points."""
        slope, fixed = np.polyfit(np.array(tokens) / MILLION, values, 1)
        return cls(float(fixed), max(0.0, float(slope)))

    def at(self, tokens: float) -> float:
        """Return the value for so many tokens."""
        return self.fixed + self.million * tokens / MILLION


@dataclass(frozen=True)
class Costs:
    """What a million tokens cost, as measured.

    Attributes:
        processor_seconds: of a core, to build them.
        text, store, index: bytes.
        passages: how many they have.
        documents: how many they are.
        memory: bytes of a process that asks.
        open_seconds: to open a store that has its index.
        index_seconds: to make the index of a store that has none.
        change_seconds: to add one short document, the index brought up to date.
        question_ms: a question.
        shard_ms: what each further shard adds to a question.
        speedup: of two workers over one.
    """

    processor_seconds: float
    text: float
    store: float
    index: float
    passages: float
    documents: float
    memory: Line
    open_seconds: Line
    index_seconds: Line
    change_seconds: Line
    question_ms: Line
    shard_ms: float
    speedup: float


def costs(result: Figures) -> Costs:
    """Return the costs of a result that has every part."""
    rows, one = result["sizes"]["rows"], result["workers"]["one"]
    largest, built = rows[-1], rows[-1]["built"]
    millions = built["tokens"] / MILLION
    tokens = [row["tokens"] for row in rows]

    def line(value: Callable[[Figures], float]) -> Line:
        return Line.through(tokens, [value(row) for row in rows])

    shards = result["shards"]["rows"]
    added = np.polyfit([r["shards"] for r in shards], [r["ms"]["median"] for r in shards], 1)[0]
    return Costs(
        processor_seconds=one["processor_seconds"] / one["tokens"] * MILLION,
        text=built["text_bytes"] / millions,
        store=built["store_bytes"] / millions,
        index=largest["index"]["bytes"] / millions,
        passages=largest["passages"] / millions,
        documents=built["documents"] / millions,
        memory=line(lambda row: row["peak_bytes"]),
        open_seconds=line(lambda row: row["open_seconds"]),
        index_seconds=line(lambda row: row["index"]["seconds"]),
        change_seconds=line(lambda row: row["change_seconds"]),
        question_ms=line(lambda row: row["ms"]["median"]),
        shard_ms=max(0.0, float(added)),
        speedup=result["workers"]["speedup"],
    )


@dataclass(frozen=True)
class Plan:
    """What a corpus of so many tokens takes, in shards of so many, drawn out from the costs.

    Attributes:
        shards: how many stores.
        core_hours: to build all.
        hours: the same with every core of the machines at work.
        text, store, index, memory: bytes of all; memory that of all indexes open.
        machines: as many as hold all indexes in memory, at the least one.
        search_seconds: of a core, for one question: the growing part of a question's time.
        spread_ms: a question with the shards spread over the cores of all machines, network and
            merging aside.
        merging_ms: what the shards beyond the first add for the process that asks, by its own work.
        change_seconds: to add one short document to a shard, its index brought up to date.
    """

    tokens: float
    shard: float
    shards: int
    documents: float
    core_hours: float
    hours: float
    text: float
    store: float
    index: float
    memory: float
    machines: int
    search_seconds: float
    spread_ms: float
    merging_ms: float
    change_seconds: float


def plan(found: Costs, tokens: float, shard: float, machine: Machine) -> Plan:
    """Draw out what a corpus takes.

    Args:
        found: measured costs.
        tokens: of the corpus.
        shard: tokens of a shard.
        machine: of which there are as many as hold all indexes in memory.
    """
    millions = tokens / MILLION
    shards = max(1, round(tokens / shard))
    memory = found.memory.million * millions
    machines = max(1, int(np.ceil(memory / (machine.gigabytes * 1e9 * machine.share))))
    core_hours = found.processor_seconds * millions / 3600
    search = found.question_ms.million * millions
    cores = min(shards, machines * machine.cores)
    return Plan(
        tokens=tokens,
        shard=shard,
        shards=shards,
        documents=found.documents * millions,
        core_hours=core_hours,
        hours=core_hours / (machines * machine.cores * min(1.0, found.speedup / 2)),
        text=found.text * millions,
        store=found.store * millions,
        index=found.index * millions,
        memory=memory,
        machines=machines,
        search_seconds=search / 1e3,
        spread_ms=found.question_ms.fixed + search / cores,
        merging_ms=found.shard_ms * (shards - 1),
        change_seconds=found.change_seconds.at(shard),
    )
