"""Stable trees under edits: how many summaries a small edit of a long text makes anew.

A summary that a model wrote is kept by the text it was made from: a section's by its own words, a
higher node's by its children's summaries. So an edit costs a call for every section whose text did
not stand before, and for all that stand over one. Were every bound to stay where it is, that would
be one call a level: the depth of the tree. Here long real texts (with headings and without) are
edited at seeded places, one paragraph or sentence at a time, and the calls counted: with the tree
of the original at hand ("kept"), one edit upon another, each with the tree before ("in a row"), and
built as if nothing were known ("afresh"). The aim, for the first two: at most one call more than
the depth in 95 of 100 edits, and no more than the depth in half.

    python benchmarks/edits.py [--data FOLDER] [--edits 24] [--out FILE]

Exit 1 when the aim is missed. Without data, only what every Python carries is edited.
"""

import argparse
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import data
import environment
import numpy as np
import stdlib_text

CHARACTERS = 450_000  # about 100,000 tokens: 1,000 passages
SETS = ("squality", "cuad", "qmsum", "loogle_sample")
AIM = 0.95  # the share of edits that cost at most one call more than the depth
WAYS = ("kept", "in a row", "afresh")
KINDS = (
    "paragraph replaced",
    "paragraph inserted",
    "paragraph deleted",
    "sentence replaced",
    "sentence inserted",
    "sentence deleted",
)
_BLANK_LINES = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
_PARAGRAPH_WORDS = (20, 160)  # what is edited as one paragraph: longer ones are taken in parts


@dataclass(frozen=True)
class Edit:
    """What stands in place of a span of the text."""

    kind: str
    start: int
    end: int
    words: str

    def of(self, text: str) -> str:
        """The text after the edit."""
        return text[: self.start] + self.words + text[self.end :]


def texts(folder: Path | None, characters: int = CHARACTERS) -> dict[str, str]:
    """Long texts by name: documents of each set, joined; what every Python carries."""
    reference = stdlib_text.reference()
    found = {
        "reference": reference[:characters],
        "reference without headings": re.sub(r"(?m)^# .*\n\n", "", reference)[:characters],
        "library": stdlib_text.text(characters),
    }
    if folder is not None:
        for name in SETS:
            parts, length = [], 0
            for document in data.read(data.find(folder, name)):
                parts.append(document.text.strip() + "\n\n")
                length += len(parts[-1])
                if length >= characters:
                    break
            found[name] = "".join(parts)[:characters]
    return found


def edits(text: str, count: int, seed: int, only: str | None = None) -> list[Edit]:
    """Edits of one text, of all kinds in turn or of one, each at a place drawn at random."""
    turn = random.Random(seed)
    paragraphs = list(_paragraphs(text))
    made: list[Edit] = []
    while len(made) < count:
        kind = only or KINDS[len(made) % len(KINDS)]
        place, donor = turn.choice(paragraphs), turn.choice(paragraphs)
        unit, action = kind.split()
        if unit == "sentence":
            place, donor = (turn.choice(_sentences(text, *span)) for span in (place, donor))
        start, end = place
        words = text[donor[0] : donor[1]]
        if action == "inserted":
            between = "\n\n" if unit == "paragraph" else " "
            made.append(Edit(kind, end, end, between + words))
        elif action == "deleted":
            while end < len(text) and text[end].isspace():
                end += 1
            made.append(Edit(kind, start, end, ""))
        elif words != text[start:end]:
            made.append(Edit(kind, start, end, words))
    return made


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Spans of paragraphs of prose, or of parts of those that are very long."""
    bounds = [0, *(match.end() for match in _BLANK_LINES.finditer(text)), len(text)]
    least, most = _PARAGRAPH_WORDS
    for start, end in pairwise(bounds):
        begin = start
        for sentence, stop in _sentences(text, start, end):
            if stop - begin > 6 * most and sentence > begin:
                begin = sentence
            if len(text[begin:stop].split()) >= 3 * least and stop < end:
                yield begin, stop
                begin = stop + len(text[stop:end]) - len(text[stop:end].lstrip())
        last = text[begin:end].rstrip()
        if least <= len(last.split()) <= most:
            yield begin, begin + len(last)


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the sentences of a paragraph, white space behind them left out."""
    paragraph = text[start:end].rstrip()
    ends = [match.span() for match in _SENTENCE.finditer(paragraph)]
    firsts = [0, *(stop for _, stop in ends)]
    lasts = [*(begin for begin, _ in ends), len(paragraph)]
    return [(start + a, start + b) for a, b in zip(firsts, lasts, strict=True)]


def keys(tree: Any) -> list[set[str]]:
    """What each summary of a model depends on, a set a level: sections and what is above."""
    below: dict[int, str] = {}
    found = []
    nodes, offsets = tree.nodes, tree.nodes.offsets
    for level in range(min(2, len(tree.levels) - 1), len(tree.levels)):
        here = {}
        for node_id in range(offsets[level], offsets[level + 1]):
            node = nodes[node_id]
            parts = [below[child] for child in node.children if child in below]
            made_from = "\n".join(parts) if parts else tree.source[node.start : node.end]
            here[node_id] = sha256(made_from.encode("utf-8", "replace")).hexdigest()
        found.append(set(here.values()))
        below = here
    return found


