"""What the bulk transport commits: whole batches, and only what was acknowledged."""

import pytest
from aiokafka import AIOKafkaProducer
from support.bulk_reader import Cluster, Reader, numbered, run, running, until

from stream_app.runtimes.kafka.consume.transport import RecordBatch, RecordBatchSchema

pytestmark = pytest.mark.kafka


def test_a_commit_never_passes_a_batch_that_is_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(500))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))
        unacked = {0, 300}
        reader.acks = lambda batch: batch.records[0].offset not in unacked
        async with running(reader.app):
            commit = reader.app.consumer.commit
            await until(lambda: reader.count == 500)
            await commit()
            assert await cluster.committed() == {}
            await reader.stream.ack(reader.held[0])
            await commit()
            assert await cluster.committed() == {0: 300}
            await reader.stream.ack(reader.held[1])
            await commit()
            assert await cluster.committed() == {0: 500}

    run(scenario())


def test_a_restart_goes_on_at_the_first_batch_that_was_not_acknowledged(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(400))
        first = Reader(cluster, schema=RecordBatchSchema(max_records=100), stream_wait_empty=False)
        first.acks = lambda batch: batch.records[0].offset != 200
        async with running(first.app):
            await until(lambda: first.count == 400)
        second = Reader(cluster)
        async with running(second.app):
            await until(lambda: second.count == 200)
        assert second.offsets(0) == list(range(200, 400))

    run(scenario())


def test_an_agent_that_fails_stops_the_app_before_the_batch_is_committed(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        await cluster.produce(cluster.topic, 0, numbered(300))
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=100))

        def fail_at_the_second(batch: RecordBatch) -> bool:
            if batch.records[0].offset == 100:
                raise RuntimeError("the batch cannot be processed")
            return True

        reader.acks = fail_at_the_second
        async with running(reader.app):
            await until(lambda: reader.app.crashed)
        assert reader.offsets(0) == list(range(200))
        assert await cluster.committed() == {0: 100}

    run(scenario())


def test_holes_in_the_offsets_do_not_hold_the_commit_up(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.create_topics({cluster.topic: 1})
        producer = AIOKafkaProducer(bootstrap_servers=cluster.servers, transactional_id=cluster.group)
        async with producer:
            for number in range(20):
                # The marker at a transaction's end takes an offset of its own.
                async with producer.transaction():
                    await producer.send(cluster.topic, b"%d" % number)
        await cluster.produce(cluster.topic, 0, [b"20"])
        reader = Reader(cluster, schema=RecordBatchSchema(max_records=3))
        async with running(reader.app):
            await until(lambda: reader.count == 21)
            await reader.app.consumer.commit()
        assert reader.offsets(0) == list(range(0, 41, 2))
        assert await cluster.committed() == {0: 41}

    run(scenario())
