"""One measurement of a corpus in one fresh process, printed as a line of JSON.

`corpora.py` starts these, so that no figure is warmed or fattened by another. Not meant to be read
by people.
"""

import argparse
import hashlib
import json
import resource
import time
from pathlib import Path
from typing import Any

import corpora_text
import environment
import probe
import stdlib_text
import weighing

BUDGET = 2000


def build(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from a folder to a committed store, and of one ``tiktoken`` encode beside it.

    With ``--warm`` the tables that every process loads once are loaded before; without, the time
    has all but the imports.
    """
    import hier
    from hier.corpus.corpus import Corpus

    encoding = environment.tiktoken_encoding("o200k_base")
    if options.warm:
        text = stdlib_text.text(probe.WARM_UP)
        hier.build(text).compress(stdlib_text.QUESTIONS[0], budget=BUDGET)
        encoding.encode_ordinary(text)
    processor = _processor_seconds()
    store, folder = options.stores[0], options.folder
    seconds, report = probe.clocked(lambda: _sync(Corpus, store, folder, options.workers))
    spent = _processor_seconds() - processor
    if report.failed or not report.added:
        raise SystemExit(f"{len(report.added)} documents were added, {len(report.failed)} failed")
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.txt"))]
    encode, counts = probe.clocked(lambda: [len(encoding.encode_ordinary(t)) for t in texts])
    return {
        "documents": len(report.added),
        "tokens": sum(counts),
        "text_bytes": sum(len(text.encode()) for text in texts),
        "store_bytes": store.stat().st_size,
        "seconds": seconds,
        "processor_seconds": spent,
        "encode_seconds": encode,
    }


def shards(options: argparse.Namespace) -> dict[str, Any]:
    """Make a store of each folder in the folder, and its index."""
    from hier.corpus.corpus import Corpus

    folders = sorted(options.folder.iterdir())
    for store, folder in zip(options.stores, folders, strict=True):
        _sync(Corpus, store, folder, options.workers)
        with Corpus.open(store) as corpus:
            _indexed(corpus)
    return {"stores": len(options.stores)}


def _sync(corpus_class: Any, store: Path, folder: Path, workers: int) -> Any:
    with corpus_class.create(store) as corpus:
        return corpus.sync(folder, workers=workers)


def _processor_seconds() -> float:
    """Seconds of processors that this process and its ended children have used."""
    return sum(
        used.ru_utime + used.ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        for used in [resource.getrusage(who)]
    )


def index(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds to make the index of a store that has none, and its bytes."""
    from hier.corpus.corpus import Corpus
    from hier.corpus.index_file import index_path

    (store,) = options.stores
    path = index_path(store)
    path.unlink(missing_ok=True)
    with Corpus.open(store) as corpus:
        seconds, passages = probe.clocked(lambda: _indexed(corpus))
    return {"seconds": seconds, "bytes": path.stat().st_size, "passages": passages}


def _indexed(corpus: Any) -> int:
    """Have the index of every shard ready; returns the number of passages."""
    return sum(len(shard.look().passages) for shard in corpus.shards)


def ask(options: argparse.Namespace) -> dict[str, Any]:
    """Open stores that have their index as one, and ask fifty questions, each once."""
    began = time.perf_counter()
    from hier.corpus.corpus import Corpus

    imported = time.perf_counter()
    with Corpus.open(options.stores) as corpus:
        passages = _indexed(corpus)
        opened = time.perf_counter()
        corpus.compress("A question nobody asked yet", BUDGET)
        first = time.perf_counter()
        rows, answers = [], hashlib.sha256()
        with weighing.watched() as seen:
            for asked in corpora_text.questions():
                seen.clear()
                query, where = asked.query, asked.where
                seconds, context = probe.clocked(
                    lambda q=query, w=where: corpus.compress(q, BUDGET, where=w)
                )
                if not context.segments or context.tokens > BUDGET:
                    raise SystemExit(f"{query!r} was answered with {context.tokens} tokens")
                answers.update(context.text.encode())
                rows.append(
                    {
                        "kind": asked.kind,
                        "ms": 1000 * seconds,
                        "weighing_ms": sum(each.milliseconds for each in seen),
                        "leaves": sum(each.scored for each in seen),
                        "documents": len({s.document_id for s in context.segments}),
                    }
                )
        return {
            "documents": len(corpus),
            "tokens": corpus.tokens,
            "leaves": sum(row.leaves for row in corpus.documents),
            "passages": passages,
            "import_seconds": imported - began,
            "open_seconds": opened - imported,
            "first_ms": 1000 * (first - opened),
            "peak_bytes": probe.resident("VmHWM"),
            "asked": rows,
            "digest": answers.hexdigest(),
        }


def change(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds to add one short document to a store, its index brought up to date."""
    from hier import Document
    from hier.corpus.corpus import Corpus

    with Corpus.open(options.stores) as corpus:
        corpus.compress(stdlib_text.QUESTIONS[0], BUDGET)
        text = stdlib_text.text(4_000, seed=options.seed)

        def add() -> None:
            corpus.add(Document(text, f"added {options.seed}"))
            _indexed(corpus)

        seconds, _ = probe.clocked(add)
    return {"change_seconds": seconds}


PROBES = {"build": build, "shards": shards, "index": index, "ask": ask, "change": change}


def main() -> None:
    """Run the probe that the command line names."""
    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = described.add_argument
    add("probe", choices=PROBES)
    add("stores", type=Path, nargs="+")
    add("--folder", type=Path)
    add("--workers", type=int, default=1)
    add("--warm", action="store_true")
    add("--seed", type=int, default=1)
    options = described.parse_args()
    print(json.dumps(PROBES[options.probe](options)))


if __name__ == "__main__":
    main()
