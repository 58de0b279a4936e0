"""`stream-app worker` as a process: no topics, no broker, told to stop. `tests/faults` kills it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.kafka_cluster import Cluster
from support.worker_process import WorkerProcess, worker_process

from load_tests.broker import Broker, running_broker

pytestmark = pytest.mark.kafka

PARTITIONS = 4
DEADLINE_SECONDS = 90.0
NO_TRAINER = ("worker", "--no-trainer")


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


def _wait_for(condition: Callable[[], bool], worker: WorkerProcess) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert worker.process.poll() is None, worker.log.read_text()
        assert time.monotonic() < deadline, "not reached in time"
