from types import SimpleNamespace

import faust
import pytest
from faust.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from stream_app.runtimes.kafka.transport import RecordBatchSchema, _find_bulk_topics

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
