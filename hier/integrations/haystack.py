"""Haystack: a component that compresses what others retrieved, and one that retrieves.

What a model is shown keeps one budget: that of the contents joined as the prompt joins them. What
is known of a document stands in its meta, and never in its content. Both components are written to
and read from a pipeline's YAML; what runs asynchronously computes in a thread.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from hier.budget import read_budget
from hier.corpus.corpus import Corpus
from hier.errors import MissingExtraError, StoreError
from hier.integrations import retrieving
from hier.integrations.joining import SEPARATOR, Part, compress_together
from hier.tokens import DEFAULT_TOKENIZER, Tokenizer, load_tokenizer
from hier.tree import Tree

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "haystack-ai", "the Haystack components", "hier-context[haystack]"
    ) from error


@component
class HierCompressor:
    """Compresses retrieved documents to one token budget.

    Documents come back in their order, each with all that it had and those of its words that are
    shown; those of which nothing is shown, and those without text, are left out. ``meta["hier"]``
    has the document's ``index`` among those given, its ``id``, its ``tokens``, and ``segments``:
    the characters of its content that are shown, word for word.

    Args:
        budget: most tokens of all contents, joined; or ``"auto"``.
        tokenizer: as for ``hier.build``; a name, for a pipeline that is to be saved.
        separator: what the prompt puts between contents.

    Raises:
        BudgetError: the budget is neither a whole number of at least 1 nor ``"auto"``.
        TokenizerError: the tokenizer is unknown.
    """

    def __init__(
        self,
        budget: int | str = 2000,
        tokenizer: Any = DEFAULT_TOKENIZER,
        separator: str = SEPARATOR,
    ) -> None:
        read_budget(0, budget)
        self.budget, self.tokenizer, self.separator = budget, tokenizer, separator
        self._counter: Tokenizer = load_tokenizer(tokenizer)

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's YAML keeps.

        Raises:
            StoreError: the tokenizer is an object, which could not be found again.
        """
        if not isinstance(self.tokenizer, str | Path):
            raise StoreError(
                f"a tokenizer of type {type(self.tokenizer).__name__} cannot be written to a "
                "pipeline's file; pass its name, or the path of its tokenizer.json"
            )
        return default_to_dict(
            self, budget=self.budget, tokenizer=str(self.tokenizer), separator=self.separator
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "HierCompressor":
        """Make the component again."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Load the tokenizer's table and the word vectors."""
        compress_together(["One. Two."], None, 1, tokenizer=self._counter)

    @component.output_types(documents=list[Document])
    def run(
        self, documents: list[Document], query: str, budget: int | str | None = None
    ) -> dict[str, list[Document]]:
        """Choose what a model should see of some documents.

        Args:
            documents: what was retrieved.
            query: the question; blank for an overview.
            budget: another budget for this run.

        Raises:
            BudgetError: the budget is not one.
            InputError: they are no documents of Haystack, or the query is no text.
            TokenizerError: the tokenizer misbehaves.
        """
        given = _checked(documents)
        parts = compress_together(
            [document.content or "" for document in given],
            query,
            self.budget if budget is None else budget,
            tokenizer=self._counter,
            separator=self.separator,
        )
        return {"documents": [_shown(given[part.index], part) for part in parts]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, documents: list[Document], query: str, budget: int | str | None = None
    ) -> dict[str, list[Document]]:
        """Do the same in a thread; see ``run``."""
        return await asyncio.to_thread(self.run, documents, query, budget)


@component
class HierRetriever:
    """Answers queries with one document: the context of a tree or a corpus within a token budget.

    ``meta["source"]`` names what is shown; ``meta["hier"]`` has its tokens, the budget and the
    segments: document, characters, place and node of each. Nothing relevant: no document.

    Args:
        source: the path of a saved tree or of a corpus, opened when the pipeline warms up; or an
            open one, which cannot be written to a pipeline's YAML.
        budget: most tokens of the document's content; or ``"auto"``.
        where: which documents of a corpus are meant, as in ``Corpus.compress``.
        options: further arguments of ``Tree.compress``.

    Raises:
        BudgetError: the budget is neither a whole number of at least 1 nor ``"auto"``.
        InputError: the source is none of these, or there is no such option.
    """

    def __init__(
        self,
        source: Any,
        budget: int | str = 2000,
        where: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.source, self.budget, self.where, self.options = source, budget, where, options
        self._asked: Tree | Corpus | None = None
        if isinstance(source, str | Path):
            retrieving.check_asking(budget, where, options)
        else:
            retrieving.check_asked(source, budget, where, options)
            self._asked = source

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's YAML keeps: the path, and not what is in the file.

        Raises:
            StoreError: the source is an open tree or corpus.
        """
        if not isinstance(self.source, str | Path):
            raise StoreError(
                f"an open {type(self.source).__name__} cannot be written to a pipeline's file; "
                "save it, and pass its path: HierRetriever(source='tree.hier')"
            )
        return default_to_dict(
            self,
            source=str(self.source),
            budget=self.budget,
            where=self.where,
            options=self.options,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "HierRetriever":
        """Make the component again; its file is opened when it warms up."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Open the file, unless it is open.

        Raises:
            InputError: documents are to be chosen from, and the file is one tree.
            StoreError: it is missing, neither a tree nor a corpus, or damaged.
        """
        self._open()

    def _open(self) -> Tree | Corpus:
        if self._asked is None:
            asked = retrieving.open_saved(self.source)
            retrieving.check_asked(asked, self.budget, self.where, self.options)
            self._asked = asked
        return self._asked

    def close(self) -> None:
        """Close a file that was opened here; it is opened again when it is needed."""
        if isinstance(self.source, str | Path):
            asked, self._asked = self._asked, None
            if isinstance(asked, Corpus):
                asked.close()

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, where: dict[str, Any] | None = None, budget: int | str | None = None
    ) -> dict[str, list[Document]]:
        """Choose what a model should see.

        Args:
            query: the question; blank for an overview.
            where: other documents for this run.
            budget: another budget for this run.

        Raises:
            HierError: as for ``Tree.compress`` and ``Corpus.compress``.
        """
        asked = self._open()
        budget = self.budget if budget is None else budget
        where = self.where if where is None else where
        context = retrieving.ask(asked, query, budget, where, self.options)
        if not context.text:
            return {"documents": []}
        meta, score = retrieving.told(context, asked), retrieving.best(context)
        return {"documents": [Document(content=context.text, meta=meta, score=score)]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, where: dict[str, Any] | None = None, budget: int | str | None = None
    ) -> dict[str, list[Document]]:
        """Do the same in a thread; see ``run``."""
        return await asyncio.to_thread(self.run, query, where, budget)


def _shown(document: Document, part: Part) -> Document:
    return replace(
        document,
        content=part.text,
        meta={**document.meta, "hier": retrieving.provenance(document.id, part)},
    )


def _checked(documents: Any) -> list[Document]:
    """Return documents as a list.

    Raises:
        InputError: they are none of Haystack's.
    """
    remedy = "pass a list of haystack.Document: [Document(content=text)]"
    return retrieving.check_documents(documents, Document, remedy)
