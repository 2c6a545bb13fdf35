"""Overview recall: how much of the reference summaries' content a context holds, at exact budgets.

The questions ask what a text is about, so there is no gold evidence; what a person wrote as an
answer stands in for it. Recall is the share of a reference's distinct content words, and of its
unigrams and bigrams (ROUGE-1 and ROUGE-2 recall, Lin 2004), that occur in the context; mean over
references, questions, then sets. Our contexts, with the question and without it, stand beside two
plain ways to spend the same tokens: the text's beginning, and sentences taken at an even stride.

    python benchmarks/overview.py --data FOLDER [--sets squality]
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import data
import environment
import evidence

SYSTEMS = ("hier", "hier, no question", "lead", "stride")
MEASURES = ("content_words", "rouge1", "rouge2")

_FUNCTION_WORDS = """
a about above after again against all also am an and any are as at be because been before
being below between both but by can cannot could did do does doing down during each either
else few for from further get had has have having he her here hers herself him himself his how
i if in into is it its itself just may me might more most must my myself no nor not of off on
once only or other our ours ourselves out over own s same shall she should so some such t than
that the their theirs them themselves then there these they this those through to too under
until up upon us very was we were what when where which while who whom whose why will with
would you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True)
class Record:
    """One system's answer to one question at one budget."""

    dataset: str
    doc_id: str
    question: str
    system: str
    budget: int
    tokens: int
    content_words: float
    rouge1: float
    rouge2: float


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, as the rouge-score package tokenises."""
    return re.findall(r"[a-z0-9]+", text.lower())


def content_word_recall(reference: str, text: str) -> float:
    """Share of the reference's distinct content words that occur in the text."""
    wanted = set(words(reference)) - FUNCTION_WORDS
    return len(wanted & set(words(text))) / len(wanted) if wanted else 0.0


def rouge_recall(reference: str, text: str, n: int) -> float:
    """ROUGE-n recall without stemming: share of the reference's n-grams, counted with repeats."""
    wanted, found = _ngrams(words(reference), n), _ngrams(words(text), n)
    total = wanted.total()
    return (wanted & found).total() / total if total else 0.0


