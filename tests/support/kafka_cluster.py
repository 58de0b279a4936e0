"""One application on a test's broker: its topics, its worker in this process, and what it left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from stream_app.core.partition import Partition
from stream_app.features.user_row import UserRow, decode_row
from stream_app.learning.ports import Models
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.app import StreamApp, build_worker
from stream_app.runtimes.kafka.consume.producer import BulkProducer, Message
from stream_app.runtimes.kafka.models.loaded_models import ModelSource
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import create_topics, name_of, partitions_of
from stream_app.runtimes.kafka.state.claims import rows_that_count
from stream_app.runtimes.kafka.state.stored_partition import META_KEY
from stream_app.schemas.topics import EVENTS, TOPICS, USER_PREFIX, rows_changelog
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules

DEADLINE_SECONDS = 60.0


class FixedModelSource(ModelSource):
    """Models that are there from the start and never change."""

    def __init__(self, models: Models) -> None:
        super().__init__()
        self.models = models

    async def wait_until_caught_up(self) -> None:
        return


class Cluster:
    """The topics and groups of one application, told apart from other tests' by a prefix."""

    def __init__(self, servers: str, prefix: str, folder: Path, **overrides: Any) -> None:
        self.settings = Settings(
            app_id=f"{prefix}app",
            topic_prefix=prefix,
            kafka_servers=servers,
            state_dir=folder,
            snapshot_key="a key for tests alone",
            metrics_port=0,
            idle_check=0.1,
            **overrides,
        )

    async def create_topics(self) -> None:
        await create_topics(self.settings)

    async def produce(self, messages: Sequence[Message], partition: int = 0) -> None:
        async with BulkProducer(self.settings) as producer:
            await producer.send(name_of(EVENTS, self.settings), partition, messages)

    @contextlib.asynccontextmanager
    async def worker(
        self, models: Models, metrics: Metrics, clock: Callable[[], float], folder: Path | None = None
    ) -> AsyncIterator[StreamApp]:
        """A worker with models that stand still; it has left its group when the block ends."""
        settings = self.settings.model_copy(update={"state_dir": folder or self.settings.state_dir})
        app = build_worker(settings, metrics, lambda *_: FixedModelSource(models), clock, clock)
        app.finalize()
        await app.start()
        try:
            yield app
            if app.crashed:
                raise app.crash_reason
        finally:
            await app.stop()

    async def rows(self) -> dict[str, UserRow]:
        """Every user's newest row, as the changelog has it."""
        changelog = rows_changelog(self.settings.app_id)
        rows: dict[str, UserRow] = {}
        records = await self.records(changelog.name, range(self.settings.partitions))
        for record in rows_that_count(records):
            if record.key.startswith(USER_PREFIX):
                user_key = record.key.removeprefix(USER_PREFIX).decode()
                rows.pop(user_key, None)
                if record.value is not None:
                    rows[user_key] = decode_row(record.value)
        return rows

    async def contained(self, topic: str = EVENTS.name) -> dict[int, int]:
        """By partition, the last offset of a declared topic that its rows contain."""
        changelog = rows_changelog(self.settings.app_id)
        records = await self.records(changelog.name, range(self.settings.partitions))
        newest = {
            record.partition: record.value for record in rows_that_count(records) if record.key == META_KEY
        }
        return {
            number: Partition(number, Rules(), value).meta.applied.get(topic, -1)
            for number, value in newest.items()
        }

    async def outputs(self) -> list[dict[str, Any]]:
        """Everything that came out, repeats included."""
        found: list[dict[str, Any]] = []
        for topic in TOPICS:
            if topic.has_outputs:
                numbers = range(partitions_of(topic, self.settings))
                records = await self._read(name_of(topic, self.settings), numbers)
                found += [orjson.loads(value) for _, value in records]
        return found

    async def _read(self, topic: str, partitions: Iterable[int]) -> list[tuple[bytes, bytes]]:
        return [(record.key, record.value) for record in await self.records(topic, partitions)]

    async def records(self, topic: str, partitions: Iterable[int]) -> list[ConsumerRecord]:
        """All that partitions of a topic hold now."""
        consumer = AIOKafkaConsumer(
            **client_options(self.settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in partitions]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records: list[ConsumerRecord] = []
            for place in places:
                while await consumer.position(place) < ends[place]:
                    for taken in (await consumer.getmany(place, timeout_ms=200)).values():
                        records += taken
            return records
        finally:
            await consumer.stop()


async def until(condition: Callable[[], bool], app: StreamApp) -> None:
    """Wait for something that the worker does; a worker that crashed is told of at once."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not condition():
        if app.crashed:
            raise app.crash_reason
        assert asyncio.get_running_loop().time() < deadline, "not reached in time"
        await asyncio.sleep(0.02)
