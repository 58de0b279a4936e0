"""Passes a batch through the core and makes the result durable: outputs first, then rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from types import MappingProxyType

from aiokafka import ConsumerRecord

from stream_app.core.erasures import encode_erasure
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rescoring import Sweep, score_again
from stream_app.core.row_times import pack_times
from stream_app.core.step import StepResult, close_idle, step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.learning.ports import Models
from stream_app.observability.guard import Position
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.audit import erasures_among, this_actor
from stream_app.runtimes.common.intake import build_intake
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.common.row_cache import RowCache
from stream_app.runtimes.kafka.consume.ordered_writes import OrderedWrites
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.consume.strikes import Strikes
from stream_app.runtimes.kafka.consume.transport import RecordBatch
from stream_app.runtimes.kafka.models.explored import explored_places
from stream_app.runtimes.kafka.models.unlearning import unlearnings
from stream_app.runtimes.kafka.operate.audit import encode_entries
from stream_app.runtimes.kafka.operate.lifetimes import Lifetimes, declared_lifetimes
from stream_app.runtimes.kafka.operate.privacy import complete_receipt
from stream_app.runtimes.kafka.operate.topics import source_names
from stream_app.runtimes.kafka.state.origins import (
    ORIGINS_KEY,
    Origins,
    TopicIds,
    adopt,
    decode_origins,
    encode_origins,
)
from stream_app.runtimes.kafka.state.stored_partition import (
    ERASURE_PREFIX,
    META_KEY,
    load_partition,
)
from stream_app.runtimes.kafka.state.tables import RowTable
from stream_app.schemas.outputs import ExploredPlace, Output
from stream_app.schemas.topics import LINKS, row_key
from stream_app.settings.environment import Settings

EXPLORED = ExploredPlace.model_fields["schema_name"].default


class Processor:
    """Works on the partitions that this worker holds.

    A batch is computed while the results of the previous one are still being written; the core itself never
    waits. On the broker a batch's outputs come before its rows, and both before the next batch of its
    partition. Offsets are not committed here.
    """

    def __init__(  # noqa: PLR0913
        self,
        settings: Settings,
        table: RowTable,
        producer: BulkProducer,
        models: Callable[[], Models],
        complete: Callable[[Output], Output],
        metrics: Metrics,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
        position: Position | None = None,
        strikes: Strikes | None = None,
        topic_ids: TopicIds = MappingProxyType({}),
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self._settings = settings
        self._source_names = source_names(settings)
        self._rules = settings.rules
        self._intake = build_intake(settings, settings.snapshot_keys)
        self._actor = this_actor()
        self._idle_after = settings.session_gap
        self._caught_up_after = min(settings.rescore_within, settings.session_gap)
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
        self._sweeps: dict[int, Sweep] = {}
        self._writes = OrderedWrites()
        self._position = position or Position()
        self._strikes = strikes or Strikes()
        self._topic_ids = topic_ids
        self._lifetimes = lifetimes if lifetimes is not None else declared_lifetimes()
        self._origins: dict[int, Origins] = {}
        self._stored_origins: dict[int, Origins] = {}

    async def process(self, records: RecordBatch) -> asyncio.Task[None]:
        """Compute one batch. Its offsets may be committed once the returned task is done.

        Raises, as the task does:
            BrokerError: an output or a row of this or an earlier batch was not acknowledged.
        """
        topic, number, taken = records.topic, records.partition, records.records
        base = self._base(topic, number)
        last = base + taken[-1].offset
        if not self._strikes.concern(topic, number, base + taken[0].offset, last):
            return await self._process(topic, number, taken)
        # One of these may have stopped the worker, so each is processed alone to find it.
        for record in taken:
            is_left_out = self._strikes.are_too_many(topic, number, base + record.offset)
            written = await self._process(topic, number, [record], is_left_out)

        def forget(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and done.exception() is None:
                self._strikes.forget(topic, number, last)

        written.add_done_callback(forget)
        return written

    async def _process(
        self, topic: str, number: int, taken: Sequence[ConsumerRecord], is_left_out: bool = False
    ) -> asyncio.Task[None]:
        await self._writes.room(number)
        begun_at, now = self._stopwatch(), self._clock()
        base = self._base(topic, number)
        self._position.begin(topic, number, base + taken[0].offset, base + taken[-1].offset)
        partition = self._partition(number)
        records = [
            Record(base + raw.offset, raw.key, raw.value, raw.timestamp / 1000, is_left_out) for raw in taken
        ]
        # The declared topic name, so that ids are the same on every cluster.
        batch = Batch(self._source_names[topic], number, Followed(records, self._position))
        rows = self._rows.of_partition(number)
        result = step(partition, batch, rows, self._intake, self._models(), self._rules, now)
        self._last_batch_at[number] = self._stopwatch()
        received = Counter(record.received_at for record in records)

        def count() -> None:
            self._metrics.commits.inc()
            self._metrics.count_batch(self._stopwatch() - begun_at)
            self._metrics.count_latency(received, self._clock())

        return await self._begin_write(partition, result, count)

    async def close_idle(self, assigned: set[int]) -> None:
        """Close overdue sessions of assigned partitions that have had no records for a while.

        This also sends whatever fell due while no worker was running.

        Raises:
            BrokerError: an output or a row was not acknowledged.
        """
        for number in assigned:
            self._partition(number)  # immediately, while it is certainly held, to show its users and time
        for number in sorted(assigned):
            await self._writes.room(number)
            if number not in self._partitions:
                continue  # it has moved in the meantime
            now, elapsed = self._clock(), self._stopwatch()
            partition = self._partitions[number]
            # A clock set forward must not make a busy partition look idle.
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
                await (await self._begin_write(partition, result))

    async def score_again(self, assigned: set[int]) -> None:
        """Continue rescoring all users of assigned partitions with the newest models; call it every second.

        Each call scores enough users to finish within `rescore_within` seconds.

        Raises:
            BrokerError: an output or a row was not acknowledged.
        """
        for number in sorted(assigned & self._partitions.keys()):
            await self._writes.room(number)
            partition, elapsed = self._partitions.get(number), self._stopwatch()
            if partition is None:
                continue  # it has moved in the meantime
            sweep = self._sweeps.setdefault(number, Sweep(partition))
            waited = elapsed - self._last_batch_at.setdefault(number, elapsed)
            is_idle = waited >= self._caught_up_after
            sweep.begin(self._models(), is_idle)
            user_keys = sweep.pop_next(ceil(partition.users / self._settings.rescore_within))
            if user_keys:
                rows = self._rows.of_partition(number)
                result = score_again(partition, user_keys, rows, self._models(), self._rules, self._clock())
                await (await self._begin_write(partition, result))

    async def forget(self, partition: int) -> None:
        """Drop a partition that is moving away from memory, once its last write is done.

        Raises:
            BrokerError: an output or a row was not acknowledged.
        """
        await self._writes.finished(partition)
        self._partitions.pop(partition, None)
        self._last_batch_at.pop(partition, None)
        self._sweeps.pop(partition, None)
        self._rows.forget(partition)
        self._metrics.forget_partition(self._source_names.values(), partition)

    def next_offset(self, topic: str, partition: int) -> int | None:
        """The offset after the last one processed of a declared topic; None before the first batch."""
        held = self._partitions.get(partition)
        applied = held.meta.applied.get(topic) if held else None
        base = self._origins[partition][topic].base if topic in self._origins.get(partition, {}) else 0
        return applied + 1 - base if applied is not None and applied >= base else None

    async def _begin_write(
        self, partition: Partition, result: StepResult, count: Callable[[], None] = lambda: None
    ) -> asyncio.Task[None]:
        """Start making a result durable. It is encoded now, because the next batch changes the same rows."""
        number = partition.number
        completed = (self._complete(output) for output in result.outputs)
        outputs = [complete_receipt(output, self._settings, self._lifetimes) for output in completed]
        explored = list(explored_places(result.outputs))
        unlearned = list(unlearnings(result.outputs))
        before = self._producer.encode_outputs([*outputs, *explored, *unlearned], number)
        before |= self._producer.encode_sent(result.sent)
        before |= encode_entries(erasures_among(outputs, self._intake.privacy, self._actor), self._settings)
        after = self._producer.encode_sent(result.sent_after)
        changes, times = _encode_changes(partition, result)
        origins = self._origins[number]
        if origins != self._stored_origins[number]:
            changes = {ORIGINS_KEY: encode_origins(origins), **changes}
            self._stored_origins[number] = origins
        change = self._rows.change(number, result.rows)
        users, highest_at, watermark = partition.users, partition.meta.highest_at, partition.watermark

        async def write() -> None:
            await self._producer.send_all(before)
            await self._table.write(number, changes, times)
            if any(result.erasures.values()):
                await self._table.purge(number)
            await self._producer.send_all(after)
            self._rows.settle_change(number, result.rows, change)
            self._metrics.count_step(number, result, users)
            self._metrics.outputs.labels(EXPLORED).inc(len(explored))
            self._metrics.show_time(number, highest_at, watermark)
            count()

        self._position.end()
        return await self._writes.begin(number, write)

    def _partition(self, number: int) -> Partition:
        partition = self._partitions.get(number)
        if partition is None:
            stored = decode_origins(self._table.get(number, ORIGINS_KEY))
            self._stored_origins[number], self._origins[number] = stored, adopt(stored, self._topic_ids)
            partition = load_partition(self._table, number, self._rules, self._place_of)
            self._metrics.users.labels(str(number)).set(partition.users)
            self._metrics.show_time(number, partition.meta.highest_at, partition.watermark)
            self._partitions[number] = partition
        return partition

    def _base(self, topic: str, number: int) -> int:
        """The number added to the offsets of a topic's records in this partition."""
        self._partition(number)
        origin = self._origins[number].get(self._source_names[topic])
        return origin.base if origin is not None else 0

    def _place_of(self, user_id: str) -> int:
        return partition_of(user_id.encode(), self._settings.partitions)

    def _load(self, partition: int, user_key: str) -> UserRow | None:
        data = self._table.get(partition, row_key(user_key))
        return decode_row(data) if data is not None else None


class Followed(list[Record]):
    """Records that note on a position how far they have been read."""

    def __init__(self, records: Iterable[Record], position: Position) -> None:
        super().__init__(records)
        self._position = position

    def __iter__(self) -> Iterator[Record]:
        reach = self._position.reach
        for record in super().__iter__():
            reach(record.offset)
            yield record


def _encode_changes(
    partition: Partition, result: StepResult
) -> tuple[dict[bytes, bytes | None], dict[bytes, bytes]]:
    """The messages for the table, and the rows' times by key."""
    # Erasures come first, so that their counts are known whatever part of the rest is written.
    changes: dict[bytes, bytes | None] = {
        ERASURE_PREFIX + marker.encode(): encode_erasure(erasure) if erasure is not None else None
        for marker, erasure in result.erasures.items()
    }
    times: dict[bytes, bytes] = {}
    for user_key, row in result.rows.items():
        key = row_key(user_key)
        changes[key] = encode_row(row) if row is not None else None
        if row is not None:
            times[key] = pack_times(row)
    # The meta comes last: everything it says is contained must have been written before.
    changes[META_KEY] = partition.encode_meta()
    return changes, times
