"""Erasure and export over Kafka: the request, what is left in compacted topics, and what a replay brings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import generate_latest
from support.kafka_cluster import Cluster, until
from support.planted import PERSONAL, found_in, found_in_outputs, planted_events
from support.worker_process import environment, worker_process
from typer.testing import CliRunner, Result

from load_tests.broker import Broker
from stream_app.cli import main
from stream_app.core.step import MESSAGE_TYPE
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.consume.app import StreamApp
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate import user_records
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.privacy import ask
from stream_app.runtimes.kafka.operate.topics import name_of, partitions_of
from stream_app.schemas.outputs import PrivacyReceipt
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import EVENTS, PRIVACY_REQUESTS, TOPICS, rows_changelog
from stream_app.settings.rules import Rules
from stream_app.testing import RECEIVED_AT, FixedModels, event, page, session

pytestmark = pytest.mark.kafka

PARTITIONS = 3
USER = "person-to-erase"
OTHERS = [f"person-{number}" for number in range(6)]
VALUES = [
    page(user, at, f"item-{at}", messageId=f"{user}-{at}")
    for at in range(0, 90, 30)
    for user in (*OTHERS, USER)
] + [session(USER, 100, 30, 2)]


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str, tmp_path: Path) -> Cluster:
    return Cluster(broker.bootstrap_servers, topic_prefix, tmp_path / "state", partitions=PARTITIONS)


class Worker:
    """A running worker, and how many records it has processed."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.metrics = Metrics()

    @asynccontextmanager
    async def running(self, folder: Path | None = None) -> AsyncIterator[StreamApp]:
        models = FixedModels().models
        async with self.cluster.worker(models, self.metrics, lambda: RECEIVED_AT, folder) as app:
            yield app

    @property
    def messages(self) -> int:
        """How many messages from row to row were taken."""
        return int(self.metrics.events.labels(MESSAGE_TYPE, "processed")._value.get())

    async def wait_until_processed(self, app: StreamApp, records: int) -> None:
        await until(lambda: sum(self.metrics.event_outcomes().values()) >= records, app)


async def _produce(cluster: Cluster, values: Sequence[bytes] = VALUES) -> None:
    for partition, messages in spread_by_user(values, PARTITIONS, Rules()).items():
        await cluster.produce(messages, partition)


def _request() -> PrivacyRequest:
    return PrivacyRequest(request_id="r-1", user_id=USER, requested_at=datetime.now(UTC))


async def _newest_values(cluster: Cluster) -> bytes:
    """Keys and newest values of every compacted topic."""
    found: dict[tuple[str, bytes], bytes] = {}
    changelog = rows_changelog(cluster.settings.app_id)
    for topic in (*(topic for topic in TOPICS if topic.compacted), changelog):
        name = name_of(topic, cluster.settings)
        for record in await cluster.records(name, range(partitions_of(topic, cluster.settings))):
            place = (name, record.partition, record.key)
            if record.value is None:
                found.pop(place, None)
            else:
                found[place] = record.key + record.value
    return b"".join(found.values())


def test_an_erasure_leaves_nothing_in_compacted_topics_and_survives_a_replay(
    cluster: Cluster, tmp_path: Path
) -> None:
    asyncio.run(_erase_and_replay(cluster, tmp_path))


async def _erase_and_replay(cluster: Cluster, tmp_path: Path) -> None:
    await cluster.create_topics()
    await _produce(cluster)
    worker = Worker(cluster)
    async with worker.running() as app:
        await worker.wait_until_processed(app, len(VALUES))
        assert USER.encode() in await _newest_values(cluster)
    unlike_others = USER.removeprefix("person-")  # RocksDB writes once what keys begin with alike
    assert found_in(cluster.settings.state_dir, [unlike_others]) == {unlike_others}
    async with Worker(cluster).running() as app:
        receipt = await ask(_request(), cluster.settings, timeout=30)
        await until(lambda: found_in(cluster.settings.state_dir, [unlike_others]) == set(), app)
    assert receipt.request_id == "r-1"
    assert USER not in receipt.model_dump_json()
    by_store = {store.store: store for store in receipt.stores}
    assert by_store["user rows"].removed["rows"] == 1
    held = {topic.name for topic in TOPICS} | {rows_changelog(cluster.settings.app_id).name}
    assert held <= by_store.keys()
    assert by_store[EVENTS.name].state == "expires"
    assert set(await cluster.rows()) == set(OTHERS)
    assert USER.encode() not in await _newest_values(cluster)

    await _reset_offsets(cluster)
    await _produce(cluster)
    again = Worker(cluster)
    async with again.running(tmp_path / "without a state folder") as app:
        # The rows contain what was there before: records are known again by their offsets.
        await again.wait_until_processed(app, 2 * len(VALUES))
    assert set(await cluster.rows()) == set(OTHERS)
    assert again.metrics.event_outcomes()["erased"] == 4
    assert USER.encode() not in await _newest_values(cluster)


