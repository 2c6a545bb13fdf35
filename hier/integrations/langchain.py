"""LangChain: a compressor of what others retrieved, a retriever, and compression as a step.

What a model is shown keeps one budget: that of the page contents joined as chains join them. What
is known of a document stands in its metadata, and never in its text. Everything that computes runs
in a thread when it is awaited.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hier.budget import read_budget
from hier.errors import InputError, MissingExtraError
from hier.integrations import retrieving
from hier.integrations.joining import SEPARATOR, Part, compress_together
from hier.tokens import DEFAULT_TOKENIZER, Tokenizer, load_tokenizer

try:
    from langchain_core.callbacks import (
        AsyncCallbackManagerForRetrieverRun,
        CallbackManagerForRetrieverRun,
        Callbacks,
    )
    from langchain_core.documents import BaseDocumentCompressor, Document
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable, RunnableLambda
    from pydantic import ConfigDict, Field, PrivateAttr, field_validator

    from hier.integrations.langchain_messages import compress_messages
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "langchain-core", "the LangChain adapter", "hier-context[langchain]"
    ) from error

__all__ = ["HierCompressor", "HierRetriever", "compress_messages", "compress_text"]


class HierCompressor(BaseDocumentCompressor):
    """Compresses retrieved documents to one token budget, for ``ContextualCompressionRetriever``.

    Documents come back in their order, each with its id and metadata and those of its words that
    are shown; those of which nothing is shown are left out. ``metadata["hier"]`` has the document's
    ``index`` among those given, its ``id``, its ``tokens``, and ``segments``: the characters of its
    page content that are shown, word for word.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: int | str = Field(default=2000, description='Most tokens, joined; or "auto".')
    tokenizer: Any = Field(default=DEFAULT_TOKENIZER, description="How tokens are counted.")
    separator: str = Field(default=SEPARATOR, description="What stands between page contents.")
    _counter: Tokenizer = PrivateAttr()

    @field_validator("budget", mode="before")
    @classmethod
    def _check_budget(cls, budget: Any) -> Any:
        read_budget(0, budget)
        return budget

    def model_post_init(self, _: Any) -> None:
        """Load the tokenizer once.

        Raises:
            TokenizerError: it is unknown.
        """
        self._counter = load_tokenizer(self.tokenizer)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Choose what a model should see of some documents.

        Args:
            documents: what was retrieved.
            query: the question; blank for an overview.
            callbacks: nothing is called back.

        Raises:
            InputError: they are no documents of LangChain, or the query is no text.
            TokenizerError: the tokenizer misbehaves.
        """
        given = _checked(documents)
        texts = [document.page_content for document in given]
        parts = compress_together(
            texts, query, self.budget, tokenizer=self._counter, separator=self.separator
        )
        return [_shown(given[part.index], part) for part in parts]

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Do the same in a thread; see ``compress_documents``."""
        return await asyncio.to_thread(self.compress_documents, documents, query, callbacks)


class HierRetriever(BaseRetriever):
    """Answers queries with one document: the context of a tree or a corpus within a token budget.

    ``metadata["source"]`` names what is shown; ``metadata["hier"]`` has its tokens, the budget and
    the segments: document, characters, place and node of each. Nothing relevant: no document.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    source: Any = Field(description="A hier.Tree or a hier.Corpus.")
    budget: int | str = Field(default=2000, description='Most tokens; or "auto".')
    where: dict[str, Any] | None = Field(default=None, description="Which documents of a corpus.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of Tree.compress."
    )

    def model_post_init(self, _: Any) -> None:
        """Refuse what could not be asked.

        Raises:
            BudgetError: the budget is not one.
            InputError: the source is neither a tree nor a corpus, or an option is unknown.
        """
        retrieving.check_asked(self.source, self.budget, self.where, self.options)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        where: dict[str, Any] | None = None,
    ) -> list[Document]:
        return self._retrieve(query, where)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        where: dict[str, Any] | None = None,
    ) -> list[Document]:
        return await asyncio.to_thread(self._retrieve, query, where)

    def _retrieve(self, query: str, where: dict[str, Any] | None) -> list[Document]:
        where = self.where if where is None else where
        context = retrieving.ask(self.source, query, self.budget, where, self.options)
        if not context.text:
            return []
        metadata = retrieving.told(context, self.source)
        return [Document(page_content=context.text, metadata=metadata)]


def compress_text(
    budget: int | str = 2000,
    *,
    question: str = "question",
    context: str = "context",
    tokenizer: Any = DEFAULT_TOKENIZER,
    separator: str = SEPARATOR,
) -> Runnable[Any, Any]:
    """Return a step that compresses what stands between a retriever and a prompt.

    It takes a mapping and hands it on with its context compressed to a text: from a text, or from
    documents. A text alone becomes an overview of itself.

    Args:
        budget: most tokens of the context; or ``"auto"``.
        question: the name of the question in the mapping.
        context: the name of the context.
        tokenizer: as for ``hier.build``.
        separator: what is put between documents.

    Raises:
        BudgetError: the budget is neither a whole number of at least 1 nor ``"auto"``.
        TokenizerError: the tokenizer is unknown.
    """
    read_budget(0, budget)
    counter = load_tokenizer(tokenizer)

    def shorter(texts: list[str], query: str | None) -> str:
        parts = compress_together(texts, query, budget, tokenizer=counter, separator=separator)
        return separator.join(part.text for part in parts)

    def compress(given: Any) -> Any:
        if isinstance(given, str):
            return shorter([given], None)
        if not isinstance(given, Mapping) or question not in given or context not in given:
            raise InputError(
                f"compress_text was given {_told(given)}; pass a text, or a mapping with "
                f"{question!r} and {context!r}"
            )
        held = given[context]
        texts = [held] if isinstance(held, str) else [d.page_content for d in _checked(held)]
        return {**given, context: shorter(texts, given[question])}

    async def acompress(given: Any) -> Any:
        return await asyncio.to_thread(compress, given)

    return RunnableLambda(compress, acompress, name="compress_text")


def _shown(document: Document, part: Part) -> Document:
    metadata = {**document.metadata, "hier": retrieving.provenance(document.id, part)}
    return document.model_copy(update={"page_content": part.text, "metadata": metadata})


def _checked(documents: Any) -> list[Document]:
    """Return documents as a list.

    Raises:
        InputError: they are none of LangChain's.
    """
    remedy = "pass a list of langchain_core.documents.Document: [Document(page_content=text)]"
    return retrieving.check_documents(documents, Document, remedy)


def _told(given: Any) -> str:
    """Return what something is, without what it holds."""
    if isinstance(given, Mapping):
        return f"a mapping with {', '.join(map(repr, given)) or 'nothing'}"
    return f"an object of type {type(given).__name__}"
