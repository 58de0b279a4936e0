"""`stream-app trainer` as a process: kills make no difference to what it learns."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.kafka_cluster import Cluster
from support.worker_process import WorkerProcess, worker_process

from load_tests.broker import Broker
from models import snapshot
from models.learning import LearningModel
from schemas.outputs import SourcePosition, TrainingExample
from schemas.topics import EXAMPLES, SNAPSHOTS
from stream_app.ports import Features
from stream_app.runtimes.kafka.producer import BulkProducer
from stream_app.runtimes.kafka.snapshots import SnapshotReader, Version
from stream_app.runtimes.kafka.topics import name_of

pytestmark = pytest.mark.kafka

DEADLINE_SECONDS = 90.0
COUNT = 240
SNAPSHOT_EXAMPLES = 40  # of which all numbers sent here are multiples: none waits for the interval
TIER = "engagement_tier"


def test_a_trainer_killed_on_the_way_ends_with_the_same_model(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    examples = [_example(number) for number in range(COUNT)]
    # A crash between outputs and rows sends an example again, at another offset.
    sent = examples[:100] + examples[60:100] + examples[100:]
    settled = _train(_cluster(broker, f"{topic_prefix}a-", tmp_path), sent, tmp_path / "a", kill_at=())
    killed = _train(_cluster(broker, f"{topic_prefix}b-", tmp_path), sent, tmp_path / "b", kill_at=(40, 130))
    probes = [_features(Random(number)) for number in range(50)]
    assert killed.examples_seen == settled.examples_seen == COUNT
    assert killed.predict_many(probes) == settled.predict_many(probes)
    assert killed.scores() == settled.scores()


def test_a_trainer_refuses_to_go_on_without_what_it_knew(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(broker, topic_prefix, tmp_path)
    _train(cluster, [_example(number) for number in range(SNAPSHOT_EXAMPLES)], tmp_path / "a", kill_at=())
    other_key = cluster.settings.model_copy(
        update={"snapshot_key": type(cluster.settings.snapshot_key)("quite another key")}
    )
    asyncio.run(_send(cluster, [_example(COUNT)]))
    with worker_process(other_key, tmp_path / "b", "trainer") as trainer:
        assert trainer.process.wait(DEADLINE_SECONDS) == 3
        assert "set the key that signed it" in trainer.last_line


def _cluster(broker: Broker, prefix: str, folder: Path) -> Cluster:
    overrides = {
        "partitions": 1,
        "session_timeout": 6,
        "snapshot_examples": SNAPSHOT_EXAMPLES,
        "batch_records": 10,
    }
    return Cluster(broker.bootstrap_servers, prefix, folder, **overrides)


def _train(
    cluster: Cluster, examples: Sequence[TrainingExample], folder: Path, kill_at: Sequence[int]
) -> LearningModel:
    """Train on the examples, killed once snapshots have come so far; the model of the last snapshot."""
    asyncio.run(cluster.create_topics())
    asyncio.run(_send(cluster, examples))
    for offset in (*kill_at, len(examples) - 1):
        with worker_process(cluster.settings, folder, "trainer") as trainer:
            version = _wait_for_snapshot(cluster, offset, trainer)
            trainer.kill()
    key = cluster.settings.required_snapshot_key
    return snapshot.load(version.data, key)[0]


async def _send(cluster: Cluster, examples: Sequence[TrainingExample]) -> None:
    async with BulkProducer(cluster.settings) as producer:
        messages = [(None, example.model_dump_json().encode()) for example in examples]
        await producer.send(name_of(EXAMPLES, cluster.settings), 0, messages)


def _wait_for_snapshot(cluster: Cluster, offset: int, trainer: WorkerProcess) -> Version:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        reader = SnapshotReader(lambda *_: True, list[Any]().append)
        reader.take(asyncio.run(cluster.records(name_of(SNAPSHOTS, cluster.settings), [0])))
        found = reader.newest.get(TIER)
        if found is not None and found.number >= offset:
            return found
        assert trainer.process.poll() is None, trainer.log.read_text()
        assert time.monotonic() < deadline, "no snapshot in time"


def _example(number: int) -> TrainingExample:
    random = Random(number)
    features = _features(random)
    tier = 1 + (features["visits"] > 4) + (features["visits"] > 8)
    now = datetime.now(UTC)
    return TrainingExample(
        id=f"{number:032x}",
        user_key=f"user-{number}",
        as_of=now,
        emitted_at=now,
        source=SourcePosition(topic="clickstream.events.v1", partition=0, offset=number),
        target=TIER,
        features=dict(features),
        label=tier,
    )


def _features(random: Random) -> Features:
    return {"visits": random.uniform(0, 12), "noise": random.random(), "device": random.choice("ab")}
