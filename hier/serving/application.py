"""The application: the routes of the server, and around them what keeps it well.

From the outside in: what is counted; a door that closes when the server stops; keys; the size of
bodies; time; how many run at once.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from hier.inspector.routes import is_page
from hier.serving import corpora, openapi, questions, telling, trees
from hier.serving.access import Guard, Keys, problem
from hier.serving.endpoints import Call, Endpoint, routes
from hier.serving.faults import WENT_WRONG
from hier.serving.house import House, as_json
from hier.serving.inspecting import inspector
from hier.serving.limits import BodyLimit, ConcurrencyLimit, Limits, TimeLimit
from hier.serving.metrics import Metered

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Rules:
    """Who may ask, and how much.

    Attributes:
        keys: the API keys.
        limits: of requests.
    """

    keys: Keys = field(default_factory=Keys)
    limits: Limits = field(default_factory=Limits)


def endpoints(keys: bool) -> tuple[Endpoint, ...]:
    """Return all endpoints, their schema among them.

    Args:
        keys: whether requests need a key.
    """

    @cache
    def schema() -> bytes:
        return json.dumps(openapi.document(known, keys)).encode()

    async def tell(_: Call) -> Response:
        return as_json(schema())

    known = (
        *telling.ENDPOINTS,
        *trees.ENDPOINTS,
        *corpora.ENDPOINTS,
        *questions.ENDPOINTS,
        Endpoint("GET", "/openapi.json", tell, "Return this schema", replies={200: dict}),
    )
    return known


def application(house: House, rules: Rules) -> Starlette:
    """Return the application: what programs ask, and the inspector for people.

    Args:
        house: what requests share; its workers are started with the application.
        rules: who may ask, and how much.
    """
    known = endpoints(bool(rules.keys))
    public = frozenset(each.path for each in known if each.public)
    limits = rules.limits
    return Starlette(
        routes=[*routes(known, house), *inspector(house)],
        middleware=[
            Middleware(Metered, meters=house.meters),
            Middleware(Door, house=house, passing=public | {"/metrics"}),
            Middleware(Guard, keys=rules.keys, public=lambda path: path in public or is_page(path)),
            Middleware(BodyLimit, limits=limits),
            Middleware(TimeLimit, limits=limits),
            Middleware(ConcurrencyLimit, limits=limits, passing=public | {"/metrics"}),
        ],
        exception_handlers={HTTPException: _not_routed, Exception: _went_wrong},
        lifespan=_lifespan(house),
    )


class Door:
    """Middleware that turns away what comes when the server is about to stop.

    Args:
        app: what is behind it.
        house: says whether it is.
        passing: paths that are answered all the same.
    """

    def __init__(self, app: "ASGIApp", house: House, passing: frozenset[str]) -> None:
        self._app, self._house, self._passing = app, house, passing

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer 503, or hand on."""
        closed = scope["type"] == "http" and self._house.status == "stopping"
        if not closed or scope["path"] in self._passing:
            await self._app(scope, receive, send)
            return
        answer = problem(503, "the server is about to stop; ask again in a while")
        answer.headers.update({"retry-after": "5", "connection": "close"})
        await answer(scope, receive, send)


def _lifespan(house: House) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what starts the workers with the application, and ends them with it."""

    @asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        house.crew.start()
        try:
            yield
        finally:
            await house.builds.close()
            await house.crew.close()
            if house.askers is not None:
                await house.askers.close()

    return alive


async def _not_routed(_: Request, error: Exception) -> Response:
    """Answer a path or a method that is none."""
    assert isinstance(error, HTTPException)
    what = {404: "there is nothing at this path", 405: "this path has no such method"}
    answer = problem(error.status_code, what.get(error.status_code, error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _went_wrong(_: Request, __: Exception) -> Response:
    """Answer what nobody expected; the log has it."""
    return problem(500, WENT_WRONG)
