"""One batch through the core, and what came of it made durable: outputs, then rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from schemas.outputs import ExploredPlace, Output
from schemas.topics import LINKS
from stream_app.core.erasures import decode_erasure, encode_erasure
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import StepResult, close_idle, step
from stream_app.core.user_row import UserRow, decode_row, decode_times, encode_row
from stream_app.intake import build_intake
from stream_app.metrics import Metrics
from stream_app.partitioning import partition_of
from stream_app.ports import Models
from stream_app.runtimes.kafka.explored import explored_places
from stream_app.runtimes.kafka.privacy import complete_receipt
from stream_app.runtimes.kafka.producer import BulkProducer
from stream_app.runtimes.kafka.tables import RowTable
from stream_app.runtimes.kafka.topics import source_names
from stream_app.runtimes.kafka.transport import RecordBatch
from stream_app.runtimes.row_cache import RowCache
from stream_app.settings import Settings

META_KEY = b"m"
USER_PREFIX = b"u"
ERASURE_PREFIX = b"e"
EXPLORED = ExploredPlace.model_fields["schema_name"].default


class Processor:
    """Works on the partitions that this worker holds, one batch at a time.

    Nothing is committed here: when `process` returns, outputs and rows are acknowledged by the broker, and
    the batch's offsets may be.
    """

    def __init__(
        self,
        settings: Settings,
        table: RowTable,
        producer: BulkProducer,
        models: Callable[[], Models],
        complete: Callable[[Output], Output],
        metrics: Metrics,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._source_names = source_names(settings)
        self._rules = settings.rules
        self._intake = build_intake(settings, settings.required_snapshot_key)
        self._idle_after = settings.session_gap
        self._table = table
        self._producer = producer
        self._models = models
        self._complete = complete
        self._metrics = metrics
        self._clock = clock
        self._stopwatch = stopwatch
        self._rows = RowCache(self._load, settings.hot_rows)
        self._partitions: dict[int, Partition] = {}
        self._last_batch_at: dict[int, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def process(self, records: RecordBatch) -> None:
        """Process one batch and make what came of it durable.

        Raises:
            BrokerError: an output or a row was not acknowledged.
        """
        async with self._one_at_a_time:
            begun_at, now = self._stopwatch(), self._clock()
            partition = self._partition(records.partition)
            batch = Batch(
                self._source_names[records.topic],  # as declared: ids are the same on every cluster
                records.partition,
                [Record(raw.offset, raw.key, raw.value, raw.timestamp / 1000) for raw in records.records],
            )
            rows = self._rows.of_partition(partition.number)
            result = step(partition, batch, rows, self._intake, self._models(), self._rules, now)
            await self._keep(partition, result)
            ended_at = self._last_batch_at[partition.number] = self._stopwatch()
            self._metrics.commits.inc()
            self._metrics.batch_seconds.observe(ended_at - begun_at)
            self._metrics.count_latency(
                Counter(record.received_at for record in batch.records), self._clock()
            )

    async def close_idle(self, assigned: set[int]) -> None:
        """Close overdue sessions of assigned partitions in which nothing has come for a while.

        What rows had to give when the worker stopped last is sent here at the latest.

        Raises:
            BrokerError: an output or a row was not acknowledged.
        """
        for number in assigned:
            self._partition(number)  # at once, while it is surely held: its users and time are to be seen
        for number in sorted(assigned):
            async with self._one_at_a_time:
                now, elapsed = self._clock(), self._stopwatch()
                partition = self._partition(number)
                # A clock that is set forward must not make a busy partition look idle.
                is_busy = elapsed - self._last_batch_at.setdefault(number, elapsed) < self._idle_after
                rows = self._rows.of_partition(number)
                if not is_busy:
                    result = close_idle(partition, rows, self._models(), self._rules, now)
                elif partition.has_unsent:
                    nothing = Batch(LINKS.name, number, ())
                    result = step(partition, nothing, rows, self._intake, self._models(), self._rules, now)
                else:
                    continue
                if result.rows or result.sent_after:
                    await self._keep(partition, result)

    def forget(self, partition: int) -> None:
        """Drop what is held in memory of a partition that has moved elsewhere."""
        self._partitions.pop(partition, None)
        self._last_batch_at.pop(partition, None)
        self._rows.forget(partition)
        self._metrics.forget_partition(self._source_names.values(), partition)

    def next_offset(self, topic: str, partition: int) -> int | None:
        """The offset after the last that was processed of a declared topic; None before the first batch."""
        held = self._partitions.get(partition)
        applied = held.meta.applied.get(topic) if held else None
        return applied + 1 if applied is not None else None

    async def _keep(self, partition: Partition, result: StepResult) -> None:
        number = partition.number
        completed = (self._complete(output) for output in result.outputs)
        outputs = [complete_receipt(output, self._settings) for output in completed]
        explored = list(explored_places(result.outputs))
        outputs += explored
        await self._producer.send_outputs(outputs, number)
        await self._producer.send_messages(result.sent)
        # Erasures come first: whatever part of the rest is written, their figures are known.
        changes: dict[bytes, bytes | None] = {
            ERASURE_PREFIX + marker.encode(): encode_erasure(erasure) if erasure is not None else None
            for marker, erasure in result.erasures.items()
        }
        for key, row in result.rows.items():
            changes[USER_PREFIX + key.encode()] = encode_row(row) if row is not None else None
        # The meta comes last: what it says is contained must be contained, however little was written.
        changes[META_KEY] = partition.encode_meta()
        await self._table.write(number, changes)
        await self._producer.send_messages(result.sent_after)
        self._rows.change(number, result.rows)
        self._rows.settle()
        self._metrics.count_step(number, result, partition.users)
        self._metrics.outputs.labels(EXPLORED).inc(len(explored))
        self._metrics.show_time(number, partition.meta.highest_at, partition.watermark)

    def _partition(self, number: int) -> Partition:
        partition = self._partitions.get(number)
        if partition is None:
            meta = self._table.get(number, META_KEY)
            partition = Partition(number, self._rules, meta, self._place_of)
            for key, data in self._table.scan(number):
                if key.startswith(USER_PREFIX):
                    partition.hold(key.removeprefix(USER_PREFIX).decode(), decode_times(data))
                elif key.startswith(ERASURE_PREFIX):
                    marker = key.removeprefix(ERASURE_PREFIX).decode()
                    partition.erasures.add(marker, decode_erasure(data))
            self._metrics.users.labels(str(number)).set(partition.users)
            self._metrics.show_time(number, partition.meta.highest_at, partition.watermark)
            self._partitions[number] = partition
        return partition

    def _place_of(self, user_id: str) -> int:
        return partition_of(user_id.encode(), self._settings.partitions)

    def _load(self, partition: int, user_key: str) -> UserRow | None:
        data = self._table.get(partition, USER_PREFIX + user_key.encode())
        return decode_row(data) if data is not None else None
