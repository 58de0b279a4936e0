"""The collector before a real broker: 200 only for what it has acknowledged; lost, and back again."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from httpx import Response
from support.collector_process import collector_process, send, wait_until_ready
from support.kafka_cluster import Cluster

from load_tests.broker import Broker, free_port
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS

pytestmark = pytest.mark.kafka

PARTITIONS = 4
CLIENTS = 8


def event(number: int) -> dict[str, Any]:
    return {"type": "page", "messageId": f"m{number}", "userId": f"u{number % 50}"}


def prepared(broker: Broker, prefix: str, folder: Path) -> Cluster:
    cluster = Cluster(
        broker.bootstrap_servers, prefix, folder, partitions=PARTITIONS, collector_port=free_port(),
        collector_timeout=2.0,
    )  # fmt: skip
    asyncio.run(cluster.create_topics())
    return cluster


def kept(cluster: Cluster) -> Counter[str]:
    """How often each message is in the events topic; each must lie where its user belongs."""
    records = asyncio.run(cluster.records(name_of(EVENTS, cluster.settings), range(PARTITIONS)))
    found = [(record, orjson.loads(record.value)) for record in records]
    assert all(record.key == value["userId"].encode() for record, value in found)
    assert all(record.partition == partition_of(record.key, PARTITIONS) for record, _ in found)
    return Counter(value["messageId"] for _, value in found)


def test_what_is_answered_lies_in_its_users_partition_once(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = prepared(broker, topic_prefix, tmp_path)
    with collector_process(cluster.settings, tmp_path) as process, ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda number: send(cluster.settings, event(number)), range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert kept(cluster) == Counter(f"m{number}" for number in range(100))
        assert process.terminate() == 0


def test_nothing_is_taken_while_the_broker_is_lost_and_all_when_it_is_back(
    failing_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = prepared(failing_broker, topic_prefix, tmp_path)
    sent_once: list[int] = []
    sent_again: list[int] = []
    with collector_process(cluster.settings, tmp_path) as process, ThreadPoolExecutor(CLIENTS) as pool:

        def answers(numbers: Iterable[int]) -> list[Response]:
            return list(pool.map(lambda number: send(cluster.settings, event(number)), numbers))

        outages = ((failing_broker.freeze, failing_broker.thaw), (failing_broker.kill, failing_broker.start))
        for number, (lose, bring_back) in enumerate(outages):
            before, meanwhile, after = (range(at, at + 16) for at in range(number * 48, number * 48 + 48, 16))
            assert {answer.status_code for answer in answers(before)} == {200}
            lose()
            refused = answers(meanwhile)
            assert {answer.status_code for answer in refused} == {503}
            assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
            bring_back()
            wait_until_ready(cluster.settings, process)
            assert {answer.status_code for answer in answers([*meanwhile, *after])} == {200}
            sent_once += [*before, *after]
            sent_again += meanwhile
    found = kept(cluster)
    assert set(found) == {f"m{number}" for number in sent_once + sent_again}
    # Only what was refused may be there twice, under the id by which the core knows it again.
    assert all(found[f"m{number}"] == 1 for number in sent_once)
