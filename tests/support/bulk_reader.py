"""A Faust app that reads batches by the bulk transport, on a test's own topics of the session's broker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP
from mode import CrashingSupervisor

from stream_app.runtimes.kafka.consume.app import PromptTables
from stream_app.runtimes.kafka.consume.transport import RecordBatch, RecordBatchSchema


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
            TableManager=PromptTables,
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


def watch_takes(app: faust.App) -> list[int]:
    """Counts of records that are to become batches from now on, those that have been before included."""
    counts: list[int] = []
    put_in_flight = app.consumer.put_in_flight

    def watched(tp: TP, records: Sequence[ConsumerRecord], schema: RecordBatchSchema) -> Any:
        counts.append(len(records))
        return put_in_flight(tp, records, schema)

    app.consumer.put_in_flight = watched
    return counts


def numbered(count: int) -> list[bytes]:
    return [b"value %d" % number for number in range(count)]
