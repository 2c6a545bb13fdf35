"""Questions over HTTP: the model that the server was started with answers, with citations."""

import asyncio
from functools import partial
from typing import Any

from starlette.responses import Response

from hier.serving import replies, requests
from hier.serving.endpoints import Call, Endpoint
from hier.serving.holdings import Kind
from hier.serving.house import Events, RefusedError, as_json, while_there, written
from hier.serving.streaming import streamed, wanted
from hier.serving.trees import fault_of


async def ask(call: Call, kind: Kind) -> Response:
    """Let the model answer; it is asked no further where the client leaves."""
    house, holding = call.house, call.house.holdings.find(call.id, kind)
    askers = house.askers
    if askers is None:
        raise RefusedError(
            409, "no model was named when the server was started; see hier serve --model", None,
            "no_model",
        )  # fmt: skip

    async def asked(heard: Any = None) -> bytes:
        answer, reply = await house.do(
            "ask", written(call.body), holding, heard=heard, crew=askers
        )  # fmt: skip
        house.meters.asked(answer["source"], answer["tokens"])
        return reply

    if (how := wanted(call.request)) is not None:
        return streamed(_told(asked), how)
    return as_json(await while_there(call.request, asked()))


async def _told(asked: Any) -> Events:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    working = asyncio.ensure_future(asked(heard.put_nowait))
    working.add_done_callback(lambda _: heard.put_nowait(None))
    try:
        while (event := await heard.get()) is not None:
            yield "text", event["text"]
        yield "result", working.result()
    except RefusedError as error:
        yield "error", fault_of(error)
    finally:
        working.cancel()


ENDPOINTS = (
    Endpoint(
        "POST", "/v1/trees/{id}/ask", partial(ask, kind="tree"),
        "Let the model answer a question about a text", body=requests.TreeQuestion,
        replies={200: replies.AnswerFacts}, faults=(404, 409, 422, 502), streams=True,
    ),
    Endpoint(
        "POST", "/v1/corpora/{id}/ask", partial(ask, kind="corpus"),
        "Let the model answer a question about a corpus", body=requests.CorpusQuestion,
        replies={200: replies.AnswerFacts}, faults=(404, 409, 422, 502), streams=True,
    ),
)  # fmt: skip
"""What a model can be asked."""
