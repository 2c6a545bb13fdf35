"""Metrics: what a server counts of itself, in the format of Prometheus.

They are kept in a registry of their own, so that two servers of one process, or others who count in
it, do not meet.
"""

from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TEMPLATE = "hier.template"
"""Where a request's route is noted in its scope, without what differs between requests."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Meters:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "hier_requests", "Requests.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "hier_request_seconds", "Time until an answer was sent.", ["method", "route"],
            registry=registry, buckets=_SECONDS,
        )  # fmt: skip
        self.running = Gauge("hier_requests_in_flight", "Requests at work.", registry=registry)
        self.source = Counter(
            "hier_source_tokens", "Tokens of the texts that were asked.", registry=registry
        )
        self.context = Counter(
            "hier_context_tokens", "Tokens of contexts that were answered.", registry=registry
        )
        self.saved = Counter(
            "hier_saved_tokens", "Tokens that need not be read.", registry=registry
        )
        self._cached = Counter(
            "hier_answers", "Answers, kept from before or worked out.", ["kept"], registry=registry
        )
        self._builds = Counter("hier_builds", "Texts read.", ["outcome"], registry=registry)
        self.building = Gauge("hier_builds_in_flight", "Texts being read.", registry=registry)
        self.lost = Gauge("hier_workers_lost", "Workers that were replaced.", registry=registry)
        self.workers = Gauge("hier_workers", "Workers that are ready.", registry=registry)
        # Looking a label up takes longer than counting.
        self.requests = cache(self._requests.labels)
        self.seconds = cache(self._seconds.labels)
        self.kept = cache(self._cached.labels)
        self.builds = cache(self._builds.labels)

    def asked(self, source: int, tokens: int) -> None:
        """Count the tokens of a question."""
        if tokens:
            self.source.inc(source)
            self.context.inc(tokens)
            self.saved.inc(max(0, source - tokens))

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)


class Metered:
    """Middleware that counts requests and how long they take.

    Args:
        app: what is counted.
        meters: where.
    """

    def __init__(self, app: "ASGIApp", meters: Meters) -> None:
        self._app, self._meters = app, meters

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand on, and count what comes back; 499 stands for a client that left."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 499

        async def sending(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._meters.running.inc()
        try:
            await self._app(scope, receive, sending)
        finally:
            self._meters.running.dec()
            method, route = _known(scope["method"]), scope.get(TEMPLATE, "other")
            self._meters.requests(method, route, str(status)).inc()
            self._meters.seconds(method, route).observe(perf_counter() - started)


def _known(method: str) -> str:
    """Return a method; those that nobody has heard of as one, or they would fill the memory."""
    return method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS") else "other"
