"""Serving: texts and corpora are asked over HTTP."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from hier.commands.output import say
from hier.corpus.header import is_corpus
from hier.errors import InputError, MissingExtraError
from hier.options import ModelOptions, with_models
from hier.store import is_tree


@with_models
def serve(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Saved trees, corpora, or files to be read."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The folder of what is built here; none: it is lost at the end."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder whose files may be named in requests."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any that is free.")] = 8080,
    keys: Annotated[
        Path | None, typer.Option(help="A file of API keys' hashes; hier key makes one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that compute; as many as cores.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="PROVIDER/NAME", help="The model that answers questions.")
    ] = None,
    largest: Annotated[int, typer.Option(min=1, help="Megabytes of a request, at most.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="Until an answer begins, at most.")] = 300,
    body_seconds: Annotated[
        float, typer.Option(min=0.1, help="Until a request is there, or an answer taken, at most.")
    ] = 30,
    header_seconds: Annotated[
        float, typer.Option(min=0.1, help="Until its first lines are there, at most.")
    ] = 10,
    at_once: Annotated[int, typer.Option(min=1, help="Requests that are worked on.")] = 64,
    waiting: Annotated[int, typer.Option(min=0, help="Requests that wait, at most.")] = 1024,
    connections: Annotated[int, typer.Option(min=1, help="Connections, at most.")] = 4096,
    cache: Annotated[int, typer.Option(min=0, help="Megabytes of answers that are kept.")] = 64,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds that requests have to end when it is stopped.")
    ] = 30,
    *,
    models: ModelOptions,
) -> None:
    """Serve texts and corpora over HTTP, to be built, asked and shown."""
    try:
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "", "hier serve", "hier-context[serve]") from error
    from hier.serving.access import VARIABLE, Keys, check_bind
    from hier.serving.application import Rules, application
    from hier.serving.folders import Folders
    from hier.serving.holdings import Holdings
    from hier.serving.house import new_house
    from hier.serving.limits import Limits
    from hier.serving.server import Address, Server

    admitted = Keys.read(keys, os.environ.get(VARIABLE, ""))
    check_bind(host, admitted)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="hier-serve-")))
        holdings = Holdings(_folder(data, scratch), scratch)
        texts = _named(files or (), holdings)
        house = new_house(
            holdings,
            workers=workers or _cores(),
            folders=Folders(folder or ()),
            model=model or "",
            settings=models.of(model) if model else None,
            answers=cache << 20,
        )
        limits = Limits(largest << 20, body_seconds, seconds, at_once, waiting)
        app = application(house, Rules(admitted, limits))
        address = Address(host, port, connections, grace, header_seconds, body_seconds)
        server = Server(app, house, address, _begun, texts)
        server.run()
    if server.failure is not None:
        raise server.failure


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begun(url: str) -> None:
    say(f"serving at {url} (people: {url}/inspect/)")


def _folder(data: Path | None, scratch: Path) -> Path:
    """Return the folder of what is built, made if it is not there."""
    folder = scratch / "data" if data is None else data
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be a folder of data: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written to; choose another folder")
    return folder.resolve()


def _named(files: Sequence[Path], holdings: object) -> list[Path]:
    """Take files among those that are asked; return those that have to be read first."""
    from hier.serving.holdings import Holdings

    assert isinstance(holdings, Holdings)
    texts = []
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is no file; pass saved trees, corpora or texts")
        if is_tree(path) or is_corpus(path):
            holdings.name(path, path.resolve())
        else:
            texts.append(path)
    return texts
