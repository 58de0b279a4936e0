from types import SimpleNamespace

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.settings.environment import Settings

BATCH_BYTES = 200
HEADERS = [("part", b"1")]
payloads = st.binary(max_size=BATCH_BYTES)


@given(st.lists(st.tuples(st.none() | payloads, st.none() | payloads), max_size=20))
def test_messages_are_sent_in_their_order_in_batches_of_a_bounded_size(
    messages: list[tuple[bytes | None, bytes | None]],
) -> None:
    producer = BulkProducer(Settings())
    producer._producer = SimpleNamespace(create_batch=lambda: BatchBuilder(BATCH_BYTES, 0))
    batches = list(producer._batches(messages, HEADERS))
    counts = [batch.record_count() for batch in batches]
    sizes = [batch.size() for batch in batches]
    read = [list(MemoryRecords(bytes(batch._build())).next_batch()) for batch in batches]
    assert [(record.key, record.value) for records in read for record in records] == messages
    assert all(list(record.headers) == HEADERS for records in read for record in records)
    assert [[record.offset for record in records] for records in read] == [list(range(n)) for n in counts]
    assert all(size <= BATCH_BYTES or count == 1 for size, count in zip(sizes, counts, strict=True))
