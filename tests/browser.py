"""A real Chromium, and trees served to it on loopback."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from selenium import webdriver
from starlette.applications import Starlette

from hier.inspector.routes import in_threads, inspect_routes, is_page
from hier.serving.access import Guard, Keys, hash_of

APT = "apt-get install chromium chromium-driver"
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--force-color-profile=srgb", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-features=DialMediaRouteProvider,Translate",
)  # fmt: skip


def program(*names: str) -> str:
    """The path of a program.

    Raises:
        FileNotFoundError: none of the names is installed; what is, never is downloaded.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError(f"{names[0]} is not installed; install it: {APT}")
    return found


class Browser:
    """A page in a window.

    Attributes:
        driver: Selenium's.
    """

    def __init__(self, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = program("chromium", "chromium-browser", "google-chrome")
        for flag in (*_FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(program("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.window()

    def window(
        self, width: int = 1440, height: int = 900, *, dark: bool = False, still: bool = True,
        scale: float = 1,
    ) -> None:  # fmt: skip
        """Set the size of the window, and what its user prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, address: str) -> None:
        """Open a page of the inspector and wait until it shows something."""
        self.driver.get(address)
        self.wait("window.inspector === undefined && inspector.page?.budget.points.length")

    def run(self, script: str, *arguments: Any) -> Any:
        """Return the value of an expression."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def wait(self, script: str, *arguments: Any, seconds: float = 60) -> Any:
        """Wait until an expression is true; return its value."""
        end = time.monotonic() + seconds
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < end, f"never came true: {script}\n{self.complaints()}"
            time.sleep(0.03)
        return found

    def text(self, name: str) -> str:
        """Return the text of an element by its id."""
        found: str = self.run("document.getElementById(arguments[0]).textContent", name)
        return found.strip()

    def complaints(self) -> list[str]:
        """Return what the page complained of since this was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def close(self) -> None:
        """End it."""
        self.driver.quit()


@contextmanager
def serving(trees: Mapping[str, Any], key: str = "") -> Iterator[str]:
    """Serve the inspector of some trees on loopback; yields the address above their ids.

    Args:
        trees: by their ids.
        key: what a request for anything but the page must carry; empty for nothing.
    """
    inside = Starlette(routes=inspect_routes(in_threads(trees.__getitem__)))
    app = Guard(inside, Keys([hash_of(key)] if key else []), public=is_page)
    config = uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    (socket,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{socket.getsockname()[1]}/inspect"
    server.should_exit = True
    thread.join()
