"""Retrieving: what the retrievers and compressors of all hosts check, ask and tell.

A host's retriever hands over one document that holds the rendered context, so that nothing a host
puts between documents can break the budget.
"""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hier.budget import read_budget
from hier.context import Context
from hier.corpus.corpus import Corpus
from hier.corpus.header import is_corpus
from hier.corpus.where import Where, read_where
from hier.errors import InputError
from hier.integrations.joining import Part
from hier.store import load
from hier.tree import Tree

_D = TypeVar("_D")
_OWN = ("self", "query", "budget")  # arguments of Tree.compress that retrievers have themselves


def check_asked(
    asked: Any, budget: Any, where: Where | None = None, options: Mapping[str, Any] | None = None
) -> None:
    """Refuse, when a retriever is made, what could not be asked later.

    Args:
        asked: a tree or a corpus.
        budget: most tokens, or ``"auto"``.
        where: which documents of a corpus are meant.
        options: further arguments of ``Tree.compress``.

    Raises:
        BudgetError: the budget is neither.
        InputError: it is neither a tree nor a corpus, a tree is filtered, or there is no such
            option.
    """
    if not isinstance(asked, Tree | Corpus):
        raise InputError(
            f"a source of type {type(asked).__name__} cannot be asked; pass a hier.Tree or a "
            "hier.Corpus: hier.build(text), hier.load(path) or hier.Corpus.open(path)"
        )
    check_asking(budget, where, options)
    if where and isinstance(asked, Tree):
        raise InputError(f"where={where!r} is for a corpus, and this is one tree; leave it out")


def check_asking(budget: Any, where: Where | None, options: Mapping[str, Any] | None) -> None:
    """Refuse a budget, a filter or options that no tree and no corpus takes; see ``check_asked``.

    Raises:
        BudgetError: as for ``check_asked``.
        InputError: as for ``check_asked``.
    """
    read_where(where)
    known = [name for name in inspect.signature(Tree.compress).parameters if name not in _OWN]
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise InputError(
            f"options of type {type(options).__name__} are no mapping; pass such as "
            "{'max_segments': 5}"
        )
    if unknown := [name for name in options if name not in known]:
        raise InputError(f"options have no {unknown[0]!r}; they are {', '.join(known)}")
    read_budget(1, budget, options.get("ratio"), options.get("ceiling"), options.get("price"))


def ask(
    asked: Tree | Corpus,
    query: str,
    budget: int | str,
    where: Where | None = None,
    options: Mapping[str, Any] | None = None,
) -> Context:
    """Compress a tree or a corpus.

    Raises:
        HierError: as for ``Tree.compress`` and ``Corpus.compress``.
    """
    if isinstance(asked, Tree):
        if where:
            raise InputError(f"where={where!r} is for a corpus, and this is one tree; leave it out")
        return asked.compress(query, budget, **(options or {}))
    return asked.compress(query, budget, where=where, **(options or {}))


def told(context: Context, asked: Tree | Corpus) -> dict[str, Any]:
    """Return what a host keeps beside a context's text: plain values, never shown to a model.

    Returns:
        ``source``, the names of the documents shown, and ``hier``: tokens, budget and segments.
    """
    names = dict.fromkeys(segment.document_id for segment in context.segments)
    source = asked.document.name if isinstance(asked, Tree) else "; ".join(names)
    segments = [
        {
            "start": segment.start,
            "end": segment.end,
            "kind": segment.kind,
            "level": segment.level,
            "node_id": segment.node_id,
            "place": segment.place,
            "document_id": segment.document_id,
        }
        for segment in context.segments
    ]
    figures = {"tokens": context.tokens, "budget": context.budget, "segments": segments}
    return {"source": source, "hier": figures}


def provenance(name: str | None, part: Part) -> dict[str, Any]:
    """Return what a host keeps beside what is shown of a document that another found.

    Args:
        name: the document's id.
        part: what is shown of it.
    """
    return {
        "index": part.index,
        "id": name,
        "tokens": part.tokens,
        "segments": [{"start": start, "end": end} for start, end in part.spans],
    }


def check_documents(documents: Any, wanted: type[_D], remedy: str) -> list[_D]:
    """Return a host's documents as a list.

    Args:
        documents: what came.
        wanted: the host's type of documents.
        remedy: what to pass, for the error.

    Raises:
        InputError: it is something else.
    """
    if isinstance(documents, str | Mapping | wanted) or not isinstance(documents, Iterable):
        raise InputError(f"documents of type {type(documents).__name__} are no list; {remedy}")
    found = list(documents)
    for number, document in enumerate(found):
        if not isinstance(document, wanted):
            raise InputError(f"document {number} is of type {type(document).__name__}; {remedy}")
    return found


def best(context: Context) -> float:
    """Return the relevance of the best segment; 0 where none is shown."""
    return max((segment.relevance for segment in context.segments), default=0.0)


def open_saved(path: str | Path) -> Tree | Corpus:
    """Open a saved tree or a corpus, whichever a file is.

    Raises:
        StoreError: it is missing, neither, or damaged.
    """
    return Corpus.open(path) if is_corpus(Path(path)) else load(path)
