"""What is told of a record that cannot be processed is the same when it comes again."""

from hashlib import sha256

import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import StepResult, step
from stream_app.schemas.outputs import KEPT_KEY_BYTES, KEPT_ORIGINAL_BYTES, CutBytes, FailedEvent
from stream_app.schemas.topics import EVENTS, FAILED, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, FixedModels, comparable, page, records

RULES = Rules()


def apply(partition: Partition, topic: str, taken: list[Record]) -> StepResult:
    models = FixedModels().models
    return step(partition, Batch(topic, 0, taken), {}, INTAKE, models, RULES, RECEIVED_AT)


@pytest.mark.parametrize("topic", [LINKS.name, PRIVACY_REQUESTS.name])
def test_however_far_the_events_are_read_meanwhile(topic: str) -> None:
    poison = [Record(3, b"key", b"\xc1 nothing", RECEIVED_AT)]
    first, again = Partition(0, RULES), Partition(0, RULES)
    apply(again, EVENTS.name, records([page("a", 5_000)]))
    outputs = apply(first, topic, poison).outputs
    assert [output.schema_name for output in outputs] == ["failed_event"]
    assert comparable(outputs) == comparable(apply(again, topic, poison).outputs)


def test_whatever_its_size_it_is_told_of_in_a_record_that_the_failed_topic_takes() -> None:
    key, value = b"k" * 3_000_000, b"\xc1" * 5_000_000
    [failed] = apply(Partition(0, RULES), EVENTS.name, [Record(0, key, value, RECEIVED_AT)]).outputs
    assert isinstance(failed, FailedEvent)
    assert len(failed.encode()) + len(failed.key or b"") + 1_024 < FAILED.max_message_bytes
    assert (failed.key, failed.original) == (key[:KEPT_KEY_BYTES], value[:KEPT_ORIGINAL_BYTES])
    assert failed.key_cut == CutBytes(length=len(key), sha256=sha256(key).hexdigest())
    assert failed.original_cut == CutBytes(length=len(value), sha256=sha256(value).hexdigest())


def test_what_is_short_enough_is_kept_whole() -> None:
    [failed] = apply(Partition(0, RULES), EVENTS.name, [Record(0, b"k", b"\xc1", RECEIVED_AT)]).outputs
    assert isinstance(failed, FailedEvent)
    assert (failed.key, failed.original, failed.key_cut, failed.original_cut) == (b"k", b"\xc1", None, None)
