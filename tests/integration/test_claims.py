"""Two workers that write to one partition, on a real broker: whose rows count."""

from pathlib import Path

import pytest
from support.bulk_reader import run, running, until
from support.table_worker import PARTITIONS, TableCluster, TableWorker, read_changelog

from load_tests.broker import Broker
from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.state.claims import claim_named, headers_of

pytestmark = pytest.mark.kafka


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str) -> TableCluster:
    return TableCluster(broker.bootstrap_servers, topic_prefix)


def test_a_second_writer_of_the_same_partition_is_noticed(cluster: TableCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        worker = TableWorker(cluster, tmp_path)
        async with running(worker.app):
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
    cluster: TableCluster, tmp_path: Path
) -> None:
    stale = [(b"key 1", b"stale"), (b"key 2", b"stale"), (b"key 3", None)]
    good = {b"key 1": b"of the second", b"key 3": b"of the second", b"key 4": b"of the second"}

    async def scenario() -> None:
        await cluster.create_topics()
        first = TableWorker(cluster, tmp_path / "first")
        async with running(first.app):
            await until(lambda: len(first.partitions) == PARTITIONS)
            await first.rows.write(0, {b"key 1": b"of the first"})
        lost = claim_named((await read_changelog(cluster, 0))[-1])
        assert lost is not None
        second = TableWorker(cluster, tmp_path / "second")
        async with running(second.app):
            await until(lambda: len(second.partitions) == PARTITIONS)
            await second.rows.write(0, {b"key 1": b"of the second", b"key 3": b"of the second"})
            await cluster.send(cluster.changelog, 0, stale, headers_of(lost))
            with pytest.raises(BrokerError, match="another worker"):
                await second.rows.write(0, {b"key 4": b"of the second"})
        for folder in ("second", "third", "first"):
            again = TableWorker(cluster, tmp_path / folder)
            async with running(again.app):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert dict(again.rows.scan(0)) == good
                await again.rows.write(0, {b"key 4": b"of the second"})
        # Compaction goes by keys alone, so the rows that count were written anew.
        newest = {record.key: record.value for record in await read_changelog(cluster, 0)}
        assert newest.items() >= {**good, b"key 2": None}.items()

    run(scenario())
