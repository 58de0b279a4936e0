"""What every runtime must do, done by a Kafka worker on a real broker."""

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
from behaviour.runtime_behaviour import Processed, RawRecord, RuntimeBehaviour
from support.kafka_cluster import DEADLINE_SECONDS, Cluster, until

from load_tests.broker import Broker
from stream_app.core.step import MESSAGE_TYPE
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.app import StreamApp
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import LINKS
from stream_app.testing import RECEIVED_AT, FixedModels

pytestmark = pytest.mark.kafka

IDLE_SECONDS = 3_600.0


class TestKafka(RuntimeBehaviour):
    carries_nulls = True
    carries_keys = True

    @pytest.fixture(autouse=True)
    def _broker(self, broker: Broker, topic_prefix: str) -> None:
        self.servers = broker.bootstrap_servers
        self.prefixes = (f"{topic_prefix}{number}-" for number in count())

    def process(self, folder: Path, *deliveries: Sequence[RawRecord]) -> Processed:
        self.cluster = Cluster(self.servers, next(self.prefixes), folder, partitions=1)
        return asyncio.run(self._process(deliveries))

    async def _process(self, deliveries: Sequence[Sequence[RawRecord]]) -> Processed:
        metrics = Metrics()
        clock = [RECEIVED_AT]
        await self.cluster.create_topics()
        for number, delivery in enumerate(deliveries, start=1):
            sent = sum(len(given) for given in deliveries[:number])
            await self.cluster.produce(delivery)
            async with self.cluster.worker(FixedModels().models, metrics, lambda: clock[0]) as app:
                await until(lambda sent=sent: _counted(metrics, is_message=False) >= sent, app)
                await self._until_messages_are_taken(metrics, app)
                if number == len(deliveries):
                    clock[0] += IDLE_SECONDS
                    await self._until_all_sessions_are_closed(app)
        return Processed(await self.cluster.rows(), await self.cluster.outputs(), metrics)

    async def _until_messages_are_taken(self, metrics: Metrics, app: StreamApp) -> None:
        """Wait until nothing is under way from row to row: what a message causes is sent before it counts."""
        links = name_of(LINKS, self.cluster.settings)
        deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        while _counted(metrics, is_message=True) < len(await self.cluster.records(links, [0])):
            assert not app.crashed, app.crash_reason
            assert asyncio.get_running_loop().time() < deadline, "messages are left"

    async def _until_all_sessions_are_closed(self, app: StreamApp) -> None:
        deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        while any(row.open_sessions for row in (await self.cluster.rows()).values()):
            assert not app.crashed, app.crash_reason
            assert asyncio.get_running_loop().time() < deadline, "sessions stay open"


def _counted(metrics: Metrics, is_message: bool) -> int:
    """Messages from row to row, or all other records, counted so far."""
    return sum(
        int(sample.value)
        for family in metrics.events.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and (sample.labels["type"] == MESSAGE_TYPE) is is_message
    )
