"""SQLite tables in which every row has a checksum that is verified on each read.

SQLite detects malformed pages, but not values that differ from what was written. The checksum is CRC-32 over
a row's columns: it detects corruption by disks and copies, not tampering.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from zlib import crc32

from stream_app.errors import StateError

Values = tuple[object, ...]

TABLES = {
    "facts": ("name", "value"),
    "partitions": ("number", "meta"),
    "sources": ("name", "records", "begun_at"),
    "outputs": ("schema", "body"),
    "erasures": ("partition", "marker", "erasure"),
    "models": ("name", "snapshot"),
    "redo": ("position", "changes"),
    "rows_log": ("logged", "stored"),
}
"""Each table's columns that its checksum covers."""
DAMAGED = "restore the folder from a backup, or replay the events into an empty one"


def checksum(*values: object) -> int:
    """The checksum of a row's columns."""
    parts = [value if isinstance(value, bytes) else repr(value).encode() for value in values]
    return crc32(b"\x1f".join(parts))


class CheckedTables:
    """Reads and verifies rows of one database; `name` is the database's name in errors.

    Tables of an older version have no checksums until `add_checksums`; a reader accepts them as they are.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        connection.create_function("checksum", -1, checksum, deterministic=True)
        # Pages are checked when loaded, so that a damaged one is not read as a shorter one.
        connection.execute("PRAGMA cell_size_check = ON")
        self._connection = connection
        self._name = name
        self._have_checksums = self._has_checksum("facts")

    def select(
        self, table: str, columns: Sequence[str], rest: str = "", values: Values = ()
    ) -> Iterator[Values]:
        """Some columns of a table's rows; `rest` is the remainder of the query.

        Raises:
            StateError: a row differs from what was written, or the file is damaged.
        """
        is_good = f"checksum IS checksum({', '.join(TABLES[table])})" if self._have_checksums else "1"
        query = f"SELECT {', '.join(columns)}, {is_good} FROM {table} {rest}"  # contains no input
        try:
            for *row, is_whole in self._connection.execute(query, values):
                if not is_whole:
                    raise StateError(
                        f"{self._name} is damaged, a row of {table} is not as it was written: {DAMAGED}"
                    )
                yield tuple(row)
        except sqlite3.Error as error:
            raise StateError(f"{self._name} cannot be read ({error}): {DAMAGED}") from error

    def are_missing(self) -> bool:
        """Whether the file has no tables yet.

        Raises:
            StateError: it has some but not all; the missing ones would be created and look empty.
        """
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        found = {name for (name,) in self._connection.execute(query)}
        missing = sorted(TABLES.keys() - found)
        if self._have_checksums and missing:
            raise StateError(f"{self._name} is damaged, it lacks {', '.join(missing)}: {DAMAGED}")
        return not found

    def add_checksums(self) -> None:
        """Add checksums to all rows of an older version; call it within a transaction."""
        for table, columns in TABLES.items():
            if self._columns(table) and not self._has_checksum(table):
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER")
                self._connection.execute(f"UPDATE {table} SET checksum = checksum({', '.join(columns)})")
        self._have_checksums = True

    def findings(self) -> Iterator[str]:
        """Descriptions of everything wrong with the file."""
        try:
            for (found,) in self._connection.execute("PRAGMA integrity_check"):
                if found != "ok":
                    yield f"{self._name}: {found}"
        except sqlite3.Error as error:
            yield f"{self._name}: {error}"
        for table in TABLES:
            try:
                for _ in self.select(table, ["1"]):
                    pass
            except StateError as error:
                yield str(error)

    def _has_checksum(self, table: str) -> bool:
        return "checksum" in self._columns(table)

    def _columns(self, table: str) -> set[str]:
        return {column[1] for column in self._connection.execute(f"PRAGMA table_info({table})")}
