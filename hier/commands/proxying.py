"""Proxying: a server that compresses what clients of OpenAI's protocols send to another."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from hier.commands.ending import ended_as_by_ctrl_c
from hier.commands.output import say
from hier.messages.counting import IMAGE
from hier.messages.settings import LOW_WATER, REFRESH, Settings
from hier.options import TokenizerName, Tokens, whole_number
from hier.serving.access import VARIABLE, Keys, check_bind


def proxy(
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="The server behind: https://api.openai.com/v1")
    ],
    budget: Tokens = "2000",
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8020,
    tokenizer: TokenizerName = "o200k_base",
    low_water: Annotated[
        float, typer.Option(help="Share of the room used when all is compressed anew.")
    ] = LOW_WATER,
    refresh: Annotated[
        float, typer.Option(help="Share of what is relevant that must be shown; 0: never anew.")
    ] = REFRESH,
    part_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens of a part that is neither text nor image.")
    ] = IMAGE,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hashes of keys, of hier key.")
    ] = None,
    largest: Annotated[int, typer.Option(min=1, help="Megabytes of a request, at most.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="Until an answer begins, at most.")] = 300,
    body_seconds: Annotated[
        float, typer.Option(min=0.1, help="Until a request is there, at most.")
    ] = 30,
    header_seconds: Annotated[
        float, typer.Option(min=0.1, help="Until its first lines are there, at most.")
    ] = 10,
    at_once: Annotated[int, typer.Option(min=1, help="Requests that are worked on.")] = 256,
    waiting: Annotated[int, typer.Option(min=0, help="Requests that wait, at most.")] = 1024,
    connections: Annotated[int, typer.Option(min=1, help="Connections, at most.")] = 4096,
) -> None:
    """Stand between clients and a model: compress requests that are too long, pass all else on."""
    from hier.serving.limits import Limits
    from hier.serving.listening import listening, url_of
    from hier.serving.proxy import check_installed, proxy_app

    check_installed()
    import uvicorn

    from hier.serving.connections import protocol

    admitted = Keys.read(keys, os.environ.get(VARIABLE, ""))
    check_bind(host, admitted)
    settings = Settings(
        whole_number(budget, "pass 1 or more"), tokenizer, low_water, refresh, part_tokens
    )
    limits = Limits(largest << 20, body_seconds, seconds, at_once, waiting)
    app = proxy_app(upstream, settings, admitted, limits)
    spoken = protocol(header_seconds, body_seconds, connections)
    config = uvicorn.Config(
        app, http=spoken, ws="none", log_config=None, access_log=False, lifespan="on",
        server_header=False, date_header=False, proxy_headers=False,
    )  # fmt: skip
    # uvicorn hands a signal on when it has finished what was begun.
    with suppress(KeyboardInterrupt), ended_as_by_ctrl_c(), listening(host, port) as listener:
        say(f"listening at {url_of(listener)}/v1, in front of {upstream}")
        uvicorn.Server(config).run(sockets=[listener])
