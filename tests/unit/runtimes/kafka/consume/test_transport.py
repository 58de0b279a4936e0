from types import SimpleNamespace

import faust
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from stream_app.runtimes.kafka.consume.transport import (
    RecordBatch,
    RecordBatchSchema,
    _find_bulk_topics,
    _leave_unwrapped,
)

payloads = st.none() | st.binary(max_size=30)
records = st.builds(SimpleNamespace, key=payloads, value=payloads)


def size_of(record: SimpleNamespace) -> int:
    return sum(len(part) for part in (record.key, record.value) if part is not None)


@given(st.lists(records, min_size=1), st.integers(1, 10), st.integers(1, 100))
def test_runs_are_the_records_in_order_and_as_long_as_the_bounds_allow(
    given_records: list[SimpleNamespace], max_records: int, max_bytes: int
) -> None:
    schema = RecordBatchSchema(max_records=max_records, max_bytes=max_bytes)
    runs = list(schema.split(given_records))
    assert [record for run in runs for record in run] == given_records
    sizes = [sum(map(size_of, run)) for run in runs]
    for run, size in zip(runs, sizes, strict=True):
        assert 1 <= len(run) <= max_records
        assert size <= max_bytes or len(run) == 1
    for index, following in enumerate(runs[1:]):
        assert len(runs[index]) == max_records or sizes[index] + size_of(following[0]) > max_bytes


@given(st.lists(st.lists(records, min_size=1), min_size=1), st.integers(1, 10), st.integers(1, 100))
def test_a_waiting_batch_takes_in_what_fits_and_nothing_once_it_was_looked_at(
    fetches: list[list[SimpleNamespace]], max_records: int, max_bytes: int
) -> None:
    schema = RecordBatchSchema(max_records=max_records, max_bytes=max_bytes)
    batch = RecordBatch("clicks", 0, fetches[0])
    held = list(fetches[0])
    for fetch in fetches[1:]:
        fits = len(held + fetch) <= max_records and sum(map(size_of, held + fetch)) <= max_bytes
        assert batch.extend(fetch, schema) == fits
        if fits:
            held += fetch
        assert batch.last is held[-1]
        assert len(batch) == len(held)
    assert batch.records == held
    assert not batch.extend([SimpleNamespace(key=None, value=None)], schema)
    assert batch.records == held


def fetched(topic: str) -> FetchResult:
    """Three records from offset 0 on, as the fetcher keeps them until they are asked for."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 10_000)
    for offset in range(3):
        builder.append(offset, timestamp=1_000 + offset, key=b"key", value=b"%d" % offset, headers=[])
    place = TopicPartition(topic, 0)
    content = MemoryRecords(bytes(builder.build()))
    unpacking = PartitionRecords(place, content, [], 1, None, None, True, READ_UNCOMMITTED)
    return FetchResult(place, assignment=None, partition_records=unpacking, backoff=0)


def test_records_of_batches_that_wait_in_the_fetcher_are_not_wrapped() -> None:
    waiting = {TopicPartition(topic, 0): fetched(topic) for topic in ("clicks", "snapshots")}
    failed = FetchError(error=ValueError(), backoff=0)
    _leave_unwrapped({TopicPartition("clicks", 1): failed, **waiting}, {"clicks"})
    in_batches, one_by_one = (list(found._partition_records) for found in waiting.values())
    assert all(isinstance(record, ConsumerRecord) for record in one_by_one)
    assert not any(isinstance(record, ConsumerRecord) for record in in_batches)
    # The broker sends whole batches: what lies before the position that was asked for is passed over.
    for read in (in_batches, one_by_one):
        assert [(record.offset, record.timestamp, record.key, record.value) for record in read] == [
            (1, 1_001, b"key", b"1"),
            (2, 1_002, b"key", b"2"),
        ]
    assert RecordBatch("clicks", 0, in_batches).last.offset == 2


def test_a_topic_read_with_another_transport_says_what_to_write() -> None:
    message = SimpleNamespace(topic="clicks", value=b"{}")
    with pytest.raises(ImproperlyConfigured, match=r"clicks .* bulk://"):
        RecordBatchSchema().loads_value(None, message)


def test_a_topic_read_both_ways_is_refused() -> None:
    app = faust.App("reader", broker="bulk://localhost")
    batches = app.topic("clicks", schema=RecordBatchSchema())
    assert _find_bulk_topics([batches, app.topic("other")]) == {"clicks": batches.schema}
    with pytest.raises(ImproperlyConfigured, match="clicks"):
        _find_bulk_topics([batches, app.topic("clicks", "other")])
