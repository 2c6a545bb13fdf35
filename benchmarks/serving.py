"""How many questions a second the HTTP server answers, and how long one waits, beside the engine.

A text of 100,000 tokens is saved and served by two workers; `wrk` asks it over loopback, eight
clients at once, each as soon as it has its answer. Three ways: every question another (nothing can
be kept), 200 questions over and over, and no question at all (``/health``), which is the most that
the machine, `wrk` and the server's own loop leave room for. Beside that the same questions in
process, without a server: by one process, and by two at once.

    python benchmarks/serving.py [--seconds 10] [--connections 8]
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environment
import stdlib_text
from targets import Target, exit_code

TOKENS, BUDGET = 100_000, 1_000
REPEATED = 200  # questions that come again and again
DISTINCT = 40_000  # more than are asked in any part
WORKERS = 2
PACKAGES = ("starlette", "uvicorn", "httptools", "uvloop", "pydantic")
_START_SECONDS = 120
_TICKS = os.sysconf("SC_CLK_TCK")

# wrk runs a script in each of its threads; each begins elsewhere among the questions.
_SCRIPT = """
local bodies, thread, at = {}, 0, 0
local threads = 0
function setup(each) each:set("first", threads); threads = threads + 1 end
function init() for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end; at = first end
function request()
  local body = bodies[at %% #bodies + 1]
  at = at + %(threads)d
  return wrk.format("POST", "/v1/trees/text/compress", {["content-type"] = "%(json)s"}, body)
end
"""
_DONE = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "most": %f, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def questions(text: str) -> list[str]:
    """Return questions, no two the same, each about a part of the text and in its words."""
    titles = list(dict.fromkeys(re.findall(r"^#+ (.+)$", text, re.MULTILINE)))
    asks = stdlib_text.QUESTIONS
    found = {f"{ask[:-1]}, as in {title}?": None for ask in asks for title in titles}
    words = sorted(set(re.findall(r"[a-z]{6,}", text)))
    dice = random.Random(environment.SEED)
    while len(found) < DISTINCT:
        one, other = dice.sample(words, 2)
        found[f"{dice.choice(asks)[:-1]}, given {one} and {other}?"] = None
    shuffled = list(found)
    dice.shuffle(shuffled)
    return shuffled


@dataclass(frozen=True)
class Load:
    """How the server is asked.

    Attributes:
        seconds: for how long, in each part.
        connections: clients at once.
        threads: of `wrk`.
    """

    seconds: int
    connections: int
    threads: int = 2

    def run(self, place: Path, url: str, bodies: Sequence[bytes] = ()) -> dict[str, Any]:
        """Ask for a while; without bodies, only how the server is."""
        script = place / "load.lua"
        written = _DONE
        if bodies:
            (place / "bodies").write_bytes(b"\n".join(bodies) + b"\n")
            written += _SCRIPT % {
                "bodies": place / "bodies",
                "threads": self.threads,
                "json": "application/json",
            }
        script.write_text(written)
        command = [
            "wrk", f"-t{self.threads}", f"-c{self.connections}", f"-d{self.seconds}s",
            "--timeout", "30s", "-s", str(script), url if bodies else f"{url}/health",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"requests"') :])
        if bodies and found["requests"] > len(bodies) >= DISTINCT:
            raise RuntimeError("the questions did not suffice; ask for fewer seconds")
        return {"a_second": found["requests"] / found["seconds"]} | found


@contextmanager
def served(tree: Path, place: Path) -> Iterator[tuple[str, int]]:
    """Serve a tree; yield the address and the process."""
    command = [sys.executable, "-P", "-m", "hier.cli", "serve", str(tree), "--port", "0"]
    with (place / "words").open("wb") as words:
        process = subprocess.Popen([*command, "--workers", str(WORKERS)], stderr=words)
    try:
        for _ in range(_START_SECONDS * 10):
            said = re.search(r"serving at (\S+)", (place / "words").read_text())
            if said and _is_ready(said[1]):
                yield said[1], process.pid
                return
            time.sleep(0.1)
        raise TimeoutError((place / "words").read_text())
    finally:
        process.terminate()
        process.wait(60)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(url: str, body: bytes) -> Any:
    """Ask the server one question."""
    request = urllib.request.Request(
        f"{url}/v1/trees/text/compress", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def processor_seconds(process: int) -> float:
    """Return how long a process has computed, its children not counted."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / _TICKS


def alone(tree: Path, asked: Sequence[str], seconds: float) -> dict[str, Any]:
    """Ask in this process, one question after another."""
    import hier

    opened = hier.load(tree)
    for question in asked[:20]:
        opened.compress(question, BUDGET)
    taken = []
    started = time.perf_counter()
    for question in asked[20:]:
        before = time.perf_counter()
        json.dumps(opened.compress(question, BUDGET).to_dict())
        taken.append(1000 * (time.perf_counter() - before))
        if time.perf_counter() - started > seconds:
            break
    taken.sort()
    return {
        "a_second": len(taken) / (time.perf_counter() - started), "requests": len(taken),
        "p50": taken[len(taken) // 2], "p99": taken[int(0.99 * len(taken))], "most": taken[-1],
    }  # fmt: skip


def beside(tree: Path, seconds: int, processes: int) -> dict[str, Any]:
    """Ask in some processes at once; return their questions together, and the slowest of them."""
    command = [sys.executable, __file__, "--alone", str(tree), "--seconds", str(seconds)]
    single = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [*command, "--part", str(n)], stdout=subprocess.PIPE, text=True, env=single
        )
        for n in range(processes)
    ]
    found = [json.loads(process.communicate()[0]) for process in running]
    totals = {name: sum(one[name] for one in found) for name in ("a_second", "requests")}
    return totals | {name: max(one[name] for one in found) for name in ("p50", "p99", "most")}


