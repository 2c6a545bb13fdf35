"""Builds with a language model: how near to the ideal time, and what is paid for twice.

The model is a loopback server that waits as long as it is told and answers with the first sentence,
called through LlamaIndex's own OpenAI client, or a function that waits as long. The ideal time of a
level is what its calls take when the places in flight are always full; levels wait for each other.

- time: a build whose nodes take so many calls, beside that ideal, several times over; through the
  client also with calls of half a second, which are short for a model
- killed: ended with SIGKILL half-way and started again; calls the server answered twice
- again: calls of a second build of the same text
- faults: half of all first and second attempts go wrong; is the tree the same

    python benchmarks/models.py [--nodes 500] [--delay 0.05] [--in-flight 16]
"""

import argparse
import asyncio
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import environment
from targets import Target, exit_code

import hier
from hier.assignment import read_summarizer
from hier.ledger import Ledger
from hier.summaries import write_summaries

sys.path.append(str(environment.REPOSITORY / "tests"))  # where the server is
from servers import ModelServer

FIGURES = "models.json"
ROUNDS = 5
USUAL = 0.5  # seconds of a call
FAULTS = ["rate limit", "error", "cut", "malformed", "long", "empty", "refusal", "length", "slow"]
WORDS = """the harbour council bridge ferry winter record opened closed under new ship captain town
was were and of in for with after before report letter market river storm cargo school trade road
house light tower keeper signal north south coast island people boats carried sold bought""".split()


def prose(paragraphs: int, seed: int) -> str:
    """Paragraphs of four plain sentences with a number in each, twelve to a heading."""
    draw = random.Random(seed)

    def sentence() -> str:
        words = draw.choices(WORDS, k=draw.randint(14, 24))
        return f"{' '.join(words).capitalize()} {draw.randint(100, 9999)}."

    lines = []
    for number in range(paragraphs):
        if number % 12 == 0:
            lines.append(f"# Part {number // 12}")
        lines.append(" ".join(sentence() for _ in range(4)))
    return "\n\n".join(lines) + "\n"


def sized(nodes: int, seed: int) -> hier.Tree:
    """The tree of a text with about so many nodes that a model summarises."""
    paragraphs = 3 * nodes
    while True:
        tree = hier.build(prose(paragraphs, seed))
        found = sum(sizes(tree))
        if abs(found - nodes) <= nodes // 100:
            return tree
        paragraphs = max(1, round(paragraphs * nodes / found))


def sizes(tree: hier.Tree) -> list[int]:
    """Nodes of each level that a model summarises."""
    return [len(level.first_leaf) for level in tree.levels[2:]]


def ideal(tree: hier.Tree, delay: float, in_flight: int) -> float:
    """Seconds that the calls take when the places in flight are always full, level by level."""
    return sum(math.ceil(size / in_flight) * delay for size in sizes(tree))


def timed(tree: hier.Tree, model: Any, rounds: int) -> tuple[list[float], hier.Tree]:
    """Seconds of writing all summaries, the first, which opens connections, left out."""
    writers, seconds = read_summarizer(model), []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        written = write_summaries(tree, writers, Ledger())
        seconds.append(time.perf_counter() - start)
    return seconds[1:], written


def waits(delay: float) -> Any:
    """A function that waits, and returns a text's first sentence."""

    async def model(text: str) -> str:
        await asyncio.sleep(delay)
        return text.partition(". ")[0] + "."

    return model


def model_of(server: ModelServer, in_flight: int, **options: Any) -> hier.LanguageModel:
    """The server's model, as a user would have it."""
    llm = hier.load_model("openai/test-model", base_url=server.url)
    return hier.LanguageModel(llm, in_flight=in_flight, **options)


BUILD = """
import sys
from pathlib import Path
import hier
text, cache, url, in_flight = sys.argv[1:]
llm = hier.load_model("openai/test-model", base_url=url)
model = hier.LanguageModel(llm, in_flight=int(in_flight))
hier.build(Path(text), summarizer=model, cache=Path(cache))
"""