def _ngrams(tokens: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def lead(text: str, budget: int, tokenizer: str) -> str:
    """The longest beginning of the text within the budget."""
    encoding = environment.tiktoken_encoding(tokenizer)
    tokens = encoding.encode_ordinary(text[: 20 * budget])[:budget]
    while True:
        cut = encoding.decode(tokens, errors="ignore")
        if len(encoding.encode_ordinary(cut)) <= budget:
            return str(cut)
        tokens = tokens[:-1]


def stride(text: str, budget: int, tokenizer: str) -> str:
    """Sentences at an even stride through the text that fill the budget, the last one cut."""
    sentences = [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n+", text) if s.strip()]
    count = environment.token_counter(tokenizer)
    low, high = 0, len(sentences)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if count(_evenly(sentences, middle)) <= budget else (low, middle - 1)
        )
    return lead(_evenly(sentences, min(low + 1, len(sentences))), budget, tokenizer)


def _evenly(sentences: list[str], k: int) -> str:
    return "\n".join(sentences[(2 * i + 1) * len(sentences) // (2 * k)] for i in range(k))


def measure(document: data.Document, settings: evidence.Settings) -> list[Record]:
    """All systems on all questions of one document at all budgets."""
    import hier

    tree = hier.build(
        document.text, embedder=settings.embedder, tokenizer=settings.tokenizer, **settings.build
    )
    records = []
    for budget in settings.budgets:
        plain = {
            "hier, no question": tree.compress(budget=budget, **settings.compress).text,
            "lead": lead(document.text, budget, settings.tokenizer),
            "stride": stride(document.text, budget, settings.tokenizer),
        }
        for question in document.questions:
            context = tree.compress(question.question, budget=budget, **settings.compress)
            for system, text in ({"hier": context.text} | plain).items():
                records.append(_record(document, question, system, budget, text, settings))
    return records


def _record(
    document: data.Document,
    question: data.Question,
    system: str,
    budget: int,
    text: str,
    settings: evidence.Settings,
) -> Record:
    return Record(
        dataset=document.dataset,
        doc_id=document.doc_id,
        question=question.id,
        system=system,
        budget=budget,
        tokens=environment.token_counter(settings.tokenizer)(text),
        content_words=fmean(content_word_recall(r, text) for r in question.references),
        rouge1=fmean(rouge_recall(r, text, 1) for r in question.references),
        rouge2=fmean(rouge_recall(r, text, 2) for r in question.references),
    )


def summarise(records: Iterable[Record]) -> dict[str, Any]:
    """Macro means over sets by system and budget, and the same by set."""
    cells: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in records:
        cells[record.dataset, record.system, record.budget].append(record)
    sets = list(dict.fromkeys(name for name, _, _ in cells))
    budgets = sorted({budget for _, _, budget in cells})
    per_set = {
        name: {
            system: {str(b): _means(cells[name, system, b]) for b in budgets} for system in SYSTEMS
        }
        for name in sets
    }
    macro = {
        system: {
            str(b): {
                key: fmean(per_set[name][system][str(b)][key] for name in sets)
                for key in (*MEASURES, "budget_used")
            }
            for b in budgets
        }
        for system in SYSTEMS
    }
    everything = [record for cell in cells.values() for record in cell]
    overshoots = sum(record.tokens > record.budget for record in everything)
    return {"macro": macro, "overshoots": overshoots, "sets": per_set}


def _means(records: list[Record]) -> dict[str, float]:
    return {
        "questions": len(records),
        "content_words": fmean(r.content_words for r in records),
        "rouge1": fmean(r.rouge1 for r in records),
        "rouge2": fmean(r.rouge2 for r in records),
        "budget_used": fmean(r.tokens / r.budget for r in records),
    }


def table(summary: dict[str, Any]) -> Iterator[str]:
    """The macro means as lines of text."""
    budgets = list(summary["macro"][SYSTEMS[0]])
    for key in (*MEASURES, "budget_used"):
        yield f"{key:<20}" + "".join(f"{b:>9}" for b in budgets)
        for system in SYSTEMS:
            cells = summary["macro"][system]
            yield f"  {system:<18}" + "".join(f"{cells[b][key]:9.3f}" for b in budgets)
    yield f"{summary['overshoots']} over budget"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the result file; 1 if a context overshot its budget."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("--data", type=Path, default=data.default_folder(), help="folder of JSON-lines sets")
    add("--sets", default=",".join(data.OVERVIEW_SETS), help="comma-separated names of sets")
    add("--documents", type=int, default=12, help="documents of each set")
    add("--questions", type=int, default=4, help="questions of each document")
    add("--embedder", default="static", help="as in evidence.py")
    add("--workers", type=int, default=2, help="processes")
    add("--out", type=Path, help="result file; '-' writes none")
    options = described.parse_args(arguments)
    settings = evidence.Settings(embedder=options.embedder)
    sets = options.sets.split(",")
    try:
        suite = data.overview_suite(options.data, sets, options.documents, options.questions)
    except data.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    summary = summarise(evidence.run(suite, settings, options.workers, measure))
    print("\n".join(table(summary)))
    name = settings.embedder.rsplit("/", 1)[-1]
    default = environment.RESULTS / f"overview-{name}.json"
    whole = (options.sets, options.documents, options.questions) == (
        ",".join(data.OVERVIEW_SETS),
        12,
        4,
    )
    path = options.out or (default if whole else None)
    if path and str(path) != "-":
        result = {"environment": environment.describe(), "settings": asdict(settings)}
        environment.write(path, result | {"suite": sets} | summary)
        print(f"written: {path}")
    return 1 if summary["overshoots"] else 0


if __name__ == "__main__":
    sys.exit(main())
