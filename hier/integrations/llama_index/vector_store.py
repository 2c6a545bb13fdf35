"""A vector store of LlamaIndex as the candidate index of a corpus.

The store holds the vectors of the corpus's passages, and names those most like a question; BM25 and
what passages are worth stay the corpus's own. Before a question the store is brought up to date:
what the corpus no longer has is taken out, what is new is put in.

Stores measure by cosine, by product or by distance, and the corpus by products of vectors in whole
numbers. One more dimension makes all vectors equally long (Bachrach et al., 2014), and with that
the three orders are the same; so a store that searches exactly names what the built-in index does.
"""

import threading
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import BasePydanticVectorStore, VectorStoreQuery

from hier.corpus.nearest import Named
from hier.corpus.passages import STEPS, whole_numbers
from hier.corpus.shard import View
from hier.corpus.where import Where
from hier.errors import InputError, StoreError
from hier.integrations.llama_index.contents import Contents, key_of, read_contents

BATCH = 1000
"""Passages that are put into a store at a time, about."""
_MORE = 4  # times as many are asked for where too few of those named are meant


class VectorStorePassages:
    """The passages of one corpus in a vector store: ``Corpus.open(path, index=...)``.

    Leave the store to the corpus: what others take out of it is noticed only where it then names
    too few passages, which is an error. Of a store that cannot delete what is gone is passed over.
    A filter (``where``) is not told to the store: more is asked for, until enough of it is meant.

    Args:
        store: any vector store of LlamaIndex that is asked with vectors.
        kept: a file that says what the store holds, for a store that outlives the process; without
            it everything is put in again when the first question comes.

    Raises:
        InputError: it is no such store.
        StoreError: the file is damaged.
    """

    def __init__(self, store: BasePydanticVectorStore, kept: str | Path | None = None) -> None:
        if not isinstance(store, BasePydanticVectorStore) or not store.is_embedding_query:
            raise InputError(
                f"a {type(store).__name__} cannot hold passages; pass a vector store of LlamaIndex "
                "that is asked with vectors, such as SimpleVectorStore()"
            )
        self.store = store
        self._kept = None if kept is None else Path(kept)
        self._contents = Contents() if self._kept is None else read_contents(self._kept)
        self._views: tuple[View, ...] = ()
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def nearest(
        self, vector: np.ndarray, k: int, views: Sequence[View], where: Where | None
    ) -> Named:
        """Return the k passages nearest to a question; see ``PassageIndex``.

        Raises:
            StoreError: the store fails, or names fewer passages than were put into it.
        """
        meant = _meant(views, where) if where else None
        there = sum(len(view.passages) for view in views) if meant is None else sum(meant.values())
        with self._lock:
            self._renew(views)
            if meant is not None and there <= k:
                return {name: range(count) for name, count in meant.items()}
            return self._ask(_question(vector), min(k, there), meant) if there else {}

    def _ask(self, embedding: list[float], k: int, meant: Container[str] | None) -> Named:
        """Return the k nearest passages of the documents that are meant; None for all."""
        wanted = k
        while True:
            ids = self._query(embedding, wanted)
            read = dict.fromkeys(filter(None, map(self._read, ids)))
            found = [passage for passage in read if meant is None or passage[0] in meant]
            if len(found) >= k:
                break
            if len(ids) < wanted:
                raise StoreError(
                    f"{type(self.store).__name__} names {len(found)} of the {k} passages nearest "
                    "to a question, though it was given them: where it was changed, empty it, "
                    "delete the file that says what it holds, and open the corpus again; where it "
                    "names no more than some number at once, raise that"
                )
            wanted *= _MORE
        named: dict[str, list[int]] = {}
        for name, passage in found[:k]:
            named.setdefault(name, []).append(passage)
        return named

    def _query(self, embedding: list[float], k: int) -> list[str]:
        asked = VectorStoreQuery(query_embedding=embedding, similarity_top_k=k)
        try:
            result = self.store.query(asked)
        except Exception as error:  # stores raise what they like
            raise self._failed("be asked", error) from error
        return list(result.ids or [node.node_id for node in result.nodes or ()])

    def _read(self, id_: str) -> tuple[str, int] | None:
        """Return the document and the number of a passage; None for what the corpus has not."""
        try:
            key, passage = divmod(UUID(self._contents.ids.get(id_, id_)).int, 1 << 32)
        except ValueError:
            return None
        name = self._names.get(f"{key:024x}")
        return None if name is None else (name, passage)

    def _renew(self, views: Sequence[View]) -> None:
        """See to it that the store holds all that some views hold."""
        if list(map(id, views)) == list(map(id, self._views)):
            return
        places = {
            key_of(row.id, row.hash): (view, number)
            for view in views
            for number, row in enumerate(view.rows)
        }
        self._names = {key: view.rows[number].id for key, (view, number) in places.items()}
        for key in sorted(self._contents.documents - places.keys()):
            self._take_out(key)
        new = sorted(places.keys() - self._contents.documents)
        for keys, nodes in _batches((key, _nodes(key, *places[key])) for key in new):
            self._put_in(keys, nodes)
        self._views = tuple(views)

    def _take_out(self, key: str) -> None:
        try:
            self.store.delete(key)
        except NotImplementedError:
            return  # it stays there, and is passed over
        except Exception as error:  # stores raise what they like
            raise self._failed("delete", error) from error
        self._contents.forget(key)
        self._keep()

    def _put_in(self, keys: Sequence[str], nodes: list[TextNode]) -> None:
        try:
            ids = self.store.add(nodes)
            self._contents.add(keys, [node.node_id for node in nodes], ids)
        except Exception as error:  # stores raise what they like
            raise self._failed("add", error) from error
        self._keep()

    def _keep(self) -> None:
        if self._kept is not None:
            self._contents.write(self._kept)

    def _failed(self, what: str, error: Exception) -> StoreError:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        return StoreError(
            f"{type(self.store).__name__} cannot {what}: {said}; mend it, or open the corpus "
            "without index="
        )