def measure(place: Path, load: Load, tokens: int = TOKENS) -> dict[str, Any]:
    """Ask in all ways."""
    import hier

    text = stdlib_text.text(round(tokens * stdlib_text.CHARACTERS_A_TOKEN))
    tree, path = hier.build(text), place / "text.hier"
    tree.save(path)
    asked = questions(text)
    bodies = [json.dumps({"query": one, "budget": BUDGET}).encode() for one in asked]
    with served(path, place) as (url, process):
        warming = bodies[-50:]
        for body in warming:
            ask(url, body)
        before = processor_seconds(process)
        distinct = load.run(place, url, bodies[:-50])
        own = 1000 * (processor_seconds(process) - before) / distinct["requests"]
        for body in bodies[:REPEATED]:
            ask(url, body)
        before = processor_seconds(process)
        repeated = load.run(place, url, bodies[:REPEATED])
        kept = 1000 * (processor_seconds(process) - before) / repeated["requests"]
        health = load.run(place, url)
        sample = [(asked[n], ask(url, bodies[n])) for n in range(0, 20 * REPEATED, REPEATED)]
    wrong = [
        question
        for question, answer in sample
        if answer["text"] != tree.compress(question, BUDGET).text
    ]
    return {
        "tokens": tree.tokens, "budget": BUDGET, "workers": WORKERS,
        "connections": load.connections, "seconds": load.seconds,
        "distinct": distinct, "repeated": repeated, "health": health,
        "one_process": beside(path, load.seconds, 1),
        "two_processes": beside(path, load.seconds, 2),
        "own_milliseconds": own, "own_milliseconds_kept": kept,
        "wrong": len(wrong), "compared": len(sample),
    }  # fmt: skip


def targets(found: dict[str, Any]) -> list[Target]:
    """What was to be reached."""
    errors = sum(found[part]["errors"] for part in ("distinct", "repeated", "health"))
    each = found["distinct"]
    return [
        Target(
            "compress requests, every question another", 200, each["a_second"], "a second", True
        ),
        Target("99 of 100 of them are answered in", 100, each["p99"], "ms"),
        Target("the server's own loop, of one of them", 1, found["own_milliseconds"], "ms"),
        Target("the same, of one that was kept", 1, found["own_milliseconds_kept"], "ms"),
        Target("requests that failed", 0, errors),
        Target("answers that differ from the engine's", 0, found["wrong"]),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file; 1 if a target was missed, 2 without wrk."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--seconds", type=int, default=10, help="of each part")
    add("--connections", type=int, default=8, help="clients at once")
    add("--tokens", type=int, default=TOKENS, help="of the text")
    add("--alone", type=Path, help=argparse.SUPPRESS)
    add("--part", type=int, default=0, help=argparse.SUPPRESS)
    add("--out", type=Path, default=environment.RESULTS / "serving.json", help="'-' writes none")
    options = described.parse_args(arguments)
    if options.alone:
        import hier

        asked = questions(hier.load(options.alone).source)
        shifted = asked[options.part * 1000 :]
        print(json.dumps(alone(options.alone, shifted, options.seconds)))
        return 0
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        found = measure(Path(place), Load(options.seconds, options.connections), options.tokens)
    lines = targets(found)
    for part in ("distinct", "repeated", "health", "one_process", "two_processes"):
        told = found[part]
        print(
            f"{part:15}{told['a_second']:9.1f} a second, p50 {told['p50']:7.2f} ms, "
            f"p99 {told['p99']:7.2f} ms, most {told['most']:7.2f} ms"
        )
    print(*lines, sep="\n")
    if str(options.out) != "-":
        result = {"environment": environment.describe(packages=PACKAGES)} | found
        environment.write(options.out, result | {"targets": [line.row() for line in lines]})
        print("written:", options.out)
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())
