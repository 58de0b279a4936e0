"""Topics that are made anew or get more partitions under a worker: noticed, and nothing is lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from support.kafka_cluster import DEADLINE_SECONDS, Cluster
from support.worker_process import worker_process

from load_tests.broker import Broker
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.positions import reset_positions
from stream_app.runtimes.kafka.operate.topic_facts import read_facts
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS
from stream_app.testing import page

pytestmark = pytest.mark.kafka

GENERATION = 10**12
NO_TRAINER = ("worker", "--no-trainer")


def test_nothing_is_passed_over_in_a_topic_that_was_made_anew(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(broker, topic_prefix)
    asyncio.run(cluster.create_topics())
    _send(cluster, *range(5))
    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        worker.wait_for(lambda: asyncio.run(cluster.contained()).get(0) == 4)
        asyncio.run(_make_anew(cluster))
        _send(cluster, 5, 6)
        assert worker.process.wait(DEADLINE_SECONDS) in (3, 4), worker.log.read_text()
        assert "run `stream-app " in worker.last_line
    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        assert worker.process.wait(DEADLINE_SECONDS) == 3
        assert "was deleted and recreated" in worker.last_line
    assert asyncio.run(reset_positions(cluster.settings)) == {EVENTS.name: [0]}
    assert asyncio.run(reset_positions(cluster.settings)) == {}
    for folder in (tmp_path, tmp_path / "another"):  # the local rows, and those of the changelog
        with worker_process(cluster.settings, folder, *NO_TRAINER) as worker:
            worker.wait_for(lambda: asyncio.run(cluster.contained()).get(0) == GENERATION + 1)
            worker.wait_for(lambda worker=worker: worker.has_said("is running"))
            assert worker.terminate() == 0
    [row] = asyncio.run(cluster.rows()).values()
    assert row.kinds["page"].count == 7


def test_partitions_that_are_added_are_noticed(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    cluster = _cluster(broker, topic_prefix)
    asyncio.run(cluster.create_topics())
    _send(cluster, 0)

    async def add() -> None:
        admin = await connect(cluster.settings)
        await admin.create_partitions({name_of(EVENTS, cluster.settings): NewPartitions(3)})
        await admin.close()

    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        worker.wait_for(lambda: asyncio.run(cluster.contained()).get(0) == 0)
        asyncio.run(add())
        assert worker.process.wait(DEADLINE_SECONDS) == 4, worker.log.read_text()
        assert "has 3 partitions now, and had 1" in worker.last_line


def _cluster(broker: Broker, prefix: str, **settings: Any) -> Cluster:
    folder = Path("unused: every process has a folder of its own")
    return Cluster(broker.bootstrap_servers, prefix, folder, partitions=1, session_timeout=6, **settings)


def _send(cluster: Cluster, *minutes: int) -> None:
    asyncio.run(cluster.produce([(b"u", page("u", 60 * minute, f"item-{minute}")) for minute in minutes]))


async def _make_anew(cluster: Cluster) -> None:
    name = name_of(EVENTS, cluster.settings)
    admin = await connect(cluster.settings)
    await admin.delete_topics([name])
    await _until(admin, name, is_there=False)
    await cluster.create_topics()
    await _until(admin, name, is_there=True)
    await admin.close()


async def _until(admin: AIOKafkaAdminClient, name: str, is_there: bool) -> None:
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while bool(await read_facts(admin, [name])) is not is_there:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
