"""The service: what each tool does, asked of one corpus.

Plain calls, safe from many threads at once: the corpus sees to its own, and one document is added
at a time. Errors are those of hier; nothing of the protocol is known here.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hier
from hier.budget import whole_number
from hier.context import Context
from hier.corpus.corpus import Corpus
from hier.corpus.database import Row
from hier.corpus.where import Where, matching
from hier.errors import BudgetError, InputError
from hier.serving.folders import Folders
from hier.serving.mcp import answers, schemas
from hier.serving.mcp.adding import document_of, shortened
from hier.tree import Tree

_FOUND_TOKENS = 100  # of the context that a search reads its places from, for each place
_NOTHING = "(nothing here is worth its tokens for that question)"


@dataclass(frozen=True)
class Reply:
    """What a tool gives.

    Attributes:
        text: for the model.
        value: the same and more, for the client.
        changed: whether the documents changed.
    """

    text: str
    value: Any
    changed: bool = False


@dataclass
class Usage:
    """What was asked since the start; see ``schemas.Stats``."""

    questions: int = 0
    given: int = 0
    sources: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, given: int, rows: Sequence[Row]) -> None:
        """Count a question: the tokens given, and the documents that it was asked of."""
        with self._lock:
            self.questions += 1
            self.given += given
            self.sources += sum(row.tokens for row in rows)


class Service:
    """Answers tools from a corpus.

    Args:
        corpus: the documents.
        folders: where files may be read that are added.
    """

    def __init__(self, corpus: Corpus, folders: Folders) -> None:
        self.corpus, self.folders = corpus, folders
        self.usage = Usage()
        self._adding = threading.Lock()

    def compress(self, asked: schemas.CompressArguments) -> Reply:
        """Return the context of a question about all documents, some or one."""
        budget = _checked(asked.budget)
        parts: dict[str, Any] = {"must_include": asked.must_include, "exclude": asked.exclude}
        if asked.document is None:
            rows = self._rows(asked.where)
            context = self.corpus.compress(asked.query, budget, where=asked.where, **parts)
        elif asked.where is None:
            rows = [self.row(asked.document)]
            found = self.tree(asked.document).compress(asked.query, budget, **parts)
            context = answers.named(found, asked.document)
        else:
            raise InputError("document and where are both given; pass one of them")
        return self._given(context, rows)

    def expand(self, asked: schemas.ExpandArguments) -> Reply:
        """Return the context of a question about one node."""
        if asked.budget == "auto":
            raise BudgetError("budget 'auto' is for compress; pass expand a number of tokens")
        budget, rows = _checked(asked.budget), [self.row(asked.document)]
        context = self.tree(asked.document).expand(asked.node_id, budget, asked.query)
        return self._given(answers.named(context, asked.document), rows)

    def _given(self, context: Context, rows: Sequence[Row]) -> Reply:
        """Count a context, and return it.

        Raises:
            BudgetError: the budget has room for nothing.
        """
        if not context.text and context.stop == "budget":
            raise BudgetError(
                f"not even the best sentence fits into {context.budget} tokens; raise the budget"
            )
        self.usage.count(context.tokens, rows)
        return Reply(context.text or _NOTHING, answers.compressed(context))

    def search(self, asked: schemas.SearchArguments) -> Reply:
        """Return the places that a context of the question would be made of, best first.

        They are the allocator's picks: what is relevant, and none that repeats what another says.

        Raises:
            InputError: the question is blank.
        """
        if not asked.query.strip():
            raise InputError("the query is blank; say what to look for, or call outline")
        rows = self._rows(asked.where)
        context = self.corpus.compress(
            asked.query, asked.limit * _FOUND_TOKENS, where=asked.where, headings=False, gaps=False
        )
        found = answers.searched(context, asked.limit)
        text = answers.search_text(found)
        self.usage.count(self.corpus.tokenizer.count(text), rows)
        return Reply(text, found)

    def outline(self, asked: schemas.OutlineArguments) -> Reply:
        """Return the documents, or the upper tree of one."""
        if asked.document is None:
            outline = answers.listed(matching(self.corpus.documents, asked.where), asked.limit)
        else:
            outline = answers.outlined(self.tree(asked.document), asked.depth, asked.limit)
        return Reply(answers.outline_text(outline), outline)

    def add(self, asked: schemas.AddArguments) -> Reply:
        """Add a document, or replace the one of that name."""
        document = document_of(asked, self.folders, self.corpus.settings.encoding)
        with self._adding:
            before = self._known(document.name)
            self.corpus.add(document, metadata=asked.metadata)
            row, count = self.row(document.name), len(self.corpus)
        same = before is not None and (before.hash, before.metadata) == (row.hash, row.metadata)
        replaced = before is not None and not same
        value = schemas.Added(
            document=row.id, tokens=row.tokens, replaced=replaced, unchanged=same, documents=count
        )
        done = "was there already" if same else "replaced" if replaced else "added"
        text = f"{done}: {row.id}, {row.tokens:,} tokens; documents now: {count:,}"
        return Reply(text, value, changed=not same)

    def stats(self, _: schemas.StatsArguments) -> Reply:
        """Return what is held, what was asked and what that saved."""
        usage = self.usage
        saved = 1 - usage.given / usage.sources if usage.sources else 0.0
        value = schemas.Stats(
            documents=len(self.corpus),
            tokens=self.corpus.tokens,
            questions=usage.questions,
            tokens_given=usage.given,
            tokens_of_sources=usage.sources,
            saved=round(saved, 4),
            tokenizer=self.corpus.tokenizer.name or "the user's own",
            folders=len(self.folders.roots),
            version=hier.__version__,
        )
        return Reply("\n".join(f"{key}: {told}" for key, told in value.model_dump().items()), value)

    def row(self, name: str) -> Row:
        """Return a document as it is listed.

        Raises:
            InputError: there is no such document.
        """
        row = self._known(name)
        if row is None:
            raise InputError(f"there is no document {shortened(name)!r}; outline lists them")
        return row

    def tree(self, name: str) -> Tree:
        """Return the tree of a document.

        Raises:
            InputError: there is no such document.
        """
        self.row(name)
        return self.corpus.tree(name)

    def told(self, error: Exception) -> str:
        """Return what an error says, without where on this machine the files are."""
        message = " ".join(str(error).split())
        homes = [shard.path.resolve().parent for shard in self.corpus.shards]
        for home in (*homes, *self.folders.roots):
            message = message.replace(f"{home}/", "")
        return message

    def _known(self, name: str) -> Row | None:
        for view in self.corpus.moments.views:
            if name in view.number:
                return view.rows[view.number[name]]
        return None

    def _rows(self, where: Where | None) -> list[Row]:
        """Return the documents that a question is asked of.

        Raises:
            InputError: there are none at all, or the filter cannot be read.
        """
        rows = self.corpus.documents
        if not rows:
            raise InputError("there are no documents yet; add one with add_document")
        return matching(rows, where)


def _checked(budget: Any) -> Any:
    """Return a budget that one call may ask for.

    Raises:
        BudgetError: it is no number of tokens, or too many.
    """
    if budget != "auto" and whole_number(budget) > schemas.LARGEST_BUDGET:
        raise BudgetError(
            f"budget {budget} is above the most of one call, {schemas.LARGEST_BUDGET:,} tokens; "
            "ask for less"
        )
    return budget
