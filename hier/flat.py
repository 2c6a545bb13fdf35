"""Flat trees: a tree as named arrays and plain values, which is how trees are kept, and back."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from hier.array_file import Arrays
from hier.document import Document
from hier.fidelity import SummaryCheck
from hier.ledger import Ledger
from hier.places import Places
from hier.retrieval.counts import Counts
from hier.retrieval.index import WordIndex
from hier.retrieval.relevance import Level
from hier.summarizers.extractive import Choice
from hier.tokens import Tokenizer
from hier.tree import Tree


def facts_of(tree: Tree) -> dict[str, Any]:
    """Return what a tree is beside its arrays, as plain values that JSON can hold."""
    places = tree.document.places
    return {
        "name": tree.document.name,
        "metadata": dict(tree.document.metadata),
        "places": None if places is None else [places.kind, list(places.parts)],
        "tokenizer": tree.tokenizer.name,
        "embedder": tree.embedder,
        "relevance": tree.relevance,
        "levels": len(tree.levels),
        "summary_texts": {str(key): text for key, text in tree.summary_texts.items()},
        "checks": [asdict(check) for check in tree.checks],
        "ledger": tree.ledger.saved(),
    }


def late_encoder(name: str) -> Callable[[str], np.ndarray]:
    """Return a query encoder that loads its model when it is first asked."""
    loaded: list[Any] = []

    def encode(query: str) -> np.ndarray:
        if not loaded:
            from hier.retrieval.embedders import load_embedder

            loaded.append(load_embedder(name))
        vector: np.ndarray = loaded[0].encode([query])[0]
        return vector

    return encode


def arrays_of(tree: Tree) -> Arrays:
    """Return the arrays of a tree, by name."""
    index = tree.index
    arrays = {
        "text": bytes_of(tree.source),
        "vocabulary": bytes_of("\n".join(index.vocabulary)),
        "stems": bytes_of("\n".join(index.stems)),
        "leaf_start": tree.leaf_start,
        "leaf_tokens": tree.leaf_tokens,
        "block": tree.block,
        "worth": tree.worth,
        "offers": tree.offers,
        "opens": tree.opens,
        "path_offsets": tree.path_offsets,
        "path_leaves": tree.path_leaves,
        "stem_of": index.stem_of,
        "piece_offsets": index.piece_offsets,
        "pieces": index.pieces,
        "norms": index.norms,
        "path_of": index.path_of,
    }
    for name, counts in (("leaf", index.leaves), ("path", index.paths)):
        arrays[f"{name}_words.offsets"] = counts.offsets
        arrays[f"{name}_words.words"] = counts.words
        arrays[f"{name}_words.counts"] = counts.counts
    for number, level in enumerate(tree.levels):
        arrays[f"level{number}.first_leaf"] = level.first_leaf
        arrays[f"level{number}.norms"] = level.norms
        arrays[f"level{number}.words"] = level.words
        if level.vectors is not None:
            arrays[f"level{number}.vectors"] = level.vectors
        if level.static is not None:
            arrays[f"level{number}.static"] = level.static
    for number, choice in enumerate(tree.summaries):
        arrays[f"summary{number}.offsets"] = choice.offsets
        arrays[f"summary{number}.sentences"] = choice.sentences
    places = tree.document.places
    if places is not None:
        arrays["places.start"] = places.start.astype(np.int64)
        arrays["places.number"] = places.number.astype(np.int32)
        arrays["places.part"] = places.part.astype(np.int32)
    return arrays


def make_tree(facts: dict[str, Any], arrays: Arrays, tokenizer: Tokenizer) -> Tree:
    """Return the tree that facts and arrays were taken of."""

    def counts(name: str) -> Counts:
        return Counts(*(arrays[f"{name}_words.{part}"] for part in ("offsets", "words", "counts")))

    def level(number: int) -> Level:
        first_leaf, norms, words = (
            arrays[f"level{number}.{part}"] for part in ("first_leaf", "norms", "words")
        )
        vectors, static = (arrays.get(f"level{number}.{part}") for part in ("vectors", "static"))
        return Level(first_leaf, norms, words, vectors, static)

    index = WordIndex(
        vocabulary=split_lines(arrays["vocabulary"]),
        stems=split_lines(arrays["stems"]),
        stem_of=arrays["stem_of"],
        piece_offsets=arrays["piece_offsets"],
        pieces=arrays["pieces"],
        norms=arrays["norms"],
        leaves=counts("leaf"),
        paths=counts("path"),
        path_of=arrays["path_of"],
    )
    return Tree(
        document=Document(
            text_of(arrays["text"]),
            facts["name"],
            places_of(facts, arrays),
            None,
            facts["metadata"],
        ),
        tokenizer=tokenizer,
        embedder=facts["embedder"],
        relevance=facts["relevance"],
        leaf_start=arrays["leaf_start"],
        leaf_tokens=arrays["leaf_tokens"],
        block=arrays["block"],
        worth=arrays["worth"],
        offers=arrays["offers"],
        opens=arrays["opens"],
        path_offsets=arrays["path_offsets"],
        path_leaves=arrays["path_leaves"],
        index=index,
        levels=tuple(level(number) for number in range(facts["levels"])),
        summaries=tuple(
            Choice(arrays[f"summary{number}.offsets"], arrays[f"summary{number}.sentences"])
            for number in range(facts["levels"] - 1)
        ),
        summary_texts={int(key): text for key, text in facts["summary_texts"].items()},
        checks=tuple(
            SummaryCheck(**{**check, "invented": tuple(check["invented"])})
            for check in facts["checks"]
        ),
        ledger=Ledger.read(facts["ledger"]),
        encode_query=None if facts["embedder"] == "static" else late_encoder(facts["embedder"]),
    )


def places_of(facts: dict[str, Any], arrays: Arrays) -> Places | None:
    """Return the places of a document; None where they are its lines."""
    if facts["places"] is None:
        return None
    kind, parts = facts["places"]
    start, number, part = (arrays[f"places.{name}"] for name in ("start", "number", "part"))
    return Places(kind, start, number, part, tuple(parts))


def bytes_of(text: str) -> np.ndarray:
    """Return a text as UTF-8, lone surrogates and all: uint8 (bytes,)."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def text_of(array: np.ndarray) -> str:
    """Return the text that ``bytes_of`` was given."""
    return array.tobytes().decode("utf-8", "surrogatepass")


def split_lines(array: np.ndarray) -> tuple[str, ...]:
    """Return lines that were joined and turned into bytes."""
    return tuple(text_of(array).split("\n")) if len(array) else ()
