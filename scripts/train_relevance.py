"""Train the learned relevance, and the weights that judge it: those that never saw a data set.

Every question of the development sets gives one example: the features of the leaves that the plain
sum ranks highest, and which share of the evidence each holds. The loss is listwise (ListNet): the
cross-entropy of the softmax of density times tokens against the true shares, so density is evidence
expected a token. Sets count alike but for a power of their size. What is installed is trained on
everything; for the benchmarks each family of sets (`data.FAMILIES`) gets weights made without it.

    python scripts/train_relevance.py --data FOLDER [--embedder MODEL] [--sets SETS --out FOLDER]

Needs torch. Some minutes for each embedder once the neural vectors are kept.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import data  # noqa: E402
import embedding  # noqa: E402

NETWORKS = 3
WIDTH, INNER_WIDTH = 24, 12
DROPOUT = 0.4
EPOCHS, BATCH, RATE, DECAY = 12, 64, 3e-3, 0.1
LISTED = 320  # leaves of an example in training, but for those with evidence
BALANCE = 0.75  # power of a set's size that its examples are divided by
MOST = 240  # questions of a set, but for those of its first documents
OVERHEAD = 2  # tokens that showing a leaf costs beside its own


@dataclass(frozen=True)
class Example:
    """One question: features float16 (leaves, features), shares and tokens of its leaves."""

    dataset: str
    features: np.ndarray
    shares: np.ndarray
    tokens: np.ndarray


def chosen(
    folder: Path, sets: Sequence[str], documents: int
) -> Iterator[tuple[str, data.Document]]:
    """Yield documents and the questions trained on: of the first more, then until a set is full."""
    for name in sets:
        taken = 0
        for number, document in enumerate(islice(data.read(data.find(folder, name)), documents)):
            questions = [question for question in document.questions if question.evidence]
            questions = questions[: 20 if number < 6 else 12]
            if number >= 6 and taken >= MOST:
                break
            taken += len(questions)
            yield name, data.with_questions(document, questions)


def examples(
    named: tuple[str, data.Document], embedder: str
) -> tuple[tuple[str, ...], list[Example]]:
    """Describe the leaves of one document to each of its questions."""
    import hier
    from hier.relevance import look, read
    from hier.retrieval.features import describe

    dataset, document = named
    encoder: Any = embedder if embedder == embedding.STATIC else embedding.encoder(embedder)
    tree = hier.build(document.text, embedder=encoder, tokenizer=data.TOKENIZER, relevance="plain")
    ends = np.append(tree.leaf_start[1:], len(document.text))
    names: tuple[str, ...] = ()
    found = []
    for question in document.questions:
        scene, _ = look(tree, read(tree, question.question))
        names, features = describe(scene)
        held = np.zeros(len(ends))
        for start, end in question.evidence:
            held += np.clip(np.minimum(ends, end) - np.maximum(tree.leaf_start, start), 0, None)
        held = held[scene.pool]
        if held.any():
            listed = np.argsort(-scene.plain[scene.pool], kind="stable")[:LISTED]
            kept = np.union1d(listed, np.flatnonzero(held))
            found.append(
                Example(
                    dataset,
                    features[kept].astype(np.float16),
                    (held[kept] / held.sum()).astype(np.float32),
                    tree.leaf_tokens[scene.pool][kept].astype(np.float32),
                )
            )
    return names, found


def collect(
    folder: Path, sets: Sequence[str], embedder: str, documents: int
) -> tuple[tuple[str, ...], list[Example]]:
    """Describe all documents, two at a time."""
    given = list(chosen(folder, sets, documents))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(partial(examples, embedder=embedder), given))
    names: tuple[str, ...] = next((names for names, found in done if found), ())
    return names, [example for _, found in done for example in found]


class Training:
    """The examples as padded tensors, standardised."""

    def __init__(self, found: Sequence[Example]) -> None:
        """Put all examples side by side."""
        import torch

        flat = np.concatenate([example.features for example in found]).astype(np.float32)
        self.mean, self.scale = flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-3)
        shape = (len(found), max(len(example.shares) for example in found))
        self.features = torch.zeros(*shape, flat.shape[1])
        self.shares, self.size = torch.zeros(shape), torch.full(shape, -1e9)
        for row, example in enumerate(found):
            standard = (example.features.astype(np.float32) - self.mean) / self.scale
            length = len(example.shares)
            self.features[row, :length] = torch.from_numpy(np.clip(standard, -6, 6))
            self.shares[row, :length] = torch.from_numpy(example.shares)
            self.size[row, :length] = torch.from_numpy(np.log(example.tokens + OVERHEAD))
        sizes = Counter(example.dataset for example in found)
        weights = torch.tensor([sizes[example.dataset] ** -BALANCE for example in found])
        self.weights = weights / weights.mean()

    def network(self, seed: int) -> Any:
        """Train one network; returns its parameters by name, as arrays."""
        import torch

        torch.manual_seed(seed)
        n_features = self.features.shape[2]
        linear = torch.nn.Linear(n_features, 1)
        deep = torch.nn.Sequential(
            torch.nn.Linear(n_features, WIDTH),
            torch.nn.ReLU(),
            torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(WIDTH, INNER_WIDTH),
            torch.nn.ReLU(),
            torch.nn.Linear(INNER_WIDTH, 1),
        )
        parameters = [*linear.parameters(), *deep.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
        steps = EPOCHS * -(-len(self.shares) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(self.shares)).split(BATCH):
                features = self.features[rows]
                density = (linear(features) + deep(features))[..., 0]
                shares = torch.log_softmax(density + self.size[rows], dim=1)
                each = -(self.shares[rows] * shares).sum(dim=1)
                loss = (self.weights[rows] * each).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        arrays = [parameter.detach().numpy() for parameter in parameters]
        kept = ("linear", "", "hidden", "hidden_bias", "inner", "inner_bias", "out", "")
        return dict(zip(kept, arrays, strict=True))


def train(names: tuple[str, ...], found: Sequence[Example]) -> Any:
    """Return the ranker that some examples teach."""
    from hier.retrieval.ranker import Ranker

    training = Training(found)
    networks = [training.network(seed) for seed in range(NETWORKS)]

    def stacked(name: str) -> np.ndarray:
        return np.stack([np.atleast_2d(network[name]).swapaxes(0, -1) for network in networks])

    return Ranker(
        names,
        training.mean,
        training.scale,
        np.mean([network["linear"][0] for network in networks], axis=0),
        stacked("hidden"),
        stacked("hidden_bias").swapaxes(1, 2),
        stacked("inner"),
        stacked("inner_bias").swapaxes(1, 2),
        stacked("out"),
    )


def _train_without(
    family: str | None, names: tuple[str, ...], found: Sequence[Example], path: Path
) -> str:
    import torch

    torch.set_num_threads(1)
    used = [example for example in found if data.family(example.dataset) != family]
    train(names, used).save(path)
    return f"{path.name}: {len(used)} questions"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train on everything, and without each family; write the weights."""
    from hier.retrieval.ranker import built_in

    described = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    described.add_argument("--data", type=Path, default=data.default_folder())
    described.add_argument("--embedder", default=embedding.STATIC)
    described.add_argument(
        "--sets", type=lambda names: names.split(","), default=data.EVIDENCE_SETS,
        help="comma-separated names of the files to learn from; default: the development sets",
    )  # fmt: skip
    described.add_argument("--documents", type=int, default=99, help="of each set, at most")
    described.add_argument("--out", type=Path, help="default: the packages' and benchmarks' own")
    options = described.parse_args(arguments)
    neural = options.embedder != embedding.STATIC
    if options.out is None and options.sets != data.EVIDENCE_SETS:
        described.error("--sets needs --out: the packages' own weights learn from all sets")
    try:
        names, found = collect(options.data, options.sets, options.embedder, options.documents)
    except data.DataError as error:
        described.error(str(error))
    print(f"{len(found)} questions, {len(names)} features", flush=True)
    families = sorted({data.family(example.dataset) for example in found})
    if len(families) < 2:
        described.error(
            f"evidence was found in {len(families)} family of sets; give two at the least, so that "
            "each can judge what was learned from the others"
        )
    paths: dict[str | None, Path] = {
        family: data.left_out_weights(family, options.embedder) for family in families
    }
    paths[None] = REPOSITORY / "retrieval" / "data" / built_in(neural).name
    if options.out:
        paths = {family: options.out / path.name for family, path in paths.items()}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = []
        for family, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            jobs.append(pool.submit(_train_without, family, names, found, path))
        for job in jobs:
            print(job.result(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
