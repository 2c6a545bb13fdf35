"""A proxy as a process of its own, and a server behind it that says what it is told to."""

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

HIER = Path(sys.executable).with_name("hier")


class ProxyServer:
    """The command ``hier proxy`` at a free port; a context manager.

    Attributes:
        base: its address.
        url: the address for clients.
    """

    def __init__(self, upstream, *options, budget=600, **environment):
        self.process = subprocess.Popen(
            [HIER, "proxy", "--upstream", upstream, "-b", str(budget), "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+:(\d+)", line)
        if found is None:
            _, said = self.process.communicate(timeout=30)
            raise AssertionError(line + said)
        self.base = f"http://127.0.0.1:{found[1]}"
        self.url = f"{self.base}/v1"

    def stop(self):
        """Ask it to end, and return its exit status."""
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.stop()
        self.process.stderr.close()


class Upstream:
    """A server that takes down what it gets and answers each connection by a script.

    Args:
        script: takes the connection once a request is there, and sends what it likes.

    Attributes:
        url: its address.
        requests: the bytes of each request, in order.
        ended: set when a script has ended.
    """

    def __init__(self, script):
        self.script, self.requests, self.ended = script, [], threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def says(self, script):
        """Begin anew with another script."""
        self.script = script
        self.requests.clear()
        self.ended.clear()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(_request(connection))
                self.script(connection)
            self.ended.set()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


def _request(connection):
    """Read a request with a length."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body=b"{}", status="200 OK", headers=()):
    """A script that answers with a body and closes."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]

    def script(connection):
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return script
