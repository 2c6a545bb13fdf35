"""Keys: an API key for a server is made, and its hash written down."""

from pathlib import Path
from typing import Annotated

import typer

from hier.commands.output import say, write
from hier.serving.access import hash_of, new_key


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its hash is added to this file.")],
    note: Annotated[str, typer.Option(help="Whose it is, in a few words.")] = "",
) -> None:
    """Make an API key for a server: print it once, and add its hash to a file."""
    made = new_key()
    file.touch(mode=0o600)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"sha256:{hash_of(made)} {' '.join(note.split())}".rstrip() + "\n")
    write(made + "\n")
    say(f"its hash is in {file}: pass --keys {file}; the key itself is kept nowhere")
