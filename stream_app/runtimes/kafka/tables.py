"""The table of rows: a Faust table on RocksDB that is written in bulk, changelog first.

Faust sends one changelog record per row, some 70 µs each, and writes RocksDB before the broker has
acknowledged it. Here the changelog records of a batch go out together; only when all are acknowledged are
the rows and the changelog offset written to RocksDB, as one `WriteBatch`. A crash in between leaves rows
in the changelog that the local folder lacks; recovery, which stays Faust's own, brings them.

Private parts of faust-streaming 0.15.3 that this leans on, held by tests/integration/test_tables.py:

- `Store._db_for_partition`: the open RocksDB of a partition (rocksdict, in raw mode).
- `Store.offset_key`: where the store keeps the changelog offset that it contains.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from rocksdict import Rdict, WriteBatch

MEBIBYTE = 1_048_576
# Faust's defaults reserve 2 GiB of cache for each partition.
ROCKSDB_OPTIONS = {
    "block_cache_size": 16 * MEBIBYTE,
    "write_buffer_size": 16 * MEBIBYTE,
    "max_write_buffer_number": 2,
}

Change = tuple[bytes, bytes | None]
SendChangelog = Callable[[str, int, list[Change]], Awaitable[int]]


class RowTable:
    """Rows as bytes, by partition and key.

    `send_changelog` sends (key, value) messages to a topic's partition and returns the offset of the last
    once all are acknowledged; a value None deletes.
    """

    def __init__(self, app: Any, name: str, partitions: int, send_changelog: SendChangelog) -> None:
        self._send_changelog = send_changelog
        self._table = app.Table(
            name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            options=dict(ROCKSDB_OPTIONS),
        )

    def get(self, partition: int, key: bytes) -> bytes | None:
        """A row of a partition that is assigned here."""
        value: bytes | None = self._db(partition).get(key)
        return value

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a partition, by key."""
        offset_key = self._table.data.offset_key
        for key, value in self._db(partition).items():
            if key != offset_key:
                yield key, value

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        """Write rows; they are acknowledged by the broker and stored here when this returns.

        Raises:
            BrokerError: the changelog was not acknowledged; nothing was stored here.
        """
        topic = self._table.changelog_topic_name
        offset = await self._send_changelog(topic, partition, list(changes.items()))
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self._table.data.offset_key, str(offset).encode())
        self._db(partition).write(batch)

    def _db(self, partition: int) -> Rdict:
        return self._table.data._db_for_partition(partition)
