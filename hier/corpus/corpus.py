"""Corpora: many documents in one file, asked as one text under one budget.

A question names candidate documents by their passages; the trees of these are joined, and what is
shown of them is decided by the same objective as within a single text. See ``docs/corpora.md``.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from hier.budget import read_budget
from hier.compose import check_query
from hier.context import Context
from hier.corpus.attribution import attribute
from hier.corpus.building import Recipe
from hier.corpus.catalogue import Catalogue, MissingShardError, stores_of
from hier.corpus.database import Database, Row
from hier.corpus.join import Joined, Manner
from hier.corpus.library import Library
from hier.corpus.lock import writing
from hier.corpus.moment import Moments, at_one_moment
from hier.corpus.nearest import PassageIndex, check_index
from hier.corpus.selectors import as_list, documents_of, moved, moved_contexts, moved_shares
from hier.corpus.settings import Settings
from hier.corpus.shard import Shard, check_alike
from hier.corpus.shards import sync_shards
from hier.corpus.storage import is_url
from hier.corpus.where import Where, check_metadata
from hier.corpus.writing import Report, put_documents, renew, sync
from hier.document import Document
from hier.errors import InputError, StoreError
from hier.flat import late_encoder
from hier.ledger import Ledger
from hier.relevance import LEARNED, PLAIN, check_relevance
from hier.tokens import DEFAULT_TOKENIZER, Tokenizer, load_tokenizer
from hier.tree import Tree

_T = TypeVar("_T")
Progress = Callable[[str, int, int], None]
_KEPT_LEAVES = 100_000  # of documents that stay unpacked for the next question


class Corpus:
    """Many documents, asked with ``compress``.

    Open one with ``Corpus.open``, make one with ``Corpus.create``; ``with`` closes it.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        tokenizer: Any = None,
        executor: Executor | None = None,
        index: PassageIndex | None = None,
    ) -> None:
        """Take open shards that were read in the same way, and the rest as ``open`` does."""
        self.shards = tuple(shards)
        self._file = self.shards[0].path if len(self.shards) == 1 else None
        self.moments = Moments(self.shards)
        self._tokenizer = tokenizer
        self._executor = executor
        self._index = check_index(index)
        self.summarizer: Any = None
        check_alike(self.shards)

    @classmethod
    def open(
        cls,
        path: str | Path | Iterable[str | Path],
        *,
        tokenizer: Any = None,
        executor: Executor | None = None,
        index: PassageIndex | None = None,
    ) -> "Corpus":
        """Open a corpus, or several as one.

        Args:
            path: its file, or those of its shards; URLs that ``fsspec`` knows are read from a copy.
            tokenizer: the tokenizer, for a corpus that was made with an object of the user's.
            executor: any ``concurrent.futures.Executor``, whose workers see the shards under the
                same names; it asks them side by side.
            index: what finds passages by their vectors in place of the built-in index: such as
                ``hier.integrations.llama_index.VectorStorePassages(store)``.

        Raises:
            InputError: the index cannot be asked.
            StoreError: a file is missing, no corpus, damaged, of a newer version, or was read in
                another way than the others.
        """
        paths = [path] if isinstance(path, str | Path) else list(path)
        if not paths:
            raise InputError("there is no shard to open; pass the path of at least one")
        with ExitStack() as opened:
            shards: list[Shard] = []
            for store, hidden in (found for each in paths for found in stores_of(each)):
                shards.append(Shard(store, hidden))
                opened.callback(shards[-1].close)
            corpus = cls(shards, tokenizer, executor, index)
            opened.pop_all()
        if len(paths) == 1 and not is_url(str(paths[0])):
            corpus._file = Path(paths[0])  # the catalogue, where there is one
        return corpus

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        embedder: str = "static",
        tokenizer: Any = DEFAULT_TOKENIZER,
        relevance: str | Path = LEARNED,
        summarizer: Any = "extractive",
        encoding: str = "utf-8",
    ) -> "Corpus":
        """Make an empty corpus, or open one that was made in the same way.

        Args:
            path: its file.
            embedder: as for ``hier.build``, by name.
            tokenizer: as for ``hier.build``.
            relevance: as for ``hier.build``.
            summarizer: as for ``hier.build``.
            encoding: of text files.

        Raises:
            StoreError: the file cannot be written, is no corpus, or its documents were read in
                another way.
        """
        path = Path(path)
        if not isinstance(embedder, str):
            raise StoreError(
                "a corpus needs an embedder that can be found again: pass its name or folder"
            )
        settings = Settings(
            tokenizer=load_tokenizer(tokenizer).name,
            embedder=embedder,
            relevance=check_relevance(relevance),
            summarizer=_in_words(summarizer),
            encoding=encoding,
        )
        with writing(path):
            database = Database(path, create=True, settings=settings.to_dict())
            kept = Settings.read(database.settings(), path)
            database.close()
        if difference := kept.difference(settings):
            raise StoreError(
                f"{path} is there already, with another {difference}; say the same, or build "
                "anew under another name"
            )
        try:
            corpus = cls.open(path, tokenizer=tokenizer)
        except MissingShardError as error:  # it can still be synced
            warnings.warn(str(error), stacklevel=2)
            corpus = cls([Shard(path)], tokenizer)
        corpus.summarizer = summarizer
        return corpus

    def sync(
        self,
        folder: str | Path,
        *,
        prefix: str = "",
        workers: int = 1,
        executor: Executor | None = None,
        shards: str | Path | None = None,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Bring what the corpus has of a folder up to date: read what changed, remove what is gone.

        Args:
            folder: the folder; ``.gitignore`` is obeyed, hidden and binary files are passed over.
            prefix: what stands before the path of a file in its document's name.
            workers: processes that build.
            executor: any ``concurrent.futures.Executor`` that builds, in their place.
            shards: a folder or a URL that ``fsspec`` knows, as all workers see it: they write their
                documents there, and this file only lists them. A corpus that was begun so needs to
                be told no more.
            ledger: where a model's calls are recorded.
            progress: called with (what, done, total).

        Returns:
            What was done, what failed and what was passed over.

        Raises:
            InputError: there is no such folder.
            StoreError: the file cannot be written, or another process writes to it.
        """
        if shards is not None or self._place:
            with self._cataloguing() as database:
                return sync_shards(
                    database, Path(folder), str(shards or self._place), self._recipe,
                    prefix=prefix, workers=workers, executor=executor, progress=progress,
                )  # fmt: skip
        with self._writing() as database:
            return sync(
                database, Path(folder), self._recipe, prefix=prefix, workers=workers,
                executor=executor, ledger=ledger, progress=progress,
            )  # fmt: skip

    def add(
        self,
        *documents: Document,
        metadata: Mapping[str, Any] | None = None,
        ledger: Ledger | None = None,
    ) -> list[str]:
        """Add documents, or replace those of the same name; returns their names.

        Args:
            documents: each with a name.
            metadata: what else is known of all of them.
            ledger: where a model's calls are recorded.

        Raises:
            InputError: a document has no name, or no words; or metadata are no plain values.
            StoreError: the file cannot be written, or another process writes to it.
        """
        told = check_metadata(metadata or {})
        with self._writing() as database:
            told_of = ((each, told) for each in documents)
            return put_documents(database, told_of, self._recipe, ledger)

    def remove(self, *names: str) -> None:
        """Remove documents.

        Raises:
            InputError: there is no such document; then none is removed.
            StoreError: the file cannot be written, or another process writes to it.
        """
        with self._writing() as database:
            for name in names:
                self._library.view(name)
            with database.transaction():
                database.remove(names)

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        """Hold the lock of the one file, and look again at it afterwards."""
        if self._file is None or self._place:
            raise StoreError(
                "a corpus of several shards is asked, and no single document is written to it; "
                "sync its folder, open one shard, or merge them: hier merge"
            )
        (shard,) = self.shards
        with writing(shard.path):
            shard.look(again=True)
            renew(shard.database)
            try:
                yield shard.database
                _compact(shard.database)
            finally:
                shard.look(again=True)
            shard.keep()

    @property
    def _place(self) -> str:
        """Where the shards are that the file lists; empty where it has its documents itself."""
        if self._file is None:
            return ""
        with closing(Database(self._file)) as database:
            return Catalogue(database).place

    @contextmanager
    def _cataloguing(self) -> Iterator[Database]:
        """Hold the lock of the catalogue, and open the shards that it lists afterwards."""
        if self._file is None:
            raise StoreError("shards are listed in one file; open it, or make it: Corpus.create")
        try:
            with writing(self._file), closing(Database(self._file)) as database:
                yield database
        finally:
            before = self.shards
            self.shards = tuple(Shard(*store) for store in stores_of(self._file))
            self.moments = Moments(self.shards)
            self.__dict__.pop("_library", None)
            for shard in before:
                shard.close()

    @property
    def _recipe(self) -> Recipe:
        settings = self.settings
        if settings.summarizer != "extractive" and self.summarizer is None:
            raise StoreError(
                f"the summaries of {self.shards[0].path} are by {settings.summarizer}; pass it "
                "again: --summarizer, or Corpus.create(path, summarizer=...)"
            )
        return Recipe(
            tokenizer=self._tokenizer or settings.tokenizer,
            embedder=settings.embedder,
            relevance=_relevance(settings.relevance),
            summarizer=self.summarizer or "extractive",
            encoding=settings.encoding,
            cache=self.shards[0].path,
        )

    def close(self) -> None:
        """Close the files."""
        for shard in self.shards:
            shard.close()

    def __enter__(self) -> "Corpus":
        """Return the corpus."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self.close()

    @cached_property
    def settings(self) -> Settings:
        """How the documents were read."""
        return self.shards[0].settings

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """How tokens are counted."""
        named = self._tokenizer or self.settings.tokenizer
        if named is None:
            raise StoreError(
                f"{self.shards[0].path} was made with a tokenizer object; pass it: "
                "Corpus.open(path, tokenizer=...)"
            )
        return load_tokenizer(named)

    @property
    def documents(self) -> list[Row]:
        """The documents, in the order of their names."""
        return sorted(
            (row for view in self.moments.views for row in view.rows), key=lambda row: row.id
        )

    @property
    def tokens(self) -> int:
        """The size of all documents together."""
        return sum(row.tokens for view in self.moments.views for row in view.rows)

    def __len__(self) -> int:
        """Return the number of documents."""
        return sum(len(view.rows) for view in self.moments.views)

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a document."""
        return any(name in view.number for view in self.moments.views)

    @at_one_moment
    def tree(self, name: str) -> Tree:
        """Return the tree of one document.

        Raises:
            InputError: there is no such document.
        """
        source = self._library.load([name])[name]
        metadata = self._library.row(name).metadata
        return source.packed.tree(name, metadata, self.tokenizer)

    def document(self, name: str) -> Document:
        """Return one document: its text, its places, and what is known of it.

        Raises:
            InputError: there is no such document.
        """
        return replace(
            self._library.load([name])[name].document, metadata=self._library.row(name).metadata
        )

    @at_one_moment
    def compress(
        self,
        query: str | Sequence[str] | None = None,
        budget: int | str = 2000,
        *,
        where: Where | None = None,
        ratio: float | None = None,
        **options: Any,
    ) -> Context:
        """Choose what a model should see of all documents within one token budget.

        Args:
            query: as for ``Tree.compress``.
            budget: as for ``Tree.compress``.
            where: which documents are meant: metadata they must have, such as ``{"year": 2024}``,
                a collection for any of its values; ``path`` for a pattern of names.
            ratio: share of the corpus's tokens to take as the budget, in its place.
            options: as for ``Tree.compress``.

        Returns:
            A context whose segments name their documents.

        Raises:
            BudgetError: as for ``Tree.compress``.
            InputError: as for ``Tree.compress``; or no document is let through.
        """
        if ratio is not None:
            budget, _ = read_budget(self.tokens, budget, ratio)
        names = ("must_include", "exclude")
        parts = {name: as_list(options.pop(name, ()), name) for name in names}
        shares = options.pop("minimum", None) or {}
        sure = documents_of([*parts["must_include"], *as_list(shares, "minimum")], self._has)
        named = set(documents_of(parts["exclude"], self._has))
        out = named & set(filter(lambda part: isinstance(part, str), parts["exclude"]))
        queries = check_query(query)
        hits = [*self._library.whole(sure), *self._library.candidates(queries, where)]
        joined = self._library.join([hit for hit in hits if hit.document not in out], where)
        context = joined.tree.compress(
            query,
            budget,
            must_include=moved(parts["must_include"], joined, self._has),
            exclude=moved(
                [part for part in parts["exclude"] if part not in out], joined, self._has
            ),
            minimum=moved_shares(shares, joined, self._has),
            seen=moved_contexts(options.pop("seen", ()), joined),
            **options,
        )
        return attribute(context, joined)

    def _has(self, name: str) -> bool:
        return name in self

    @at_one_moment
    def joined(
        self, queries: Sequence[str], where: Where | None = None, known: Joined | None = None
    ) -> Joined:
        """Return the parts of documents that questions are asked of, as one tree.

        Args:
            queries: the questions; none for an overview.
            where: as for ``compress``.
            known: what was joined already, and is to be there too.

        Raises:
            InputError: no document is let through.
        """
        return self._library.join(self._library.candidates(queries, where), where, known)

    @cached_property
    def _library(self) -> Library:
        name = self.settings.embedder
        encode = None if name == "static" else late_encoder(name)
        manner = Manner(self.tokenizer, name, self.settings.relevance, encode)
        return Library(self.moments, manner, self._executor, self._index)


def _compact(database: Database) -> None:
    try:
        database.compact()
    except StoreError as error:  # all that was asked for is done
        warnings.warn(f"space is not given back: {error}", stacklevel=2)


def _in_words(summarizer: Any) -> str:
    """Return who writes summaries, for the settings."""
    if isinstance(summarizer, str):
        return summarizer
    if isinstance(summarizer, Mapping):
        return ", ".join(f"{levels}: {_in_words(who)}" for levels, who in summarizer.items())
    return str(getattr(summarizer, "name", None) or type(summarizer).__name__)


def _relevance(kept: str) -> str | Path:
    return kept if kept in (LEARNED, PLAIN) else Path(kept)
