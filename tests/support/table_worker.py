"""A worker that keeps the records of a topic as rows of a table, on a test's own topics."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from mode import CrashingSupervisor

from stream_app.runtimes.kafka.consume.app import PromptTables
from stream_app.runtimes.kafka.consume.producer import Headers
from stream_app.runtimes.kafka.consume.transport import RecordBatchSchema
from stream_app.runtimes.kafka.state.tables import RowTable

PARTITIONS = 2


class TableCluster:
    """One test's topics and group on the session's broker."""

    def __init__(self, servers: str, prefix: str) -> None:
        self.servers = servers
        self.source = f"{prefix}source"
        self.group = f"{prefix}group"
        self.changelog = f"{self.group}-rows-changelog"

    async def create_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics(
            [
                NewTopic(self.source, PARTITIONS, 1),
                NewTopic(self.changelog, PARTITIONS, 1, topic_configs=compacted),
            ]
        )
        await admin.close()

    async def send(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Headers = ()
    ) -> int:
        async with AIOKafkaProducer(bootstrap_servers=self.servers, acks="all") as producer:
            sent = [
                await producer.send(topic, row, key=key, partition=partition, headers=list(headers))
                for key, row in rows
            ]
            return max([metadata.offset for metadata in await asyncio.gather(*sent)])


def times_of(key: bytes, row: bytes) -> bytes | None:
    return b"at " + row if key.startswith(b"key") else None


async def read_changelog(cluster: TableCluster, partition: int) -> list[ConsumerRecord]:
    """The whole changelog of a partition."""
    place = TopicPartition(cluster.changelog, partition)
    async with AIOKafkaConsumer(bootstrap_servers=cluster.servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        records: list[ConsumerRecord] = []
        while await consumer.position(place) < end:
            records += (await consumer.getmany(place, timeout_ms=200)).get(place, [])
    return records


class TableWorker:
    """An app with a row table and an agent that makes each source record a row."""

    def __init__(self, cluster: TableCluster, folder: Path) -> None:
        self.app = faust.App(
            cluster.group,
            broker=f"bulk://{cluster.servers}",
            store="rocksdb://",
            datadir=str(folder),
            web_enabled=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            TableManager=PromptTables,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=0.5,
        )
        self.rows = RowTable(self.app, "rows", PARTITIONS, cluster.send, times_of)
        self.records = 0
        self.recovered: list[int] = []

        @self.app.agent(
            self.app.topic(cluster.source, schema=RecordBatchSchema(max_records=300)),
            supervisor_strategy=CrashingSupervisor,
        )
        async def write(stream: Any) -> None:
            unacknowledged = stream.noack()
            async for event in unacknowledged.events():
                batch = event.value
                await self.rows.write(batch.partition, {r.key: r.value for r in batch.records})
                await unacknowledged.ack(event)
                self.records += len(batch)

        table = self.app.tables["rows"]
        apply_changelog_batch = table.apply_changelog_batch

        def watched(batch: list[Any]) -> None:
            self.recovered.extend(len(event.value) for event in batch)
            apply_changelog_batch(batch)

        table.apply_changelog_batch = watched

    @property
    def partitions(self) -> set[int]:
        """Source partitions that are read now; none during a rebalance or recovery."""
        if self.app.rebalancing or not self.app.tables.actives_ready:
            return set()
        return {tp.partition for tp in self.app.consumer.assignment() if tp.topic.endswith("source")}
