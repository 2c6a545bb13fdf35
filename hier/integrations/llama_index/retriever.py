"""A retriever over a tree or a corpus: one node that holds the context of a question.

It is one node whatever is shown: what a response synthesizer puts between nodes differs from mode
to mode, and nothing it does to one can break the budget.
"""

import asyncio
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import NodeWithScore, QueryBundle

from hier.corpus.corpus import Corpus
from hier.corpus.where import Where
from hier.integrations.llama_index.nodes import context_nodes, question_of
from hier.integrations.retrieving import check_asked
from hier.tree import Tree


class HierRetriever(BaseRetriever):
    """Answers a question with one node: a context within a token budget.

    The node's metadata say for every segment its document, its characters and its place there.

    Args:
        asked: the text, built, or a corpus.
        budget: most tokens of the node's text, as for ``Tree.compress``.
        where: which documents of a corpus are meant, as for ``Corpus.compress``.
        callback_manager: as for ``BaseRetriever``.
        verbose: as for ``BaseRetriever``.
        options: as for ``Tree.compress``, such as ``price`` or ``max_segments``.

    Raises:
        InputError: it is neither a tree nor a corpus, a tree is filtered, or there is no such
            option.
        BudgetError: the budget is none.
    """

    def __init__(
        self,
        asked: Tree | Corpus,
        budget: int | str = 2000,
        *,
        where: Where | None = None,
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(callback_manager=callback_manager, verbose=verbose)
        check_asked(asked, budget, where, options)
        self.asked, self.budget = asked, budget
        self.options = options if where is None else {**options, "where": where}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        question = question_of(query_bundle)
        context = self.asked.compress(question, self.budget, **self.options)
        own = self.asked.document.name if isinstance(self.asked, Tree) else ""
        named = dict.fromkeys(segment.document_id or own for segment in context.segments)
        return context_nodes(context, {"documents": [name for name in named if name]})

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
