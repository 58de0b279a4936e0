"""After a backlog that was sent at once, Kafka's workers and a replay say the same of the same users.

Workers are through a fortnight long before the trainer has models that can be used: what they could not say
then is made up for with the newest models.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from support.kafka_cluster import Cluster
from support.worker_process import WorkerProcess, worker_process

from load_tests.broker import Broker
from stream_app.features.user_row import UserRow
from stream_app.models import targets
from stream_app.models.snapshot import SnapshotRefused
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import OUTLOOKS, SNAPSHOTS
from stream_app.settings.rules import Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import RECEIVED_AT, RecordedSource

pytestmark = pytest.mark.kafka

PARTITIONS = 3
USERS, DAYS, BEGIN = 200, 14, datetime(2024, 3, 4, tzinfo=UTC)
RESCORE_WITHIN = 4.0  # seconds
DEADLINE_SECONDS, POLL_SECONDS = 120.0, 1.0
LATER = "later-"  # users whose sessions are under way at the end, for nobody comes after them


class Known(NamedTuple):
    """Who has a tier at the end, and by user how much the models had seen that foresaw them last."""

    with_tier: set[str]
    seen: Mapping[str, Mapping[str, int]]

    def is_of(self, newest: Mapping[str, int]) -> bool:
        """Whether everybody was foreseen by the newest models."""
        return bool(self.seen) and all(seen == newest for seen in self.seen.values())


def test_both_runtimes_end_with_the_same_users_known_by_the_newest_models(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(
        broker.bootstrap_servers,
        topic_prefix,
        tmp_path,
        partitions=PARTITIONS,
        rescore_within=RESCORE_WITHIN,
        snapshot_interval=2,
    )
    values = fortnight()
    asyncio.run(_send(cluster, values))
    expected = _replayed(tmp_path / "data", values)
    with worker_process(cluster.settings, tmp_path / "worker", "worker") as worker:
        asyncio.run(_until_known(cluster, expected, worker))
        assert worker.terminate() == 0
    found, newest = asyncio.run(_known(cluster))
    assert found.with_tier == expected.with_tier
    assert found.seen.keys() == expected.seen.keys()
    assert found.is_of(newest)
    assert len(found.seen) > USERS / 2


def fortnight() -> list[bytes]:
    """A simulated fortnight, and in each partition somebody so long after it that every session is over."""
    settings = SimulationSettings(users=USERS, days=DAYS, start=BEGIN, seed=3)
    values = [orjson.dumps(event) for event in simulate(settings)]
    at = (BEGIN + timedelta(days=DAYS + 1)).isoformat()
    names = [f"{LATER}{number}" for number in range(20 * PARTITIONS)]
    values += [
        orjson.dumps({"type": "page", "userId": name, "timestamp": at, "receivedAt": at}) for name in names
    ]
    assert {partition_of(name.encode(), PARTITIONS) for name in names} == set(range(PARTITIONS))
    return values


def _replayed(folder: Path, values: list[bytes]) -> Known:
    with Store(folder) as store:
        learned = LearnedModels(store, b"key", [targets.TIER.name], Metrics(), lambda: RECEIVED_AT)
        replay = Replay(store, learned, Rules(), Metrics(), lambda: RECEIVED_AT, partitions=PARTITIONS)
        replay.run(RecordedSource(values), lambda *_: None)
        replay.finish()
        rows = {user: row for _, user, row in store.rows()}
        return _read(rows, map(orjson.loads, store.outputs("outlook")))


async def _send(cluster: Cluster, values: list[bytes]) -> None:
    await cluster.create_topics()
    for partition, messages in spread_by_user(values, PARTITIONS, Rules()).items():
        await cluster.produce(messages, partition)


async def _until_known(cluster: Cluster, expected: Known, worker: WorkerProcess) -> None:
    """Wait until the newest models have foreseen everybody whom a replay knows; what differs then is told."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        found, newest = await _known(cluster)
        if found.is_of(newest) and found.seen.keys() >= expected.seen.keys():
            return
        assert worker.process.poll() is None, worker.log.read_text()
        await asyncio.sleep(POLL_SECONDS)


async def _known(cluster: Cluster) -> tuple[Known, dict[str, int]]:
    """What workers know of users, and how much the newest models have seen."""
    newest: dict[str, int] = {}

    def keep(name: str, version: snapshots.Version) -> bool:
        try:
            _, header = snapshots.load(name, version, cluster.settings.required_snapshot_key)
        except SnapshotRefused:
            return False
        newest[name] = header.examples_seen
        return True

    reader = snapshots.SnapshotReader(keep, lambda _: None)
    reader.read_records(await cluster.records(name_of(SNAPSHOTS, cluster.settings), [0]))
    sent = await cluster.records(name_of(OUTLOOKS, cluster.settings), range(PARTITIONS))
    known = _read(await cluster.rows(), (orjson.loads(record.value) for record in sent))
    return known, {name: newest[name] for name in targets.OUTCOMES if name in newest}


def _read(rows: Mapping[str, UserRow], outlooks: Iterable[Mapping[str, Any]]) -> Known:
    held = {user: row for user, row in rows.items() if not row.merged_into and not user.startswith(LATER)}
    last = {outlook["user_key"]: outlook["chances"] for outlook in outlooks}
    seen = {
        user: {chance["target"]: chance["model"]["examples_seen"] for chance in chances}
        for user, chances in last.items()
        if user in held
    }
    return Known({user for user, row in held.items() if row.tier}, seen)
