"""`events --follow` and `replay-failed` before Kafka's topics and before a folder that a collector fills."""

import asyncio
import signal
from pathlib import Path

import orjson
import pytest
from support.collector_process import collector_process, send
from support.kafka_cluster import Cluster, until
from support.worker_process import worker_process

from load_tests.broker import Broker, free_port
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.operate.following import follow_topics
from stream_app.runtimes.kafka.operate.retaking import retake
from stream_app.schemas.topics import EVENTS, FAILED
from stream_app.settings.environment import Settings
from stream_app.testing import RECEIVED_AT, FixedModels, page


def test_a_page_is_seen_as_a_collector_takes_it(tmp_path: Path) -> None:
    settings = Settings(collector_port=free_port(), metrics_port=0)
    data = str(tmp_path / "data")
    with (
        collector_process(settings, tmp_path, "--data-dir", data),
        worker_process(settings, tmp_path, "events", "--follow", "--data-dir", data) as viewer,
    ):
        viewer.wait_for(lambda: viewer.has_said("waiting for events"))
        send(settings, {"type": "page", "userId": "u-1042", "properties": {"product_id": "sku-1"}})
        viewer.wait_for(lambda: viewer.has_said("u-1042"))
        send(settings, {"type": "nope", "userId": "u-1043"})
        viewer.wait_for(lambda: viewer.has_said("FAILED unknown_type"))
        assert "item=sku-1" in viewer.log.read_text()
        viewer.process.send_signal(signal.SIGTERM)
        assert viewer.process.wait(30) == 0
    assert viewer.last_line == "1 events read, 1 failed"
    assert not (tmp_path / "data" / "onlookers").exists()


@pytest.mark.kafka
def test_what_kafka_holds_is_seen_and_what_is_mended_is_taken_once(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1, max_event_bytes=2048)
    mended = cluster.settings.model_copy(update={"max_event_bytes": 200_000, "allowed_lateness": 1e9})

    async def seen() -> list[tuple[str, bytes]]:
        return [
            (topic.name, value)
            async for topic, value in follow_topics((EVENTS, FAILED), cluster.settings, 10, False)
        ]

    async def run() -> None:
        await cluster.create_topics()
        large = orjson.dumps(
            {**orjson.loads(page("u", 0)), "messageId": None, "properties": {"x": "x" * 3000}}
        )
        await cluster.produce([(b"u", large), (b"u", b"{"), (b"u", page("u", 60, "item-1"))])
        metrics = Metrics()
        async with cluster.worker(FixedModels().models, metrics, lambda: RECEIVED_AT) as app:
            await until(lambda: metrics.event_outcomes().get("processed") == 1, app)
        assert [name for name, _ in await seen()].count(FAILED.name) == 2
        assert await retake(mended) == (1, 1, 0)
        assert await retake(mended) == (1, 1, 0)
        [*_, first, again] = [value for name, value in await seen() if name == EVENTS.name]
        assert orjson.loads(first)["messageId"] == orjson.loads(again)["messageId"]
        cluster.settings = mended
        metrics = Metrics()
        async with cluster.worker(FixedModels().models, metrics, lambda: RECEIVED_AT) as app:
            await until(lambda: metrics.event_outcomes().get("repeated") == 1, app)
        assert metrics.event_outcomes() == {"processed": 1, "repeated": 1}
        assert (await cluster.rows())["u"].kinds["page"].count == 2

    asyncio.run(run())
