"""What the bulk transport hands on: batches of one partition, beside tables and ordinary topics.

On a real broker, where a change of the private parts that it leans on would show.
"""

from typing import Any

import faust
import pytest
from support.bulk_reader import Cluster, Reader, numbered, run, running, until, watch_fetches

from stream_app.runtimes.kafka.consume.transport import BulkTransport, RecordBatchSchema

pytestmark = pytest.mark.kafka


def test_what_is_fetched_while_the_agent_is_busy_comes_as_one_batch(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=25))
        async with running(reader.app):
            await until(lambda: reader.partitions == {0})
            fetched = watch_fetches(reader.app)
            reader.go_on.clear()
            for sent in range(1, 61):
                await cluster.produce(cluster.topic, 0, numbered(1))
                await until(lambda count=sent: sum(fetched) == count)
            assert len(fetched) == 60
            reader.go_on.set()
            await until(lambda: reader.count == 60)
            await reader.app.consumer.commit()
        assert reader.offsets(0) == list(range(60))
        assert [len(batch) for batch in reader.batches] == [1, 25, 25, 9]
        assert await cluster.committed() == {0: 60}

    run(scenario())


def test_every_offset_comes_once_in_order_and_in_bounded_batches(cluster: Cluster) -> None:
    counts = {0: 1_700, 1: 1, 2: 430}
    giant = b"x" * 5_000

    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 3})
        for partition, count in counts.items():
            await cluster.produce(cluster.topic, partition, numbered(count))
        await cluster.produce(cluster.topic, 2, [giant, *numbered(70)])
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100, max_bytes=1_000))
        assert isinstance(reader.app.transport, BulkTransport)
        async with running(reader.app):
            await until(lambda: reader.count >= 2_202)
            await reader.app.consumer.commit()
            monitor = reader.app.monitor
            assert monitor.messages_received_total == monitor.events_total == 2_202
            assert monitor.messages_received_by_topic == {cluster.topic: 2_202}
            assert monitor.messages_active == 0
            assert not any(reader.app.consumer._gap.values())
            ends = {0: 1_700, 1: 1, 2: 501}
            assert {tp.partition: end for tp, end in monitor.tp_end_offsets.items()} == ends
            assert {tp.partition: last + 1 for tp, last in monitor.tp_read_offsets.items()} == ends
        assert await cluster.committed() == ends
        for partition, end in ends.items():
            assert reader.offsets(partition) == list(range(end))
        by_partition = {p: [b for b in reader.batches if b.partition == p] for p in ends}
        assert [r.value for b in by_partition[0] for r in b.records] == numbered(1_700)
        assert all(r.key == b"key" and r.topic == b.topic for b in reader.batches for r in b.records)
        for batch in reader.batches:
            size = sum(len(r.key) + len(r.value) for r in batch.records)
            assert len(batch) <= 100
            assert size <= 1_000 or [r.value for r in batch.records] == [giant]
        assert any(len(batch) > 50 for batch in reader.batches)

    run(scenario())


def test_tables_and_ordinary_topics_beside_a_bulk_topic(cluster: Cluster) -> None:
    ordinary_topic = f"{cluster.topic}-ordinary"
    changelog = f"{cluster.group}-sums-changelog"

    def build() -> tuple[faust.App, Any, list[Any]]:
        app = cluster.app(store="memory://", topic_partitions=2)
        sums = app.Table("sums", default=int, partitions=2, key_type=str, value_type=int)
        ordinary: list[Any] = []

        @app.agent(app.topic(cluster.topic, schema=RecordBatchSchema(max_records=10), partitions=2))
        async def add(stream: Any) -> None:
            async for batch in stream:
                sums[f"partition {batch.partition}"] += len(batch)

        @app.agent(app.topic(ordinary_topic, value_serializer="raw", partitions=2))
        async def keep(stream: Any) -> None:
            async for value in stream:
                ordinary.append(value)  # noqa: PERF401 (the stream has no end)

        return app, sums, ordinary

    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 2, ordinary_topic: 2})
        await cluster.produce(cluster.topic, 0, numbered(250))
        await cluster.produce(cluster.topic, 1, numbered(40))
        await cluster.produce(ordinary_topic, 1, numbered(5))
        app, sums, ordinary = build()
        async with running(app):
            await until(lambda: sum(sums.values()) == 290 and len(ordinary) == 5)
            await app.consumer.commit()
        await cluster.produce(cluster.topic, 0, numbered(3))
        app, sums, ordinary = build()
        async with running(app):
            await until(lambda: sums.get("partition 0", 0) >= 253)
            assert dict(sums) == {"partition 0": 253, "partition 1": 40}
            assert ordinary == []
        assert changelog in app.tables.changelog_topics

    run(scenario())
