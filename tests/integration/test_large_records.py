"""Records of any size that the broker takes: each ends as a failed event that fits, and nothing stops."""

import asyncio
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from support.kafka_cluster import DEADLINE_SECONDS, Cluster, until

from load_tests.broker import Broker
from stream_app.errors import BrokerError
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.operate import topics
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.schemas.topics import EVENTS, FAILED
from stream_app.settings.rules import Rules
from stream_app.testing import RECEIVED_AT, FixedModels, page

pytestmark = pytest.mark.kafka

LARGEST = EVENTS.max_message_bytes - 1_024


def test_the_partition_goes_on_after_the_largest_keys_and_values(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1)

    async def run() -> None:
        await cluster.create_topics()
        topic, metrics = name_of(EVENTS, cluster.settings), Metrics()
        async with AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap_servers, max_request_size=2 * LARGEST
        ) as anybody:
            await anybody.send_and_wait(topic, b"{", key=b"k" * LARGEST)
            await anybody.send_and_wait(topic, b"\xc1" * LARGEST, key=b"k")
            await anybody.send_and_wait(topic, b"\xc1" * (LARGEST // 2), key=b"k" * (LARGEST // 2))
        # And what a client of ours is given, however large.
        [messages] = spread_by_user([b'{"userId": "%s"' % (b"u" * 3_000_000)], 1, Rules()).values()
        await cluster.produce([*messages, (b"u", page("u", 0, "item-1"))])
        async with cluster.worker(FixedModels().models, metrics, lambda: RECEIVED_AT) as app:
            await until(lambda: metrics.event_outcomes().get("processed") == 1, app)
        assert metrics.failure_counts() == {"bad_json": 1, "too_large": 3}
        failed = [output for output in await cluster.outputs() if output["schema_name"] == "failed_event"]
        assert [output["source"]["offset"] for output in failed] == [0, 1, 2, 3]
        assert all(len(orjson.dumps(output)) < FAILED.max_message_bytes for output in failed)
        assert failed[0]["key_cut"]["length"] == LARGEST

    asyncio.run(run())


def test_a_topic_that_takes_too_little_is_noticed_at_the_start(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=1)

    async def run() -> None:
        await cluster.create_topics()
        admin = AIOKafkaAdminClient(**client_options(cluster.settings))
        await admin.start()
        failed = name_of(FAILED, cluster.settings)
        little = ConfigResource(ConfigResourceType.TOPIC, failed, {"max.message.bytes": "100000"})
        await admin.alter_configs([little])
        deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        while (await topics._limits(admin, [failed]))[
            failed
        ] != 100_000:  # brokers learn of it a moment later
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
        await admin.close()
        with pytest.raises(BrokerError, match=r"takes records of 100000 bytes, and 2097152 are needed"):
            await check_topics(cluster.settings)

    asyncio.run(run())
