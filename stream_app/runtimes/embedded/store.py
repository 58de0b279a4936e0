"""The embedded store: one SQLite file, and beside it the rows as of its checkpoints."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from stream_app.core.erasures import Erasure, decode_erasure, encode_erasure
from stream_app.core.row_times import Times
from stream_app.errors import StateError
from stream_app.features.user_row import UserRow
from stream_app.runtimes.common.folder_lock import lock_folder
from stream_app.runtimes.common.private_folder import make_private
from stream_app.runtimes.embedded.checked_tables import CheckedTables
from stream_app.runtimes.embedded.output_table import (
    FILE_NAME,
    FORMAT_VERSION,
    ROWS_IN_SQLITE_VERSION,
    UNCHECKED_VERSION,
    OutputTable,
    no_data,
    other_format,
)
from stream_app.runtimes.embedded.rows import SCHEMA as ROWS_SCHEMA
from stream_app.runtimes.embedded.rows import LoggedRows
from stream_app.schemas.outputs import Output

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions (
    number INTEGER PRIMARY KEY, meta BLOB NOT NULL, checksum INTEGER
);
CREATE TABLE IF NOT EXISTS sources (
    name TEXT PRIMARY KEY, records INTEGER NOT NULL, begun_at REAL, checksum INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outputs (
    sequence INTEGER PRIMARY KEY, schema TEXT NOT NULL, body BLOB NOT NULL, checksum INTEGER
);
CREATE TABLE IF NOT EXISTS erasures (
    partition INTEGER NOT NULL, marker TEXT NOT NULL, erasure BLOB NOT NULL, checksum INTEGER,
    PRIMARY KEY (partition, marker)
) WITHOUT ROWID;
DROP INDEX IF EXISTS outputs_by_schema;
CREATE TABLE IF NOT EXISTS models (
    name TEXT PRIMARY KEY, snapshot BLOB NOT NULL, checksum INTEGER
) WITHOUT ROWID;
"""


class ReadPosition(NamedTuple):
    """How many records of a source the rows contain, and when the current replay began to read it.

    `begun_at` is in epoch seconds of the wall clock; None once the source was read to its end.
    """

    records: int
    begun_at: float | None


class Checkpoint(NamedTuple):
    """Everything that changed since the last checkpoint; it becomes durable atomically.

    Erasures are by partition and marker, None for those to be forgotten. `removed_outputs` are the sequence
    numbers of outputs to delete.
    """

    rows: Mapping[tuple[int, str], UserRow | None]
    outputs: Sequence[Output]
    partitions: Mapping[int, bytes]
    sources: Mapping[str, ReadPosition]
    models: Mapping[str, bytes]
    erasures: Mapping[tuple[int, str], Erasure | None] = MappingProxyType({})
    removed_outputs: Sequence[int] = ()


