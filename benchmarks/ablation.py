"""Each idea of the learned relevance on and off: what is lost where one is taken away.

The features fall into groups. Each group is taken away in turn and the network trained anew; two
more rows train without hidden layers and not at all (the plain sum), and some train everything
again with the examples in another order, which shows how much of a difference is chance. A row is
judged in five folds made of whole families of data sets (`data.FAMILIES`): every set by a network
that saw none of its family. Leaves are taken by density, those that do not fit skipped, until the
budget is full; a leaf costs its tokens and `train_relevance.OVERHEAD` more. These are spans, not
contexts as rendered: the arena measures those.

    python benchmarks/ablation.py --data FOLDER [--embedder sentence-transformers/all-MiniLM-L6-v2]

Needs torch. Minutes for the examples, then one or two a row; what was done is kept in
``cache/ablation``, so that a stopped run goes on. A run of all groups and documents is written to
``results``, any other where ``--out`` says.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import data
import embedding
import environment
import numpy as np
import versions

sys.path.insert(0, str(environment.REPOSITORY / "scripts"))

import train_relevance
from train_relevance import Example

GROUPS = {
    "level scores": ("dense ", "lexical "),
    "raw scales": ("cosine ", "lexical share "),
    "terms met": ("terms ",),
    "rarest terms": ("rare ",),
    "heading": ("terms of heading", "likeness, heading", "heading asked for", "heading mass"),
    "late interaction": ("likeness, ", "likeness, headed leaf", "words met ", "least met "),
    "neighbours": ("before", "after", "around", "best around"),
    "paragraph": ("block", "best of block", "opens block"),
    "rank": ("plain", "rank", "gap"),
    "feedback": ("near the best", "words of the best"),
    "links": ("heading has words of the best", "heading named by the best"),
    "phrases": ("phrases",),
    "names": ("names",),
    "shape": ("size", "worth", "heading", "after heading"),
    "place": ("place", "opening"),
    "kinds of answers": ("offers ", "answers "),
    "neural vectors": ("neural ",),
}
"""Groups of features by how their columns' names begin; of two that fit, the longer beginning."""
FOLDS = 5
SEED = environment.SEED
EVERYTHING, LINEAR, PLAIN = "everything", "linear map only", "plain sum"
ORDERS = 3  # times that everything is trained again
FIGURES = "ablation.json"
Row = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One row of the ablation.

    Attributes:
        name: as the table shows it.
        without: the group of features taken away; None for none.
        hidden: whether the network has hidden layers.
        order: which order the examples come in; 0 is their own.
        learned: False takes the plain sum for density.
    """

    name: str
    without: str | None = None
    hidden: bool = True
    order: int = 0
    learned: bool = True


def variants(groups: Sequence[str]) -> list[Variant]:
    """The rows: everything, each group taken away, and what is learned made simpler."""
    return [
        Variant(EVERYTHING),
        *(Variant(f"everything, order {n}", order=n) for n in range(1, ORDERS + 1)),
        *(Variant(f"without {group}", group) for group in groups),
        Variant(LINEAR, hidden=False),
        Variant(PLAIN, learned=False),
    ]


def group_of(column: str) -> str:
    """The group that a feature belongs to.

    Raises:
        ValueError: no group's beginnings fit.
    """
    fitting = [
        (len(beginning), group)
        for group, beginnings in GROUPS.items()
        for beginning in beginnings
        if column.startswith(beginning)
    ]
    if not fitting:
        raise ValueError(f"feature {column!r} is in no group; name its beginning in GROUPS")
    return max(fitting)[1]


def folds(families: Sequence[str]) -> list[frozenset[str]]:
    """Deal families into folds, always in the same way."""
    names = sorted(set(families))
    order = np.random.default_rng(SEED).permutation(len(names))
    dealt = np.array_split(order, min(FOLDS, len(names)))
    return [frozenset(names[place] for place in fold.tolist()) for fold in dealt]


def covered(density: np.ndarray, example: Example, budgets: Sequence[int]) -> list[float]:
    """Share of the evidence in the leaves taken by density within each budget.

    Args:
        density: of each leaf; only the order matters.
        example: the question's leaves.
        budgets: in tokens.
    """
    order = np.argsort(-density, kind="stable")
    prices = (example.tokens[order] + train_relevance.OVERHEAD).tolist()
    shares = example.shares[order].tolist()
    found = []
    for budget in budgets:
        room, kept = float(budget), 0.0
        for price, share in zip(prices, shares, strict=True):
            if price <= room:
                room -= price
                kept += share
        found.append(kept)
    return found


def narrowed(
    names: tuple[str, ...], found: Sequence[Example], without: str | None
) -> tuple[tuple[str, ...], list[Example]]:
    """The examples without the features of one group."""
    kept = [place for place, name in enumerate(names) if group_of(name) != without]
    narrow = [replace(example, features=example.features[:, kept]) for example in found]
    return tuple(names[place] for place in kept), narrow


def densities(
    names: tuple[str, ...], found: Sequence[Example], variant: Variant, networks: int
) -> Iterator[tuple[Example, np.ndarray]]:
    """Yield every example with the density that a network which saw none of its family gives."""
    if not variant.learned:
        column = names.index("plain")
        yield from ((example, example.features[:, column]) for example in found)
        return
    names, found = narrowed(names, found, variant.without)
    families = [data.family(example.dataset) for example in found]
    for held_out in folds(families):
        used = [e for e, name in zip(found, families, strict=True) if name not in held_out]
        if variant.order:
            order = np.random.default_rng(variant.order).permutation(len(used))
            used = [used[place] for place in order.tolist()]
        ranker = _trained(names, used, networks, variant.hidden)
        for example, name in zip(found, families, strict=True):
            if name in held_out:
                yield example, ranker.density(names, example.features.astype(np.float32))


def _trained(names: tuple[str, ...], found: Sequence[Example], networks: int, hidden: bool) -> Any:
    """Train as the script does, but for the number of networks and their hidden layers."""
    before = train_relevance.NETWORKS, train_relevance.WIDTH
    train_relevance.NETWORKS = networks
    if not hidden:
        train_relevance.WIDTH = 0  # what is left of the deep part is a constant
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            return train_relevance.train(names, found)
    finally:
        train_relevance.NETWORKS, train_relevance.WIDTH = before


def judge(names: tuple[str, ...], found: Sequence[Example], variant: Variant, networks: int) -> Row:
    """One row: evidence covered at each budget, by set, and the mean over sets."""
    values: dict[str, list[list[float]]] = {}
    for example, density in densities(names, found, variant, networks):
        values.setdefault(example.dataset, []).append(covered(density, example, data.BUDGETS))
    sets = {name: np.mean(values[name], axis=0).tolist() for name in sorted(values)}
    away = sum(group_of(name) == variant.without for name in names)
    return {
        "name": variant.name,
        "without": variant.without,
        "features": len(names) - away if variant.learned else 0,
        "macro": np.mean(list(sets.values()), axis=0).tolist(),
        "sets": sets,
    }


def rows(
    names: tuple[str, ...],
    found: Sequence[Example],
    chosen: Sequence[Variant],
    networks: int,
    folder: Path,
    work: Callable[..., Row] = judge,
) -> Iterator[Row]:
    """Yield every row; those that the folder holds are read, the others worked out and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant in chosen:
        path = folder / f"{versions.digest(repr(variant), repr(names), str(networks))}.json"
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_text(json.dumps(work(names, found, variant, networks)), encoding="utf-8")
            part.replace(path)
        yield json.loads(path.read_text(encoding="utf-8"))


