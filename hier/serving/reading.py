"""Reading at start: texts that a server was handed as plain files are read before it is ready."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hier.errors import InputError
from hier.serving.house import House, RefusedError, written
from hier.serving.replies import Held
from hier.serving.sources import TreeOfFile


async def read_texts(house: House, texts: Sequence[Path]) -> None:
    """Read files into trees that are there as long as the server is.

    Raises:
        InputError: one cannot be read.
    """
    if not texts:
        return
    folder = tempfile.mkdtemp(prefix="read-", dir=house.holdings.scratch)
    for number, path in enumerate(texts):
        kept = Path(folder) / f"{number}.hier"
        request = TreeOfFile(path=str(path), name=path.name)
        held = Held(id="", kind="tree", name=path.name, bytes=0, writable=False).model_dump()
        try:
            await house.do(
                "build", written(request), long=True, path=str(kept), held=held,
                file=str(path.resolve()),
            )  # fmt: skip
        except RefusedError as error:
            raise InputError(f"{path}: {error.message}") from error
        house.holdings.name(path, kept)