class Store(OutputTable):
    """One data folder, used by one process at a time.

    Raises:
        StateError: the folder cannot be written, is in use, or holds another format.
    """

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        path = folder / FILE_NAME
        if read_only and not path.exists():
            raise no_data(folder)
        try:
            if not read_only:
                make_private(folder)
            # A reader may go from thread to thread, one at a time.
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=0.5, check_same_thread=not read_only
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            # The rows' own store syncs at its own pace, and must never be ahead of this file.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._lock = None if read_only else lock_folder(folder)
            self._tables = CheckedTables(self._connection, str(path))
            if read_only:
                self._connection.execute("BEGIN")  # all reads see the same checkpoint
                version = self._format(folder)
            else:
                version = self._prepare(folder)
            if version == ROWS_IN_SQLITE_VERSION and read_only:
                raise other_format(folder, version)
            self._rows = LoggedRows(self._connection, self._tables, folder, read_only)
            if version == ROWS_IN_SQLITE_VERSION:
                self._migrate_rows()
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{folder} cannot be used as a data folder: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the folder."""
        self._rows.close()
        self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def row(self, partition: int, user_key: str) -> UserRow | None:
        """The stored row of one user."""
        return self._rows.get(partition, user_key)

    def rows(self) -> Iterator[tuple[int, str, UserRow]]:
        """Every stored row, by partition and user."""
        return self._rows.items()

    def row_times(self, partition: int) -> tuple[list[str], Times]:
        """The users of a partition and the times of their stored rows."""
        return self._rows.times(partition)

    def erasures(self) -> Iterator[tuple[int, str, Erasure]]:
        """Every stored erasure, by partition and marker."""
        found: Iterator[Any] = self._tables.select(
            "erasures", ("partition", "marker", "erasure"), "ORDER BY partition, marker"
        )
        for partition, marker, data in found:
            yield partition, marker, decode_erasure(data)

    def partitions(self) -> dict[int, bytes]:
        """The stored meta of each partition."""
        found: Iterator[Any] = self._tables.select("partitions", ("number", "meta"))
        return dict(found)

    def source_position(self, name: str) -> ReadPosition:
        """How far a source is contained in the rows."""
        found: Any = self._one("sources", ("records", "begun_at"), name)
        return ReadPosition(*found) if found else ReadPosition(0, None)

    def snapshot(self, name: str) -> bytes | None:
        """A model as of the last checkpoint."""
        found: Any = self._one("models", ("snapshot",), name)
        return bytes(found[0]) if found else None

    def fact(self, name: str) -> bytes | None:
        """A fact of the whole store, such as the format it is written in."""
        found: Any = self._one("facts", ("value",), name)
        return bytes(found[0]) if found else None

    def note(self, name: str, value: bytes) -> None:
        """Write a fact of the whole store.

        Raises:
            StateError: the disk is full or gone.
        """
        try:
            self._connection.execute(
                "INSERT OR REPLACE INTO facts VALUES (?1, ?2, checksum(?1, ?2))", (name, value)
            )
        except sqlite3.Error as error:
            raise StateError(f"{name} could not be written: {error}") from error

    @property
    def partition_count(self) -> int:
        """How many partitions the folder was filled with; 1 where it is empty."""
        found = self._connection.execute("SELECT count(*) FROM partitions").fetchone()
        return max(int(found[0]), 1)

    def data_version(self) -> int:
        """A number that is another one once any process has written to the folder; for a reader at rest."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def follow(self) -> set[str] | None:
        """Bring a reader up to the newest checkpoint, and leave it at rest.

        Returns the users whose rows may have changed; None where it cannot be told.
        Rows are those of that checkpoint then, and all else is as it is when it is read. A reader at rest
        keeps nobody from removing what was deleted.
        """
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")
        try:
            return self._rows.follow()
        finally:
            self._connection.execute("COMMIT")

    def erasures_mark(self) -> tuple[int, float]:
        """What is another once somebody was erased, by which a reader learns of it."""
        found = self._connection.execute("SELECT count(*), total(checksum) FROM erasures").fetchone()
        return int(found[0]), float(found[1])

    def findings(self) -> Iterator[str]:
        """Descriptions of everything in the folder that differs from what was written."""
        yield from self._tables.findings()
        try:
            for _ in self.rows():
                pass
        except StateError as error:
            yield str(error)

    def purge(self) -> None:
        """Remove all traces of deleted data from the files.

        Raises:
            StateError: another process reads the folder, or the disk is full.
        """
        try:
            self._rows.purge()
            self._connection.execute("VACUUM")
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise StateError(f"what was deleted is still in the file: {error}; run this again") from error
        if busy:
            raise StateError("what was deleted is still in the file, which another process reads: try again")

    def write(self, checkpoint: Checkpoint) -> None:
        """Make a checkpoint durable, completely or not at all.

        Raises:
            StateError: the disk is full or gone. The folder is as before or, if only the rows' own
                store could not be written, has all of the checkpoint when it is opened again.
        """
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._write(checkpoint)
        except sqlite3.Error as error:
            raise StateError(f"the checkpoint could not be written: {error}") from error
        self._rows.store()

    def _write(self, checkpoint: Checkpoint) -> None:
        execute_many = self._connection.executemany
        self._rows.log(checkpoint.rows)
        execute_many(
            "INSERT INTO outputs (schema, body, checksum) VALUES (?1, ?2, checksum(?1, ?2))",
            ((output.schema_name, output.encode()) for output in checkpoint.outputs),
        )
        execute_many(
            "INSERT OR REPLACE INTO partitions VALUES (?1, ?2, checksum(?1, ?2))",
            checkpoint.partitions.items(),
        )
        execute_many(
            "INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3, checksum(?1, ?2, ?3))",
            ((name, *position) for name, position in checkpoint.sources.items()),
        )
        execute_many(
            "INSERT OR REPLACE INTO models VALUES (?1, ?2, checksum(?1, ?2))", checkpoint.models.items()
        )
        execute_many(
            "INSERT OR REPLACE INTO erasures VALUES (?1, ?2, ?3, checksum(?1, ?2, ?3))",
            (
                (*place, encode_erasure(erasure))
                for place, erasure in checkpoint.erasures.items()
                if erasure is not None
            ),
        )
        execute_many(
            "DELETE FROM erasures WHERE partition = ? AND marker = ?",
            (place for place, erasure in checkpoint.erasures.items() if erasure is None),
        )
        execute_many(
            "DELETE FROM outputs WHERE sequence = ?", ((number,) for number in checkpoint.removed_outputs)
        )

    def _prepare(self, folder: Path) -> str:
        """Ensure that all tables exist with checksums, and return the format in which they were found."""
        is_new = self._tables.are_missing()
        version = FORMAT_VERSION if is_new else self._format(folder)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._tables.add_checksums()
            for statement in (SCHEMA + ROWS_SCHEMA).split(";"):
                self._connection.execute(statement)
            if is_new or version == UNCHECKED_VERSION:
                self._note_format()
        return version

    def _format(self, folder: Path) -> str:
        found = self.fact("format")
        version = found.decode() if found else "none"
        if version not in (FORMAT_VERSION, UNCHECKED_VERSION, ROWS_IN_SQLITE_VERSION):
            raise other_format(folder, version)
        return version

    def _note_format(self) -> None:
        self.note("format", FORMAT_VERSION.encode())

    def _one(self, table: str, columns: Sequence[str], name: str) -> tuple[object, ...] | None:
        return next(iter(list(self._tables.select(table, columns, "WHERE name = ?", (name,)))), None)

    def _migrate_rows(self) -> None:
        self._rows.migrate_from_sqlite()
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DROP TABLE users")
            self._note_format()
        self._connection.execute("VACUUM")
