"""The bulk transport on a real broker, where a change of the private parts that it leans on would show."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from mode import CrashingSupervisor

from load_tests.broker import Broker
from stream_app.runtimes.kafka.transport import BulkTransport, RecordBatch, RecordBatchSchema

pytestmark = pytest.mark.kafka


class Cluster:
    """One test's topics and group on the session's broker."""

    def __init__(self, servers: str, prefix: str, folder: Path) -> None:
        self.servers = servers
        self.topic = f"{prefix}events"
        self.group = f"{prefix}group"
        self._folder = folder

    async def create_topics(self, partitions: dict[str, int]) -> None:
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])

    async def produce(self, topic: str, partition: int, values: Iterable[bytes]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.servers) as producer:
            for value in values:
                await producer.send(topic, value, key=b"key", partition=partition)

    async def committed(self) -> dict[int, int]:
        """Committed offset by partition of the test's topic."""
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(self.group)
        return {tp.partition: entry.offset for tp, entry in offsets.items() if tp.topic == self.topic}

    def app(self, **settings: Any) -> faust.App:
        return faust.App(
            self.group,
            broker=f"bulk://{self.servers}",
            datadir=str(self._folder),
            web_enabled=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=0.5,
            broker_commit_interval=3600.0,
            **settings,
        )

    @contextlib.asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str, tmp_path: Path) -> Cluster:
    return Cluster(broker.bootstrap_servers, topic_prefix, tmp_path)


class Reader:
    """An app with a bulk agent that keeps what it gets and acknowledges while `acks` is true."""

    def __init__(self, cluster: Cluster, *, schema: RecordBatchSchema | None = None, **settings: Any) -> None:
        self.app = cluster.app(**settings)
        self.batches: list[RecordBatch] = []
        self.held: list[Any] = []
        self.acks: Callable[[RecordBatch], bool] = lambda _: True
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.topic = self.app.topic(cluster.topic, schema=schema or RecordBatchSchema())

        @self.app.agent(self.topic, supervisor_strategy=CrashingSupervisor)
        async def read(stream: Any) -> None:
            self.stream = stream.noack()
            async for event in self.stream.events():
                self.batches.append(event.value)
                await self.go_on.wait()
                if self.acks(event.value):
                    await self.stream.ack(event)
                else:
                    self.held.append(event)

    def offsets(self, partition: int) -> list[int]:
        return [r.offset for b in self.batches if b.partition == partition for r in b.records]

    @property
    def count(self) -> int:
        return sum(len(batch) for batch in self.batches)

    @property
    def partitions(self) -> set[int]:
        """Partitions of the topic that this app reads now; none during a rebalance."""
        if self.app.rebalancing or not self.app.consumer.flow_active:
            return set()
        return {tp.partition for tp in self.app.consumer.assignment() if tp.topic == self.topic.topics[0]}


@contextlib.asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[None]:
    app.finalize()
    await app.start()
    try:
        yield
    finally:
        # Faust would wait for ever for batches that a test does not acknowledge.
        app.consumer.unacked.clear()
        await app.stop()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60.0))


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "not reached in time"
        await asyncio.sleep(0.02)


def watch_fetches(app: faust.App) -> list[int]:
    """Counts of records that aiokafka hands to the consumer from now on."""
    counts: list[int] = []
    fetcher = app.consumer._thread._consumer._fetcher
    fetched_records = fetcher.fetched_records

    async def watched(*args: Any, **kwargs: Any) -> Any:
        fetched = await fetched_records(*args, **kwargs)
        counts.extend(map(len, fetched.values()))
        return fetched

    fetcher.fetched_records = watched
    return counts


def numbered(count: int) -> list[bytes]:
    return [b"value %d" % number for number in range(count)]


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


def test_a_commit_never_passes_a_batch_that_is_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(500))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))
        unacked = {0, 300}
        reader.acks = lambda batch: batch.records[0].offset not in unacked
        async with running(reader.app):
            commit = reader.app.consumer.commit
            await until(lambda: reader.count == 500)
            await commit()
            assert await cluster.committed() == {}
            await reader.stream.ack(reader.held[0])
            await commit()
            assert await cluster.committed() == {0: 300}
            await reader.stream.ack(reader.held[1])
            await commit()
            assert await cluster.committed() == {0: 500}

    run(scenario())


def test_a_restart_goes_on_at_the_first_batch_that_was_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(400))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        first.acks = lambda batch: batch.records[0].offset != 200
        async with running(first.app):
            await until(lambda: first.count == 400)
        second = Reader(cluster)
        async with running(second.app):
            await until(lambda: second.count == 200)
        assert second.offsets(0) == list(range(200, 400))

    run(scenario())


def test_an_agent_that_fails_stops_the_app_before_the_batch_is_committed(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(300))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))

        def fail_at_the_second(batch: RecordBatch) -> bool:
            if batch.records[0].offset == 100:
                raise RuntimeError("the batch cannot be processed")
            return True

        reader.acks = fail_at_the_second
        async with running(reader.app):
            await until(lambda: reader.app.crashed)
        assert reader.offsets(0) == list(range(200))
        assert await cluster.committed() == {0: 100}

    run(scenario())


