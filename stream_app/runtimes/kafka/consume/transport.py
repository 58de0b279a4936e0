"""The bulk transport: a Faust agent's stream items are batches of records of one partition.

Faust's work on a message costs many times as much as decoding it (docs/results.md). Here a message is a whole
batch, so that this cost is paid once for up to thousands of records. The broker URL `bulk://host:port`
selects the transport, and `RecordBatchSchema` marks the topics read this way; every other topic is read as
with `kafka://`.

    topic = app.topic("clickstream.events.v1", schema=RecordBatchSchema())

    @app.agent(topic, supervisor_strategy=CrashingSupervisor)
    async def process(stream):
        async for event in stream.noack().events():
            ...                          # event.value is a RecordBatch
            await stream.ack(event)      # only now may a commit pass the batch

Commit positions are tracked here, not in Faust's lists of offsets: each batch taken from the fetcher leaves a
`_Delivery` in its partition's queue, and a commit covers the acknowledged ones at the head. Gaps in the
offsets (compaction, transaction markers) therefore need no special handling, and acknowledging a batch of a
revoked partition has no effect.

Private parts of faust-streaming 0.15.3 that this relies on, checked by tests/integration/transport:

- `AIOKafkaConsumerThread._create_worker_consumer`: makes the consumer; its `_fetch_min_bytes` and
  `_fetch_max_wait_ms`, which Faust does not let one set.
- `AIOKafkaConsumerThread._fetch_records`: runs in the consumer's thread, returns records by partition, and
  the partitions' positions lie behind these records when it returns.
- aiokafka's `Fetcher._records`, `FetchResult._partition_records`, `PartitionRecords._consumer_record`: what
  was fetched before anyone asked, which is unpacked when it is taken, by a method that can be replaced.
- `Consumer.getmany`: passes each element of these lists to `_to_message` and what comes back to the agents.
- `Consumer._read_offset`: `_drain_messages` drops a message below it and records a gap when one lies above.
- `Consumer._filter_tps_with_pending_acks`, `_new_offset`: which partitions to commit, and up to which offset.
- `Consumer._acked`, `_acked_index`: offsets of acknowledged messages, collected by every way to acknowledge.
- `Message.acked`: set by every way to acknowledge, the compiled stream iterator included.
- `App.rebalancing`: true from the revocation until the queues of the agents are cleared no more.
- `App.consumer_generation_id`: changed in the consumer's thread; a stream skips messages of older ones.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from faust import Schema
from faust.exceptions import ImproperlyConfigured
from faust.sensors import Sensor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from faust.types.tuples import ConsumerMessage

MAX_RECORDS = 2_000
MAX_BYTES = 1_048_576
# Each fetch, and each batch it starts, has a fixed cost, so the broker waits briefly for more records.
GATHERED_BYTES = 1_048_576
GATHERING_MS = 50
QUEUED_BATCHES = 4
"""Good `stream_buffer_maxsize` of an app that recovers no rows: batches that wait for an agent."""


class RecordBatch:
    """Consecutive records of one partition in the order of their offsets, never empty.

    While it waits for the agent, records fetched later are added; it is fixed once its records are read. A
    worker that falls behind thus gets larger batches instead of more of them. A record has offset, timestamp,
    key, value and headers; topic and partition are the batch's.
    """

    __slots__ = ("_is_open", "_lock", "_records", "_size", "partition", "topic")

    def __init__(self, topic: str, partition: int, records: Sequence[ConsumerRecord]) -> None:
        self.topic = topic
        self.partition = partition
        self._records = list(records)
        self._size = -1
        self._is_open = True
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def records(self) -> Sequence[ConsumerRecord]:
        """All records; none is added from now on."""
        self.close()
        return self._records

    @property
    def last(self) -> ConsumerRecord:
        """The newest record so far."""
        return self._records[-1]

    def close(self) -> None:
        """Stop accepting records."""
        with self._lock:
            self._is_open = False

    def extend(self, records: Sequence[ConsumerRecord], schema: RecordBatchSchema) -> bool:
        """Add subsequent records, if it is open and has room for all of them."""
        with self._lock:
            if not self._is_open or len(self) + len(records) > schema.max_records:
                return False
            if self._size < 0:
                self._size = _size_of(self._records)
            size = self._size + _size_of(records)
            if size > schema.max_bytes:
                return False
            self._size = size
            self._records.extend(records)
            return True


def _size_of(records: Iterable[ConsumerRecord]) -> int:
    return sum([len(record.key or b"") + len(record.value or b"") for record in records])


class RecordBatchSchema(Schema):  # type: ignore[misc]
    """Marks a topic as one whose stream items are `RecordBatch`es; keys and values stay bytes.

    A batch has at most `max_records` records and `max_bytes` bytes of keys and values; a larger record forms
    a batch by itself.
    """

    def __init__(self, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw")
        self.max_records = max_records
        self.max_bytes = max_bytes

    def loads_key(self, _app: Any, _message: Any, **_: Any) -> None:
        """A batch has no key; its records do."""

    def loads_value(self, _app: Any, message: Any, **_: Any) -> RecordBatch:
        """Return the batch as the consumer made it.

        Raises ImproperlyConfigured if the app uses another transport.
        """
        if not isinstance(message.value, RecordBatch):
            raise ImproperlyConfigured(
                f"{message.topic} is read in batches: the broker URL must begin bulk://"
            )
        return message.value

    def split(self, records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
        """Split records into runs within the bounds."""
        if len(records) <= self.max_records and _size_of(records) <= self.max_bytes:
            yield records
            return
        begin = size = 0
        for index, record in enumerate(records):
            record_size = _size_of([record])
            if index > begin and (index - begin == self.max_records or size + record_size > self.max_bytes):
                yield records[begin:index]
                begin, size = index, 0
            size += record_size
        yield records[begin:]


@dataclass(slots=True)
class _Delivery:
    """A batch taken from the fetcher; outlives its records until a commit has passed it."""

    batch: RecordBatch | None
    end_offset: int
    generation_id: int
    is_handed_on: bool = False
    acked: bool = False

    def extend(
        self, records: Sequence[ConsumerRecord], schema: RecordBatchSchema, generation_id: int
    ) -> bool:
        """Add subsequent records of the same generation, if the batch still waits for the agent."""
        batch = self.batch
        if batch is None or not self.is_handed_on or generation_id != self.generation_id:
            return False  # what is not passed on yet may be dropped when the flow of records stops
        return batch.extend(records, schema)

    def acknowledge(self) -> None:
        """Let a commit pass the batch's current records; none is added any more."""
        batch, self.batch = self.batch, None
        if batch is not None:
            batch.close()
            self.end_offset = batch.last.offset + 1
        self.acked = True


