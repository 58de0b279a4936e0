"""The Faust apps: one processes events, one trains. Each is a separate consumer group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import faust
from faust.app.base import BootStrategy
from faust.exceptions import ConsumerNotStarted
from faust.tables.manager import TableManager
from faust.types import TP
from mode import CrashingSupervisor, Service

from stream_app.errors import StateError
from stream_app.observability.guard import STRIKES_FILE, Position
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.private_folder import make_private
from stream_app.runtimes.kafka.consume.follower import TopicFollower
from stream_app.runtimes.kafka.consume.processor import Processor
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.consume.strikes import Strikes
from stream_app.runtimes.kafka.consume.transport import RecordBatchSchema
from stream_app.runtimes.kafka.models.loaded_models import LoadedModels, ModelSource
from stream_app.runtimes.kafka.models.recommender_publisher import RecommenderPublisher
from stream_app.runtimes.kafka.models.trainer import ModelTrainer
from stream_app.runtimes.kafka.operate.connection import faust_credentials
from stream_app.runtimes.kafka.operate.lifetimes import Lifetimes
from stream_app.runtimes.kafka.operate.topics import name_of, source_names
from stream_app.runtimes.kafka.state.origins import TopicIds
from stream_app.runtimes.kafka.state.stored_partition import times_of
from stream_app.runtimes.kafka.state.tables import RowTable
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import EVENTS, EXAMPLES
from stream_app.settings.environment import Settings

LAG_SECONDS = 5.0
RESCORE_SECONDS = 1.0
COMMIT_SECONDS = 2.8
RECOVERED_BATCHES = 16
PUBLISH_CHECK_SECONDS = 1.0
HEARTBEATS_PER_TIMEOUT = 10


class ServicesFirst(BootStrategy):  # type: ignore[misc]  # Faust ships no types
    """Starts our own services before anything that consumes, and stops them afterwards."""

    def server(self) -> Iterable[Any]:
        """Our services, then Faust's."""
        return chain(self.app.services_first, super().server())


class PromptTables(TableManager):  # type: ignore[misc]
    """Faust's tables, without the second that it waits for agents declared during the start."""

    async def on_start(self) -> None:
        """Open the tables and get ready to recover their rows."""
        await self._update_channels()
        await self.recovery.start()


