"""What the server tells of itself: what it has, how it is, what it counted."""

from starlette.responses import RedirectResponse, Response

import hier
from hier.serving import metrics, replies, requests
from hier.serving.endpoints import Call, Endpoint
from hier.serving.house import as_json
from hier.serving.inspecting import PATH


async def holdings(call: Call) -> Response:
    """List texts and corpora."""
    asked: requests.ListRequest = call.query
    found = call.house.holdings.all(asked.after, asked.limit + 1)
    shown = [each.held for each in found[: asked.limit]]
    listed = replies.HeldList(holdings=shown, more=len(found) > asked.limit)
    return as_json(listed.model_dump_json().encode())


async def health(_: Call) -> Response:
    """Say that the server runs."""
    return _state("ok")


async def about(call: Call) -> Response:
    """Say what is here; a browser is sent to the inspector."""
    if "text/html" in call.request.headers.get("accept", ""):
        return RedirectResponse(PATH, 307)
    told = replies.About(name="hier", version=hier.__version__, published="/openapi.json")
    return as_json(told.model_dump_json().encode())


async def ready(call: Call) -> Response:
    """Say whether it takes requests: not while it starts or stops."""
    status = call.house.status
    return _state(status, 200 if status == "ready" else 503)


def _state(status: str, code: int = 200) -> Response:
    state = replies.State.model_validate({"status": status, "version": hier.__version__})
    return as_json(state.model_dump_json().encode(), code)


async def measured(call: Call) -> Response:
    """Return what was counted."""
    house = call.house
    house.meters.lost.set(house.crew.lost + (house.askers.lost if house.askers else 0))
    house.meters.workers.set(house.crew.number)
    return Response(house.meters.text(), media_type=metrics.CONTENT_TYPE)


ENDPOINTS = (
    Endpoint(
        "GET", "/v1/holdings", holdings, "List what can be asked",
        query=requests.ListRequest, replies={200: replies.HeldList}, faults=(422,),
    ),
    Endpoint(
        "GET", "/health", health, "Say that the server runs",
        replies={200: replies.State}, public=True,
    ),
    Endpoint(
        "GET", "/ready", ready, "Say whether the server takes requests",
        replies={200: replies.State, 503: replies.State}, public=True,
    ),
    Endpoint("GET", "/", about, "Say what is here", replies={200: replies.About}),
    Endpoint(
        "GET", "/metrics", measured, "Return what was counted, for Prometheus",
        replies={200: str}, media="text/plain",
    ),
)  # fmt: skip
"""What the server tells of itself."""
