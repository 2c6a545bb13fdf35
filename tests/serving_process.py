"""A server as a process of its own: `hier serve` on a free port of loopback."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

START_SECONDS = 90


class Serving:
    """`hier serve` with some arguments; its words are in `log`.

    Attributes:
        url: its address.
        pid: its process.
        client: asks it.
    """

    def __init__(self, log: Path, *arguments: object, key: str = "", wait: bool = True) -> None:
        self.log = log
        kept = {name: value for name, value in os.environ.items() if name != "HIER_API_KEY"}
        command = [sys.executable, "-P", "-m", "hier.cli", "serve", "--port", "0"]
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*command, *map(str, arguments)],
                stderr=stderr,
                env=kept | ({"HIER_API_KEY": key} if key else {}),
            )
        self.pid = self.process.pid
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._until(lambda: "serving at" in self.words())
        self.url = re.search(r"serving at (\S+)", self.words())[1]
        self.client = httpx.Client(
            base_url=self.url, headers=headers, timeout=60, trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )  # fmt: skip
        if wait:
            self._until(lambda: self.client.get("/ready").status_code == 200)

    def _until(self, there: Any) -> None:
        for _ in range(START_SECONDS * 20):
            if there():
                return
            assert self.process.poll() is None, self.words()
            time.sleep(0.05)
        raise TimeoutError(self.words())

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self.url.rpartition(":")[2])

    def words(self) -> str:
        """Return what it said."""
        return self.log.read_text(encoding="utf-8")

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Send JSON."""
        return self.client.post(path, json=body, **options)

    def metric(self, name: str, **labels: str) -> float:
        """Return a number that it counted; 0 where it has counted nothing yet."""
        told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        line = f"{name}{{{told}}}" if told else name
        found = re.search(rf"^{re.escape(line)} (\S+)$", self.client.get("/metrics").text, re.M)
        return float(found[1]) if found else 0.0

    def workers(self) -> list[int]:
        """Return the processes of its workers."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(number) for number in path.read_text().split()]

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it has not ended."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, sent: int = signal.SIGTERM) -> int:
        """End it; return its exit status."""
        self.client.close()
        self.process.send_signal(sent)
        return self.process.wait(60)