def killed(server: ModelServer, tree: hier.Tree, options: argparse.Namespace) -> dict[str, int]:
    """Calls that the server answered twice when a build was killed half-way, and of a third."""
    server.configure(delay=options.delay)
    nodes = sum(sizes(tree))
    with tempfile.TemporaryDirectory() as folder:
        text, cache = Path(folder) / "text.txt", Path(folder) / "cache.sqlite"
        text.write_text(tree.source, encoding="utf-8")
        command = [
            *(sys.executable, "-c", BUILD, str(text), str(cache), server.url),
            str(options.in_flight),
        ]
        first = subprocess.Popen(command, cwd=folder)
        while server.stats()["replies"] < nodes // 2:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(4 * options.delay)  # what was in flight is answered, to nobody
        subprocess.run(command, cwd=folder, check=True)
        stats = server.stats()
        subprocess.run(command, cwd=folder, check=True)
        again = server.stats()["calls"] - stats["calls"]
    return {"calls": stats["calls"], "repeated": stats["repeated"], "again": again}


def faulty(server: ModelServer, tree: hier.Tree, options: argparse.Namespace) -> dict[str, Any]:
    """What a server at its worst changes: nothing, but for what it takes."""
    server.configure()
    writers = read_summarizer(model_of(server, options.in_flight))
    quiet = write_summaries(tree, writers, Ledger())
    server.configure(faults=FAULTS, share=0.5, slow=2.0, seed=environment.SEED)
    ledger = Ledger()
    writers = read_summarizer(model_of(server, options.in_flight, timeout=1.0))
    start = time.perf_counter()
    worst = write_summaries(tree, writers, ledger)
    same = worst.summary_texts == quiet.summary_texts and worst.checks == quiet.checks
    return {
        "same": same,
        "calls": ledger.total().calls,
        "faults": ledger.faults(),
        "seconds": time.perf_counter() - start,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file; 1 if a target was missed."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--nodes", type=int, default=500)
    add("--delay", type=float, default=0.05, help="seconds of a call")
    add("--in-flight", type=int, default=16)
    add("--rounds", type=int, default=ROUNDS)
    add("--out", type=Path, default=environment.RESULTS / FIGURES, help="'-' writes none")
    options = described.parse_args(arguments)
    tree = sized(options.nodes, environment.SEED)
    best = ideal(tree, options.delay, options.in_flight)
    result: dict[str, Any] = {
        "environment": environment.describe(environment.SEED),
        "nodes": sizes(tree),
        "delay": options.delay,
        "in_flight": options.in_flight,
        "ideal": best,
    }
    server = ModelServer(delay=options.delay)
    try:
        plain, _ = timed(tree, waits(options.delay), options.rounds)
        client, _ = timed(tree, model_of(server, options.in_flight), options.rounds)
        server.configure(delay=USUAL)
        usual, _ = timed(tree, model_of(server, options.in_flight), 1)
        result["seconds"] = {"function": plain, "client": client}
        result["usual"] = {"delay": USUAL, "seconds": statistics.median(usual)}
        result["usual"]["ideal"] = ideal(tree, USUAL, options.in_flight)
        result["killed"] = killed(server, tree, options)
        result["faults"] = faulty(server, tree, options)
    finally:
        server.stop()
    lines = [
        Target(f"time beside the ideal, {name}", 1.3, statistics.median(seconds) / best)
        for name, seconds in result["seconds"].items()
    ]
    half = result["usual"]
    lines += [
        Target("time beside the ideal, client, .5 s a call", 1.3, half["seconds"] / half["ideal"]),
        Target("calls repeated after a kill", options.in_flight, result["killed"]["repeated"]),
        Target("calls of a second build", 0, result["killed"]["again"]),
        Target("trees changed by faults", 0, int(not result["faults"]["same"])),
    ]
    result["targets"] = [line.row() for line in lines]
    print(f"{sum(sizes(tree))} nodes, ideal {best:.2f} s", *lines, sep="\n")
    if str(options.out) != "-":
        environment.write(options.out, result)
        print("written:", options.out)
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())