def calls(before: Sequence[set[str]], after: Sequence[set[str]]) -> int:
    """How many summaries of one tree were not made for the other."""
    return len(set().union(*after) - set().union(*before))


def measure(text: str, count: int, seed: int) -> dict[str, Any]:
    """Edit one text many times: each time from the original, and one edit upon another.

    Returns:
        The tree's size, and for each way of building the calls of every edit and its depth.
    """
    import hier

    tree = hier.build(text)
    before = keys(tree)
    found: dict[str, Any] = {
        "tokens": tree.tokens,
        "passages": len(tree.levels[min(1, len(tree.levels) - 1)].first_leaf),
        "depth": len(before),
        "nodes": sum(map(len, before)),
    }
    ways: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    latest, latest_text, turn = tree, text, random.Random(seed)
    for edit in edits(text, count, seed):
        edited = edit.of(text)
        for way, previous in (("kept", tree), ("afresh", None)):
            after = keys(hier.build(edited, previous=previous))
            ways[way].append(_line(edit, calls(before, after), len(after)))
        (edit,) = edits(latest_text, 1, turn.randrange(1 << 30), edit.kind)
        latest_text, known = edit.of(latest_text), keys(latest)
        latest = hier.build(latest_text, previous=latest)
        after = keys(latest)
        ways["in a row"].append(_line(edit, calls(known, after), len(after)))
    found["sizes"] = {way: sizes(built) for way, built in (
        ("afresh", hier.build(latest_text)), ("in a row", latest)
    )}  # fmt: skip
    return found | {"edits": ways}


def _line(edit: Edit, made: int, depth: int) -> dict[str, Any]:
    return {"kind": edit.kind, "calls": made, "depth": depth}


def sizes(tree: Any) -> dict[str, list[float]]:
    """Tokens of the nodes of passages, sections and what is above: 5th, 50th, 95th percentile."""
    found = {}
    for level, name in enumerate(("passages", "sections", "above"), 1):
        first = tree.levels[min(level, len(tree.levels) - 1)].first_leaf
        tokens = sorted(np.add.reduceat(tree.leaf_tokens, first).tolist())
        found[name] = [tokens[len(tokens) * share // 100] for share in (5, 50, 95)]
    return found


def figures(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Calls beyond the depth, and how many edits stay within it and within one more."""
    over = sorted(line["calls"] - line["depth"] for line in lines)
    return {
        "edits": len(over),
        "calls_median": median(line["calls"] for line in lines),
        "over_median": median(over),
        "over_p95": over[-(-95 * len(over) // 100) - 1],
        "over_worst": over[-1],
        "within_depth": sum(value <= 0 for value in over) / len(over),
        "within_one_more": sum(value <= 1 for value in over) / len(over),
    }


def run(folder: Path | None, count: int, seed: int, characters: int = CHARACTERS) -> dict[str, Any]:
    """All texts, and all edits together."""
    result: dict[str, Any] = {"texts": {}}
    print(f"{'calls beyond the depth':<36}{'median':>7}{'p95':>5}{'worst':>6}"
          f"{'<= depth':>10}{'<= depth + 1':>14}")  # fmt: skip
    every: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for name, text in texts(folder, characters).items():
        found = measure(text, count, seed)
        for way, lines in found["edits"].items():
            every[way] += lines
            _print(f"{name}, {way}", figures(lines))
        found["edits"] = {way: figures(lines) for way, lines in found["edits"].items()}
        result["texts"][name] = found
    result["all"] = {way: figures(lines) for way, lines in every.items()}
    result["kinds"] = {
        kind: figures([line for line in every["kept"] if line["kind"] == kind]) for kind in KINDS
    }
    for way, found in result["all"].items():
        _print(f"all, {way}", found)
    return result


def _print(name: str, found: dict[str, Any]) -> None:
    print(f"{name:<36}{found['over_median']:>7g}{found['over_p95']:>5}{found['over_worst']:>6}"
          f"{found['within_depth']:>10.1%}{found['within_one_more']:>14.1%}",
          flush=True)  # fmt: skip


def reached(found: dict[str, Any]) -> bool:
    """Whether the aim is reached wherever a tree of the text before was at hand."""
    return all(
        found["all"][way]["within_one_more"] >= AIM and found["all"][way]["over_median"] <= 0
        for way in ("kept", "in a row")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result file; 1 if the aim was missed."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, help="folder of JSON-lines sets; default HIER_DATA, ../shared/data")
    add("--edits", type=int, default=24, help="edits of each text")
    add("--out", type=Path, default=environment.RESULTS / "edits.json", help="'-' writes none")
    options = described.parse_args(arguments)
    folder = options.data or data.default_folder()
    if not folder.is_dir():
        print(f"no data in {folder}: only what every Python carries is edited", file=sys.stderr)
    found = run(folder if folder.is_dir() else None, options.edits, environment.SEED)
    found["reached"] = reached(found)
    if str(options.out) != "-":
        environment.write(options.out, {"environment": environment.describe()} | found)
        print("written:", options.out)
    return 0 if found["reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
