"""Rows in bulk on a real broker: written, moved, lost and recovered."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from support.bulk_reader import run, running, until
from support.planted import found_in
from support.table_worker import PARTITIONS, TableCluster, TableWorker

from load_tests.broker import Broker
from stream_app.errors import BrokerError, StateError

pytestmark = pytest.mark.kafka

KILLED_WORKER = Path(__file__).parent / "killed_worker.py"
Rows = dict[bytes, bytes | None]


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str) -> TableCluster:
    return TableCluster(broker.bootstrap_servers, topic_prefix)


def random_changes(count: int, seed: int) -> list[tuple[bytes, bytes | None]]:
    """Rows of few keys, some deleted, so that the order of the changes matters."""
    chance = random.Random(seed)
    return [
        (b"key %d" % chance.randrange(200), None if chance.random() < 0.2 else chance.randbytes(300))
        for _ in range(count)
    ]


ROWS_500 = {b"key %d" % number: random.Random(number).randbytes(200) for number in range(500)}


async def process_500_rows(cluster: TableCluster, folder: Path) -> None:
    """Have a worker make rows of partition 0, and leave."""
    await cluster.create_topics()
    await cluster.send(cluster.source, 0, ROWS_500.items())
    worker = TableWorker(cluster, folder)
    async with running(worker.app):
        await until(lambda: worker.records == 500)


def database(folder: Path) -> Path:
    """Where the rows of partition 0 lie."""
    (path,) = folder.glob("**/rows-0.db")
    return path


def held_after(changes: Iterable[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    return {key: row for key, row in dict(changes).items() if row is not None}


def test_rows_are_recovered_from_the_changelog_when_the_folder_is_lost(
    cluster: TableCluster, tmp_path: Path
) -> None:
    changes = {partition: random_changes(3_000, seed=partition) for partition in range(PARTITIONS)}

    async def scenario() -> None:
        await cluster.create_topics()
        for partition, rows in changes.items():
            await cluster.send(cluster.source, partition, rows)
        first = TableWorker(cluster, tmp_path / "first")
        async with running(first.app):
            await until(lambda: first.records == 6_000)
            for partition, rows in changes.items():
                assert dict(first.rows.scan(partition)) == held_after(rows)
        second = TableWorker(cluster, tmp_path / "second")
        async with running(second.app):
            await until(lambda: len(second.partitions) == PARTITIONS)
            assert sum(second.recovered) > 1_000 > 10 * len(second.recovered)
            for partition, rows in changes.items():
                expected = held_after(rows)
                assert dict(second.rows.scan(partition)) == expected
                for key, _ in rows:
                    assert second.rows.get(partition, key) == expected.get(key)

    run(scenario())


def test_a_kept_folder_is_recovered_from_where_its_rows_end(cluster: TableCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        await cluster.send(cluster.source, 0, [(b"key %d" % n, b"row") for n in range(500)])
        first = TableWorker(cluster, tmp_path)
        async with running(first.app):
            await until(lambda: first.records == 500)
        await cluster.send(cluster.changelog, 0, [(b"key 3", b"newer"), (b"key 4", None)])
        second = TableWorker(cluster, tmp_path)
        async with running(second.app):
            await until(lambda: len(second.partitions) == PARTITIONS)
            # The record at the persisted offset itself is read once more.
            assert sum(second.recovered) == 3
            assert second.rows.get(0, b"key 2") == b"row"
            assert second.rows.get(0, b"key 3") == b"newer"
            assert second.rows.get(0, b"key 4") is None
            await second.rows.write(0, {b"key 5": b"newest"})
            assert second.rows.get(0, b"key 5") == b"newest"

    run(scenario())


def test_the_times_of_rows_are_there_wherever_the_rows_come_from(
    cluster: TableCluster, tmp_path: Path
) -> None:
    held = {b"key 1": b"newer", b"key 2": b"from elsewhere", b"key 3": b"row"}
    times = [(key, b"at " + row) for key, row in held.items()]

    async def scenario() -> None:
        await cluster.create_topics()
        first = TableWorker(cluster, tmp_path / "first")
        async with running(first.app):
            await until(lambda: len(first.partitions) == PARTITIONS)
            assert first.rows.times(0, b"key") == []
            await first.rows.write(0, {b"key 1": b"row", b"key 3": b"row", b"key 4": b"row", b"meta": b"row"})
            told = {b"key 1": b"at newer"}
            await first.rows.write(0, {b"key 1": b"newer", b"key 4": None}, told)
            assert first.rows.times(0, b"key") == [times[0], times[2]]
        await cluster.send(cluster.changelog, 0, [(b"key 2", b"from elsewhere")])
        for folder in ("first", "second"):
            again = TableWorker(cluster, tmp_path / folder)
            async with running(again.app):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert again.rows.times(0, b"key") == times
                assert dict(again.rows.scan(0)) == held | {b"meta": b"row"}
                assert dict(again.rows.scan(0, b"key")) == held
                assert again.rows.times(1, b"key") == []

    run(scenario())


def test_a_worker_killed_between_changelog_and_rows_loses_nothing(
    cluster: TableCluster, tmp_path: Path
) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        await cluster.send(cluster.source, 1, [(b"key %d" % n, b"row %d" % n) for n in range(1_000)])
        command = [sys.executable, KILLED_WORKER, cluster.servers, cluster.source, cluster.group, tmp_path]
        killed = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
        assert killed.returncode == -9, killed.stderr.decode()  # type: ignore[attr-defined]
        worker = TableWorker(cluster, tmp_path)
        async with running(worker.app):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            # The claim and 300 rows had reached the database's memory, and 300 more the changelog alone.
            assert sum(worker.recovered) == 601
            await until(lambda: worker.records == 1_000)
            assert dict(worker.rows.scan(1)) == {b"key %d" % n: b"row %d" % n for n in range(1_000)}

    run(scenario())


@pytest.mark.parametrize("damaged", ["CURRENT", "MANIFEST-*"])
def test_a_database_that_does_not_open_is_built_anew(
    cluster: TableCluster, tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        await process_500_rows(cluster, tmp_path)
        (path,) = database(tmp_path).glob(damaged)
        path.write_bytes(b"not what it was")
        worker = TableWorker(cluster, tmp_path)
        async with running(worker.app):
            await until(lambda: len(worker.partitions) == PARTITIONS)
            assert dict(worker.rows.scan(0)) == ROWS_500

    run(scenario())
    assert "is rebuilt from the changelog" in caplog.text


def test_a_damaged_row_is_noticed_wherever_it_is_read_and_the_rows_are_built_anew(
    cluster: TableCluster, tmp_path: Path
) -> None:
    # Times lie behind the rows.
    reads: list[tuple[float, Callable[[TableWorker], object]]] = [
        (1 / 3, lambda worker: dict(worker.rows.scan(0))),
        (1 / 3, lambda worker: [worker.rows.get(0, key) for key in ROWS_500]),
        (3 / 4, lambda worker: worker.rows.times(0, b"key")),
    ]

    async def scenario() -> None:
        await process_500_rows(cluster, tmp_path)
        for place, read in reads:
            again = TableWorker(cluster, tmp_path)
            async with running(again.app):
                await until(lambda worker=again: len(worker.partitions) == PARTITIONS)
                assert dict(again.rows.scan(0)) == ROWS_500
            for path in database(tmp_path).glob("*.sst"):
                content = bytearray(path.read_bytes())
                content[int(len(content) * place)] ^= 255
                path.write_bytes(content)
            unlucky = TableWorker(cluster, tmp_path)
            async with running(unlucky.app):
                await until(lambda worker=unlucky: len(worker.partitions) == PARTITIONS)
                with pytest.raises(StateError, match="next start rebuilds it"):
                    read(unlucky)
        last = TableWorker(cluster, tmp_path)
        async with running(last.app):
            await until(lambda: len(last.partitions) == PARTITIONS)
            assert dict(last.rows.scan(0)) == ROWS_500

    run(scenario())


def test_a_purge_leaves_no_byte_of_removed_rows(cluster: TableCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        worker = TableWorker(cluster, tmp_path)
        async with running(worker.app):
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
        again = TableWorker(cluster, tmp_path)
        async with running(again.app):
            await until(lambda: len(again.partitions) == PARTITIONS)
            assert dict(again.rows.scan(0)) == {b"key kept": b"about others", b"key later": b"row"}

    run(scenario())


def test_rows_move_with_their_partition(cluster: TableCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        await cluster.create_topics()
        for partition in range(PARTITIONS):
            await cluster.send(cluster.source, partition, [(b"key", b"of partition %d" % partition)])
        first, second = TableWorker(cluster, tmp_path / "first"), TableWorker(cluster, tmp_path / "second")
        async with running(first.app):
            await until(lambda: first.records == PARTITIONS)
            async with running(second.app):
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
