import asyncio

from support.processor_world import ProcessorWorld, batch

from stream_app.observability.metrics import Metrics
from stream_app.schemas.topics import EVENTS
from stream_app.testing import RECEIVED_AT, START, page


def shown(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"stream_app_{name}", {"partition": "3"})


def test_a_partition_is_shown_while_it_is_held():
    async def scenario() -> None:
        world = ProcessorWorld()
        first, world.now = world.processor(), RECEIVED_AT
        assert first.next_offset(EVENTS.name, 3) is None
        values = page("a", 0), page("b", 400), b"no event"
        await (await first.process(batch(*values, partition=3, age=2.0)))
        assert first.next_offset(EVENTS.name, 3) == 3
        latency = world.metrics.registry.get_sample_value("stream_app_event_latency_seconds_sum")
        assert latency == 6  # three records, received two seconds ago
        await first.forget(3)
        assert first.next_offset(EVENTS.name, 3) is None
        assert shown(world.metrics, "users") is shown(world.metrics, "freshness_seconds") is None

        second, world.now = world.processor(), START + 1_000
        await second.close_idle({3})
        assert shown(world.metrics, "users") == 2
        assert shown(world.metrics, "freshness_seconds") == 600
        assert second.next_offset(EVENTS.name, 3) == 3

    asyncio.run(scenario())
