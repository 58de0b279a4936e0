"""What a partition holds now, read by no group."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

POLL_MS = 500


async def records_of(consumer: AIOKafkaConsumer, topic: str, number: int) -> AsyncIterator[ConsumerRecord]:
    """All current records of one partition."""
    partition = TopicPartition(topic, number)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, []):
            yield record
