"""Rows by partition and key: a Faust table that is written and recovered in batches.

Faust's part is the changelog topic, its assignment beside the source topic's partitions and the recovery
after a rebalance. Written is in bulk and in this order: the broker acknowledges the changelog records, then
one RocksDB write batch takes the rows together with the changelog offset that they reach. So a local
database always is the changelog up to its persisted offset. It keeps no log of its own: after a crash Faust
reads on from the offset that reached the disk.
A damaged database is deleted, as is one that turns out damaged while it is used; the changelog has its rows.

Private parts of faust-streaming 0.15.3 that this leans on, held by tests/integration/test_tables.py:

- `Collection._new_store`: builds the store; `Collection.changelog_topic` takes the table's schema.
- `rocksdb.Store._dbs`, `_open_for_partition`, `revoke_partitions`: one open database per held partition.
- `rocksdb.Store.offset_key`: where `persisted_offset` looks, which recovery starts from.
- `Recovery._slurp_changelogs`: counts by the offset of a message, which of a batch is its last record's.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import faust
from faust.stores import rocksdb
from faust.types import TP
from rocksdict import Rdict

from stream_app.errors import BrokerError, StateError
from stream_app.runtimes.kafka.transport import RecordBatchSchema
from stream_app.runtimes.row_store import (
    MEBIBYTE,
    WITHOUT_LOG,
    Change,
    close_database,
    database_options,
    scan,
    write_batch,
)

log = logging.getLogger(__name__)

# What a crash takes from memory is read from the changelog again: some two seconds' worth at most.
WRITE_BUFFER_BYTES = 16 * MEBIBYTE
ALL_WRITE_BUFFERS_BYTES = 64 * MEBIBYTE
RECOVERY_BATCHES = 4

SendChangelog = Callable[[str, int, list[Change]], Awaitable[int]]


class RowTable:
    """Rows of the partitions that this worker holds, as bytes by partition and key.

    `send_changelog` sends (key, value) messages to a topic's partition in order and returns the offset of
    the last once all are acknowledged; a value None deletes.
    """

    def __init__(self, app: faust.App, name: str, partitions: int, send_changelog: SendChangelog) -> None:
        self._send_changelog = send_changelog
        self._table = app.tables.add(
            _BulkTable(
                app,
                name=name,
                partitions=partitions,
                schema=RecordBatchSchema(),
                key_type=bytes,
                value_type=bytes,
                # Not 1, with which Faust goes on reading the changelog after the recovery.
                recovery_buffer_size=RECOVERY_BATCHES,
                beacon=app.tables.beacon,
            )
        )

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row of a key, or None.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the database cannot be read.
        """
        database = self._store.database(partition)
        try:
            row: bytes | None = database.get(key)
        except Exception as error:
            raise self._store.failure(partition, error) from error
        return row

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a partition in the order of their keys.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the database cannot be read.
        """
        database = self._store.database(partition)
        try:
            for key, row in scan(database):
                if key != rocksdb.Store.offset_key:
                    yield key, row
        except Exception as error:
            raise self._store.failure(partition, error) from error

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Write rows; they are acknowledged by the broker and stored here when this returns.

        Raises:
            BrokerError: the changelog was not acknowledged, the partition moved away meanwhile, or another
                worker has written to it too. Nothing was stored here.
            StateError: the rows are in the changelog, and could not be stored here.
        """
        if not changes:
            return
        store = self._store
        database = store.database(partition)
        changelog = TP(self._table.changelog_topic_name, partition)
        reached = store.persisted_offset(changelog)
        offset = await self._send_changelog(changelog.topic, partition, list(changes.items()))
        # Rows that lack a foreign change before them must not count as recovered up to their own offset.
        if store.held(partition) is not database or reached not in (None, offset - len(changes)):
            raise BrokerError(f"partition {partition} of {changelog.topic} is written by another worker too")
        store.put(partition, changes.items(), offset)

    @property
    def _store(self) -> _RowStore:
        store: _RowStore = self._table.data
        return store


