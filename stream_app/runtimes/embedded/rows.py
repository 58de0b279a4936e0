"""A data folder's rows: logged in SQLite with the rest of a checkpoint, then kept in a log-structured store.

A checkpoint's transaction contains its changed rows as redo records. After the commit they are applied to the
store, and deleted once the store has them on disk. Anything lost in a crash is applied from the records when
the folder is opened again; applying them twice changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from stream_app.core.row_times import Times, pack_stored_times, pack_times, unpack_times
from stream_app.errors import StateError
from stream_app.features.user_row import RowVersionError, UserRow, decode_row, encode_row
from stream_app.runtimes.common.row_store import MEBIBYTE, RowStore
from stream_app.runtimes.common.timed_rows import Change
from stream_app.runtimes.embedded.checked_tables import CheckedTables

RowT = TypeVar("RowT")
FOLDER_NAME = "rows"
POSITION_KEY = b"p"
WRITE_BUFFER_BYTES = 128 * MEBIBYTE
KEPT_REDO_BYTES = 64 * MEBIBYTE
RECORD_ROWS = 1_000
PARTITION_BYTES = 4

SCHEMA = """
CREATE TABLE IF NOT EXISTS redo (position INTEGER PRIMARY KEY, changes BLOB NOT NULL, checksum INTEGER);
CREATE TABLE IF NOT EXISTS rows_log (logged INTEGER NOT NULL, stored INTEGER NOT NULL, checksum INTEGER);
INSERT INTO rows_log SELECT 0, 0, checksum(0, 0) WHERE NOT EXISTS (SELECT * FROM rows_log);
"""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[bytes, bytes | None]])


class LoggedRows:
    """The rows of one data folder. Call `log` within a transaction and `store` after its commit.

    A reader sees the rows as of when it opened the folder, and must keep a transaction open.

    Raises:
        StateError: the rows cannot be used, or do not belong to the SQLite file.
    """

    def __init__(
        self, connection: sqlite3.Connection, tables: CheckedTables, folder: Path, read_only: bool = False
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._folder = folder
        self._read_only = read_only
        self._unstored: list[tuple[int, list[Change], dict[bytes, bytes]]] = []
        self._kept_bytes = 0
        self._open()

    def _open(self) -> None:
        self._logged, self._settled = self._positions()
        self._newer: dict[bytes, bytes | None] = {}
        self._store = RowStore(
            self._folder / FOLDER_NAME, POSITION_KEY, WRITE_BUFFER_BYTES, self._read_only, _times_of
        )
        self._reached = self._store.position
        # The store may have advanced since a reader's transaction began.
        if not self._settled <= self._reached or (self._reached > self._logged and not self._read_only):
            self._store.close()
            raise StateError(
                f"{self._folder / FOLDER_NAME} does not go with the rest of {self._folder}: restore "
                "the whole folder, or replay the events into an empty one"
            )
        for position, changes in self._redo():
            if self._read_only:
                self._newer.update(changes)
            else:
                self._put_logged(position, changes)
            self._reached = position

    def follow(self) -> set[str] | None:
        """Bring a reader's rows up to what its transaction sees.

        Returns the users whose rows may have changed; None where it cannot be told.
        """
        _, settled = self._positions()
        if settled != self._settled:  # what this reader has not read of the log may be gone from it
            self._store.close()
            self._open()
            return None
        changed: set[str] = set()
        for position, changes in self._redo():
            self._newer.update(changes)
            changed.update(_place(key)[1] for key, _ in changes)
            self._reached = position
        return changed

    def _positions(self) -> tuple[int, int]:
        [(logged, stored)] = cast(
            "Iterator[tuple[int, int]]", self._tables.select("rows_log", ("logged", "stored"))
        )
        return logged, stored

    def _redo(self) -> Iterator[tuple[int, list[Change]]]:
        """What was logged behind the position that is reached."""
        found = self._tables.select(
            "redo", ("position", "changes"), "WHERE position > ? ORDER BY position", (self._reached,)
        )
        for position, data in cast("Iterator[tuple[int, bytes]]", found):
            yield position, _decoder.decode(data)

    def close(self) -> None:
        """Release the rows."""
        self._store.close()

    def get(self, partition: int, user_key: str) -> UserRow | None:
        """The row of one user."""
        key = _key(partition, user_key)
        data = self._newer[key] if key in self._newer else self._store.get(key)
        return _decode(data, user_key, decode_row) if data is not None else None

    def items(self) -> Iterator[tuple[int, str, UserRow]]:
        """Every row, by partition and user."""
        newer = ((key, 0, data) for key, data in sorted(self._newer.items()))
        older = ((key, 1, data) for key, data in self._store.items() if key not in self._newer)
        for key, _, data in merge(newer, older):
            if data is not None:
                partition, user_key = _place(key)
                yield partition, user_key, _decode(data, user_key, decode_row)

    def times(self, partition: int) -> tuple[list[str], Times]:
        """The users of a partition and their rows' times; not available to a reader."""
        found = self._store.times(partition.to_bytes(PARTITION_BYTES))
        return [_place(key)[1] for key, _ in found], unpack_times(packed for _, packed in found)

    def log(self, rows: Mapping[tuple[int, str], UserRow | None]) -> None:
        """Write the intended changes to the log."""
        self._unstored = []
        position: int = self._logged
        changed = iter(rows.items())
        while taken := list(islice(changed, RECORD_ROWS)):
            position += 1
            record: list[Change] = []
            times: dict[bytes, bytes] = {}
            for place, row in taken:
                key = _key(*place)
                record.append((key, encode_row(row) if row is not None else None))
                if row is not None:
                    times[key] = pack_times(row)
            self._unstored.append((position, record, times))
            self._append(position, record)
        self._connection.execute(
            "UPDATE rows_log SET logged = ?1, checksum = checksum(?1, stored)", (position,)
        )

    def store(self) -> None:
        """Apply what was logged last to the store, now that it is durable."""
        for position, record, times in self._unstored:
            self._put_logged(position, record, times)
            self._logged = position
        self._unstored = []
        if self._kept_bytes > KEPT_REDO_BYTES:
            self._settle()

    def migrate_from_sqlite(self) -> None:
        """Move rows here that an older version kept in the SQLite file."""
        found = self._connection.execute("SELECT partition, user_key, row FROM users")
        while rows := found.fetchmany(RECORD_ROWS):
            self._store.put([(_key(partition, user_key), row) for partition, user_key, row in rows], 0)
        self._store.flush()

    def purge(self) -> None:
        """Remove all traces of deleted and replaced rows, except in free pages of the SQLite file."""
        self._settle()
        self._store.purge()

    def _append(self, position: int, record: list[Change]) -> None:
        self._connection.execute(
            "INSERT INTO redo VALUES (?1, ?2, checksum(?1, ?2))", (position, _encoder.encode(record))
        )

    def _put_logged(
        self, position: int, changes: list[Change], times: dict[bytes, bytes] | None = None
    ) -> None:
        self._store.put(changes, position, times)
        self._kept_bytes += sum(len(row) for _, row in changes if row is not None)

    def _settle(self) -> None:
        self._store.flush()
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM redo")
            self._connection.execute(
                "UPDATE rows_log SET stored = logged, checksum = checksum(logged, logged)"
            )
        self._kept_bytes = 0


def _key(partition: int, user_key: str) -> bytes:
    return partition.to_bytes(PARTITION_BYTES) + user_key.encode()


def _place(key: bytes) -> tuple[int, str]:
    return int.from_bytes(key[:PARTITION_BYTES]), key[PARTITION_BYTES:].decode()


def _times_of(key: bytes, row: bytes) -> bytes:
    return _decode(row, _place(key)[1], pack_stored_times)


def _decode(data: bytes, user_key: str, decode: Callable[[bytes], RowT]) -> RowT:
    try:
        return decode(data)
    except (RowVersionError, msgspec.DecodeError) as error:
        raise StateError(f"the stored row of {user_key} cannot be read: {error}") from error
