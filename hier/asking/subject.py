"""The subject of a question: one text, or what a corpus has on it, joined to one text.

A model may look for other words than those of the question. What the corpus has on them is then
joined to what was there already, and everything that was shown keeps its place in its document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from hier.asking.citations import Citation
from hier.context import Context
from hier.document import Span
from hier.errors import InputError
from hier.tree import Tree

if TYPE_CHECKING:
    from hier.corpus.corpus import Corpus
    from hier.corpus.where import Where


@dataclass(frozen=True)
class Subject:
    """A text that is asked."""

    tree: Tree

    @property
    def tokens(self) -> int:
        """The size of all there is."""
        return self.tree.tokens

    def widened(self, words: str) -> "Subject":
        """Return the subject with all that there is on other words: a text is all there already."""
        return self

    def seen(self, contexts: Sequence[Context]) -> Sequence[Context]:
        """Return contexts that were told as they are in the tree."""
        return contexts

    def told(self, context: Context) -> Context:
        """Return a context as it is told: by its documents."""
        return context

    def cited(self, piece: Citation) -> Citation:
        """Return a citation as it is told: by its document."""
        return piece

    def cited_in(self, piece: Citation, to: "Subject") -> Citation:
        """Return a citation of this subject as that of one that it was widened to."""
        return piece


@dataclass(frozen=True)
class CorpusSubject(Subject):
    """What a corpus has on some questions.

    Attributes:
        corpus: the corpus.
        where: which documents are meant.
        found: what was searched for, and found.
    """

    corpus: "Corpus"
    where: "Where | None"
    found: Any

    @classmethod
    def of(cls, corpus: "Corpus", question: str, where: "Where | None") -> "CorpusSubject":
        """Search for a question.

        Raises:
            InputError: no document is let through.
        """
        found = corpus.joined([question], where)
        return cls(found.tree, corpus, where, found)

    @property
    def tokens(self) -> int:
        """The size of the whole corpus."""
        return self.corpus.tokens

    def widened(self, words: str) -> "CorpusSubject":
        """Return the subject with what the corpus has on other words."""
        found = self.corpus.joined([words], self.where, self.found)
        return replace(self, tree=found.tree, found=found)

    def seen(self, contexts: Sequence[Context]) -> Sequence[Context]:
        """Return what contexts show of the text, as contexts of that."""
        from hier.corpus.selectors import moved_contexts

        return moved_contexts(contexts, self.found)

    def told(self, context: Context) -> Context:
        """Return a context whose segments name their documents."""
        from hier.corpus.attribution import attribute

        return attribute(context, self.found)

    def cited(self, piece: Citation) -> Citation:
        """Return a citation that names document and place."""
        source, start, end = self.found.origin(piece.start, piece.end)
        spans = [self.found.origin(*span) for span in piece.sources]
        return replace(
            piece,
            start=start,
            end=end,
            document=source.id,
            place=source.document.place(start, end),
            node_id=source.smallest(start, end)[1],
            sources=tuple(Span(low, high) for _, low, high in spans),
        )

    def cited_in(self, piece: Citation, to: Subject) -> Citation:
        """Return a citation in the text of the wider subject."""
        start, end = self._span(piece.start, piece.end, to)
        sources = tuple(Span(*self._span(*span, to)) for span in piece.sources)
        return replace(piece, start=start, end=end, sources=sources)

    def _span(self, start: int, end: int, to: Subject) -> tuple[int, int]:
        source, first, last = self.found.origin(start, end)
        moved = cast(CorpusSubject, to).found.locate(source, first)
        return moved, moved + last - first


def subject_of(asked: "Tree | Corpus", question: str, where: "Where | None") -> Subject:
    """Return what a question is about.

    Raises:
        InputError: there is a filter, and no corpus; or no document is let through.
    """
    if not isinstance(asked, Tree):
        return CorpusSubject.of(asked, question, where)
    if where is not None:
        raise InputError("where chooses documents of a corpus, this is one text; leave it out")
    return Subject(asked)
