import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.schemas.export import SCHEMA_FOLDER
from stream_app.schemas.outputs import ContentScore, FailedEvent
from stream_app.schemas.topics import CONTENT_SCORES, FAILED, rows_changelog
from stream_app.settings.environment import Settings

BATCH_BYTES = 200
HEADERS = [("part", b"1")]
CONTENT_SCORE = ContentScore.model_validate_json(
    (SCHEMA_FOLDER.parent / "examples" / CONTENT_SCORES.name / "course.json").read_text()
)
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


def test_of_an_output_that_is_larger_than_its_topic_takes_a_failed_event_tells() -> None:
    refused: list[None] = []
    producer = BulkProducer(Settings(), lambda: refused.append(None))
    large, small = (
        CONTENT_SCORE.model_copy(update={"item_id": "i" * length})
        for length in (CONTENT_SCORES.max_message_bytes, 1)
    )
    messages = producer.encode_outputs([large, small], partition=3)
    assert messages[CONTENT_SCORES.name, 0] == [(b"i", small.encode())]
    [(key, body)] = messages[FAILED.name, 3]
    told = FailedEvent.model_validate_json(body or b"")
    assert (key, told.reason, told.source) == (None, "too_large_output", large.source)
    assert told.original_cut is not None
    assert told.original_cut.length == len(large.encode())
    assert len(refused) == 1


def test_no_record_is_sent_that_its_topic_does_not_take() -> None:
    producer = BulkProducer(Settings())
    producer._producer = None  # nothing may even be begun
    changelog = rows_changelog(Settings().app_id)
    with pytest.raises(BrokerError, match=r"a record of 1048576 bytes is more than it takes"):
        asyncio.run(
            producer.send(changelog.name, 0, [(b"k" * 10, b"v"), (None, b"v" * changelog.max_message_bytes)])
        )