def test_holes_in_the_offsets_do_not_hold_the_commit_up(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        producer = AIOKafkaProducer(bootstrap_servers=cluster.servers, transactional_id=cluster.group)
        async with producer:
            for number in range(20):
                # The marker at a transaction's end takes an offset of its own.
                async with producer.transaction():
                    await producer.send(cluster.topic, b"%d" % number)
        await cluster.produce(cluster.topic, 0, [b"20"])
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=3))
        async with running(reader.app):
            await until(lambda: reader.count == 21)
            await reader.app.consumer.commit()
        assert reader.offsets(0) == list(range(0, 41, 2))
        assert await cluster.committed() == {0: 41}

    run(scenario())


def test_a_second_worker_takes_over_without_loss_and_work_done_is_not_repeated(cluster: Cluster) -> None:
    async def finish(reader: Reader) -> None:
        # Faust lets the agent finish the batch in work before it gives partitions away.
        await until(lambda: reader.app.rebalancing)
        reader.go_on.set()

    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 4})
        for partition in range(4):
            await cluster.produce(cluster.topic, partition, numbered(3_000))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=50))
        second = Reader(cluster, schema=RecordBatchSchema(max_records=50))
        async with running(first.app):
            await until(lambda: first.count >= 1_000)
            first.go_on.clear()
            batch_in_work = asyncio.create_task(finish(first))
            async with running(second.app):
                await batch_in_work
                await until(lambda: len(first.partitions) == len(second.partitions) == 2)
                await until(lambda: first.count + second.count >= 12_000)
                given_away = second.partitions
                await first.app.consumer.commit()
                await second.app.consumer.commit()
                for partition in range(4):
                    offsets = first.offsets(partition) + second.offsets(partition)
                    assert offsets == list(range(3_000))
                    assert bool(second.offsets(partition)) == (partition in given_away)
                assert await cluster.committed() == dict.fromkeys(range(4), 3_000)

    run(scenario())


def test_batches_of_revoked_partitions_are_dropped_and_their_acks_change_nothing(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 2})
        for partition in range(2):
            await cluster.produce(cluster.topic, partition, numbered(1_000))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        second = Reader(cluster)
        second.go_on.clear()
        first.go_on.clear()
        async with running(first.app):
            await until(lambda: bool(first.batches))
            in_work = first.batches[0].partition
            async with running(second.app):
                await until(lambda: len(first.partitions) == len(second.partitions) == 1)
                (kept,) = first.partitions
                (given_away,) = second.partitions
                first.go_on.set()
                await until(lambda: kept in {b.partition for b in first.batches[1:]} and first.count >= 1_000)
                await first.app.consumer.commit()
                # The stale batch was acknowledged after its partition had gone (or had come anew).
                assert await cluster.committed() == {kept: 1_000}
                assert {batch.partition for batch in first.batches[1:]} == {kept}
                assert first.offsets(kept)[100 if kept == in_work else 0 :] == list(range(1_000))
                second.go_on.set()
                await until(lambda: second.count == 1_000)
                assert second.offsets(given_away) == list(range(1_000))

    run(scenario())


def test_records_fetched_during_a_rebalance_are_read_again_after_it(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(10))
        reader = Reader(cluster)
        async with running(reader.app):
            await until(lambda: reader.count == 10)
            reader.app.rebalancing = True
            fetched = watch_fetches(reader.app)
            await cluster.produce(cluster.topic, 0, numbered(990))
            await until(lambda: sum(fetched) >= 990)
            assert reader.count == 10
            reader.app.rebalancing = False
            await until(lambda: reader.count >= 1_000)
            assert reader.offsets(0) == list(range(1_000))

    run(scenario())


def test_a_seek_to_the_committed_offset_delivers_nothing_twice(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(500))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        reader.acks = lambda batch: batch.records[0].offset < 100
        async with running(reader.app):
            await until(lambda: reader.count == 500)
            await reader.app.consumer.commit()
            fetched = watch_fetches(reader.app)
            await reader.app.consumer.perform_seek()
            await until(lambda: sum(fetched) >= 400)
            await cluster.produce(cluster.topic, 0, numbered(50))
            await until(lambda: reader.count >= 550)
            assert reader.offsets(0) == list(range(550))

    run(scenario())


def test_batches_of_an_old_generation_are_skipped_and_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(300))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))
        reader.go_on.clear()
        async with running(reader.app):
            await until(lambda: reader.count == 100)
            reader.app.consumer_generation_id += 1
            await cluster.produce(cluster.topic, 0, numbered(7))
            reader.go_on.set()
            await until(lambda: len(reader.batches) == 2)
            assert reader.offsets(0) == [*range(100), *range(300, 307)]
            await reader.app.consumer.commit()
            assert await cluster.committed() == {0: 100}

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
