"""The same events give the same rows and, with the same models, the same outputs on both runtimes."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.kafka_cluster import Cluster, until

from load_tests.broker import Broker
from stream_app.features.user_row import UserRow, encode_row
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.settings.rules import Rules
from stream_app.testing import RECEIVED_AT, FixedModels, RecordedSource, comparable, random_events

pytestmark = pytest.mark.kafka

PARTITIONS = 3
EVENTS = random_events(Random(20), 3_000, users=40)


def test_rows_and_outputs_are_the_same(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    cluster = Cluster(
        broker.bootstrap_servers, topic_prefix, tmp_path / "state", partitions=PARTITIONS, batch_records=70
    )
    rows, outputs = asyncio.run(_process_with_kafka(cluster))
    embedded_rows, embedded_outputs = _replay(tmp_path / "data")
    assert {user: encode_row(row) for user, row in rows.items()} == embedded_rows
    assert _without_keys(outputs) == _without_keys(embedded_outputs)
    assert len(embedded_outputs) > len(EVENTS) / 2


async def _process_with_kafka(cluster: Cluster) -> tuple[dict[str, UserRow], list[dict[str, Any]]]:
    metrics = Metrics()
    await cluster.create_topics()
    by_partition = spread_by_user(EVENTS, PARTITIONS, Rules())
    for partition, messages in by_partition.items():
        await cluster.produce(messages, partition)
    async with cluster.worker(FixedModels().models, metrics, lambda: RECEIVED_AT) as app:
        await until(lambda: sum(metrics.event_outcomes().values()) >= len(EVENTS), app)
    return await cluster.rows(), await cluster.outputs()


def _replay(folder: Path) -> tuple[dict[str, bytes], list[bytes]]:
    with Store(folder) as store:
        replay = Replay(store, FixedModels(), Rules(), Metrics(), lambda: RECEIVED_AT, partitions=PARTITIONS)
        # Live: on Kafka nobody knows that a stream is history.
        replay.run(RecordedSource(EVENTS, is_live=True), lambda _records, _read: None)
        return {user: encode_row(row) for _, user, row in store.rows()}, list(store.outputs())


def _without_keys(outputs: list[Any]) -> dict[str, Any]:
    """Records of a file have no key; a failed event's is the one thing that may differ."""
    return {
        identifier: {name: value for name, value in body.items() if name != "key"}
        for identifier, body in comparable(outputs).items()
    }
