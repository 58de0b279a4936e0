"""A data folder's outputs: of them alone nothing needs to be known but their JSON.

What only reads them loads neither the rows' store nor the core, which takes a second.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from stream_app.errors import StateError
from stream_app.runtimes.embedded.checked_tables import CheckedTables

FORMAT_VERSION = "3"
UNCHECKED_VERSION = "2"
ROWS_IN_SQLITE_VERSION = "1"
FILE_NAME = "stream-app.sqlite3"


class StoredOutput(NamedTuple):
    """One output as it is stored."""

    sequence: int
    schema: str
    body: bytes


class OutputTable:
    """The outputs of an open folder."""

    _connection: sqlite3.Connection
    _tables: CheckedTables

    def outputs(self, schema: str | None = None) -> Iterator[bytes]:
        """Outputs as JSON, in the order in which they were created."""
        for output in self.stored_outputs():
            if schema is None or output.schema == schema:
                yield output.body

    def newest_output(self, schema: str) -> bytes | None:
        """The newest output of a schema, as JSON."""
        query = "SELECT body FROM outputs WHERE schema = ? ORDER BY sequence DESC LIMIT 1"
        found = self._connection.execute(query, (schema,)).fetchone()
        return bytes(found[0]) if found else None

    def output_counts(self) -> dict[str, int]:
        """The number of outputs of each schema."""
        return dict(sorted(Counter(output.schema for output in self.stored_outputs()).items()))

    def stored_outputs(self) -> Iterator[StoredOutput]:
        """Outputs with their sequence numbers, in the order in which they were created."""
        found: Iterator[Any] = self._tables.select(
            "outputs", ("sequence", "schema", "body"), "ORDER BY sequence"
        )
        return map(StoredOutput._make, found)

    def output(self, sequence: int) -> StoredOutput | None:
        """The output at a place; None where it was removed."""
        found: Iterator[Any] = self._tables.select(
            "outputs", ("sequence", "schema", "body"), "WHERE sequence = ?", (sequence,)
        )
        return next((StoredOutput(*row) for row in list(found)), None)

    def outputs_after(
        self, sequence: int, schemas: Collection[str] | None = None, limit: int | None = None
    ) -> Iterator[StoredOutput]:
        """Outputs behind a place, in the order in which they were made; of some schemas, at most `limit`."""
        wanted = "" if schemas is None else f"AND schema IN ({', '.join('?' * len(schemas))})"
        most = "" if limit is None else f"LIMIT {limit}"
        found: Iterator[Any] = self._tables.select(
            "outputs",
            ("sequence", "schema", "body"),
            f"WHERE sequence > ? {wanted} ORDER BY sequence {most}",
            (sequence, *(schemas or ())),
        )
        return map(StoredOutput._make, found)


class OutputReader(OutputTable):
    """The outputs of a folder, whoever fills it.

    Raises:
        StateError: the folder cannot be read, or holds another format.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE_NAME
        if not path.exists():
            raise no_data(folder)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=0.5)
            self._tables = CheckedTables(self._connection, str(path))
            found: list[Any] = list(self._tables.select("facts", ("value",), "WHERE name = 'format'"))
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{folder} cannot be used as a data folder: {error}") from error
        version = bytes(found[0][0]).decode() if found else "none"
        if version not in (FORMAT_VERSION, UNCHECKED_VERSION):
            raise other_format(folder, version)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def no_data(folder: Path) -> StateError:
    """Nothing was ever stored in a folder."""
    return StateError(f"{folder} holds no data: run `stream-app replay FILE --data-dir {folder}` first")


def other_format(folder: Path, version: str) -> StateError:
    """A folder is of another version of this program."""
    if version == ROWS_IN_SQLITE_VERSION:
        return StateError(
            f"{folder} was written by an older version of this program: any command that fills it, "
            "such as `stream-app replay`, takes it over"
        )
    return StateError(
        f"{folder} was written in format {version}, this program reads {FORMAT_VERSION}: "
        "replay the events into an empty folder"
    )