class _BatchMessage(ConsumerMessage):  # type: ignore[misc]
    """A message that marks its delivery when acknowledged, whichever way."""

    __slots__ = ("delivery",)

    def __init__(self, delivery: _Delivery, *args: Any, **kwargs: Any) -> None:
        self.delivery = delivery
        super().__init__(*args, **kwargs)

    @property
    def acked(self) -> bool:
        return self.delivery.acked

    @acked.setter
    def acked(self, value: bool) -> None:
        if value:
            self.delivery.acknowledge()


class _BulkConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes = GATHERED_BYTES
        consumer._fetch_max_wait_ms = GATHERING_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        _leave_unwrapped(consumer._fetcher._records, self.consumer.bulk_topics)
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        passed_on: dict[TopicPartition, Sequence[Any]] = {}
        for tp, records in fetched.items():
            schema = self.consumer.bulk_topics.get(tp.topic)
            if schema is None:
                passed_on[tp] = records
            elif not self.app.topics.acks_enabled_for(tp.topic):
                passed_on[tp] = self.consumer.make_deliveries(tp, records, schema)
            elif self.app.rebalancing or not self.consumer.flow_active or tp not in active_partitions:
                # Faust would drop these, or lose them when it clears the agents' queues, so read them again.
                consumer.seek(tp, records[0].offset)
            else:
                passed_on[tp] = self.consumer.put_in_flight(tp, records, schema)
        return passed_on


def _leave_unwrapped(waiting: Mapping[TopicPartition, Any], topics: Container[str]) -> None:
    """Skip wrapping: a `ConsumerRecord` around each compiled record costs more than reading it."""
    for tp, fetched in waiting.items():
        if tp.topic in topics and isinstance(fetched, FetchResult):
            fetched._partition_records._consumer_record = lambda _, record: record


