"""Records of a few topics as they come, from their newest on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of, partitions_of
from stream_app.schemas.topics import Topic
from stream_app.settings.environment import Settings

POLL_MS = 250


async def follow_topics(
    topics: Sequence[Topic], settings: Settings, newest: int, follow: bool
) -> AsyncIterator[tuple[Topic, bytes]]:
    """The newest records of each partition and, if they are followed, all that come after them.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
    """
    await check_topics(settings)
    by_name = {name_of(topic, settings): topic for topic in topics}
    partitions = [
        TopicPartition(name, number)
        for name, topic in by_name.items()
        for number in range(partitions_of(topic, settings))
    ]
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(partitions)
        firsts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(firsts[partition], ends[partition] - newest))
        while follow or await _is_behind(consumer, ends):
            for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                for record in records:
                    if record.value is not None and (follow or record.offset < ends[partition]):
                        yield by_name[partition.topic], record.value
    except KafkaError as error:
        raise BrokerError(f"the topics cannot be followed: {error}") from error
    finally:
        await consumer.stop()


async def _is_behind(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    return any([await consumer.position(partition) < end for partition, end in ends.items()])
