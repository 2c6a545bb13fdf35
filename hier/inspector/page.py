"""The page: its parts, put together for a server, or for one file that needs nothing else.

In a file the parts stand in the page itself, and its policy names them by their hashes: nothing
else is run, drawn or fetched, whatever a document holds.
"""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        "texts tree colours sources motion kept map budget reading items pointing page keys start"
    ).split()
)
STYLE = "page.css"
PARTS = (STYLE, *SCRIPTS)

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:"
_TYPED = "require-trusted-types-for 'script'"
HEADERS = {
    "content-security-policy": f"{_NOTHING}; script-src 'self'; style-src 'self'; "
    f"connect-src 'self'; frame-ancestors 'none'; {_TYPED}",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

# Inside of a script nothing may end it, nor begin a comment: JSON can write these otherwise.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@cache
def asset(name: str) -> str:
    """Return a part of the page.

    Args:
        name: one of ``PARTS``, or ``"page.html"``.
    """
    return files("hier.inspector").joinpath("assets", name).read_text("utf-8")


def page() -> str:
    """Return the page as a server shows it: it asks for its data under its own address."""
    style = f'<link rel="stylesheet" href="./assets/{STYLE}">'
    scripts = "".join(f'<script defer src="./assets/{name}"></script>\n' for name in SCRIPTS)
    return _filled("", style, "", scripts)


def page_with(told: Any) -> str:
    """Return the page as one file with its data in it.

    Args:
        told: what ``export.py`` makes of a tree.
    """
    style, scripts = asset(STYLE), [asset(name) for name in SCRIPTS]
    allowed = " ".join(hash_source(script) for script in scripts)
    policy = f"{_NOTHING}; script-src {allowed}; style-src {hash_source(style)}; {_TYPED}"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    written = json.dumps(told, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)
    data = f'<script type="application/json" id="data">{written}</script>'
    inside = "".join(f"<script>{script}</script>\n" for script in scripts)
    return _filled(meta, f"<style>{style}</style>", data, inside)


def _filled(policy: str, style: str, data: str, scripts: str) -> str:
    """Fill the places of the page; what stands in one is not looked through for others."""
    parts = {"policy": policy, "style": style, "data": data, "scripts": scripts}
    filled, rest = "", asset("page.html")
    for name, part in parts.items():
        before, rest = rest.split(f"<!-- {name} -->")
        filled += before + part
    return filled + rest


def hash_source(text: str) -> str:
    """Return what a policy allows a script or a style by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
