"""Everything that the topics contain about one user."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from stream_app.core.user_data import JsonObject, UserData, describe_row, group_outputs, is_about
from stream_app.errors import BrokerError
from stream_app.features.user_row import decode_row
from stream_app.runtimes.common.intake import build_privacy
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.runtimes.kafka.state.claims import ClaimReader
from stream_app.schemas.topics import TOPICS, Role, row_key, rows_changelog
from stream_app.settings.environment import Settings

POLL_MS = 500


async def export(user_id: str, settings: Settings) -> UserData:
    """A user's row, the outputs about them, and the sessions that recommenders learned from.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
    """
    definitions = settings.loaded_definitions
    await check_topics(settings)
    user_keys = build_privacy(settings).user_keys(user_id)
    partition = partition_of(user_id.encode(), settings.partitions)
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        rows: dict[str, JsonObject] = {}
        wanted = {row_key(key): key for key in user_keys}
        reader = ClaimReader()
        async for record in records_of(consumer, rows_changelog(settings.app_id).name, partition):
            if reader.counts(record) and record.key in wanted:
                rows.pop(wanted[record.key], None)
                if record.value is not None:
                    rows[wanted[record.key]] = describe_row(decode_row(record.value), definitions)
        bodies: list[bytes] = []
        for topic in TOPICS:
            if topic.contract is None or topic.role is Role.INPUT:
                continue
            number = partition if topic.partitions is None else 0
            bodies += [
                record.value
                async for record in records_of(consumer, name_of(topic, settings), number)
                if record.value is not None and is_about(record.value, {user_id, *user_keys})
            ]
    except KafkaError as error:
        raise BrokerError(f"the topics cannot be read: {error}") from error
    finally:
        await consumer.stop()
    return UserData(user_id, rows, group_outputs(bodies), _learned(bodies))


async def records_of(consumer: AIOKafkaConsumer, topic: str, number: int) -> AsyncIterator[ConsumerRecord]:
    """All current records of one partition."""
    partition = TopicPartition(topic, number)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, []):
            yield record


def _learned(bodies: list[bytes]) -> list[JsonObject]:
    """The sessions that every recommender learned, in the order of their topic."""
    learned: dict[str, JsonObject] = {}
    for output in map(orjson.loads, bodies):
        if output["schema_name"] == "user_erased":
            learned.clear()
        elif output["schema_name"] == "closed_session" and output["items"] and not output["is_bot"]:
            learned[output["id"]] = {"ended_at": output["ended_at"], "items": output["items"]}
    return list(learned.values())
