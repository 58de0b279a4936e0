"""The bulk transport while partitions come and go: nothing is lost, or comes twice."""

import asyncio

import pytest
from support.bulk_reader import Cluster, Reader, numbered, run, running, until, watch_fetches, watch_takes

from stream_app.runtimes.kafka.consume.transport import RecordBatchSchema

pytestmark = pytest.mark.kafka


def test_a_second_worker_takes_over_without_loss_and_work_done_is_not_repeated(cluster: Cluster) -> None:
    async def finish(reader: Reader) -> None:
        # Faust lets the agent finish the batch in work before it gives partitions away.
        await until(lambda: reader.app.rebalancing)
        reader.go_on.set()

    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 4})
        for partition in range(4):
            await cluster.produce(cluster.topic, partition, numbered(3_000))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=50))
        second = Reader(cluster, schema=RecordBatchSchema(max_records=50))
        async with running(first.app):
            await until(lambda: first.count >= 1_000)
            first.go_on.clear()
            batch_in_work = asyncio.create_task(finish(first))
            async with running(second.app):
                await batch_in_work
                await until(lambda: len(first.partitions) == len(second.partitions) == 2)
                await until(lambda: first.count + second.count >= 12_000)
                given_away = second.partitions
                await first.app.consumer.commit()
                await second.app.consumer.commit()
                for partition in range(4):
                    offsets = first.offsets(partition) + second.offsets(partition)
                    assert offsets == list(range(3_000))
                    assert bool(second.offsets(partition)) == (partition in given_away)
                assert await cluster.committed() == dict.fromkeys(range(4), 3_000)

    run(scenario())


def test_batches_of_revoked_partitions_are_dropped_and_their_acks_change_nothing(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 2})
        for partition in range(2):
            await cluster.produce(cluster.topic, partition, numbered(1_000))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        second = Reader(cluster)
        second.go_on.clear()
        first.go_on.clear()
        async with running(first.app):
            await until(lambda: bool(first.batches))
            in_work = first.batches[0].partition
            async with running(second.app):
                await until(lambda: len(first.partitions) == len(second.partitions) == 1)
                (kept,) = first.partitions
                (given_away,) = second.partitions
                first.go_on.set()
                await until(lambda: kept in {b.partition for b in first.batches[1:]} and first.count >= 1_000)
                await first.app.consumer.commit()
                # The stale batch was acknowledged after its partition had gone (or had come anew).
                assert await cluster.committed() == {kept: 1_000}
                assert {batch.partition for batch in first.batches[1:]} == {kept}
                assert first.offsets(kept)[100 if kept == in_work else 0 :] == list(range(1_000))
                second.go_on.set()
                await until(lambda: second.count == 1_000)
                assert second.offsets(given_away) == list(range(1_000))

    run(scenario())


def test_records_fetched_during_a_rebalance_are_read_again_after_it(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(10))
        reader = Reader(cluster)
        async with running(reader.app):
            await until(lambda: reader.count == 10)
            reader.app.rebalancing = True
            fetched = watch_fetches(reader.app)
            await cluster.produce(cluster.topic, 0, numbered(990))
            await until(lambda: sum(fetched) >= 990)
            assert reader.count == 10
            reader.app.rebalancing = False
            await until(lambda: reader.count >= 1_000)
            assert reader.offsets(0) == list(range(1_000))

    run(scenario())


def test_a_seek_to_the_committed_offset_delivers_nothing_twice(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(500))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        reader.acks = lambda batch: batch.records[0].offset < 100
        async with running(reader.app):
            await until(lambda: reader.count == 500)
            await reader.app.consumer.commit()
            # A fetch that is under way already may have what comes of the seek.
            taken = watch_takes(reader.app)
            await reader.app.consumer.perform_seek()
            await until(lambda: sum(taken) >= 400)
            await cluster.produce(cluster.topic, 0, numbered(50))
            await until(lambda: reader.count >= 550)
            assert reader.offsets(0) == list(range(550))

    run(scenario())


def test_batches_of_an_old_generation_are_skipped_and_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(300))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))
        reader.go_on.clear()
        async with running(reader.app):
            await until(lambda: reader.count == 100)
            reader.app.consumer_generation_id += 1
            await cluster.produce(cluster.topic, 0, numbered(7))
            reader.go_on.set()
            await until(lambda: len(reader.batches) == 2)
            assert reader.offsets(0) == [*range(100), *range(300, 307)]
            await reader.app.consumer.commit()
            assert await cluster.committed() == {0: 100}

    run(scenario())
