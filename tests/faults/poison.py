"""Records that nobody can use, for every topic that the job reads."""

from random import Random

from aiokafka import AIOKafkaProducer
from faults.job import POISON_KEY, Job

from stream_app.runtimes.kafka.operate.topics import name_of, partitions_of
from stream_app.schemas.topics import (
    CATALOGUE,
    EXAMPLES,
    LINKS,
    PRIVACY_REQUESTS,
    RECOMMENDATION_CLICKS,
    SESSIONS,
    SNAPSHOTS,
)

READ_TOPICS = (CATALOGUE, EXAMPLES, LINKS, PRIVACY_REQUESTS, RECOMMENDATION_CLICKS, SESSIONS, SNAPSHOTS)
# Rows alone come from themselves: a foreign row in the changelog would be one of a second worker.


async def poison_all(job: Job, chance: Random) -> None:
    """Send several kinds to each topic; the events topic has its own in the recorded stream."""
    async with AIOKafkaProducer(bootstrap_servers=job.broker.bootstrap_servers) as producer:
        for topic in READ_TOPICS:
            name = name_of(topic, job.cluster.settings)
            for value in _values(chance):
                partition = chance.randrange(partitions_of(topic, job.cluster.settings))
                await producer.send_and_wait(name, value, key=POISON_KEY, partition=partition)
        await producer.send_and_wait(
            name_of(SNAPSHOTS, job.cluster.settings),
            chance.randbytes(200),
            key=b"engagement_tier/0/0",
            headers=[("version", b"999999999999"), ("parts", b"1")],
        )


def _values(chance: Random) -> list[bytes | None]:
    return [
        None,
        b"",
        b"{}",
        b'{"type":',
        b"\xff\xfe" + chance.randbytes(30),
        b"[" * 3_000,
        b'{"id": 7, "schema_name": "training_example", "schema_version": 99}',
        chance.randbytes(chance.randrange(1, 5_000)),
    ]
