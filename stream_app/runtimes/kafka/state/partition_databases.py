"""The database of each partition that a worker holds, which follows the partition's changelog.

One RocksDB write batch contains rows, their times and the changelog offset that they reach, so a local
database always equals the changelog up to its persisted offset. It keeps no log of its own: after a crash
Faust resumes at the offset that reached the disk. Changelog records that do not count (`claims.py`) are
skipped, and their keys are noted. A damaged database is deleted, even if the damage shows during use; the
changelog has its rows.

Private parts of faust-streaming 0.15.3 that this relies on, checked by tests/integration/test_tables.py:

- `rocksdb.Store._dbs`, `_open_for_partition`, `revoke_partitions`: one open database per held partition.
- `rocksdb.Store.offset_key`: where `persisted_offset` looks, which recovery starts from.
- `Recovery._slurp_changelogs`: counts by the offset of a message, which of a batch is its last record's.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from faust.stores import rocksdb
from faust.types import TP
from rocksdict import Rdict

from stream_app.errors import BrokerError, StateError
from stream_app.runtimes.common.row_store import (
    MEBIBYTE,
    close_database,
    database_options,
    merge_files,
    open_database,
)
from stream_app.runtimes.common.timed_rows import NO_NOTES, Change, Notes, TimedRows, TimesOf
from stream_app.runtimes.kafka.state.claims import CLAIM_KEY, ClaimReader

log = logging.getLogger(__name__)

# What a crash loses from memory is read from the changelog again: about two seconds' worth at most.
WRITE_BUFFER_BYTES = 16 * MEBIBYTE
ALL_WRITE_BUFFERS_BYTES = 64 * MEBIBYTE
PASSED_OVER_KEY = b"\xffpassed over"
NOTHING_PASSED_OVER: Notes = {PASSED_OVER_KEY: msgspec.msgpack.encode([])}


class PartitionDatabases(rocksdb.Store):  # type: ignore[misc]  # Faust ships no types
    """The store that Faust opens, recovers, moves and closes; `times_of` is as for `TimedRows`."""

    def __init__(self, *args: Any, times_of: TimesOf, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._times_of = times_of
        self._options = database_options(WRITE_BUFFER_BYTES, ALL_WRITE_BUFFERS_BYTES)
        self._claims: dict[int, int] = {}
        self._crashing: asyncio.Future[None] | None = None  # kept, or it might be garbage-collected midway
        self._failure: str | None = None
        self._merging: set[asyncio.Future[None]] = set()

    def held(self, partition: int) -> Rdict | None:
        """The open database of a partition, or None if the partition is not held here."""
        return self._dbs.get(partition)

    def database(self, partition: int) -> Rdict:
        """The open database of a partition; never opens one, because it would lack what others wrote."""
        database = self.held(partition)
        if database is None:
            raise BrokerError(f"partition {partition} of {self.table_name} is held by another worker")
        return database

    def rows(self, partition: int) -> TimedRows:
        """The rows in the open database of a partition."""
        return self._timed(self.database(partition))

    def put(
        self,
        partition: int,
        changes: Iterable[Change],
        offset: int,
        times: Mapping[bytes, bytes] | None = None,
        notes: Notes = NO_NOTES,
    ) -> None:
        """Atomically store changes and the changelog offset that they reach.

        Raises:
            StateError: they could not be stored.
        """
        rows = self._timed(self._db_for_partition(partition))
        try:
            rows.put(changes, offset, times, notes)
        except Exception as error:
            raise self.failure(partition, error) from error

    def claim(self, partition: int) -> int | None:
        """This worker's claim to a partition; None if it has none, or if there is a newer one.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: the database cannot be read.
        """
        self.database(partition)
        own = self._claims.get(partition)
        return own if own is not None and own == self._newest_claim(partition) else None

    def record_claim(self, partition: int, offset: int) -> None:
        """Note that this worker's claim to a partition was appended.

        Raises:
            StateError: it could not be stored.
        """
        self.put(partition, (), offset, notes={CLAIM_KEY: b"%d" % offset})
        self._claims[partition] = offset

    def passed_over(self, partition: int) -> list[bytes]:
        """Keys whose newest changelog record does not count.

        Raises:
            StateError: the database cannot be read.
        """
        noted = self._note(partition, PASSED_OVER_KEY)
        return msgspec.msgpack.decode(noted, type=list[bytes]) if noted is not None else []

    async def purge(self, partition: int) -> None:
        """Rewrite a partition's files without deleted and replaced entries.

        Raises:
            BrokerError: the partition is not held here, or no longer.
            StateError: they could not be written.
        """
        database = self.database(partition)
        merging = asyncio.ensure_future(asyncio.to_thread(merge_files, database))
        self._merging.add(merging)
        merging.add_done_callback(self._merging.discard)
        try:
            await asyncio.shield(merging)
        except Exception as error:
            raise self.failure(partition, error) from error
        if self.held(partition) is not database:
            raise BrokerError(f"partition {partition} of {self.table_name} has moved away")
        close_database(self._dbs.pop(partition))
        self._dbs[partition] = self._open(self.partition_path(partition))

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset that a partition's rows reach, or None.

        Raises:
            StateError: the database cannot be read.
        """
        rows = self._timed(self._db_for_partition(tp.partition))
        try:
            return rows.position
        except Exception as error:
            raise self.failure(tp.partition, error) from error

    def failure(self, partition: int, error: Exception) -> StateError:
        """Return the exception for a database error; delete a damaged database, and open no other."""
        if isinstance(error, StateError):  # the error is about a row
            return error
        if self._failure is None:
            path = self.partition_path(partition)
            if _is_damage(error):
                close_database(self._dbs.pop(partition))
                shutil.rmtree(path, ignore_errors=True)
                self._failure = f"{path} was damaged and is deleted ({error}): the next start rebuilds it"
            else:
                self._failure = f"{path} cannot be used ({error}): make room, or set STREAM_APP_STATE_DIR"
        return StateError(self._failure)

    def apply_changelog_batch(self, batch: Iterable[Any], **_: Any) -> None:
        """Recover rows from batches of changelog records; the app crashes if that fails.

        Raises:
            StateError: they could not be stored.
        """
        try:
            for event in batch:
                self._recover(event.value.partition, event.value.records)
        except StateError as error:
            # Faust would log it and retry forever.
            self._crashing = asyncio.ensure_future(self.app.crash(error))
            raise

    def revoke_partitions(self, table: Any, tps: Iterable[TP]) -> None:
        """Close the databases of partitions that have moved away."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics and tp.partition in self._dbs:
                close_database(self._dbs.pop(tp.partition))

    async def stop(self) -> None:
        """Close all databases."""
        if self._merging:
            await asyncio.wait(self._merging)  # a database in use does not close
        while self._dbs:
            close_database(self._dbs.popitem()[1])
        await super().stop()

    def _recover(self, partition: int, records: Sequence[ConsumerRecord]) -> None:
        reader = ClaimReader(self._newest_claim(partition))
        changes: list[Change] = []
        passed_over: list[bytes] = []
        for record in records:
            if reader.counts(record):
                changes.append((record.key, record.value))
            elif record.key != CLAIM_KEY:
                passed_over.append(record.key)
        notes: dict[bytes, bytes] = {}
        if reader.newest is not None:
            notes[CLAIM_KEY] = b"%d" % reader.newest
        if passed_over:
            log.warning(
                "%d rows in the changelog of partition %d were passed over: whoever wrote them had lost it",
                *(len(passed_over), partition),
            )
            known = self.passed_over(partition)
            notes[PASSED_OVER_KEY] = msgspec.msgpack.encode([*dict.fromkeys([*known, *passed_over])])
        self.put(partition, changes, records[-1].offset, notes=notes)

    def _newest_claim(self, partition: int) -> int | None:
        noted = self._note(partition, CLAIM_KEY)
        return int(noted) if noted is not None else None

    def _note(self, partition: int, key: bytes) -> bytes | None:
        try:
            return self._timed(self._db_for_partition(partition)).note(key)
        except Exception as error:
            raise self.failure(partition, error) from error

    def _timed(self, database: Rdict) -> TimedRows:
        return TimedRows(database, self.offset_key, self._times_of)

    def _open_for_partition(self, partition: int) -> Rdict:
        if self._failure is not None:
            raise StateError(self._failure)  # an empty database would look complete
        self._claims.pop(partition, None)
        path = self.partition_path(partition)
        try:
            return self._open(path)
        except StateError as error:
            if not _is_damage(error):
                raise
            log.warning("%s is rebuilt from the changelog", error)
        shutil.rmtree(path, ignore_errors=True)
        return self._open(path)

    def _open(self, path: Path) -> Rdict:
        try:
            return open_database(path, self._options)
        except Exception as error:
            raise StateError(
                f"{path} cannot be opened ({error}): make room, or set STREAM_APP_STATE_DIR"
            ) from error


def _is_damage(error: Exception) -> bool:
    """Whether RocksDB reports damaged files; its binding has only one kind of error."""
    reason = str(error)
    return "Corruption: " in reason or "No such file or directory" in reason
