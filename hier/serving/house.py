"""The house: what all requests to a server share, and how one is handed to a worker."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from hier.config import ModelSettings
from hier.serving import frames
from hier.serving.answers import Answers, Given, key_of
from hier.serving.builds import Builds
from hier.serving.crew import Crew, Fault, Gone, Heard, LeftError, WorkerLostError
from hier.serving.faults import WENT_WRONG
from hier.serving.folders import Folders
from hier.serving.holdings import Holding, Holdings
from hier.serving.metrics import Meters

_R = TypeVar("_R")
_ASKERS = 4  # questions that a model is asked at a time
BUILD_SECONDS = 1800.0
_HEADERS = {"x-content-type-options": "nosniff"}


class RefusedError(Exception):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        message: what is wrong and how it is mended.
        param: the part of the request that is meant.
        code: ``"invalid"`` where the request is not as the schema says, ``"refused"`` where it is.
    """

    def __init__(
        self, status: int, message: str, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


@dataclass
class House:
    """What the requests to a server share.

    Attributes:
        holdings: what can be asked.
        crew: the workers.
        folders: the files that may be read.
        askers: workers that wait for a model; None where no model was named.
        answers: what was answered before.
        meters: what is counted.
        builds: what is being read and written.
        status: how the server is.
        build_seconds: the most a build may take.
    """

    holdings: Holdings
    crew: Crew
    folders: Folders = field(default_factory=Folders)
    askers: Crew | None = None
    answers: Answers = field(default_factory=Answers)
    meters: Meters = field(default_factory=Meters)
    builds: Builds = field(default_factory=Builds)
    status: str = "starting"
    build_seconds: float = BUILD_SECONDS
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    async def ask(
        self,
        what: str,
        holding: Holding,
        request: BaseModel | None = None,
        gone: Gone | None = None,
        **told: Any,
    ) -> Response:
        """Answer a question to a holding: as it was answered before, or by a worker."""
        body = written(request)
        key = key_of(f"{what}{told or ''}", str(holding.path), holding.stamp, body)
        given = self.answers.get(key)
        if given is None:
            self.meters.kept("no").inc()
            answer, reply = await self.do(what, body, holding, gone=gone, **told)
            given = Given(reply, answer["source"], answer["tokens"])
            if holding.settled:
                self.answers.put(key, given)
        else:
            self.meters.kept("yes").inc()
        self.meters.asked(given.source, given.tokens)
        return as_json(given.body)

    async def do(
        self,
        what: str,
        body: bytes,
        holding: Holding | None = None,
        *,
        long: bool = False,
        heard: Heard | None = None,
        crew: Crew | None = None,
        gone: Gone | None = None,
        **told: Any,
    ) -> frames.Frame:
        """Have a worker do a job.

        Raises:
            RefusedError: it cannot be done, or the worker died of it.
        """
        header = {"do": what, **told}
        if holding is not None:
            header |= {"path": str(holding.path), "stamp": holding.stamp, "kind": holding.kind}
            header.setdefault("held", holding.held.model_dump())
        try:
            done = await (crew or self.crew).run(header, body, long=long, heard=heard, gone=gone)
        except WorkerLostError as error:
            raise RefusedError(500, WENT_WRONG) from error
        if isinstance(done, Fault):
            raise RefusedError(done.status, done.message, None, done.code)
        return done

    async def accepted(self, job: Awaitable[_R]) -> _R:
        """Have a job done to its end, which no client that leaves can stop, within a limit.

        Raises:
            RefusedError: it took too long.
        """
        try:
            async with asyncio.timeout(self.build_seconds):
                return await job
        except TimeoutError as error:
            late = f"it was not done after {self.build_seconds:g} seconds; bring less at a time"
            raise RefusedError(504, late) from error

    def next_name(self, what: str) -> str:
        """Return a name that no other work has."""
        return f"{what} {next(self._numbers)}"

    def lock(self, holding: str) -> asyncio.Lock:
        """Return what one writer at a time holds."""
        return self._locks.setdefault(holding, asyncio.Lock())


def new_house(
    holdings: Holdings,
    *,
    workers: int,
    folders: Folders | None = None,
    model: str = "",
    settings: ModelSettings | None = None,
    answers: int = 64 << 20,
) -> House:
    """Return a house whose workers are not yet started.

    Args:
        holdings: what can be asked.
        workers: processes that compute.
        folders: the files that may be read.
        model: the name of the model that answers questions; empty for none.
        settings: how it is reached.
        answers: bytes of answers that are kept.
    """
    told = {"model": model, "settings": asdict(settings or ModelSettings())}
    return House(
        holdings,
        Crew(workers, {}, max(1, workers - 1)),
        folders or Folders(),
        Crew(_ASKERS, told) if model else None,
        Answers(answers),
    )


def written(request: BaseModel | None) -> bytes:
    """Return a request in the one way in which it is written, what is as usual left out."""
    return b"" if request is None else request.model_dump_json(exclude_defaults=True).encode()


def as_json(body: bytes, status: int = 200) -> Response:
    """Return JSON as an answer."""
    return Response(body, status, _HEADERS, "application/json")


async def while_there(request: Request, work: Awaitable[_R]) -> _R:
    """Return the result of some work, and give it up where the client leaves.

    Raises:
        LeftError: the client has left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeftError
        return working.result()
    finally:
        for each in (working, leaving):
            each.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


Events = AsyncIterator[tuple[str, Any]]
