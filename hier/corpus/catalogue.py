"""A catalogue: a corpus file whose documents are kept in shards elsewhere.

It lists the shards, and every document with its shard, so that a folder is compared with it alone.
Shards are never changed: where a document was built again or is gone, its old shard still has it,
and the catalogue says that it is hidden there. Shards that have become superfluous are noted, and
removed at the next run, when nobody opens them any more.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from hier.corpus.database import Database, Row, Stamp
from hier.corpus.index_file import index_path
from hier.corpus.storage import fetch, is_url, make
from hier.errors import StoreError

_TABLES = """
CREATE TABLE IF NOT EXISTS shards (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sharded (
    id TEXT PRIMARY KEY, shard TEXT NOT NULL, hash BLOB NOT NULL, metadata TEXT NOT NULL,
    folder TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL,
    tokens INTEGER NOT NULL, leaves INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sharded_by_shard ON sharded (shard);
CREATE TABLE IF NOT EXISTS hidden (shard TEXT, id TEXT, PRIMARY KEY (shard, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS superfluous (name TEXT PRIMARY KEY) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Entry:
    """A shard as it is listed.

    Attributes:
        name: of its file.
        bytes: the size of the file.
        rows: its documents.
    """

    name: str
    bytes: int
    rows: tuple[Row, ...]


class Catalogue:
    """The list of shards in a corpus file.

    Args:
        database: the file; for writing, the caller holds the lock.
    """

    def __init__(self, database: Database) -> None:
        """Take an open file."""
        self.path = database.path
        self._database = database
        self._ask = database.ask

    @property
    def place(self) -> str:
        """Where the shards are; empty for a corpus that has none."""
        kept = str(self._database.settings().get("shards", ""))
        return kept if not kept or is_url(kept) else str(self.path.parent.resolve() / kept)

    def begin(self, place: str) -> None:
        """Let a corpus without documents be kept in shards at a place.

        Args:
            place: a URL or a folder; one beside the corpus may be moved together with it.

        Raises:
            StoreError: it has documents of its own, its shards are elsewhere, or the place cannot
                be used.
        """
        now, beside = self.place, self.path.parent.resolve()
        if not is_url(place):
            place = str(Path(place).resolve())
        if now and now != place:
            raise StoreError(
                f"the shards of {self.path} are at {now}, and not at {place}; leave that out"
            )
        if not now and self._ask("SELECT 1 FROM documents LIMIT 1"):
            raise StoreError(
                f"{self.path} has documents of its own; keep shards in another corpus, or without "
                "--shards go on with this one"
            )
        if not now:
            make(place)
            with self._database.transaction():
                for statement in _TABLES.split(";"):
                    self._ask(statement)
                kept = (
                    Path(place).relative_to(beside) if Path(place).is_relative_to(beside) else place
                )
                self._database.write_settings({"shards": str(kept)})

    def shards(self) -> dict[str, frozenset[str]]:
        """Return the names of the shards, and which documents are hidden in each."""
        hidden: dict[str, set[str]] = {
            name: set() for (name,) in self._ask("SELECT name FROM shards ORDER BY name")
        }
        for shard, document in self._ask("SELECT shard, id FROM hidden"):
            hidden[shard].add(document)
        return {name: frozenset(documents) for name, documents in hidden.items()}

    def sizes(self) -> dict[str, tuple[int, int, int]]:
        """Return of each shard its bytes, and how many documents it shows and hides."""
        return {
            name: (size, shown, unseen)
            for name, size, shown, unseen in self._ask(
                "SELECT name, bytes, (SELECT count(*) FROM sharded WHERE shard = name), "
                "(SELECT count(*) FROM hidden WHERE shard = name) FROM shards ORDER BY name"
            )
        }

    def rows(self) -> list[Row]:
        """Return all documents, in the order of their names."""
        return [
            Row(name, tree, json.loads(told), folder, Stamp(*stamp), tokens, leaves)
            for name, tree, told, folder, *stamp, tokens, leaves in self._ask(
                "SELECT id, hash, metadata, folder, size, modified, inode, tokens, leaves "
                "FROM sharded ORDER BY id"
            )
        ]

    def put(self, entry: Entry) -> None:
        """List a shard: its documents are hidden wherever else they are."""
        with self._database.transaction():
            self._put(entry)

    def replace(self, old: Sequence[str], entry: Entry) -> None:
        """List a shard in place of some, whose documents it has."""
        with self._database.transaction():
            self._forget([name for name in old if name != entry.name])
            self._put(entry)

    def stamp(self, rows: Iterable[Row]) -> None:
        """Write the stamps of files that hold what they held."""
        with self._database.transaction():
            for row in rows:
                stamp = row.stamp
                self._ask(
                    "UPDATE sharded SET size = ?, modified = ?, inode = ? WHERE id = ?",
                    (stamp.size, stamp.modified, stamp.inode, row.id),
                )

    def hide(self, ids: Iterable[str]) -> None:
        """Take documents out."""
        with self._database.transaction():
            for name in ids:
                self._hide(name)
                self._ask("DELETE FROM sharded WHERE id = ?", (name,))

    def forget(self, names: Iterable[str]) -> None:
        """Take shards out, and their documents, which then are read again."""
        with self._database.transaction():
            self._forget(names)

    def superfluous(self) -> list[str]:
        """Return the names of shards that nothing is in any more, and strike them off."""
        with self._database.transaction():
            names = [name for (name,) in self._ask("SELECT name FROM superfluous")]
            self._ask("DELETE FROM superfluous")
        return names

    def _put(self, entry: Entry) -> None:
        self._ask("INSERT OR REPLACE INTO shards VALUES (?, ?)", (entry.name, entry.bytes))
        self._ask("DELETE FROM superfluous WHERE name = ?", (entry.name,))
        for row in entry.rows:
            self._hide(row.id, besides=entry.name)
            stamp = row.stamp
            self._ask(
                "INSERT OR REPLACE INTO sharded VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(row.id, entry.name, row.hash, json.dumps(row.metadata, sort_keys=True)),
                    *(row.folder, stamp.size, stamp.modified, stamp.inode, row.tokens, row.leaves),
                ),
            )
            self._ask("DELETE FROM hidden WHERE shard = ? AND id = ?", (entry.name, row.id))

    def _hide(self, name: str, besides: str = "") -> None:
        self._ask(
            "INSERT OR IGNORE INTO hidden "
            "SELECT shard, id FROM sharded WHERE id = ? AND shard != ?",
            (name, besides),
        )

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._ask("DELETE FROM shards WHERE name = ?", (name,))
            self._ask("DELETE FROM sharded WHERE shard = ?", (name,))
            self._ask("DELETE FROM hidden WHERE shard = ?", (name,))
            self._ask("INSERT OR IGNORE INTO superfluous VALUES (?)", (name,))


class MissingShardError(StoreError):
    """A shard that a catalogue lists is not there; building again makes it again."""


def stores_of(path: str | Path) -> list[tuple[Path, frozenset[str]]]:
    """Return the stores of a corpus on this machine, and which documents are hidden in each.

    Args:
        path: its file, which may be a catalogue; or the URL of one store.

    Raises:
        MissingShardError: a shard that is listed is missing.
        StoreError: the file is missing, no corpus, damaged, or of a newer version.
    """
    if isinstance(path, str) and is_url(path):
        place, _, name = path.rpartition("/")
        return [(_fetched(place, name), frozenset())]
    with closing(Database(Path(path))) as database:
        catalogue = Catalogue(database)
        place = catalogue.place
        shards = catalogue.shards() if place else {}
    found = []
    for name, hidden in shards.items():
        try:
            store = _fetched(place, name)
            if not store.exists():
                raise StoreError("there is no such file")
        except StoreError as error:
            raise MissingShardError(
                f"the shard {name} of {path} is missing in {place} ({error}); restore it, or run "
                "the same hier build again: it reads what that shard had, and nothing else"
            ) from error
        found.append((store, hidden))
    return found or [(Path(path), frozenset())]


def _fetched(place: str, name: str) -> Path:
    store = fetch(place, name)
    if is_url(place):
        with suppress(StoreError):  # it is made again
            fetch(place, index_path(Path(name)).name)
    return store
