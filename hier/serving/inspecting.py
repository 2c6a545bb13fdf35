"""The inspector of the texts that a server holds: its page asks, workers answer."""

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from hier.inspector.page import hash_source
from hier.inspector.routes import inspect_routes
from hier.serving.endpoints import answered
from hier.serving.house import House
from hier.visible import visible

PATH = "/inspect/"
_MOST = 1_000  # texts that are listed
_STYLE = """
body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}
"""
_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src {hash_source(_STYLE)}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_HEAD = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>hier inspector</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>{_STYLE}</style><h1>hier inspector</h1>"""


def inspector(house: House) -> list[BaseRoute]:
    """Return the routes of the inspector, and of a list of what can be inspected."""

    async def ask(request: Request, page: str, asked: dict[str, Any]) -> Response:
        async def shown() -> Response:
            holding = house.holdings.find(request.path_params["id"], "tree")
            gone = request.is_disconnected
            return await house.ask("show", holding, gone=gone, page=page, asked=asked)

        return await answered(shown())

    async def listed(_: Request) -> Response:
        trees = [each for each in house.holdings.all(limit=_MOST) if each.kind == "tree"]
        links = [
            f'<li><a href="./{each.id}/">{escape(visible(each.held.name or each.id))}</a>'
            for each in trees
        ]
        found = f"<ul>{''.join(links)}</ul>" if links else "<p>No text is here yet.</p>"
        return HTMLResponse(_HEAD + found, headers=_HEADERS)

    return [Route(PATH, listed), *inspect_routes(ask)]