class StreamApp(faust.App):  # type: ignore[misc]
    """A Faust app with services that must run before its agents do."""

    BootStrategy = ServicesFirst

    def __init__(
        self,
        *args: Any,
        services: Iterable[Service] = (),
        followers: Sequence[TopicFollower] = (),
        snapshot_interval: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.services_first = list(services)
        self.followers = followers
        self.longest_uncommitted = COMMIT_SECONDS + snapshot_interval
        super().__init__(*args, **kwargs)


class Footing(NamedTuple):
    """Where an app notes its progress, the ids of the source topics, and how long topics keep records."""

    position: Position
    topic_ids: TopicIds = MappingProxyType({})
    lifetimes: Lifetimes | None = None


def build_worker(
    settings: Settings,
    metrics: Metrics,
    make_models: Callable[[Settings, Metrics], ModelSource] = LoadedModels,
    clock: Callable[[], float] = time.time,
    stopwatch: Callable[[], float] = time.monotonic,
    footing: Footing | None = None,
) -> StreamApp:
    """The app that turns events into rows and decisions.

    `clock` is wall time in epoch seconds, which can jump; `stopwatch` measures spans and never jumps.
    """
    footing = footing or Footing(Position())
    producer = BulkProducer(settings, metrics.failed.labels(FailureReason.TOO_LARGE_OUTPUT).inc)
    loaded = make_models(settings, metrics)
    app = _build_app(settings.app_id, settings, [producer, loaded], followers=loaded.followers)
    table = RowTable(app, "rows", settings.partitions, producer.send, times_of)
    processor = Processor(
        settings,
        table,
        producer,
        lambda: loaded.models,
        loaded.complete,
        metrics,
        clock,
        stopwatch,
        footing.position,
        Strikes(state_folder(settings.app_id, settings) / STRIKES_FILE),
        footing.topic_ids,
        footing.lifetimes,
    )
    schema = RecordBatchSchema(max_records=settings.batch_records, max_bytes=settings.batch_bytes)
    sources = source_names(settings)
    records = app.topic(*sources, schema=schema)
    events = name_of(EVENTS, settings)

    @app.agent(records, name="process", supervisor_strategy=CrashingSupervisor)
    async def process(stream: Any) -> None:
        await loaded.wait_until_caught_up()
        unacknowledged = stream.noack()

        async def acknowledge(event: Any, written: Awaitable[None]) -> None:
            await written
            await unacknowledged.ack(event)

        async for event in unacknowledged.events():
            app.add_future(acknowledge(event, await processor.process(event.value)))

    @app.timer(interval=settings.idle_check)
    async def close_idle() -> None:
        if not app.rebalancing and not app.in_recovery:
            await processor.close_idle(_numbers(app.consumer.assignment(), events))

    @app.timer(interval=RESCORE_SECONDS)
    async def score_again() -> None:
        if settings.rescore_within and not app.rebalancing and not app.in_recovery:
            await processor.score_again(_numbers(app.consumer.assignment(), events))

    @app.timer(interval=LAG_SECONDS)
    async def show_lag() -> None:
        if not app.rebalancing:
            for full_name, name in sources.items():
                await _show_lag(app, metrics, full_name, name, partial(processor.next_offset, name))

    @app.on_partitions_revoked.connect
    async def forget(_app: Any, revoked: set[TP], **_: Any) -> None:
        for number in _numbers(revoked, events):
            await processor.forget(number)

    return app


def build_trainer(settings: Settings, metrics: Metrics, position: Position | None = None) -> StreamApp:
    """The app that learns; of several, only the one that holds the topic's partition is active."""
    producer = BulkProducer(settings, metrics.failed.labels(FailureReason.TOO_LARGE_OUTPUT).inc)
    # After a rebalance, the new owner continues from the last snapshot and relearns what came after it.
    publisher = RecommenderPublisher(settings, producer, metrics, lambda: _has_partitions(app))
    app = _build_app(
        trainer_id(settings),
        settings,
        [producer, publisher],
        stream_wait_empty=False,
        followers=[publisher.follower],
        snapshot_interval=settings.snapshot_interval,
    )
    training = Training(
        lambda: ModelTrainer(settings, producer, metrics, time.time, time.monotonic), position or Position()
    )
    schema = RecordBatchSchema(max_records=settings.batch_records, max_bytes=settings.batch_bytes)
    examples = app.topic(name_of(EXAMPLES, settings), schema=schema)

    @app.agent(examples, name="train", supervisor_strategy=CrashingSupervisor)
    async def train(stream: Any) -> None:
        unacknowledged = stream.noack()
        async for event in unacknowledged.events():
            await training.learn_batch(event, unacknowledged)

    @app.timer(interval=PUBLISH_CHECK_SECONDS)
    async def publish() -> None:
        await training.publish_if_due()

    @app.timer(interval=LAG_SECONDS)
    async def show_lag() -> None:
        if not app.rebalancing:
            examples_topic = name_of(EXAMPLES, settings)
            await _show_lag(app, metrics, examples_topic, EXAMPLES.name, lambda _: training.next_offset)

    @app.on_partitions_revoked.connect
    async def forget(_app: Any, _revoked: set[TP], **_: Any) -> None:
        await training.forget()
        metrics.forget_partition([EXAMPLES.name], 0)
        metrics.forget_models()

    return app


class Training:
    """One trainer for as long as the partition is held; events are acknowledged once a snapshot has them."""

    def __init__(self, make_trainer: Callable[[], ModelTrainer], position: Position) -> None:
        self._make_trainer = make_trainer
        self._position = position
        self._trainer: ModelTrainer | None = None
        self._waiting: list[tuple[Any, Any]] = []
        self._lock = asyncio.Lock()
        self.next_offset: int | None = None

    async def learn_batch(self, event: Any, stream: Any) -> None:
        """Learn an event's batch; before the first one, restore the newest snapshot."""
        async with self._lock:
            if self._trainer is None:
                trainer = self._make_trainer()
                await trainer.restore()
                self._trainer = trainer
            batch = event.value
            self._position.begin(batch.topic, 0, batch.records[0].offset, batch.records[-1].offset)
            await self._trainer.learn(batch.records)
            self._position.end()
            self._waiting.append((event, stream))
            self.next_offset = batch.records[-1].offset + 1
        await self.publish_if_due()

    async def publish_if_due(self) -> None:
        """Publish what was learned, then acknowledge it."""
        async with self._lock:
            if self._trainer is None:
                return
            await self._trainer.unlearn_if_due()
            if self._trainer.is_due:
                await self._trainer.publish()
            if not self._trainer.has_unpublished:
                for event, stream in self._waiting:
                    await stream.ack(event)
                self._waiting = []

    async def forget(self) -> None:
        """Start over from the newest snapshot, which may now be another trainer's."""
        async with self._lock:
            self._trainer = None
            self._waiting = []
            self.next_offset = None


def trainer_id(settings: Settings) -> str:
    """The trainer's group, and the name of its state folder."""
    return f"{settings.app_id}-trainer"


def state_folder(app_id: str, settings: Settings) -> Path:
    """Where an app keeps its local state."""
    return settings.state_dir / app_id


def make_state_folder(folder: Path) -> None:
    """Create an app's folder, accessible only to its owner.

    Raises:
        StateError: it cannot be created.
    """
    try:
        make_private(folder)
    except OSError as error:
        raise StateError(f"{folder} cannot be made ({error}): set STREAM_APP_STATE_DIR") from error


def _build_app(app_id: str, settings: Settings, services: Iterable[Service], **options: Any) -> StreamApp:
    folder = state_folder(app_id, settings)
    make_state_folder(folder)
    return StreamApp(
        app_id,
        services=services,
        broker=";".join(f"bulk://{server}" for server in settings.kafka_servers.split(",")),
        broker_credentials=faust_credentials(settings),
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / HEARTBEATS_PER_TIMEOUT,
        broker_request_timeout=settings.session_timeout + settings.kafka_timeout,
        consumer_auto_offset_reset="earliest",
        datadir=str(folder),
        store="rocksdb://",
        stream_buffer_maxsize=RECOVERED_BATCHES,
        table_standby_replicas=0,
        TableManager=PromptTables,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        **options,
    )


def _has_partitions(app: StreamApp) -> bool:
    try:
        return bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False


def _numbers(partitions: Iterable[TP], topic: str) -> set[int]:
    return {partition.partition for partition in partitions if partition.topic == topic}


async def _show_lag(
    app: StreamApp,
    metrics: Metrics,
    full_name: str,
    name: str,
    next_offset: Callable[[int], int | None],
) -> None:
    for partition in app.consumer.assignment():
        if partition.topic == full_name:
            end = app.consumer.highwater(partition)
            position = next_offset(partition.partition)
            if position is None:
                position = await app.consumer.position(partition)
            if end is not None and position is not None:
                metrics.lag.labels(name, str(partition.partition)).set(max(end - position, 0))
