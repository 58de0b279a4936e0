"""Rows in bulk on a real broker: written, moved, lost and recovered."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from mode import CrashingSupervisor
from support.planted import found_in

from load_tests.broker import Broker
from stream_app.errors import BrokerError, StateError
from stream_app.runtimes.kafka.app import PromptTables
from stream_app.runtimes.kafka.claims import claim_named, headers_of
from stream_app.runtimes.kafka.producer import Headers
from stream_app.runtimes.kafka.tables import RowTable
from stream_app.runtimes.kafka.transport import RecordBatchSchema

pytestmark = pytest.mark.kafka

KILLED_WORKER = Path(__file__).parent / "killed_worker.py"
PARTITIONS = 2
Rows = dict[bytes, bytes | None]


class Cluster:
    """One test's topics and group on the session's broker."""

    def __init__(self, servers: str, prefix: str) -> None:
        self.servers = servers
        self.source = f"{prefix}source"
        self.group = f"{prefix}group"
        self.changelog = f"{self.group}-rows-changelog"

    async def create_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics(
            [
                NewTopic(self.source, PARTITIONS, 1),
                NewTopic(self.changelog, PARTITIONS, 1, topic_configs=compacted),
            ]
        )
        await admin.close()

    async def send(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Headers = ()
    ) -> int:
        async with AIOKafkaProducer(bootstrap_servers=self.servers, acks="all") as producer:
            sent = [
                await producer.send(topic, row, key=key, partition=partition, headers=list(headers))
                for key, row in rows
            ]
            return max([metadata.offset for metadata in await asyncio.gather(*sent)])


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str) -> Cluster:
    return Cluster(broker.bootstrap_servers, topic_prefix)


def times_of(key: bytes, row: bytes) -> bytes | None:
    return b"at " + row if key.startswith(b"key") else None


async def read(cluster: Cluster, partition: int) -> list[ConsumerRecord]:
    """The whole changelog of a partition."""
    place = TopicPartition(cluster.changelog, partition)
    async with AIOKafkaConsumer(bootstrap_servers=cluster.servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        records: list[ConsumerRecord] = []
        while await consumer.position(place) < end:
            records += (await consumer.getmany(place, timeout_ms=200)).get(place, [])
    return records


class Worker:
    """An app with a row table and an agent that makes each source record a row."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.app = faust.App(
            cluster.group,
            broker=f"bulk://{cluster.servers}",
            store="rocksdb://",
            datadir=str(folder),
            web_enabled=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            TableManager=PromptTables,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=0.5,
        )
        self.rows = RowTable(self.app, "rows", PARTITIONS, cluster.send, times_of)
        self.records = 0
        self.recovered: list[int] = []

        @self.app.agent(
            self.app.topic(cluster.source, schema=RecordBatchSchema(max_records=300)),
            supervisor_strategy=CrashingSupervisor,
        )
        async def write(stream: Any) -> None:
            unacknowledged = stream.noack()
            async for event in unacknowledged.events():
                batch = event.value
                await self.rows.write(batch.partition, {r.key: r.value for r in batch.records})
                await unacknowledged.ack(event)
                self.records += len(batch)

        table = self.app.tables["rows"]
        apply_changelog_batch = table.apply_changelog_batch

        def watched(batch: list[Any]) -> None:
            self.recovered.extend(len(event.value) for event in batch)
            apply_changelog_batch(batch)

        table.apply_changelog_batch = watched

    @property
    def partitions(self) -> set[int]:
        """Source partitions that are read now; none during a rebalance or recovery."""
        if self.app.rebalancing or not self.app.tables.actives_ready:
            return set()
        return {tp.partition for tp in self.app.consumer.assignment() if tp.topic.endswith("source")}

    async def stop_at_once(self) -> None:
        self.app.consumer.unacked.clear()
        await self.app.stop()


