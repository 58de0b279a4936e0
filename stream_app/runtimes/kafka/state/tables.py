"""Rows by partition and key: a Faust table written and recovered in batches.

Faust provides the changelog topic, its assignment along with the source topic's partitions, and recovery
after a rebalance. Writes are in bulk and in this order: the broker acknowledges the changelog records, then
they go into the partition's database (`partition_databases.py`). Before its first write to a partition a
worker claims it (`claims.py`): records that an earlier owner appends later do not count. The new owner
rewrites the rows that such records overwrote, before compaction could keep those instead.

Private parts of faust-streaming 0.15.3 that this relies on, checked by tests/integration/test_tables.py:
`Collection._new_store`, which builds the store, and `Collection.changelog_topic`, which takes the schema.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import faust
from faust.types import TP

from stream_app.errors import BrokerError
from stream_app.runtimes.common.timed_rows import Change, TimesOf, no_times
from stream_app.runtimes.kafka.consume.producer import Headers
from stream_app.runtimes.kafka.consume.transport import RecordBatchSchema
from stream_app.runtimes.kafka.state.claims import CLAIM_KEY, headers_of
from stream_app.runtimes.kafka.state.partition_databases import NOTHING_PASSED_OVER, PartitionDatabases

RECOVERY_BATCHES = 4

SendChangelog = Callable[[str, int, list[Change], Headers], Awaitable[int]]


class RowTable:
    """Rows of the partitions that this worker holds, as bytes by partition and key.

    `send_changelog` sends (key, value) messages with headers to a topic's partition in order and returns the
    offset of the last once all are acknowledged; a value None deletes. `times_of` is as for `TimedRows`.
    """

    def __init__(
        self,
        app: faust.App,
        name: str,
        partitions: int,
        send_changelog: SendChangelog,
        times_of: TimesOf = no_times,
    ) -> None:
        self._send_changelog = send_changelog
        self._table = app.tables.add(
            _BulkTable(
                app,
                times_of=times_of,
                name=name,
                partitions=partitions,
                schema=RecordBatchSchema(),
                key_type=bytes,
                value_type=bytes,
                # Not 1, with which Faust would keep reading the changelog after the recovery.
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

    def scan(self, partition: int, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The rows of a partition whose keys have this prefix, in key order.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the database cannot be read.
        """
        rows = self._store.rows(partition)
        try:
            yield from rows.items(prefix)
        except Exception as error:
            raise self._store.failure(partition, error) from error

    def times(self, partition: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The times of a partition's rows whose keys have this prefix, in key order.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the database cannot be read.
        """
        rows = self._store.rows(partition)
        try:
            return rows.times(prefix)
        except Exception as error:
            raise self._store.failure(partition, error) from error

    async def write(
        self,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        times: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """Write rows; when this returns, they are acknowledged by the broker and stored here.

        `times` are the rows' times by key; by default they are read from the rows.

        Raises:
            BrokerError: the changelog was not acknowledged, the partition moved away meanwhile, or another
                worker has written to it too. Nothing was stored here.
            StateError: the rows are in the changelog, and could not be stored here.
        """
        if not changes:
            return
        claim = self._store.claim(partition)
        if claim is None:
            claim = await self._claim(partition)
        offset = await self._append(partition, changes, headers_of(claim))
        self._store.put(partition, changes.items(), offset, times)

    async def _claim(self, partition: int) -> int:
        """Have nothing count that an earlier owner writes from here on; put right what one wrote before."""
        claim = await self._append(partition, {CLAIM_KEY: b""}, ())
        self._store.record_claim(partition, claim)
        restored = {key: self.get(partition, key) for key in self._store.passed_over(partition)}
        if restored:
            offset = await self._append(partition, restored, headers_of(claim))
            self._store.put(partition, restored.items(), offset, notes=NOTHING_PASSED_OVER)
        return claim

    async def _append(self, partition: int, changes: Mapping[bytes, bytes | None], headers: Headers) -> int:
        """Send changes to the changelog, and return the offset of the last."""
        store = self._store
        database = store.database(partition)
        changelog = TP(self._table.changelog_topic_name, partition)
        reached = store.persisted_offset(changelog)
        offset = await self._send_changelog(changelog.topic, partition, list(changes.items()), headers)
        # Rows that lack a foreign change before them must not count as recovered up to their own offset.
        if store.held(partition) is not database or reached not in (None, offset - len(changes)):
            raise BrokerError(f"partition {partition} of {changelog.topic} is written by another worker too")
        return offset

    async def purge(self, partition: int) -> None:
        """Leave nothing in local files of what was removed or replaced; nothing may be written meanwhile.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the files could not be written anew.
        """
        await self._store.purge(partition)

    @property
    def _store(self) -> PartitionDatabases:
        store: PartitionDatabases = self._table.data
        return store


class _BulkTable(faust.Table):  # type: ignore[misc]  # Faust ships no types
    def __init__(self, app: faust.App, *, times_of: TimesOf, **options: Any) -> None:
        self._times_of = times_of
        super().__init__(app, **options)

    def info(self) -> dict[str, Any]:
        """What a clone is made of."""
        return {**super().info(), "times_of": self._times_of}

    def _new_store(self) -> PartitionDatabases:
        return PartitionDatabases(
            "rocksdb://", self.app, self, times_of=self._times_of, table_name=self.name, loop=self.loop
        )
