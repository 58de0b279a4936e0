"""`stream-app worker` as a process: killed and begun again, two at once, without topics, without a broker."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from support.kafka_cluster import Cluster
from support.worker_process import WorkerProcess, worker_process

from load_tests.broker import Broker, running_broker
from stream_app.core.user_row import UserRow, encode_row
from stream_app.runtimes.kafka.feeding import spread_by_user
from stream_app.testing import comparable, random_events

pytestmark = pytest.mark.kafka

PARTITIONS = 4
EVENTS = random_events(Random(7), 4_000, users=60)
DEADLINE_SECONDS = 90.0
NO_TRAINER = ("worker", "--no-trainer")


def test_a_worker_killed_again_and_again_loses_and_repeats_nothing(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settled = _process(_cluster(broker, f"{topic_prefix}a-"), tmp_path / "a", kills=0)
    killed = _process(_cluster(broker, f"{topic_prefix}b-"), tmp_path / "b", kills=2)
    assert _without_decisions(killed.rows) == _without_decisions(settled.rows)
    for schema in ("closed_session", "training_example", "failed_event"):
        assert killed.of(schema) == settled.of(schema)


def test_two_workers_share_the_partitions(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    settled = _process(_cluster(broker, f"{topic_prefix}a-"), tmp_path / "a", kills=0)
    shared = _cluster(broker, f"{topic_prefix}b-")
    ends = asyncio.run(_produce(shared))
    with (
        worker_process(shared.settings, tmp_path / "one", *NO_TRAINER) as worker,
        worker_process(shared.settings, tmp_path / "two", *NO_TRAINER),
    ):
        _wait_for(partial(_is_past, shared, ends), worker)
    results = asyncio.run(_results(shared))
    assert _without_decisions(results.rows) == _without_decisions(settled.rows)
    assert results.of("training_example") == settled.of("training_example")


def test_a_worker_without_topics_says_what_to_run(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    cluster = _cluster(broker, topic_prefix)
    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        assert worker.process.wait(DEADLINE_SECONDS) == 4
        assert "run `stream-app topics create`" in worker.last_line


def test_a_worker_that_loses_its_broker_says_so_and_ends(topic_prefix: str, tmp_path: Path) -> None:
    with running_broker(tmp_path / "broker") as broker:
        cluster = _cluster(broker, topic_prefix, kafka_timeout=3.0)
        asyncio.run(cluster.create_topics())
        with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
            _wait_for(lambda: "is running" in worker.log.read_text(), worker)
            broker.kill()
            assert worker.process.wait(DEADLINE_SECONDS) == 4
            assert "the broker is lost" in worker.last_line


def test_a_worker_that_is_told_to_stop_leaves_with_code_0(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(broker, topic_prefix)
    asyncio.run(cluster.create_topics())
    with worker_process(cluster.settings, tmp_path, "worker") as worker:
        _wait_for(lambda: "-trainer is running" in worker.log.read_text(), worker)
        assert worker.terminate() == 0


def _cluster(broker: Broker, prefix: str, **overrides: Any) -> Cluster:
    folder = Path("unused: every process has a folder of its own")
    small = {"partitions": PARTITIONS, "batch_records": 100, "session_timeout": 6}
    return Cluster(broker.bootstrap_servers, prefix, folder, **small, **overrides)


class Results:
    """Rows and outputs as the topics hold them."""

    def __init__(self, rows: dict[str, UserRow], outputs: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.outputs = outputs

    def of(self, schema: str) -> dict[str, dict[str, Any]]:
        """Outputs of one schema by id; a repeat with another content is refused."""
        return comparable(output for output in self.outputs if output["schema_name"] == schema)


def _process(cluster: Cluster, folder: Path, kills: int) -> Results:
    """Run one worker over the events, killed `kills` times on the way."""
    ends = asyncio.run(_produce(cluster))
    for stage in range(1, kills + 2):
        reached = {partition: end * stage // (kills + 1) for partition, end in ends.items()}
        with worker_process(cluster.settings, folder, *NO_TRAINER) as worker:
            _wait_for(partial(_is_past, cluster, reached), worker)
            worker.kill()
    return asyncio.run(_results(cluster))


async def _produce(cluster: Cluster) -> dict[int, int]:
    """Send the events; by partition, the offset of the last."""
    await cluster.create_topics()
    by_partition = spread_by_user(EVENTS, PARTITIONS)
    for partition, messages in by_partition.items():
        await cluster.produce(messages, partition)
    return {partition: len(messages) - 1 for partition, messages in by_partition.items()}


async def _results(cluster: Cluster) -> Results:
    return Results(await cluster.rows(), await cluster.outputs())


def _is_past(cluster: Cluster, offsets: dict[int, int]) -> bool:
    contained = asyncio.run(cluster.contained())
    return all(contained.get(partition, -1) >= offset for partition, offset in offsets.items())


def _wait_for(condition: Callable[[], bool], worker: WorkerProcess) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert worker.process.poll() is None, worker.log.read_text()
        assert time.monotonic() < deadline, "not reached in time"


def _without_decisions(rows: dict[str, UserRow]) -> dict[str, bytes]:
    """Rows less what hangs on the models, which learn at another pace in every run."""
    neutral = {"tier": 0, "next_tier": 0, "recommended_at": 0.0, "recommended_item": "", "sent_lists": []}
    return {user: encode_row(msgspec.structs.replace(row, **neutral)) for user, row in rows.items()}