@contextlib.asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    worker.app.finalize()
    await worker.app.start()
    try:
        yield
    finally:
        await worker.stop_at_once()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 90.0))


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "not reached in time"
        await asyncio.sleep(0.02)


def random_changes(count: int, seed: int) -> list[tuple[bytes, bytes | None]]:
    """Rows of few keys, some deleted, so that the order of the changes matters."""
    chance = random.Random(seed)
    return [
        (b"key %d" % chance.randrange(200), None if chance.random() < 0.2 else chance.randbytes(300))
        for _ in range(count)
    ]


ROWS_500 = {b"key %d" % number: random.Random(number).randbytes(200) for number in range(500)}


async def process_500_rows(cluster: Cluster, folder: Path) -> None:
    """Have a worker make rows of partition 0, and leave."""
    await cluster.create_topics()
    await cluster.send(cluster.source, 0, ROWS_500.items())
    worker = Worker(cluster, folder)
    async with running(worker):
        await until(lambda: worker.records == 500)


def database(folder: Path) -> Path:
    """Where the rows of partition 0 lie."""
    (path,) = folder.glob("**/rows-0.db")
    return path


def held_after(changes: Iterable[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    return {key: row for key, row in dict(changes).items() if row is not None}


def test_rows_are_recovered_from_the_changelog_when_the_folder_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    changes = {partition: random_changes(3_000, seed=partition) for partition in range(PARTITIONS)}

    async def scenario() -> None:
        await cluster.create_topics()
        for partition, rows in changes.items():
            await cluster.send(cluster.source, partition, rows)
        first = Worker(cluster, tmp_path / "first")
        async with running(first):
            await until(lambda: first.records == 6_000)
            for partition, rows in changes.items():
                assert dict(first.rows.scan(partition)) == held_after(rows)
        second = Worker(cluster, tmp_path / "second")
        async with running(second):
            await until(lambda: len(second.partitions) == PARTITIONS)
            assert sum(second.recovered) > 1_000 > 10 * len(second.recovered)
            for partition, rows in changes.items():
                expected = held_after(rows)
                assert dict(second.rows.scan(partition)) == expected
                for key, _ in rows:
                    assert second.rows.get(partition, key) == expected.get(key)

    run(scenario())


def test_a_kept_folder_is_recovered_from_where_its_rows_end(cluster: Cluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        await cluster.send(cluster.source, 0, [(b"key %d" % n, b"row") for n in range(500)])
        first = Worker(cluster, tmp_path)
        async with running(first):
            await until(lambda: first.records == 500)
        await cluster.send(cluster.changelog, 0, [(b"key 3", b"newer"), (b"key 4", None)])
        second = Worker(cluster, tmp_path)
        async with running(second):
            await until(lambda: len(second.partitions) == PARTITIONS)
            # The record at the persisted offset itself is read once more.
            assert sum(second.recovered) == 3
            assert second.rows.get(0, b"key 2") == b"row"
            assert second.rows.get(0, b"key 3") == b"newer"
            assert second.rows.get(0, b"key 4") is None
            await second.rows.write(0, {b"key 5": b"newest"})
            assert second.rows.get(0, b"key 5") == b"newest"

    run(scenario())


def test_the_times_of_rows_are_there_wherever_the_rows_come_from(cluster: Cluster, tmp_path: Path) -> None:
    held = {b"key 1": b"newer", b"key 2": b"from elsewhere", b"key 3": b"row"}
    times = [(key, b"at " + row) for key, row in held.items()]

    async def scenario() -> None:
        await cluster.create_topics()
        first = Worker(cluster, tmp_path / "first")
        async with running(first):
            await until(lambda: len(first.partitions) == PARTITIONS)
            assert first.rows.times(0, b"key") == []
            await first.rows.write(0, {b"key 1": b"row", b"key 3": b"row", b"key 4": b"row", b"meta": b"row"})
            told = {b"key 1": b"at newer"}
            await first.rows.write(0, {b"key 1": b"newer", b"key 4": None}, told)
            assert first.rows.times(0, b"key") == [times[0], times[2]]
        await cluster.send(cluster.changelog, 0, [(b"key 2", b"from elsewhere")])
        for folder in ("first", "second"):
            again = Worker(cluster, tmp_path / folder)
            async with running(again):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert again.rows.times(0, b"key") == times
                assert dict(again.rows.scan(0)) == held | {b"meta": b"row"}
                assert dict(again.rows.scan(0, b"key")) == held
                assert again.rows.times(1, b"key") == []

    run(scenario())


def test_a_worker_killed_between_changelog_and_rows_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        await cluster.send(cluster.source, 1, [(b"key %d" % n, b"row %d" % n) for n in range(1_000)])
        command = [sys.executable, KILLED_WORKER, cluster.servers, cluster.source, cluster.group, tmp_path]
        killed = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
        assert killed.returncode == -9, killed.stderr.decode()
        worker = Worker(cluster, tmp_path)
        async with running(worker):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            # The claim and 300 rows had reached the database's memory, and 300 more the changelog alone.
            assert sum(worker.recovered) == 601
            await until(lambda: worker.records == 1_000)
            assert dict(worker.rows.scan(1)) == {b"key %d" % n: b"row %d" % n for n in range(1_000)}

    run(scenario())


@pytest.mark.parametrize("damaged", ["CURRENT", "MANIFEST-*"])
def test_a_database_that_does_not_open_is_built_anew(
    cluster: Cluster, tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        await process_500_rows(cluster, tmp_path)
        (path,) = database(tmp_path).glob(damaged)
        path.write_bytes(b"not what it was")
        worker = Worker(cluster, tmp_path)
        async with running(worker):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            assert dict(worker.rows.scan(0)) == ROWS_500

    run(scenario())
    assert "is built anew from the changelog" in caplog.text


def test_a_damaged_row_is_noticed_wherever_it_is_read_and_the_rows_are_built_anew(
    cluster: Cluster, tmp_path: Path
) -> None:
    # Times lie behind the rows.
    reads: list[tuple[float, Callable[[Worker], object]]] = [
        (1 / 3, lambda worker: dict(worker.rows.scan(0))),
        (1 / 3, lambda worker: [worker.rows.get(0, key) for key in ROWS_500]),
        (3 / 4, lambda worker: worker.rows.times(0, b"key")),
    ]

    async def scenario() -> None:
        await process_500_rows(cluster, tmp_path)
        for place, read in reads:
            again = Worker(cluster, tmp_path)
            async with running(again):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert dict(again.rows.scan(0)) == ROWS_500
            for path in database(tmp_path).glob("*.sst"):
                content = bytearray(path.read_bytes())
                content[int(len(content) * place)] ^= 255
                path.write_bytes(content)
            unlucky = Worker(cluster, tmp_path)
            async with running(unlucky):
                await until(lambda worker=unlucky: len(worker.partitions) == PARTITIONS)
                with pytest.raises(StateError, match="next start builds it anew"):
                    read(unlucky)
        last = Worker(cluster, tmp_path)
        async with running(last):
            await until(lambda: len(last.partitions) == PARTITIONS)
            assert dict(last.rows.scan(0)) == ROWS_500

    run(scenario())


def test_a_purge_leaves_no_byte_of_removed_rows(cluster: Cluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        worker = Worker(cluster, tmp_path)
        async with running(worker):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            await worker.rows.write(0, {b"key erased": b"all about them", b"key kept": b"about others"})
            await worker.rows.purge(0)
            await worker.rows.write(0, {b"key erased": None})
            assert found_in(tmp_path, ["erased", "about them", "kept"]) == {"erased", "about them", "kept"}
            await worker.rows.purge(0)
            assert found_in(tmp_path, ["erased", "about them", "kept"]) == {"kept"}
            await worker.rows.write(0, {b"key later": b"row"})
            assert dict(worker.rows.scan(0)) == {b"key kept": b"about others", b"key later": b"row"}
            assert len(worker.rows.times(0, b"key")) == 2
            merging = asyncio.ensure_future(worker.rows.purge(0))
            await asyncio.sleep(0)
        await asyncio.wait([merging])
        again = Worker(cluster, tmp_path)
        async with running(again):
            await until(lambda: len(again.partitions) == PARTITIONS)
            assert dict(again.rows.scan(0)) == {b"key kept": b"about others", b"key later": b"row"}

    run(scenario())


def test_rows_move_with_their_partition(cluster: Cluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        for partition in range(PARTITIONS):
            await cluster.send(cluster.source, partition, [(b"key", b"of partition %d" % partition)])
        first, second = Worker(cluster, tmp_path / "first"), Worker(cluster, tmp_path / "second")
        async with running(first):
            await until(lambda: first.records == PARTITIONS)
            async with running(second):
                await until(lambda: len(first.partitions) == len(second.partitions) == 1)
                (kept,), (moved,) = first.partitions, second.partitions
                assert first.rows.get(kept, b"key") == b"of partition %d" % kept
                assert second.rows.get(moved, b"key") == b"of partition %d" % moved
                with pytest.raises(BrokerError, match="held by another"):
                    first.rows.get(moved, b"key")
                with pytest.raises(BrokerError, match="held by another"):
                    await first.rows.write(moved, {b"key": b"stale"})
                await second.rows.write(moved, {b"key": b"written elsewhere"})
            await until(lambda: len(first.partitions) == PARTITIONS)
            assert first.rows.get(moved, b"key") == b"written elsewhere"
            assert first.rows.get(kept, b"key") == b"of partition %d" % kept

    run(scenario())


def test_a_second_writer_of_the_same_partition_is_noticed(cluster: Cluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        worker = Worker(cluster, tmp_path)
        async with running(worker):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            await worker.rows.write(0, {b"key": b"1"})
            await worker.rows.write(0, {})
            await worker.rows.write(0, {b"key": b"2", b"other": None})
            await cluster.send(cluster.changelog, 0, [(b"key", b"of a worker that lost the partition")])
            with pytest.raises(BrokerError, match="another worker"):
                await worker.rows.write(0, {b"key": b"3"})
            assert worker.rows.get(0, b"key") == b"2"

    run(scenario())


def test_what_a_worker_writes_after_it_lost_a_partition_does_not_count(
    cluster: Cluster, tmp_path: Path
) -> None:
    stale = [(b"key 1", b"stale"), (b"key 2", b"stale"), (b"key 3", None)]
    good = {b"key 1": b"of the second", b"key 3": b"of the second", b"key 4": b"of the second"}

    async def scenario() -> None:
        await cluster.create_topics()
        first = Worker(cluster, tmp_path / "first")
        async with running(first):
            await until(lambda: len(first.partitions) == PARTITIONS)
            await first.rows.write(0, {b"key 1": b"of the first"})
        lost = claim_named((await read(cluster, 0))[-1])
        assert lost is not None
        second = Worker(cluster, tmp_path / "second")
        async with running(second):
            await until(lambda: len(second.partitions) == PARTITIONS)
            await second.rows.write(0, {b"key 1": b"of the second", b"key 3": b"of the second"})
            await cluster.send(cluster.changelog, 0, stale, headers_of(lost))
            with pytest.raises(BrokerError, match="another worker"):
                await second.rows.write(0, {b"key 4": b"of the second"})
        for folder in ("second", "third", "first"):
            again = Worker(cluster, tmp_path / folder)
            async with running(again):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert dict(again.rows.scan(0)) == good
                await again.rows.write(0, {b"key 4": b"of the second"})
        # Compaction goes by keys alone, so the rows that count were written anew.
        newest = {record.key: record.value for record in await read(cluster, 0)}
        assert newest.items() >= {**good, b"key 2": None}.items()

    run(scenario())
