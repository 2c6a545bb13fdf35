"""Routes: the inspector of trees that a server holds, under ``/inspect/{id}/``.

A route holds no logic: it reads what is asked for strictly, and hands it to what asks the trees, in
a thread or in a process, so that the event loop stays free. The page and its parts say nothing of
any document: a server with keys may show them to everyone (``is_page``), what the page then asks
for carries the key that was typed into it.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from hier.errors import BudgetError, HierError, InputError, MissingExtraError
from hier.inspector import data
from hier.inspector.page import HEADERS, PARTS, asset, page
from hier.serving.access import problem
from hier.tree import Tree

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

Told = dict[str, Any]
Find = Callable[[str], Tree]
Ask = Callable[["Request", str, Told], Awaitable["Response"]]
"""Answers one of ``data.ANSWERS`` for the tree that a request names."""

MOST_BYTES = 64 * 1024  # of a request
MOST_QUERY = 8_000  # characters of all questions together
MOST_QUERIES = 16
_PAGE = re.compile(r"/inspect/[^/]+(?:/|/assets/[a-z]+\.(?:css|js))?")


def is_page(path: str) -> bool:
    """Say whether a path is that of the page or a part of it, and so of no document's text."""
    return _PAGE.fullmatch(path) is not None


def inspect_routes(ask: Ask) -> "list[Route]":
    """Return the routes of the inspector.

    Args:
        ask: what answers for the trees, such as ``in_threads(find)``.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    try:
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError("starlette", "the inspector", "hier-context[serve]") from error
    desk = _Desk(ask)
    return [
        Route("/inspect/{id}", desk.slash),
        Route("/inspect/{id}/", desk.page),
        Route("/inspect/{id}/assets/{name}", desk.asset),
        Route("/inspect/{id}/map", desk.map),
        Route("/inspect/{id}/view", desk.view, methods=["POST"]),
        Route("/inspect/{id}/node/{node}", desk.node),
        Route("/inspect/{id}/curve", desk.curve),
    ]


def in_threads(find: Find) -> Ask:
    """Return what asks trees in threads of this process.

    Args:
        find: the tree of an id; raises ``LookupError`` where there is none. It is called in a
            thread.
    """

    async def ask(request: "Request", what: str, told: Told) -> "Response":
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        name = request.path_params["id"]
        try:
            tree = await run_in_threadpool(find, name)
        except LookupError:
            return problem(404, f"there is no tree {name[:80]!r}; ask the server what it holds")
        try:
            found = await run_in_threadpool(data.answer, tree, what, told)
        except (InputError, BudgetError) as error:
            return problem(404 if what == "node" else 400, str(error))
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(found, media_type="application/json", headers=headers)

    return ask


class _Desk:
    """Answers the requests of the page.

    Args:
        ask: what answers for the trees.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def slash(self, request: "Request") -> "Response":
        """Send the browser to where the page's relative addresses lead to this tree."""
        from starlette.responses import RedirectResponse

        name = request.url.path.rsplit("/", 1)[1]
        return RedirectResponse(f"./{name}/", 308)

    async def page(self, request: "Request") -> "Response":
        """Answer with the page."""
        from starlette.responses import Response

        return Response(page(), media_type="text/html", headers=HEADERS)

    async def asset(self, request: "Request") -> "Response":
        """Answer with a part of the page."""
        from starlette.responses import Response

        name = request.path_params["name"]
        if name not in PARTS:
            return problem(404, f"the page has no part {name[:80]!r}; see /inspect/ID/")
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(asset(name), media_type=kind, headers=HEADERS)

    async def map(self, request: "Request") -> "Response":
        """Answer with the shape of the tree."""
        return await self._ask(request, "map", {})

    async def node(self, request: "Request") -> "Response":
        """Answer with one node."""
        text = request.path_params["node"]
        if not re.fullmatch(r"[0-9]{1,9}", text):
            return problem(404, f"there is no node {text[:80]!r}; node ids are numbers, see map")
        return await self._ask(request, "node", {"node_id": int(text)})

    async def curve(self, request: "Request") -> "Response":
        """Answer with value against tokens."""
        try:
            query = _checked_query(request.query_params.getlist("query"))
        except InputError as error:
            return problem(400, str(error))
        return await self._ask(request, "curve", {"query": query})

    async def view(self, request: "Request") -> "Response":
        """Answer with what a question and a budget make of the tree."""
        raw = b""
        async for part in request.stream():
            raw += part
            if len(raw) > MOST_BYTES:
                return problem(413, f"the request has more than {MOST_BYTES:,} bytes")
        try:
            query, budget, relevance = _read_view(raw)
        except HierError as error:
            return problem(400, str(error))
        told = {"query": query, "budget": budget, "relevance": relevance}
        return await self._ask(request, "view", told)


def _read_view(raw: bytes) -> tuple[list[str], int, bool]:
    """Read the body of a request for a view.

    Raises:
        InputError: it is no JSON object of query, budget and relevance, or asks for too much.
        BudgetError: the budget is no whole number of tokens, or too large.
    """
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError('the request is not JSON; send {"query": ..., "budget": ...}') from error
    known = {"budget", "query", "relevance"}
    if not isinstance(told, dict) or not told.keys() <= known:
        raise InputError(f"the request must be an object of {', '.join(sorted(known))} alone")
    query, relevance = told.get("query"), told.get("relevance", True)
    if not isinstance(relevance, bool):
        raise InputError("relevance must be true or false")
    queries = [query] if query is None or isinstance(query, str) else query
    return _checked_query(queries), _checked_budget(told.get("budget")), relevance


def _checked_budget(budget: Any) -> int:
    """Return a budget that a page can show the context of.

    Raises:
        BudgetError: it is none.
    """
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise BudgetError(f"budget {str(budget)[:40]!r} is not a whole number; pass 1 or more")
    if not 1 <= budget <= data.MOST_BUDGET:
        raise BudgetError(
            f"budget {str(budget)[:40]} is not from 1 to {data.MOST_BUDGET:,}, the most that a "
            "page shows; compress the tree for more"
        )
    return budget


def _checked_query(query: Any) -> list[str]:
    """Return the questions as a list.

    Raises:
        InputError: they are no texts, or too long.
    """
    if not isinstance(query, list):
        raise InputError("query must be a text, a list of texts, or null for an overview")
    texts = [each for each in query if each is not None]
    if not all(isinstance(each, str) for each in texts) or len(texts) > MOST_QUERIES:
        raise InputError(f"query must be a text, or a list of at most {MOST_QUERIES} texts")
    if sum(map(len, texts)) > MOST_QUERY:
        raise InputError(f"query is longer than {MOST_QUERY:,} characters; ask more shortly")
    return texts