def described(
    folder: Path, embedder: str, documents: int, kept: Path
) -> tuple[tuple[str, ...], list[Example], Path]:
    """The examples, and a folder for what is made of them: both change with all they depend on."""
    files = [data.find(folder, name) for name in data.EVIDENCE_SETS]
    script = Path(train_relevance.__file__).read_text(encoding="utf-8")
    sizes = (f"{path.name} {zlib.crc32(path.read_bytes())}" for path in files)
    key = versions.digest(versions.installed("hier"), script, embedder, str(documents), *sizes)
    path = kept / key / "examples.npz"
    if not path.exists():
        names, found = train_relevance.collect(folder, embedder, documents)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        store(part, names, found)
        part.replace(path)
    return *load(path), path.parent


def store(path: Path, names: tuple[str, ...], found: Sequence[Example]) -> None:
    """Write examples to a file."""
    np.savez(
        path,
        names=np.array(names),
        datasets=np.array([example.dataset for example in found]),
        sizes=np.array([len(example.shares) for example in found]),
        features=np.concatenate([example.features for example in found]),
        shares=np.concatenate([example.shares for example in found]),
        tokens=np.concatenate([example.tokens for example in found]),
    )


def load(path: Path) -> tuple[tuple[str, ...], list[Example]]:
    """Read the examples that `store` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        cuts = np.cumsum(stored["sizes"])[:-1]
        parts = [np.split(stored[name], cuts) for name in ("features", "shares", "tokens")]
        names, datasets = tuple(stored["names"].tolist()), stored["datasets"].tolist()
    return names, [Example(*each) for each in zip(datasets, *parts, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Work out every row and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data.default_folder())
    parser.add_argument("--embedder", default=embedding.STATIC)
    parser.add_argument("--documents", type=int, default=99, help="of each set, at most")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, help="default: all")
    parser.add_argument(
        "--networks", type=int, default=1, help="networks averaged; 3 are installed"
    )
    parser.add_argument("--out", type=Path, help="folder; default: results, if all was run")
    options = parser.parse_args(arguments)
    import torch

    try:
        names, found, folder = described(
            options.data,
            options.embedder,
            options.documents,
            embedding.cache_folder() / "ablation",
        )
    except data.DataError as error:
        print(error, file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    about = environment.describe(SEED)
    present = {group_of(name) for name in names}
    groups = [g for g in GROUPS if g in present and g in (options.groups or GROUPS)]
    print(f"{len(found)} questions, {len(names)} features", flush=True)
    done = []
    for row in rows(names, found, variants(groups), options.networks, folder):
        done.append(row)
        print(f"{row['name']:<40}" + "".join(f"{v:8.4f}" for v in row["macro"]), flush=True)
    settings = {
        "embedder": options.embedder.rsplit("/", 1)[-1],
        "documents": options.documents,
        "networks": options.networks,
        "folds": [sorted(f) for f in folds([data.family(e.dataset) for e in found])],
        "questions": len(found),
        "features": len(names),
        "listed": train_relevance.LISTED,
        "overhead": train_relevance.OVERHEAD,
        "tokenizer": data.TOKENIZER,
    }
    whole = not options.groups and options.documents == parser.get_default("documents")
    out = options.out or (environment.RESULTS if whole else None)
    if out:
        short = settings["embedder"]
        file = FIGURES if short == embedding.STATIC else f"ablation-{short}.json"
        result = {"environment": about, "settings": settings}
        environment.write(out / file, result | {"budgets": list(data.BUDGETS), "rows": done})
        print(out / file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