class _BulkTable(faust.Table):  # type: ignore[misc]  # Faust ships no types
    def _new_store(self) -> _RowStore:
        return _RowStore("rocksdb://", self.app, self, table_name=self.name, loop=self.loop)


class _RowStore(rocksdb.Store):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._options = database_options(WRITE_BUFFER_BYTES, ALL_WRITE_BUFFERS_BYTES)
        self._crashing: asyncio.Future[None] | None = None  # kept, or it might be collected half-way
        self._failure: str | None = None

    def held(self, partition: int) -> Rdict | None:
        """The open database of a partition, or None if the partition is not held here."""
        return self._dbs.get(partition)

    def database(self, partition: int) -> Rdict:
        """The open database of a partition; never opens one, which would lack what others wrote."""
        database = self.held(partition)
        if database is None:
            raise BrokerError(f"partition {partition} of {self.table_name} is held by another worker")
        return database

    def put(self, partition: int, changes: Iterable[Change], offset: int) -> None:
        """Store changes and the changelog offset that they reach, all or nothing.

        Raises:
            StateError: they could not be stored.
        """
        database = self._db_for_partition(partition)
        try:
            database.write(write_batch(changes, self.offset_key, offset), WITHOUT_LOG)
        except Exception as error:
            raise self.failure(partition, error) from error

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset that a partition's rows reach, or None.

        Raises:
            StateError: the database cannot be read.
        """
        database = self._db_for_partition(tp.partition)
        try:
            offset: bytes | None = database.get(self.offset_key)
        except Exception as error:
            raise self.failure(tp.partition, error) from error
        return int(offset) if offset is not None else None

    def failure(self, partition: int, error: Exception) -> StateError:
        """What to tell of an error of a database; a damaged one is deleted, and none is opened any more."""
        if self._failure is None:
            path = self.partition_path(partition)
            if _is_damage(error):
                close_database(self._dbs.pop(partition))
                shutil.rmtree(path, ignore_errors=True)
                self._failure = f"{path} was damaged and is deleted ({error}): the next start builds it anew"
            else:
                self._failure = f"{path} cannot be used ({error}): make room, or set STREAM_APP_STATE_DIR"
        return StateError(self._failure)

    def apply_changelog_batch(self, batch: Iterable[Any], **_: Any) -> None:
        """Recover rows from batches of changelog records; where that fails the app crashes.

        Raises:
            StateError: they could not be stored.
        """
        try:
            for event in batch:
                records = event.value.records
                changes = ((record.key, record.value) for record in records)
                self.put(event.value.partition, changes, records[-1].offset)
        except StateError as error:
            # Faust logs it and tries again for ever.
            self._crashing = asyncio.ensure_future(self.app.crash(error))
            raise

    def revoke_partitions(self, table: Any, tps: Iterable[TP]) -> None:
        """Close the databases of partitions that have moved away."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics and tp.partition in self._dbs:
                close_database(self._dbs.pop(tp.partition))

    async def stop(self) -> None:
        """Close all databases."""
        while self._dbs:
            close_database(self._dbs.popitem()[1])
        await super().stop()

    def _open_for_partition(self, partition: int) -> Rdict:
        if self._failure is not None:
            raise StateError(self._failure)  # an empty one would pass for all that the changelog had so far
        path = self.partition_path(partition)
        try:
            return self._open(path)
        except StateError as error:
            if not _is_damage(error):
                raise
            log.warning("%s is built anew from the changelog", error)
        shutil.rmtree(path, ignore_errors=True)
        return self._open(path)

    def _open(self, path: Path) -> Rdict:
        try:
            return Rdict(str(path), options=self._options)
        except Exception as error:
            raise StateError(
                f"{path} cannot be opened ({error}): make room, or set STREAM_APP_STATE_DIR"
            ) from error


def _is_damage(error: Exception) -> bool:
    """Whether RocksDB says that its files are not what they were; its binding knows one kind of error."""
    reason = str(error)
    return "Corruption: " in reason or "No such file or directory" in reason
