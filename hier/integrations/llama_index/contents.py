"""What a vector store holds of a corpus, as far as it was put in: kept in a file beside it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from hier.errors import StoreError

_FORMAT = 1


def key_of(name: str, tree: bytes) -> str:
    """Return what the passages of a document are found by: another once its text is another.

    Args:
        name: of the document.
        tree: what its tree is found by.
    """
    told = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0" + tree)
    return told.hexdigest()[:24]  # 96 bits: with a passage's number it makes a UUID


@dataclass
class Contents:
    """What a store holds.

    Attributes:
        documents: their keys.
        ids: the id that we gave a passage, by the one that the store gave it, where that differs.
    """

    documents: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)

    def add(self, keys: Sequence[str], own: Sequence[str], given: Sequence[str] | None) -> None:
        """Say that documents were put in, and what the store calls their passages."""
        self.documents |= set(keys)
        self.ids |= {
            there: here for there, here in zip(given or own, own, strict=True) if there != here
        }

    def forget(self, key: str) -> None:
        """Say that a document was taken out."""
        self.documents.discard(key)
        self.ids = {there: here for there, here in self.ids.items() if _key_in(here) != key}

    def write(self, path: Path) -> None:
        """Write it to a file, which is the old one or the new one at any time.

        Raises:
            StoreError: it cannot be written.
        """
        told = {"format": _FORMAT, "documents": sorted(self.documents), "ids": self.ids}
        part = path.with_name(f".{path.name}.{uuid4().hex}.part")
        try:
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error}; name another file") from error
        finally:
            part.unlink(missing_ok=True)


def read_contents(path: Path) -> Contents:
    """Return what a file says; nothing where there is none.

    Raises:
        StoreError: it is damaged, or no such file.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != _FORMAT:
            raise ValueError(f"format {told['format']}")
        return Contents(set(told["documents"]), dict(told["ids"]))
    except FileNotFoundError:
        return Contents()
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise StoreError(
            f"{path} does not say what a vector store holds ({error}); name another file, or "
            "delete it and empty the store: it is filled again"
        ) from error


def _key_in(id_: str) -> str:
    return id_.replace("-", "")[:24]
