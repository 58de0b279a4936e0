"""`stream-app worker` as a process: no topics, no broker, told to stop. `tests/faults` kills it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.kafka_cluster import Cluster
from support.worker_process import DEADLINE_SECONDS, worker_process

from load_tests.broker import Broker, free_port

pytestmark = pytest.mark.kafka

PARTITIONS = 4
NO_TRAINER = ("worker", "--no-trainer")


def test_a_worker_without_topics_says_what_to_run(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    cluster = _cluster(broker, topic_prefix)
    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        assert worker.process.wait(DEADLINE_SECONDS) == 4
        assert "run `stream-app topics create`" in worker.last_line


def test_a_worker_that_loses_its_broker_says_so_and_ends(
    failing_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(failing_broker, topic_prefix, kafka_timeout=3.0)
    asyncio.run(cluster.create_topics())
    with worker_process(cluster.settings, tmp_path, *NO_TRAINER) as worker:
        worker.wait_for(lambda: worker.has_said("is running"))
        failing_broker.kill()
        assert worker.process.wait(DEADLINE_SECONDS) == 4
        assert "the broker is lost" in worker.last_line


def test_a_worker_that_is_told_to_stop_leaves_with_code_0(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(broker, topic_prefix)
    asyncio.run(cluster.create_topics())
    own_port = ("--set", f"metrics_port={free_port()}")  # which the trainer beside it must not take, too
    with worker_process(cluster.settings, tmp_path, "worker", *own_port, is_forked=False) as worker:
        worker.wait_for(lambda: worker.has_said("-trainer is running"))
        assert worker.terminate() == 0
    assert " ERROR " not in worker.log.read_text()


def _cluster(broker: Broker, prefix: str, **overrides: Any) -> Cluster:
    folder = Path("unused: every process has a folder of its own")
    small = {"partitions": PARTITIONS, "batch_records": 100, "session_timeout": 6}
    return Cluster(broker.bootstrap_servers, prefix, folder, **small, **overrides)
