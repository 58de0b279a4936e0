import asyncio
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from schemas.topics import EVENTS
from stream_app.metrics import Metrics
from stream_app.runtimes.kafka.processor import Processor
from stream_app.runtimes.kafka.transport import RecordBatch
from stream_app.settings import Settings
from stream_app.testing import RECEIVED_AT, START, FixedModels, page


class TableInMemory:
    """Stands for the table, whose own tests run on a broker."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, _partition: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, _partition: int) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.rows.items())

    async def write(self, _partition: int, changes: Mapping[bytes, bytes]) -> None:
        self.rows.update(changes)


class SilentProducer:
    async def send_outputs(self, outputs: object, partition: int) -> None:
        pass

    async def send_messages(self, messages: object) -> None:
        pass


def build(table: TableInMemory) -> tuple[Processor, Metrics]:
    metrics = Metrics(clock=lambda: START + 1_000)
    models = FixedModels().models
    processor = Processor(
        Settings(snapshot_key="sixteen-and-more-characters"),
        table,
        SilentProducer(),
        lambda: models,
        lambda output: output,
        metrics,
        lambda: RECEIVED_AT,  # type: ignore[arg-type]
        lambda: 0.0,
    )
    return processor, metrics


def batch(*values: bytes) -> RecordBatch:
    received_ms = int(RECEIVED_AT * 1_000) - 2_000
    records = [
        SimpleNamespace(offset=n, key=None, value=v, timestamp=received_ms) for n, v in enumerate(values)
    ]
    return RecordBatch(EVENTS.name, 3, records)


def shown(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"stream_app_{name}", {"partition": "3"})


def test_a_partition_is_shown_while_it_is_held():
    table = TableInMemory()
    first, first_metrics = build(table)
    assert first.next_offset(EVENTS.name, 3) is None
    asyncio.run(first.process(batch(page("a", 0), page("b", 400), b"no event")))
    assert first.next_offset(EVENTS.name, 3) == 3
    latency = first_metrics.registry.get_sample_value("stream_app_event_latency_seconds_sum")
    assert latency == 6  # three records, received two seconds ago
    first.forget(3)
    assert first.next_offset(EVENTS.name, 3) is None
    assert shown(first_metrics, "users") is shown(first_metrics, "freshness_seconds") is None

    second, second_metrics = build(table)
    asyncio.run(second.close_idle({3}))
    assert shown(second_metrics, "users") == 2
    assert shown(second_metrics, "freshness_seconds") == 600
    assert second.next_offset(EVENTS.name, 3) == 3