class _BulkConsumer(Consumer):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bulk_topics: dict[str, RecordBatchSchema] = {}
        self._in_flight: dict[TP, deque[_Delivery]] = {}
        self._next_offset: dict[TP, tuple[int, int]] = {}
        super().__init__(*args, **kwargs)
        self.app.sensors.add(_RecordCounter(self.app))

    def _new_consumer_thread(self) -> _BulkConsumerThread:
        return _BulkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def put_in_flight(
        self, tp: TP, records: Sequence[ConsumerRecord], schema: RecordBatchSchema
    ) -> list[_Delivery]:
        """Put records in flight as batches; called in the consumer's thread."""
        generation_id = self.app.consumer_generation_id
        taken_generation, next_offset = self._next_offset.get(tp, (None, 0))
        if taken_generation == generation_id and records[0].offset < next_offset:
            # Faust seeks to the committed offset once more after some rebalances.
            records = [record for record in records if record.offset >= next_offset]
            if not records:
                return []
        self._next_offset[tp] = (generation_id, records[-1].offset + 1)
        in_flight = self._in_flight.setdefault(tp, deque())
        if in_flight and in_flight[-1].extend(records, schema, generation_id):
            return []
        deliveries = self.make_deliveries(tp, records, schema)
        in_flight.extend(deliveries)
        return deliveries

    def make_deliveries(
        self, tp: TP, records: Sequence[ConsumerRecord], schema: RecordBatchSchema
    ) -> list[_Delivery]:
        """Split records into batches, which is all that a changelog needs during recovery."""
        generation_id = self.app.consumer_generation_id
        return [
            _Delivery(RecordBatch(tp.topic, tp.partition, run), run[-1].offset + 1, generation_id)
            for run in schema.split(records)
        ]

    def is_processing(self, tp: TP) -> bool:
        """Whether a batch of a partition was passed on and is not acknowledged yet."""
        # The consumer's thread may add to the queue concurrently.
        return not all(delivery.acked for delivery in self._in_flight.get(tp, deque[_Delivery]()).copy())

    async def _getmany(
        self, active_partitions: set[TP] | None, timeout: float
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        self.bulk_topics = _find_bulk_topics(self.app.topics)
        fetched: Mapping[TopicPartition, Sequence[Any]] = await super()._getmany(active_partitions, timeout)
        return fetched

    def _to_message(self, tp: TP, record: ConsumerRecord | _Delivery) -> ConsumerMessage:
        if not isinstance(record, _Delivery):
            return super()._to_message(tp, record)
        batch = record.batch
        assert batch is not None
        record.is_handed_on = True
        last = batch.last
        # The message represents all offsets up to its own, so Faust sees no gap before it.
        self._read_offset[tp] = last.offset
        return _BatchMessage(
            record,
            batch.topic,
            batch.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            None,
            None,
            batch,
            None,
            tp=tp,
            generation_id=record.generation_id,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Let the conductor wait for a full queue: with no open partition Faust would sleep for a second."""
        if tp.topic not in self.bulk_topics:
            super().on_buffer_full(tp)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start a generation with nothing in flight."""
        self._in_flight.clear()
        await super().on_partitions_assigned(assigned, generation_id)

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterator[TP]:
        # At a revocation Faust forgets its own acknowledged offsets before the last commit.
        candidates = {*super()._filter_tps_with_pending_acks(topics), *list(self._in_flight)}
        return (tp for tp in candidates if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.bulk_topics:
            offset: int | None = super()._new_offset(tp)
            return offset
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        deliveries = self._in_flight.get(tp, deque())
        end_offset = None
        while deliveries and deliveries[0].acked:
            end_offset = deliveries.popleft().end_offset
        return end_offset


def _find_bulk_topics(topics: Iterable[Any]) -> dict[str, RecordBatchSchema]:
    schemas: dict[str, RecordBatchSchema] = {}
    plain: set[str] = set()
    for topic in topics:
        if isinstance(topic.schema, RecordBatchSchema):
            schemas.update(dict.fromkeys(topic.topics, topic.schema))
        else:
            plain.update(topic.topics)
    if both := plain & schemas.keys():
        raise ImproperlyConfigured(f"read both in batches and record by record: {', '.join(sorted(both))}")
    return schemas


class _RecordCounter(Sensor):  # type: ignore[misc]
    """Makes the app's monitor count a batch's records instead of one message."""

    def __init__(self, app: Any) -> None:
        self._app = app
        super().__init__()

    def on_message_out(self, _tp: TP, _offset: int, message: Any) -> None:
        self._app.monitor.messages_active -= _records_of(message) - 1

    def on_stream_event_in(self, tp: TP, _offset: int, _stream: Any, event: Any) -> None:
        batch = event.value
        if isinstance(batch, RecordBatch):
            batch.close()  # so that it is counted as it will be
            monitor, more = self._app.monitor, len(batch) - 1
            monitor.messages_received_total += more
            monitor.messages_received_by_topic[tp.topic] += more
            monitor.messages_active += more
            monitor.events_total += more
            monitor.tp_read_offsets[tp] = batch.last.offset


def _records_of(message: Any) -> int:
    return len(message.value) if isinstance(message.value, RecordBatch) else 1


class BulkTransport(Transport):  # type: ignore[misc]
    """Transport of `bulk://` broker URLs. Its `batch_schema` saves outside clients an import of ours."""

    Consumer = _BulkConsumer
    batch_schema = RecordBatchSchema