async def _reset_offsets(cluster: Cluster) -> None:
    """Let the group begin anew, as if it had never committed."""
    name, servers = name_of(EVENTS, cluster.settings), cluster.settings.kafka_servers
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, group_id=cluster.settings.app_id, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(name, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


def test_export_gives_the_row_and_the_outputs_of_one_user(cluster: Cluster) -> None:
    found = asyncio.run(_export(cluster))
    [row] = found.rows.values()
    assert row["fields"]["kinds"]["page"]["count"] == 3
    assert {"engagement_tier", "recommendations", "closed_session"} <= found.outputs.keys()
    assert all(output["user_key"] == USER for outputs in found.outputs.values() for output in outputs)
    assert [learned["items"] for learned in found.recommender_sessions] == [["item-0", "item-30", "item-60"]]


async def _export(cluster: Cluster) -> user_records.UserData:  # type: ignore[name-defined]
    await cluster.create_topics()
    await _produce(cluster)
    worker = Worker(cluster)
    async with worker.running() as app:
        await worker.wait_until_processed(app, len(VALUES))
    return await user_records.export(USER, cluster.settings)


def test_a_personal_text_reaches_no_topic_but_the_events(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    values = [value for personal in PERSONAL for value in planted_events(personal)]
    # Never late, and after the link: these are sent on whole.
    anonymous = [
        event(
            "page", "", 95_000, anonymousId="a", name=text, properties={"query": text}, context={"ip": text}
        )
        for text in PERSONAL
    ]

    async def run() -> tuple[bytes, list[bytes], Metrics]:
        await cluster.create_topics()
        await _produce(cluster, values)
        worker = Worker(cluster)
        async with worker.running() as app:
            await worker.wait_until_processed(app, len(values))
            await until(lambda: worker.messages >= 1, app)
            await _produce(cluster, anonymous)
            await until(lambda: worker.metrics.event_outcomes().get("forwarded", 0) >= len(anonymous), app)
        held, outputs = [], []
        for topic in (*TOPICS, rows_changelog(cluster.settings.app_id)):
            if topic is EVENTS:
                continue
            name = name_of(topic, cluster.settings)
            records = await cluster.records(name, range(partitions_of(topic, cluster.settings)))
            held += [part for record in records for part in (record.key, record.value) if part]
            if topic.contract is not None:
                outputs += [record.value for record in records]
        return b"\0".join(held), outputs, worker.metrics

    held, outputs, metrics = asyncio.run(run())
    assert len(outputs) > 20
    assert not [text for text in PERSONAL if text.encode() in held]
    assert found_in_outputs(outputs, PERSONAL) == set()
    told = caplog.text + generate_latest(metrics.registry).decode()
    assert not [text for text in PERSONAL if text in told]


def test_a_bad_request_goes_to_the_failed_topic(cluster: Cluster) -> None:
    async def run() -> None:
        await cluster.create_topics()
        worker = Worker(cluster)
        async with worker.running() as app:
            await _send_request(cluster, b'{"request_id": "r"}')
            await worker.wait_until_processed(app, 1)
        [failed] = [output for output in await cluster.outputs() if output["schema_name"] == "failed_event"]
        assert (failed["reason"], failed["source"]["topic"]) == ("contract", PRIVACY_REQUESTS.name)

    asyncio.run(run())


def test_a_lost_worker_makes_the_request_wait_and_later_be_granted(cluster: Cluster) -> None:
    async def run() -> list[dict[str, object]]:
        await cluster.create_topics()
        await _send_request(cluster, _request().model_dump_json().encode())
        worker = Worker(cluster)
        async with worker.running() as app:
            await worker.wait_until_processed(app, 1)
        return [output for output in await cluster.outputs() if output["schema_name"] == "privacy_receipt"]

    [receipt] = asyncio.run(run())
    assert PrivacyReceipt.model_validate(receipt).request_id == "r-1"


async def _send_request(cluster: Cluster, value: bytes) -> None:
    async with BulkProducer(cluster.settings) as producer:
        number = partition_of(USER.encode(), PARTITIONS)
        await producer.send(name_of(PRIVACY_REQUESTS, cluster.settings), number, [(USER.encode(), value)])


def test_a_worker_holds_the_same_partitions_of_every_source(cluster: Cluster) -> None:
    async def run() -> set[TopicPartition]:
        await cluster.create_topics()
        worker = Worker(cluster)
        async with worker.running() as app:
            await until(lambda: len(app.consumer.assignment()) >= 2 * PARTITIONS, app)
            return set(app.consumer.assignment())

    held = asyncio.run(run())
    for topic in (EVENTS, PRIVACY_REQUESTS):
        name = name_of(topic, cluster.settings)
        assert {partition for held_topic, partition in held if held_topic == name} == set(range(PARTITIONS))


def test_the_command_line_erases_and_exports(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(cluster.settings).items():
        monkeypatch.setenv(name, value)

    async def fill() -> None:
        await cluster.create_topics()
        await _produce(cluster)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main.app, [*arguments, "--user", USER, "--json"])

    def rows_of(export: Result) -> Any:
        return orjson.loads(export.stdout)["rows"]

    asyncio.run(fill())

    def is_done() -> bool:
        contained = asyncio.run(cluster.contained())
        return sum(offset + 1 for offset in contained.values()) == len(VALUES)

    with worker_process(cluster.settings, tmp_path / "process", "worker", "--no-trainer") as worker:
        worker.wait_for(is_done)
        receipt = call("erase")
        assert receipt.exception is None, receipt.exception
        # The receipt is an output, and outputs come before rows.
        worker.wait_for(lambda: rows_of(call("export-user")) == {})
    assert PrivacyReceipt.model_validate_json(receipt.stdout).stores[0].removed["rows"] == 1
    assert USER not in receipt.stdout
    found = call("export-user")
    assert found.exception is None, found.exception
    assert rows_of(found) == {}
    assert orjson.loads(found.stdout)["recommender_sessions"] == []
