"""The test server of models as a process of its own, and the tiny model that it may serve."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from model_replies import Settings

SERVER = Path(__file__).with_name("model_server.py")


class ModelServer:
    """A server of language models on a free port of loopback; see ``model_replies.Settings``.

    Attributes:
        base: its address, for Ollama.
        url: the address of its OpenAI protocol.
        pid: its process.
    """

    def __init__(self, **settings: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), json.dumps(settings)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        port = self._process.stdout.readline().strip()
        assert port, "the server did not start"
        self.base = f"http://127.0.0.1:{port}"
        self.url = f"{self.base}/v1"
        self.pid = self._process.pid
        for _ in range(200):
            try:
                self.stats()
                return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise TimeoutError("the server does not answer")

    def stats(self) -> dict[str, Any]:
        """Return what it counted since it was last configured."""
        return self._get("/stats")

    def requests(self) -> list[dict[str, Any]]:
        """Return the bodies of the calls that it got, in order."""
        return self._get("/requests")

    def configure(self, **settings: Any) -> Self:
        """Set everything but the model back to the defaults, but for these; count afresh."""
        fresh = {name: value for name, value in asdict(Settings()).items() if name != "folder"}
        self._get("/configure", fresh | settings)
        return self

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _get(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        # Not through a proxy that the environment may name.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.base + path, data), timeout=30) as response:
            return json.load(response)


def tiny_model(folder: Path) -> Path:
    """Make a causal language model of random weights, its tokenizer and a chat template."""
    from pydoc_data import topics

    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel(unk_token="<unknown>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=1000, special_tokens=["<end>", "<unknown>"], show_progress=False
    )
    made.train_from_iterator(list(topics.topics.values())[:20], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<end>", unk_token="<unknown>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
    )
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=2048,
        n_embd=32,
        n_layer=2,
        n_head=2,
        initializer_range=0.3,  # of the usual 0.02 it would say one word over and over
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
