"""The watch over a worker: what has stopped is noticed and told of, what merely rests is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from support.kafka_cluster import DEADLINE_SECONDS, Cluster, FixedModelSource, until
from support.worker_process import worker_process

from load_tests.broker import Broker
from stream_app.errors import StalledError
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.app import StreamApp, build_worker
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.runtimes.kafka.operate.watching import Watch
from stream_app.schemas.topics import EVENTS
from stream_app.testing import FixedModels, page

pytestmark = pytest.mark.kafka

LIMIT = 4.0


class NeverReady(FixedModelSource):
    """Models that are waited for until the end of time."""

    async def wait_until_caught_up(self) -> None:
        await asyncio.Event().wait()


class Watched(NamedTuple):
    """A running worker, and the watch over it."""

    app: StreamApp
    metrics: Metrics
    watch: asyncio.Task[None]

    async def until_processed(self, records: int) -> None:
        await until(lambda: sum(self.metrics.event_outcomes().values()) == records, self.app)


def test_what_rests_is_left_alone_and_what_stops_fetching_is_noticed(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1, stall_timeout=LIMIT)

    async def run() -> None:
        async with _watched(cluster, FixedModelSource) as worker:
            await _send(cluster, "u", 0)
            await worker.until_processed(1)
            await _send_in_transaction(cluster, "u", 1)
            await worker.until_processed(2)
            # The marker of the transaction has an offset that nobody will ever process.
            await asyncio.wait([worker.watch], timeout=2 * LIMIT)
            assert not worker.watch.done()
            assert worker.metrics.health.trouble == ""

            thread = worker.app.consumer._thread
            thread.thread_loop.call_soon_threadsafe(_stop_fetching, thread._consumer._fetcher)
            await _send(cluster, "u", 2)
            with pytest.raises(StalledError, match=r"partition 0 have waited .* and none was fetched"):
                await asyncio.wait_for(worker.watch, DEADLINE_SECONDS)

    asyncio.run(run())


def test_a_batch_that_is_never_finished_is_noticed(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1, stall_timeout=LIMIT)

    async def run() -> None:
        async with _watched(cluster, NeverReady) as worker:
            await _send(cluster, "u", 0)
            with pytest.raises(StalledError, match=r"offset 0 on .* a batch of them has not been finished"):
                await asyncio.wait_for(worker.watch, DEADLINE_SECONDS)
            assert worker.metrics.health.trouble.startswith("records have waited unprocessed")
            assert worker.metrics.registry.get_sample_value("stream_app_stalled_seconds")

    asyncio.run(run())


def test_a_frozen_broker_is_told_of_and_keeps_nobody_from_leaving(
    failing_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    patient = Cluster(
        failing_broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1, session_timeout=6
    )
    hasty = patient.settings.model_copy(update={"kafka_timeout": 1.0})
    asyncio.run(patient.create_topics())
    with (
        worker_process(patient.settings, tmp_path / "told", "worker", "--no-trainer") as told,
        worker_process(hasty, tmp_path / "gives up", "worker", "--no-trainer") as gives_up,
    ):
        for worker in (told, gives_up):
            worker.wait_for(partial(worker.has_said, "is running"))
        failing_broker.freeze()
        assert told.terminate(DEADLINE_SECONDS) == 0
        assert gives_up.process.wait(DEADLINE_SECONDS) == 4
        assert gives_up.has_said("no broker has answered for")
        assert gives_up.last_line.startswith("stream-app: the broker is lost")


@asynccontextmanager
async def _watched(cluster: Cluster, models: type[FixedModelSource]) -> AsyncIterator[Watched]:
    await cluster.create_topics()
    metrics = Metrics()
    app = build_worker(cluster.settings, metrics, lambda *_: models(FixedModels().models))
    app.finalize()
    await app.start()
    watch = asyncio.create_task(Watch(app, cluster.settings, metrics).run())
    try:
        yield Watched(app, metrics, watch)
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await app.stop()


def _stop_fetching(fetcher: Any) -> None:
    for task in (fetcher._fetch_task, *fetcher._pending_tasks):
        task.cancel()


async def _send(cluster: Cluster, user: str, at: float) -> None:
    await cluster.produce([(user.encode(), page(user, at, "item-1"))])


async def _send_in_transaction(cluster: Cluster, user: str, at: float) -> None:
    producer = AIOKafkaProducer(**client_options(cluster.settings), transactional_id=cluster.settings.app_id)
    async with producer, producer.transaction():
        topic = name_of(EVENTS, cluster.settings)
        await producer.send_and_wait(topic, page(user, at, "item-1"), key=user.encode(), partition=0)
