"""Rows by partition and key: a Faust table that is written and recovered in batches.

Faust's part is the changelog topic, its assignment beside the source topic's partitions and the recovery
after a rebalance. Written is in bulk and in this order: the broker acknowledges the changelog records, then
one RocksDB write batch takes the rows together with the changelog offset that they reach. So a local
database always is the changelog up to its persisted offset, and after a crash Faust reads on from there.

Private parts of faust-streaming 0.15.3 that this leans on, held by tests/integration/test_tables.py:

- `Collection._new_store`: builds the store; `Collection.changelog_topic` takes the table's schema.
- `rocksdb.Store._dbs`, `_open_for_partition`, `revoke_partitions`: one open database per held partition.
- `rocksdb.Store.offset_key`: where `persisted_offset` looks, which recovery starts from.
- `Recovery._slurp_changelogs`: counts by the offset of a message, which of a batch is its last record's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import faust
from faust.stores import rocksdb
from faust.types import TP
from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.transport import RecordBatchSchema

MEBIBYTE = 1_048_576
BLOCK_CACHE_BYTES = 64 * MEBIBYTE
WRITE_BUFFER_BYTES = 8 * MEBIBYTE
RECOVERY_BATCHES = 4

Change = tuple[bytes, bytes | None]
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
        """
        row: bytes | None = self._store.database(partition).get(key)
        return row

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a partition in the order of their keys.

        Raises:
            BrokerError: the partition is not held here, or no longer.
        """
        for key, row in self._store.database(partition).items():
            if key != rocksdb.Store.offset_key:
                yield key, row

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Write rows; they are acknowledged by the broker and stored here when this returns.

        Raises:
            BrokerError: the changelog was not acknowledged, the partition moved away meanwhile, or another
                worker has written to it too. Nothing was stored here.
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
        self._options = _database_options()

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
        """Store changes and the changelog offset that they reach, all or nothing."""
        batch = WriteBatch(raw_mode=True)
        for key, row in changes:
            if row is None:
                batch.delete(key)
            else:
                batch.put(key, row)
        batch.put(self.offset_key, str(offset).encode())
        self._db_for_partition(partition).write(batch)

    def apply_changelog_batch(self, batch: Iterable[Any], **_: Any) -> None:
        """Recover rows from batches of changelog records."""
        for event in batch:
            records = event.value.records
            changes = ((record.key, record.value) for record in records)
            self.put(event.value.partition, changes, records[-1].offset)

    def revoke_partitions(self, table: Any, tps: Iterable[TP]) -> None:
        """Close the databases of partitions that have moved away."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics and tp.partition in self._dbs:
                self._dbs.pop(tp.partition).close()

    async def stop(self) -> None:
        """Close all databases."""
        while self._dbs:
            self._dbs.popitem()[1].close()
        await super().stop()

    def _open_for_partition(self, partition: int) -> Rdict:
        return Rdict(str(self.partition_path(partition)), options=self._options)


def _database_options() -> Options:
    blocks = BlockBasedOptions()
    # One cache for all partitions; Faust's defaults are 2 GiB for each.
    blocks.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    blocks.set_bloom_filter(10, block_based=False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_open_files(256)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_block_based_table_factory(blocks)
    return options
