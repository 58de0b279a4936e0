"""Client operations: sources into the events topic, and a topic's records out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError
from stream_app.intake.sources.source import Source
from stream_app.runtimes.common.partitioning import partition_of, record_key
from stream_app.runtimes.kafka.consume.producer import BulkProducer, Message
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of, partitions_of, topics_of
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.topics import CATALOGUE, EVENTS
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules

ROUND_RECORDS = 5_000
LONGEST_KEY_BYTES = 4 * 256  # longer than any id that an event may have
LONGEST_EVENT_BYTES = EVENTS.max_message_bytes - 2 * LONGEST_KEY_BYTES  # more than any setting lets pass
POLL_MS = 500


async def produce(source: Source, settings: Settings, progress: Callable[[int, int], None]) -> int:
    """Send a source's events, each keyed by its user, and return how many were acknowledged.

    Raises:
        BrokerError: the broker is lost, a topic is missing, or an event was not acknowledged.
    """
    await check_topics(settings)
    sent = 0
    async with BulkProducer(settings) as producer:
        records = source.records(0)
        while taken := list(islice(records, ROUND_RECORDS)):
            for partition, messages in spread_by_user(
                (value for value, _ in taken), settings.partitions, settings.rules
            ).items():
                await producer.send(name_of(EVENTS, settings), partition, messages)
            sent += len(taken)
            progress(sent, taken[-1][1])
    return sent


async def send_catalogue(items: Iterable[CatalogueItem], settings: Settings) -> int:
    """Send a catalogue's items, each keyed by its id, and return how many were acknowledged.

    Raises:
        BrokerError: the broker is lost, a topic is missing, or an item was not acknowledged.
    """
    await check_topics(settings)
    sent = 0
    async with BulkProducer(settings) as producer:
        left = iter(items)
        while taken := list(islice(left, ROUND_RECORDS)):
            messages = [(CATALOGUE.key.of(item), item.model_dump_json().encode()) for item in taken]
            await producer.send(name_of(CATALOGUE, settings), 0, messages)
            sent += len(taken)
    return sent


async def read_topic(name: str, settings: Settings, on_value: Callable[[bytes], None]) -> None:
    """Pass on the current values of a declared topic, partition by partition.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
    """
    await check_topics(settings)
    topic = next(topic for topic in topics_of(settings) if topic.name == name)
    full_name = name_of(topic, settings)
    partitions = [TopicPartition(full_name, number) for number in range(partitions_of(topic, settings))]
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for records in (await consumer.getmany(partition, timeout_ms=POLL_MS)).values():
                    for record in records:
                        if record.value is not None and record.offset < ends[partition]:
                            on_value(record.value)
    except KafkaError as error:
        raise BrokerError(f"{name} cannot be read: {error}") from error
    finally:
        await consumer.stop()


def spread_by_user(values: Iterable[bytes], partitions: int, rules: Rules) -> dict[int, list[Message]]:
    """Messages by partition, each keyed by its user, as Kafka's default partitioner assigns them.

    Values larger than any topic accepts are cut, so that they arrive and fail there like other oversized
    events.
    """
    spread: dict[int, list[Message]] = {}
    for value in values:
        key = record_key(value, rules.tracker_form, rules.placeholder_ids)
        if key is not None and len(key) > LONGEST_KEY_BYTES:
            key = key[:LONGEST_KEY_BYTES]
        message = (key, value[:LONGEST_EVENT_BYTES])
        spread.setdefault(partition_of(key, partitions), []).append(message)
    return spread
