"""Take the pictures of the inspector that the documentation shows.

The text is the demo's: Python's language reference, which every Python carries. Chromium draws, and
needs no network (``apt-get install chromium chromium-driver``)::

    python scripts/screenshots.py [--out docs/images]
"""

import argparse
import html
import io
import sys
import tempfile
from pathlib import Path

from rich.console import Console

import hier
from hier.commands.picture import picture
from hier.demo import QUESTIONS, document
from hier.document import Document
from hier.explain import explain
from hier.inspector.export import export

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import Browser  # noqa: E402 - a module of the tests

BUDGET = 600
QUESTION = QUESTIONS[1]
# What a reader of a notebook or a terminal sees around a picture: some paper, and a quiet letter.
PAPER = "body{{margin:0;padding:28px 32px;font:14px Arial,sans-serif;background:{0};color:{1}}}"


def main() -> None:
    """Build the text, open its page, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args().out
    tree = hier.build(Document(document(), "Python's language reference"))
    with tempfile.TemporaryDirectory() as made:
        browser = Browser(Path(made) / "browser")
        try:
            take_pages(browser, tree, Path(made), folder)
            take_notebook(browser, tree, Path(made), folder)
            take_terminal(browser, tree, Path(made), folder)
        finally:
            browser.close()


def take_pages(browser: Browser, tree: hier.Tree, made: Path, folder: Path) -> None:
    """Take the inspector in the light, at night, and near the text."""
    path = made / "inspector.html"
    export(tree, path, QUESTIONS, BUDGET)
    for name, dark in (("light", False), ("dark", True)):
        browser.window(1440, 896, dark=dark, scale=1.25)
        browser.open(path.as_uri())
        browser.run("inspector.page.question(arguments[0])", QUESTION)
        browser.wait("inspector.page.view.query[0] === arguments[0]", QUESTION)
        if dark:
            browser.run("inspector.page.goTo(inspector.page.view.segments.text.length)")
            browser.wait(
                "!document.getElementById('node').hidden && inspector.page.leafText(0) !== 0"
            )
        browser.run("document.activeElement.blur()")
        save(browser, folder / f"inspector-{name}.png")


def take_notebook(browser: Browser, tree: hier.Tree, made: Path, folder: Path) -> None:
    """Take a tree and a context as a notebook shows them."""
    shown = f"{tree._repr_html_()}<br>{tree.compress(QUESTION, 120)._repr_html_()}"
    take(browser, shown, made, folder / "notebook.png", 960, ("#ffffff", "#1d1c1a"))


def take_terminal(browser: Browser, tree: hier.Tree, made: Path, folder: Path) -> None:
    """Take what ``hier explain`` draws in a terminal."""
    report = explain(tree, QUESTION, 300)
    console = Console(
        file=io.StringIO(), width=104, record=True, force_terminal=True, color_system="truecolor"
    )
    for part in picture(tree, report, 104):
        console.print(part)
    drawn = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    typed = html.escape(f'$ hier explain reference.hier -q "{QUESTION}" -b 300')
    shown = (
        f"<pre>{typed}</pre>{drawn}<style>pre{{margin:0;font:13px/1.35 'DejaVu Sans Mono'}}</style>"
    )
    take(browser, shown, made, folder / "terminal.png", 900, ("#14161a", "#e6e4df"))


def take(
    browser: Browser, shown: str, made: Path, path: Path, width: int, colours: tuple[str, str]
) -> None:
    """Take a piece of HTML on paper of some colours."""
    page = made / "piece.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><style>{PAPER.format(*colours)}</style>{shown}",
        encoding="utf-8",
    )
    browser.window(width, 400, scale=1.25)
    browser.driver.get(page.as_uri())
    height = browser.run("document.documentElement.scrollHeight")
    browser.window(width, height, scale=1.25)
    save(browser, path)


def save(browser: Browser, path: Path) -> None:
    """Write what the window shows, in the 256 colours that are nearest to it."""
    from PIL import Image

    image = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(256, kmeans=8, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
