"""`stream-app trainer` tells the scores of items over Kafka: those that the outcomes alone decide."""

import asyncio
from pathlib import Path

import orjson
import pytest
from support.item_outcomes import taught_stream
from support.kafka_cluster import Cluster
from support.worker_process import worker_process

from load_tests.broker import Broker
from stream_app.learning.content_learner import ContentLearner
from stream_app.learning.trainer import Trainer
from stream_app.models.targets import engagement_model
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.outputs import ContentScore
from stream_app.schemas.topics import CONTENT_SCORES, EXAMPLES
from stream_app.testing import comparable

pytestmark = pytest.mark.kafka

STREAM = taught_stream(180)


def test_a_trainer_killed_on_the_way_tells_the_scores_that_one_never_killed_tells(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(
        broker.bootstrap_servers,
        topic_prefix,
        tmp_path,
        partitions=1,
        session_timeout=2,
        batch_records=40,
        snapshot_examples=50,
        snapshot_interval=1,
    )
    asyncio.run(_send(cluster))
    expected = comparable(_told_by_one_process(cluster))
    halfway = list(expected)[len(expected) // 2]
    for awaited in ({halfway}, set(expected)):
        with worker_process(cluster.settings, tmp_path / "trainer", "trainer") as trainer:
            trainer.wait_for(lambda awaited=awaited: awaited <= set(comparable(_told(cluster).values())))
            trainer.kill()
    told = _told(cluster)
    assert comparable(told.values()) == expected
    assert all(orjson.loads(body)["item_id"].encode() == key for (_, key), body in told.items())


async def _send(cluster: Cluster) -> None:
    await cluster.create_topics()
    async with BulkProducer(cluster.settings) as producer:
        messages = [(None, example.model_dump_json().encode()) for example in STREAM]
        await producer.send(name_of(EXAMPLES, cluster.settings), 0, messages)


def _told_by_one_process(cluster: Cluster) -> list[ContentScore]:
    learner = ContentLearner(engagement_model(), cluster.settings.content_interval, lambda: 0.0)
    Trainer({learner.name: learner}).learn(list(enumerate(STREAM)))
    return learner.pop_scores()


def _told(cluster: Cluster) -> dict[tuple[int, bytes], bytes]:
    """By offset and key, the scores that the topic holds."""
    records = asyncio.run(cluster.records(name_of(CONTENT_SCORES, cluster.settings), [0]))
    return {(record.offset, record.key): record.value for record in records}