def _meant(views: Sequence[View], where: Where) -> dict[str, int]:
    """Return the documents that a filter lets through, and how many passages each has."""
    meant: dict[str, int] = {}
    for view in views:
        counts = np.diff(view.passages.first).tolist()
        allowed = view.allowed(where)
        for number in [] if allowed is None else np.flatnonzero(allowed).tolist():
            meant[view.rows[number].id] = counts[number]
    return meant


def _question(vector: np.ndarray) -> list[float]:
    """Return a question as a store is asked it: a unit vector, of one more dimension."""
    whole = whole_numbers(vector)[0].astype(np.float64)
    embedding: list[float] = np.append(whole / np.linalg.norm(whole), 0.0).tolist()
    return embedding


def _nodes(key: str, view: View, number: int) -> list[TextNode]:
    """Return the passages of a document as nodes: equally long vectors, of one more dimension."""
    first, end = view.passages.first[number : number + 2].tolist()
    vectors = view.passages.vectors[first:end].astype(np.float64)
    # No passage is longer: a unit vector, and half a step of rounding in each dimension.
    length = STEPS + 2 + np.sqrt(vectors.shape[1]) / 2
    rest = np.sqrt(length**2 - (vectors**2).sum(axis=1, keepdims=True))
    name, low = view.rows[number].id, int(key, 16) << 32
    return [
        TextNode(
            id_=str(UUID(int=low + passage)),
            text=name,
            embedding=embedding,
            metadata={"document": name, "passage": passage},
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=key)},
        )
        for passage, embedding in enumerate((np.hstack([vectors, rest]) / length).tolist())
    ]


def _batches(
    documents: Iterable[tuple[str, list[TextNode]]],
) -> Iterator[tuple[list[str], list[TextNode]]]:
    """Yield documents and their nodes, about ``BATCH`` nodes at a time."""
    keys: list[str] = []
    nodes: list[TextNode] = []
    for key, own in documents:
        keys.append(key)
        nodes += own
        if len(nodes) >= BATCH:
            yield keys, nodes
            keys, nodes = [], []
    if keys:
        yield keys, nodes
