"""Asking within a budget: what one context, coarse to fine and the whole text show and take.

No model is asked. A scripted reader answers as soon as all of a question's gold evidence stands in
what it is shown; until then it asks for more: it searches for the question again, then opens the
node of the outline that shares most words with it, in turn. Measured are the tokens of all calls
together, and the share of questions whose evidence was shown (nine tenths of its characters).

What this does not measure: whether a model answers rightly, follows the protocol, knows when it has
enough (the reader does, by the gold: tokens of coarse to fine are a lower bound), or words a better
search from what it has read (the reader does not: evidence shown is a lower bound for a good one).

    python benchmarks/asking.py --data FOLDER [--sets squad,cuad] [--out FILE]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import data
import environment

from hier.summarizers.calls import Call, Message, Reply, ToolCall

SETS = ("squad", "musique_pool", "qmsum", "cuad", "covidqa")
TOKENIZER = "cl100k_base"
BUDGETS = (2000, 4000, 8000)
MODES = ("once", "steps")
PRICES = (None, "balanced")
SHOWN = 0.9  # of the evidence's characters
FIGURES = "asking.json"
_ANSWER = "The answer stands there [1]."


class Reader:
    """Answers when the evidence is in what it is shown, asks for more until then.

    Args:
        question: what is asked.
        evidence: the texts of the gold evidence.
        count: tokens of a text.
    """

    name, window, has_tools = "reader", None, True

    def __init__(self, question: str, evidence: Sequence[str], count: Callable[[str], int]) -> None:
        self.words = set(re.findall(r"\w{4,}", question.lower()))
        self.question, self.count, self.turn = question, count, 0
        self.opened: set[int] = set()
        self.wanted = {run for text in evidence for run in runs(text)}

    def chat(
        self,
        messages: Sequence[Message],
        most: int,
        *,
        purpose: str,
        record: Callable[[Call], None],
        tools: Sequence[Any] = (),
        on_text: Any = None,
        again: int = 0,
    ) -> Reply:
        """Answer, or ask for more."""
        record(Call("answering", "reader", told=False))
        shown = set(runs(re.sub(r"^\[\w?\d+\] ", "", messages[-1].text, flags=re.MULTILINE)))
        if not tools or len(self.wanted & shown) >= SHOWN * len(self.wanted):
            return Reply(_ANSWER)
        self.turn += 1
        node = self._likeliest(messages[-1].text) if self.turn % 2 == 0 else None
        if node is None:
            return Reply("", calls=(ToolCall("1", "search", {"query": self.question}),))
        self.opened.add(node)
        return Reply("", calls=(ToolCall("1", "expand", {"node_id": node}),))

    def _likeliest(self, text: str) -> int | None:
        """Return the node of the outline that shares most words with the question."""
        outline = text.rpartition("\nOutline")[2]
        found = re.findall(r"^ *(\d+), \d+: (.*)$", outline, re.MULTILINE)
        shares = [
            (len(self.words & set(re.findall(r"\w{4,}", label.lower()))), int(node))
            for node, label in found
            if int(node) not in self.opened
        ]
        return max(shares)[1] if shares and max(shares)[0] else None


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Yield every four words of a text that follow each other; a shorter one as a whole."""
    words = re.findall(r"\w+", text)
    yield from (tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3)))


def ask_all(document: data.Document) -> Iterator[dict[str, Any]]:
    """Ask a document's questions in every way."""
    import hier
    from hier.asking.ask import ask
    from hier.errors import BudgetError

    weights = data.left_out_weights(data.family(document.dataset), "static")
    tree = hier.build(document.text, tokenizer=TOKENIZER, relevance=weights)
    for question in document.questions:
        evidence = [document.text[start:end] for start, end in question.evidence]
        for budget in BUDGETS:
            for mode in MODES:
                for price in PRICES:
                    reader = Reader(question.question, evidence, tree.tokenizer.count)
                    way = {"set": document.dataset, "mode": mode, "price": price, "budget": budget}
                    try:
                        answer = ask(
                            tree, question.question, reader, budget, mode=mode, price=price
                        )
                    except BudgetError:  # no room for two calls
                        answer = ask(
                            tree, question.question, reader, budget, mode="once", price=price
                        )
                    spans = [(s.start, s.end) for c in answer.contexts for s in c.segments]
                    yield way | {
                        "tokens": answer.tokens,
                        "calls": answer.ledger.total().calls,
                        "shown": data.covered(question.evidence, spans) >= SHOWN,
                        "whole": answer.beside.whole_tokens,
                    }


def summarise(asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over questions within sets, then over sets, of every way of asking."""
    keys = ("mode", "price", "budget")
    ways = list(dict.fromkeys(tuple(one[key] for key in keys) for one in asked))
    rows = []
    for way in ways:
        sets: dict[str, list[dict[str, Any]]] = {}
        for one in asked:
            if tuple(one[key] for key in keys) == way:
                sets.setdefault(one["set"], []).append(one)
        rows.append(
            dict(zip(keys, way, strict=True))
            | {
                name: fmean(fmean(one[name] for one in found) for found in sets.values())
                for name in ("tokens", "calls", "shown", "whole")
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, and write the result file; 1 if a budget was exceeded."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, default=data.default_folder())
    add("--sets", default=",".join(SETS), help="data sets, comma-separated")
    add("--documents", type=int, default=2, help="of each set")
    add("--questions", type=int, default=5, help="of each document")
    add("--out", type=Path, default=environment.RESULTS / FIGURES, help="'-' writes none")
    options = described.parse_args(arguments)
    try:
        documents = data.evidence_suite(
            options.data, options.sets.split(","), options.documents, options.questions
        )
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    asked = [one for document in documents for one in ask_all(document)]
    rows = summarise(asked)
    for row in rows:
        price = row["price"] or "fill"
        print(
            f"{row['mode']:6}{price:10}{row['budget']:6}  {row['tokens']:7.0f} tokens in "
            f"{row['calls']:.1f} calls, evidence shown {row['shown']:.0%}"
        )
    print(f"the whole text: {rows[0]['whole']:,.0f} tokens in one call")
    kept = all(one["tokens"] <= one["budget"] for one in asked)
    if str(options.out) != "-":
        questions = len(asked) // len(rows)
        result = {"environment": environment.describe(), "questions": questions, "rows": rows}
        environment.write(options.out, result)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
