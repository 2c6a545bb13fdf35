"""An encoder-decoder model of ``transformers``: a few texts in, their summaries out.

The rules are those of the embedders: a local folder first, then the Hugging Face cache, then the
network, and that only for a hub name that the user wrote out. Weights are read from safetensors
only, so that nothing is unpickled. Decoding is deterministic: the beams of the model's own
configuration, no sampling.
"""

import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hier.errors import EmbedderError, MissingExtraError, SummarizerError
from hier.retrieval.models import (
    cached,
    download,
    first_line,
    local_folder,
    looks_like_hub_name,
    quiet,
)

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNKNOWN_WINDOW = 512  # what T5 was trained on: its relative positions know no limit
_LARGEST_WINDOW = 1 << 20  # what a tokenizer without a limit tells is larger
_SAMPLES, _SAMPLE = 256, 4096  # parts of the weights that tell two trainings apart, their bytes


@dataclass(frozen=True)
class Decoded:
    """What a model wrote for one text.

    Attributes:
        text: its words, stripped.
        tokens: how many tokens it wrote.
        whole: it came to its end; otherwise it was cut off.
    """

    text: str
    tokens: int
    whole: bool


class Seq2SeqModel:
    """A summarisation model, found at once and read when it is first used.

    Args:
        model: a folder, or ``"OWNER/NAME"`` on the hub.
        output: most tokens of a summary, by the model's tokenizer.
        prefix: what stands before each text; None for what the model's configuration asks for.
        device: ``"cpu"``, ``"cuda"``, ...; None for a GPU where there is one.

    Raises:
        SummarizerError: there is no such model, it is no encoder-decoder, it has no safetensors, or
            ``output`` does not fit it.
        MissingExtraError: transformers or torch is not installed.
    """

    def __init__(
        self, model: str | Path, output: int, prefix: str | None, device: str | None
    ) -> None:
        for library in ("torch", "transformers"):
            if importlib.util.find_spec(library) is None:
                raise MissingExtraError(
                    library, f"the summarizer {str(model)!r}", "hier-context[neural]"
                )
        self.name, self.folder = _find(str(model))
        self.output, self.device = output, device
        self._settings = _read_settings(self.folder)
        self._task = (self._settings.get("task_specific_params") or {}).get("summarization") or {}
        self.prefix = str(self._task.get("prefix", "")) if prefix is None else prefix
        self.window = self._check_window()

    @cached_property
    def digest(self) -> str:
        """What the model's summaries depend on: its settings, its words, samples of its weights."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".json", ".model", ".txt"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
            elif path.suffix == ".safetensors":
                with path.open("rb") as file:
                    length = path.stat().st_size
                    digest.update(path.name.encode() + length.to_bytes(8, "little"))
                    header = min(int.from_bytes(file.read(8), "little"), length)
                    digest.update(file.read(header))
                    # All weights change in training, so that a part of each region tells enough.
                    for place in range(8 + header, length, max(_SAMPLE, length // _SAMPLES)):
                        file.seek(place)
                        digest.update(file.read(_SAMPLE))
        return digest.hexdigest()

    def count(self, text: str) -> int:
        """Return how many tokens the encoder reads of a text, prefix and marks included."""
        return len(self._encode([text])[0])

    def summarise(self, texts: Sequence[str]) -> list[Decoded]:
        """Summarise a few texts at once, each within the window.

        Raises:
            SummarizerError: the model cannot be read, or failed.
        """
        import torch

        model = self._model
        try:
            with quiet(), torch.inference_mode():
                batch = self._tokenizer.pad({"input_ids": self._encode(texts)}, return_tensors="pt")
                inputs = {
                    "input_ids": batch["input_ids"].to(model.device),
                    "attention_mask": batch["attention_mask"].to(model.device),
                }
                if model.config.model_type == "led":  # its first token sees all, and is seen
                    inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
                    inputs["global_attention_mask"][:, 0] = 1
                rows = model.generate(**inputs, generation_config=self._generation).tolist()
        except Exception as error:
            raise SummarizerError(
                f"the model {self.name} failed on {len(texts)} texts ({type(error).__name__}: "
                f"{first_line(error)}); give a smaller batch, device='cpu', or another model"
            ) from error
        return [self._decoded(row) for row in rows]

    def _decoded(self, row: list[int]) -> Decoded:
        row = row[1:]  # the first token is what every summary begins with
        pad, ends = self._generation.pad_token_id, self._generation.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        end = next((place for place, token in enumerate(row) if token in ends), len(row))
        if end == len(row):
            while end and row[end - 1] == pad:
                end -= 1
        text = self._tokenizer.decode(row[:end], skip_special_tokens=True).strip()
        # Some models are made to end where they are cut off: a summary of full length was.
        return Decoded(text, end, end + 1 < self.output)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        readable = [self.prefix + _SURROGATE.sub("\ufffd", text) for text in texts]
        with quiet():
            found: list[list[int]] = self._tokenizer(readable, truncation=False)["input_ids"]
        return found

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        try:
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(str(self.folder), local_files_only=True)
        except Exception as error:
            raise self._unreadable("tokenizer", error) from error
        tokenizer.padding_side = "right"
        return tokenizer

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            with quiet():
                model = AutoModelForSeq2SeqLM.from_pretrained(
                    str(self.folder), local_files_only=True, use_safetensors=True
                )
                return model.float().eval().to(device)
        except Exception as error:
            raise self._unreadable("model", error) from error

    @cached_property
    def _generation(self) -> Any:
        """The model's own way of decoding, without chance, ending at ``output``."""
        config = deepcopy(self._model.generation_config)
        config.update(**{k: v for k, v in self._task.items() if k not in ("prefix", "max_length")})
        config.update(max_new_tokens=self.output, max_length=None, do_sample=False)
        config.update(temperature=None, top_p=None, top_k=None, typical_p=None)
        config.min_length = min(config.min_length or 0, self.output // 2)
        config.min_new_tokens = None
        if config.pad_token_id is None:
            config.pad_token_id = self._tokenizer.pad_token_id
        return config

    def _check_window(self) -> int:
        """Return the most tokens the encoder reads; refuse what does not fit the model."""
        settings = self._settings
        shared = settings.get("max_position_embeddings") or settings.get("n_positions")
        read = settings.get("max_encoder_position_embeddings") or shared
        written = settings.get("max_decoder_position_embeddings") or shared or _UNKNOWN_WINDOW
        told = self._tokenizer.model_max_length
        limits = [limit for limit in (read, told) if limit and limit < _LARGEST_WINDOW]
        window = int(min(limits, default=_UNKNOWN_WINDOW))
        most = min(window // 2, int(written) - 1)
        if not 2 <= self.output <= most:
            raise SummarizerError(
                f"output={self.output} does not fit the model {self.name}, which reads {window} "
                f"tokens; give 2 to {most}"
            )
        taken = self.count("")
        if 2 * taken > window:
            raise SummarizerError(
                f"the prefix takes {taken} of the {window} tokens that the model {self.name} "
                "reads; shorten it"
            )
        return window

    def _unreadable(self, what: str, error: Exception) -> SummarizerError:
        return SummarizerError(
            f"the {what} in {self.folder} cannot be read ({first_line(error)}); "
            "give a summarisation model that transformers saved whole, on a device that is there"
        )


def _find(name: str) -> tuple[str, Path]:
    """Return a model's name and its folder, downloaded only if it is nowhere on this machine."""
    folder = local_folder(name)
    if folder is not None:
        return folder.name, folder
    if not looks_like_hub_name(name):
        raise SummarizerError(
            f"there is no folder {name[:80]!r}; give the folder of a summarisation model, or "
            "OWNER/NAME as the Hugging Face hub names it"
        )
    try:
        return name, cached(name) or download(name)
    except EmbedderError as error:  # the house's way of finding models speaks of embedders
        raise SummarizerError(str(error)) from error


def _read_settings(folder: Path) -> dict[str, Any]:
    """Return a model's configuration; refuse folders of anything else."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SummarizerError(
            f"the folder {folder} holds no model (config.json: {first_line(error)}); "
            "give one that transformers saved"
        ) from error
    if not isinstance(settings, dict) or not settings.get("is_encoder_decoder"):
        kind = settings.get("model_type", "unknown") if isinstance(settings, dict) else "unknown"
        raise SummarizerError(
            f"the model in {folder} (type {kind}) is no encoder-decoder; "
            "give a summarisation model such as BART, T5, PEGASUS or LED"
        )
    if not any(folder.glob("*.safetensors")):
        found = "pickled weights (.bin)" if any(folder.glob("*.bin")) else "no weights"
        raise SummarizerError(
            f"the folder {folder} holds {found} where .safetensors are needed, and hier unpickles "
            "nothing; save the model anew with transformers"
        )
    return settings
