"""Anonymous histories and their users in different partitions, with workers killed on the way."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest
from support.kafka_cluster import Cluster
from support.worker_process import worker_process

from load_tests.broker import Broker
from stream_app.features.reading import read_features
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS, LINKS
from stream_app.settings.rules import Rules
from stream_app.testing import START, event, track

pytestmark = pytest.mark.kafka

PARTITIONS = 4
USERS = 40


def visits(random: Random) -> tuple[list[bytes], dict[str, Counter[str]]]:
    """Events in the order of their times, and by user what all of them come to."""
    sent: list[bytes] = []
    truth: dict[str, Counter[str]] = {f"user-{number}": Counter() for number in range(USERS)}
    for at in range(0, 12_000, 10):
        number = random.randrange(USERS)
        user, anonymous = f"user-{number}", f"visitor-{number}"
        message = {"messageId": f"m{at}"}
        kind = random.random()
        if kind < 0.5:
            sent.append(event("page", "", at, anonymousId=anonymous, **message))
            truth[user]["count_page"] += 1
        elif kind < 0.9:
            sent.append(track(user, at, "Order Completed", {"revenue": at % 97}, **message))
            truth[user]["purchase_count"] += 1
            truth[user]["revenue_total"] += at % 97
        else:
            sent.append(event("identify", user, at, anonymousId=anonymous, **message))
            truth[user]["count_identify"] += 1
    return sent, truth


def test_histories_join_exactly_once_however_often_the_worker_is_killed(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    sent, truth = visits(Random(5))
    assert all(counts["count_identify"] for counts in truth.values())
    folder = Path("unused: the process has a folder of its own")
    cluster = Cluster(
        broker.bootstrap_servers,
        topic_prefix,
        folder,
        partitions=PARTITIONS,
        batch_records=60,
        session_timeout=2,
    )
    ends = asyncio.run(_produce(cluster, sent))
    for stage in (1, 2, 3):
        reached = {partition: end * stage // 3 for partition, end in ends.items()}
        with worker_process(cluster.settings, tmp_path / "state", "worker", "--no-trainer") as worker:
            worker.wait_for(partial(_is_past, cluster, EVENTS.name, reached))
            if stage == 3:
                worker.wait_for(partial(_has_taken_all_messages, cluster))
            worker.kill()
    rows = asyncio.run(cluster.rows())
    for user, counts in truth.items():
        features = read_features(rows[user], START + 12_000)
        assert {name: features.get(name, 0) for name in counts} == pytest.approx(dict(counts)), user
    pointers = [row for key, row in rows.items() if key.startswith("visitor-")]
    assert len(pointers) == USERS
    assert all(row.merged_into and not row.kinds and not row.outgoing for row in pointers)
    apart = [n for n in range(USERS) if _partition(f"user-{n}") != _partition(f"visitor-{n}")]
    assert len(apart) > USERS / 2


def _partition(user: str) -> int:
    return partition_of(user.encode(), PARTITIONS)


async def _produce(cluster: Cluster, sent: list[bytes]) -> dict[int, int]:
    """Send the events; by partition, the offset of the last."""
    await cluster.create_topics()
    by_partition = spread_by_user(sent, PARTITIONS, Rules())
    for partition, messages in by_partition.items():
        await cluster.produce(messages, partition)
    return {partition: len(messages) - 1 for partition, messages in by_partition.items()}


def _is_past(cluster: Cluster, topic: str, offsets: dict[int, int]) -> bool:
    contained = asyncio.run(cluster.contained(topic))
    return all(contained.get(partition, -1) >= offset for partition, offset in offsets.items())


def _has_taken_all_messages(cluster: Cluster) -> bool:
    """Whether nothing is under way: what a row gives stays in it until it has arrived."""
    if any(row.outgoing for row in asyncio.run(cluster.rows()).values()):
        return False
    name = name_of(LINKS, cluster.settings)
    newest: dict[int, int] = {}
    for record in asyncio.run(cluster.records(name, range(PARTITIONS))):
        newest[record.partition] = record.offset
    return _is_past(cluster, LINKS.name, newest)
