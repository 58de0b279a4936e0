"""What is told of a record that cannot be processed is the same when it comes again."""

import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import StepResult, step
from stream_app.schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, FixedModels, comparable, page, records

RULES = Rules()


def take(partition: Partition, topic: str, taken: list[Record]) -> StepResult:
    models = FixedModels().models
    return step(partition, Batch(topic, 0, taken), {}, INTAKE, models, RULES, RECEIVED_AT)


@pytest.mark.parametrize("topic", [LINKS.name, PRIVACY_REQUESTS.name])
def test_however_far_the_events_are_read_meanwhile(topic: str) -> None:
    poison = [Record(3, b"key", b"\xc1 nothing", RECEIVED_AT)]
    first, again = Partition(0, RULES), Partition(0, RULES)
    take(again, EVENTS.name, records([page("a", 5_000)]))
    outputs = take(first, topic, poison).outputs
    assert [output.schema_name for output in outputs] == ["failed_event"]
    assert comparable(outputs) == comparable(take(again, topic, poison).outputs)
