"""On a real broker: a wrong snapshot key refused, one replaced, acts logged, receipts that come true."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from support.kafka_cluster import Cluster
from support.worker_process import DEADLINE_SECONDS, environment, worker_process
from typer.testing import CliRunner, Result

from load_tests.broker import Broker
from stream_app.cli import main
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS, FAILED, PRIVACY_REQUESTS, TIERS, rows_changelog
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules
from stream_app.testing import event, page

pytestmark = pytest.mark.kafka

PARTITIONS = 3
NEW = "the new key of these tests"
OWNER, DEVICE, BOTH = "anna-of-the-linked-ids", "device-of-anna", "device-of-both"
CLAIMANT = "bert-of-the-linked-ids"


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str, tmp_path: Path) -> Cluster:
    return Cluster(broker.bootstrap_servers, topic_prefix, tmp_path / "state", partitions=PARTITIONS)


def changed(cluster: Cluster, **values: str) -> Settings:
    given = cluster.settings.model_dump(exclude_unset=True)
    return Settings(**(given | values))


def call(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> Result:
    with monkeypatch.context() as context:
        for name, value in environment(settings).items():
            context.setenv(name, value)
        return CliRunner().invoke(main.app, list(arguments))


def objects(result: Result) -> list[Any]:
    assert result.exception is None, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


async def fill(cluster: Cluster, values: list[bytes]) -> None:
    await cluster.create_topics()
    for partition, messages in spread_by_user(values, PARTITIONS, Rules()).items():
        await cluster.produce(messages, partition)


def count_contained(cluster: Cluster) -> int:
    return sum(offset + 1 for offset in asyncio.run(cluster.contained()).values())


def test_another_key_is_refused_until_it_is_said_to_replace_the_one_in_use(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [page("somebody", at * 60.0, "item") for at in range(3)]
    asyncio.run(fill(cluster, values))
    with worker_process(cluster.settings, tmp_path / "old", "worker", "--no-trainer") as worker:
        worker.wait_for(lambda: count_contained(cluster) == len(values))
        assert call(monkeypatch, cluster.settings, "erase", "--user", "somebody").exception is None
    other = changed(cluster, snapshot_key=NEW)
    for command in (["worker", "--no-trainer"], ["trainer"]):
        with worker_process(other, tmp_path / command[0], *command) as refused:
            assert refused.process.wait(DEADLINE_SECONDS) == 2
            assert "list it in STREAM_APP_EARLIER_SNAPSHOT_KEYS" in refused.last_line
    old = cluster.settings.required_snapshot_key.decode()
    both = changed(cluster, snapshot_key=NEW, earlier_snapshot_keys=old)
    [uses] = objects(call(monkeypatch, both, "key", "rotate", "--json"))
    assert [use["needed_until"] is None for use in uses] == [False, True]
    with worker_process(cluster.settings, tmp_path / "left behind", "worker", "--no-trainer") as refused:
        assert refused.process.wait(DEADLINE_SECONDS) == 2
    asyncio.run(fill(cluster, [*values, page("other", 200.0)]))
    with worker_process(both, tmp_path / "new", "worker", "--no-trainer") as worker:
        worker.wait_for(lambda: count_contained(cluster) == 2 * len(values) + 1)
    assert set(asyncio.run(cluster.rows())) == {"other"}
    entries = objects(call(monkeypatch, both, "audit", "--json"))
    assert [entry["act"] for entry in entries] == ["erasure_request", "erasure", "key_change"]
    assert entries[0]["subject"] == entries[1]["subject"]
    assert entries[0]["request_id"] == entries[1]["request_id"]
    assert entries[2]["details"] == {"from": uses[0]["fingerprint"], "to": uses[1]["fingerprint"]}
    assert "somebody" not in str(entries)


def test_a_receipt_names_the_day_on_which_each_topic_has_forgotten(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prepare() -> None:
        await fill(cluster, [page("somebody", 0.0)])
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.settings.kafka_servers)
        await admin.start()
        try:
            for topic, retention in ((EVENTS, 3_600_000), (FAILED, -1)):
                name = name_of(topic, cluster.settings)
                changes = {"retention.ms": str(retention), "segment.ms": "7200000"}
                config = {**topic.config(1), **changes}
                await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)])
        finally:
            await admin.close()

    asyncio.run(prepare())
    with worker_process(cluster.settings, tmp_path / "process", "worker", "--no-trainer"):
        [receipt] = objects(call(monkeypatch, cluster.settings, "erase", "--user", "somebody", "--json"))
    stores = {store["store"]: (store["state"], store["expires_within"]) for store in receipt["stores"]}
    assert stores[EVENTS.name] == ("expires", 3 * 3600)
    assert stores[FAILED.name] == ("expires", None)
    assert stores[TIERS.name] == ("expires", 31 * 86_400)
    days = {store["store"]: store["gone_by"] for store in receipt["stores"]}
    assert days[FAILED.name] is None
    assert receipt["emitted_at"][:10] < days[EVENTS.name] < days[TIERS.name]


def test_an_export_holds_what_was_sent_under_the_ids_that_are_the_user_s(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len({partition_of(user.encode(), PARTITIONS) for user in (OWNER, DEVICE, BOTH)}) > 1

    def seen(device: str, at: float) -> bytes:
        return event("page", "", at, anonymousId=device, properties={"product_id": f"of-{device}"})

    values = [
        *(seen(device, at) for device in (DEVICE, BOTH) for at in (0.0, 60.0)),
        event("identify", CLAIMANT, 100.0, anonymousId=BOTH),
    ]
    later = [event("identify", OWNER, 200.0, anonymousId=device) for device in (DEVICE, BOTH)]
    asyncio.run(fill(cluster, values))
    with worker_process(cluster.settings, tmp_path / "process", "worker", "--no-trainer") as worker:
        worker.wait_for(lambda: count_contained(cluster) == len(values))
        worker.wait_for(lambda: asyncio.run(cluster.rows())[BOTH].merged_into == CLAIMANT)
        asyncio.run(fill(cluster, later))
        worker.wait_for(lambda: asyncio.run(cluster.rows())[DEVICE].merged_into == OWNER)
    [found] = objects(call(monkeypatch, cluster.settings, "export-user", "--user", OWNER, "--json"))
    users = {output["user_key"] for outputs in found["outputs"].values() for output in outputs}
    assert DEVICE in users
    assert not users & {BOTH, CLAIMANT}
    [entry] = objects(call(monkeypatch, cluster.settings, "audit", "--json"))
    assert entry["act"] == "export"


def test_rows_restored_from_a_backup_are_erased_again(
    broker: Broker, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [page(user, at * 60.0, f"item-{at}") for at in range(3) for user in ("somebody", "other")]
    asyncio.run(fill(cluster, values))
    restored = Cluster(
        broker.bootstrap_servers,
        f"{cluster.settings.topic_prefix}restored-",
        tmp_path / "restored state",
        partitions=PARTITIONS,
    )
    state, old_state = tmp_path / "state of a worker", tmp_path / "older state"
    with worker_process(cluster.settings, state, "worker", "--no-trainer") as worker:
        worker.wait_for(lambda: count_contained(cluster) == len(values))
        asyncio.run(copy_rows(cluster, restored))
        worker.terminate()
    shutil.copytree(state, old_state)
    with worker_process(cluster.settings, state, "worker", "--no-trainer") as worker:
        assert call(monkeypatch, cluster.settings, "erase", "--user", "somebody").exception is None
        # The receipt is out before the rows are written.
        worker.wait_for(lambda: max(asyncio.run(cluster.contained(PRIVACY_REQUESTS.name)).values()) >= 0)
    log = tmp_path / "audit.jsonl"
    log.write_text(call(monkeypatch, cluster.settings, "audit", "--json").stdout)

    # A worker's own folder needs nothing: the changelog tells of the erasure.
    shutil.rmtree(state)
    shutil.copytree(old_state, state)
    assert (
        call(monkeypatch, cluster.settings, "erasures", "replay").stdout == "0 erasures sent to the workers\n"
    )
    asyncio.run(fill(cluster, values))
    with worker_process(cluster.settings, state, "worker", "--no-trainer") as worker:
        worker.wait_for(lambda: count_contained(cluster) == 2 * len(values))
    assert set(asyncio.run(cluster.rows())) == {"other"}

    assert set(asyncio.run(restored.rows())) == {"somebody", "other"}
    assert call(monkeypatch, restored.settings, "positions", "reset").exception is None
    with worker_process(restored.settings, tmp_path / "fourth", "worker", "--no-trainer") as worker:
        sent = call(monkeypatch, restored.settings, "erasures", "replay", "--from", str(log))
        assert sent.stdout == "1 erasures sent to the workers\n", sent.exception
        worker.wait_for(lambda: set(asyncio.run(restored.rows())) == {"other"})
    again = call(monkeypatch, restored.settings, "erasures", "replay", "--from", str(log))
    assert again.stdout == "0 erasures sent to the workers\n"
    acts = [entry["act"] for entry in objects(call(monkeypatch, restored.settings, "audit", "--json"))]
    assert set(acts[:-2]) == {"positions_reset"}
    assert acts[-2:] == ["erasure_replay", "erasure"]


async def copy_rows(source: Cluster, target: Cluster) -> None:
    """The rows' changelog, as a backup of it restores it."""
    await target.create_topics()
    names = [rows_changelog(cluster.settings.app_id).name for cluster in (source, target)]
    async with BulkProducer(target.settings) as producer:
        for number in range(PARTITIONS):
            for record in await source.records(names[0], [number]):
                await producer.send(names[1], number, [(record.key, record.value)], record.headers)
